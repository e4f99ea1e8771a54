"""Google's refusals: read off the wire, and turned into the few kinds of error that Hearback acts upon."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from shared.errors import GrantRevoked, RateLimited, Rejected, TryAgain, Unsure

SENDS: Final = frozenset({"drafts.send", "messages.send"})
"""Methods after which a mail may be on its way although no answer came."""

LONGEST_WAIT: Final = timedelta(hours=24)
"""Gmail's own limits end within a rolling day; a longer wait than that is a mistake of somebody's."""

REASON_CHARACTERS: Final = 200
"""How much of Google's message an error of ours quotes."""

_CLIENT_ERRORS: Final = range(400, 500)
_ADDRESS = re.compile(r"\S+@\S+")
_RETRY_AFTER = re.compile(r"retry after (\d{4}-\d\d-\d\dT[0-9:.]+Z)", re.IGNORECASE)


class GoogleError(Exception):
    """Google refused: HTTP status, Google's reason word, its message, and how long it asked us to wait."""

    def __init__(self, status: int, reason: str, message: str = "", *, retry_after: timedelta | None = None) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class NoAnswer(Exception):
    """No readable answer came. `left` tells whether any byte of the request may have reached Google."""

    def __init__(self, what: str, *, left: bool) -> None:
        super().__init__(what)
        self.left = left


class Missing(Rejected):
    """404: deleted meanwhile, or, for history, too old."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A refusal: the status, words of which one must stand in reason or message, and what it means for us."""

    status: int
    words: tuple[str, ...]
    kind: type[Rejected | TryAgain]
    after: timedelta | None = None
    """The wait when Google names none."""


_REFUSALS: Final = (
    # The same refusal comes as 403 and as 429, under several reasons; neither did anything.
    _Row(429, ("mail sending",), RateLimited, LONGEST_WAIT),  # the account's own limit of mails a day
    _Row(403, ("dailylimitexceeded",), RateLimited, LONGEST_WAIT),
    _Row(429, (), RateLimited),
    _Row(403, ("ratelimitexceeded", "rate_limit_exceeded", "quotaexceeded", "quota exceeded"), RateLimited),
    # An unknown or ended access token. Whether the grant behind it is dead, one refresh tells.
    _Row(401, (), GrantRevoked),
    _Row(404, (), Missing),
    # Said in a bad moment of Gmail's own. Its other failed preconditions (no Gmail on this account) stay.
    _Row(400, ("precondition check failed",), TryAgain),
    _Row(409, (), TryAgain),  # aborted in favour of a concurrent change
)
"""First match wins. Not in it: the rest of 4xx is never going to work; all else may, and a send may have happened."""


def failure(error: GoogleError, method: str, *, now: datetime) -> Rejected | TryAgain | Unsure:
    """Google's refusal of `method` as one of our errors; `now` turns "Retry after <time>" into a wait."""
    words = f"{error.reason} {error.message}".lower()
    text = f"{method}: {error.status} {error.reason} {_ADDRESS.sub('…', error.message)[:REASON_CHARACTERS]}".rstrip()
    for row in _REFUSALS:
        if row.status == error.status and (not row.words or any(word in words for word in row.words)):
            if issubclass(row.kind, TryAgain):
                wait = _asked_wait(error, now)
                return row.kind(text, after=row.after if wait is None else wait)
            return row.kind(text)
    if error.status in _CLIENT_ERRORS and error.status != HTTPStatus.REQUEST_TIMEOUT:
        return Rejected(text)
    return Unsure(text) if method in SENDS else TryAgain(text, after=_asked_wait(error, now))


def token_failure(error: GoogleError, *, now: datetime) -> GrantRevoked | TryAgain:
    """The token endpoint's refusal. Only invalid_grant is the person's; a wrong client secret is ours to mend."""
    text = f"token: {error.status} {error.reason}"
    if error.reason == "invalid_grant":
        return GrantRevoked(text)
    wait = _asked_wait(error, now)
    limited = error.status == HTTPStatus.TOO_MANY_REQUESTS
    return RateLimited(text, after=wait) if limited else TryAgain(text, after=wait)


def google_error(status: int, content: bytes, *, retry_after: str, now: datetime) -> GoogleError:
    """Read a refusal off the wire: Google's JSON in its old, new and OAuth shapes, or a proxy's HTML."""
    reason, message = "", ""
    with suppress(ValueError, RecursionError):  # no JSON: the status alone has to do
        body = json.loads(content)
        error = body.get("error") if isinstance(body, dict) else None
        if isinstance(error, str):  # RFC 6749, 5.2
            reason, message = error, str(body.get("error_description", ""))
        elif isinstance(error, dict):
            details: list[Any] = error["errors"] if isinstance(error.get("errors"), list) else []
            reasons = (str(detail.get("reason", "")) for detail in details if isinstance(detail, dict))
            reason = next(reasons, "") or str(error.get("status", ""))
            message = str(error.get("message", ""))
    return GoogleError(status, reason, message, retry_after=_header_wait(retry_after, now))


def _header_wait(value: str, now: datetime) -> timedelta | None:
    """Retry-After as RFC 9110 allows it: seconds or a date."""
    if value.isdecimal():
        return timedelta(seconds=min(int(value[:9]), LONGEST_WAIT.total_seconds()))
    with suppress(ValueError):
        at = parsedate_to_datetime(value)
        return max(timedelta(), (at if at.tzinfo else at.replace(tzinfo=UTC)) - now)
    return None


def _asked_wait(error: GoogleError, now: datetime) -> timedelta | None:
    wait = error.retry_after
    if wait is None and (said := _RETRY_AFTER.search(error.message)):
        with suppress(ValueError):
            wait = max(timedelta(), datetime.fromisoformat(said[1]) - now)
    return None if wait is None else min(wait, LONGEST_WAIT)
