"""Sealing of small secrets, above all refresh tokens: AES-256-GCM under data keys that are replaced now and then.

Sealed bytes are the key's version (4 bytes, big-endian), a random nonce (12 bytes), and the ciphertext with its tag.
User, purpose and version are the associated data: a token copied into another person's record does not open.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import struct
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import Conflict, Rejected, TryAgain
from shared.model import VaultKey
from shared.ports import Clock, Store
from shared.schema import VAULT_KEYS, VAULT_KEYS_NEWEST

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

KEY_BYTES = 32
"""AES-256."""

NONCE_BYTES = 12
"""96 bits at random: safe for 2^32 sealings under one key, four billion; rotate long before."""

TAG_BYTES = 16

VERSION = struct.Struct(">I")
"""How a key's version stands before the sealed bytes."""


class _Vault(ABC):
    """ports.Vault over numbered data keys; a subclass says where the keys are kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[int, AESGCM] = {}
        self._newest = 0

    def seal(self, secret: bytes, *, user: str, purpose: str) -> bytes:
        """Encrypt under the newest key that this process knows; the first sealing of all makes the first key."""
        with self._lock:
            version = self._newest or self._newest_kept() or self._make()
            key = self._key(version)
            self._newest = version
        nonce = secrets.token_bytes(NONCE_BYTES)
        return VERSION.pack(version) + nonce + key.encrypt(nonce, secret, _associated(user, purpose, version))

    def unseal(self, sealed: bytes, *, user: str, purpose: str) -> bytes:
        """The secret. Raises Rejected when it was changed, or sealed for someone or something else."""
        if len(sealed) < VERSION.size + NONCE_BYTES + TAG_BYTES:
            raise Rejected("sealed bytes are cut off")
        (version,) = VERSION.unpack_from(sealed)
        nonce, ciphertext = sealed[VERSION.size :][:NONCE_BYTES], sealed[VERSION.size + NONCE_BYTES :]
        with self._lock:
            key = self._key(version)
        try:
            return key.decrypt(nonce, ciphertext, _associated(user, purpose, version))
        except InvalidTag as e:
            raise Rejected("sealed bytes were changed, or belong to another user or purpose") from e

    def rotate(self) -> int:
        """Begin a new epoch and return its version; what older keys sealed still opens.

        Other processes go on with the key that they know until they start again; nothing depends on the moment.
        """
        with self._lock:
            version = self._make()
            self._key(version)
            self._newest = version
            return version

    def _key(self, version: int) -> AESGCM:
        if version not in self._keys:
            key = self._load(version)
            if key is None:
                raise Rejected(f"no data key of version {version}")
            if len(key) != KEY_BYTES:
                raise Rejected(f"the data key of version {version} is damaged")
            self._keys[version] = AESGCM(key)
        return self._keys[version]

    @abstractmethod
    def _newest_kept(self) -> int:
        """The highest version that is kept; 0 when there is none."""

    @abstractmethod
    def _load(self, version: int) -> bytes | None:
        """The key of a version, or None."""

    @abstractmethod
    def _make(self) -> int:
        """Keep a new random key under the next version; returns that version."""


class LocalVault(_Vault):
    """Data keys in a file that only its owner can read: one base64 line for each version, appended and never changed.

    Given 32 bytes instead of a path, those are the first key and nothing is written.
    """

    def __init__(self, key: Path | bytes) -> None:
        super().__init__()
        self._path = key if isinstance(key, Path) else None
        self._held = [key] if isinstance(key, bytes) else []

    def _newest_kept(self) -> int:
        return len(self._all())

    def _load(self, version: int) -> bytes | None:
        keys = self._all()
        return keys[version - 1] if 1 <= version <= len(keys) else None

    def _make(self) -> int:
        key = secrets.token_bytes(KEY_BYTES)
        if self._path is None:
            self._held.append(key)
            return len(self._held)
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # One short append is never mixed with another process's; should two make a key at once, both are kept.
            with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "wb", 0) as file:
                file.write(base64.b64encode(key) + b"\n")
                os.fsync(file.fileno())
        except OSError as e:
            raise TryAgain(f"vault key file: {e.strerror}") from e
        return self._all().index(key) + 1

    def _all(self) -> list[bytes]:
        if self._path is None:
            return self._held
        try:
            lines = self._path.read_bytes().splitlines()
            return [base64.b64decode(line, validate=True) for line in lines]
        except FileNotFoundError:
            return []
        except OSError as e:
            raise TryAgain(f"vault key file: {e.strerror}") from e
        except binascii.Error as e:
            raise Rejected("the vault's key file is damaged") from e


class KmsVault(_Vault):
    """Data keys in the Store, wrapped by a Cloud KMS key; each is unwrapped once in a process.

    `kms_key` is projects/P/locations/L/keyRings/R/cryptoKeys/K. `root` replaces Google's root URL; without
    `credentials` those of the process are used.
    """

    def __init__(
        self, store: Store, kms_key: str, *, clock: Clock, root: str = "", credentials: Credentials | None = None
    ) -> None:
        super().__init__()
        self._store = store
        self._kms_key = kms_key
        self._clock = clock
        self._root = root
        self._credentials = credentials
        self._crypto_keys: Any = None

    def _newest_kept(self) -> int:
        page = self._store.find(VAULT_KEYS_NEWEST, limit=1)
        return page.items[0].value.version if page.items else 0

    def _load(self, version: int) -> bytes | None:
        kept = self._store.get(VAULT_KEYS.key(str(version)))
        return None if kept is None else self._unwrap(kept.value.wrapped, version)

    def _make(self) -> int:
        key = secrets.token_bytes(KEY_BYTES)
        version = self._newest_kept() + 1
        wrapped = self._kms("encrypt", version, {"plaintext": key}, "ciphertext")
        # Cloud KMS may have received a damaged key; what does not come back the same is never used.
        if not secrets.compare_digest(self._unwrap(wrapped, version), key):
            raise TryAgain("Cloud KMS did not return the data key that it wrapped")
        try:
            self._store.create(
                VAULT_KEYS.key(str(version)), VaultKey(version=version, wrapped=wrapped, created_at=self._clock.now())
            )
        except Conflict:
            # Another process has begun this epoch; its key serves as well.
            return version
        self._keys[version] = AESGCM(key)
        return version

    def _unwrap(self, wrapped: bytes, version: int) -> bytes:
        return self._kms("decrypt", version, {"ciphertext": wrapped}, "plaintext")

    def _kms(self, method: str, version: int, given: dict[str, bytes], wanted: str) -> bytes:
        from shared.adapters import google_api  # noqa: PLC0415 - a process asks Cloud KMS once, when it first needs a key

        if self._credentials is None:
            self._credentials = google_api.default_credentials()
        if self._crypto_keys is None:
            service: Any = google_api.build("cloudkms", "v1", self._root)
            self._crypto_keys = service.projects().locations().keyRings().cryptoKeys()
        # The wrapped key is bound to its version, so that two documents cannot be swapped.
        given = {**given, "additionalAuthenticatedData": f"hearback vault key {version}".encode()}
        body = {field: base64.b64encode(data).decode("ascii") for field, data in given.items()}
        request = getattr(self._crypto_keys, method)(name=self._kms_key, body=body)
        answer = google_api.execute(request, self._credentials, dict)
        if answer is None:
            raise TryAgain(f"there is no Cloud KMS key {self._kms_key}")
        try:
            return base64.b64decode(answer[wanted], validate=True)
        except (KeyError, TypeError, binascii.Error) as e:
            raise TryAgain(f"Cloud KMS answered without {wanted}") from e


def _associated(user: str, purpose: str, version: int) -> bytes:
    """User, purpose and version in bytes that no other three can give: each text stands behind its length."""
    parts = [user.encode(), purpose.encode()]
    return VERSION.pack(version) + b"".join(VERSION.pack(len(part)) + part for part in parts)
