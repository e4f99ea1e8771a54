"""The API of the front end: what each route answers, and that one person's things are another's 404."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from shared.applications import mail_event, with_event, write
from shared.model import (
    Candidate,
    Facts,
    Link,
    LinkSuggestion,
    MailRecord,
    MailStatus,
    SenderCheck,
    Signal,
    Span,
    Verdict,
)
from shared.schema import APPLICATIONS, MAILS, SUGGESTIONS, USERS
from shared.services import Services
from shared.web import sign_in
from shared.web.api import ROUTES, respond
from shared.web.http import Request
from tests.support.made import made_services, made_settings


@pytest.fixture
def world():
    with made_services() as world:
        yield world


@pytest.fixture
def send(world):
    def send(method, path, body=None, *, uid="ada", headers=None, **query):
        given = {"host": "localhost:8080", "content-type": "application/json"} | (headers or {})
        if uid:
            given["authorization"] = f"Bearer {world.sign_in.token(uid)}"
        data = b"" if body is None else json.dumps(body).encode()
        response = respond(Request(method=method, path=path, query=query, headers=given, body=data), world)
        return response, json.loads(response.body) if response.body else None

    return send


@pytest.fixture
def acme(send):
    """An application to Acme; its id."""
    return send("POST", "/v1/applications", {"company": "Acme", "role": "Engineer"})[1]["application"]["id"]


def read_mail(
    world: Services,
    mail_id: str,
    signal: Signal,
    *,
    status: MailStatus = MailStatus.SUGGESTED,
    words: str = "we would like to invite you",
    reply_by: str = "",
) -> MailRecord:
    """An employer's mail that has been read, and was received just now."""
    record = MailRecord(
        id=mail_id,
        uid="ada",
        thread_id=f"t-{mail_id}",
        status=status,
        recorded_at=world.clock.now(),
        internal_date=world.clock.now(),
        from_address="jobs@acme.example",
        subject="About your application",
        snippet="Thank you for your time",
        sender=SenderCheck(passed=True, reason="DMARC passed for acme.example", domain="acme.example"),
        verdict=Verdict(
            signal=signal,
            confidence=0.97,
            strong=True,
            facts=Facts(reply_by=reply_by),
            evidence=(Span(where="body", text=words),),
        ),
    )
    world.store.create(MAILS.key("ada", mail_id), record)
    return record


def receive(world: Any, application_id: str, mail_id: str, signal: Signal, **more: str) -> None:
    """The mail as an event of the application, as the mailbox's run writes it."""
    record = read_mail(world, mail_id, signal, status=MailStatus.LINKED, **more)
    link = Link(application_id=application_id, rule="thread", confidence=1.0, reason="A thread that we sent in.")
    now = world.clock.now()

    def work(tx):
        user, before = tx.get(USERS.key("ada")), tx.get(APPLICATIONS.key("ada", application_id))
        event = mail_event(record, link, why_not="", by="mail", now=now)
        write(tx, before, with_event(before, event, now=now), user=user, now=now)

    world.store.transact(work)
    world.clock.step(timedelta(minutes=1))


# --- Health and sign-in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "wiring"),
    [
        ({}, "local"),
        ({"wiring": "google", "emulated": True, "sign_in_secret": b""}, "emulators"),
        ({"wiring": "google", "sign_in_secret": b""}, "google"),
    ],
)
def test_health_says_what_is_running_without_touching_anything(changes, wiring):
    world = Services(made_settings(version="1.2.3", **changes))

    response = respond(Request(method="GET", path="/v1/health"), world)

    assert json.loads(response.body) == {"status": "ok", "wiring": wiring, "version": "1.2.3"}
    assert not {"store", "queue", "identity"} & set(world.__dict__)


def test_the_local_sign_in_gives_a_token_that_works(world, send):
    response, body = send("POST", "/v1/local/sign-in", {"uid": "bob"}, uid="")

    assert (response.status, body["uid"]) == (200, "bob")
    assert world.identity.verify(body["token"]) == "bob"


@pytest.mark.parametrize(
    "host", ["", "evil.example", "localhost.evil.example", "10.0.0.7:8080", "[::1", "127.0.0.1.nip.io"]
)
def test_the_local_sign_in_is_deaf_to_other_names_of_this_machine(send, host):
    assert send("POST", "/v1/local/sign-in", {"uid": "bob"}, uid="", headers={"host": host})[0].status == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST"])
