"""Jobs over HTTP: look through the postings, and keep searches of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from shared import jobs
from shared.model import ClosedBecause, Posting, PostingSummary, Salary, Search, SourceFailure
from shared.web.http import Call, Response, Route, json_response
from shared.web.ports import Ports

# --- What is shown ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSource:
    """Where a posting is shown."""

    source: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A posting; `text` is shown of one that is asked for by its id."""

    id: str
    company: str
    title: str
    location: str
    remote: bool
    salary: Salary | None
    posted_at: datetime | None
    closes_at: datetime | None
    apply_url: str
    apply_address: str
    open: bool
    closed_because: ClosedBecause | None
    found_at: datetime
    reposts: int
    sources: tuple[ShownSource, ...]
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """Some postings, newest first; `next` goes on behind them, also when there are fewer than were asked for."""

    jobs: tuple[Job, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearch:
    """A search and what its last round came to."""

    id: str
    term: str
    location: str
    sources: tuple[str, ...]
    pages: tuple[str, ...]
    every_hours: int
    own: bool
    """False for the searches that everybody has."""
    running: bool
    """A round is begun and not over."""
    next_at: datetime | None
    finished_at: datetime | None
    found: int
    fresh: int
    failures: tuple[SourceFailure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """All searches that a person sees."""

    searches: tuple[SavedSearch, ...]


# --- The routes -------------------------------------------------------------------------------------------------------


def _list(call: Call[Ports]) -> Response:
    query = call.request.query
    wanted = jobs.Wanted(
        text=query.get("text", "")[:QUERY_CHARACTERS],
        company=query.get("company", "")[:QUERY_CHARACTERS],
        location=query.get("location", "")[:QUERY_CHARACTERS],
        remote=query.get("remote", "") == "true",
        search=query.get("search", "")[:QUERY_CHARACTERS],
        source=query.get("source", "")[:QUERY_CHARACTERS],
    )
    page = jobs.listed(call.uid, wanted, limit=call.limit(), cursor=call.cursor(), store=call.ports.store)
    shown = tuple(_job(item.value) for item in page.items)
    return json_response(JobPage(jobs=shown, next=page.next or None))


def _get(call: Call[Ports]) -> Response:
    return json_response(_job(jobs.get(call.uid, call.parts["id"], store=call.ports.store)))


def _searches(call: Call[Ports]) -> Response:
    found = jobs.searches(call.uid, store=call.ports.store)
    return json_response(SearchPage(searches=tuple(_search(each, call.uid) for each in found)))


def _create_search(call: Call[Ports]) -> Response:
    p = call.ports
    made = jobs.create_search(
        call.uid,
        call.body(jobs.NewSearch),
        request_id=call.request_id(),
        store=p.store,
        queue=p.queue,
        clock=p.clock,
        ids=p.ids,
    )
    return json_response(_search(made, call.uid), status=HTTPStatus.CREATED)


def _drop_search(call: Call[Ports]) -> Response:
    jobs.drop_search(call.uid, call.parts["id"], store=call.ports.store)
    return Response(status=HTTPStatus.NO_CONTENT)


QUERY_CHARACTERS = 200
"""Of one filter: a title and a place are shorter."""


def _job(posting: PostingSummary) -> Job:
    return Job(
        id=posting.id,
        company=posting.company,
        title=posting.title,
        location=posting.location,
        remote=posting.remote,
        salary=posting.salary,
        posted_at=posting.posted_at,
        closes_at=posting.closes_at,
        apply_url=posting.apply_url,
        apply_address=posting.apply_address,
        open=posting.open,
        closed_because=posting.closed_because,
        found_at=posting.found_at,
        reposts=posting.reposts,
        sources=tuple(ShownSource(source=ref.source.partition(":")[0], url=ref.url) for ref in posting.sources),
        text=posting.text if isinstance(posting, Posting) else None,
    )


def _search(search: Search, uid: str) -> SavedSearch:
    return SavedSearch(
        id=search.id,
        term=search.term,
        location=search.location,
        sources=search.sources,
        pages=search.pages,
        every_hours=search.every_hours,
        own=search.uid == uid,
        running=search.due_at is not None,
        next_at=search.next_at,
        finished_at=search.finished_at,
        found=search.found,
        fresh=search.fresh,
        failures=search.failures,
    )


ROUTES: tuple[Route[Ports], ...] = (
    Route(method="GET", template="/v1/jobs", handle=_list),
    Route(method="GET", template="/v1/jobs/{id}", handle=_get),
    Route(method="GET", template="/v1/searches", handle=_searches),
    Route(method="POST", template="/v1/searches", handle=_create_search),
    Route(method="DELETE", template="/v1/searches/{id}", handle=_drop_search),
)
