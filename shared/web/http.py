"""A request, a response, a problem, and the table of routes between them: all of HTTP that the API needs."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeVar

from shared.codec import from_json, from_plain, to_json
from shared.errors import NotFound, Refused, Rejected, TryAgain
from shared.ports import Identity
from shared.settings import Settings

T = TypeVar("T")

log = logging.getLogger(__name__)

BODY_BYTES = 64 * 1024
"""The longest body that is read before anybody asks for it: a letter of some pages. A file is longer."""

ITEMS = 50
"""Items of a list, unless the caller says how many."""

MOST_ITEMS = 100
"""Items of a list, whatever the caller says: a page that one query reads quickly."""

PATH_PART = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
"""What an id in a path may look like: it becomes a part of a document's path."""

COME_BACK = timedelta(seconds=5)
"""When to ask again, if whoever refused did not say."""

PREFLIGHT = timedelta(hours=1)
"""How long a browser may remember what a preflight request told it."""

READ_HEADERS = (
    "authorization",
    "content-disposition",
    "content-type",
    "host",
    "idempotency-key",
    "origin",
    "access-control-request-method",
)
"""The headers that are looked at, lower-cased."""

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer: it is one person's data, it is no page, and nobody may keep, frame or guess it."""


class Ports(Protocol):
    """What serving any request may need; a route's handlers may need more."""

    @property
    def settings(self) -> Settings:
        """For the origins that may call from a browser."""
        ...

    @property
    def identity(self) -> Identity:
        """Asked for only by a route that needs to know who is calling."""
        ...


P = TypeVar("P", bound=Ports)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller asked, as far as it concerns us."""

    method: str
    path: str
    """Decoded, without the query."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those of `READ_HEADERS` that were sent; names lower-cased."""
    body: bytes | None = b""
    """None when it is longer than `BODY_BYTES`, and is not kept."""
    long_body: Callable[[int], bytes | None] = field(default=lambda _most: None, compare=False)
    """The whole of such a body, unless it is longer than so many bytes: for a route that takes files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What it is answered."""

    status: int
    body: bytes = b""
    pieces: Iterator[bytes] | None = None
    """The body instead, where it is too long for one piece of memory; an error on the way cuts it off."""
    headers: Mapping[str, str] = field(default_factory=dict)
    route: str = ""
    """The template of the route that served it, for the log: a path may bear anything."""


class Problem(Rejected):
    """A request that can't be served, as its caller is told."""

    def __init__(self, status: HTTPStatus, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemDetails:
    """The body of a problem (RFC 9457)."""

    type: str = "about:blank"
    """We define no types of our own: the status says what kind of problem it is."""
    title: str
    status: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[P]):
    """A request that has found its route: what the route's handler works with."""

    request: Request
    ports: P
    uid: str
    """The person; empty on a route without `auth`."""
    parts: Mapping[str, str]
    """The ids in the path, by the names in the template."""

    def body(self, record: type[T], most: int = BODY_BYTES) -> T:
        """The JSON body, of at most so many bytes, as a record. Raises Problem; see `as_record`."""
        return as_record(record, self.json(most))

    def json(self, most: int = BODY_BYTES) -> dict[str, Any]:
        """The JSON object in the body, of at most so many bytes. Raises Problem."""
        media_type = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content-type: not application/json")
        return from_json(dict[str, Any], self.content(most))

    def content(self, most: int) -> bytes:
        """The body as it is, of at most so many bytes. Raises Problem.

        Only now is a long one read: whoever is not signed in gets no megabyte into memory.
        """
        body = self.request.body if self.request.body is not None else self.request.long_body(most)
        if body is None or len(body) > most:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body: longer than {most} bytes")
        return body

    def request_id(self) -> str:
        """The caller's Idempotency-Key: the same request again is the same request. Empty when there is none."""
        return self.request.headers.get("idempotency-key", "")

    def limit(self) -> int:
        """How many items the caller wants, at most `MOST_ITEMS`. Raises Problem for what is no number above 0."""
        text = self.request.query.get("limit", str(ITEMS))
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
            raise Problem(HTTPStatus.BAD_REQUEST, "limit: not a whole number above 0")
        return min(int(text), MOST_ITEMS)

    def cursor(self) -> str:
        """Where an earlier answer's `next` goes on; empty for the beginning."""
        return self.request.query.get("cursor", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Generic[P]):
    """One method on one path."""

    method: str
    template: str
    """A path in which {name} stands for an id."""
    handle: Callable[[Call[P]], Response]
    auth: bool = True
    """Whether the caller must say who they are."""

    def parts(self, path: str) -> dict[str, str] | None:
        """The ids in a path that fits the template, else None."""
        wanted, given = self.template.split("/"), path.split("/")
        if len(wanted) != len(given):
            return None
        parts = {}
        for name, value in zip(wanted, given, strict=True):
            if name.startswith("{") and PATH_PART.fullmatch(value):
                parts[name[1:-1]] = value
            elif name != value:
                return None
        return parts


