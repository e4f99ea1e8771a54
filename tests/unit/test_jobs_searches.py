"""Searches: each period has one round, a run that dies is taken over, and what a person may see and do with jobs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from shared import due, jobs, registry
from shared.errors import NotFound, Rejected, TryAgain
from shared.jobs import running
from shared.jobs.asking import MOST_SEARCHES
from shared.local.job_boards import StandInBoards, WebPage, WebServer
from shared.model import Employer
from shared.schema import SEARCHES
from shared.web import api
from shared.web.http import Request
from shared.web.ports import Ports as WebPorts
from tests.support.job_world import (
    ALL_SEARCHES,
    ASHBY_PAGE,
    LEVER_PAGE,
    JobWorld,
    greenhouse_jobs,
    page,
)
from tests.unit.test_jobs_sources import JOB_POSTING


@pytest.fixture
def world(tmp_path):
    with WebServer() as server:
        world = JobWorld(tmp_path, server)
        world.server.pages |= {LEVER_PAGE: page([]), ASHBY_PAGE: page({"jobs": []})}
        world.greenhouse({})
        yield world
        world.close()


def waiting(world):
    """The searches that are named in the queue; taking them out."""
    named = []
    while deliveries := world.queue.lease(10):
        for delivery in deliveries:
            if delivery.subscription.topic == due.SEARCH_TOPIC:
                named.append(json.loads(delivery.data)["search_id"])
            world.queue.ack(delivery)
    return named


# --- When -------------------------------------------------------------------------------------------------------------


def test_the_two_searches_that_always_existed_are_made_once(world):
    for _ in range(3):
        for name in ("tech", "data-science"):
            world.scrape(name)
            world.finish(name)
        world.pass_time(hours=6)

    made = [item.value for item in world.store.find(ALL_SEARCHES, limit=10).items]
    assert [(each.id, each.uid, each.term, each.location) for each in made] == [
        ("data-science", "", "data scientist", "New York, NY"),
        ("tech", "", "software engineer", "San Francisco, CA"),
    ]


def test_the_table_names_the_two_searches_and_leaves_an_hourly_fire_to_peoples_own():
    crons = {schedule.cron: schedule.payload.get("search", "") for schedule in registry.load()["scrape_jobs"].schedules}

    assert crons.pop("0 */6 * * *") == running.SEEDS[0][0]
    assert crons.pop("15 */6 * * *") == running.SEEDS[1][0]
    assert list(crons.values()) == [""]


def test_a_fire_that_comes_twice_begins_one_round(world):
    assert world.scrape("tech").queued == 1
    world.finish("tech")

    for _ in range(5):
        world.pass_time(minutes=20)
        assert world.scrape("tech").queued == 0

    assert waiting(world) == ["tech"]


def test_a_late_fire_still_begins_its_round_once(world):
    world.round()
    world.pass_time(hours=6 * 3 + 5.9)

    assert world.scrape("tech").queued == 1
    world.finish("tech")
    assert world.scrape("tech").queued == 0


def test_a_fire_for_a_search_that_nobody_has_begins_nothing(world):
    assert world.scrape("nonsense") == jobs.Scraped(scanned=0, queued=0)


@pytest.mark.parametrize("hours", [1, 6, 24])
def test_a_persons_own_search_is_run_once_in_each_of_its_periods(world, hours):
    world.clock.set(datetime(2026, 1, 6, 0, 0, tzinfo=UTC))
    search = world.make(every_hours=hours)
    world.finish(search.id)
    rounds = 0
    for _ in range(24 * 2):
        world.pass_time(minutes=30)
        queued = world.scrape().queued
        assert world.scrape().queued == 0
        rounds += queued
        world.finish(search.id)

    assert rounds == 24 / hours


def test_many_searches_are_begun_by_one_fire(world):
    made = [world.make(uid=f"person-{n}", every_hours=1).id for n in range(650)]
    for search_id in made:
        key = SEARCHES.key(search_id)
        found = world.store.get(key)
        world.store.put(key, replace(found.value, due_at=None), revision=found.revision)
    waiting(world)
    world.pass_time(hours=1)

    assert world.scrape().queued == 650
    assert sorted(waiting(world)) == sorted(made)


def test_a_round_that_is_not_over_is_not_begun_again(world):
    world.scrape("tech")
    begun = world.search("tech")
    world.pass_time(hours=6)

    assert world.scrape("tech").queued == 0
    assert world.search("tech") == begun


def test_a_search_that_was_not_published_is_woken_when_it_is_past_due(world):
    world.scrape("tech")
    assert waiting(world) == ["tech"]
    world.pass_time(minutes=1)

    due.wake(store=world.store, queue=world.queue, clock=world.clock)

    assert waiting(world) == ["tech"]


# --- The run ----------------------------------------------------------------------------------------------------------


def test_a_message_that_comes_twice_runs_a_search_once(world):
    world.scrape("tech")

    assert [world.run("tech").outcome for _ in range(3)] == ["done", "not_due", "not_due"]
    assert world.run("nobody's").outcome == "gone"
    assert len(world.server.asked) == 6


def test_two_searches_share_one_answer_of_each_board(world):
    world.round("tech")
    before = len(world.server.asked)
    world.pass_time(minutes=15)

    world.round("data-science")

    assert len(world.server.asked) == before


def test_a_run_that_is_out_of_time_goes_on_where_it_was(world):
    employers = tuple(Employer(company=f"Company {n}", ats="greenhouse", board=f"company{n}") for n in range(120))
    world.boards = StandInBoards(employers)
    for n in range(120):
        where = f"boards-api.greenhouse.io/v1/boards/company{n}/jobs?content=true"
        job = greenhouse_jobs(world.clock.now(), 200)[n]
        world.server.pages[where] = page({"jobs": [job], "meta": {"total": 1}})

    ran = world.round()

    assert [each.outcome for each in ran] == ["out_of_time"] * (len(ran) - 1) + ["done"]
    assert 2 <= len(ran) <= 4
    assert sum(each.scanned for each in ran) == 120
    assert max(world.server.asked.count(where) for where in world.server.asked) == 1
    assert world.search("tech").found == len(world.postings) == 120
    assert world.search("tech").finished_at == world.clock.now()


def test_a_board_too_large_for_one_run_is_saved_in_several(world):
    world.greenhouse(*greenhouse_jobs(world.clock.now(), 60))
    saving_takes = timedelta(seconds=4)

    class SlowStore:
        def __getattr__(self, name):
            return getattr(world.store, name)

        def transact(self, work, *, reads=()):
            world.clock.step(saving_takes)
            return world.store.transact(work, reads=reads)

    world.scrape("tech")
    ran = []
    while (due_at := world.search("tech").due_at) is not None:
        world.clock.set(max(world.clock.now(), due_at))
        ran.append(world.run("tech", store=SlowStore()).outcome)

    assert ran.count("out_of_time") >= 2
    assert len(world.postings) == 60
    assert world.search("tech").fresh == 60


def test_whoever_dies_at_a_source_is_taken_over_and_the_source_is_passed_by(world):
    class Deadly(StandInBoards):
        def search(self, board, term, location, *, until):
            raise MemoryError

    world.boards = Deadly(world.boards.employers)
    search = world.make(sources=("indeed", "greenhouse"))
    with pytest.raises(MemoryError):
        world.run(search.id)
    assert world.run(search.id).outcome == "not_due"
    world.pass_time(seconds=180)
    due.wake(store=world.store, queue=world.queue, clock=world.clock)
    assert search.id in waiting(world)

    assert world.run(search.id).outcome == "done"
    assert [failure.source for failure in world.search(search.id).failures] == ["indeed"]
    assert len(world.postings) == 1


def test_a_store_that_fails_is_no_failure_of_the_source(world):
    class Failing:
        broken = True

        def __getattr__(self, name):
            return getattr(world.store, name)

        def transact(self, work, *, reads=()):
            if self.broken:
                raise TryAgain("the store is down")
            return world.store.transact(work, reads=reads)

    store = Failing()
    reader = jobs.Reader(web=world.web, store=store, blobs=world.blobs, clock=world.clock)
    world.scrape("tech")
    with pytest.raises(TryAgain):
        world.run("tech", store=store, reader=reader)
    store.broken = False
    world.pass_time(minutes=1)

    assert world.run("tech", store=store, reader=reader).outcome == "done"
    assert world.search("tech").failures == ()
    assert len(world.postings) == 1


def test_a_search_that_is_dropped_while_it_runs_is_not_made_again(world):
    search = world.make()

    class Dropping(StandInBoards):
        @property
        def employers(self):
            jobs.drop_search("ada", search.id, store=world.store)
            return ()

        @employers.setter
        def employers(self, value):
            pass

    world.boards = Dropping(())

    assert world.run(search.id).outcome == "taken"
    assert world.store.get(SEARCHES.key(search.id)) is None


def test_a_persons_page_that_leads_inside_is_refused_and_told(world):
    world.server.pages["dogwood.example/jobs"] = WebPage(status=302, headers={"Location": "https://inside.example/"})
    world.server.pages["dogwood.example/robots.txt"] = WebPage(status=302, headers={"Location": "http://[fd00::1]/"})
    search = world.make(pages=("https://dogwood.example/jobs",))

    world.finish(search.id)

    (failure,) = world.search(search.id).failures
    assert failure.source == "page:https://dogwood.example/jobs"
    assert world.server.asked == ["dogwood.example/robots.txt"]


# --- What a person may see and do -------------------------------------------------------------------------------------


class Ports:
    """What the API's handlers for jobs work with."""

    sign_in = None

    def __init__(self, world):
        self.settings, self.store, self.queue = world.settings, world.store, world.queue
        self.clock, self.ids, self.identity = world.clock, world.ids, self

    def verify(self, token):
        return token


