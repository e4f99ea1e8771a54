"""What is kept no longer goes alike from SQLite and from Firestore's emulator, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from shared import retention
from shared.adapters.blobs import FolderBlobs
from shared.due import RetentionDue
from shared.model import Delivery
from shared.ports import Store
from shared.schema import OF_PERSON, REPORTS
from tests.support.stores import on_emulator
from tests.support.world import UID, World
from tests.unit.test_confirm_first import INVITATION, RECEIPT, REJECTION, arrives
from tests.unit.test_retention import CLOSED, DAY, KEPT, OUTREACH, keeps, recorded, report_of, send, tracked


@pytest.fixture
def world() -> Iterator[World]:
    """A person with an application that has ended by mail, others that have not, and mail of none."""
    world = World()
    world.connect()
    keeps(world, KEPT)
    for mail in (RECEIPT, INVITATION, REJECTION, OUTREACH):
        arrives(world, mail, hour=10)
    world.settle()
    live = recorded(world, "Live", CLOSED)
    send(world, live, "live", delivery=Delivery.QUEUED, due_at=world.clock.now() + 90 * DAY)
    send(world, recorded(world, "Ended", CLOSED))
    recorded(world, "Open")
    report = report_of(world.clock.now())
    world.store.transact(lambda tx: tx.put(REPORTS.key(UID, report.id), report))
    world.clock.step(KEPT + DAY)
    yield world
    world.close()


def everything(store: Store) -> dict[str, Any]:
    """Every document of the person's, by its path."""
    found: dict[str, Any] = {}
    for query in OF_PERSON:
        asked: dict[str, Any] = {"parent": UID} if query.collection.parent else {"equal": {"uid": UID}}
        found |= {item.key.path: item for item in store.find(query, limit=300, **asked).items}
    return found


def values(store: Store) -> dict[str, Any]:
    return {path: item.value for path, item in everything(store).items()}


def test_the_same_goes_from_both_stores(world, firestore_emulator, emulator_project, tmp_path):
    ports: dict[str, Any] = {"settings": world.settings, "queue": world.queue, "clock": world.clock}
    with on_emulator(firestore_emulator.host, emulator_project, deadline=timedelta(minutes=2)) as there:
        for item in everything(world.store).values():
            there.create(item.key, item.value)
        stores = (world.store, there)
        named = [retention.clean(store=store, blobs=FolderBlobs(tmp_path), **ports) for store in stores]
        assert named[0] == named[1]
        assert named[0].queued == 1
        applied = [retention.apply(RetentionDue(uid=UID), store=store, **ports) for store in stores]
        assert applied[0] == applied[1]
        assert (applied[0].applications, applied[0].mails) == (2, 4)
        assert values(world.store) == values(there)
        assert sorted(tracked(world)) == ["Live", "Open"]
        # A year later not even the ids of the mails are left.
        world.clock.step(retention.REACH)
        dropped = [retention.clean(store=store, blobs=FolderBlobs(tmp_path), **ports) for store in stores]
        assert dropped[0] == dropped[1]
        assert dropped[0].updated == applied[0].mails
        assert values(world.store) == values(there)
