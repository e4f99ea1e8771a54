"""The life of mailboxes, a slice of it; the whole is `scripts/prove mailboxes`."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest

from shared.mailbox import page
from shared.schema import MAILS
from tests.proofs.backfill import Size, Stage
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


# --- The past ---------------------------------------------------------------------------------------------------------

SMALL = Size(messages=150, kills=4, between_kills=(1.0, 20.0))


def test_a_backfill_survives_kills_within_the_quota_and_live_mail_does_not_wait_for_it():
    with closing(Stage(SMALL)) as stage:
        stage.fill()

        assert list(stage.violations()) == []
        assert stage.counts["kills in a page"] > 0


def test_a_lost_mail_a_late_one_and_a_missing_kill_are_seen():
    with closing(Stage(Size(messages=20, kills=0))) as stage:
        stage.fill()
        assert list(stage.violations()) == []

        stage.past["lost"] = "Acme"
        stage.live[next(iter(stage.live))] -= timedelta(minutes=1)
        stage.size = SMALL

        told = " / ".join(stage.violations())
        assert "0 kills, not 4" in told
        assert "lost has no record" in told
        assert "1 live mails were late" in told


def test_a_past_that_takes_more_than_its_share_of_the_quota_is_seen(monkeypatch):
    monkeypatch.setattr(page, "KEPT_FOR_LIVE_WORK", -0.2)
    with closing(Stage(Size(messages=150, kills=0))) as stage:
        stage.fill()

        assert any("units in one minute for the past" in violation for violation in stage.violations())