def test_the_local_sign_in_answers_on_this_machine(send, host):
    assert send("POST", "/v1/local/sign-in", {"uid": "bob"}, uid="", headers={"host": host})[0].status == 200


@pytest.mark.parametrize("emulated", [False, True])
def test_there_is_no_such_route_anywhere_else(emulated):
    for secret in (b"", b"k" * 32):
        changes = {"wiring": "google", "emulated": emulated, "sign_in_secret": secret}
        world = Services(made_settings(**changes))
        request = Request(
            method="POST",
            path="/v1/local/sign-in",
            headers={"host": "localhost", "content-type": "application/json"},
            body=b'{"uid": "bob"}',
        )

        assert respond(request, world).status == 404


def test_every_route_but_health_the_calendars_key_and_the_local_sign_in_asks_who_is_calling(send):
    open_routes = {route.template for route in (*ROUTES, *sign_in.ROUTES) if not route.auth}
    assert open_routes == {"/v1/health", "/v1/calendar/{uid}/{token}", "/v1/local/sign-in"}

    for route in ROUTES:
        if route.auth:
            path = re.sub(r"\{\w+\}", "x1", route.template)
            assert send(route.method, path, {}, uid="")[0].status == 401


# --- Applications -----------------------------------------------------------------------------------------------------


def test_an_application_is_recorded_by_hand(send, world):
    response, body = send(
        "POST", "/v1/applications", {"company": "Acme", "role": "Engineer", "job_url": "https://acme.example/jobs/1"}
    )

    application = body["application"]
    assert response.status == 201
    assert response.headers["Location"] == f"/v1/applications/{application['id']}"
    assert (application["company"], application["stage"], application["attention"]) == ("Acme", "applied", "none")
    assert application["created_at"] == world.clock.now().isoformat().replace("+00:00", "Z")
    assert [event["kind"] for event in body["ledger"]] == ["created"]
    assert "outcome" not in application


def test_the_same_request_makes_one_application(send):
    headers = {"idempotency-key": "click-1"}
    first = send("POST", "/v1/applications", {"company": "Acme"}, headers=headers)[1]
    second = send("POST", "/v1/applications", {"company": "Acme"}, headers=headers)[1]

    assert first == second
    assert len(send("GET", "/v1/applications")[1]["applications"]) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "company"),
        ({"company": ""}, "company"),
        ({"company": 5}, "company"),
        ({"company": "Acme", "stage": "hired"}, "stage"),
        ({"company": "Acme", "stage": "offer"}, "stage"),
        ({"company": "Acme", "job_url": "javascript:alert(1)"}, "job_url"),
        ({"company": "Acme", "compamy": "Acme"}, "compamy"),
        ({"company": "A" * 1000}, "company"),
    ],
    ids=str,
)
def test_a_wrong_field_is_named(send, body, field):
    response, problem = send("POST", "/v1/applications", body)

    assert response.status == 400
    assert field in problem["detail"]
    assert send("GET", "/v1/applications")[1]["applications"] == []


def test_a_list_goes_page_by_page_last_changed_first(send, world):
    for company in ("First", "Second", "Third"):
        send("POST", "/v1/applications", {"company": company})
        world.clock.step(timedelta(minutes=1))

    _, page = send("GET", "/v1/applications", limit="2")
    _, rest = send("GET", "/v1/applications", limit="2", cursor=page["next"])

    assert [each["company"] for each in page["applications"]] == ["Third", "Second"]
    assert [each["company"] for each in rest["applications"]] == ["First"]
    assert "next" not in rest


def test_a_cursor_that_is_none_is_refused(send):
    assert send("GET", "/v1/applications", cursor="made-up")[0].status == 400


def test_a_list_holds_no_ledger(send, world, acme):
    receive(world, acme, "m1", Signal.INTERVIEW_INVITATION, words="canary words")

    response, _ = send("GET", "/v1/applications")

    assert b"canary" not in response.body


