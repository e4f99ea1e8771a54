"""The same twelve days of interviews, reminders, reports and notifications on SQLite and on Firestore's emulator."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from shared import interviews, notifications, reports
from shared.adapters.firestore_store import FirestoreStore
from shared.adapters.sqlite_store import SqliteStore
from shared.interviews import RoundByHand
from shared.model import Channel, NotificationKind, QuietHours, Signal
from shared.ports import Page
from shared.schema import (
    DISPATCHES_DUE,
    DISPATCHES_OF_USER,
    INTERVIEWS_DUE,
    INTERVIEWS_OF_USER,
    INTERVIEWS_STARTING,
    NOTIFICATIONS_ABOUT,
    NOTIFICATIONS_DUE,
    NOTIFICATIONS_OF_USER,
    NOTIFICATIONS_OLDEST,
    REPORTS_OF_USER,
    USERS_FOLLOW_UP_DUE,
    USERS_MONTHLY_DUE,
    USERS_WEEKLY_DUE,
)
from tests.support.made import CountedIds
from tests.support.stores import on_emulator
from tests.support.telling import DAY, HOUR, Telling

START = datetime(2026, 3, 20, 12, tzinfo=UTC)
PEOPLE = ("ada", "bob")

ASKED = {
    DISPATCHES_DUE,
    DISPATCHES_OF_USER,
    INTERVIEWS_DUE,
    INTERVIEWS_OF_USER,
    INTERVIEWS_STARTING,
    NOTIFICATIONS_ABOUT,
    NOTIFICATIONS_DUE,
    NOTIFICATIONS_OF_USER,
    NOTIFICATIONS_OLDEST,
    REPORTS_OF_USER,
    USERS_FOLLOW_UP_DUE,
    USERS_MONTHLY_DUE,
    USERS_WEEKLY_DUE,
}
"""Every question that telling people things asks of the store."""


def twelve_days(world: Telling) -> str:
    """Two people, told in different ways, and one of them moves; returns the key to the other's calendar."""
    p: dict[str, Any] = {"store": world.store, "clock": world.clock}
    everything = dict.fromkeys(NotificationKind, (Channel.IN_APP, Channel.EMAIL, Channel.WEBHOOK))
    world.person("ada", "Asia/Kathmandu", channels=everything, quiet_hours=QuietHours(start="17:00"), gentle_hour=16)
    world.person("bob", "America/St_Johns", channels=everything, digest_hour=8)
    notifications.set_target("ada", "webhook", "https://hooks.example.com/", secret="s" * 20, vault=world.vault, **p)
    for uid in PEOPLE:
        for number in range(3):
            world.applied(uid, f"a{number}", company=f"Firm {number}")
        world.invited(uid, "a0", START + 4 * DAY, zone="America/New_York", link="https://meet.example/1")
        world.mail(uid, "a1", Signal.OFFER, reply_by="2026-03-24")
    ids = {**p, "ids": CountedIds()}
    interviews.add("ada", "a1", RoundByHand(start=START + 3 * DAY), **ids)
    world.run_until(START + 3 * DAY + 2 * HOUR)
    world.invited("ada", "a0", START + 5 * DAY, ics_sequence=1)
    world.invited("bob", "a0", START + 4 * DAY, ics_sequence=1, cancelled=True)
    world.choose("bob", time_zone="Pacific/Auckland")
    world.run_until(START + 8 * DAY)
    for uid in PEOPLE:
        world.mail(uid, "a2", Signal.REJECTION)
    world.run_until(START + 12 * DAY)
    return interviews.open_feed("ada", **ids)


def seen(world: Telling, key: str) -> dict[str, Any]:
    """Everything that anybody can see of it, and what is left after three months."""
    found: dict[str, Any] = {"sent": world.sent, "outcomes": world.outcomes}
    for uid in PEOPLE:
        found[uid] = {
            "told": world.told(uid),
            "dispatches": world.dispatches(uid),
            "reports": [item.value for item in reports.listed(uid, limit=50, store=world.store).items],
            "interviews": [item.value for item in world.store.find(INTERVIEWS_OF_USER, parent=uid, limit=50).items],
            "person": world.user(uid),
        }
    found["calendar"] = interviews.calendar("ada", key, store=world.store, clock=world.clock)
    world.clock.set(START + 93 * DAY)
    found["cleaned"] = notifications.cleanup(store=world.store, clock=world.clock)
    found["left"] = [told.key for uid in PEOPLE for told in world.told(uid)]
    return found


def played(store: SqliteStore | FirestoreStore, answered: Counter[Any], monkeypatch: Any) -> dict[str, Any]:
    find = store.find

    def counted(query: Any, **asked: Any) -> Page[Any]:
        page = find(query, **asked)
        answered[query] += len(page.items)
        return page

    monkeypatch.setattr(store, "find", counted)
    with closing(Telling(START, store)) as world:
        return seen(world, twelve_days(world))


def test_people_are_told_the_same_on_both_stores(firestore_emulator, emulator_project, monkeypatch):
    answered: Counter[Any] = Counter()
    here = played(SqliteStore(":memory:"), Counter(), monkeypatch)
    options = {"deadline": timedelta(minutes=2)}
    with on_emulator(firestore_emulator.host, emulator_project, **options) as store:
        there = played(store, answered, monkeypatch)
    assert here == there
    assert {query for query in ASKED if not answered[query]} == set()
    kinds = Counter(told.kind for uid in PEOPLE for told in here[uid]["told"])
    wanted = {
        NotificationKind.INTERVIEW_REMINDER,
        NotificationKind.WEEKLY_SUMMARY,
        NotificationKind.MONTHLY_REPORT,
        NotificationKind.FOLLOW_UP,
        NotificationKind.OFFER_DEADLINE,
        NotificationKind.STATUS_CHANGED,
        NotificationKind.DIGEST,
    }
    assert wanted <= set(kinds)
    assert here["cleaned"].updated == sum(kinds.values()) - len(here["left"]) > 0
