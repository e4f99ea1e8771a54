"""A new data key: everything that is sealed for long is sealed anew under it, while the service goes on.

Whatever an older key has sealed still opens, so a run may die anywhere and be started again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from shared import accounts
from shared.errors import Rejected, TryAgain
from shared.notifications.targets import PURPOSE as TARGET
from shared.ports import Snapshot, Store, Transaction, Vault
from shared.schema import CHANNEL_TARGETS_ALL, MAILBOXES_ALL, REVOCATIONS_ALL, Key, Query

PAGE = 100
"""Records in memory at a time."""

RACES = 20
"""An access token is sealed once in an hour; losing more races for one record means that something is wrong."""

SEALED: Mapping[Query[Any], Mapping[str, str]] = {
    MAILBOXES_ALL: {
        "sealed_refresh_token": accounts.REFRESH_TOKEN,
        "sealed_access_token": accounts.ACCESS_TOKEN,
        "sealed_address": accounts.ADDRESS,
    },
    REVOCATIONS_ALL: {"sealed_refresh_token": accounts.REFRESH_TOKEN},
    CHANNEL_TARGETS_ALL: {"sealed": TARGET},
}
"""Every sealed field and what it is sealed for. An open consent is not among them: it ends in ten minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What a rotation has come to."""

    version: int
    """Of the new key."""
    scanned: int
    updated: int
    """Records that are sealed anew, each opened again before it was written."""
    failed: int
    """Records with something that no key opens; they are left as they are."""


def rotate(*, store: Store, vault: Vault) -> Rotated:
    """Begin a new epoch and seal everything anew. Raises TryAgain when the store or the vault cannot be reached."""
    version = vault.rotate()
    scanned = updated = failed = 0
    for query, purposes in SEALED.items():
        cursor = ""
        while True:
            page = store.find(query, limit=PAGE, cursor=cursor)
            for item in page.items:
                done = _sealed_anew(item, purposes, store=store, vault=vault)
                scanned, updated, failed = scanned + 1, updated + (done is True), failed + (done is False)
            cursor = page.next
            if not cursor:
                break
    return Rotated(version=version, scanned=scanned, updated=updated, failed=failed)


def _sealed_anew(item: Snapshot[Any], purposes: Mapping[str, str], *, store: Store, vault: Vault) -> bool | None:
    """Whether the record is sealed anew; None when it is gone.

    Only the sealed fields are compared with what was read: the rest of a mailbox is written by every run, its secrets
    hardly ever, so a busy mailbox cannot keep its old key.
    """
    found = item.value
    for _ in range(RACES):
        if found is None:
            return None
        old = {name: sealed for name in purposes if (sealed := getattr(found, name))}
        try:
            anew = {
                name: _anew(sealed, user=found.uid, purpose=purposes[name], vault=vault) for name, sealed in old.items()
            }
        except Rejected:
            return False
        found, written = store.transact(partial(_exchange, item.key, purposes, old, anew))
        if written:
            return True
    raise TryAgain("a record's secrets change faster than they can be sealed anew")


def _exchange(
    key: Key[Any], names: Iterable[str], old: Mapping[str, bytes], anew: Mapping[str, bytes], tx: Transaction
) -> tuple[Any, bool]:
    """The record as it is, and whether it still bore the old secrets and now bears those sealed anew."""
    found = tx.get(key)
    if found is None or any(getattr(found, name) != old.get(name, b"") for name in names):
        return found, False
    tx.put(key, replace(found, **anew))
    return found, True


def _anew(sealed: bytes, *, user: str, purpose: str, vault: Vault) -> bytes:
    secret = vault.unseal(sealed, user=user, purpose=purpose)
    anew = vault.seal(secret, user=user, purpose=purpose)
    if vault.unseal(anew, user=user, purpose=purpose) != secret:
        raise TryAgain("the vault does not open what it has just sealed")
    return anew
