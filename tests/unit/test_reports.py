"""Reports: what the figures mean, that each period is written once, and that the page is safe and needs no image."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from shared import reports
from shared.due import WriteReport
from shared.errors import Rejected
from shared.model import FEWEST_FOR_A_RATE, NotificationKind, Outcome, Preferences, Share, Signal
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
        if tag != "meta":
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


def test_text_and_page_say_the_same_figures(world):
    made = full(world)
    text, html = reports.page(made, Preferences())
    said = "\n".join(text)
    for words in ("2 of 14 (14%)", "answer by 2026-03-20", "Applications sent", "1.0 day"):
        assert words in said, words
        assert words in html, words


def test_a_report_with_nothing_in_it_is_still_a_page(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.run_until(MONDAY + 7 * DAY)
    text, html = reports.page(newest(world), Preferences())
    assert Page(html).open == []
    assert "  Answered so far: 0 of 1 (a rate from 10 on)" in text
