"""Somebody presses Apply: what is checked, what is written with it, and that the same click is one application."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared import applications, consent
from shared.adapters.sqlite_store import SqliteStore
from shared.applications import Correction, NewApplication
from shared.errors import NotFound, Refused, Rejected, TryAgain
from shared.local.counting import CountingStore
from shared.model import (
    Application,
    Delivery,
    Event,
    EventKind,
    Letter,
    Mailbox,
    Outcome,
    Posting,
    Send,
    SourceRef,
    Stage,
    Template,
    User,
)
from shared.schema import (
    APPLICATIONS,
    APPLICATIONS_OF_USER,
    DOCUMENTS,
    MAILBOXES,
    OF_PERSON,
    POSTINGS,
    REQUESTS,
    SENDS,
    USERS,
)
from shared.sending import request, templates
from shared.sending.desk import ATTACHMENTS_BYTES, MOST_ATTACHMENTS, REQUEST_KEPT
from shared.sending.last_look import Check
from shared.sending.letter import compose
from shared.sending.moves import move
from shared.sending.orders import Applied, Failed, FollowUp, Held
from shared.sending.plan import SPACING
from tests.support.applying import (
    ASKED,
    LETTER,
    applied,
    apply,
    apply_to_all,
    asked,
    has_document,
    made_desk,
    prefers,
    sends,
    woken,
)
from tests.support.hostile import LINE_ENDS, STRINGS, read


@pytest.fixture
def world():
    with made_desk() as world:
        yield world


def tracked(world: Any, uid: str = "ada") -> list[Any]:
    return [item.value for item in world.store.find(APPLICATIONS_OF_USER, parent=uid, limit=300).items]


def held(world: Any, order: Any, **more: Any) -> dict[str, str]:
    """What the last look finds: words by check."""
    done = apply(world, order, **more)
    assert isinstance(done, Held), done
    return {finding.check.value: finding.detail for finding in done.findings}


def letter_of(done: Applied) -> Letter:
    """What the mail will say."""
    assert done.send.letter is not None
    return done.send.letter


def tracks(world: Any, company: str, role: str = "", stage: Stage = Stage.APPLIED) -> Application:
    """The person has recorded another application."""
    new = NewApplication(company=company, role=role, stage=stage)
    return applications.create("ada", new, store=world.store, clock=world.clock, ids=world.ids)


# --- One click --------------------------------------------------------------------------------------------------------


def test_one_click_writes_application_and_send_and_names_the_send(world):
    done = applied(world)

    application = world.store.get(APPLICATIONS.key("ada", done.application.id)).value
    assert (application.company, application.role) == ("Acme", "Engineer")
    assert (application.stage, application.delivery) == (Stage.SAVED, Delivery.QUEUED)
    assert [event.by for event in application.events.values()] == ["person", "person"]
    assert application == done.application
    send = world.store.get(SENDS.key(done.send.id)).value
    assert send == done.send
    assert (send.uid, send.application_id, send.kind) == ("ada", application.id, "application")
    assert send.due_at == send.send_after == world.clock.now() + timedelta(seconds=10)
    letter = letter_of(done)
    assert (letter.recipient, letter.subject) == ("jobs@acme.example", "Application: Engineer")
    assert letter.text == LETTER
    assert "<p>Dear Acme team,</p>" in letter.html
    assert woken(world) == [send.id]


def test_the_queued_event_is_the_one_that_the_sender_goes_on_from(world):
    done = applied(world)
    send = move(done.send, lambda s: replace(s, delivery=Delivery.SENDING), store=world.store, clock=world.clock)
    application = world.store.get(APPLICATIONS.key("ada", done.application.id)).value

    kinds = [(key, event.delivery) for key, event in application.events.items() if event.kind is EventKind.DELIVERY]
    assert kinds == [(f"send:{send.id}:0", Delivery.QUEUED), (f"send:{send.id}:1", Delivery.SENDING)]
    assert application.delivery is Delivery.SENDING


def connected(world: Any, *rungs: consent.Rung) -> None:
    """The person's Gmail is connected, with these steps of the ladder."""
    mailbox = Mailbox(id="m1", uid="ada", history_id="1", scopes=tuple(rung.scope for rung in rungs))
    world.store.transact(lambda tx: tx.put(MAILBOXES.key("m1"), mailbox))
    world.store.transact(lambda tx: tx.put(USERS.key("ada"), User(uid="ada", mailbox_id="m1")))


def test_a_click_is_refused_while_gmail_is_connected_for_reading_alone(world):
    connected(world, consent.HEARS)

    for click in (lambda: apply(world), lambda: apply_to_all(world, [ASKED, asked(company="Lumen")])):
        with pytest.raises(Refused, match="applies is not allowed") as refused:
            click()
        assert consent.APPLIES.unlocks in str(refused.value)
    assert not tracked(world)
    assert not sends(world.store)


