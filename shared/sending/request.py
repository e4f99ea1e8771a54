"""Somebody pressed Apply: check everything, put application and send on record together, and answer at once.

Nothing here touches Gmail; `deliver` does, when the recall window is over.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime

from shared.due import SEND_TOPIC, SendDue
from shared.errors import Refused, Rejected, TryAgain
from shared.model import Send
from shared.ports import Clock, Ids, Queue, Store
from shared.sending.desk import Desk
from shared.sending.last_look import Check, Finding
from shared.sending.orders import Applied, Failed, FollowUp, Held, QuickApplication
from shared.sending.states import LONGEST_WAIT

log = logging.getLogger(__name__)

MOST_IN_BULK = 50
"""Applications of one request."""

KEY_CHARACTERS = 255
"""The longest Idempotency-Key."""


def apply(
    uid: str, asked: QuickApplication, *, key: str, store: Store, queue: Queue, clock: Clock, ids: Ids
) -> Applied | Held:
    """One application, in one click. The same key and request give what they gave; another request is Refused.

    Raises Rejected, naming the field.
    """
    desk = Desk(uid, store=store, clock=clock, ids=ids)
    digest = _digest("quick", asked)
    known = desk.known(_checked_key(key), digest)
    if known is not None:
        return known
    at = desk.now + desk.recall(asked.send_after)
    full = None if desk.plan.has_room(at) else Finding(check=Check.DAILY_CAP, detail=desk.plan.said(at))
    done = desk.apply(asked, key=key, digest=digest, at=at, found=(full,) if full else ())
    if isinstance(done, Applied):
        _wake(done.send, queue=queue, now=desk.now)
    return done


def apply_to_all(
    uid: str,
    asked: Sequence[QuickApplication | Failed],
    *,
    key: str,
    store: Store,
    queue: Queue,
    clock: Clock,
    ids: Ids,
) -> tuple[Applied | Held | Failed, ...]:
    """Many applications, each with a result of its own, leaving one after the other within the person's daily cap.

    Each is a request of its own under the key and its number, so the same again goes on where it was interrupted.
    What could not even be read is handed in as Failed, and keeps its number.
    """
    if not 1 <= len(asked) <= MOST_IN_BULK:
        raise Rejected(f"applications: must be 1 to {MOST_IN_BULK}")
    desk = Desk(uid, store=store, clock=clock, ids=ids)
    whole = _digest("bulk", *asked)
    _checked_key(key)
    results: list[Applied | Held | Failed] = []
    for number, each in enumerate(asked):
        if isinstance(each, Failed):
            results.append(each)
            continue
        own_key, digest = f"{key}\n{number}", _digest(whole, each)
        # Another bulk request under this key is refused whole, whatever its items are.
        known = desk.known(own_key, digest)
        done: Applied | Held | Failed
        if known is not None:
            desk.plan.go_on_behind(known.send.send_after)
            done = known
        else:
            try:
                at = desk.plan.next(desk.now + desk.recall(each.send_after))
                done = desk.apply(each, key=own_key, digest=digest, at=at)
            except Refused:
                raise
            except Rejected as e:
                done = Failed(reason=str(e))
            if isinstance(done, Applied):
                desk.plan.take(done.send.send_after)
                _wake(done.send, queue=queue, now=desk.now)
        results.append(done)
    return tuple(results)


def follow_up(
    uid: str,
    application_id: str,
    asked: FollowUp,
    *,
    key: str,
    store: Store,
    queue: Queue,
    clock: Clock,
    ids: Ids,
) -> Applied:
    """Another mail in the thread of an application that has left. Raises Rejected by field, Refused, NotFound."""
    desk = Desk(uid, store=store, clock=clock, ids=ids)
    digest = _digest("follow_up", application_id, asked)
    known = desk.known(_checked_key(key), digest)
    if known is not None:
        return known
    done = desk.follow_up(application_id, asked, key=key, digest=digest)
    _wake(done.send, queue=queue, now=desk.now)
    return done


def _wake(send: Send, *, queue: Queue, now: datetime) -> None:
    """Name the send to whoever delivers it, unless it is not due for long: the clock names it then."""
    if send.send_after - now > LONGEST_WAIT:
        return
    try:
        queue.publish(SEND_TOPIC, SendDue(send_id=send.id))
    except TryAgain:
        # It is on record with its time, and will be named when that has come.
        log.warning("not published", extra={"send_id": send.id})


def _checked_key(key: str) -> str:
    """The Idempotency-Key; without one a second click could not be told from a second application."""
    if not key:
        raise Rejected("idempotency-key: is missing")
    if len(key) > KEY_CHARACTERS or not key.isascii() or not key.isprintable():
        raise Rejected(f"idempotency-key: not up to {KEY_CHARACTERS} printable characters")
    return key


def _digest(*parts: object) -> str:
    """What was asked, as one number: the same words in the same fields."""
    digest = hashlib.sha256()
    for part in parts:
        data = repr(part).encode(errors="surrogatepass")
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()
