"""Asking web servers politely: not twice for what has not changed, not where robots.txt says no, not too often.

What a server answered is kept under its address: a body for as long as it is fresh, then with the marks (ETag,
Last-Modified) by which the server itself says whether it changed. The pause between two requests to one host is
reserved in the store, so that it holds across instances: whoever asks takes the next free second of that host.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from shared.errors import Rejected, TryAgain
from shared.model import CachedAnswer, WebHost
from shared.ports import Blobs, Clock, Store, Transaction, Web, WebAnswer
from shared.schema import CACHE, WEB_HOSTS, Key

REDIRECTS = 5
"""How many redirects are followed: what RFC 9309 asks of a reader of robots.txt, and more than an honest page needs."""

PAUSE = timedelta(seconds=1)
"""Between two requests to one host, unless its robots.txt asks for more."""

LONGEST_PAUSE = timedelta(seconds=10)
"""A host that wants more time between two requests than this is left alone."""

QUEUE_AHEAD = timedelta(seconds=15)
"""How long a request may wait for its turn."""

ROBOTS_BYTES = 500 * 1024
"""How much of a robots.txt counts, by RFC 9309."""

ROBOTS_FRESH = timedelta(hours=24)
"""How long a robots.txt is believed, by RFC 9309."""

KEPT = timedelta(days=7)
"""How long an answer is of use: every search is run more often."""

STAY_AWAY = timedelta(minutes=10)
"""How long a host is left alone that refuses for frequency and does not say for how long."""

STAY_AWAY_MOST = timedelta(hours=24)
"""The longest that is believed."""

HOST_KEPT = timedelta(days=2)
"""How long a host's record says anything: longer than it may be told to stay away."""

MARK_CHARACTERS = 300
"""Of an ETag or a date; longer ones are not sent back."""

URL_CHARACTERS = 2_000
"""Of an address: what browsers accept."""

_HOST = re.compile(r"[a-z0-9:][a-z0-9.:_-]{0,252}")
_REDIRECT = {HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND, HTTPStatus.SEE_OTHER, 307, 308}


@dataclass(frozen=True, slots=True)
class Document:
    """What stands at an address."""

    url: str
    """Where it stands, after redirects."""
    body: bytes
    fetched_at: datetime
    """When its server last said that this is it."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why there is nothing to read."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of an address, and by when."""

    fresh_for: timedelta
    most_bytes: int
    until: datetime
    accept: str = "*/*"
    keep_missing: bool = False
    """Whether it is also kept that there is nothing there."""