def test_a_follow_up_is_refused_while_gmail_is_connected_for_reading_alone(world):
    connected(world, consent.HEARS, consent.APPLIES)
    done = applied(world)
    connected(world, consent.HEARS)

    with pytest.raises(Refused, match="applies is not allowed"):
        request.follow_up(
            "ada",
            done.application.id,
            FollowUp(letter="Any news?"),
            key="k2",
            store=world.store,
            queue=world.queue,
            clock=world.clock,
            ids=world.ids,
        )


def test_what_was_asked_for_before_is_answered_whatever_is_allowed_now(world):
    connected(world, consent.HEARS, consent.APPLIES)
    done = applied(world)
    connected(world, consent.HEARS)

    assert applied(world).send == done.send


@pytest.mark.parametrize("rungs", [(), (consent.HEARS, consent.APPLIES)])
def test_a_click_is_taken_where_sending_is_allowed_or_nobody_knows(world, rungs):
    connected(world, *rungs)

    assert applied(world).send.delivery is Delivery.QUEUED


def test_a_key_stands_for_what_it_made_for_a_month(world):
    done = applied(world, key="k1")
    apply_to_all(world, [asked(company="Lumen")])

    (requests,) = (query for query in OF_PERSON if query.collection is REQUESTS)
    kept = [item.value for item in world.store.find(requests, parent="ada", limit=10).items]
    assert len(kept) == 2
    assert {each.expires_at for each in kept} == {world.clock.now() + REQUEST_KEPT}
    world.clock.step(REQUEST_KEPT)
    assert applied(world, key="k1").send.id == done.send.id


def test_gmail_is_not_touched_and_neither_are_files(world):
    applied(world)

    assert not {"gmail", "vault", "blobs", "consent"} & set(world.__dict__)


def test_the_person_is_told_nothing_of_what_they_did(world):
    done = applied(world)
    assert applications.notices(None, done.application, now=world.clock.now()) == ()


@pytest.mark.parametrize(
    ("preference", "given", "seconds", "named"),
    [(10, None, 10, True), (0, None, 0, True), (30, None, 30, True), (31, None, 31, False), (10, 120, 120, False)],
)
def test_a_mail_waits_so_long_and_a_long_wait_is_not_published_before_it_is_due(
    world, preference, given, seconds, named
):
    prefers(world, recall_seconds=preference)
    done = applied(world, asked(send_after=given))

    assert done.send.send_after - world.clock.now() == timedelta(seconds=seconds)
    assert (woken(world) == [done.send.id]) is named


def test_a_publication_that_fails_is_made_up_for_when_the_send_is_due(world):
    class Down:
        def publish(self, topic: str, message: object) -> None:
            raise TryAgain("the broker is down")

        def publish_all(self, topic: str, messages: object) -> None:
            raise AssertionError("one at a time")

    done = request.apply("ada", ASKED, key="k1", store=world.store, queue=Down(), clock=world.clock, ids=world.ids)

    assert isinstance(done, Applied)
    assert sends(world.store)[0].due_at is not None


def test_a_posting_fills_what_is_left_out(world):
    posting = Posting(
        id="p1",
        company="Globex",
        title="Pilot",
        apply_address="people@globex-jobs.example",
        apply_url="https://globex.example/jobs/7",
        found_at=world.clock.now(),
        updated_at=world.clock.now(),
    )
    world.store.create(POSTINGS.key("p1"), posting)
    done = applied(world, asked(posting="p1", company="", role="", recipient="", letter="Dear Globex, hire me."))

    assert (done.application.company, done.application.role) == ("Globex", "Pilot")
    assert done.application.job_url == "https://globex.example/jobs/7"
    assert letter_of(done).recipient == "people@globex-jobs.example"


@pytest.mark.parametrize(
    ("id_", "words"), [("nothing", "nothing by that id"), ("a/b", "nothing by that id"), ("old", "not open")]
)
def test_a_posting_must_be_there_and_open(world, id_, words):
    now = world.clock.now()
    closed = Posting(id="old", company="Globex", title="Pilot", open=False, found_at=now, updated_at=now)
    world.store.create(POSTINGS.key("old"), closed)
    with pytest.raises(Rejected, match=f"posting: .*{words}"):
        apply(world, asked(posting=id_))


def test_what_somebody_elses_career_page_shows_is_no_posting_here(world):
    now = world.clock.now()
    theirs = Posting(id="theirs", uid="somebody", company="Globex", title="Pilot", found_at=now, updated_at=now)
    world.store.create(POSTINGS.key("theirs"), theirs)
    with pytest.raises(Rejected, match="posting: there is nothing by that id"):
        apply(world, asked(posting="theirs"))


def test_the_persons_template_makes_the_mail(world):
    mine = Template(subject="{{ role }} for {{ company }}", text="{{ letter }}\n-- \nAda", html="")
    templates.put("ada", "application", mine, store=world.store)
    letter = letter_of(applied(world))

    assert (letter.subject, letter.html) == ("Engineer for Acme", "")
    assert letter.text.endswith("\n-- \nAda")
    assert letter_of(applied(world, asked(subject="My own"), key="k2", uid="bob")).subject == "My own"


