"""The public boards of three hiring systems: where each is, and what its JSON says.

Greenhouse: `GET /v1/boards/{board}/jobs?content=true` {jobs: [...], meta: {total}}; `content` is HTML, escaped.
Lever: `GET /v0/postings/{site}?mode=json` [...]; times in milliseconds.
Ashby: `GET /posting-api/job-board/{name}?includeCompensation=true` {jobs: [...]}; what is not listed is not public.
Each answers with its whole board, so what is missing from a good answer is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from shared.codec import from_json, from_plain
from shared.errors import Rejected
from shared.jobs import reading
from shared.model import Employer, FoundPosting, Salary

MOST_POSTINGS = 5_000
"""Of one board; the largest employers have about 2,000."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a source showed."""

    postings: tuple[FoundPosting, ...]
    ids: frozenset[str]
    """Of everything that the source shows, also of what could not be read."""
    complete: bool
    """Whether these are all: then what is missing is gone."""


def board_url(employer: Employer) -> str:
    """The address of an employer's board."""
    board = quote(employer.board, safe="")
    if employer.ats == "greenhouse":
        return f"https://boards-api.greenhouse.io/v1/boards/{board}/jobs?content=true"
    if employer.ats in ("lever", "lever-eu"):
        host = "api.eu.lever.co" if employer.ats == "lever-eu" else "api.lever.co"
        return f"https://{host}/v0/postings/{board}?mode=json"
    return f"https://api.ashbyhq.com/posting-api/job-board/{board}?includeCompensation=true"


def listing(employer: Employer, body: bytes) -> Listing:
    """The postings of a board's answer. Raises Rejected for an answer that is not the board's."""
    if employer.ats == "greenhouse":
        board = from_json(_GreenhouseBoard, body)
        return _listing(
            board.jobs,
            _GreenhouseJob,
            lambda job: _greenhouse(job, employer),
            total=board.meta.total,
        )
    if employer.ats in ("lever", "lever-eu"):
        return _listing(from_json(list[dict[str, Any]], body), _LeverJob, lambda job: _lever(job, employer))
    shown = [job for job in from_json(_AshbyBoard, body).jobs if job.get("isListed") is not False]
    return _listing(shown, _AshbyJob, lambda job: _ashby(job, employer))


def _listing(
    jobs: list[dict[str, Any]],
    record: type[Any],
    normal: Callable[[Any], FoundPosting | None],
    *,
    total: int | None = None,
) -> Listing:
    """One job that can't be read costs only itself; one without an id makes the whole incomplete."""
    ids = [str(job["id"]) for job in jobs if isinstance(job.get("id"), str | int) and job["id"]]
    postings = []
    for job in jobs[:MOST_POSTINGS]:
        try:
            found = normal(from_plain(record, job))
        except Rejected:
            continue
        if found is not None and found.id:
            postings.append(found)
    complete = len(ids) == len(jobs) <= MOST_POSTINGS and (total is None or total == len(jobs))
    return Listing(tuple(postings), frozenset(ids), complete)


# --- Greenhouse -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meta:
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _GreenhouseBoard:
    jobs: list[dict[str, Any]]
    meta: _Meta = _Meta()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _PayRange:
    min_cents: int | float | None = None
    max_cents: int | float | None = None
    currency_type: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _GreenhouseJob:
    id: int | str
    title: str
    absolute_url: str | None = None
    location: _Named | None = None
    content: str | None = None
    first_published: str | None = None
    updated_at: str | None = None
    application_deadline: str | None = None
    pay_input_ranges: list[_PayRange] | None = None


def _greenhouse(job: _GreenhouseJob, employer: Employer) -> FoundPosting | None:
    return reading.posting(
        id=str(job.id),
        company=employer.company,
        title=job.title,
        location=(job.location.name if job.location else None) or "",
        text=reading.text_of(job.content, escaped=True),
        url=job.absolute_url or "",
        pay=next(filter(None, map(_greenhouse_pay, job.pay_input_ranges or ())), None),
        # A board without the date of publication tells only when the posting was last touched.
        posted_at=reading.moment(job.first_published) or reading.moment(job.updated_at),
        closes_at=reading.moment(job.application_deadline, end_of_day=True),
    )


def _greenhouse_pay(stated: _PayRange) -> Salary | None:
    low, high = (cents / 100 if cents else None for cents in (stated.min_cents, stated.max_cents))
    hourly = "hour" in (stated.title or "").lower()
    return reading.salary(low, high, stated.currency_type, "hour" if hourly else "year")


