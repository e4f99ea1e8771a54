"""Whatever stands aside and waits for somebody to look: dead letters, and mails that are parked, unsure or have failed.

For the people who run Hearback. Re-driving is a wake-up like any other, so doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from shared.codec import from_json
from shared.due import SEND_TOPIC, SYNC_TOPIC, MailboxDirty, SendDue
from shared.errors import NotFound, Rejected
from shared.model import DeadLetter, Delivery, Send
from shared.ports import Clock, Queue, Store
from shared.schema import DEAD_LETTERS, DEAD_LETTERS_NEWEST, SENDS, SENDS_DUE
from shared.sending.moves import move

ASIDE = (Delivery.PARKED, Delivery.UNSURE, Delivery.FAILED)
"""States of a mail in which it waits for a time. What waits for its person's answer is theirs alone."""

PAGE = 300
"""Documents read with one query."""

ALIASES = {"gmail-push": SYNC_TOPIC}
"""Where a dead letter goes instead of its own topic: a notification's address is not kept, its mailbox's id is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that stands aside."""

    id: str
    kind: Literal["dead_letter", "send"]
    what: str
    """The function, or the mail's state."""
    reason: str
    since: datetime
    redriven_at: datetime | None = None


def listed(*, limit: int, store: Store) -> tuple[Item, ...]:
    """What stands aside, the newest dead letters first, then the mails that have waited longest."""
    letters = [_of_letter(item.value) for item in store.find(DEAD_LETTERS_NEWEST, limit=min(limit, PAGE)).items]
    return (*letters, *(_of_send(send) for send in _sends(limit, store)))


def show(id_: str, *, store: Store) -> DeadLetter | Send:
    """One of them with all that is on record; a mail without its letter. Raises NotFound."""
    letter = store.get(DEAD_LETTERS.key(id_))
    if letter is not None:
        return letter.value
    send = store.get(SENDS.key(id_))
    if send is None:
        raise NotFound(f"{id_}: nothing stands aside by that id")
    # Whoever runs Hearback needs no look at what a person writes, and to whom.
    return replace(send.value, letter=None, sent_to="", subject="", enclosed=(), next_addresses=())


def redrive(id_: str, *, dry_run: bool = True, again: bool = False, store: Store, queue: Queue, clock: Clock) -> str:
    """Wake up what the id names; gives what is done, or would be, in words. Raises NotFound.

    A dead letter is re-driven once, unless `again`: what it wakes up then is told apart from it by its own record.
    """
    found = show(id_, store=store)
    if isinstance(found, Send):
        return _redrive_send(found, dry_run=dry_run, store=store, queue=queue, clock=clock)
    if found.redriven_at is not None and not again:
        return f"{id_}: re-driven already, {found.redriven_at:%Y-%m-%d %H:%M} UTC"
    try:
        topic, message = _wake_up(found)
    except Rejected as e:
        return f"{id_}: {e}"
    if dry_run:
        return f"{id_}: would be published to {topic}"
    queue.publish(topic, message)
    key = DEAD_LETTERS.key(id_)
    now = clock.now()
    store.transact(lambda tx: tx.put(key, replace(tx.get(key) or found, redriven_at=now)), reads=[key])
    return f"{id_}: published to {topic}"


def _redrive_send(send: Send, *, dry_run: bool, store: Store, queue: Queue, clock: Clock) -> str:
    if send.delivery not in ASIDE or send.due_at is None:
        return f"{send.id}: it is {send.delivery} and waits for nobody but its person"
    if dry_run:
        return f"{send.id}: {send.delivery}, would be due now instead of {send.due_at:%Y-%m-%d %H:%M} UTC"
    now = clock.now()

    def change(current: Send) -> Send:
        waits = current.delivery in ASIDE and current.due_at is not None and current.due_at > now
        return replace(current, due_at=now) if waits else current

    move(send, change, store=store, clock=clock)
    queue.publish(SEND_TOPIC, SendDue(send_id=send.id))
    return f"{send.id}: {send.delivery}, due now"


def _wake_up(letter: DeadLetter) -> tuple[str, object]:
    """Where a dead letter's message goes, and what it says. Raises Rejected when too little of it is kept."""
    payload: Mapping[str, Any] = from_json(dict[str, Any], letter.payload)
    topic = ALIASES.get(letter.topic, letter.topic)
    if topic == SYNC_TOPIC:
        if not isinstance(payload.get("mailbox_id"), str):
            raise Rejected("it does not say which mailbox")
        return topic, MailboxDirty(mailbox_id=payload["mailbox_id"])
    if topic == "unknown" or not topic or not payload:
        raise Rejected("too little of it is kept")
    return topic, dict(payload)


def _sends(limit: int, store: Store) -> Iterator[Send]:
    for state in ASIDE:
        page = store.find(SENDS_DUE, equal={"delivery": state.value}, limit=min(limit, PAGE))
        for found in store.get_many([SENDS.key(item.value.id) for item in page.items]):
            if found is not None:
                yield found.value


def _of_letter(letter: DeadLetter) -> Item:
    return Item(
        id=letter.id,
        kind="dead_letter",
        what=letter.function,
        reason=letter.reason,
        since=letter.recorded_at,
        redriven_at=letter.redriven_at,
    )


def _of_send(send: Send) -> Item:
    return Item(id=send.id, kind="send", what=send.delivery, reason=send.reason, since=send.created_at)
