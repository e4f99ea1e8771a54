"""A mail of ours came back: which one, why, and where it may go instead."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from shared.errors import NotFound
from shared.ledger.folding import order
from shared.model import BY_PUBLIC_WORDS, Application, Delivery, Event, EventKind, MailRecord, Send
from shared.ports import Store, Transaction
from shared.schema import MAILS_OF_APPLICATION, SENDS
from shared.sending.moves import after_the_last, owned
from shared.sending.states import left

LIMIT = re.compile(r"reached (?:a|your) limit for sending|sending (?:limit|quota)|5\.4\.5\b", re.IGNORECASE)
"""Gmail has taken the mail and given it back: not the employer's server refused it, but the account's day is full."""

LIMIT_LASTS = timedelta(hours=24)
"""Gmail's limit is a rolling day's."""

_EVENT = re.compile(r"send:(?P<id>.+):\d+(?::read)?")

_NOBODY = re.compile(r"no-?reply|do-?not-?reply|mailer-daemon|postmaster|bounce|notification", re.IGNORECASE)
"""Local parts behind which nobody reads."""

MOST_MAILS = 50
"""Mails of an application that are looked through for another address."""

MOST_ADDRESSES = 5
"""Other addresses that are offered."""


def came_back(
    tx: Transaction, application: Application, record: MailRecord, event: Event, *, now: datetime
) -> tuple[tuple[Event, ...], Send | None]:
    """What a delivery failure is in the ledger of the application whose mail came back, and the send's new state.

    The send is None when the failure counts for none of ours, or already did. A bounce at the account's own limit is no
    word of the employer's: it parks the mail, which leaves again when the limit is over. Only reads; the caller writes.
    """
    send_id = _send_id(application, record)
    if not event.automatic or not send_id:
        return (event,), None
    send = tx.get(SENDS.key(send_id))
    if send is None or send.uid != application.uid or send.delivery is Delivery.BOUNCED:
        return (event,), None
    if not _is_limit(record):
        why = record.verdict.facts.bounce_diagnosis if record.verdict else ""
        reason = why or "The recipient's server has sent the mail back."
        # That it came back is proof that it left, whatever was on record.
        sent = left(send, gmail_id=send.gmail_id, thread_id=send.thread_id, message_id=send.message_id, now=now)
        return (event,), replace(sent, delivery=Delivery.BOUNCED, due_at=None, step=send.step + 1, reason=reason)
    if send.delivery is not Delivery.SENT:
        return (replace(event, automatic=False, why_not="Gmail's own limit, not the employer's word"),), None
    reason = "Gmail's limit for one day was reached; the mail leaves again when it is over."
    parked = replace(
        send,
        delivery=Delivery.PARKED,
        due_at=now + LIMIT_LASTS,
        step=send.step + 1,
        reason=reason,
        # It will be another message: what is in Sent has not arrived anywhere, and its draft is gone.
        draft_id="",
        draft_message_id="",
        thread_id="",
        content_hash="",
        message_id="",
        counted_at=None,
        tries=0,
        attempts=(),
        queued_at=now + LIMIT_LASTS,
    )
    noted = replace(event, automatic=False, why_not="Gmail's own limit, not the employer's word")
    stopped = Event(
        key=f"send:{send.id}:{parked.step}",
        kind=EventKind.DELIVERY,
        occurred_at=after_the_last(application, event.occurred_at),
        recorded_at=now,
        by="service",
        delivery=Delivery.PARKED,
        note=reason,
    )
    return (noted, stopped), parked


def next_addresses(uid: str, send_id: str, *, store: Store) -> tuple[str, ...]:
    """Where a mail that came back may go instead, best first: the posting's addresses, then those that answered us.

    A stranger whose mail only names the company is not among them: a CV would go to them with one click. Raises
    NotFound, also for somebody else's.
    """
    send = owned(uid, send_id, store=store)
    if send.delivery is not Delivery.BOUNCED:
        raise NotFound("sends: it has not come back")
    page = store.find(MAILS_OF_APPLICATION, parent=uid, equal={"application_id": send.application_id}, limit=MOST_MAILS)
    answered = [item.value.from_address for item in page.items if _answers(item.value)]
    offered = dict.fromkeys(address.lower() for address in (*send.next_addresses, *answered) if address)
    return tuple(
        address
        for address in offered
        if address != send.sent_to.lower() and not _NOBODY.search(address.partition("@")[0])
    )[:MOST_ADDRESSES]


def _answers(record: MailRecord) -> bool:
    """Whether a mail's sender is proven, and knew our thread, or is the person's own choice."""
    proven = record.sender is not None and record.sender.passed
    return proven and record.link is not None and record.link.rule not in BY_PUBLIC_WORDS


def _send_id(application: Application, record: MailRecord) -> str:
    """The send that came back: the one whose Message-ID the report names, else the last in its thread, or at all."""
    named = record.verdict.facts.bounced_message_id if record.verdict else ""
    deliveries = sorted((event for event in _deliveries(application) if event.thread_id), key=order)
    exact = [event for event in deliveries if event.message_id and event.message_id == named]
    in_thread = [event for event in deliveries if event.thread_id == record.thread_id]
    for event in reversed(exact or in_thread or deliveries):
        if found := _EVENT.fullmatch(event.key):
            return found["id"]
    return ""


def _deliveries(application: Application) -> Iterable[Event]:
    return [event for event in application.events.values() if event.kind is EventKind.DELIVERY]


def _is_limit(record: MailRecord) -> bool:
    said = [record.subject, record.snippet]
    if record.verdict is not None:
        said += [span.text for span in record.verdict.evidence]
        said += record.verdict.facts.quotes.values()
    return any(LIMIT.search(text) for text in said)
