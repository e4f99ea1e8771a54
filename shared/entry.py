"""The border to the functions framework: parse what comes in, call one use case, turn what it raises into an answer.

A message or a scheduled call is answered 204 when it is done or can never work (then it is recorded), and 500 when it
may work later, so that it comes again. No other answer is given: Pub/Sub and its emulator do not agree on the rest.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar, overload

import flask
import functions_framework
from cloudevents.exceptions import GenericException
from cloudevents.http import from_http
from werkzeug.exceptions import ClientDisconnected

from shared import dead_letters
from shared.adapters import log
from shared.codec import from_json, from_plain
from shared.errors import Rejected, TryAgain, Unsure
from shared.model import Run
from shared.schema import RUNS
from shared.services import services
from shared.web import http as web

M = TypeVar("M")

Payload = Mapping[str, Any]

Parse = Callable[[Payload], M] | type[M]
"""What makes a message of its JSON, or the type itself, when the JSON has its fields and nothing to be tamed."""

Serve = functions_framework.HTTPFunction
"""What the framework is given: a plain function under the name of the function that it serves."""

ENVELOPE_BYTES = 1024 * 1024
"""Our messages have some ids. Pub/Sub would bring 10 MB, and nothing longer than this is ours."""

URL_BYTES = 8 * 1024
"""The longest path and query that the API takes; the framework sets no limit."""

CHUNK_BYTES = 64 * 1024
"""How much of a body is read at a time."""

URL_SAFE_TO_STANDARD = str.maketrans("-_", "+/")
"""Gmail writes base64 in the alphabet for URLs, Pub/Sub in the standard one."""

COUNTS = ("scanned", "queued", "updated", "failed")
"""What a scheduled run's record counts, when the use case does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """Pub/Sub's message, as the body of a push has it; the emulator and the service leave out different fields."""

    data: str | None = None
    """Base64."""
    attributes: dict[str, str] | None = None
    messageId: str = ""  # noqa: N815 - Pub/Sub's name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Push:
    """The body of a push; also the data of the CloudEvent that Eventarc makes of one."""

    message: _Message
    subscription: str = ""
    """projects/P/subscriptions/S."""
    deliveryAttempt: int = 1  # noqa: N815 - Pub/Sub's name
    """Absent without a dead-letter policy, and always at the emulator."""

    @property
    def subscription_name(self) -> str:
        """The last part of the subscription's full name."""
        return self.subscription.rpartition("/")[2]

    def payload(self) -> Payload:
        """The JSON object in the message; empty without data. Raises Rejected."""
        data = (self.message.data or "").translate(URL_SAFE_TO_STANDARD)
        try:
            decoded = base64.b64decode(data + "=" * (-len(data) % 4), validate=True)
        except ValueError as e:
            raise Rejected("message.data: not base64") from e
        return _object(decoded, "message.data")


def pubsub(parse: Parse[M]) -> Callable[[Callable[[M], object]], Serve]:
    """Makes a use case the receiver of a topic's messages. What it returns is logged, if it is a dataclass."""
    return _receiver(lambda push: _parsed(parse, push.payload()))


def dead_letter(work: Callable[[dead_letters.Undelivered], object]) -> Serve:
    """Makes a use case the receiver of dead-letter topics: of whatever message, with where it came from."""
    return _receiver(_undelivered)(work)


@overload
def scheduled() -> Callable[[Callable[[], object]], Serve]: ...


@overload
def scheduled(parse: Parse[M]) -> Callable[[Callable[[M], object]], Serve]: ...


def scheduled(parse: Parse[Any] | None = None) -> Callable[[Callable[..., object]], Serve]:
    """Makes a use case the work of a schedule, with or without a payload; each call leaves a Run."""

    def decorate(work: Callable[..., object]) -> Serve:
        def receive(request: flask.Request, call: log.Call) -> flask.Response:
            body = _body(request, ENVELOPE_BYTES)
            if request.method != "POST":
                return _only_post(call)
            started_at = services().clock.now()
            try:
                payload = _object(body, "body")
                done = work() if parse is None else work(_parsed(parse, payload))
            except Rejected as e:
                call.outcome, call.error = "rejected", e
                _leave_run(call.function, started_at, {"failed": 1})
            except Exception:
                _leave_run(call.function, started_at, {"failed": 1})
                raise
            else:
                told = _told(done)
                _leave_run(call.function, started_at, {name: told[name] for name in COUNTS if name in told})
                call.outcome, call.fields = "done", told
            return flask.Response(status=HTTPStatus.NO_CONTENT)

        return _served(work, receive)

    return decorate


