"""Services: built lazily, once, only what the row names, and replaceable as a whole."""

from __future__ import annotations

import gc
import sqlite3
import subprocess
import sys
import threading

import pytest

from shared import registry, services
from shared.adapters.local_queue import LocalQueue
from shared.adapters.sqlite_store import SqliteStore
from shared.errors import TryAgain
from shared.model import User
from shared.schema import USERS
from shared.services import Services
from shared.settings import USES
from tests.support.made import ENVIRON, made_settings

GOOGLE = {
    "wiring": "google",
    "kms_key": "projects/p/locations/l/keyRings/r/cryptoKeys/k",
    "bucket": "files",
    "oauth_client_id": "1-a.apps.googleusercontent.com",
    "sign_in_secret": b"",
}


@pytest.fixture
def make():
    """Services with these settings; what they have opened is closed in the end."""
    made = []

    def make(**changes):
        made.append(Services(made_settings(**changes)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_an_adapter_is_built_once_however_many_threads_ask(make):
    made = make()
    together = threading.Barrier(8)
    seen = []

    def ask():
        together.wait()
        seen.append((made.store, made.queue, made.identity, made.clock))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 8
    assert len({tuple(map(id, ports)) for ports in seen}) == 1


@pytest.mark.parametrize(
    ("word", "port"),
    [
        ("firestore", "store"),
        ("queue", "queue"),
        ("gmail", "gmail"),
        ("vault", "vault"),
        ("blobs", "blobs"),
        ("identity", "identity"),
        ("identity", "sign_in"),
    ],
)
def test_what_the_row_does_not_name_is_not_built(make, word, port):
    made = make(uses=frozenset(USES) - {word}, function="some_function")

    with pytest.raises(TryAgain, match=f"some_function is not allowed {word}"):
        getattr(made, port)


def test_a_port_handed_in_is_used_as_it_is_and_left_open():
    store = SqliteStore()
    made = Services(made_settings(), store=store)

    assert made.store is store
    made.close()
    assert store.get(USERS.key("ada")) is None
    store.close()


def test_what_was_built_is_closed():
    made = Services(made_settings())
    store, queue = made.store, made.queue
    made.close()

    with pytest.raises((sqlite3.ProgrammingError, TryAgain), match="closed"):
        store.get(USERS.key("ada"))
    with pytest.raises((sqlite3.ProgrammingError, TryAgain), match="closed"):
        queue.publish("mailbox-sync", User(uid="ada"))


def test_the_local_wiring_keeps_its_files_in_the_data_directory(make, tmp_path):
    where = tmp_path / "data"
    made = make(data_dir=where)
    made.store.create(USERS.key("ada"), User(uid="ada"))
    made.blobs.put("ada/cv", b"cv", media_type="text/plain")
    sealed = made.vault.seal(b"planted", user="ada", purpose="test")

    again = make(data_dir=where)

    found = again.store.get(USERS.key("ada"))
    assert found is not None
    assert found.value.uid == "ada"
    assert again.blobs.get("ada/cv") == b"cv"
    assert again.vault.unseal(sealed, user="ada", purpose="test") == b"planted"


def test_the_local_queue_has_the_subscriptions_of_the_table(make):
    queue = make().queue

    assert isinstance(queue, LocalQueue)
    assert set(queue.subscriptions) == {each.name for each in registry.subscriptions(registry.load())}


def test_each_wiring_has_its_adapters():
    # Built, not used: these reach for no network before they are asked something. Firestore looks for credentials.
    store = SqliteStore()
    made = Services(made_settings(**GOOGLE), store=store)
    built = {port: type(getattr(made, port)).__name__ for port in ("queue", "vault", "blobs", "identity", "gmail")}

    assert built == {
        "queue": "PubSubQueue",
        "vault": "KmsVault",
        "blobs": "CloudStorageBlobs",
        "identity": "GoogleIdentity",
        "gmail": "GoogleGmail",
    }
    made.close()
    store.close()


def test_what_has_no_emulator_is_kept_in_files(make, tmp_path):
    made = make(wiring="google", emulated=True, sign_in_secret=b"", data_dir=tmp_path)

    assert type(made.vault).__name__ == "LocalVault"
    assert type(made.blobs).__name__ == "FolderBlobs"


@pytest.mark.parametrize("emulated", [False, True])
def test_the_local_sign_in_exists_in_the_embedded_wiring_alone(emulated):
    assert Services(made_settings()).sign_in is not None
    assert Services(made_settings(**GOOGLE | {"emulated": emulated})).sign_in is None
    # Not even a key that somebody smuggled in brings it back.
    assert Services(made_settings(**GOOGLE | {"emulated": emulated, "sign_in_secret": b"k" * 32})).sign_in is None


def test_prepared_services_are_in_force_in_every_thread_and_only_for_the_block():
    outer, inner = Services(made_settings()), Services(made_settings())
    seen = []
    with services.use(outer):
        with services.use(inner):
            thread = threading.Thread(target=lambda: seen.append(services.services()))
            thread.start()
            thread.join()
        assert services.services() is outer

    assert seen == [inner]


def test_prepared_services_go_when_the_block_fails():
    outer, inner = Services(made_settings()), Services(made_settings())
    with services.use(outer):
        with pytest.raises(ValueError, match="planted"), services.use(inner):
            raise ValueError("planted")
        assert services.services() is outer


def test_the_services_of_the_environment_are_made_once_and_nothing_is_built():
    code = (
        "import sys; from shared.services import services; assert services() is services();"
        "print(sorted(m for m in sys.modules if m.startswith('shared.adapters.')))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRON, capture_output=True, text=True, check=True, timeout=60
    )

    assert process.stdout.strip() == "[]"


@pytest.mark.parametrize("missing", [False, True])
def test_what_is_loaded_is_never_searched_for_garbage_and_what_comes_later_is(make, monkeypatch, missing):
    seen = []

    def load(name):
        seen.append(gc.isenabled())
        if missing:
            raise ImportError(name)

    monkeypatch.setattr("shared.services.importlib.import_module", load)
    try:
        make(**GOOGLE, uses=frozenset({"firestore"})).load()
    except ImportError:
        assert missing
    frozen = gc.get_freeze_count()
    gc.unfreeze()

    assert (seen, gc.isenabled()) == ([False], True)
    assert frozen > 0
