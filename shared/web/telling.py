"""What the person is told outside the app, over HTTP: where it goes, what became of it, reports, and ready letters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from shared import follow_ups, notifications, reports
from shared.model import Dispatch, DispatchState, Report
from shared.web.http import Call, Problem, Response, Route, json_response
from shared.web.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a channel leads: an address of apprise, or an https address and the secret that signs what it gets."""

    address: str
    secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetView:
    """A channel that leads somewhere; never where exactly."""

    channel: str
    hint: str
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetList:
    """The channels that the person has set."""

    channels: tuple[TargetView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchView:
    """What became of one notification on one channel."""

    notification: str
    channel: str
    state: DispatchState
    attempts: int
    reason: str | None
    created_at: datetime
    due_at: datetime | None
    """When it is tried next."""
    done_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchPage:
    """Some of what went outside the app, newest first."""

    dispatches: tuple[DispatchView, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """Some reports, newest period first."""

    reports: tuple[Report, ...]
    next: str | None


def _targets(call: Call[Ports]) -> Response:
    kept = notifications.targets(call.uid, store=call.ports.store)
    shown = tuple(TargetView(channel=each.channel, hint=each.hint, updated_at=each.updated_at) for each in kept)
    return json_response(TargetList(channels=shown))


def _set_target(call: Call[Ports]) -> Response:
    p, told = call.ports, call.body(Target)
    kept = notifications.set_target(
        call.uid,
        call.parts["channel"],
        told.address,
        secret=told.secret,
        store=p.store,
        vault=p.vault,
        clock=p.clock,
    )
    return json_response(TargetView(channel=kept.channel, hint=kept.hint, updated_at=kept.updated_at))


def _remove_target(call: Call[Ports]) -> Response:
    notifications.remove_target(call.uid, call.parts["channel"], store=call.ports.store)
    return Response(status=HTTPStatus.NO_CONTENT)


def _dispatches(call: Call[Ports]) -> Response:
    page = notifications.dispatched(call.uid, limit=call.limit(), cursor=call.cursor(), store=call.ports.store)
    return json_response(
        DispatchPage(dispatches=tuple(_dispatch(item.value) for item in page.items), next=page.next or None)
    )


def _dispatch(each: Dispatch) -> DispatchView:
    return DispatchView(
        notification=each.notification,
        channel=each.channel,
        state=each.state,
        attempts=each.attempts,
        reason=each.reason or None,
        created_at=each.created_at,
        due_at=each.due_at,
        done_at=each.done_at,
    )


def _reports(call: Call[Ports]) -> Response:
    page = reports.listed(call.uid, limit=call.limit(), cursor=call.cursor(), store=call.ports.store)
    return json_response(ReportPage(reports=tuple(item.value for item in page.items), next=page.next or None))


def _follow_up(call: Call[Ports]) -> Response:
    kind = call.request.query.get("kind", "follow_up")
    if kind not in ("follow_up", "thank_you"):
        raise Problem(HTTPStatus.BAD_REQUEST, "kind: must be follow_up or thank_you")
    draft = follow_ups.draft(
        call.uid,
        call.parts["id"],
        thanks=kind == "thank_you",
        language=call.request.query.get("language", ""),
        store=call.ports.store,
    )
    return json_response(draft)


ROUTES: tuple[Route[Ports], ...] = (
    Route(method="GET", template="/v1/channels", handle=_targets),
    Route(method="PUT", template="/v1/channels/{channel}", handle=_set_target),
    Route(method="DELETE", template="/v1/channels/{channel}", handle=_remove_target),
    Route(method="GET", template="/v1/dispatches", handle=_dispatches),
    Route(method="GET", template="/v1/reports", handle=_reports),
    Route(method="GET", template="/v1/applications/{id}/follow-up", handle=_follow_up),
)