def http(work: Callable[[web.Request], web.Response]) -> Serve:
    """Makes a function that answers requests the receiver of HTTP; it turns its own errors into answers."""

    def receive(request: flask.Request, call: log.Call) -> flask.Response:
        body = _Body(request)
        kept = body.read(web.BODY_BYTES)
        if len(request.path) + len(request.query_string) > URL_BYTES:
            answer = web.problem(HTTPStatus.REQUEST_URI_TOO_LONG, f"longer than {URL_BYTES} bytes")
        else:
            answer = work(
                web.Request(
                    method=request.method,
                    path=request.path,
                    query=request.args.to_dict(),
                    headers={name: request.headers[name] for name in web.READ_HEADERS if name in request.headers},
                    body=kept,
                    long_body=body.read,
                )
            )
        body.drop()
        call.outcome = "done"
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            call.outcome = "try_again" if answer.status == HTTPStatus.SERVICE_UNAVAILABLE else "crashed"
        call.fields = {"status": int(answer.status), "method": request.method, "route": answer.route}
        return _response(answer)

    return _served(work, receive)


def _receiver(read: Callable[[_Push], M]) -> Callable[[Callable[[M], object]], Serve]:
    def decorate(work: Callable[[M], object]) -> Serve:
        def receive(request: flask.Request, call: log.Call) -> flask.Response:
            body = _body(request, ENVELOPE_BYTES)
            if request.method != "POST":
                return _only_post(call)
            push: _Push | None = None
            try:
                push = _push(request, body)
                call.fields = _identifying(push)
                done = work(read(push))
            except Rejected as e:
                call.outcome, call.error = "rejected", e
                _record(e, push, function=call.function)
            else:
                call.outcome = "done"
                call.fields |= _told(done)
            return flask.Response(status=HTTPStatus.NO_CONTENT)

        return _served(work, receive)

    return decorate


def _served(work: Callable[..., object], receive: Callable[[flask.Request, log.Call], flask.Response]) -> Serve:
    """What all entries share: a start that refuses bad settings, a log line for each call, 500 for whatever failed."""
    log.install()
    services().load()
    name = work.__name__

    @functools.wraps(work)
    def serve(request: flask.Request) -> flask.Response:
        headers = request.headers
        with log.call(
            name,
            project=services().settings.project,
            execution_id=headers.get("Function-Execution-Id", ""),
            trace=headers.get("X-Cloud-Trace-Context", ""),
            traceparent=headers.get("Traceparent", ""),
        ) as call:
            try:
                return receive(request, call)
            except Exception as e:  # noqa: BLE001 - the border: what nobody foresaw is logged and comes again
                call.outcome = _outcome(e)
                call.error = e
                return flask.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)

    return functions_framework.http(serve)


def _outcome(error: Exception) -> str:
    if isinstance(error, Unsure):
        # Only the sending use case may know what to do then; here it can only be a mistake of ours.
        return "unsure_escaped"
    return "try_again" if isinstance(error, TryAgain) else "crashed"


class _Body:
    """A request's body, read as far as somebody wants to know it, and in the end to its end.

    Else the framework would read the rest, and keep it.
    """

    def __init__(self, request: flask.Request) -> None:
        self._request = request
        self._kept: list[bytes] = []
        self._length = 0
        self._ended = False

    def read(self, most: int) -> bytes | None:
        """All of it, or None when it is longer than so many bytes. What has been read can be asked for again."""
        while not self._ended and self._length <= most and (self._request.content_length or 0) <= most:
            self._kept.append(self._chunk())
        return b"".join(self._kept) if self._ended and self._length <= most else None

    def drop(self) -> None:
        """Read what is left, and forget everything."""
        self._kept.clear()
        while not self._ended:
            self._chunk()

    def _chunk(self) -> bytes:
        try:
            chunk: bytes = self._request.stream.read(CHUNK_BYTES)
        except ClientDisconnected as e:
            raise TryAgain("the caller hung up") from e
        self._length += len(chunk)
        self._ended = not chunk
        return chunk


