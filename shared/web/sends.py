"""Mails that leave in a person's name, over HTTP: apply, look at what became of it, call it back, answer a question."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from shared import accounts, preferences
from shared.errors import Rejected, TryAgain
from shared.model import Attempt, Delivery, Enclosure, Preferences, Send, SendQuestion, Template
from shared.sending import bounce, person, request, templates
from shared.sending.last_look import Finding
from shared.sending.moves import owned
from shared.sending.orders import Applied, Failed, FollowUp, Held, QuickApplication
from shared.web import views
from shared.web.http import Call, ProblemDetails, Response, Route, as_record, json_response
from shared.web.ports import Ports

log = logging.getLogger(__name__)

LETTER_BYTES = 256 * 1024
"""One request with the longest letter there is, escaped as badly as JSON can."""

BULK_BYTES = 4 * 1024 * 1024
"""Fifty of them, as people write them."""


# --- What is taken and shown ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """Many applications at once; each is taken for itself, so that one with a wrong field stops none of the others."""

    applications: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the person says to a question about a mail."""

    answer: person.Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionView:
    """What only the person can say, and what is known."""

    question: str
    answers: tuple[str, ...]
    """Of what is to be sent nothing can be said where Gmail must be connected first."""
    known: str
    """What we know, in plain words."""
    draft_id: str | None
    """Gmail's id of the draft, when there is one."""
    thread_id: str | None
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendView:
    """A mail that leaves in the person's name."""

    id: str
    application_id: str
    kind: str
    delivery: Delivery
    reason: str | None
    """Why it stands where it stands, in plain words."""
    recipient: str | None
    subject: str
    attachments: tuple[Enclosure, ...]
    created_at: datetime
    send_after: datetime
    """Until then it can be called back."""
    due_at: datetime | None
    """When somebody comes back to it by themselves."""
    sent_at: datetime | None
    thread_id: str | None
    message_id: str | None
    attempts: tuple[Attempt, ...]
    question: QuestionView | None
    next_addresses: tuple[str, ...]
    """Where a mail that came back may go instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedView:
    """An application that is on its way."""

    application: views.ApplicationView
    send: SendView


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldProblem(ProblemDetails):
    """Nothing was written; the same request with these names in `confirm` is."""

    checks: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultView:
    """What came of one application of many."""

    status: int
    """The one that it would have had alone."""
    application: views.ApplicationView | None = None
    send: SendView | None = None
    detail: str | None = None
    checks: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkView:
    """Results in the order of the request."""

    results: tuple[ResultView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatesView:
    """Every template: the person's own, or the one that everybody starts with."""

    templates: dict[str, Template]


# --- The routes -------------------------------------------------------------------------------------------------------


def _quick(call: Call[Ports]) -> Response:
    p = call.ports
    asked = call.body(QuickApplication, LETTER_BYTES)
    done = request.apply(call.uid, asked, key=call.request_id(), store=p.store, queue=p.queue, clock=p.clock, ids=p.ids)
    if isinstance(done, Held):
        return _held(done)
    _follow(call)
    return _applied(call, done)


def _bulk(call: Call[Ports]) -> Response:
    p = call.ports
    asked = tuple(map(_item, call.body(Bulk, BULK_BYTES).applications))
    done = request.apply_to_all(
        call.uid, asked, key=call.request_id(), store=p.store, queue=p.queue, clock=p.clock, ids=p.ids
    )
    if any(isinstance(each, Applied) for each in done):
        _follow(call)
    chosen = preferences.get(call.uid, store=p.store)
    results = tuple(_result(each, chosen, p.clock.now()) for each in done)
    return json_response(BulkView(results=results), status=HTTPStatus.ACCEPTED)


def _follow_up(call: Call[Ports]) -> Response:
    p = call.ports
    done = request.follow_up(
        call.uid,
        call.parts["id"],
        call.body(FollowUp, LETTER_BYTES),
        key=call.request_id(),
        store=p.store,
        queue=p.queue,
        clock=p.clock,
        ids=p.ids,
    )
    return _applied(call, done)


def _get(call: Call[Ports]) -> Response:
    store = call.ports.store
    send = owned(call.uid, call.parts["id"], store=store)
    if send.delivery is Delivery.BOUNCED:
        send = replace(send, next_addresses=bounce.next_addresses(call.uid, send.id, store=store))
    return json_response(view(send))


