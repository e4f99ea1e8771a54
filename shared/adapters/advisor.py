"""A model behind an OpenAI-compatible endpoint: chat/completions, as OpenAI, Vertex AI and local servers speak it."""

# ruff: noqa: PLC0415 - an advisor that is not Google's needs none of Google's libraries

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.errors import Rejected, TryAgain
from shared.ports import Question

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

SECONDS = 8.0
"""For the whole call, whatever the pace of the answer; a run has 75 s for all its mail."""

QUIET_SECONDS = 120.0
"""After a call without an answer nobody is asked for so long: a dead endpoint costs a run one time-out, not ten."""

ANSWER_BYTES = 65_536
"""More is not read: the answer that counts has 40 bytes, and its envelope a few hundred."""

ANSWER_TOKENS = 24
"""Room for the one object that is asked for."""

OK = 200
REFUSED_FOR_GOOD = frozenset({400, 401, 403, 404, 405, 413, 422})
"""Asked wrongly, or of the wrong server: the operator's to mend, not time's."""


class ChatAdvisor:
    """ports.Advisor over HTTP. `bearer` gives the key or token of the moment (Vertex AI takes Google's)."""

    def __init__(self, base_url: str, model: str, bearer: Callable[[], str], *, seconds: float = SECONDS) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("the advisor's URL is no http(s) URL")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._path = parts.path.rstrip("/") + "/chat/completions"
        self._model, self._bearer, self._seconds = model, bearer, seconds
        self._quiet_until = 0.0

    def ask(self, question: Question) -> str:
        """One call over a connection of its own, tried once, redirects not followed."""
        if time.monotonic() < self._quiet_until:
            raise TryAgain("the advisor has not answered a moment ago")
        try:
            return self._ask(question)
        except (TryAgain, Rejected):
            self._quiet_until = time.monotonic() + QUIET_SECONDS
            raise

    def _ask(self, question: Question) -> str:
        headers = self._headers()
        connection: http.client.HTTPConnection
        if self._secure:
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=self._seconds, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._seconds)
        ends = time.monotonic() + self._seconds
        end: threading.Timer | None = None
        try:
            connection.connect()
            end = threading.Timer(max(ends - time.monotonic(), 0), _hang_up, (connection.sock,))
            end.daemon = True
            end.start()
            connection.request("POST", self._path, body=self._body(question), headers=headers)
            response = connection.getresponse()
            content = _read(response)
        except (OSError, http.client.HTTPException, ValueError) as e:
            # A line that is no HTTP, a connection refused or hung up, a token with a line break in it.
            raise TryAgain(f"the advisor did not answer: {type(e).__name__}") from e
        finally:
            if end is not None:
                end.cancel()
            connection.close()
        if response.status != OK:
            kind = Rejected if response.status in REFUSED_FOR_GOOD else TryAgain
            raise kind(f"the advisor answered {response.status}")
        return _said(content)

    def _headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", "Authorization": f"Bearer {self._bearer()}"}

    def _body(self, question: Question) -> bytes:
        return json.dumps(
            {
                "model": self._model,
                "temperature": 0,
                "max_tokens": ANSWER_TOKENS,
                "response_format": {"type": "json_object"},
                "messages": [
                    {"role": "system", "content": question.instruction},
                    {"role": "user", "content": f"-----\n{question.text}\n-----"},
                ],
            }
        ).encode()


def _hang_up(sock: socket.socket) -> None:
    """End the call: a server may send a byte a second for ever, and each of them would renew a socket's time-out."""
    with contextlib.suppress(OSError):
        # Not the method of a TLS socket: that would make the reader go on without TLS.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _read(response: http.client.HTTPResponse) -> bytes:
    """The whole body. Raises TryAgain when it is longer than the cap, or was cut off."""
    content = response.read(ANSWER_BYTES + 1)
    if len(content) > ANSWER_BYTES:
        raise TryAgain("the advisor's answer has no end")
    return content


def _said(content: bytes) -> str:
    """The text of the first choice; tool calls and whatever else a model may send are no text."""
    try:
        answer: Any = json.loads(content)
        text = answer["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError) as e:
        raise TryAgain("the advisor's answer is no chat completion") from e
    if not isinstance(text, str):
        raise TryAgain("the advisor said nothing")
    return text.strip()


class GoogleBearer:
    """This process's own Google token, for Vertex AI's OpenAI-compatible endpoint; renewed when it ends."""

    def __init__(self) -> None:
        self._credentials: Credentials | None = None
        self._renewing = threading.Lock()

    def __call__(self) -> str:
        """The token. Raises TryAgain when Google gives none."""
        from google.auth.exceptions import GoogleAuthError
        from google_auth_httplib2 import Request
        from httplib2 import Http, HttpLib2Error

        from shared.adapters.google_api import default_credentials

        with self._renewing:
            try:
                if self._credentials is None:
                    self._credentials = default_credentials()
                if not self._credentials.valid:
                    self._credentials.refresh(Request(Http(timeout=SECONDS)))  # type: ignore[no-untyped-call]
            except (GoogleAuthError, HttpLib2Error, OSError) as e:
                raise TryAgain("Google gives no token for the advisor") from e
            return str(self._credentials.token)