@pytest.fixture
def call(world):
    """One request to the API as somebody; returns status and body."""

    def call(method, path, body=None, *, uid="ada", key="", **query):
        answer = api.respond(
            Request(
                method=method,
                path=path,
                query=query,
                headers={"authorization": f"Bearer {uid}", "content-type": "application/json", "idempotency-key": key},
                body=b"" if body is None else json.dumps(body).encode(),
            ),
            cast("WebPorts", Ports(world)),
        )
        return answer.status, json.loads(answer.body or b"null")

    return call


@pytest.fixture
def shown(world, call):
    """Titles that GET /v1/jobs shows, page after page."""

    def shown(uid="ada", **query):
        titles: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            status, answer = call("GET", "/v1/jobs", uid=uid, **query, **cursor)
            assert status == 200, answer
            titles += [f"{job['title']} @ {job['location']}" for job in answer["jobs"]]
            if "next" not in answer:
                return titles
            cursor = {"cursor": answer["next"]}

    return shown


@pytest.fixture
def market(world):
    """Postings of both searches, one of them remote."""
    sf, ny = {"name": "San Francisco, CA"}, {"name": "New York, NY"}
    world.greenhouse(
        {"id": 1, "title": "Software Engineer, Payments", "location": sf},
        {"id": 2, "title": "Senior Software Engineer", "location": {"name": "San Francisco, CA; Remote - US"}},
        {"id": 3, "title": "Data Scientist", "location": ny},
        {"id": 4, "title": "Cook", "location": ny},
    )
    world.round("tech")
    world.pass_time(minutes=15)
    world.round("data-science")


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, "123"),
        ({"text": "software"}, "12"),
        ({"text": "ENGINEER payments"}, "1"),
        ({"text": "acme scientist"}, "3"),
        ({"text": "cook"}, ""),
        ({"company": "ACME, Inc."}, "123"),
        ({"company": "Other"}, ""),
        ({"location": "New York"}, "3"),
        ({"location": "San Francisco, California", "text": "senior"}, "2"),
        ({"remote": "true"}, "2"),
        ({"location": "Remote"}, "2"),
        ({"location": "San Francisco or remote"}, "12"),
        ({"search": "data-science"}, "3"),
        ({"search": "tech", "remote": "true"}, "2"),
        ({"source": "greenhouse"}, "123"),
        ({"source": "greenhouse:acme", "location": "San Francisco"}, "12"),
        ({"source": "lever"}, ""),
        ({"limit": "1"}, "123"),
        ({"limit": "1", "text": "software"}, "12"),
    ],
)
def test_jobs_are_found_by_what_is_asked_for(market, shown, query, ids):
    titles = {"1": "Software Engineer, Payments", "2": "Senior Software Engineer", "3": "Data Scientist"}

    assert sorted(title.partition(" @")[0] for title in shown(**query)) == sorted(titles[each] for each in ids)


