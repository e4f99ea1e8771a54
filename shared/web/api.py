"""The API of the front end: its routes, and what each does."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

from shared import applications
from shared.model import Application
from shared.ports import Clock, Ids, SignIn, Store
from shared.schema import MAILS, SUGGESTIONS_OPEN
from shared.web import http, views
from shared.web.http import Call, Problem, Request, Response, Route, json_response

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Names of this machine. A page elsewhere that makes its own name resolve to us sends that name as Host."""


class Ports(http.Ports, Protocol):
    """What the routes work with."""

    @property
    def store(self) -> Store:
        """Where applications are."""
        ...

    @property
    def clock(self) -> Clock:
        """The time of what a person does."""
        ...

    @property
    def ids(self) -> Ids:
        """Ids of what a person makes."""
        ...

    @property
    def sign_in(self) -> SignIn | None:
        """The embedded wiring's own; no other wiring has one."""
        ...


# --- What is taken (beside applications.NewApplication and applications.Correction) -----------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Take this event out of effect."""

    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Yes or no to what this event suggests."""

    event: str
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTo:
    """The application that a mail belongs to; null for none of them."""

    application: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whom the embedded wiring should take the caller for."""

    uid: str


# --- The routes -------------------------------------------------------------------------------------------------------


def respond(request: Request, ports: Ports) -> Response:
    """Answer a request of the front end."""
    return http.answer(request, ROUTES if ports.sign_in is None else (*ROUTES, *LOCAL_ROUTES), ports)


def _health(call: Call[Ports]) -> Response:
    settings = call.ports.settings
    return json_response(
        views.Health(wiring="emulators" if settings.emulated else settings.wiring, version=settings.version)
    )


def _list(call: Call[Ports]) -> Response:
    page = applications.listed(call.uid, limit=call.limit(), cursor=call.cursor(), store=call.ports.store)
    now = call.ports.clock.now()
    shown = tuple(views.view(item.value, now) for item in page.items)
    return json_response(views.ApplicationPage(applications=shown, next=page.next or None))


def _create(call: Call[Ports]) -> Response:
    p = call.ports
    new = call.body(applications.NewApplication)
    made = applications.create(call.uid, new, request_id=call.request_id(), store=p.store, clock=p.clock, ids=p.ids)
    return _detail(call, made, status=HTTPStatus.CREATED)


def _get(call: Call[Ports]) -> Response:
    return _detail(call, applications.get(call.uid, call.parts["id"], store=call.ports.store))


def _undo(call: Call[Ports]) -> Response:
    p, undo = call.ports, call.body(Undo)
    return _detail(call, applications.undo(call.uid, call.parts["id"], undo.event, store=p.store, clock=p.clock))


def _correct(call: Call[Ports]) -> Response:
    p = call.ports
    corrected = applications.correct(
        call.uid,
        call.parts["id"],
        call.body(applications.Correction),
        request_id=call.request_id(),
        store=p.store,
        clock=p.clock,
        ids=p.ids,
    )
    return _detail(call, corrected)


def _answer(call: Call[Ports]) -> Response:
    p, said = call.ports, call.body(Answer)
    answered = applications.answer(
        call.uid, call.parts["id"], said.event, accepted=said.accepted, store=p.store, clock=p.clock
    )
    return _detail(call, answered)


def _suggestions(call: Call[Ports]) -> Response:
    store = call.ports.store
    page = store.find(SUGGESTIONS_OPEN, parent=call.uid, equal={"open": True}, limit=call.limit(), cursor=call.cursor())
    mails = store.get_many([MAILS.key(call.uid, item.value.id) for item in page.items])
    shown = tuple(
        views.suggestion(item.value, mail.value if mail else None) for item, mail in zip(page.items, mails, strict=True)
    )
    return json_response(views.SuggestionPage(suggestions=shown, next=page.next or None))


def _link(call: Call[Ports]) -> Response:
    p, to = call.ports, call.body(LinkTo)
    linked = applications.link_suggestion(call.uid, call.parts["mail"], to.application, store=p.store, clock=p.clock)
    return _detail(call, linked) if linked is not None else Response(status=HTTPStatus.NO_CONTENT)


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


ROUTES: tuple[Route[Ports], ...] = (
    Route(method="GET", template="/v1/health", handle=_health, auth=False),
    Route(method="GET", template="/v1/applications", handle=_list),
    Route(method="POST", template="/v1/applications", handle=_create),
    Route(method="GET", template="/v1/applications/{id}", handle=_get),
    Route(method="POST", template="/v1/applications/{id}/undo", handle=_undo),
    Route(method="POST", template="/v1/applications/{id}/correct", handle=_correct),
    Route(method="POST", template="/v1/applications/{id}/answer", handle=_answer),
    Route(method="GET", template="/v1/suggestions", handle=_suggestions),
    Route(method="POST", template="/v1/suggestions/{mail}/link", handle=_link),
)

LOCAL_ROUTES: tuple[Route[Ports], ...] = (
    Route(method="POST", template="/v1/local/sign-in", handle=_sign_in, auth=False),
)
"""There are none of these where the wiring has no sign-in of its own."""


def _detail(call: Call[Ports], application: Application, *, status: HTTPStatus = HTTPStatus.OK) -> Response:
    made = {"Location": f"/v1/applications/{application.id}"} if status == HTTPStatus.CREATED else {}
    return json_response(views.detail(application, call.ports.clock.now()), status=status, headers=made)
