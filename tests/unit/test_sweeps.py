"""Sweeps: who is queued, who is left alone, and what it costs."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared import accounts, sweeps
from shared.model import Mailbox, Monitoring
from shared.schema import MAILBOXES
from tests.support.connecting import connecting


@pytest.fixture
def world():
    with connecting() as world:
        yield world


class Heard:
    """A queue that only counts: what it would hold must not be taken for what a sweep holds."""

    def __init__(self):
        self.ids = []
        self.largest = 0

    def publish(self, topic, message):
        self.publish_all(topic, [message])

    def publish_all(self, topic, messages):
        assert topic == "mailbox-sync"
        self.largest = max(self.largest, len(messages))
        self.ids += [message.mailbox_id for message in messages]


class Deaf(Heard):
    """Keeps no ids."""

    def publish_all(self, topic, messages):
        super().publish_all(topic, messages)
        self.ids.clear()


def keep(world, id_, *, age, **fields):
    """A mailbox that was synced so long ago."""
    now = world.clock.now()
    made = Mailbox(id=id_, uid=id_, history_id="1".zfill(20), last_sync_at=now - age, **fields)
    world.services.store.create(MAILBOXES.key(id_), made)


def swept(world, sweep):
    heard = Heard()
    sweep(store=world.services.store, queue=heard, clock=world.clock)
    return sorted(heard.ids)


MINUTES = [(pace, int(interval.total_seconds() // 60)) for pace, interval in accounts.PACES.items()]


@pytest.mark.parametrize(("pace", "minutes"), MINUTES)
def test_no_mailbox_waits_longer_than_its_interval_and_the_tolerance(world, pace, minutes):
    """One that was synced at any minute of the hour, with the sweeps at their times."""
    midnight = world.clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
    period, sweep = (15, sweeps.scan_recent) if pace == "15" else (30, sweeps.scan_all)
    for synced in range(60):
        world.clock.set(midnight + timedelta(minutes=synced))
        id_ = f"{pace}-{synced}"
        keep(world, id_, age=timedelta(), pace=pace)
        tick = synced // period * period
        while not swept(world, sweep):
            tick += period
            world.clock.set(midnight + timedelta(minutes=tick, seconds=10))
        assert world.clock.now() <= midnight + timedelta(minutes=synced + minutes) + sweeps.TOLERANCE
        world.services.store.delete(MAILBOXES.key(id_))
        midnight += timedelta(days=2)


@pytest.mark.parametrize(("pace", "minutes"), MINUTES)
def test_a_mailbox_whose_interval_has_passed_is_queued_by_exactly_one_sweep(world, pace, minutes):
    keep(world, "a", age=timedelta(minutes=minutes), pace=pace)

    assert swept(world, sweeps.scan_recent) + swept(world, sweeps.scan_all) == ["a"]


def test_a_mailbox_that_was_looked_at_just_now_is_left_alone(world):
    for pace in accounts.PACES:
        keep(world, f"m{pace}", age=timedelta(seconds=10), pace=pace)

    assert swept(world, sweeps.scan_recent) + swept(world, sweeps.scan_all) == []


def test_off_is_never(world):
    keep(world, "a", age=timedelta(days=400), pace=accounts.pace(Monitoring.OFF, is_open=True, is_recent=True))

    assert swept(world, sweeps.scan_recent) + swept(world, sweeps.scan_all) + swept(world, sweeps.watches) == []


@pytest.mark.parametrize(
    ("monitoring", "is_open", "is_recent", "pace"),
    [
        (Monitoring.REAL_TIME, True, True, "15"),
        (Monitoring.REAL_TIME, True, False, "30"),
        (Monitoring.REAL_TIME, False, False, "daily"),
        (Monitoring.EVERY_15_MINUTES, True, False, "15"),
        (Monitoring.EVERY_60_MINUTES, True, True, "60"),
        (Monitoring.EVERY_60_MINUTES, False, True, "daily"),
        (Monitoring.DAILY, True, True, "daily"),
        (Monitoring.OFF, True, True, ""),
    ],
)
def test_the_pace_is_the_persons_and_daily_without_an_open_application(monitoring, is_open, is_recent, pace):
    assert accounts.pace(monitoring, is_open=is_open, is_recent=is_recent) == pace


@pytest.mark.parametrize("health", ["needs_reauth", "quarantined"])
def test_a_mailbox_that_nobody_can_read_is_left_alone(world, health):
    keep(world, "a", age=timedelta(days=2), pace="15", health=health, watch_expires_at=world.clock.now())

    assert swept(world, sweeps.scan_recent) == []
    assert swept(world, sweeps.watches) == []


def test_a_mailbox_that_somebody_comes_back_to_in_a_moment_is_left_to_them(world):
    soon = world.clock.now() + timedelta(minutes=1)
    later = world.clock.now() + timedelta(hours=5)
    keep(world, "held", age=timedelta(hours=1), pace="15", due_at=soon)
    keep(world, "asked again tomorrow", age=timedelta(hours=1), pace="15", due_at=later)

    assert swept(world, sweeps.scan_recent) == ["asked again tomorrow"]


def test_a_watch_older_than_a_day_is_queued_the_next_to_end_first(world):
    now = world.clock.now()
    for name, left in {"fresh": 6.9, "a day old": 5.99, "nearly over": 0.1, "over": -1.0}.items():
        keep(world, name, age=timedelta(), watch_expires_at=now + timedelta(days=left))
    heard = Heard()

    sweeps.watches(store=world.services.store, queue=heard, clock=world.clock)

    assert heard.ids == ["over", "nearly over", "a day old"]


def test_ten_thousand_are_queued_with_one_read_and_no_write_each_and_no_more_memory_than_a_hundred(world):
    from shared.local.counting import CountingStore  # noqa: PLC0415 - counts this one sweep

    def measured(store):
        heard = Deaf()
        tracemalloc.start()
        swept = sweeps.scan_recent(store=store, queue=heard, clock=world.clock)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return swept, peak, heard

    store = CountingStore(world.services.store)
    for number in range(600):
        keep(world, f"m{number:05}", age=timedelta(hours=1), pace="15")
    _, small, _ = measured(store)
    for number in range(600, 10_000):
        keep(world, f"m{number:05}", age=timedelta(hours=1), pace="15")
    store.bill.reads = store.bill.writes = 0

    swept, large, heard = measured(store)

    assert (swept.scanned, swept.queued) == (10_000, 10_000)
    assert (store.bill.reads, store.bill.writes) == (10_000, 0)
    assert heard.largest <= 300
    assert large < 1.5 * small


# --- "Sync now" -------------------------------------------------------------------------------------------------------


def test_a_person_may_ask_for_a_look_once_a_minute(world):
    world.connect()

    assert world.send("POST", "/v1/gmail/sync")[0] == 202
    status, _, response = world.send("POST", "/v1/gmail/sync")
    assert (status, response.headers["Retry-After"]) == (429, "60")
    world.clock.step(sweeps.ASKED_AGAIN_AFTER)
    assert world.send("POST", "/v1/gmail/sync")[0] == 202


def test_asking_makes_the_mailbox_due(world):
    connected = world.connect()
    quiet = replace(connected, due_at=world.clock.now() + timedelta(days=1))
    world.services.store.transact(lambda tx: tx.put(MAILBOXES.key(connected.id), quiet))
    world.clock.step(timedelta(hours=1))
    world.send("POST", "/v1/gmail/sync")

    assert world.mailbox().due_at == world.clock.now()


def test_without_a_mailbox_there_is_nothing_to_look_at(world):
    assert world.send("POST", "/v1/gmail/sync")[0] == 404


# --- The mailbox follows its person -----------------------------------------------------------------------------------


def lull(world):
    """No open application: the daily look has set the slowest pace."""
    mailbox = world.mailbox()
    world.services.store.transact(lambda tx: tx.put(MAILBOXES.key(mailbox.id), replace(mailbox, pace="daily")))


@pytest.mark.parametrize(("chosen", "pace"), [("60", "60"), ("daily", "daily"), ("off", ""), ("real_time", "15")])
def test_a_new_choice_is_the_mailboxes_at_once(world, chosen, pace):
    world.connect()

    assert world.send("PATCH", "/v1/preferences", {"monitoring": chosen})[0] == 200

    assert (world.mailbox().monitoring, world.mailbox().pace) == (chosen, pace)


def test_a_fresh_application_quickens_the_pace(world):
    world.connect()
    lull(world)

    world.send("POST", "/v1/applications", {"company": "Acme"})

    assert world.mailbox().pace == "15"


def test_without_a_mailbox_a_choice_is_only_a_choice(world):
    assert world.send("PATCH", "/v1/preferences", {"monitoring": "off"})[0] == 200


def test_off_is_off_for_the_person_who_asks_as_well(world):
    world.connect()
    world.send("PATCH", "/v1/preferences", {"monitoring": "off"})

    assert world.send("POST", "/v1/gmail/sync")[0] == 409


@pytest.mark.parametrize(
    ("lease_until", "due_at", "expected"),
    [
        (None, None, 0),
        (None, 60, 0),
        (None, -60, -60),  # It is late already; a clock that is ahead puts off nothing.
        (60, 60, 60),  # Whoever has the mailbox comes back by itself.
        (-60, -60, -60),  # Whoever had it is dead.
    ],
)
def test_what_is_asked_for_is_due_now_but_never_later_than_what_a_dead_run_has_left(lease_until, due_at, expected):
    now = datetime(2026, 3, 1, tzinfo=UTC)

    def at(seconds):
        return None if seconds is None else now + timedelta(seconds=seconds)

    mailbox = Mailbox(id="m", uid="ada", history_id="1", lease_until=at(lease_until), due_at=at(due_at))
    assert accounts.soonest(mailbox, now=now) == at(expected)
