"""What a person has chosen, over HTTP."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from shared import accounts, preferences
from shared.codec import from_plain, to_plain
from shared.model import Preferences
from shared.web.http import Call, Problem, Response, Route, as_record, json_response
from shared.web.ports import Ports


def _get(call: Call[Ports]) -> Response:
    return json_response(preferences.get(call.uid, store=call.ports.store))


def _put(call: Call[Ports]) -> Response:
    """All of them: what is left out gets its default."""
    p, chosen = call.ports, call.body(Preferences)
    put = preferences.put(call.uid, lambda _: chosen, store=p.store, clock=p.clock)
    accounts.follow(call.uid, store=p.store, queue=p.queue, clock=p.clock)
    return json_response(put)


def _patch(call: Call[Ports]) -> Response:
    """Some of them, each whole; null sets one back to its default."""
    p, given = call.ports, call.json()
    if not given:
        raise Problem(HTTPStatus.BAD_REQUEST, "preferences: says nothing")
    as_record(Preferences, {name: value for name, value in given.items() if value is not None})

    def change(present: Preferences) -> Preferences:
        merged: dict[str, Any] = {**to_plain(present), **given}
        return from_plain(Preferences, {name: value for name, value in merged.items() if value is not None})

    put = preferences.put(call.uid, change, store=p.store, clock=p.clock)
    accounts.follow(call.uid, store=p.store, queue=p.queue, clock=p.clock)
    return json_response(put)


ROUTES: tuple[Route[Ports], ...] = (
    Route(method="GET", template="/v1/preferences", handle=_get),
    Route(method="PUT", template="/v1/preferences", handle=_put),
    Route(method="PATCH", template="/v1/preferences", handle=_patch),
)
