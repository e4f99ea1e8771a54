"""Reports: what the figures mean, that each period is written once, and that the page is safe and needs no image."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from shared import applications, reports
from shared.due import WriteReport
from shared.errors import Rejected
from shared.model import FEWEST_FOR_A_RATE, NotificationKind, Outcome, Preferences, SenderCheck, Share, Signal
from shared.schema import APPLICATIONS, USERS
from tests.support.telling import DAY, HOUR, Telling

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
WEEKLY, MONTHLY = NotificationKind.WEEKLY_SUMMARY, NotificationKind.MONTHLY_REPORT


@pytest.fixture
def world():
    with closing(Telling(MONDAY)) as made:
        yield made


def newest(world, uid="ada"):
    return reports.listed(uid, limit=1, store=world.store).items[0].value


# --- The figures ------------------------------------------------------------------------------------------------------


def test_the_week_counts_what_happened_in_it(world):
    world.person("ada")
    for number in range(12):
        world.applied("ada", f"a{number}", company=f"Firm {number % 3}", job_url="https://www.boards.example/1")
    world.clock.step(2 * DAY)
    world.mail("ada", "a0", Signal.ACKNOWLEDGEMENT)
    world.mail("ada", "a0", Signal.INFO_REQUEST)
    world.invited("ada", "a1", MONDAY + 3 * DAY)
    world.invited("ada", "a2", MONDAY + 30 * DAY)
    world.mail("ada", "a3", Signal.REJECTION)
    world.mail("ada", "a4", Signal.OFFER, reply_by="2026-03-20")
    world.mail("ada", "a5", Signal.ACKNOWLEDGEMENT)
    world.run_until(MONDAY + 7 * DAY)
    made = newest(world)
    assert (made.id, made.applications, made.replies, made.interviews_held, made.rejections, made.offers) == (
        "weekly:2026-03-02",
        12,
        5,
        1,
        1,
        1,
    )
    assert (made.since, made.until) == (datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC))
    assert (made.total.answered, made.total.applications, made.waiting) == (5, 12, 7)
    assert made.funnel == {"applied": 12, "screening": 3, "interview": 3, "offer": 1, "closed": 1}
    assert made.by_source == (Share(name="boards.example", applications=12, answered=5),)
    assert [share.applications for share in made.by_company] == [4, 4, 4]
    assert made.average_days == made.median_days == pytest.approx(2.0)
    assert [each.start for each in made.ahead] == [MONDAY + 30 * DAY]
    assert [each.reply_by for each in made.open_offers] == ["2026-03-20"]


def test_the_persons_own_word_counts_as_an_answer_only_when_the_employer_gave_one(world):
    world.person("ada")
    for id_ in ("a1", "a2"):
        world.applied("ada", id_)
    world.clock.step(HOUR)
    world.closed("ada", "a1")  # withdrawn
    world.closed("ada", "a2", Outcome.REJECTED)
    world.run_until(MONDAY + 7 * DAY)
    assert newest(world).total.answered == 1


def test_what_is_no_application_or_no_answer_of_theirs_counts_for_nothing(world):
    world.person("ada")
    for id_ in ("a1", "a2", "merged", "dismissed"):
        world.applied("ada", id_)
    for id_, said in (("merged", {"merged_into": "a1"}), ("dismissed", {"dismissed": True})):
        key, other = APPLICATIONS.key("ada", id_), replace(world.application("ada", id_), **said)
        world.store.transact(lambda tx, key=key, other=other: tx.put(key, other))
    unproven = SenderCheck(passed=False, reason="DMARC failed")
    world.mail("ada", "a1", Signal.REJECTION, automatic=False, sender=unproven)
    world.run_until(MONDAY + 7 * DAY)
    made = newest(world)
    assert (made.total.applications, made.total.answered, made.waiting) == (2, 0, 2)


def test_an_answer_before_the_application_is_an_answer_without_a_time(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.clock.set(MONDAY - DAY)
    world.mail("ada", "a1", Signal.INFO_REQUEST)
    world.clock.set(MONDAY)
    world.run_until(MONDAY + 7 * DAY)
    made = newest(world)
    assert (made.total.answered, made.answered, made.average_days) == (1, 0, None)


def test_an_application_without_a_posting_comes_from_where_we_learnt_of_it(world):
    world.person("ada")
    world.applied("ada", "a1", by="mail")
    world.mail("ada", "a1", Signal.ACKNOWLEDGEMENT)
    world.applied("ada", "a2")
    world.run_until(MONDAY + 7 * DAY)
    assert [share.name for share in newest(world).by_source] == ["found in mail", "written down"]


def test_neither_a_closed_application_nor_a_cancelled_interview_is_ahead_or_waits(world):
    world.person("ada")
    for id_ in ("a1", "a2", "a3"):
        world.applied("ada", id_)
    world.invited("ada", "a1", MONDAY + 20 * DAY)
    world.clock.step(HOUR)
    world.invited("ada", "a1", MONDAY + 20 * DAY, ics_sequence=1, cancelled=True)
    world.closed("ada", "a2")
    world.run_until(MONDAY + 7 * DAY)
    made = newest(world)
    assert (made.ahead, made.waiting, made.total.answered) == ((), 1, 1)


def test_a_step_that_the_person_has_refused_is_none(world):
    world.person("ada")
    for id_, accepted in (("a1", True), ("a2", False)):
        world.applied("ada", id_)
        world.mail("ada", id_, Signal.OFFER, automatic=False)
        event = world.application("ada", id_).moves[0].event
        applications.answer("ada", id_, event, accepted=accepted, store=world.store, clock=world.clock)
    world.run_until(MONDAY + 7 * DAY)
    made = newest(world)
    assert (made.funnel["offer"], made.offers) == (1, 1)


def test_an_offer_counts_in_the_week_in_which_it_was_made_whatever_came_of_it(world):
    world.person("ada")
    for id_ in ("a1", "a2"):
        world.applied("ada", id_)
        world.mail("ada", id_, Signal.OFFER, reply_by="2026-03-06")
    world.clock.step(DAY)
    world.closed("ada", "a1", Outcome.ACCEPTED)
    world.run_until(MONDAY + 14 * DAY)
    weeks = [item.value for item in reports.listed("ada", limit=2, store=world.store).items]
    assert [(week.id, week.offers) for week in weeks] == [("weekly:2026-03-09", 0), ("weekly:2026-03-02", 2)]


def test_the_next_offer_to_be_answered_stands_first_and_one_whose_day_is_over_last(world):
    world.person("ada")
    for id_, reply_by in (("over", "2026-03-05"), ("open", ""), ("later", "2026-03-20"), ("next", "2026-03-10T17:00")):
        world.applied("ada", id_, role=id_)
        world.mail("ada", id_, Signal.OFFER, reply_by=reply_by)
    world.run_until(MONDAY + 7 * DAY)
    made = newest(world)
    assert [each.role for each in made.open_offers] == ["next", "later", "open", "over"]
    text, _ = reports.page(made, Preferences())
    said = text[text.index("OFFERS") + 1 : text.index("OFFERS") + 5]
    assert said == [
        "  next at Acme: by Tue 10 Mar, 17:00, 1 day left",
        "  later at Acme: by Fri 20 Mar, 11 days left",
        "  open at Acme: no day named",
        "  over at Acme: by Thu 5 Mar, 4 days ago",
    ]


def test_no_rate_is_spoken_of_below_ten():
    assert Share(name="", applications=FEWEST_FOR_A_RATE - 1, answered=3).rate is None
    assert Share(name="", applications=FEWEST_FOR_A_RATE, answered=3).rate == pytest.approx(0.3)


# --- When -------------------------------------------------------------------------------------------------------------


def test_each_report_is_mailed_once_at_ten_where_the_person_is(world):
    world.person("ada", "Australia/Adelaide")
    world.applied("ada", "a1")
    world.run_until(MONDAY + 31 * DAY, again=True)
    local = [(each.message.kind, each.at.isoformat()) for each in world.mailed("ada", WEEKLY, MONTHLY)]
    assert local == [
        (WEEKLY, "2026-03-08T23:45:00+00:00"),
        (WEEKLY, "2026-03-15T23:45:00+00:00"),
        (WEEKLY, "2026-03-22T23:45:00+00:00"),
        (WEEKLY, "2026-03-29T23:45:00+00:00"),
        (MONTHLY, "2026-03-31T23:45:00+00:00"),
    ]
    month = reports.listed("ada", limit=50, store=world.store).items[-1].value
    assert max(world.outside["email"].tries.values()) == 1
    assert month.uid == "ada"


def test_a_late_report_is_of_the_last_whole_period_and_comes_once(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.clock.set(MONDAY + 23 * DAY)
    world.sweep(again=True)
    assert [(each.about) for each in world.told("ada", WEEKLY)] == ["weekly:2026-03-16"]
    world.run_until(MONDAY + 29 * DAY)
    assert [(each.about) for each in world.told("ada", WEEKLY)] == ["weekly:2026-03-16", "weekly:2026-03-23"]


def test_a_period_that_has_been_told_is_not_told_again_whatever_the_persons_record_says(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.run_until(MONDAY + 8 * DAY)
    key, user = USERS.key("ada"), world.user("ada")
    before = replace(user, weekly_at=user.weekly_at - 7 * DAY)
    world.store.transact(lambda tx: tx.put(key, before))
    assert reports.write(WriteReport(uid="ada", kind="weekly"), **world.ports).outcome == "nothing_to_say"
    assert len(world.told("ada", WEEKLY)) == 1
    assert world.user("ada").weekly_at == user.weekly_at


def test_whoever_wants_none_gets_none(world):
    world.person("ada", weekly_summary=False, monthly_report=False)
    world.applied("ada", "a1")
    world.run_until(MONDAY + 40 * DAY)
    assert world.told("ada", WEEKLY, MONTHLY) == []
    assert world.user("ada").weekly_at > world.clock.now()


def test_a_search_that_is_over_gets_no_more_reports(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.closed("ada", "a1")
    world.run_until(MONDAY + 40 * DAY)
    assert [each.about for each in world.told("ada", WEEKLY, MONTHLY)] == ["weekly:2026-03-02", "monthly:2026-03-01"]


def test_a_message_before_its_time_or_about_nobody_does_nothing(world):
    world.person("ada")
    world.applied("ada", "a1")
    assert reports.write(WriteReport(uid="ada", kind="weekly"), **world.ports).outcome == "early"
    assert reports.write(WriteReport(uid="bob", kind="weekly"), **world.ports).outcome == "settled"
    with pytest.raises(Rejected):
        reports.write(WriteReport(uid="a/b", kind="weekly"), **world.ports)


# --- The page ---------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.widths: list[int] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.widths += [int(value[:-1]) for name, value in attributes if (tag, name) == ("td", "width") and value]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def full(world):
    world.person("ada", "Asia/Kolkata")
    for number in range(14):
        world.applied("ada", f"a{number}", company=f"<b>Firm & {number % 2}</b>", role='"Chef" <script>')
    world.clock.step(DAY)
    world.mail("ada", "a0", Signal.OFFER, reply_by="2026-03-20")
    world.invited("ada", "a1", MONDAY + 20 * DAY)
    world.run_until(MONDAY + 7 * DAY)
    return newest(world)


def test_the_page_is_whole_loads_nothing_and_escapes_what_others_wrote(world):
    text, html = reports.page(full(world), Preferences(time_zone="Asia/Kolkata"))
    page = Page(html)
    assert page.open == []
    assert {"img", "script", "link", "style", "b", "iframe"}.isdisjoint(page.tags)
    assert not re.search(r"url\(|src=|@import", html)
    assert "&lt;b&gt;Firm &amp; 0&lt;/b&gt;" in html
    assert '  "Chef" <script> at <b>Firm & 1</b>: Sun 22 Mar, 17:30' in text
    assert page.widths
    assert all(0 < width <= 100 for width in page.widths)


def test_no_name_however_long_makes_the_page_wider_than_a_phone(world):
    _, html = reports.page(full(world), Preferences())
    cells = re.findall(r'<td([^>]*)>([^<]*(?:"|&quot;|&lt;)[^<]*)', html)
    assert len(cells) >= 4
    assert all("overflow-wrap:anywhere" in style and "nowrap" not in style for style, _ in cells)
    assert not re.search(r'width="\d+"|[^-]width:\d+px', html)


def test_text_and_page_say_the_same_figures(world):
    made = full(world)
    text, html = reports.page(made, Preferences())
    said = "\n".join(text)
    for words in ("2 of 14 (14%)", "by Fri 20 Mar, 11 days left", "Applications sent", "1.0 day"):
        assert words in said, words
        assert words in html, words


def test_a_report_with_nothing_in_it_is_still_a_page(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.run_until(MONDAY + 7 * DAY)
    text, html = reports.page(newest(world), Preferences())
    assert Page(html).open == []
    assert "  Answered: 0 of 1 (a rate from 10 on)" in text
