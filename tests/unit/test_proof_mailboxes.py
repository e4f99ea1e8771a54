"""The life of mailboxes, a slice of it; the whole is `scripts/prove mailboxes`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.schema import MAILS
from tests.proofs.mailboxes import Letter, Town, lived


def test_ten_mailboxes_live_through_two_bad_days():
    outcome = lived(10, 2, seed=3)

    assert outcome.failures == ()


@pytest.fixture
def town():
    town = Town(1, seed=1)
    yield town
    town.close()


def test_a_letter_without_a_record_is_seen(town):
    (person,) = town.people
    person.letters["lost"] = Letter("Acme", town.clock.now() - timedelta(days=2), timedelta(minutes=15))

    assert [each.partition(",")[0] for each in town.violations()] == ["p0: Acme has no record"]


def test_a_late_record_is_seen(town):
    (person,) = town.people
    town.clock.step(timedelta(minutes=1))
    town._letter(person, [])
    town._work(0)
    ((id_, letter),) = person.letters.items()
    assert town.store.get(MAILS.key(person.uid, id_)) is not None
    assert list(town.violations()) == []

    letter.visible_at -= timedelta(hours=1)

    assert "late" in next(iter(town.violations()))
