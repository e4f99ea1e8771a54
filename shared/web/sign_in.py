"""The embedded wiring's own sign-in: a bearer token for whoever asks on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from shared.web import views
from shared.web.http import Call, Problem, Response, Route, json_response
from shared.web.ports import Ports

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Names of this machine. A page elsewhere that makes its own name resolve to us sends that name as Host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whom the embedded wiring should take the caller for."""

    uid: str


def _sign_in(call: Call[Ports]) -> Response:
    """A token for whoever asks on this very machine; a page of the web must not get one by a trick with names."""
    try:
        host = urlsplit(f"//{call.request.headers.get('host', '')}").hostname
    except ValueError:
        host = None
    if host not in LOOPBACK or call.ports.sign_in is None:
        raise Problem(HTTPStatus.FORBIDDEN, "host: the local sign-in answers on this machine alone")
    who = call.body(Who)
    return json_response(views.SignedIn(token=call.ports.sign_in.token(who.uid), uid=who.uid))


ROUTES: tuple[Route[Ports], ...] = (Route(method="POST", template="/v1/local/sign-in", handle=_sign_in, auth=False),)
"""There are none of these where the wiring has no sign-in of its own."""
