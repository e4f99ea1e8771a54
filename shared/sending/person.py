"""What a person decides about a mail of theirs: call it back, say what became of it, connect Gmail again."""

from __future__ import annotations

import logging
from typing import Literal

from shared.due import SEND_TOPIC, SendDue
from shared.errors import Refused, TryAgain
from shared.model import Delivery, Send, SendQuestion
from shared.ports import Clock, Queue, Store
from shared.schema import SENDS_ASKING
from shared.sending import states
from shared.sending.moves import move, owned

log = logging.getLogger(__name__)

Answer = Literal["sent", "send", "drop"]

PAGE = 100
"""Sends read with one query."""

_WHY_NOT = {
    Delivery.SENDING: "it is leaving just now",
    Delivery.UNSURE: "it may have left already; that is found out within minutes",
    Delivery.SENT: "it has left",
    Delivery.BOUNCED: "it has left, and came back",
}


def cancel(uid: str, send_id: str, *, store: Store, clock: Clock) -> Send:
    """Call a mail back before it leaves; twice is once. Raises Refused when it is too late, and NotFound.

    A failed one is not tried again at night.
    """
    now = clock.now()

    def change(current: Send) -> Send:
        if current.delivery in _WHY_NOT:
            raise Refused(f"delivery: {_WHY_NOT[current.delivery]}")
        if current.delivery is Delivery.CANCELLED:
            return current
        return states.cancelled(current, now=now)

    return move(owned(uid, send_id, store=store), change, by="person", store=store, clock=clock)


def answer(uid: str, send_id: str, said: Answer, *, store: Store, queue: Queue, clock: Clock) -> Send:
    """Say what only the person can: it was sent; send it (the draft as it is now); drop it.

    The same answer again changes nothing. Raises Refused when nothing is asked, or not that, and NotFound.
    """
    now = clock.now()

    def change(current: Send) -> Send:
        if current.question is SendQuestion.NONE:
            if current.answered == said:
                return current
            raise Refused("question: nothing is asked")
        if current.question is SendQuestion.RECONNECT and said == "send":
            raise Refused("question: connect Gmail again, and it is sent by itself")
        return states.answered(current, said, now=now)

    send = move(owned(uid, send_id, store=store), change, by="person", store=store, clock=clock)
    if send.delivery is Delivery.QUEUED:
        _publish(send, queue)
    return send


def reconnected(uid: str, *, store: Store, clock: Clock) -> int:
    """The person has connected Gmail again: what waits for it is due. Gives how many there were."""
    now = clock.now()
    released = 0
    while True:
        # A send that is released is not found again, so every page is the first one.
        page = store.find(SENDS_ASKING, equal={"uid": uid, "question": SendQuestion.RECONNECT.value}, limit=PAGE)
        for item in page.items:
            move(item.value, lambda current: states.reachable(current, now=now), store=store, clock=clock)
        released += len(page.items)
        if not page.next:
            return released


def _publish(send: Send, queue: Queue) -> None:
    try:
        queue.publish(SEND_TOPIC, SendDue(send_id=send.id))
    except TryAgain as e:
        # It is due, so the next sweep finds it.
        log.warning("not published", exc_info=e, extra={"send_id": send.id})
