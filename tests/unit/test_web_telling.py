"""Interviews, channels and reports over HTTP: what each route answers, and that one person's are another's 404."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from shared.model import ChannelTarget, Dispatch, DispatchState
from shared.schema import CHANNEL_TARGETS, DISPATCHES
from shared.web.api import respond
from shared.web.http import Request
from tests.support.made import made_services


@pytest.fixture
def world():
    with made_services() as world:
        yield world


@pytest.fixture
def send(world):
    def send(method, path, body=None, *, uid="ada", **query):
        given = {"host": "localhost:8080", "content-type": "application/json"}
        if uid:
            given["authorization"] = f"Bearer {world.sign_in.token(uid)}"
        data = b"" if body is None else json.dumps(body).encode()
        return respond(Request(method=method, path=path, query=query, headers=given, body=data), world)

    return send


@pytest.fixture
def acme(send):
    made = send("POST", "/v1/applications", {"company": "Acme", "role": "Engineer"})
    return json.loads(made.body)["application"]["id"]


def in_days(world, days):
    return (world.clock.now() + timedelta(days=days)).replace(microsecond=0).isoformat()


def ahead(send, uid="ada"):
    return json.loads(send("GET", "/v1/interviews", uid=uid).body)["interviews"]


def test_a_round_is_written_down_shown_moved_and_called_off(world, send, acme):
    path = f"/v1/applications/{acme}/interviews"
    made = send("POST", path, {"start": in_days(world, 5), "zone": "Europe/Berlin", "platform": "Zoom"})
    assert made.status == 201
    assert json.loads(made.body)["application"]["stage"] == "interview"
    (shown,) = ahead(send)
    assert (shown["application"], shown["status"], shown["zone"], shown["clashes"]) == (
        acme,
        "confirmed",
        "Europe/Berlin",
        [],
    )
    clash = send("POST", path, {"start": in_days(world, 5.02)})
    assert clash.status == 409
    assert shown["id"] in json.loads(clash.body)["detail"]
    other = json.loads(send("POST", "/v1/applications", {"company": "Fernhill"}).body)["application"]["id"]
    there = f"/v1/applications/{other}/interviews"
    assert send("POST", there, {"start": in_days(world, 5)}).status == 409
    assert send("POST", there, {"start": in_days(world, 5), "despite_clash": True}).status == 201
    assert [each["clashes"] for each in ahead(send)] == [[other["id"]] for other in ahead(send)[::-1]]
    moved = send("PUT", f"/v1/interviews/{shown['id']}", {"start": in_days(world, 6)})
    assert moved.status == 200
    assert send("DELETE", f"/v1/interviews/{shown['id']}").status == 200
    assert [each["id"] == shown["id"] for each in ahead(send)] == [False]


@pytest.mark.parametrize("start", ["tomorrow", "2026-03-02T10:00:00", 5])
def test_a_start_without_a_zone_is_a_problem(send, acme, start):
    assert send("POST", f"/v1/applications/{acme}/interviews", {"start": start}).status == 400


def test_interviews_are_their_owners_alone(world, send, acme):
    send("POST", f"/v1/applications/{acme}/interviews", {"start": in_days(world, 5)})
    (shown,) = ahead(send)
    assert ahead(send, uid="bob") == []
    for method in ("PUT", "DELETE"):
        body = {"start": in_days(world, 6)} if method == "PUT" else None
        assert send(method, f"/v1/interviews/{shown['id']}", body, uid="bob").status == 404
    assert send("POST", f"/v1/applications/{acme}/interviews", {"start": in_days(world, 5)}, uid="bob").status == 404


def test_the_calendar_opens_for_whoever_has_its_newest_address(world, send, acme):
    send("POST", f"/v1/applications/{acme}/interviews", {"start": in_days(world, 5)})
    first = json.loads(send("POST", "/v1/calendar").body)["path"]
    second = json.loads(send("POST", "/v1/calendar").body)["path"]
    assert send("GET", first, uid="").status == 404
    opened = send("GET", second, uid="")
    assert (opened.status, opened.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    assert b"SUMMARY:Interview - Engineer - Acme" in opened.body
    assert send("GET", second.replace("/ada/", "/bob/"), uid="").status == 404
    assert send("DELETE", "/v1/calendar").status == 204
    assert send("GET", second, uid="").status == 404


def test_a_channel_is_set_shown_by_a_hint_and_removed(world, send):
    given = {"address": "https://hooks.example.com/abc?token=t", "secret": "0123456789abcdef"}
    assert send("PUT", "/v1/channels/webhook", given).status == 200
    shown = send("GET", "/v1/channels")
    assert [each["hint"] for each in json.loads(shown.body)["channels"]] == ["hooks.example.com"]
    assert b"token" not in shown.body
    assert isinstance(world.store.get(CHANNEL_TARGETS.key("ada", "webhook")).value, ChannelTarget)
    assert json.loads(send("GET", "/v1/channels", uid="bob").body) == {"channels": []}
    assert send("PUT", "/v1/channels/email", {"address": "eve@example.com"}).status == 400
    assert send("DELETE", "/v1/channels/webhook").status == 204
    assert json.loads(send("GET", "/v1/channels").body) == {"channels": []}


def test_what_may_have_arrived_is_shown_as_unsure(world, send):
    now = world.clock.now()
    unsure = Dispatch(
        id="k1:email",
        uid="ada",
        notification="k1",
        channel="email",
        state=DispatchState.UNSURE,
        created_at=now,
        done_at=now,
        attempts=1,
        reason="it may have arrived",
    )
    world.store.create(DISPATCHES.key("ada", unsure.id), unsure)
    (shown,) = json.loads(send("GET", "/v1/dispatches").body)["dispatches"]
    assert (shown["notification"], shown["state"], shown["reason"]) == ("k1", "unsure", "it may have arrived")
    assert json.loads(send("GET", "/v1/dispatches", uid="bob").body)["dispatches"] == []


def test_a_letter_is_ready_for_each_application(send, acme):
    path = f"/v1/applications/{acme}/follow-up"
    assert "Engineer" in json.loads(send("GET", path).body)["text"]
    assert "Gespräch" in json.loads(send("GET", path, kind="thank_you", language="de").body)["text"]
    assert send("GET", path, kind="love").status == 400
    assert send("GET", path, uid="bob").status == 404


def test_reports_are_listed(send):
    assert json.loads(send("GET", "/v1/reports").body) == {"reports": []}