def test_an_application_shows_its_ledger_oldest_first_with_evidence(send, world, acme):
    receive(world, acme, "m1", Signal.ACKNOWLEDGEMENT, words="we received your application")
    receive(world, acme, "m2", Signal.INTERVIEW_INVITATION)

    _, body = send("GET", f"/v1/applications/{acme}")

    assert body["application"]["stage"] == "interview"
    assert body["application"]["stage_event"] == "mail:m2:1"
    created, receipt, invitation = body["ledger"]
    assert [event["kind"] for event in body["ledger"]] == ["created", "mail", "mail"]
    assert receipt["evidence"] == [{"where": "body", "text": "we received your application"}]
    assert invitation["link"]["rule"] == "thread"
    assert invitation["sender"]["passed"] is True
    assert (invitation["automatic"], invitation["confidence"], invitation["mail_id"]) == (True, 0.97, "m2")
    assert [event["undoable"] for event in body["ledger"]] == [False, True, True]
    assert "signal" not in created


def test_one_step_undoes_what_a_mail_did(send, world, acme):
    receive(world, acme, "m1", Signal.REJECTION, words="we decided to move forward with others")
    assert send("GET", f"/v1/applications/{acme}")[1]["application"]["outcome"] == "rejected"

    response, body = send("POST", f"/v1/applications/{acme}/undo", {"event": "mail:m1:1"})

    assert response.status == 200
    assert body["application"]["stage"] == "applied"
    mail = next(event for event in body["ledger"] if event["kind"] == "mail")
    undo = next(event for event in body["ledger"] if event["kind"] == "retracted")
    assert (mail["counts"], mail["undoable"]) == (False, False)
    assert (undo["target"], undo["by"], undo["undoable"]) == ("mail:m1:1", "person", False)


@pytest.mark.parametrize(("event", "status"), [("created", 400), ("mail:none:1", 404), ("", 404)])
def test_what_cannot_be_undone_says_why(send, acme, event, status):
    response, body = send("POST", f"/v1/applications/{acme}/undo", {"event": event})

    assert response.status == status
    assert body["detail"].startswith("event:")


def test_a_person_corrects_what_is_wrong(send, acme):
    response, body = send(
        "POST", f"/v1/applications/{acme}/correct", {"stage": "closed", "outcome": "accepted", "note": "Signed!"}
    )

    assert response.status == 200
    assert (body["application"]["stage"], body["application"]["outcome"]) == ("closed", "accepted")
    assert body["ledger"][-1]["note"] == "Signed!"


def test_a_correction_sent_twice_corrects_once(send, acme):
    headers = {"idempotency-key": "click-2"}
    for _ in range(2):
        _, body = send("POST", f"/v1/applications/{acme}/correct", {"role": "Lead"}, headers=headers)

    assert [event["kind"] for event in body["ledger"]] == ["created", "corrected"]


def test_a_correction_that_makes_no_sense_is_refused(send, acme):
    assert send("POST", f"/v1/applications/{acme}/correct", {"stage": "closed"})[0].status == 400


def test_a_person_answers_what_a_mail_suggests(send, world, acme):
    receive(world, acme, "m1", Signal.REJECTION)

    response, body = send("POST", f"/v1/applications/{acme}/answer", {"event": "mail:m1:1", "accepted": True})

    assert response.status == 200
    assert body["ledger"][-1]["kind"] == "answered"
    assert body["application"]["attention"] == "none"
    assert send("POST", f"/v1/applications/{acme}/answer", {"event": "created", "accepted": True})[0].status == 400


def test_silence_asks_for_attention(send, world, acme):
    world.clock.step(timedelta(days=22))

    _, body = send("GET", "/v1/applications")

    assert body["applications"][0]["attention"] == "silent"


def test_how_long_is_silent_is_the_persons_own_choice(send, world, acme):
    assert send("PATCH", "/v1/preferences", {"silence_days": {"applied": 40}})[0].status == 200
    world.clock.step(timedelta(days=39))
    shown = [send("GET", path)[1] for path in ("/v1/applications", f"/v1/applications/{acme}")]
    assert [shown[0]["applications"][0]["attention"], shown[1]["application"]["attention"]] == ["none", "none"]

    world.clock.step(timedelta(days=1))

    assert send("GET", "/v1/applications")[1]["applications"][0]["attention"] == "silent"


