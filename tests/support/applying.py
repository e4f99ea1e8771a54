"""A person at the desk: what a test needs to ask for sends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from shared import registry
from shared.adapters.local_queue import LocalQueue
from shared.local.clock import FakeClock
from shared.model import Document, Preferences, Send, User
from shared.ports import Store
from shared.schema import DOCUMENTS, SENDS_OF_USER, USERS
from shared.sending import request
from shared.sending.orders import Applied, Failed, Held, QuickApplication
from shared.services import Services
from tests.support.made import made_settings

LETTER = "Dear Acme team,\n\nI would like to build engines with you.\n\nAda"

ASKED = QuickApplication(company="Acme", role="Engineer", recipient="jobs@acme.example", letter=LETTER)
"""An application at which the last look finds nothing."""


SUBSCRIPTIONS = registry.subscriptions(registry.load())


@contextmanager
def made_desk() -> Iterator[Services]:
    """Services in memory, on a clock that the test winds; the table of functions is read once for all of them."""
    clock = FakeClock()
    queue = LocalQueue(":memory:", SUBSCRIPTIONS, clock=clock)
    made = Services(made_settings(), clock=clock, queue=queue)
    try:
        yield made
    finally:
        made.close()
        queue.close()


def asked(**changes: Any) -> QuickApplication:
    """The same with changes; another company gets its own letter and address, unless they are given."""
    if changes.get("company"):
        name = changes["company"].split()[0]
        changes = {"letter": f"Dear {changes['company']}!", "recipient": f"jobs@{name.lower()}.example", **changes}
    return replace(ASKED, **changes)


def apply(world: Services, order: QuickApplication = ASKED, *, key: str = "k1", uid: str = "ada") -> Applied | Held:
    """Press Apply."""
    return request.apply(uid, order, key=key, store=world.store, queue=world.queue, clock=world.clock, ids=world.ids)


def applied(world: Services, order: QuickApplication = ASKED, *, key: str = "k1", uid: str = "ada") -> Applied:
    """Press Apply, and nothing is in the way."""
    done = apply(world, order, key=key, uid=uid)
    assert isinstance(done, Applied), done
    return done


def apply_to_all(
    world: Services, orders: Sequence[QuickApplication | Failed], *, key: str = "b1", uid: str = "ada"
) -> Any:
    """Press Apply for all of them; what comes of each is the test's to say."""
    return request.apply_to_all(
        uid, orders, key=key, store=world.store, queue=world.queue, clock=world.clock, ids=world.ids
    )


def prefers(world: Services, uid: str = "ada", **preferences: Any) -> None:
    """The person has chosen."""
    found = world.store.get(USERS.key(uid))
    user = found.value if found else User(uid=uid)
    chosen = replace(user, preferences=Preferences(**preferences))
    world.store.transact(lambda tx: tx.put(USERS.key(uid), chosen))


def has_document(world: Services, id_: str, *, size: int = 1_000, uid: str = "ada", name: str = "cv.pdf") -> str:
    """The person has a file of that size; its id."""
    document = Document(
        id=id_,
        uid=uid,
        name=name,
        media_type="application/pdf",
        size=size,
        sha256="0" * 64,
        created_at=world.clock.now(),
    )
    world.store.create(DOCUMENTS.key(uid, id_), document)
    return id_


def sends(store: Store, uid: str = "ada") -> list[Send]:
    """Everything that the person has asked for, newest first."""
    return [item.value for item in store.find(SENDS_OF_USER, equal={"uid": uid}, limit=300).items]


def woken(world: Services) -> list[str]:
    """Ids of the sends that have been named to the sender since the last call."""
    assert isinstance(world.queue, LocalQueue)
    ids = []
    for delivery in world.queue.lease(100):
        assert delivery.subscription.function == "send_application"
        ids.append(str(json.loads(delivery.data)["send_id"]))
        world.queue.ack(delivery)
    return ids
