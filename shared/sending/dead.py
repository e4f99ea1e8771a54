"""A send whose message nobody could handle: it has failed, and the person is told, or it is simply due again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from shared.dead_letters import Undelivered
from shared.errors import Rejected
from shared.model import Delivery, Send
from shared.ports import Clock, Store
from shared.sending import states
from shared.sending.moves import move, read

OLD = timedelta(hours=24)
"""A mail that could not leave in so long is given up: the person should not wait for it without knowing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buried:
    """What became of a dead letter."""

    outcome: str
    """The send's state of `delivery`, or unknown_send."""


def bury(message: Undelivered, *, store: Store, clock: Clock) -> Buried:
    """Mark the send failed if our tries are spent or it is older than a day; otherwise it stays due, as it is.

    A dead letter that comes twice, or long after the send has gone on, changes nothing. Raises Rejected for a message
    that names no send.
    """
    send_id = message.payload.get("send_id")
    if not isinstance(send_id, str):
        raise Rejected("send_id: missing")
    send = read(send_id, store=store)
    if send is None:
        return Buried(outcome="unknown_send")
    now = clock.now()

    def change(current: Send) -> Send:
        if current.delivery is not Delivery.QUEUED:
            return current
        spent = current.tries >= states.TRIES
        old = now - (current.queued_at or max(current.created_at, current.send_after)) > OLD
        if not (spent or old):
            return current
        why = f"in {current.tries} tries" if spent else "in 24 hours"
        return states.given_up(current, f"It could not be sent {why}.", now=now)

    return Buried(outcome=move(send, change, store=store, clock=clock).delivery)
