"""Gmail over HTTP by google-api-python-client: a call is tried once, and what may have had an effect never again."""

from __future__ import annotations

import http.client
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import httplib2
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest
from httplib2.decode import DecodeLimitError, DecodeRatioError

from shared.adapters import google_api
from shared.adapters.gmail_errors import GoogleError, NoAnswer, google_error, token_failure
from shared.adapters.gmail_methods import MEDIA_BYTES, UNITS, MailboxMethods, access_token
from shared.errors import TryAgain
from shared.ports import AccessToken, Clock, GmailMailbox

TOKEN_URL: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, not a token
"""Google's token endpoint; with another root it is `/token` there."""

TIMEOUT_SECONDS: Final = 15.0
"""For connecting and for each read: a run of 75 s survives a hanging call, and Gmail needs a second or two at most."""

RESPONSE_BYTES: Final = 48 << 20
"""The largest answer taken: a 35 MB attachment in base64. More would exhaust the memory of a function."""


class NotConnected(ConnectionError):
    """The connection never came about, so no byte of the request has left."""


class AnswerTooLong(Exception):
    """More than `RESPONSE_BYTES`."""


class _Answer(http.client.HTTPResponse):
    """A response that refuses to be endless."""

    def read(self, amt: int | None = None) -> bytes:
        if amt is not None:
            return super().read(amt)
        if self.length is not None:  # announced: then only the whole of it will do
            if self.length > RESPONSE_BYTES:
                raise AnswerTooLong
            return super().read()
        content = super().read(RESPONSE_BYTES + 1)
        if len(content) > RESPONSE_BYTES:
            raise AnswerTooLong
        return content


class _Once:
    """Keeps httplib2 from sending a request twice.

    When a server closes without an answer, httplib2 takes the connection for a stale one and sends the request again,
    a POST as well. Here only GET may have that, and gets it for a reset, too. Every other method begins on a fresh
    connection, so that a stale one cannot be the reason, and a missing answer is an error that httplib2 passes on.
    """

    _used = False
    """The connection has carried a request."""
    _stale = False
    """The present request went over a connection that had been kept, and may be asked again."""
    _repeatable = True

    def connect(self) -> None:
        try:
            super().connect()  # type: ignore[misc]  # from the connection class beside this one
        except (OSError, httplib2.HttpLib2Error) as e:
            raise NotConnected(type(e).__name__) from e
        self._used = self._stale = False

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        self._repeatable = method in ("GET", "HEAD")
        self._stale = self._used and self._repeatable
        if self._used and not self._repeatable:
            self.close()  # type: ignore[attr-defined]  # sending opens it again
        try:
            super().request(method, url, *args, **kwargs)  # type: ignore[misc]
        except ConnectionError:
            if not self._stale:
                raise
            self.close()  # type: ignore[attr-defined]
            super().request(method, url, *args, **kwargs)  # type: ignore[misc]
        finally:
            self._used = True

    def getresponse(self) -> http.client.HTTPResponse:
        try:
            answer: http.client.HTTPResponse = super().getresponse()  # type: ignore[misc]
        except http.client.HTTPException as e:
            if self._repeatable:
                raise
            raise ConnectionResetError("no answer") from e
        except ConnectionError as e:
            if not self._stale:
                raise
            raise http.client.RemoteDisconnected("stale") from e  # what httplib2 asks again for
        return answer


class _Connection(_Once, httplib2.HTTPConnectionWithTimeout):
    """Plain HTTP, to a stand-in on this machine."""

    response_class = _Answer


class _SecureConnection(_Once, httplib2.HTTPSConnectionWithTimeout):
    """HTTPS, to Google."""

    response_class = _Answer


class _Http(httplib2.Http):
    """One thread's HTTP object: no cache, no redirects, and nothing sent twice."""

    def __init__(self, **options: Any) -> None:
        # Above the safe limit httplib2 would also refuse a high compression ratio; here size alone matters.
        super().__init__(decode_limit_safe=RESPONSE_BYTES, decode_limit_hard=RESPONSE_BYTES, **options)
        self.follow_redirects = False

    def request(  # noqa: PLR0917 - httplib2's own signature
        self,
        uri: str,
        method: str = "GET",
        body: Any = None,
        headers: Any = None,
        redirections: Any = 0,
        connection_type: Any = None,
    ) -> Any:
        kind = connection_type or (_Connection if uri.startswith("http:") else _SecureConnection)
        return super().request(uri, method, body, headers, redirections, kind)