# --- Lever ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Categories:
    location: str | None = None
    allLocations: list[str] | None = None  # noqa: N815 - Lever's name


@dataclass(frozen=True, slots=True, kw_only=True)
class _LeverPay:
    min: int | float | None = None
    max: int | float | None = None
    currency: str | None = None
    interval: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _LeverList:
    text: str | None = None
    content: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _LeverJob:
    id: str
    text: str
    """The title."""
    hostedUrl: str | None = None  # noqa: N815 - Lever's name
    applyUrl: str | None = None  # noqa: N815 - Lever's name
    createdAt: int | float | None = None  # noqa: N815 - Lever's name
    categories: _Categories | None = None
    workplaceType: str | None = None  # noqa: N815 - Lever's name
    salaryRange: _LeverPay | None = None  # noqa: N815 - Lever's name
    descriptionPlain: str | None = None  # noqa: N815 - Lever's name
    additionalPlain: str | None = None  # noqa: N815 - Lever's name
    lists: list[_LeverList] | None = None


def _lever(job: _LeverJob, employer: Employer) -> FoundPosting | None:
    categories = job.categories or _Categories()
    lists = [
        text
        for each in job.lists or ()
        for text in (each.text, reading.text_of(f"<ul>{each.content}</ul>") if each.content else None)
    ]
    pay = job.salaryRange
    return reading.posting(
        id=job.id,
        company=employer.company,
        title=job.text,
        location="; ".join(categories.allLocations or [categories.location or ""]),
        remote=job.workplaceType == "remote",
        text=reading.paragraphs(job.descriptionPlain, *lists, job.additionalPlain),
        url=job.hostedUrl or "",
        apply_url=job.applyUrl or "",
        pay=reading.salary(pay.min, pay.max, pay.currency, pay.interval) if pay else None,
        posted_at=reading.instant(job.createdAt),
    )


# --- Ashby ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _AshbyBoard:
    jobs: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _AshbyPlace:
    location: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _AshbyPay:
    compensationType: str | None = None  # noqa: N815 - Ashby's name
    interval: str | None = None
    currencyCode: str | None = None  # noqa: N815 - Ashby's name
    minValue: int | float | None = None  # noqa: N815 - Ashby's name
    maxValue: int | float | None = None  # noqa: N815 - Ashby's name


@dataclass(frozen=True, slots=True, kw_only=True)
class _AshbyPays:
    summaryComponents: list[_AshbyPay] | None = None  # noqa: N815 - Ashby's name


@dataclass(frozen=True, slots=True, kw_only=True)
class _AshbyJob:
    id: str
    title: str
    location: str | None = None
    secondaryLocations: list[_AshbyPlace] | None = None  # noqa: N815 - Ashby's name
    isRemote: bool | None = None  # noqa: N815 - Ashby's name
    workplaceType: str | None = None  # noqa: N815 - Ashby's name
    publishedAt: str | None = None  # noqa: N815 - Ashby's name
    jobUrl: str | None = None  # noqa: N815 - Ashby's name
    applyUrl: str | None = None  # noqa: N815 - Ashby's name
    descriptionHtml: str | None = None  # noqa: N815 - Ashby's name
    descriptionPlain: str | None = None  # noqa: N815 - Ashby's name
    compensation: _AshbyPays | None = None


def _ashby(job: _AshbyJob, employer: Employer) -> FoundPosting | None:
    pays = (job.compensation.summaryComponents if job.compensation else None) or []
    salaries = [
        reading.salary(pay.minValue, pay.maxValue, pay.currencyCode, pay.interval)
        for pay in pays
        if pay.compensationType == "Salary"
    ]
    others = [place.location for place in job.secondaryLocations or () if place.location]
    return reading.posting(
        id=job.id,
        company=employer.company,
        title=job.title,
        location="; ".join([job.location or "", *others]).strip("; "),
        # Ashby calls a hybrid job remote, too, and says what it is beside it.
        remote=bool(job.isRemote) and job.workplaceType in (None, "Remote"),
        text=reading.paragraphs(job.descriptionPlain) or reading.text_of(job.descriptionHtml),
        url=job.jobUrl or "",
        apply_url=job.applyUrl or "",
        pay=next(filter(None, salaries), None),
        posted_at=reading.moment(job.publishedAt),
    )
