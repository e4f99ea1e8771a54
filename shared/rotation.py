"""A new data key: everything that is sealed for long is sealed anew under it, while the service goes on.

Whatever an older key has sealed still opens, so a run may die anywhere and be started again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared import accounts
from shared.errors import Conflict, Rejected, TryAgain
from shared.notifications.targets import PURPOSE as TARGET
from shared.ports import Snapshot, Store, Vault
from shared.schema import CHANNEL_TARGETS_ALL, MAILBOXES_ALL, REVOCATIONS_ALL, Query

PAGE = 100
"""Records in memory at a time."""

RACES = 20
"""A mailbox is written a few times in a second at most; losing more races in a row means that something is wrong."""

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
    """Whether the record is sealed anew; None when it is gone. Written only over what was read: a run may be faster."""
    found: Snapshot[Any] | None = item
    for _ in range(RACES):
        if found is None:
            return None
        try:
            fields = {
                name: _anew(getattr(found.value, name), user=found.value.uid, purpose=purpose, vault=vault)
                for name, purpose in purposes.items()
                if getattr(found.value, name)
            }
        except Rejected:
            return False
        try:
            store.put(found.key, replace(found.value, **fields), revision=found.revision)
        except Conflict:
            found = store.get(item.key)
        else:
            return True
    raise TryAgain("a record changes faster than it can be sealed anew")


def _anew(sealed: bytes, *, user: str, purpose: str, vault: Vault) -> bytes:
    secret = vault.unseal(sealed, user=user, purpose=purpose)
    anew = vault.seal(secret, user=user, purpose=purpose)
    if vault.unseal(anew, user=user, purpose=purpose) != secret:
        raise TryAgain("the vault does not open what it has just sealed")
    return anew