def test_a_job_is_shown_with_what_one_needs_to_apply(market, call):
    _, listed = call("GET", "/v1/jobs", text="payments")
    (job,) = listed["jobs"]
    status, detail = call("GET", f"/v1/jobs/{job['id']}")

    assert status == 200
    assert "text" not in job
    assert detail["text"] == "Write & run software."
    assert detail["apply_url"] == "https://boards.greenhouse.io/acme/jobs/4000001"
    assert detail["sources"] == [{"source": "greenhouse", "url": "https://boards.greenhouse.io/acme/jobs/4000001"}]
    assert detail == job | {"text": detail["text"]}


def test_a_closed_job_is_not_listed_and_still_shown(world, market, call, shown):
    world.pass_time(days=89)
    jobs.expire_old(settings=world.settings, store=world.store, clock=world.clock)

    assert shown() == []
    status, detail = call("GET", f"/v1/jobs/{world.postings[0].id}")
    assert (status, detail["open"], detail["closed_because"]) == (200, False, "age")


@pytest.mark.parametrize("path", ["/v1/jobs/nothing", "/v1/jobs/__x__"])
def test_a_job_that_is_not_there_is_not_found(call, path):
    assert call("GET", path)[0] == 404


def test_a_persons_own_pages_jobs_are_theirs_alone(world, call, shown):
    world.page("dogwood.example/jobs", JOB_POSTING)
    search = world.make(pages=("https://dogwood.example/jobs",))
    world.finish(search.id)
    (posting,) = world.postings

    assert posting.uid == "ada"
    assert shown(text="engineer") == shown(search=search.id) == ["Software Engineer @ San Francisco, CA, US"]
    assert shown("eve", text="engineer") == shown("eve") == []
    assert call("GET", "/v1/jobs", uid="eve", search=search.id)[0] == 404
    assert call("GET", f"/v1/jobs/{posting.id}")[0] == 200
    assert call("GET", f"/v1/jobs/{posting.id}", uid="eve")[0] == 404