class Reader:
    """Reads addresses for one run. A failure is an answer here, since it is only the source's; the store's is not."""

    def __init__(self, *, web: Web, store: Store, blobs: Blobs, clock: Clock) -> None:
        self.web = web
        self._store, self._blobs, self._clock = store, blobs, clock
        self._robots: dict[str, Document | Unavailable] = {}
        """Each site's robots.txt as this run found it: a hundred boards stand on three sites."""

    def read(self, url: str, wish: Wish) -> Document | Unavailable:
        """What stands at an address, by up to REDIRECTS redirects, each checked like the first address."""
        return self._follow(url, wish, lambda hop: self._allowed(hop, wish.until))

    # --- One address after another ------------------------------------------------------------------------------------

    def _follow(
        self, url: str, wish: Wish, allowed: Callable[[str], timedelta | Unavailable]
    ) -> Document | Unavailable:
        for _ in range(REDIRECTS + 1):
            answer = self._answer(url, wish, allowed)
            if isinstance(answer, Unavailable):
                return answer
            if not answer.location:
                if answer.status != HTTPStatus.OK:
                    return Unavailable(f"the server answered {answer.status}")
                body = self._blobs.get(blob_name(answer.id))
                return Unavailable("what was kept has gone") if body is None else Document(url, body, answer.fetched_at)
            try:
                before, url = url, urljoin(url, answer.location)
            except ValueError:
                return Unavailable("the server redirects to nowhere")
            if before.startswith("https:") and not url.startswith("https:"):
                return Unavailable("the server redirects to an unprotected address")
        return Unavailable(f"more than {REDIRECTS} redirects")

    def _answer(
        self, url: str, wish: Wish, allowed: Callable[[str], timedelta | Unavailable]
    ) -> CachedAnswer | Unavailable:
        """The answer of one address: what is kept of it while it is fresh, else what its server says now."""
        if _host_key(url) is None:
            return Unavailable("not the address of a web page")
        key = CACHE.key(hashlib.sha256(url.encode("utf-8", "replace")).hexdigest())
        found = self._store.get(key)
        known = found.value if found else None
        if known and known.status == HTTPStatus.OK and self._blobs.media_type(blob_name(known.id)) is None:
            known = None
        if known and self._clock.now() < known.fresh_until:
            return known
        pause = allowed(url)
        if isinstance(pause, Unavailable):
            return pause
        at = self._turn(url, pause, wish.until)
        if isinstance(at, Unavailable):
            return at
        try:
            told = self.web.get(
                url,
                headers={"Accept": wish.accept} | _marks(known),
                at=at,
                until=wish.until,
                most_bytes=wish.most_bytes,
            )
        except (Rejected, TryAgain) as e:
            return Unavailable(str(e))
        return self._keep(key, url, told, known, wish)

    def _keep(
        self, key: Key[CachedAnswer], url: str, told: WebAnswer, known: CachedAnswer | None, wish: Wish
    ) -> CachedAnswer | Unavailable:
        now = self._clock.now()
        answer = CachedAnswer(
            id=key.id,
            status=told.status,
            fetched_at=now,
            fresh_until=now + wish.fresh_for,
            expires_at=now + KEPT,
        )
        if told.status == HTTPStatus.NOT_MODIFIED and known is not None:
            answer = replace(
                answer, status=known.status, etag=known.etag, last_modified=known.last_modified, size=known.size
            )
        elif told.status == HTTPStatus.OK:
            # The body first: a record that names a body has one, unless it has been cleaned away since.
            self._blobs.put(blob_name(key.id), told.body, media_type="application/octet-stream")
            answer = replace(
                answer,
                size=len(told.body),
                etag=_mark(told.headers.get("etag", "")),
                last_modified=_mark(told.headers.get("last-modified", "")),
            )
        elif told.status in _REDIRECT and told.headers.get("location", ""):
            answer = replace(answer, location=told.headers["location"][:URL_CHARACTERS])
        elif told.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            until = self._block(url, told, now)
            return Unavailable(f"the server answered {told.status} and is left alone until {until:%d %b %H:%M} UTC")
        elif not (wish.keep_missing and HTTPStatus.BAD_REQUEST <= told.status < HTTPStatus.INTERNAL_SERVER_ERROR):
            # What is not there is not kept: the next round asks again.
            return answer
        self._store.transact(lambda transaction: transaction.put(key, answer))
        return answer

    # --- Whether and when ---------------------------------------------------------------------------------------------

    def _allowed(self, url: str, until: datetime) -> timedelta | Unavailable:
        """The pause that the host's robots.txt asks for, or that we may not read this address.

        By RFC 9309 a robots.txt that is not there allows everything, and one that can't be had allows nothing.
        """
        parts = urlsplit(url)
        where = f"{parts.scheme}://{parts.netloc}/robots.txt"
        wish = Wish(
            fresh_for=ROBOTS_FRESH,
            most_bytes=ROBOTS_BYTES,
            until=until,
            accept="text/plain, */*;q=0.1",
            keep_missing=True,
        )
        robots = self._robots.get(where) or self._follow(where, wish, lambda _: PAUSE)
        self._robots[where] = robots
        if isinstance(robots, Unavailable):
            missing = re.fullmatch(r"the server answered 4\d\d", robots.reason)
            return PAUSE if missing else Unavailable(f"robots.txt: {robots.reason}")
        rule = self.web.robots(robots.body.decode("utf-8", "replace"), url)
        if not rule.allowed:
            return Unavailable("robots.txt asks not to read this")
        if rule.delay > LONGEST_PAUSE:
            return Unavailable("robots.txt asks for more time between two requests than there is")
        return max(PAUSE, rule.delay)

    def _turn(self, url: str, pause: timedelta, until: datetime) -> datetime | Unavailable:
        """The next moment at which the host may be asked, now taken; at most QUEUE_AHEAD away."""
        key = _host_key(url)
        if key is None:
            return Unavailable("not the address of a web page")
        now = self._clock.now()

        def take(transaction: Transaction) -> datetime | Unavailable:
            host = transaction.get(key)
            if host and host.blocked_until and now < host.blocked_until:
                return Unavailable(f"the server wants to be left alone until {host.blocked_until:%d %b %H:%M} UTC")
            at = max(now, host.next_at) if host else now
            if at > min(now + QUEUE_AHEAD, until):
                return Unavailable("too many are waiting for this server")
            transaction.put(key, WebHost(id=key.id, next_at=at + pause, expires_at=at + HOST_KEPT))
            return at

        return self._store.transact(take, reads=[key])

    def _block(self, url: str, told: WebAnswer, now: datetime) -> datetime:
        """Leave a host alone that asks for it; returns until when."""
        key = _host_key(url)
        wait = _retry_after(told.headers.get("retry-after", ""), now) or STAY_AWAY
        until = now + min(max(wait, PAUSE), STAY_AWAY_MOST)
        if key is not None:
            blocked = WebHost(id=key.id, next_at=until, blocked_until=until, expires_at=until + HOST_KEPT)
            self._store.transact(lambda transaction: transaction.put(key, blocked))
        return until


def _mark(text: str) -> str:
    """An ETag or a date, as far as it can be sent back."""
    return text if len(text) <= MARK_CHARACTERS and text.isascii() and text.isprintable() else ""


def _marks(known: CachedAnswer | None) -> dict[str, str]:
    """The headers by which a server recognises what we have."""
    if known is None or known.status != HTTPStatus.OK:
        return {}
    marks = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: mark for name, mark in marks.items() if mark}


def _host_key(url: str) -> Key[WebHost] | None:
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return None
    return WEB_HOSTS.key(host) if _HOST.fullmatch(host) else None


def _retry_after(text: str, now: datetime) -> timedelta | None:
    """Retry-After in seconds or as a date (RFC 9110)."""
    if re.fullmatch(r"\d{1,9}", text.strip()):
        return timedelta(seconds=int(text))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) - now


def blob_name(cache_id: str) -> str:
    """The name of the blob with a kept answer's body."""
    return f"cache/{cache_id}"