def as_record(record: type[T], plain: Mapping[str, Any]) -> T:
    """Plain data as a record. Raises Rejected, naming the field, also for one that the record does not have.

    A field that is silently ignored is a typing error that loses what the person meant.
    """
    known = {each.name for each in fields(record)}  # type: ignore[arg-type]  # every record is a dataclass
    if unknown := sorted(plain.keys() - known):
        raise Rejected(f"{unknown[0][:40]}: no such field")
    return from_plain(record, plain)


def answer(request: Request, routes: Sequence[Route[P]], ports: P) -> Response:
    """Serve a request by the route that fits it; whatever goes wrong becomes a problem that tells no secrets."""
    fitting = [(route, parts) for route in routes if (parts := route.parts(request.path)) is not None]
    methods = sorted({"OPTIONS", *(route.method for route, _ in fitting)}) if fitting else []
    try:
        response = _serve(request, fitting, methods, ports)
    except (Rejected, TryAgain) as e:
        response = _problem(e)
    except Exception:
        log.exception("route failed")
        response = problem(HTTPStatus.INTERNAL_SERVER_ERROR, "")
    headers = {**SECURITY_HEADERS, **response.headers, **_cors(request, methods, ports.settings.allowed_origins)}
    return replace(response, headers=headers, route=fitting[0][0].template if fitting else "")


def json_response(
    record: object, *, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """A record as the body of a response; fields that are None are left out."""
    return Response(
        status=status, body=to_json(record), headers={"Content-Type": "application/json", **(headers or {})}
    )


def problem(status: HTTPStatus, detail: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as a response."""
    details = ProblemDetails(title=status.phrase, status=status, detail=detail)
    return Response(
        status=status, body=to_json(details), headers={"Content-Type": "application/problem+json", **(headers or {})}
    )


def _serve(
    request: Request, fitting: Sequence[tuple[Route[P], dict[str, str]]], methods: Sequence[str], ports: P
) -> Response:
    if not fitting:
        raise Problem(HTTPStatus.NOT_FOUND, "no such path")
    allow = {"Allow": ", ".join(methods)}
    if request.method == "OPTIONS":
        return Response(status=HTTPStatus.NO_CONTENT, headers=allow)
    wanted = "GET" if request.method == "HEAD" else request.method
    for route, parts in fitting:
        if route.method == wanted:
            uid = _caller(request, ports.identity) if route.auth else ""
            return route.handle(Call(request=request, ports=ports, uid=uid, parts=parts))
    raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "no such method on this path", headers=allow)


def _caller(request: Request, identity: Identity) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem(HTTPStatus.UNAUTHORIZED, "authorization: no bearer token", headers={"WWW-Authenticate": "Bearer"})
    try:
        return identity.verify(token.strip())
    except Rejected as e:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise Problem(HTTPStatus.UNAUTHORIZED, "authorization: token not valid", headers=challenge) from e


def _problem(error: Rejected | TryAgain) -> Response:
    """What an error of ours means to a caller."""
    if isinstance(error, Problem):
        return problem(error.status, str(error), headers=error.headers)
    if isinstance(error, NotFound):
        return problem(HTTPStatus.NOT_FOUND, str(error))
    if isinstance(error, Refused):
        return problem(HTTPStatus.CONFLICT, str(error))
    if isinstance(error, Rejected):
        return problem(HTTPStatus.BAD_REQUEST, str(error))
    log.warning("route unavailable", exc_info=error)
    seconds = (error.after or COME_BACK).total_seconds()
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "not possible just now", headers={"Retry-After": str(max(1, round(seconds)))}
    )


def _cors(request: Request, methods: Sequence[str], allowed: Sequence[str]) -> dict[str, str]:
    """What a browser must be told before it shows an answer to a page of another origin."""
    if not allowed:
        return {}
    origin = request.headers.get("origin", "")
    if origin not in allowed:
        return {"Vary": "Origin"}
    headers = {"Vary": "Origin", "Access-Control-Allow-Origin": origin}
    if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
        headers |= {
            "Access-Control-Allow-Methods": ", ".join(methods),
            "Access-Control-Allow-Headers": "Authorization, Content-Disposition, Content-Type, Idempotency-Key",
            "Access-Control-Max-Age": str(int(PREFLIGHT.total_seconds())),
        }
    return headers
