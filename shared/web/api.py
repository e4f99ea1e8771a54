"""The API of the front end: every route, one module a resource."""

from __future__ import annotations

from shared.web import (
    applications,
    documents,
    gmail,
    http,
    interviews,
    jobs,
    me,
    notifications,
    preferences,
    sends,
    sign_in,
    telling,
    views,
)
from shared.web.http import Call, Request, Response, Route, json_response
from shared.web.ports import Ports


def respond(request: Request, ports: Ports) -> Response:
    """Answer a request of the front end."""
    return http.answer(request, ROUTES if ports.sign_in is None else (*ROUTES, *sign_in.ROUTES), ports)


def _health(call: Call[Ports]) -> Response:
    settings = call.ports.settings
    return json_response(
        views.Health(wiring="emulators" if settings.emulated else settings.wiring, version=settings.version)
    )


ROUTES: tuple[Route[Ports], ...] = (
    Route(method="GET", template="/v1/health", handle=_health, auth=False),
    *applications.ROUTES,
    *gmail.ROUTES,
    *me.ROUTES,
    *sends.ROUTES,
    *documents.ROUTES,
    *preferences.ROUTES,
    *notifications.ROUTES,
    *interviews.ROUTES,
    *telling.ROUTES,
    *jobs.ROUTES,
)
