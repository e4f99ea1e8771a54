"""The machine's clock and ids, and the clock that a test winds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from shared.adapters.clock import SystemClock, SystemIds
from shared.local.clock import START, FakeClock


def test_the_system_clock_is_aware_and_in_utc():
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert before <= now <= datetime.now(UTC)


def test_ids_are_22_url_safe_characters_in_no_order_and_never_firestores_reserved_form():
    made = [SystemIds().new() for _ in range(5000)]
    assert len(set(made)) == 5000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", each) for each in made)
    assert made != sorted(made)
    assert not any(each.startswith("__") for each in made)


def test_a_fake_clock_moves_only_when_told_also_backwards():
    clock = FakeClock()
    assert clock.now() == clock.now() == START
    assert clock.step(timedelta(hours=1)) == START + timedelta(hours=1)
    clock.step(timedelta(hours=-3))
    assert clock.now() == START - timedelta(hours=2)
    clock.set(START)
    assert clock.now() == START
