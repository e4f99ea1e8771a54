"""Interviews over HTTP: what is ahead, rounds by hand, and the calendar for programs that can't sign in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from shared import interviews, preferences
from shared.interviews import RoundByHand, Upcoming
from shared.model import Application, InterviewStatus
from shared.web import views
from shared.web.http import Call, Response, Route, json_response
from shared.web.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotView:
    """When a round is or may be."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UpcomingView:
    """One interview ahead."""

    id: str
    application: str
    status: InterviewStatus
    slots: tuple[SlotView, ...]
    """The start first, then every other time that is proposed."""
    zone: str | None
    platform: str | None
    link: str | None
    clashes: tuple[str, ...]
    """Ids of the interviews that are, or may be, at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpcomingList:
    """The interviews ahead, soonest first."""

    interviews: tuple[UpcomingView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """The calendar's address, shown this once: whoever knows it reads the interviews."""

    path: str


def _list(call: Call[Ports]) -> Response:
    p = call.ports
    held = interviews.upcoming(call.uid, store=p.store, clock=p.clock)
    return json_response(UpcomingList(interviews=tuple(map(_view, held))))


def _add(call: Call[Ports]) -> Response:
    p, told = call.ports, call.body(RoundByHand)
    made = interviews.add(
        call.uid,
        call.parts["id"],
        told,
        request_id=call.request_id(),
        store=p.store,
        clock=p.clock,
        ids=p.ids,
    )
    return _detail(call, made, status=HTTPStatus.CREATED)


def _move(call: Call[Ports]) -> Response:
    p, told = call.ports, call.body(RoundByHand)
    moved = interviews.move(call.uid, call.parts["id"], told, store=p.store, clock=p.clock, ids=p.ids)
    return _detail(call, moved)


def _call_off(call: Call[Ports]) -> Response:
    p = call.ports
    left = interviews.call_off(call.uid, call.parts["id"], store=p.store, clock=p.clock, ids=p.ids)
    return _detail(call, left)


def _detail(call: Call[Ports], application: Application, *, status: HTTPStatus = HTTPStatus.OK) -> Response:
    chosen = preferences.get(call.uid, store=call.ports.store)
    return json_response(views.detail(application, chosen, call.ports.clock.now()), status=status)


def _view(each: Upcoming) -> UpcomingView:
    held = each.interview
    return UpcomingView(
        id=held.id,
        application=held.application_id,
        status=held.status,
        slots=tuple(SlotView(start=start, end=end) for start, end in interviews.slots(held)),
        zone=held.facts.zone or None,
        platform=held.facts.platform or None,
        link=held.facts.link or None,
        clashes=each.clashes,
    )


# --- The calendar -----------------------------------------------------------------------------------------------------


def _open_feed(call: Call[Ports]) -> Response:
    p = call.ports
    token = interviews.open_feed(call.uid, store=p.store, clock=p.clock, ids=p.ids)
    return json_response(Feed(path=f"/v1/calendar/{call.uid}/{token}.ics"), status=HTTPStatus.CREATED)


def _close_feed(call: Call[Ports]) -> Response:
    interviews.close_feed(call.uid, store=call.ports.store)
    return Response(status=HTTPStatus.NO_CONTENT)


def _feed(call: Call[Ports]) -> Response:
    p, token = call.ports, call.parts["token"].removesuffix(".ics")
    text = interviews.calendar(call.parts["uid"], token, store=p.store, clock=p.clock)
    return Response(status=HTTPStatus.OK, body=text.encode(), headers={"Content-Type": "text/calendar; charset=utf-8"})


ROUTES: tuple[Route[Ports], ...] = (
    Route(method="GET", template="/v1/interviews", handle=_list),
    Route(method="POST", template="/v1/applications/{id}/interviews", handle=_add),
    Route(method="PUT", template="/v1/interviews/{id}", handle=_move),
    Route(method="DELETE", template="/v1/interviews/{id}", handle=_call_off),
    Route(method="POST", template="/v1/calendar", handle=_open_feed),
    Route(method="DELETE", template="/v1/calendar", handle=_close_feed),
    Route(method="GET", template="/v1/calendar/{uid}/{token}", handle=_feed, auth=False),
)