def _cancel(call: Call[Ports]) -> Response:
    p = call.ports
    return json_response(view(person.cancel(call.uid, call.parts["id"], store=p.store, clock=p.clock)))


def _answer(call: Call[Ports]) -> Response:
    p, said = call.ports, call.body(Answer).answer
    send = person.answer(call.uid, call.parts["id"], said, store=p.store, queue=p.queue, clock=p.clock)
    return json_response(view(send))


def _templates(call: Call[Ports]) -> Response:
    store = call.ports.store
    return json_response(
        TemplatesView(templates={kind: templates.get(call.uid, kind, store=store) for kind in templates.KINDS})
    )


def _put_template(call: Call[Ports]) -> Response:
    template = call.body(Template)
    return json_response(templates.put(call.uid, call.parts["id"], template, store=call.ports.store))


# --- From records -----------------------------------------------------------------------------------------------------


def view(send: Send) -> SendView:
    """A send as its owner sees it."""
    letter = send.letter
    return SendView(
        id=send.id,
        application_id=send.application_id,
        kind=send.kind,
        delivery=send.delivery,
        reason=send.reason or None,
        recipient=letter.recipient if letter else send.sent_to or None,
        subject=send.subject,
        attachments=letter.attachments if letter else (),
        created_at=send.created_at,
        send_after=send.send_after,
        due_at=send.due_at,
        sent_at=send.sent_at,
        thread_id=send.thread_id or None,
        message_id=send.message_id or None,
        attempts=send.attempts,
        question=_question(send),
        next_addresses=send.next_addresses,
    )


def _question(send: Send) -> QuestionView | None:
    if not send.question:
        return None
    last = send.attempts[-1] if send.attempts else None
    return QuestionView(
        question=send.question,
        answers=("sent", "drop") if send.question is SendQuestion.RECONNECT else ("sent", "send", "drop"),
        known=send.reason,
        draft_id=send.draft_id or None,
        thread_id=send.thread_id or None,
        since=send.unsure_at or (last.started_at if last else None),
    )


def _applied(call: Call[Ports], done: Applied) -> Response:
    p = call.ports
    application = views.view(done.application, preferences.get(call.uid, store=p.store), p.clock.now())
    shown = AppliedView(application=application, send=view(done.send))
    return json_response(shown, status=HTTPStatus.ACCEPTED, headers={"Location": f"/v1/sends/{done.send.id}"})


def _follow(call: Call[Ports]) -> None:
    """Have the person's mailbox looked at as often as a fresh application deserves."""
    try:
        accounts.follow(call.uid, store=call.ports.store, queue=call.ports.queue, clock=call.ports.clock)
    except TryAgain as e:
        # The application is on record and must be answered; the daily look at the mailbox will count it.
        log.warning("the mailbox does not follow", exc_info=e)


def _held(done: Held) -> Response:
    status = HTTPStatus.CONFLICT
    detail = "confirm: " + ", ".join(each.check for each in done.findings)
    problem = HeldProblem(title=status.phrase, status=status, detail=detail, checks=done.findings)
    return json_response(problem, status=status, headers={"Content-Type": "application/problem+json"})


def _item(plain: Mapping[str, Any]) -> QuickApplication | Failed:
    try:
        return as_record(QuickApplication, plain)
    except Rejected as e:
        return Failed(reason=str(e))


def _result(done: Applied | Held | Failed, chosen: Preferences, now: datetime) -> ResultView:
    if isinstance(done, Applied):
        application = views.view(done.application, chosen, now)
        return ResultView(status=HTTPStatus.ACCEPTED, application=application, send=view(done.send))
    if isinstance(done, Held):
        return ResultView(status=HTTPStatus.CONFLICT, checks=done.findings)
    return ResultView(status=HTTPStatus.BAD_REQUEST, detail=done.reason)


ROUTES: tuple[Route[Ports], ...] = (
    Route(method="POST", template="/v1/applications/quick", handle=_quick),
    Route(method="POST", template="/v1/applications/bulk", handle=_bulk),
    Route(method="POST", template="/v1/applications/{id}/follow-up", handle=_follow_up),
    Route(method="GET", template="/v1/sends/{id}", handle=_get),
    Route(method="POST", template="/v1/sends/{id}/cancel", handle=_cancel),
    Route(method="POST", template="/v1/sends/{id}/answer", handle=_answer),
    Route(method="GET", template="/v1/templates", handle=_templates),
    Route(method="PUT", template="/v1/templates/{id}", handle=_put_template),
)