def test_a_search_is_made_run_listed_and_dropped(world, call):
    world.round("tech")
    status, made = call("POST", "/v1/searches", {"term": "Data Scientist", "location": "Berlin", "every_hours": 12})
    assert status == 201
    assert (made["own"], made["running"], made["found"]) == (True, True, 0)
    assert made["id"] in waiting(world)
    world.finish(made["id"])

    _, listed = call("GET", "/v1/searches")
    assert [each["id"] for each in listed["searches"]] == ["tech", "data-science", made["id"]]
    assert [each["own"] for each in listed["searches"]] == [False, False, True]
    assert not listed["searches"][2]["running"]
    assert [each["id"] for each in call("GET", "/v1/searches", uid="eve")[1]["searches"]] == ["tech", "data-science"]

    assert call("DELETE", f"/v1/searches/{made['id']}", uid="eve")[0] == 404
    assert call("DELETE", f"/v1/searches/{made['id']}")[0] == 204
    assert call("DELETE", f"/v1/searches/{made['id']}")[0] == 404
    assert call("DELETE", "/v1/searches/tech")[0] == 404


def test_the_same_request_makes_one_search(world, call):
    made = [call("POST", "/v1/searches", {"term": "Cook"}, key="k1")[1]["id"] for _ in range(3)]
    other = call("POST", "/v1/searches", {"term": "Cook"}, uid="eve", key="k1")[1]["id"]

    assert len(set(made)) == 1
    assert other != made[0]
    assert waiting(world) == [made[0], other]


@pytest.mark.parametrize(
    "fields",
    [
        {"term": ""},
        {"term": "  \u200b "},
        {"term": "!!!"},
        {"every_hours": 5},
        {"every_hours": 0},
        {"sources": ["evil"]},
        {"sources": ["page:http://169.254.169.254/"]},
        {"sources": ["greenhouse:../../admin"]},
        {"sources": ["greenhouse:acme"] * 61},
        {"pages": ["file:///etc/passwd"]},
        {"pages": ["javascript:alert(1)"]},
        {"pages": ["https://"]},
        {"pages": ["https://[::1"]},
        {"pages": ["https://acme.example/ jobs"]},
        {"pages": [f"https://acme.example/{n}" for n in range(11)]},
        {"pages": ["https://acme.example/" + "x" * 2_000]},
        {"uid": "eve"},
        {"due_at": "2026-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_a_search_that_makes_no_sense_is_refused(call, fields):
    assert call("POST", "/v1/searches", {"term": "Software Engineer"} | fields)[0] == 400


def test_a_person_keeps_so_many_searches_and_no_more(world, call):
    for number in range(MOST_SEARCHES):
        world.make(location=f"City {number}")

    status, problem = call("POST", "/v1/searches", {"term": "Cook"})

    assert (status, problem["detail"]) == (400, f"more than {MOST_SEARCHES} searches")


def test_a_source_that_is_none_is_no_filter(world, call):
    assert call("GET", "/v1/jobs", source="page:https://dogwood.example/jobs")[0] == 400
    with pytest.raises(Rejected):
        jobs.listed("ada", jobs.Wanted(source="evil"), limit=1, store=world.store)


def test_somebody_elses_search_is_no_filter(world):
    search = world.make(uid="eve")

    with pytest.raises(NotFound):
        jobs.listed("ada", jobs.Wanted(search=search.id), limit=1, store=world.store)


# --- The web is reached by one function alone -------------------------------------------------------------------------


def test_no_function_but_the_run_of_a_search_may_ask_the_web():
    assert [row.name for row in registry.load() if "web" in row.uses] == ["run_search"]
    assert [row.name for row in registry.load() if "scrape" in row.groups] == ["run_search"]