def test_an_offer_shows_how_many_days_are_left_where_the_person_is(send, world, acme):
    assert "days_left" not in send("GET", f"/v1/applications/{acme}")[1]["application"]
    today = world.clock.now().replace(hour=20)
    world.clock.set(today)
    receive(world, acme, "m1", Signal.OFFER, reply_by=(today + timedelta(days=3)).date().isoformat())

    def days_left():
        detail, listed = send("GET", f"/v1/applications/{acme}")[1], send("GET", "/v1/applications")[1]
        assert detail["application"]["days_left"] == listed["applications"][0]["days_left"]
        return detail["application"]["days_left"]

    assert days_left() == 3
    send("PATCH", "/v1/preferences", {"time_zone": "Asia/Tokyo"})  # where it is tomorrow already
    assert days_left() == 2
    world.clock.step(timedelta(days=3))
    assert days_left() == -1

    send("POST", f"/v1/applications/{acme}/correct", {"stage": "closed", "outcome": "accepted"})

    assert "days_left" not in send("GET", f"/v1/applications/{acme}")[1]["application"]


# --- Suggestions ------------------------------------------------------------------------------------------------------


@pytest.fixture
def suggested(world, acme):
    read_mail(world, "m7", Signal.INTERVIEW_INVITATION)
    suggestion = LinkSuggestion(
        id="m7",
        uid="ada",
        created_at=world.clock.now(),
        signal=Signal.INTERVIEW_INVITATION,
        company="Acme",
        candidates=(Candidate(application_id=acme, rule="company", score=0.7, reason="Two roles there."),),
    )
    world.store.create(SUGGESTIONS.key("ada", "m7"), suggestion)


def test_a_suggestion_shows_what_its_mail_looks_like(send, suggested, acme):
    _, body = send("GET", "/v1/suggestions")

    (suggestion,) = body["suggestions"]
    assert (suggestion["mail"], suggestion["subject"]) == ("m7", "About your application")
    assert suggestion["from_address"] == "jobs@acme.example"
    assert suggestion["candidates"][0]["application_id"] == acme
    assert "next" not in body


def test_the_person_says_where_a_mail_belongs(send, suggested, acme):
    response, body = send("POST", "/v1/suggestions/m7/link", {"application": acme})

    assert response.status == 200
    assert body["application"]["stage"] == "interview"
    assert body["ledger"][-1]["link"]["rule"] == "person"
    assert send("GET", "/v1/suggestions")[1]["suggestions"] == []


def test_the_person_says_that_a_mail_belongs_nowhere(send, suggested, acme):
    response, body = send("POST", "/v1/suggestions/m7/link", {"application": None})

    assert (response.status, body) == (204, None)
    assert send("GET", "/v1/suggestions")[1]["suggestions"] == []
    assert send("GET", f"/v1/applications/{acme}")[1]["application"]["stage"] == "applied"


def test_nowhere_must_be_said(send, suggested):
    assert send("POST", "/v1/suggestions/m7/link", {})[0].status == 400


# --- Other people -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/applications/{id}", None),
        ("POST", "/v1/applications/{id}/undo", {"event": "created"}),
        ("POST", "/v1/applications/{id}/correct", {"role": "Intern"}),
        ("POST", "/v1/applications/{id}/answer", {"event": "created", "accepted": True}),
        ("POST", "/v1/suggestions/m7/link", {"application": None}),
    ],
)
def test_somebody_elses_things_are_as_if_there_were_none(send, world, suggested, acme, method, path, body):
    before = world.store.get(APPLICATIONS.key("ada", acme))

    theirs = send(method, path.replace("{id}", acme), body, uid="eve")
    nobodys = send(method, path.replace("{id}", "none").replace("m7", "m8"), body, uid="eve")

    assert theirs[0].status == 404
    assert theirs == nobodys
    assert world.store.get(APPLICATIONS.key("ada", acme)) == before


@pytest.mark.parametrize("strange", [".", "..", "__x__", "%2e", "a%2fb"])
def test_an_id_that_no_document_can_have_is_not_found(send, strange):
    assert send("GET", f"/v1/applications/{strange}")[0].status == 404
    assert send("POST", f"/v1/suggestions/{strange}/link", {"application": None})[0].status == 404


def test_somebody_elses_lists_are_empty(send, suggested):
    assert send("GET", "/v1/applications", uid="eve")[1] == {"applications": []}
    assert send("GET", "/v1/suggestions", uid="eve")[1] == {"suggestions": []}
