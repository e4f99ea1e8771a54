"""Gmail's quota: in no minute too much, wherever the minute begins."""

from __future__ import annotations

import random
from collections import deque
from datetime import datetime, timedelta

import pytest

from shared.local.clock import START
from shared.mailbox.quota import SLOT_SECONDS, WINDOW_SECONDS, Quota, slot

SECOND = timedelta(seconds=1)
WINDOW = WINDOW_SECONDS * SECOND


@pytest.mark.parametrize("seed", range(5))
def test_whoever_spends_all_that_is_allowed_never_spends_too_much_in_any_minute(seed):
    rng, now = random.Random(seed), START
    spent: dict[str, int] = {}
    minute: deque[datetime] = deque()
    most = total = 0
    for _ in range(40):
        quota, units = Quota(1_000, spent), 0
        for _ in range(rng.randint(1, 60)):
            now += SECOND * rng.random()
            if quota.allows(20, units=units, now=now):
                units += 20
                total += 20
                minute.append(now)
            while minute and minute[0] <= now - WINDOW:
                minute.popleft()
            most = max(most, 20 * len(minute))
        spent = quota.told(spent, units=units, now=now)
        now += SECOND * rng.choice((0, 5, 30, 90))
    assert 900 <= most <= 1_000
    assert total > 5_000


def test_units_count_until_their_whole_slot_is_a_minute_old():
    spent = Quota(100, {}).told({}, units=80, now=START)
    begun = START + (int(slot(START)) - START.timestamp()) * SECOND

    assert not Quota(100, spent).allows(30, units=0, now=START + WINDOW)
    assert Quota(100, spent).allows(30, units=0, now=begun + WINDOW + SLOT_SECONDS * SECOND)


def test_it_tells_when_so_many_units_are_free():
    quota = Quota(100, {slot(START): 60, slot(START + 20 * SECOND): 40})
    now = START + 30 * SECOND

    free_at = quota.free_at(50, units=0, now=now)

    assert not quota.allows(50, units=0, now=free_at - SECOND)
    assert quota.allows(50, units=0, now=free_at)
    assert quota.free_at(50, units=0, now=free_at) == free_at


def test_two_who_spend_at_once_are_both_on_record():
    first, second = Quota(1_000, {}), Quota(1_000, {})
    record = first.told({}, units=300, now=START)

    record = second.told(record, units=200, now=START + SECOND)

    assert sum(record.values()) == 500
    assert Quota(1_000, record).level(0, START + SECOND) == 500


def test_booked_units_are_spent_already_and_may_be_given_back():
    quota = Quota(1_000, {})
    quota.book(700, START + 8 * SECOND)
    record = quota.told({}, units=0, now=START)

    assert not Quota(1_000, record).allows(301, units=0, now=START)
    assert Quota(1_000, record).allows(300, units=0, now=START)


def test_what_is_a_minute_old_is_not_kept_on_record():
    record = Quota(100, {}).told({}, units=80, now=START)

    assert Quota(100, record).told(record, units=0, now=START + 2 * WINDOW) == {}


def test_a_clock_that_was_a_day_ahead_stops_nobody():
    record = Quota(100, {}).told({}, units=100, now=START + timedelta(days=1))

    assert Quota(100, record).allows(100, units=0, now=START)
