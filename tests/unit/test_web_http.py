"""Routes, problems, callers, bodies and browsers: what every route has in common."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest

from shared.errors import Conflict, NotFound, Rejected, TryAgain, Unsure
from shared.web import http
from shared.web.http import Problem, Request, Response, Route, answer, json_response
from tests.support.made import made_settings

Handle = Callable[[Any], Response]

ORIGIN = "https://app.example.com"


class Nobody:
    """ports.Identity that knows one token."""

    def verify(self, token):
        if token == "down":
            raise TryAgain("certificates")
        if token != "good":
            raise Rejected("token")
        return "ada"


@dataclass
class Ports:
    settings: object
    identity: object


@pytest.fixture
def ports():
    return Ports(made_settings(allowed_origins=(ORIGIN,)), Nobody())


@pytest.fixture
def send(ports):
    """Sends a request to routes whose handlers are given by name; returns the response and its body as an object."""

    def send(handle, *, method="POST", path="/things/7", auth=False, headers=None, **more):
        routes = [
            Route(method="POST", template="/things/{id}", handle=handle, auth=auth),
            Route(method="GET", template="/things/{id}", handle=handle, auth=auth),
            Route(method="GET", template="/things", handle=handle, auth=auth),
        ]
        request = Request(method=method, path=path, headers=headers or {}, **more)
        response = answer(request, routes, ports)
        return response, json.loads(response.body) if response.body else None

    return send


def raising(error: BaseException | type[BaseException]) -> Handle:
    def handle(call):
        raise error

    return handle


def ok(call):
    return Response(status=204)


def noting(seen: list[object], note: Callable[[Any], object]) -> Handle:
    """A handler that notes something of its call."""

    def handle(call):
        seen.append(note(call))
        return Response(status=204)

    return handle


# --- Routes -----------------------------------------------------------------------------------------------------------


def test_a_handler_gets_the_ids_of_its_path(send):
    seen: list[object] = []

    response, _ = send(noting(seen, lambda call: call.parts))

    assert seen == [{"id": "7"}]
    assert response.route == "/things/{id}"


@pytest.mark.parametrize(
    "path",
    ["/", "", "/thing", "/things/", "/things/7/", "/things/7/8", "/things/a b", "/things/ü", "/things/" + "x" * 129],
)
def test_a_path_that_no_route_fits_is_not_found(send, path):
    response, body = send(raising(AssertionError), path=path)

    assert (response.status, body["status"], body["title"]) == (404, 404, "Not Found")
    assert response.route == ""


def test_a_method_that_a_path_does_not_have_is_named(send):
    response, body = send(raising(AssertionError), method="DELETE")

    assert response.status == body["status"] == 405
    assert response.headers["Allow"] == "GET, OPTIONS, POST"


def test_head_is_get_without_its_body(send):
    assert send(ok, method="HEAD")[0].status == 204
    assert send(ok, method="HEAD", path="/things")[0].status == 204


# --- Problems ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (Rejected("company: must not be empty"), 400, "company: must not be empty"),
        (NotFound("application: there is none by that id"), 404, "application: there is none by that id"),
        (Problem(HTTPStatus.CONFLICT, "already sent"), 409, "already sent"),
        (TryAgain("firestore 10.0.0.7 unavailable"), 503, "not possible just now"),
        (Conflict("revision 12345"), 503, "not possible just now"),
        (ValueError("planted secret"), 500, ""),
        (Unsure("planted secret"), 500, ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_becomes_a_problem_that_tells_no_secrets(send, error, status, detail):
    response, body = send(raising(error))

    assert response.headers["Content-Type"] == "application/problem+json"
    assert body == {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}


@pytest.mark.parametrize(
    ("after", "seconds"), [(None, "5"), (timedelta(seconds=90), "90"), (timedelta(milliseconds=1), "1")]
)
def test_whoever_must_come_back_is_told_when(send, after, seconds):
    assert send(raising(TryAgain("quota", after=after)))[0].headers["Retry-After"] == seconds


def test_every_answer_has_the_security_headers(send):
    for handle in (ok, raising(Rejected("x")), raising(ValueError())):
        for method in ("POST", "OPTIONS", "DELETE"):
            headers = send(handle, method=method)[0].headers
            assert http.SECURITY_HEADERS.items() <= headers.items()


# --- Callers ----------------------------------------------------------------------------------------------------------


def test_the_caller_is_whom_the_token_proves(send):
    seen: list[object] = []

    send(
        noting(seen, lambda call: call.uid),
        auth=True,
        headers={"authorization": "bEaReR  good "},
    )

    assert seen == ["ada"]


@pytest.mark.parametrize(
    "header", [None, "", "good", "Basic good", "Bearer", "Bearer ", "Bearer bad", "Bearer good good"]
)
def test_without_a_valid_token_nothing_is_done(send, header):
    response, body = send(
        raising(AssertionError), auth=True, headers={} if header is None else {"authorization": header}
    )

    assert (response.status, body["status"]) == (401, 401)
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_who_cannot_be_checked_is_asked_to_come_back(send):
    assert send(raising(AssertionError), auth=True, headers={"authorization": "Bearer down"})[0].status == 503


def test_a_route_without_auth_asks_for_no_identity(send, ports):
    ports.identity = None

    assert send(ok)[0].status == 204


# --- Bodies and queries -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Thing:
    name: str
    size: int = 1


JSON = {"content-type": "application/json; charset=utf-8"}


def echo(call):
    return json_response(call.body(Thing))


def test_a_body_becomes_a_record(send):
    response, body = send(echo, headers=JSON, body=b'{"name": "a"}')

    assert (response.status, body) == (200, {"name": "a", "size": 1})
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "dict"),
        (b"{", "dict"),
        (b"[]", "dict"),
        (b"\xff", "dict"),
        (b'{"a":' * 10_000, "dict"),
        (b"{}", "`name`"),
        (b'{"name": 5}', "$.name"),
        (b'{"name": null}', "$.name"),
        (b'{"name": "a", "size": "1"}', "$.size"),
        (b'{"name": "a", "colour": "red"}', "colour: no such field"),
        (b'{"name": "a", "' + b"x" * 100 + b'": 1}', "x" * 40 + ": no such field"),
    ],
    ids=lambda value: str(value)[:25],
)
def test_a_wrong_body_names_its_field(send, body, detail):
    response, problem = send(echo, headers=JSON, body=body)

    assert response.status == 400
    assert detail in problem["detail"]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_another_type_of_body_is_refused(send, content_type):
    """Also what keeps a form on somebody else's page from doing anything here."""
    assert send(echo, headers={"content-type": content_type}, body=b'{"name": "a"}')[0].status == 415


