"""What every source's postings go through: lines and texts of bounded length, moments in UTC, believable salaries."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

from shared.classify.charsets import clean
from shared.classify.html_text import html_to_text
from shared.jobs.places import says_remote
from shared.model import TEXT_CHARACTERS, FoundPosting, Salary

NAME_CHARACTERS = 160
"""Of a company or a title: the longest real ones stay below it."""

LOCATION_CHARACTERS = 300
"""A dozen cities."""

URL_CHARACTERS = 1_000
"""Addresses of postings with all their tracking parameters."""

HTML_CHARACTERS = 120_000
"""Of a posting's markup: its text is a tenth of it."""

MOST_PAY = 1e9
"""No salary is higher, in yen or rupees a year."""

OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
"""A posting said to be older has a wrong date."""

_PERIODS = {
    "hour": "hour", "hourly": "hour", "per-hour-wage": "hour", "1 hour": "hour", "hourly-wage": "hour",
    "day": "day", "daily": "day", "per-day-wage": "day", "1 day": "day",
    "week": "week", "weekly": "week", "per-week-salary": "week", "1 week": "week",
    "month": "month", "monthly": "month", "per-month-salary": "month", "1 month": "month",
    "year": "year", "yearly": "year", "annual": "year", "annually": "year", "per-year-salary": "year",
    "1 year": "year",
}  # fmt: skip
"""Each source's word for the time that a salary is paid for."""

_ESCAPED = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&amp;", "&"))
"""The signs that markup is escaped by; the ampersand last, so that nothing is unescaped twice."""

_ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24}(?![\w-])", re.IGNORECASE)
_APPLYING = re.compile(
    r"\b(?:appl(?:y|ication|ications|ying)|resumes?|résumés?|cvs?|cover letter|send|e-?mail (?:us|your)|bewerb\w*|"
    r"lebenslauf|candidature|postul\w*|curr[ií]cul\w*|sollicit\w*)\b|应聘|简历|応募|履歴書",
    re.IGNORECASE,
)
_NOT_FOR_APPLYING = re.compile(
    r"accommodat|accessib|privacy|data protection|datenschutz|agenc|fraud|scam", re.IGNORECASE
)
NEAR = 120
"""Characters around an address whose words say what it is for."""


def line(text: object, most: int = NAME_CHARACTERS) -> str:
    """One line of plain text, at most so long; empty for what is no text."""
    return " ".join(clean(text[: most * 4]).split())[:most].rstrip() if isinstance(text, str) else ""


def text_of(markup: object, *, escaped: bool = False) -> str:
    """HTML as plain text; `escaped` once more, as Greenhouse writes it."""
    if not isinstance(markup, str):
        return ""
    markup = markup[:HTML_CHARACTERS]
    if escaped:
        # html.unescape would also take what is escaped twice for markup, and raises on a number of 5,000 digits.
        for name, sign in _ESCAPED:
            markup = markup.replace(name, sign)
    return html_to_text(clean(markup))[:TEXT_CHARACTERS].rstrip()


def paragraphs(*texts: object) -> str:
    """Plain texts below one another."""
    whole = "\n\n".join(clean(text[:HTML_CHARACTERS]).strip() for text in texts if isinstance(text, str))
    return whole.strip()[:TEXT_CHARACTERS].rstrip()


def address(url: object) -> str:
    """An http(s) address, else nothing: a posting is data, and no javascript: of it is ever shown as a link."""
    if not isinstance(url, str):
        return ""
    url = url.strip()
    fits = len(url) <= URL_CHARACTERS and url.isprintable() and not any(each.isspace() for each in url)
    return url if fits and url.lower().startswith(("https://", "http://")) else ""


def moment(text: object, *, end_of_day: bool = False) -> datetime | None:
    """An ISO 8601 date or time, in UTC; a time without a zone is taken for UTC. None for what is no date."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text.strip()[:40])
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if end_of_day and len(text.strip()) <= len("2026-12-31"):
        found += timedelta(days=1)
    return found if found >= OLDEST else None


def instant(milliseconds: object) -> datetime | None:
    """Milliseconds since 1970 as a moment; None for what is none."""
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    try:
        found = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found >= OLDEST else None


def salary(minimum: object, maximum: object, currency: object, period: object) -> Salary | None:
    """A believable salary; one bound stands for both. The period is a source's own word for it."""
    bounds = [bound for bound in (number(minimum), number(maximum)) if bound]
    if not bounds or not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency.strip().upper()):
        return None
    low, high = min(bounds), max(bounds)
    word = period.strip().lower() if isinstance(period, str) else ""
    return Salary(minimum=low, maximum=high, currency=currency.strip().upper(), period=_PERIODS.get(word, ""))


def number(value: object) -> float | None:
    """A positive amount, as a number or in digits; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,3}(?:,\d{3}){0,3}(?:\.\d{1,2})?|\d{1,10}(?:\.\d{1,4})?", value):
        value = float(value.replace(",", ""))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 < value <= MOST_PAY else None


def apply_address(text: str) -> str:
    """The address that a posting wants applications sent to: one whose own words speak of applying."""
    for found in _ADDRESS.finditer(text):
        before = text[max(found.start() - NEAR, 0) : found.start()]
        behind = text[found.end() : found.end() + NEAR // 2]
        if _APPLYING.search(before + " " + behind) and not _NOT_FOR_APPLYING.search(before + behind):
            return found.group().lower()
    return ""


def posting(
    *,
    id: str,  # noqa: A002 - the record's own word
    company: str,
    title: str,
    location: str = "",
    remote: bool = False,
    text: str = "",
    url: str = "",
    apply_url: str = "",
    apply_to: str = "",
    pay: Salary | None = None,
    posted_at: datetime | None = None,
    closes_at: datetime | None = None,
) -> FoundPosting | None:
    """A posting in its normal form; None without a company or a title, since nobody could apply to that."""
    company, title, location = line(company), line(title), line(location, LOCATION_CHARACTERS)
    if not company or not title:
        return None
    return FoundPosting(
        id=line(id, 200),
        company=company,
        title=title,
        location=location,
        remote=remote or says_remote(location),
        salary=pay,
        posted_at=posted_at,
        closes_at=closes_at,
        text=text[:TEXT_CHARACTERS],
        url=address(url),
        apply_url=address(apply_url) or address(url),
        apply_address=apply_to or apply_address(text),
    )
