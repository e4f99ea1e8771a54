"""Applications over HTTP: list, record, correct, undo, answer, and say where a mail belongs."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPStatus

from shared import accounts, applications, preferences
from shared.errors import TryAgain
from shared.model import Application
from shared.schema import MAILS, SUGGESTIONS_OPEN
from shared.web import views
from shared.web.http import Call, Response, Route, json_response
from shared.web.ports import Ports

log = logging.getLogger(__name__)

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


# --- The routes -------------------------------------------------------------------------------------------------------


def _list(call: Call[Ports]) -> Response:
    page = applications.listed(call.uid, limit=call.limit(), cursor=call.cursor(), store=call.ports.store)
    chosen, now = preferences.get(call.uid, store=call.ports.store), call.ports.clock.now()
    shown = tuple(views.view(item.value, chosen, now) for item in page.items)
    return json_response(views.ApplicationPage(applications=shown, next=page.next or None))


def _create(call: Call[Ports]) -> Response:
    p = call.ports
    new = call.body(applications.NewApplication)
    made = applications.create(call.uid, new, request_id=call.request_id(), store=p.store, clock=p.clock, ids=p.ids)
    try:
        accounts.follow(call.uid, store=p.store, queue=p.queue, clock=p.clock)
    except TryAgain as e:
        # The application is on record and must be answered; the daily look at the mailbox will count it.
        log.warning("the mailbox does not follow", exc_info=e)
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


def _detail(call: Call[Ports], application: Application, *, status: HTTPStatus = HTTPStatus.OK) -> Response:
    made = {"Location": f"/v1/applications/{application.id}"} if status == HTTPStatus.CREATED else {}
    chosen = preferences.get(call.uid, store=call.ports.store)
    return json_response(views.detail(application, chosen, call.ports.clock.now()), status=status, headers=made)


ROUTES: tuple[Route[Ports], ...] = (
    Route(method="GET", template="/v1/applications", handle=_list),
    Route(method="POST", template="/v1/applications", handle=_create),
    Route(method="GET", template="/v1/applications/{id}", handle=_get),
    Route(method="POST", template="/v1/applications/{id}/undo", handle=_undo),
    Route(method="POST", template="/v1/applications/{id}/correct", handle=_correct),
    Route(method="POST", template="/v1/applications/{id}/answer", handle=_answer),
    Route(method="GET", template="/v1/suggestions", handle=_suggestions),
    Route(method="POST", template="/v1/suggestions/{mail}/link", handle=_link),
)
