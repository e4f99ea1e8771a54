"""The same half year of searches, postings and their ends on SQLite and on Firestore's emulator."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from shared import jobs
from shared.adapters.firestore_store import FirestoreStore
from shared.adapters.sqlite_store import SqliteStore
from shared.jobs import Wanted
from shared.local.job_boards import WebServer
from shared.model import ClosedBecause
from shared.ports import Page
from shared.schema import (
    CACHE_EXPIRED,
    POSTINGS_BY_TERM,
    POSTINGS_CLOSED,
    POSTINGS_EXPIRING,
    POSTINGS_LISTED,
    SEARCHES_NEXT,
    SEARCHES_OF_USER,
    WEB_HOSTS_EXPIRED,
)
from tests.support.job_world import ALL_KEYS, ASHBY_PAGE, JOB_QUERIES, LEVER_PAGE, JobWorld, greenhouse_jobs, page
from tests.support.made import CountedIds
from tests.support.stores import on_emulator

ASKED = {
    CACHE_EXPIRED,
    POSTINGS_BY_TERM,
    POSTINGS_CLOSED,
    POSTINGS_EXPIRING,
    POSTINGS_LISTED,
    SEARCHES_NEXT,
    SEARCHES_OF_USER,
    WEB_HOSTS_EXPIRED,
}
"""Every question that jobs ask of the store."""

CAREERS = "dogwood.example/jobs"
NEAR = {"name": "New York, NY"}
QUESTIONS = (
    Wanted(),
    Wanted(text="engineer team"),
    Wanted(company="Acme", location="New York"),
    Wanted(remote=True),
    Wanted(source="greenhouse"),
    Wanted(search="data-science"),
)


def half_a_year(world: JobWorld) -> list[Any]:
    """Everything that anybody can see, from the first round to the last clean-up."""
    ports: dict[str, Any] = {"settings": world.settings, "store": world.store, "clock": world.clock}
    found: list[Any] = []

    def look() -> None:
        found.extend((world.postings, jobs.searches("ada", store=world.store)))
        for wanted in QUESTIONS:
            cursor = ""
            for _ in range(9):
                listed = jobs.listed("ada", wanted, limit=5, cursor=cursor, store=world.store)
                found.append([item.value.id for item in listed.items])
                cursor = listed.next
                if not cursor:
                    break

    world.server.pages |= {LEVER_PAGE: page([]), ASHBY_PAGE: page({"jobs": []})}
    everything = [
        *greenhouse_jobs(world.clock.now(), 10),
        {"id": 90, "title": "Data Scientist", "location": NEAR},
        {"id": 91, "title": "Data Scientist, Remote", "location": {"name": "New York, NY; Remote - US"}},
    ]
    world.greenhouse(*everything)
    world.page(CAREERS, {"@type": "JobPosting", "title": "Software Engineer", "hiringOrganization": "Dogwood"})
    for name in ("tech", "data-science"):
        found += world.round(name)
    own = world.make("ada", pages=(f"https://{CAREERS}",), every_hours=24)
    found += world.finish(own.id)
    look()
    for _ in range(2):
        world.pass_time(hours=24)
        world.greenhouse(*everything[3:])
        found += [world.round("tech"), world.scrape(), *world.finish(own.id)]
    found.append(jobs.expire_old(**ports))
    look()
    world.pass_time(days=95)
    found += [jobs.expire_old(**ports), jobs.clean_cache(blobs=world.blobs, **ports)]
    look()
    world.pass_time(days=181)
    found += [jobs.clean_cache(blobs=world.blobs, **ports), world.store.count(ALL_KEYS)]
    look()
    return found


def played(store: SqliteStore | FirestoreStore, folder: Path, answered: Counter[Any], patch: Any) -> list[Any]:
    find = store.find

    def counted(query: Any, **asked: Any) -> Page[Any]:
        found = find(query, **asked)
        answered[query] += len(found.items)
        return found

    patch.setattr(store, "find", counted)
    with WebServer() as server:
        world = JobWorld(folder, server, store)
        world.ids = CountedIds()
        try:
            return half_a_year(world)
        finally:
            world.close()


def test_jobs_are_the_same_on_both_stores(tmp_path, firestore_emulator, emulator_project, monkeypatch):
    answered: Counter[Any] = Counter()
    here = played(SqliteStore(":memory:", queries=JOB_QUERIES), tmp_path / "here", Counter(), monkeypatch)
    with on_emulator(firestore_emulator.host, emulator_project, queries=JOB_QUERIES) as store:
        there = played(store, tmp_path / "there", answered, monkeypatch)
    assert here == there
    assert {query for query in ASKED if not answered[query]} == set()
    ends = {
        posting.closed_because
        for each in here
        if isinstance(each, list)
        for posting in each
        if hasattr(posting, "closed_because")
    }
    assert ends >= {None, ClosedBecause.GONE, ClosedBecause.AGE}