def test_a_body_that_was_too_long_is_refused(send):
    assert send(echo, headers=JSON, body=None)[0].status == 413


@pytest.mark.parametrize(
    ("query", "limit"), [({}, http.ITEMS), ({"limit": "1"}, 1), ({"limit": "100"}, 100), ({"limit": "5000"}, 100)]
)
def test_a_list_has_a_most(send, query, limit):
    seen: list[object] = []

    send(noting(seen, lambda call: call.limit()), query=query)

    assert seen == [limit]


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "1.5", "٣", "9" * 20])
def test_a_limit_that_is_none_is_refused(send, text):
    response, body = send(lambda call: json_response(call.limit()), query={"limit": text})

    assert response.status == 400
    assert body["detail"].startswith("limit:")


# --- Browsers ---------------------------------------------------------------------------------------------------------

PREFLIGHT = {"access-control-request-method": "POST"}


def test_an_allowed_origin_may_read_the_answer(send):
    for handle in (ok, raising(Rejected("x")), raising(ValueError())):
        headers = send(handle, headers={"origin": ORIGIN})[0].headers
        assert (headers["Access-Control-Allow-Origin"], headers["Vary"]) == (ORIGIN, "Origin")
        assert "Access-Control-Allow-Methods" not in headers


@pytest.mark.parametrize("origin", ["https://evil.example", f"{ORIGIN}.evil.example", ORIGIN.upper(), "null", ""])
def test_another_origin_may_not(send, origin):
    for method in ("POST", "OPTIONS"):
        response, _ = send(ok, method=method, headers={"origin": origin, **PREFLIGHT})
        assert not [name for name in response.headers if name.startswith("Access-Control")]
        assert response.headers["Vary"] == "Origin"


def test_a_preflight_needs_no_token(send):
    response, _ = send(raising(AssertionError), method="OPTIONS", auth=True, headers={"origin": ORIGIN, **PREFLIGHT})

    assert response.status == 204
    assert response.headers["Access-Control-Allow-Methods"] == "GET, OPTIONS, POST"
    assert "Authorization" in response.headers["Access-Control-Allow-Headers"]


def test_without_a_front_end_no_origin_may(send, ports):
    ports.settings = made_settings()

    headers = send(ok, headers={"origin": ORIGIN})[0].headers

    assert "Access-Control-Allow-Origin" not in headers
    assert "Vary" not in headers
