"""What the vault promises on a key file and on Cloud KMS, and what each does when it fails."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from google.oauth2.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters import google_api
from shared.adapters.sqlite_store import SqliteStore
from shared.adapters.vault import KmsVault, LocalVault
from shared.errors import Rejected, TryAgain
from shared.local.clock import FakeClock
from shared.schema import VAULT_KEYS
from tests.support.kms_storage_servers import KMS_KEY, TOKEN, KmsServer

SECRET = b"1//0g-a-refresh-token"
WHO = {"user": "u1", "purpose": "refresh token"}


@pytest.fixture
def kms():
    with KmsServer() as server:
        yield server


@pytest.fixture
def store():
    store = SqliteStore(":memory:")
    yield store
    store.close()


def kms_vault(server, store, key=KMS_KEY):
    return KmsVault(store, key, clock=FakeClock(), root=server.root, credentials=Credentials(TOKEN))


@pytest.fixture(params=["key file", "cloud kms"])
def process(request, tmp_path):
    """Makes one process's vault; two of them share nothing but where the keys are kept."""
    if request.param == "key file":
        return lambda: LocalVault(tmp_path / "vault" / "keys")
    server, store = request.getfixturevalue("kms"), request.getfixturevalue("store")
    return lambda: kms_vault(server, store)


@pytest.mark.parametrize("secret", [SECRET, b"", bytes(10_000)])
def test_what_is_sealed_opens_here_and_in_another_process(process, secret):
    vault = process()
    sealed = vault.seal(secret, **WHO)
    assert vault.unseal(sealed, **WHO) == secret
    assert process().unseal(sealed, **WHO) == secret


def test_sealed_bytes_hide_the_secret_and_never_repeat(process):
    vault = process()
    sealed = {vault.seal(SECRET, **WHO) for _ in range(50)}
    assert len(sealed) == 50
    assert not any(SECRET in each for each in sealed)


@pytest.mark.parametrize(
    "other",
    [
        {"user": "u2", "purpose": "refresh token"},
        {"user": "u1", "purpose": "access token"},
        {"user": "u1refresh", "purpose": " token"},
        {"user": "refresh token", "purpose": "u1"},
        {"user": "", "purpose": "u1refresh token"},
    ],
)
def test_another_user_or_purpose_does_not_open_it(process, other):
    vault = process()
    with pytest.raises(Rejected):
        vault.unseal(vault.seal(SECRET, **WHO), **other)


def test_a_flipped_bit_anywhere_is_rejected(process):
    vault = process()
    vault.rotate()
    vault.rotate()
    sealed = vault.seal(SECRET, **WHO)
    for place in range(len(sealed)):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[place] ^= 1 << bit
            with pytest.raises(Rejected):
                vault.unseal(bytes(changed), **WHO)


def test_cut_off_or_longer_bytes_are_rejected(process):
    vault = process()
    sealed = vault.seal(SECRET, **WHO)
    for changed in [sealed[:length] for length in range(len(sealed))] + [sealed + b"\0", sealed * 2]:
        with pytest.raises(Rejected):
            vault.unseal(changed, **WHO)


@pytest.mark.parametrize("version", [0, 2, 7, 2**32 - 1])
def test_an_unknown_key_version_is_rejected(process, version):
    vault = process()
    sealed = vault.seal(SECRET, **WHO)
    with pytest.raises(Rejected, match="version"):
        vault.unseal(version.to_bytes(4, "big") + sealed[4:], **WHO)


def test_nothing_opens_before_the_first_key_is_made(process):
    with pytest.raises(Rejected):
        process().unseal(bytes(64), **WHO)


def test_a_new_epoch_seals_with_a_new_key_and_the_old_ones_still_open(process):
    vault = process()
    sealed = [vault.seal(SECRET, **WHO)]
    for version in (2, 3):
        assert vault.rotate() == version
        sealed.append(vault.seal(SECRET, **WHO))
    assert [int.from_bytes(each[:4], "big") for each in sealed] == [1, 2, 3]
    for each in sealed:
        assert vault.unseal(each, **WHO) == SECRET
        assert process().unseal(each, **WHO) == SECRET


def test_a_process_that_missed_a_rotation_opens_what_the_others_seal(process):
    old, other = process(), process()
    old.seal(SECRET, **WHO)
    other.rotate()
    assert old.unseal(other.seal(SECRET, **WHO), **WHO) == SECRET
    assert other.unseal(old.seal(SECRET, **WHO), **WHO) == SECRET


def test_processes_and_threads_that_all_seal_first_open_each_others(process):
    vaults = [process() for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda n: vaults[n % 4].seal(SECRET, **WHO), range(16)))
    for vault in vaults:
        assert [vault.unseal(each, **WHO) for each in sealed] == [SECRET] * 16


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@given(user=texts, purpose=texts, other_user=texts, other_purpose=texts)
def test_only_the_very_same_user_and_purpose_open_it(user, purpose, other_user, other_purpose):
    vault = LocalVault(bytes(range(32)))
    sealed = vault.seal(SECRET, user=user, purpose=purpose)
    if (user, purpose) == (other_user, other_purpose):
        assert vault.unseal(sealed, user=other_user, purpose=other_purpose) == SECRET
    else:
        with pytest.raises(Rejected):
            vault.unseal(sealed, user=other_user, purpose=other_purpose)


