"""What the person has been told, over HTTP: the history that the app shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.model import Notification
from shared.notifications import inbox
from shared.web.http import Call, Response, Route, json_response
from shared.web.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationView:
    """One thing that the person has been told."""

    key: str
    kind: str
    """A word that a front end may not know yet."""
    created_at: datetime
    read_at: datetime | None
    withdrawn_at: datetime | None
    """What it speaks of is past: moved, called off or settled."""
    application: str | None
    event: str | None
    """Key of the event that caused it, in the application's ledger."""
    about: str | None
    """Id of what else it speaks of: an interview, a report."""
    at: datetime | None
    """The moment that it speaks of."""
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationPage:
    """Some notifications, newest first."""

    notifications: tuple[NotificationView, ...]
    next: str | None


def _list(call: Call[Ports]) -> Response:
    p = call.ports
    page = inbox.listed(call.uid, limit=call.limit(), cursor=call.cursor(), store=p.store, clock=p.clock)
    shown = tuple(_view(item.value) for item in page.items)
    return json_response(NotificationPage(notifications=shown, next=page.next or None))


def _read(call: Call[Ports]) -> Response:
    p = call.ports
    return json_response(_view(inbox.mark_read(call.uid, call.parts["key"], store=p.store, clock=p.clock)))


def _view(notification: Notification) -> NotificationView:
    return NotificationView(
        key=notification.key,
        kind=notification.kind,
        created_at=notification.created_at,
        read_at=notification.read_at,
        withdrawn_at=notification.withdrawn_at,
        application=notification.application_id or None,
        event=notification.event or None,
        about=notification.about or None,
        at=notification.at,
        detail=notification.detail or None,
    )


ROUTES: tuple[Route[Ports], ...] = (
    Route(method="GET", template="/v1/notifications", handle=_list),
    Route(method="POST", template="/v1/notifications/{key}/read", handle=_read),
)
