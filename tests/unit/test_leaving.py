"""Disconnecting: nothing is read from that moment on, and the grant goes back to Google, however ill Google is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared import accounts, leaving, mailbox
from shared.due import RevocationDue, wake
from shared.errors import Rejected
from shared.local.gmail.faults import Fault
from shared.schema import MAILBOXES, OF_PERSON, REVOCATIONS
from tests.support.connecting import ADA, connecting


@pytest.fixture
def world():
    with connecting() as world:
        yield world


def revocations(world):
    (query,) = (each for each in OF_PERSON if each.collection is REVOCATIONS)
    return [item.value for item in world.services.store.find(query, equal={"uid": "ada"}, limit=10).items]


def give_back(world):
    s = world.services
    (revocation,) = revocations(world)
    due = RevocationDue(revocation_id=revocation.id)
    return leaving.give_back(
        due,
        settings=s.settings,
        store=s.store,
        gmail=s.gmail,
        vault=s.vault,
        consent=world.consent,
        clock=world.clock,
    ).outcome


def refresh_token(world, sealed):
    return world.services.vault.unseal(sealed, user="ada", purpose=accounts.REFRESH_TOKEN).decode()


def test_after_disconnecting_there_is_no_mailbox_no_token_and_no_watch(world):
    before = world.connect()
    token = refresh_token(world, before.sealed_refresh_token)

    assert world.send("DELETE", "/v1/gmail")[0] == 204
    assert world.services.store.get(MAILBOXES.key(before.id)) is None
    assert world.send("GET", "/v1/gmail")[1]["connected"] is False

    assert give_back(world) == "returned"
    assert world.google.mailbox(ADA).subscription is None
    with pytest.raises(Rejected):
        world.services.gmail.refresh(token)
    assert not revocations(world)


def test_a_push_after_it_finds_nobody(world):
    before = world.connect()
    world.send("DELETE", "/v1/gmail")
    s = world.services

    synced = mailbox.sync(
        mailbox.MailboxDirty(mailbox_id=before.id),
        pushed=10**9,
        settings=s.settings,
        store=s.store,
        queue=s.queue,
        gmail=s.gmail,
        vault=s.vault,
        clock=s.clock,
    )

    assert synced.outcome == "unknown_mailbox"


def test_disconnecting_twice_is_once(world):
    world.connect()

    assert world.send("DELETE", "/v1/gmail")[0] == 204
    assert world.send("DELETE", "/v1/gmail")[0] == 204
    assert len(revocations(world)) == 1


def test_nobody_disconnects_another(world):
    world.connect()

    assert world.send("DELETE", "/v1/gmail", uid="eve")[0] == 204
    assert world.mailbox() is not None


def test_a_google_that_errs_is_asked_again_and_the_token_goes_in_the_end(world):
    world.connect()
    world.send("DELETE", "/v1/gmail")
    outcomes = []
    with world.google.faults.during(Fault(kind="error", method="*", status=503)):
        while revocations(world):
            (revocation,) = revocations(world)
            world.clock.set(max(world.clock.now(), revocation.due_at))
            outcomes.append(give_back(world))

    assert set(outcomes[:-1]) == {"put_off"}
    assert outcomes[-1] == "given_up"
    assert 10 < len(outcomes) < 30


def test_a_grant_that_is_dead_already_is_no_error(world):
    world.connect()
    world.send("DELETE", "/v1/gmail")
    world.google.revoke(ADA)

    assert give_back(world) == "returned"


def test_a_token_that_cannot_be_opened_is_dropped_and_not_tried_for_ever(world):
    world.connect()
    world.send("DELETE", "/v1/gmail")
    (revocation,) = revocations(world)
    key = REVOCATIONS.key(revocation.id)
    world.services.store.transact(lambda tx: tx.put(key, replace(revocation, sealed_refresh_token=b"x" * 60)))

    assert give_back(world) == "given_up"
    assert not revocations(world)


def test_whoever_comes_back_before_the_grant_went_keeps_the_new_one(world):
    world.connect()
    world.send("DELETE", "/v1/gmail")
    again = world.connect()

    assert give_back(world) == "in_use"
    assert world.services.gmail.refresh(refresh_token(world, again.sealed_refresh_token)).token
    assert world.google.mailbox(ADA).subscription is not None


def test_a_wake_up_that_was_lost_comes_again(world):
    world.connect()
    world.send("DELETE", "/v1/gmail")
    world.clock.step(timedelta(minutes=1))

    assert wake(store=world.services.store, queue=world.services.queue, clock=world.clock).queued == 1