class GoogleHttp:
    """HTTP to Google by httplib2: an object for each thread, one try for each call."""

    def __init__(self, root: str, clock: Clock, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self._clock = clock
        self._options: dict[str, Any] = {"timeout": timeout}
        if root:
            # A stand-in is on this machine; no proxy of the environment has any business with it.
            self._options["proxy_info"] = None
        self._threads = threading.local()
        self._opened: list[_Http] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections of every thread; nobody may be calling."""
        with self._lock:
            for each in self._opened:
                each.close()
            self._opened.clear()
            self._threads = threading.local()

    def _post_form(self, url: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        response, content = self._answer(lambda http_: http_.request(url, "POST", urlencode(form), headers))
        if response.status != http.HTTPStatus.OK:
            raise google_error(
                response.status, content, retry_after=response.get("retry-after", ""), now=self._clock.now()
            )
        try:
            answer = json.loads(content or b"{}")
        except (ValueError, RecursionError) as e:
            raise NoAnswer("the answer was cut off", left=True) from e
        return answer if isinstance(answer, dict) else {}

    def _answer(self, ask: Callable[[_Http], Any]) -> Any:
        """One try. Raises GoogleError and NoAnswer only.

        An HttpError is not passed on as the cause: it names the URL, and with it what was searched for.
        """
        mine = self._http()
        try:
            return ask(mine)
        except HttpError as e:
            retry_after = e.resp.get("retry-after", "")
            raise google_error(e.status_code, e.content, retry_after=retry_after, now=self._clock.now()) from None
        except NotConnected as e:
            raise NoAnswer(f"not connected ({e})", left=False) from e
        except (AnswerTooLong, DecodeLimitError, DecodeRatioError):
            mine.close()
            raise GoogleError(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "answerTooLong") from None
        except (OSError, httplib2.HttpLib2Error, http.client.HTTPException, ValueError, RecursionError) as e:
            # What is left of this answer must not be read as the next one.
            mine.close()
            raise NoAnswer(type(e).__name__, left=True) from e

    def _http(self) -> _Http:
        mine: _Http | None = getattr(self._threads, "http", None)
        if mine is None:
            mine = self._threads.http = _Http(**self._options)
            with self._lock:
                self._opened.append(mine)
        return mine


class GoogleGmail(GoogleHttp):
    """Fulfils `shared.ports.Gmail` on Google's own Gmail, or on a stand-in at `root`."""

    def __init__(
        self, root: str, client_id: str, client_secret: str, clock: Clock, *, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        super().__init__(root, clock, timeout=timeout)
        self._token_url = f"{root.rstrip('/')}/token" if root else TOKEN_URL
        self._client = {"client_id": client_id, "client_secret": client_secret}
        # Building a resource costs four times a call, so each is built once and its methods are kept.
        self._methods = _methods(google_api.build("gmail", "v1", root).users())

    def refresh(self, refresh_token: str) -> AccessToken:
        """A new access token, by one POST (RFC 6749, 6)."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **self._client}
        now = self._clock.now()
        try:
            answer = self._post_form(self._token_url, form)
        except GoogleError as e:
            raise token_failure(e, now=now) from e
        except NoAnswer as e:
            raise TryAgain(f"token: {e}") from e
        return access_token(answer, now=now)

    def mailbox(self, access_token: str) -> GmailMailbox:
        """The mailbox that the token opens."""
        authorization = f"Bearer {access_token}"

        def call(
            method: str, params: Mapping[str, Any], body: Mapping[str, Any] | None, media: bytes | None
        ) -> Mapping[str, Any]:
            return self._call(authorization, method, params, body, media)

        return MailboxMethods(call, self._clock)

    def _call(
        self,
        authorization: str,
        method: str,
        params: Mapping[str, Any],
        body: Mapping[str, Any] | None,
        media: bytes | None,
    ) -> Mapping[str, Any]:
        request = self._methods[method](userId="me", **params, **({} if body is None else {"body": body}))
        request.headers["authorization"] = authorization
        if media is not None:
            _add_media(request, media)
        answer = self._answer(lambda http_: request.execute(http=http_, num_retries=0))
        if method in _SILENT:
            return {}
        # The client hands on a JSON text that was cut off as it came.
        if not isinstance(answer, dict):
            raise NoAnswer("the answer was cut off", left=True)
        return answer


def _add_media(request: HttpRequest, media: bytes) -> None:
    """Turn a call into a multipart upload (`uploadType=multipart`), the mail byte for byte.

    The client's own assembly runs the mail through Python's generator for message/rfc822, which fails on any byte
    beyond ASCII.
    """
    if len(media) > MEDIA_BYTES:
        raise GoogleError(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "uploadTooLarge")
    boundary = secrets.token_hex(16).encode()
    request.body = b"\r\n".join(
        (
            b"--" + boundary,
            b"Content-Type: application/json; charset=UTF-8\r\n",
            (request.body or "{}").encode(),
            b"--" + boundary,
            b"Content-Type: message/rfc822\r\n",
            media,
            b"--" + boundary + b"--\r\n",
        )
    )
    request.body_size = len(request.body)
    request.headers["content-type"] = f'multipart/related; boundary="{boundary.decode()}"'
    request.uri = request.uri.replace("/gmail/v1/", "/upload/gmail/v1/", 1) + "&uploadType=multipart"


_SILENT: Final = frozenset({"stop", "drafts.delete"})
"""Methods that answer nothing."""


def _methods(users: Any) -> Mapping[str, Callable[..., Any]]:
    """The client's function for each method that has a price."""
    messages = users.messages()
    resources = {
        "": users,
        "drafts": users.drafts(),
        "history": users.history(),
        "labels": users.labels(),
        "messages": messages,
        "messages.attachments": messages.attachments(),
        "threads": users.threads(),
    }
    found = {}
    for name in UNITS:
        resource, _, method = name.rpartition(".")
        found[name] = getattr(resources[resource], method)
    return found