def _body(request: flask.Request, most: int) -> bytes | None:
    """The body, or None when it is too long."""
    body = _Body(request)
    content = body.read(most)
    body.drop()
    return content


def _push(request: flask.Request, body: bytes | None) -> _Push:
    """A push as Pub/Sub sends it, or inside a CloudEvent in binary mode. Raises Rejected."""
    if body is None:
        raise Rejected(f"body: longer than {ENVELOPE_BYTES} bytes")
    if "ce-specversion" not in request.headers:
        return from_json(_Push, body)
    try:
        event = from_http(dict(request.headers.items()), body, data_unmarshaller=lambda data: data)
    except GenericException as e:
        raise Rejected(f"CloudEvent: {type(e).__name__}") from e
    return from_json(_Push, event.get_data() or b"")


def _object(body: bytes | None, what: str) -> Payload:
    """The JSON object in some bytes; an empty one in none. Raises Rejected."""
    if body is None:
        raise Rejected(f"{what}: longer than {ENVELOPE_BYTES} bytes")
    if not body:
        return {}
    try:
        return from_json(dict[str, Any], body)
    except Rejected as e:
        raise Rejected(f"{what}: not a JSON object") from e


def _parsed(parse: Parse[M], payload: Payload) -> M:
    return from_plain(parse, payload) if isinstance(parse, type) else parse(payload)


def _undelivered(push: _Push) -> dead_letters.Undelivered:
    """A dead letter; what made it one may be that its data can't be read."""
    attributes = push.message.attributes or {}
    try:
        payload = push.payload()
    except Rejected:
        payload = {}
    attempts = attributes.get("CloudPubSubDeadLetterSourceDeliveryCount", "")
    return dead_letters.Undelivered(
        payload=payload,
        subscription=attributes.get("CloudPubSubDeadLetterSourceSubscription", ""),
        attempts=int(attempts) if attempts.isascii() and attempts.isdecimal() and len(attempts) < 5 else 1,  # noqa: PLR2004 - at most 100
    )


def _record(error: Rejected, push: _Push | None, *, function: str) -> None:
    """Keep a message that never works where a person can see it. Raises TryAgain when the store is down."""
    payload: Payload = {}
    if push is not None:
        with contextlib.suppress(Rejected):
            payload = push.payload()
    s = services()
    dead_letters.record(
        payload,
        function=function,
        topic=dead_letters.topic_of(push.subscription_name) if push else "",
        reason=str(error),
        attempts=push.deliveryAttempt if push else 1,
        mailbox_secret=s.settings.mailbox_secret,
        store=s.store,
        clock=s.clock,
    )


def _leave_run(function: str, started_at: datetime, counts: Mapping[str, Any]) -> None:
    s = services()
    run = Run(id=s.ids.new(), function=function, started_at=started_at, finished_at=s.clock.now(), **counts)
    s.store.create(RUNS.key(run.id), run)


def _identifying(push: _Push) -> dict[str, Any]:
    """Which delivery of which message this is. For the log alone: Pub/Sub's ids change when a message is re-driven."""
    return {
        "pubsub_message_id": push.message.messageId,
        "subscription": push.subscription_name,
        "attempt": push.deliveryAttempt,
    }


def _told(done: object) -> dict[str, Any]:
    """What a use case says that it did. Its `outcome` is logged as `result`, beside the call's own outcome."""
    if not dataclasses.is_dataclass(done) or isinstance(done, type):
        return {}
    told = {each.name: getattr(done, each.name) for each in dataclasses.fields(done)}
    if "outcome" in told:
        told["result"] = told.pop("outcome")
    return told


def _only_post(call: log.Call) -> flask.Response:
    call.outcome = "refused"
    return flask.Response(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})


def _response(answer: web.Response) -> flask.Response:
    content = answer.body if answer.pieces is None else answer.pieces
    response = flask.Response(content, status=answer.status, headers=dict(answer.headers))
    if "Content-Type" not in answer.headers:
        # Flask would call the empty body of a 204 a page.
        del response.headers["Content-Type"]
    return response