# --- The key file -----------------------------------------------------------------------------------------------------


def test_the_key_file_is_made_at_first_use_for_its_owner_alone(tmp_path):
    path = tmp_path / "vault" / "keys"
    vault = LocalVault(path)
    assert not path.exists()
    vault.seal(SECRET, **WHO)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_key_given_as_bytes_writes_nothing_and_opens_again():
    key = bytes(range(32))
    vault = LocalVault(key)
    sealed = vault.seal(SECRET, **WHO)
    vault.rotate()
    assert vault.unseal(vault.seal(SECRET, **WHO), **WHO) == SECRET
    assert LocalVault(key).unseal(sealed, **WHO) == SECRET


@pytest.mark.parametrize("content", [b"not base64!\n", base64.b64encode(bytes(31)) + b"\n", b"\n"])
def test_a_damaged_key_file_is_rejected(tmp_path, content):
    path = tmp_path / "keys"
    path.write_bytes(content)
    with pytest.raises(Rejected, match="damaged"):
        LocalVault(path).seal(SECRET, **WHO)


def test_the_version_itself_is_sealed_even_if_two_versions_had_one_key(tmp_path):
    path = tmp_path / "keys"
    path.write_bytes(2 * (base64.b64encode(bytes(range(32))) + b"\n"))
    vault = LocalVault(path)
    sealed = vault.seal(SECRET, **WHO)
    assert sealed[:4] == b"\0\0\0\2"
    with pytest.raises(Rejected):
        vault.unseal(b"\0\0\0\1" + sealed[4:], **WHO)


def test_a_key_file_that_cannot_be_read_is_try_again(tmp_path):
    with pytest.raises(TryAgain):
        LocalVault(tmp_path).seal(SECRET, **WHO)


# --- Cloud KMS --------------------------------------------------------------------------------------------------------


def test_a_process_unwraps_a_key_once(kms, store):
    sealed = kms_vault(kms, store).seal(SECRET, **WHO)
    kms.calls.clear()
    vault = kms_vault(kms, store)
    for _ in range(5):
        vault.unseal(sealed, **WHO)
        vault.seal(SECRET, **WHO)
    assert kms.calls == ["decrypt"]


def test_only_the_wrapped_key_is_kept(kms, store):
    vault = kms_vault(kms, store)
    vault.seal(SECRET, **WHO)
    kept = store.get(VAULT_KEYS.key("1")).value
    assert (kept.version, kept.created_at) == (1, FakeClock().now())
    assert len(kept.wrapped) == 12 + 32 + 16
    kms.enabled = False
    with pytest.raises(TryAgain):
        kms_vault(kms, store).seal(SECRET, **WHO)


@pytest.mark.parametrize("fault", [500, 503, 429, 403, 401, 404, "hang", "cut", "half"])
def test_kms_trouble_is_try_again_and_the_next_attempt_works(kms, store, monkeypatch, fault):
    if fault == "hang":
        monkeypatch.setattr(google_api, "TIMEOUT_SECONDS", 1.0)
    first, second = kms_vault(kms, store), kms_vault(kms, store)
    for use in (lambda: first.seal(SECRET, **WHO), lambda: second.seal(SECRET, **WHO), first.rotate):
        kms.faults.append(fault)
        with pytest.raises(TryAgain):
            use()
        use()


def test_kms_that_is_down_is_try_again(store):
    with KmsServer() as server:
        sealed = kms_vault(server, store).seal(SECRET, **WHO)
    with pytest.raises(TryAgain):
        kms_vault(server, store).unseal(sealed, **WHO)


def test_what_this_process_has_unwrapped_opens_while_kms_is_down(store):
    with KmsServer() as server:
        vault = kms_vault(server, store)
        sealed = vault.seal(SECRET, **WHO)
    assert vault.unseal(sealed, **WHO) == SECRET


def test_a_disabled_kms_key_is_try_again_since_it_can_be_enabled(kms, store):
    sealed = kms_vault(kms, store).seal(SECRET, **WHO)
    kms.enabled = False
    with pytest.raises(TryAgain):
        kms_vault(kms, store).unseal(sealed, **WHO)
    kms.enabled = True
    assert kms_vault(kms, store).unseal(sealed, **WHO) == SECRET


def test_a_kms_key_that_does_not_exist_is_try_again_and_named(kms, store):
    with pytest.raises(TryAgain, match="cryptoKeys/other"):
        kms_vault(kms, store, key=KMS_KEY.replace("vault", "other")).seal(SECRET, **WHO)


def test_a_wrapped_key_in_another_versions_place_is_rejected(kms, store):
    vault = kms_vault(kms, store)
    sealed = vault.seal(SECRET, **WHO)
    vault.rotate()
    first, second = (store.get(VAULT_KEYS.key(str(version))) for version in (1, 2))
    store.put(first.key, replace(first.value, wrapped=second.value.wrapped), revision=first.revision)
    with pytest.raises(Rejected, match="decrypt: 400"):
        kms_vault(kms, store).unseal(sealed, **WHO)


def test_a_key_that_kms_received_damaged_is_never_used(kms, store):
    kms.damages_what_it_receives = True
    with pytest.raises(TryAgain):
        kms_vault(kms, store).seal(SECRET, **WHO)
    assert store.get(VAULT_KEYS.key("1")) is None