# --- Every field ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"company": "", "recipient": "a@b.example", "letter": "x"}, "company: must not be empty"),
        ({"company": "A" * 121, "recipient": "a@b.example", "letter": "x"}, "company: more than"),
        ({"role": "x" * 161}, "role: more than"),
        ({"role": "a\x1bb"}, "role: contains control"),
        ({"requisition": "x" * 61}, "requisition: more than"),
        ({"job_url": "javascript:alert(1)"}, "job_url: "),
        ({"recipient": ""}, "recipient: not an address"),
        ({"recipient": "nobody"}, "recipient: not an address"),
        ({"recipient": "Ada <jobs@acme.example>"}, "recipient: not an address"),
        ({"recipient": "jobs@acme.example, eve@evil.example"}, "recipient: not an address"),
        ({"recipient": "jobs@acme.example;eve@evil.example"}, "recipient: not an address"),
        ({"recipient": "jobs@localhost"}, "recipient: not an address"),
        ({"recipient": "jobs@[127.0.0.1]"}, "recipient: not an address"),
        ({"recipient": '"jobs x"@acme.example'}, "recipient: not an address"),
        ({"recipient": "jöbs@acme.example"}, "recipient: not an address"),
        ({"recipient": f"{'a' * 65}@acme.example"}, "recipient: not an address"),
        ({"recipient": "a" * 300}, "recipient: more than 254"),
        ({"recipient_name": "x" * 121}, "recipient_name: more than"),
        ({"subject": "x" * 201}, "subject: more than"),
        ({"letter": ""}, "letter: must not be empty"),
        ({"letter": " \n\t"}, "letter: must not be empty"),
        ({"letter": "x" * 20_001}, "letter: more than"),
        ({"letter": "Acme\0"}, "letter: contains the control character U\\+0000"),
        ({"letter": "Acme \ud800"}, "letter: contains the control character"),
        ({"attachments": ("none",)}, "attachments: there is no such document"),
        ({"attachments": ("a/b",)}, "attachments: there is no such document"),
        ({"attachments": ("cv", "cv")}, "attachments: names a document twice"),
        ({"attachments": tuple(map(str, range(MOST_ATTACHMENTS + 1)))}, "attachments: more than 10"),
        ({"confirm": ("everything",)}, "confirm: no such check: everything"),
        ({"send_after": -1}, "send_after: must be 0 to 120"),
        ({"send_after": 121}, "send_after: must be 0 to 120"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_field_is_named_and_nothing_is_written(world, changes, words):
    has_document(world, "cv")
    with pytest.raises(Rejected, match=words):
        apply(world, asked(**changes))

    assert tracked(world) == []
    assert sends(world.store) == []
    assert world.store.get(USERS.key("ada")) is None


@pytest.mark.parametrize("field", ["recipient", "recipient_name", "subject"])
@pytest.mark.parametrize("end", [*LINE_ENDS, "\0", "\u202e"], ids=ascii)
def test_no_header_field_takes_what_ends_a_line(world, field, end):
    text = getattr(ASKED, field) or "Acme"
    with pytest.raises(Rejected, match=f"{field}: "):
        apply(world, asked(**{field: f"{text}{end}Bcc: eve@evil.example"}))
    with pytest.raises(Rejected, match=f"{field}: "):
        apply(world, asked(**{field: text + end}))


TEXT_FIELDS = ("company", "role", "recipient_name", "subject", "letter")


@pytest.mark.parametrize(
    ("field", "strings"),
    [("recipient", STRINGS), *((field, STRINGS[first :: len(TEXT_FIELDS)]) for first, field in enumerate(TEXT_FIELDS))],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_hostile_string_in_any_field_adds_a_header_or_a_recipient(world, field, strings):
    """Each is refused by name, or the mail that comes of it has its one recipient and our headers alone.

    The texts share the strings between them, since each application costs its transaction; every string in every
    header is `test_letter`'s.
    """
    passed = 0
    for number, text in enumerate(strings):
        order: dict[str, Any] = {"confirm": tuple(Check), field: text}
        try:
            done = applied(world, replace(ASKED, **order), uid=f"person-{number}")
        except Rejected:
            continue
        passed += 1
        send = done.send
        mail = compose(letter_of(done), send_id=send.id, sender="ada@example.com", attachments=(), date=send.created_at)
        seen = read(mail)
        assert [address for _, address in seen.to] == [letter_of(done).recipient]
        assert set(seen.headers) == HEADERS
        assert len(seen.headers) == len(HEADERS)
        assert field == "recipient" or letter_of(done).recipient == ASKED.recipient
    assert passed > LEAST_TAKEN.get(field, 20)


LEAST_TAKEN = {"recipient": -1}
"""Perhaps none of them is an address."""

HEADERS = {"from", "to", "subject", "date", "x-hearback-send", "mime-version", "content-type"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [("jobs@ACME.example", "jobs@acme.example"), ("jobs@acmé.example", "jobs@xn--acm-dma.example")],
)
def test_an_address_is_kept_as_mail_servers_know_it(world, given, kept):
    done = applied(world, asked(recipient=given, confirm=("recipient_domain",)))
    assert letter_of(done).recipient == kept


def test_nobody_is_asked_whether_an_address_exists(world):
    """The tests' sockets refuse every stranger, a name server too."""
    assert letter_of(applied(world, asked(recipient="jobs@acme.museum"))).recipient == "jobs@acme.museum"


def test_attachments_are_the_persons_own(world):
    has_document(world, "cv", uid="bob")
    with pytest.raises(Rejected, match="attachments: there is no such document"):
        apply(world, asked(attachments=("cv",)))


def test_attachments_go_with_the_letter_as_they_were(world):
    has_document(world, "cv", size=7)
    [enclosure] = letter_of(applied(world, asked(attachments=("cv",)))).attachments

    assert (enclosure.document_id, enclosure.name, enclosure.size) == ("cv", "cv.pdf", 7)
    assert enclosure.media_type == "application/pdf"


@pytest.mark.parametrize(("sizes", "fits"), [((9, 9), True), ((9, 8, 1), True), ((9, 9, 1), False)])
def test_attachments_have_18_megabytes_together(world, sizes, fits):
    one = ATTACHMENTS_BYTES // 18
    ids = tuple(has_document(world, f"d{n}", size=size * one) for n, size in enumerate(sizes))
    if fits:
        assert len(letter_of(applied(world, asked(attachments=ids))).attachments) == len(sizes)
    else:
        with pytest.raises(Rejected, match="attachments: more than 18874368 bytes"):
            apply(world, asked(attachments=ids))


def test_18_megabytes_in_base64_leave_room_below_gmails_25():
    lines = -(-ATTACHMENTS_BYTES // 57)
    assert lines * 78 + 200_000 < 25 * 1024 * 1024


# --- The last look ----------------------------------------------------------------------------------------------------


def test_a_letter_that_names_another_tracked_company_is_held(world):
    tracks(world, "Globex Corporation", "Pilot")
    found = held(world, asked(letter="Dear Globex, I have always admired Acme."))

    assert found == {"other_company": "The letter names Globex Corporation, and this application is for Acme."}


@pytest.mark.parametrize(
    ("other", "letter"),
    [
        ("Target", "Dear Acme, my target is an offer."),
        ("Indeed", "Acme is, indeed, great."),
        ("Acme Labs GmbH", "Dear Acme team"),
        ("Meta", "Acme works on metadata."),
        ("AI", "Acme works on aim and brain."),
    ],
)
def test_a_word_that_is_also_a_name_is_no_other_company(world, other, letter):
    tracks(world, other)
    applied(world, asked(letter=letter, confirm=("duplicate", "cool_down")))


@pytest.mark.parametrize(
    ("company", "letter", "names"),
    [
        ("Acme GmbH", "Dear ACME people", True),
        ("Café Zoë", "Liebes CAFÉ ZOË Team", True),
        ("任天堂", "私は任天堂で働きたいです", True),
        ("Acme Technologies", "Dear Acme", True),
        ("Acme", "Dear " + "very " * 500 + "good people of Acme", True),
        ("Acme", "Dear team", False),
        ("Acme", "Dear Acmeology", False),
    ],
)
def test_a_letter_names_its_company(world, company, letter, names):
    done = apply(world, asked(company=company, letter=letter, subject="Hello", recipient="a@b.example"))
    assert isinstance(done, Held)
    assert (Check.COMPANY_MISSING in {each.check for each in done.findings}) is not names


def test_a_second_application_for_the_same_role_is_held(world):
    applied(world)
    found = held(world, ASKED, key="k2")

    assert found["duplicate"] == "There is an open application for Engineer at Acme already."
    assert found["cool_down"] == "The last application to Acme was today."


@pytest.mark.parametrize(
    ("role", "stage", "days", "expected"),
    [
        ("Engineer", "open", 40, {"duplicate"}),
        ("Engineer", "open", 29, {"duplicate", "cool_down"}),
        ("Engineer", "closed", 29, {"cool_down"}),
        ("Engineer", "closed", 30, set()),
        ("Pilot", "open", 29, {"cool_down"}),
        ("Pilot", "open", 30, set()),
        ("Engineer", "saved", 1, set()),
    ],
)
def test_what_was_applied_for_before_counts_while_it_is_open_or_fresh(world, role, stage, days, expected):
    before = tracks(world, "Acme Inc.", role, Stage.SAVED if stage == "saved" else Stage.APPLIED)
    if stage == "closed":
        correction = Correction(stage=Stage.CLOSED, outcome=Outcome.REJECTED)
        applications.correct("ada", before.id, correction, store=world.store, clock=world.clock, ids=world.ids)
    world.clock.step(timedelta(days=days))
    done = apply(world)

    assert ({each.check.value for each in done.findings} if isinstance(done, Held) else set()) == expected


@pytest.mark.parametrize("delivery", [Delivery.CANCELLED, Delivery.FAILED])
def test_an_application_that_never_left_is_in_nobodys_way(world, delivery):
    done = applied(world)
    if delivery is Delivery.FAILED:
        move(done.send, lambda s: replace(s, delivery=Delivery.SENDING), store=world.store, clock=world.clock)
    move(done.send, lambda s: replace(s, delivery=delivery), store=world.store, clock=world.clock)

    applied(world, key="k2")


def test_the_cool_down_is_the_persons_choice(world):
    prefers(world, cool_down_days=0)
    tracks(world, "Acme", "Pilot")

    applied(world)


@pytest.mark.parametrize(
    ("recipient", "company", "is_theirs"),
    [
        ("jobs@acme.example", "Acme", True),
        ("jobs@mail.acme.co.uk", "Acme Inc.", True),
        ("jobs@acme-careers.example", "Acme", True),
        ("people@bigacmeworks.example", "Acme", True),
        ("acme@jobs.personio.de", "Acme", True),
        ("jobs@acme.recruitee.com", "Acme", True),
        ("jobs@evil.example", "Acme", False),
        ("acme@gmail.com", "Acme", False),
        ("jobs@globex.recruitee.com", "Acme", False),
        ("jobs@saprex.example", "SAP", False),
        ("jobs@sap.example", "SAP", True),
        ("jobs@acme.evil.example", "Acme", False),
    ],
)
def test_the_recipients_domain_is_the_employers(world, recipient, company, is_theirs):
    done = apply(world, asked(company=company, recipient=recipient, letter=f"Dear {company}"))
    checks = {each.check for each in done.findings} if isinstance(done, Held) else set()

    assert checks == (set() if is_theirs else {Check.RECIPIENT_DOMAIN})


@pytest.mark.parametrize(
    ("fields", "recipient", "is_theirs"),
    [
        ({"apply_address": "hr@holding.example"}, "hr@holding.example", True),
        ({"apply_address": "hr@holding.example"}, "other@holding.example", True),
        ({"apply_address": "acme@gmail.com"}, "acme@gmail.com", True),
        ({"apply_address": "acme@gmail.com"}, "eve@gmail.com", False),
        ({"apply_url": "https://jobs.holding.example/7"}, "hr@holding.example", True),
        ({"apply_url": "https://boards.greenhouse.io/acme/7"}, "hr@greenhouse.io", False),
        ({"sources": (SourceRef(source="page", id="1", url="https://holding.example/x"),)}, "hr@holding.example", True),
        ({"apply_url": "http://[::1"}, "hr@holding.example", False),
    ],
)
def test_or_one_that_the_posting_names(world, fields, recipient, is_theirs):
    now = world.clock.now()
    world.store.create(
        POSTINGS.key("p1"), Posting(id="p1", company="Acme", title="Engineer", found_at=now, updated_at=now, **fields)
    )
    order = asked(posting="p1", recipient=recipient, job_url="https://acme.example/jobs")
    done = apply(world, order)

    assert isinstance(done, Applied) is is_theirs


def test_what_was_confirmed_is_sent_and_what_was_not_is_held(world):
    tracks(world, "Globex")
    wrong = asked(letter="Dear Globex", recipient="a@b.example")
    assert set(held(world, wrong)) == {"other_company", "recipient_domain"}
    assert set(held(world, replace(wrong, confirm=("other_company",)))) == {"recipient_domain"}
    assert len(tracked(world)) == 1

    applied(world, replace(wrong, confirm=("other_company", "recipient_domain")))


def test_the_persons_own_cap_is_confirmed_too(world):
    prefers(world, daily_cap=1)
    applied(world)
    found = held(world, asked(company="Globex"), key="k2")

    assert found == {"daily_cap": "Applications on that day so far: 1. The most that you have set is 1."}
    applied(world, asked(company="Globex", confirm=("daily_cap",)), key="k2")
    world.clock.step(timedelta(days=1))
    applied(world, asked(company="Initech"), key="k3")


# --- The same request -------------------------------------------------------------------------------------------------


def test_the_same_key_and_request_give_the_first_answer_again(world):
    first = applied(world)
    world.clock.step(timedelta(seconds=5))

    assert applied(world) == first
    assert len(tracked(world)) == len(sends(world.store)) == 1


def test_the_same_key_for_another_request_is_refused(world):
    applied(world)
    with pytest.raises(Refused, match="idempotency-key"):
        apply(world, asked(role="Pilot"))
    with pytest.raises(Refused, match="idempotency-key"):
        follow_up(world, tracked(world)[0].id, key="k1")

    assert len(sends(world.store)) == 1


def test_a_request_that_was_held_leaves_its_key_free(world):
    tracks(world, "Globex")
    wrong = asked(letter="Dear Globex and Acme")
    held(world, wrong)

    applied(world, replace(wrong, confirm=("other_company",)))


def test_another_persons_key_is_another_key(world):
    one, other = applied(world), applied(world, uid="bob")

    assert one.send.id != other.send.id
    assert len(sends(world.store)) == len(sends(world.store, "bob")) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "é"])
def test_a_request_needs_a_key(world, key):
    with pytest.raises(Rejected, match="idempotency-key"):
        apply(world, key=key)


def test_a_document_that_is_gone_by_now_is_no_matter_for_a_repeated_request(world):
    has_document(world, "cv")
    first = applied(world, asked(attachments=("cv",)))
    world.store.delete(DOCUMENTS.key("ada", "cv"))

    assert applied(world, asked(attachments=("cv",))) == first


# --- Races ------------------------------------------------------------------------------------------------------------


class Interrupted:
    """A store that lets somebody else act before its n-th operation."""

    def __init__(self, store: Any, at: int, act: Callable[[], object]) -> None:
        self._store, self._left, self._act = store, at, act
        self.acted = False

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._store, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if self._left == 0:
                self.acted = True
                self._act()
            self._left -= 1
            return operation(*args, **kwargs)

        return call


@pytest.mark.parametrize("at", range(12))
def test_two_requests_with_one_key_make_one_send_in_any_order(world, at):
    found: list[Applied] = []
    store = Interrupted(world.store, at, lambda: found.append(applied(world)))
    mine = request.apply("ada", ASKED, key="k1", store=store, queue=world.queue, clock=world.clock, ids=world.ids)

    assert isinstance(mine, Applied)
    assert len(sends(world.store)) == len(tracked(world)) == 1
    for other in found:
        assert mine == other
    assert store.acted is (at < OPERATIONS)


@pytest.mark.parametrize("at", range(12))
def test_two_requests_for_one_role_with_two_keys_never_both_pass_the_last_look(world, at):
    found: list[Applied | Held] = []
    store = Interrupted(world.store, at, lambda: found.append(apply(world, key="k2")))
    mine = request.apply("ada", ASKED, key="k1", store=store, queue=world.queue, clock=world.clock, ids=world.ids)

    assert len(sends(world.store)) == 1
    if found:
        assert sorted(type(each).__name__ for each in (mine, *found)) == ["Applied", "Held"]


OPERATIONS = 6
"""Of the store in one request: person, key, the day's count, template, applications, write."""


def test_many_threads_with_one_key_make_one_send(world):
    results: list[Applied | Held] = []
    barrier = threading.Barrier(8)

    def press() -> None:
        barrier.wait()
        results.append(apply(world))

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(results) == 8
    assert len({each.send.id for each in results if isinstance(each, Applied)}) == 1
    assert len(sends(world.store)) == len(tracked(world)) == 1


def test_a_store_in_which_somebody_else_is_always_faster_once_writes_everything_once(world):
    answers = itertools.cycle([True, False])
    store = SqliteStore(conflicts=lambda: next(answers), sleep=lambda seconds: None)
    try:
        asked_for = {"queue": world.queue, "clock": world.clock, "ids": world.ids}
        one = request.apply("ada", ASKED, key="k1", store=store, **asked_for)
        many = request.apply_to_all("ada", companies(5), key="b1", store=store, **asked_for)

        assert isinstance(one, Applied)
        assert all(isinstance(each, Applied) for each in many)
        assert len(sends(store)) == 6
    finally:
        store.close()


def test_somebody_who_writes_all_the_time_makes_the_request_come_again(world):
    store = Interrupted(world.store, 0, lambda: None)
    number = iter(range(1_000))

    def transact(*args: Any, **kwargs: Any) -> Any:
        tracks(world, f"Company {next(number)}")
        return world.store.transact(*args, **kwargs)

    store.transact = transact  # type: ignore[attr-defined]
    with pytest.raises(TryAgain, match="faster than"):
        request.apply("ada", ASKED, key="k1", store=store, queue=world.queue, clock=world.clock, ids=world.ids)
    assert sends(world.store) == []


# --- What it costs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [0, 20])
def test_a_request_reads_the_persons_applications_once_and_writes_four_documents(world, known):
    for number in range(known):
        tracks(world, f"Company {number}")
    store = CountingStore(world.store)
    has_document(world, "cv")
    request.apply(
        "ada",
        asked(attachments=("cv",)),
        key="k1",
        store=store,
        queue=world.queue,
        clock=world.clock,
        ids=world.ids,
    )

    assert store.bill.transactions == 1
    assert store.bill.writes == 4
    # Person, key, count, template, document, and in the transaction person and key.
    assert store.bill.reads == 7 + max(1, known)


def test_a_repeated_request_reads_four_documents_and_writes_none(world):
    applied(world)
    store = CountingStore(world.store)
    request.apply("ada", ASKED, key="k1", store=store, queue=world.queue, clock=world.clock, ids=world.ids)

    assert (store.bill.reads, store.bill.writes) == (4, 0)


# --- Many at once -----------------------------------------------------------------------------------------------------


def companies(count: int) -> list[Any]:
    return [asked(company=f"Company{n}", role="Engineer") for n in range(count)]


def test_many_applications_leave_one_after_the_other(world):
    done = apply_to_all(world, companies(50))

    times = [each.send.send_after for each in done if isinstance(each, Applied)]
    assert len(times) == 50
    assert times[0] == world.clock.now() + timedelta(seconds=10)
    assert {later - earlier for earlier, later in itertools.pairwise(times)} == {SPACING}
    assert woken(world) == [done[0].send.id]


def test_each_has_a_result_of_its_own(world):
    tracks(world, "Globex", "Pilot")
    done = apply_to_all(
        world,
        [
            asked(company="Initech"),
            asked(company="Globex", role="Pilot"),
            asked(company="Hooli", recipient="nobody"),
            Failed(reason="recipient: no such field"),
            asked(company="Umbrella"),
        ],
    )

    assert [type(each).__name__ for each in done] == ["Applied", "Held", "Failed", "Failed", "Applied"]
    assert "recipient: not an address" in done[2].reason
    assert {each.company for each in tracked(world)} == {"Globex", "Initech", "Umbrella"}
    # What was not written takes no time from the others.
    assert done[4].send.send_after - done[0].send.send_after == SPACING


def test_one_of_them_may_not_repeat_another(world):
    done = apply_to_all(world, [asked(company="Initech"), asked(company="Initech")])

    assert [type(each).__name__ for each in done] == ["Applied", "Held"]


def test_the_daily_cap_puts_the_rest_off_to_the_mornings_after(world):
    prefers(world, daily_cap=2, time_zone="America/New_York")
    world.clock.set(datetime(2026, 1, 5, 15, tzinfo=UTC))
    done = apply_to_all(world, companies(5))

    zone = ZoneInfo("America/New_York")
    local = [each.send.send_after.astimezone(zone) for each in done]
    assert [(moment.day, moment.hour, moment.minute) for moment in local] == [
        (5, 10, 0),
        (5, 10, 2),
        (6, 9, 0),
        (6, 9, 2),
        (7, 9, 0),
    ]


def test_what_is_planned_already_counts(world):
    prefers(world, daily_cap=2)
    applied(world)
    first = apply_to_all(world, companies(2), key="b1")
    second = apply_to_all(world, [asked(company="Late")], key="b2")

    assert [each.send.send_after.day for each in (*first, *second)] == [5, 6, 6]


def test_at_night_only_the_first_leaves(world):
    world.clock.set(datetime(2026, 1, 5, 23, 58, tzinfo=UTC))
    done = apply_to_all(world, companies(3))

    assert [each.send.send_after.strftime("%d %H:%M") for each in done] == ["05 23:58", "06 09:00", "06 09:02"]


def test_a_bulk_request_again_gives_the_first_answers(world):
    orders = [asked(company="Initech"), asked(company="Globex", recipient="nobody"), asked(company="Hooli")]
    first = apply_to_all(world, orders)
    world.clock.step(timedelta(minutes=3))

    assert apply_to_all(world, orders) == first
    assert len(sends(world.store)) == 2


def test_a_bulk_request_that_was_interrupted_goes_on(world):
    class Broken:
        def __init__(self) -> None:
            self.left = 2

        def __getattr__(self, name: str) -> Any:
            return getattr(world.store, name)

        def transact(self, *args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise TryAgain("the store is down")
            return world.store.transact(*args, **kwargs)

    with pytest.raises(TryAgain):
        request.apply_to_all(
            "ada", companies(4), key="b1", store=Broken(), queue=world.queue, clock=world.clock, ids=world.ids
        )
    assert len(sends(world.store)) == 2
    done = apply_to_all(world, companies(4))

    assert all(isinstance(each, Applied) for each in done)
    assert len(sends(world.store)) == 4
    times = sorted(each.send_after for each in sends(world.store))
    assert len(set(times)) == 4


def test_another_bulk_request_under_the_key_is_refused(world):
    apply_to_all(world, companies(3))
    with pytest.raises(Refused, match="idempotency-key"):
        apply_to_all(world, companies(4))
    assert len(sends(world.store)) == 3


@pytest.mark.parametrize("count", [0, 51])
def test_there_are_one_to_fifty(world, count):
    with pytest.raises(Rejected, match="applications: must be 1 to 50"):
        apply_to_all(world, companies(count))


def test_when_every_day_is_full_it_says_so(world):
    prefers(world, daily_cap=1)
    for key in ("b1", "b2"):
        done = apply_to_all(world, [asked(company=f"{key}{n}x") for n in range(30)], key=key)
        assert all(isinstance(each, Applied) for each in done)
    [late] = apply_to_all(world, [asked(company="Late")], key="b3")

    assert late == Failed(reason="send_after: the next 60 days are full")


def test_fifty_applications_read_the_others_once(world):
    for number in range(10):
        tracks(world, f"Known{number}")
    store = CountingStore(world.store)
    request.apply_to_all(
        "ada", companies(50), key="b1", store=store, queue=world.queue, clock=world.clock, ids=world.ids
    )

    assert store.bill.writes == 50 * 4
    # For each its key, and person and key in its transaction; once the person, the day, the template and the others.
    assert store.bill.reads == 50 * 3 + 3 + 10


# --- Follow-ups -------------------------------------------------------------------------------------------------------


def left(world: Any, **changes: Any) -> Send:
    """An application whose mail has left."""
    done = applied(world, asked(**changes))
    move(done.send, lambda s: replace(s, delivery=Delivery.SENDING), store=world.store, clock=world.clock)
    return move(
        done.send,
        lambda s: replace(
            s,
            delivery=Delivery.SENT,
            letter=None,
            sent_to="jobs@acme.example",
            gmail_id="g1",
            thread_id="t1",
            message_id="<one@mail.gmail.com>",
            sent_at=world.clock.now(),
            due_at=None,
        ),
        store=world.store,
        clock=world.clock,
    )


def follow_up(world: Any, application_id: str, *, key: str = "f1", uid: str = "ada", **fields: Any) -> Applied:
    return request.follow_up(
        uid,
        application_id,
        FollowUp(**{"letter": "Dear Acme, any news?", **fields}),
        key=key,
        store=world.store,
        queue=world.queue,
        clock=world.clock,
        ids=world.ids,
    )


def test_a_follow_up_goes_on_in_the_thread(world):
    before = left(world)
    world.clock.step(timedelta(days=7))
    done = follow_up(world, before.application_id)

    letter = letter_of(done)
    assert done.send.kind == "follow_up"
    assert (letter.recipient, letter.subject) == ("jobs@acme.example", "Re: Application: Engineer")
    assert (letter.thread_id, letter.in_reply_to) == ("t1", "<one@mail.gmail.com>")
    assert letter.references == ("<one@mail.gmail.com>",)
    assert woken(world)[-1] == done.send.id
    # It is the application's mail that has left; what a follow-up does is an event of its own when it leaves.
    assert world.store.get(APPLICATIONS.key("ada", before.application_id)).value.delivery is Delivery.SENT


def test_a_follow_up_is_asked_for_once(world):
    before = left(world)
    assert follow_up(world, before.application_id) == follow_up(world, before.application_id)
    with pytest.raises(Refused, match="idempotency-key"):
        follow_up(world, before.application_id, letter="Another letter")
    assert len(sends(world.store)) == 2


def test_one_follow_up_at_a_time(world):
    before = left(world)
    done = follow_up(world, before.application_id)
    with pytest.raises(Refused, match="on its way already"):
        follow_up(world, before.application_id, key="f2")
    move(done.send, lambda s: replace(s, delivery=Delivery.CANCELLED), store=world.store, clock=world.clock)

    follow_up(world, before.application_id, key="f2")


def test_a_follow_up_answers_the_newest_mail_of_its_thread(world):
    before = left(world)
    key = APPLICATIONS.key("ada", before.application_id)
    application = world.store.get(key).value
    for number, (message_id, thread_id) in enumerate(
        [("<two@acme.example>", "t1"), ("<elsewhere@acme.example>", "t2"), ("no id at all", "t1"), ("", "t1")]
    ):
        event = Event(
            key=f"mail:m{number}:1",
            kind=EventKind.MAIL,
            occurred_at=world.clock.step(timedelta(hours=1)),
            recorded_at=world.clock.now(),
            by="mail",
            thread_id=thread_id,
            message_id=message_id,
        )
        application = applications.with_event(application, event, now=world.clock.now())
    world.store.transact(lambda tx: tx.put(key, application))
    letter = letter_of(follow_up(world, before.application_id))

    assert letter.in_reply_to == "<two@acme.example>"
    assert letter.references == ("<one@mail.gmail.com>", "<two@acme.example>")


def test_there_is_no_follow_up_before_the_mail_has_left(world):
    done = applied(world)
    with pytest.raises(Refused, match="no mail of it has left"):
        follow_up(world, done.application.id)


def test_a_follow_up_of_somebody_elses_application_is_not_found(world):
    before = left(world)
    with pytest.raises(NotFound):
        follow_up(world, before.application_id, uid="bob")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"letter": "a\0"}, "letter: "),
        ({"letter": " "}, "letter: must not be empty"),
        ({"recipient": "x\r\ny@acme.example"}, "recipient: "),
        ({"attachments": ("none",)}, "attachments: "),
        ({"send_after": 121}, "send_after: "),
    ],
)
def test_a_follow_ups_fields_are_checked_as_well(world, fields, words):
    before = left(world)
    with pytest.raises(Rejected, match=words):
        follow_up(world, before.application_id, **fields)


def test_every_request_is_kept_below_its_person(world):
    done = applied(world)
    page = world.store.get(REQUESTS.key("ada", applications.stable_id("request", "k1"))).value

    assert (page.uid, page.send_id, page.application_id) == ("ada", done.send.id, done.application.id)
