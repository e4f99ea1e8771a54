"""A new key: everything is sealed anew while runs go on, and nothing becomes unreadable."""

from __future__ import annotations

import subprocess
from dataclasses import fields, replace

import pytest

from shared import accounts, registry, rotation
from shared.model import ChannelTarget
from shared.notifications.targets import PURPOSE as TARGET
from shared.schema import CHANNEL_TARGETS, COLLECTIONS, CONSENTS, MAILBOXES
from tests.support.connecting import connecting

ROOT = registry.TABLE.parent.parent


@pytest.fixture
def world():
    with connecting() as world:
        yield world


def rotate(world):
    return rotation.rotate(store=world.services.store, vault=world.services.vault)


def version(sealed: bytes) -> int:
    return int.from_bytes(sealed[:4])


def test_every_sealed_field_of_the_schema_is_sealed_anew():
    sealed = {
        (each.name, field.name) for each in COLLECTIONS for field in fields(each.record) if "sealed" in field.name
    }
    rotated = {(query.collection.name, name) for query, names in rotation.SEALED.items() for name in names}

    assert {each for each in sealed - rotated if each[0] != CONSENTS.name} == set()
    assert rotated <= sealed


def test_everything_is_under_the_new_key_and_opens_as_before(world):
    before = world.connect()
    s = world.services
    target = ChannelTarget(
        uid="ada",
        channel="chat",
        sealed=s.vault.seal(b"u", user="ada", purpose=TARGET),
        hint="",
        updated_at=world.clock.now(),
    )
    s.store.create(CHANNEL_TARGETS.key("ada", "chat"), target)

    done = rotate(world)

    assert (done.version, done.scanned, done.updated, done.failed) == (2, 2, 2, 0)
    after = world.mailbox()
    for name, purpose in [
        ("sealed_refresh_token", accounts.REFRESH_TOKEN),
        ("sealed_access_token", accounts.ACCESS_TOKEN),
        ("sealed_address", accounts.ADDRESS),
    ]:
        old, new = getattr(before, name), getattr(after, name)
        assert (version(old), version(new)) == (1, 2)
        opened = {s.vault.unseal(each, user="ada", purpose=purpose) for each in (old, new)}
        assert len(opened) == 1
    kept = s.store.get(CHANNEL_TARGETS.key("ada", "chat")).value
    assert version(kept.sealed) == 2
    assert s.vault.unseal(kept.sealed, user="ada", purpose=TARGET) == b"u"


@pytest.fixture
def busy(world, monkeypatch):
    """A mailbox that runs write, and whose token they open, between any two steps of a rotation; gives the writes."""
    store, vault = world.services.store, world.services.vault
    key, seal, writes = MAILBOXES.key(world.connect().id), vault.seal, []

    def seal_while_runs_go_on(secret, *, user, purpose):
        for _ in range(2 * rotation.RACES):
            found = store.get(key)
            assert vault.unseal(found.value.sealed_refresh_token, user="ada", purpose=accounts.REFRESH_TOKEN)
            store.put(key, replace(found.value, generation=found.value.generation + 1), revision=found.revision)
            writes.append(key)
        return seal(secret, user=user, purpose=purpose)

    monkeypatch.setattr(vault, "seal", seal_while_runs_go_on)
    return writes


def test_a_busy_mailbox_loses_no_write_and_does_not_keep_its_old_key(world, busy):
    before = world.mailbox()

    done = rotate(world)

    assert (done.failed, done.updated) == (0, done.scanned)
    assert busy
    assert world.mailbox().generation == before.generation + len(busy)
    assert version(world.mailbox().sealed_refresh_token) == done.version


def test_a_token_that_a_run_gets_meanwhile_is_kept(world, monkeypatch):
    mailbox = world.connect()
    store, vault = world.services.store, world.services.vault
    key, seal = MAILBOXES.key(mailbox.id), vault.seal
    new: list[bytes] = []

    def seal_late(secret, *, user, purpose):
        sealed = seal(secret, user=user, purpose=purpose)
        if not new:
            new.append(seal(b"newer", user="ada", purpose=accounts.ACCESS_TOKEN))
            store.transact(lambda tx: tx.put(key, replace(tx.get(key), sealed_access_token=new[0])))
        return sealed

    monkeypatch.setattr(vault, "seal", seal_late)

    assert rotate(world).failed == 0
    kept = world.mailbox()
    assert vault.unseal(kept.sealed_access_token, user="ada", purpose=accounts.ACCESS_TOKEN) == b"newer"
    assert {version(kept.sealed_access_token), version(kept.sealed_refresh_token)} == {2}


def test_a_record_that_no_key_opens_is_counted_and_left_as_it_is(world):
    mailbox = world.connect()
    sealed = mailbox.sealed_refresh_token
    damaged = replace(mailbox, sealed_refresh_token=sealed[:-1] + bytes([sealed[-1] ^ 1]))
    world.services.store.transact(lambda tx: tx.put(MAILBOXES.key(mailbox.id), damaged))

    done = rotate(world)

    assert (done.updated, done.failed) == (0, 1)
    assert world.mailbox() == damaged


def test_a_record_that_is_gone_meanwhile_is_no_failure(world):
    mailbox = world.connect()
    store = world.services.store
    find = store.find

    def find_and_lose(*args, **more):
        page = find(*args, **more)
        store.delete(MAILBOXES.key(mailbox.id))
        return page

    store.find = find_and_lose

    done = rotate(world)

    assert (done.updated, done.failed) == (0, 0)


def test_the_command_rotates_a_folder(tmp_path):
    command = [str(ROOT / "scripts" / "rotate"), "--data", str(tmp_path)]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout) == (0, "key 1: 0 of 0 records sealed anew, 0 that no key opens\n")
