"""Who is calling: Google's ID tokens, or those of the embedded wiring."""

# ruff: noqa: PLC0415 - the embedded wiring has no use for google-auth and its HTTP client

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from shared.codec import from_json
from shared.errors import Rejected, TryAgain
from shared.ports import Clock

UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
"""What a uid looks like; Google's `sub` is digits. It becomes a document's id, and those can't be just anything."""

TOKEN_CHARACTERS = 8_192
"""Google's ID tokens have about 1,200; a longer header line would not reach us anyway."""

CERTIFICATE_BYTES = 100_000
"""Google serves two to four certificates of about 1,200 bytes each."""

CERTIFICATE_SECONDS = (60, 86_400)
"""Least and most time to believe the certificates, whatever the answer's max-age says: Google changes them daily."""

FETCH_SECONDS = 5.0
"""For connecting and for each read of the certificates, while a caller waits."""

CLOCK_SKEW_SECONDS = 10
"""Google's clocks and ours may differ by this much before a fresh token counts as one from the future."""

LOCAL_TOKEN_LIFE = timedelta(hours=12)
"""A working day."""


class GoogleIdentity:
    """ports.Identity by google-auth: signature, audience (our OAuth client), issuer, and time of a Google ID token."""

    def __init__(self, client_id: str, *, certificates_url: str = "", clock: Clock) -> None:
        if not client_id:
            raise ValueError("without an audience any Google ID token would do")
        self._client_id = client_id
        self._certificates = _Certificates(certificates_url, clock)

    def verify(self, token: str) -> str:
        """The `sub` of a valid token. Raises Rejected for any other, TryAgain when the certificates can't be had."""
        from google.oauth2 import id_token

        if len(token) > TOKEN_CHARACTERS:
            raise Rejected("ID token: too long")
        try:
            claims = id_token.verify_oauth2_token(  # type: ignore[no-untyped-call]  # google-auth has no types here
                token, self._certificates, audience=self._client_id, clock_skew_in_seconds=CLOCK_SKEW_SECONDS
            )
        except TryAgain:
            raise
        except Exception as e:
            # The token is a stranger's, and google-auth raises a dozen types for what may be wrong with it.
            raise Rejected("ID token: not valid") from e
        return _uid(claims.get("sub"))


@dataclass(frozen=True, slots=True)
class _Answer:
    """A response as google-auth's transports give it."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _Certificates:
    """A transport for google-auth that remembers the certificates as long as the answer's max-age allows."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._lock = threading.Lock()
        self._answer: _Answer | None = None
        self._until: datetime | None = None

    def __call__(self, url: str, method: str = "GET", **_: Any) -> _Answer:
        # The lock is held while fetching: callers who come meanwhile want the very same answer.
        with self._lock:
            now = self._clock.now()
            if self._answer is None or self._until is None or now >= self._until:
                self._answer = self._fetch(self._url or url, method)
                self._until = now + _max_age(self._answer.headers)
            return self._answer

    def _fetch(self, url: str, method: str) -> _Answer:
        from google.auth.exceptions import TransportError
        from google.auth.transport.requests import Request

        try:
            fetched = Request()(url, method=method, timeout=FETCH_SECONDS)
        except TransportError as e:
            raise TryAgain("the certificates can't be fetched") from e
        # Without these checks a broken answer would look like a broken token, and the person would be to blame.
        if fetched.status != HTTPStatus.OK or len(fetched.data) > CERTIFICATE_BYTES:
            raise TryAgain("the certificates can't be fetched")
        try:
            from_json(dict[str, str], fetched.data)
        except Rejected as e:
            raise TryAgain("the certificates are none") from e
        headers = {name.lower(): value for name, value in fetched.headers.items()}
        return _Answer(fetched.status, headers, fetched.data)


def _max_age(headers: Mapping[str, str]) -> timedelta:
    found = re.search(r"max-age=(\d{1,9})", headers.get("cache-control", ""))
    least, most = CERTIFICATE_SECONDS
    return timedelta(seconds=min(max(int(found[1]) if found else least, least), most))


class LocalIdentity:
    """ports.Identity and ports.SignIn of the embedded wiring: tokens that it signs itself, for whoever asks."""

    def __init__(self, secret: bytes, *, clock: Clock) -> None:
        if not secret:
            raise ValueError("an empty key would sign for everybody")
        self._secret = secret
        self._clock = clock

    def token(self, uid: str) -> str:
        """A bearer token for the uid, valid for `LOCAL_TOKEN_LIFE`."""
        until = int((self._clock.now() + LOCAL_TOKEN_LIFE).timestamp())
        claims = f"{_uid(uid)}.{until}"
        return f"{claims}.{self._signature(claims)}"

    def verify(self, token: str) -> str:
        """The uid of a token of ours that has not expired. Raises Rejected for any other."""
        claims, _, signature = token[:TOKEN_CHARACTERS].rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(claims).encode()):
            raise Rejected("local token: not valid")
        uid, _, until = claims.rpartition(".")
        if self._clock.now().timestamp() >= int(until):
            raise Rejected("local token: expired")
        return _uid(uid)

    def _signature(self, claims: str) -> str:
        digest = hmac.new(self._secret, claims.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _uid(value: object) -> str:
    if not isinstance(value, str) or not UID.fullmatch(value):
        raise Rejected("uid: not up to 128 letters, digits, - and _")
    return value
