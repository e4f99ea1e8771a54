"""Nobody could handle a message: keep what identifies it, and why, where a person sees it.

A record never holds more of a message than ids and numbers: what fails is often not what we expected, and an address
or a token may be in it.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared import accounts
from shared.codec import to_json
from shared.model import DeadLetter
from shared.ports import Clock, Store, Transaction
from shared.schema import DEAD_LETTERS

log = logging.getLogger(__name__)

FIELDS = 20
"""A message of ours has a few ids; whatever has more is not ours. So many, at their longest, stay below 4,000 bytes."""

FIELD_NAME = re.compile(r"[A-Za-z_]{1,40}")
"""A name that a programmer chose; anything may stand where a stranger did."""

ID_NAME = re.compile(r"(^|_)(id|uid)$|[a-z]Id$")
"""The names of fields that hold ids: ours (uid, mailbox_id) and Google's (historyId)."""

ID_VALUE = re.compile(r"[A-Za-z0-9_:.-]{1,128}")
"""What an id looks like: no @, no space."""

LARGEST_NUMBER = 2**64
"""Gmail's history ids are uint64; a longer number is no number of ours."""

MOST_ATTEMPTS = 1_000_000
"""Nobody delivers a message so often; a count beyond it is made up."""

REASON_CHARACTERS = 300
"""Two sentences."""

QUOTED = re.compile(
    r"""
    '[^']*' | "[^"]*"       # what Python's and msgspec's errors put in quotes is the input
    | \S*@\S*               # an address, a Message-ID
    | https?:\S+            # a URL may bear a token in its query
    | [\w+/=.-]{24,}        # a token, a key, somebody's long id
    """,
    re.VERBOSE,
)
"""Those parts of an error's text that may quote the input which it complains about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """A message that Pub/Sub has given up on, from a dead-letter topic."""

    payload: Mapping[str, Any]
    """Empty when there was no JSON object in it."""
    subscription: str
    """Name of the subscription whose attempts are spent; empty when the message does not say."""
    attempts: int


def subscription_name(topic: str, function: str) -> str:
    """The name of the subscription that brings a topic's messages to a function."""
    return f"{topic}.{function}"


def topic_of(subscription: str) -> str:
    """The topic that a subscription reads, by its name."""
    return subscription.partition(".")[0]


def park(message: Undelivered, *, mailbox_secret: bytes, store: Store, clock: Clock) -> None:
    """Record a message whose attempts are spent. Raises TryAgain when the store cannot be reached."""
    record(
        message.payload,
        function=message.subscription.partition(".")[2],
        topic=topic_of(message.subscription),
        reason=f"every one of {message.attempts} deliveries failed",
        attempts=message.attempts,
        mailbox_secret=mailbox_secret,
        store=store,
        clock=clock,
    )


def record(
    payload: Mapping[str, Any],
    *,
    function: str,
    topic: str,
    reason: str,
    attempts: int = 1,
    mailbox_secret: bytes,
    store: Store,
    clock: Clock,
) -> None:
    """Keep a message that can't be handled. The same message for the same reason is one record, however often it comes.

    Raises TryAgain when the store cannot be reached.
    """
    kept, reason = ids_of(payload, mailbox_secret=mailbox_secret), without_quotations(reason)
    # Both may come from a message's envelope.
    function, topic = (name if ID_VALUE.fullmatch(name) else "unknown" for name in (function, topic))
    letter = DeadLetter(
        id=hashlib.sha256(f"{function}\n{topic}\n{kept}\n{reason}".encode()).hexdigest()[:32],
        function=function,
        topic=topic,
        payload=to_json(kept).decode(),
        reason=reason,
        recorded_at=clock.now(),
        uid=str(kept.get("uid", "")),
        attempts=min(attempts, MOST_ATTEMPTS),
    )
    key = DEAD_LETTERS.key(letter.id)

    def work(tx: Transaction) -> None:
        known = tx.get(key)
        # The broker may deliver a dead letter twice, so that attempts of two deliveries can't be added.
        tx.put(key, replace(letter, attempts=max(letter.attempts, known.attempts)) if known else letter)

    store.transact(work)
    log.warning("dead letter", extra={"dead_letter_id": letter.id, "function": function, "topic": topic})


def ids_of(payload: Mapping[str, Any], *, mailbox_secret: bytes) -> dict[str, str | int | float]:
    """The ids and numbers of a message, and nothing else. An address becomes its mailbox's id, if we have the key."""
    kept: dict[str, str | int | float] = {}
    for name, value in itertools.islice(payload.items(), FIELDS):
        if not FIELD_NAME.fullmatch(name):
            continue
        if isinstance(value, str):
            if ID_NAME.search(name) and ID_VALUE.fullmatch(value):
                kept[name] = value
        elif isinstance(value, int | float) and abs(value) < LARGEST_NUMBER:
            kept[name] = value
    address = payload.get("emailAddress")
    if mailbox_secret and isinstance(address, str):
        kept["mailbox_id"] = accounts.mailbox_id(address, secret=mailbox_secret)
    return kept


def without_quotations(reason: str) -> str:
    """An error's own words, without what it may quote of its input. Plain words of a mail can't be told from ours."""
    return QUOTED.sub("...", reason[: 4 * REASON_CHARACTERS])[:REASON_CHARACTERS]
