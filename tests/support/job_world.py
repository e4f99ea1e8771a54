"""Searches and everything around them: boards on this machine, a store, a queue, and a clock that waiting moves."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from shared import jobs, registry, settings
from shared.adapters.blobs import FolderBlobs
from shared.adapters.clock import SystemIds
from shared.adapters.firestore_store import FirestoreStore
from shared.adapters.local_queue import LocalQueue
from shared.adapters.sqlite_store import SqliteStore
from shared.local.clock import FakeClock
from shared.local.job_boards import StandInBoards, StandInWeb, WebPage, WebServer
from shared.model import Employer, Posting, Search
from shared.ports import Ids, Store
from shared.schema import POSTING_KEYS, POSTINGS, QUERIES, SEARCHES, Query

ALL_POSTINGS = Query(name="all_postings", collection=POSTINGS, record=Posting)
ALL_SEARCHES = Query(name="all_searches", collection=SEARCHES, record=Search)
ALL_KEYS = Query(name="all_keys", collection=POSTING_KEYS, record=POSTING_KEYS.record)
JOB_QUERIES = (*QUERIES, ALL_POSTINGS, ALL_SEARCHES, ALL_KEYS)

SUBSCRIPTIONS = registry.subscriptions(registry.load())

GREENHOUSE = Employer(company="Acme", ats="greenhouse", board="acme")
LEVER = Employer(company="Birch", ats="lever", board="birch")
ASHBY = Employer(company="Cedar", ats="ashby", board="cedar")

GREENHOUSE_PAGE = "boards-api.greenhouse.io/v1/boards/acme/jobs?content=true"
LEVER_PAGE = "api.lever.co/v0/postings/birch?mode=json"
ASHBY_PAGE = "api.ashbyhq.com/posting-api/job-board/cedar?includeCompensation=true"


class JobWorld:
    """One person's searches, and the public boards."""

    def __init__(self, folder: Path, server: WebServer, store: SqliteStore | FirestoreStore | None = None) -> None:
        self.clock = FakeClock()
        self.server = server
        self.store = store or SqliteStore(":memory:", queries=JOB_QUERIES)
        self.queue = LocalQueue(":memory:", SUBSCRIPTIONS, clock=self.clock)
        self.blobs = FolderBlobs(folder)
        self.boards = StandInBoards((GREENHOUSE, LEVER, ASHBY))
        self.web = StandInWeb(server, clock=self.clock, sleep=self._sleep)
        self.ids: Ids = SystemIds()
        self.settings = settings.read(
            {
                "GOOGLE_CLOUD_PROJECT": "hearback-test",
                "HEARBACK_WORK_BUDGET_SECONDS": "75",
                "HEARBACK_LEASE_SECONDS": "180",
                "HEARBACK_UNITS_PER_MINUTE": "6000",
            }
        )

    def _sleep(self, seconds: float) -> None:
        self.clock.step(timedelta(seconds=seconds))

    def close(self) -> None:
        self.store.close()
        self.queue.close()

    # --- What happens -------------------------------------------------------------------------------------------------

    def reader(self) -> jobs.Reader:
        return jobs.Reader(web=self.web, store=self.store, blobs=self.blobs, clock=self.clock)

    def scrape(self, search: str = "") -> jobs.Scraped:
        return jobs.scrape(jobs.Scrape(search=search), store=self.store, queue=self.queue, clock=self.clock)

    def run(self, search_id: str, **ports: Any) -> jobs.Ran:
        given: dict[str, Any] = {
            "store": self.store,
            "queue": self.queue,
            "reader": self.reader(),
            "boards": self.boards,
        }
        return jobs.run(
            jobs.SearchDue(search_id=search_id), settings=self.settings, clock=self.clock, **(given | ports)
        )

    def round(self, search_id: str = "tech") -> list[jobs.Ran]:
        """A new round of a search that always existed, from its fire to its end."""
        self.scrape(search_id)
        return self.finish(search_id)

    def finish(self, search_id: str) -> list[jobs.Ran]:
        """Run a search until nothing of it is due."""
        ran = []
        while (due_at := self.search(search_id).due_at) is not None:
            self.clock.set(max(self.clock.now(), due_at))
            ran.append(self.run(search_id))
            assert len(ran) < 200
        return ran

    def pass_time(self, **time: float) -> None:
        self.clock.step(timedelta(**time))

    def make(self, uid: str = "ada", **fields: Any) -> Search:
        """A search of a person's own."""
        return jobs.create_search(
            uid,
            jobs.NewSearch(**({"term": "software engineer"} | fields)),
            store=self.store,
            queue=self.queue,
            clock=self.clock,
            ids=self.ids,
        )

    # --- What is shown ------------------------------------------------------------------------------------------------

    def greenhouse(self, *postings: dict[str, Any], **fields: Any) -> None:
        shown = [greenhouse_job(self.clock.now(), each.get("id", 1)) | each for each in postings]
        self.server.pages[GREENHOUSE_PAGE] = page({"jobs": shown, "meta": {"total": len(shown)}} | fields)

    def page(self, where: str, *items: dict[str, Any]) -> None:
        """A career page with JSON-LD."""
        scripts = "".join(f'<script type="application/ld+json">{json.dumps(item)}</script>' for item in items)
        self.server.pages[where] = WebPage(
            body=f"<html><head>{scripts}</head><body>Jobs</body></html>".encode(), headers={"Content-Type": "text/html"}
        )

    # --- What is on record --------------------------------------------------------------------------------------------

    @property
    def postings(self) -> list[Posting]:
        return _all(self.store, ALL_POSTINGS)

    def posting(self, **fields: Any) -> Posting:
        (found,) = [each for each in self.postings if all(getattr(each, k) == v for k, v in fields.items())]
        return found

    def search(self, search_id: str) -> Search:
        found = self.store.get(SEARCHES.key(search_id))
        assert found is not None
        return found.value


def _all(store: Store, query: Query[Any]) -> list[Any]:
    found, cursor = [], ""
    while True:
        page_ = store.find(query, limit=300, cursor=cursor)
        found += [item.value for item in page_.items]
        cursor = page_.next
        if not cursor:
            return found


def page(content: Any, **headers: str) -> WebPage:
    return WebPage(body=json.dumps(content).encode(), headers={"Content-Type": "application/json"} | headers)


def greenhouse_job(now: datetime, number: int = 1) -> dict[str, Any]:
    return {
        "id": 4_000_000 + number,
        "title": "Software Engineer",
        "absolute_url": f"https://boards.greenhouse.io/acme/jobs/{4_000_000 + number}",
        "location": {"name": "San Francisco, CA"},
        "first_published": (now - timedelta(days=2)).isoformat(),
        "updated_at": now.isoformat(),
        "content": "&lt;p&gt;Write &amp;amp; run software.&lt;/p&gt;",
    }


def greenhouse_jobs(now: datetime, count: int) -> list[dict[str, Any]]:
    return [greenhouse_job(now, n) | {"title": f"Software Engineer, Team {n}"} for n in range(count)]
