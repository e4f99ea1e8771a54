"""One record for each job, however often and wherever it is found; and when a job ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared import jobs
from shared.adapters.sqlite_store import SqliteStore
from shared.jobs import recognising, saving
from shared.jobs.places import places
from shared.local.clock import FakeClock
from shared.local.job_boards import WebServer
from shared.model import ClosedBecause, FoundPosting
from shared.schema import QUERIES
from tests.support.job_world import ALL_KEYS, ALL_POSTINGS, JobWorld, greenhouse_jobs

BOARD, PAGE, BIG = "greenhouse:acme", "page:https://acme.example/jobs", "linkedin"


class Shelf:
    """Postings on record, and what sources say of them."""

    def __init__(self):
        self.clock = FakeClock()
        self.store = SqliteStore(":memory:", queries=(*QUERIES, ALL_POSTINGS, ALL_KEYS))

    def scan(self, source, *found, ids=None, complete=True, search="tech", owner="", at=None):
        """A look at a source that shows these postings; then what it shows no more is noted."""
        shown = frozenset(ids if ids is not None else {each.id for each in found})
        look = saving.Scan(
            source=source, search_id=search, owner=owner, complete=complete, ids=shown, at=at or self.clock.now()
        )
        pages = recognising.shared_pages(found)
        saved = [saving.save(each, look, shared_pages=pages, store=self.store, clock=self.clock) for each in found]
        saving.note_missing(look, store=self.store, clock=self.clock)
        return saved

    def expire(self, settings):
        return jobs.expire_old(settings=settings, store=self.store, clock=self.clock)

    @property
    def postings(self):
        return [item.value for item in self.store.find(ALL_POSTINGS, limit=300).items]

    @property
    def only(self):
        (posting,) = self.postings
        return posting


@pytest.fixture
def shelf():
    shelf = Shelf()
    yield shelf
    shelf.store.close()


@pytest.fixture
def world(tmp_path):
    with WebServer() as server:
        world = JobWorld(tmp_path, server)
        yield world
        world.close()


def found(number="1", **fields):
    given: dict[str, Any] = {
        "company": "Acme",
        "title": "Software Engineer",
        "location": "San Francisco, CA",
        "url": f"https://boards.greenhouse.io/acme/jobs/400000{number}",
        "apply_url": f"https://boards.greenhouse.io/acme/jobs/400000{number}",
        "posted_at": FakeClock().now() - timedelta(days=1),
    }
    return FoundPosting(id=f"400000{number}", **(given | fields))


# --- One record for one job -------------------------------------------------------------------------------------------


def test_a_thousand_postings_found_twice_are_a_thousand_records(world):
    world.greenhouse(*greenhouse_jobs(world.clock.now(), 1_000))
    world.round()
    first = {posting.id: posting.updated_at for posting in world.postings}

    world.pass_time(hours=6)
    world.round()

    assert len(first) == 1_000
    assert {posting.id: posting.updated_at for posting in world.postings} == first
    assert world.search("tech").found == 1_000
    assert world.search("tech").fresh == 0


def test_the_same_posting_is_the_same_record(shelf):
    assert shelf.scan(BOARD, found()) == [saving.Saved.FRESH]
    assert shelf.scan(BOARD, found()) == [saving.Saved.SAME]
    assert shelf.scan(BOARD, found(text="Now with words")) == [saving.Saved.CHANGED]

    assert shelf.only.text == "Now with words"


def test_another_source_is_recognised_by_the_number_in_its_link(shelf):
    shelf.scan(BOARD, found())
    elsewhere = found(
        "9",
        company="Acme Robotics Group",
        title="SWE (San Francisco)",
        url="https://www.linkedin.com/jobs/view/123456789",
        apply_url="https://acme.example/careers?gh_jid=4000001&utm_source=linkedin",
    )

    shelf.scan(BIG, elsewhere, complete=False)

    assert {ref.source for ref in shelf.only.sources} == {BOARD, BIG}
    assert shelf.only.company == "Acme"


def test_another_source_is_recognised_by_its_address_without_tracking(shelf):
    shelf.scan(BIG, found(url="https://www.acme.example/jobs/7?utm_source=x", apply_url=""), complete=False)
    shelf.scan("indeed", found("2", title="Engineer", url="http://acme.example/jobs/7/#top", apply_url=""))

    assert len(shelf.only.sources) == 2


def test_another_source_is_recognised_by_company_title_and_place(shelf):
    shelf.scan(BOARD, found())
    same = found("", title="Software Engineer (m/f/d)", company="ACME, Inc.", url="", apply_url="")

    shelf.scan(BIG, same.__class__(**{**fields(same), "location": "San Francisco, California, United States"}))

    assert len(shelf.only.sources) == 2


def fields(posting):
    return {name: getattr(posting, name) for name in posting.__dataclass_fields__}


@pytest.mark.parametrize(
    "other",
    [
        {"location": "New York, NY"},
        {"location": "San Francisco, Argentina"},
        {"location": ""},
        {"title": "Senior Software Engineer"},
        {"title": "Software Engineer II"},
        {"title": "Software Engineer, Data"},
        {"company": "Acme Solutions"},
    ],
    ids=lambda other: next(iter(other.values())) or "nowhere",
)
def test_what_differs_in_place_grade_work_or_company_is_another_job(shelf, other):
    shelf.scan(BOARD, found(), found("2", **other))

    assert len(shelf.postings) == 2


def test_two_that_name_no_place_may_be_two_jobs(shelf):
    shelf.scan(BOARD, found(location=""), found("2", location=""))

    assert len(shelf.postings) == 2


def test_twins_in_two_cities_are_kept_apart_however_often_they_are_found(shelf):
    twins = [found(str(n), location=city) for n, city in enumerate(["Portland, OR", "Portland, ME", "Berlin", "Paris"])]
    for _ in range(3):
        shelf.scan(BOARD, *twins)
        shelf.scan(BIG, *[FoundPosting(**(fields(each) | {"url": "", "apply_url": ""})) for each in twins])

    assert sorted(posting.location for posting in shelf.postings) == sorted(each.location for each in twins)


def test_a_page_that_several_postings_name_tells_none_of_them_apart(shelf):
    form = {"url": "https://acme.example/apply", "apply_url": "https://acme.example/apply"}

    shelf.scan(PAGE, found(**form), found("2", title="Data Scientist", **form))

    assert len(shelf.postings) == 2


def test_the_better_source_speaks_and_the_lesser_fills_the_gaps(shelf):
    shelf.scan(BIG, found(text="From a stranger", url="", apply_url="https://linkedin.com/x"), complete=False)
    shelf.scan(BOARD, found(text="From the employer"))
    shelf.scan("indeed", found(text="Another stranger", url="", apply_url="https://evil.example/"), complete=False)

    assert shelf.only.text == "From the employer"
    assert shelf.only.apply_url == "https://boards.greenhouse.io/acme/jobs/4000001"


def test_a_lesser_source_cannot_name_an_address_for_applications_beside_a_page(shelf):
    shelf.scan(BOARD, found())
    shelf.scan(BIG, found(url="", apply_url="", apply_address="mallory@evil.example"), complete=False)

    assert shelf.only.apply_address == ""


def test_what_a_persons_own_page_says_changes_nothing_that_everybody_sees(shelf):
    shelf.scan(BOARD, found())
    shelf.scan(PAGE, found(text="Pay me first", apply_address="mallory@evil.example"), owner="mallory", search="hers")

    public = [posting for posting in shelf.postings if not posting.uid]
    assert [posting.text for posting in public] == [""]
    assert {posting.uid for posting in shelf.postings} == {"", "mallory"}


# --- Reposts ----------------------------------------------------------------------------------------------------------


def test_a_posting_under_a_new_number_after_the_old_one_went_is_a_repost(shelf):
    shelf.scan(BOARD, found())
    shelf.clock.step(timedelta(days=30))

    saved = shelf.scan(BOARD, found("2", posted_at=shelf.clock.now()))

    assert saved == [saving.Saved.REPOSTED]
    posting = shelf.only
    assert (posting.reposts, posting.found_at, posting.posted_at) == (1, shelf.clock.now(), shelf.clock.now())
    assert [ref.id for ref in posting.sources] == ["4000002"]


def test_a_posting_under_a_new_number_beside_the_old_one_is_one_more_opening(shelf):
    shelf.scan(BOARD, found())

    shelf.scan(BOARD, found(), found("2"))

    assert shelf.only.reposts == 0
    assert [ref.id for ref in shelf.only.sources] == ["4000001", "4000002"]


def test_a_repost_opens_what_was_closed(shelf, settings):
    shelf.scan(BOARD, found())
    shelf.clock.step(timedelta(days=91))
    shelf.expire(settings)
    assert shelf.only.closed_because is ClosedBecause.AGE

    shelf.scan(BOARD, found("2", posted_at=shelf.clock.now()))

    assert shelf.only.open
    assert shelf.only.reposts == 1


# --- The end ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def settings(world):
    return world.settings


def test_a_posting_ends_after_ninety_days_and_does_not_come_back(shelf, settings):
    shelf.scan(BOARD, found(posted_at=shelf.clock.now()))
    shelf.clock.step(timedelta(days=90))
    assert shelf.expire(settings).updated == 0
    shelf.clock.step(timedelta(seconds=1))
    assert shelf.expire(settings).updated == 1

    shelf.scan(BOARD, found(posted_at=FakeClock().now()))
    shelf.scan(BOARD, found(posted_at=FakeClock().now(), text="touched"))

    assert (shelf.only.open, shelf.only.closed_because) == (False, ClosedBecause.AGE)
    assert shelf.expire(settings).updated == 0


def test_a_posting_that_is_old_already_is_not_taken(shelf):
    now = shelf.clock.now()
    old = found(posted_at=now - timedelta(days=91))
    late = found("2", closes_at=now - timedelta(days=1), title="Data Scientist")

    assert shelf.scan(BOARD, old, late) == [saving.Saved.TOO_OLD] * 2
    assert shelf.postings == []


def test_a_posting_ends_with_its_closing_date(shelf, settings):
    shelf.scan(BOARD, found(closes_at=shelf.clock.now() + timedelta(days=7)))
    shelf.clock.step(timedelta(days=7, seconds=1))

    shelf.expire(settings)

    assert shelf.only.closed_because is ClosedBecause.CLOSING_DATE


def test_a_closing_date_that_moves_keeps_it_open(shelf, settings):
    shelf.scan(BOARD, found(closes_at=shelf.clock.now() + timedelta(days=7)))
    shelf.clock.step(timedelta(days=6))
    shelf.scan(BOARD, found(closes_at=shelf.clock.now() + timedelta(days=20)))
    shelf.clock.step(timedelta(days=2))

    assert shelf.expire(settings).updated == 0
    assert shelf.only.open


def test_a_posting_is_gone_after_two_complete_scans_without_it(shelf, settings):
    shelf.scan(BOARD, found())
    shelf.clock.step(timedelta(hours=6))
    shelf.scan(BOARD)
    assert shelf.expire(settings).updated == 0
    shelf.clock.step(timedelta(hours=6))
    shelf.scan(BOARD)
    shelf.clock.step(timedelta(hours=6))
    shelf.expire(settings)

    assert (shelf.only.open, shelf.only.closed_because) == (False, ClosedBecause.GONE)


def test_the_same_answer_read_twice_is_one_scan(shelf, settings):
    shelf.scan(BOARD, found())
    said = shelf.clock.now() + timedelta(hours=6)
    for _ in range(4):
        shelf.clock.step(timedelta(hours=6))
        shelf.scan(BOARD, at=said, search="data-science")

    shelf.clock.step(timedelta(hours=6))
    shelf.expire(settings)
    assert shelf.only.open


def test_an_incomplete_scan_ends_nothing(shelf, settings):
    shelf.scan(BOARD, found())
    for _ in range(4):
        shelf.clock.step(timedelta(hours=6))
        shelf.scan(BOARD, complete=False)

    shelf.clock.step(timedelta(hours=6))
    shelf.expire(settings)
    assert shelf.only.open


def test_a_posting_that_is_there_again_has_missed_nothing(shelf, settings):
    shelf.scan(BOARD, found())
    for shown in ([], [found()], [], [found()], []):
        shelf.clock.step(timedelta(hours=6))
        shelf.scan(BOARD, *shown)

    shelf.clock.step(timedelta(hours=6))
    shelf.expire(settings)
    assert shelf.only.open


def test_a_posting_that_no_search_wants_any_more_but_the_board_shows_is_not_gone(shelf, settings):
    shelf.scan(BOARD, found())
    for _ in range(3):
        shelf.clock.step(timedelta(hours=6))
        shelf.scan(BOARD, ids={"4000001"})

    shelf.clock.step(timedelta(hours=6))
    shelf.expire(settings)
    assert shelf.only.open


def test_a_posting_that_another_whole_source_still_shows_is_not_gone(shelf, settings):
    shelf.scan(BOARD, found())
    shelf.scan("lever:acme", found("2", url="", apply_url=""))
    for _ in range(3):
        shelf.clock.step(timedelta(hours=6))
        shelf.scan(BOARD)

    shelf.clock.step(timedelta(hours=6))
    shelf.expire(settings)
    assert shelf.only.open


def test_a_big_board_keeps_nothing_open_that_has_gone_from_the_employers_own(shelf, settings):
    shelf.scan(BOARD, found())
    shelf.scan(BIG, found("2", url="", apply_url=""), complete=False)
    for _ in range(2):
        shelf.clock.step(timedelta(hours=6))
        shelf.scan(BOARD)
        shelf.scan(BIG, found("2", url="", apply_url=""), complete=False)
    shelf.clock.step(timedelta(hours=1))
    shelf.expire(settings)

    shelf.scan(BIG, found("2", url="", apply_url="", text="still here!"), complete=False)

    assert (shelf.only.open, shelf.only.closed_because) == (False, ClosedBecause.GONE)


def test_what_was_gone_and_is_shown_again_is_open_again(shelf, settings):
    shelf.scan(BOARD, found())
    for _ in range(2):
        shelf.clock.step(timedelta(hours=6))
        shelf.scan(BOARD)
    shelf.clock.step(timedelta(hours=1))
    shelf.expire(settings)
    assert not shelf.only.open

    shelf.scan(BOARD, found())

    assert (shelf.only.open, shelf.only.closed_because, shelf.only.reposts) == (True, None, 0)


def test_a_posting_that_closed_half_a_year_ago_is_forgotten_with_its_names(shelf, settings, world):
    def clean():
        return jobs.clean_cache(settings=settings, store=shelf.store, blobs=world.blobs, clock=shelf.clock)

    shelf.scan(BOARD, found(), found("2", title="Data Scientist", posted_at=None))
    shelf.clock.step(timedelta(days=89, seconds=1))
    shelf.expire(settings)
    shelf.clock.step(timedelta(days=180))
    assert clean().updated == 0
    shelf.clock.step(timedelta(seconds=1))
    assert clean().updated == 1

    assert shelf.only.title == "Data Scientist"
    names = {item.value.id for item in shelf.store.find(ALL_KEYS, limit=50).items}
    assert names == set(shelf.only.keys)


# --- Places and fitting -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("San Francisco, CA", "San Francisco, California, United States", True),
        ("NYC", "New York City", True),
        ("New York, NY", "New York, New York, USA", True),
        ("Berlin (Germany)", "Berlin, Deutschland", True),
        ("Portland, OR", "Portland, ME", False),
        ("Paris, France", "Paris, TX", False),
        ("Georgia", "Atlanta, Georgia", False),
        ("Remote - US", "Remote, United States", True),
    ],
)
def test_two_spellings_of_a_place_are_one_and_two_places_are_two(one, other, same):
    assert (places(one) == places(other)) is same


@pytest.mark.parametrize(
    ("term", "location", "title", "where", "fits"),
    [
        ("software engineer", "San Francisco, CA", "Senior Software Engineer, Payments", "San Francisco", True),
        ("software engineer", "San Francisco, CA", "Software Engineering Manager", "San Francisco, CA", False),
        ("senior software engineer", "", "Software Engineer", "Berlin", False),
        ("senior software engineer", "", "Sr. Software Engineer", "Berlin", True),
        ("software engineer", "San Francisco, CA", "Software Engineer", "New York, NY; San Francisco, CA", True),
        ("software engineer", "San Francisco, CA", "Software Engineer", "San Francisco Bay Area", True),
        ("software engineer", "San Francisco, CA", "Software Engineer", "New York, NY", False),
        ("software engineer", "San Francisco, CA", "Software Engineer", "Remote", False),
        ("software engineer", "Remote", "Software Engineer", "Remote", True),
        ("software engineer", "Remote", "Software Engineer", "Berlin", False),
        ("software engineer", "", "Software Engineer", "", True),
        ("software engineer", "California", "Software Engineer", "San Francisco, CA", True),
        ("software engineer", "Germany", "Software Engineer", "Berlin, Germany", True),
        ("software engineer", "Germany", "Software Engineer", "Paris, France", False),
        ("data scientist", "New York, NY", "Data Scientist II, Growth", "New York, New York, United States", True),
        ("软件工程师", "", "高级软件工程师", "上海", True),
        ("软件工程师", "", "数据分析师", "上海", False),
    ],
)
def test_a_posting_fits_by_the_words_of_its_title_and_its_place(term, location, title, where, fits):
    posting = found(title=title, location=where, remote="Remote" in where)

    assert recognising.fits(posting, term, location) is fits


def test_many_names_and_places_are_bounded():
    wide = found(title="word " * 60, location="; ".join(f"City{n}" for n in range(60)))

    assert len(places(wide.location)) <= 12
