"""Settings: what a process is told, and what it refuses to start with."""

from __future__ import annotations

import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from shared import registry, settings
from shared.errors import Rejected
from tests.support.made import ENVIRON

GOOGLE = {
    **ENVIRON,
    "K_SERVICE": "gmail-push",
    "GOOGLE_CLOUD_PROJECT": "hearback-prod",
    "HEARBACK_MAILBOX_SECRET": "m" * 43,
    "HEARBACK_KMS_KEY": "projects/p/locations/l/keyRings/r/cryptoKeys/k",
    "HEARBACK_BUCKET": "hearback-files",
    "HEARBACK_OAUTH_CLIENT_ID": "1-a.apps.googleusercontent.com",
    "HEARBACK_OAUTH_CLIENT_SECRET": "GOCSPX-planted",
}
EMULATORS = {
    **ENVIRON,
    "HEARBACK_WIRING": "google",
    "GOOGLE_CLOUD_PROJECT": "demo",
    "FIRESTORE_EMULATOR_HOST": "127.0.0.1:8080",
    "PUBSUB_EMULATOR_HOST": "127.0.0.1:8085",
}


def without(environ: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in names}


# --- On Cloud Run -----------------------------------------------------------------------------------------------------


def test_on_cloud_run_the_wiring_is_googles():
    read = settings.read(GOOGLE)

    assert (read.wiring, read.emulated, read.project) == ("google", False, "hearback-prod")
    assert read.gmail_topic == "projects/hearback-prod/topics/gmail-push"
    assert read.sign_in_secret == b""


@pytest.mark.parametrize(
    "name",
    [
        "GOOGLE_CLOUD_PROJECT",
        "HEARBACK_MAILBOX_SECRET",
        "HEARBACK_KMS_KEY",
        "HEARBACK_BUCKET",
        "HEARBACK_OAUTH_CLIENT_ID",
        "HEARBACK_OAUTH_CLIENT_SECRET",
        "HEARBACK_WORK_BUDGET_SECONDS",
        "HEARBACK_LEASE_SECONDS",
        "HEARBACK_UNITS_PER_MINUTE",
    ],
)
@pytest.mark.parametrize("value", [None, ""], ids=["absent", "empty"])
def test_what_is_missing_is_named(name, value):
    environ = without(GOOGLE, name) | ({} if value is None else {name: value})

    with pytest.raises(Rejected, match=name):
        settings.read(environ)


@pytest.mark.parametrize("name", settings.LOCAL_ONLY)
def test_a_stand_in_is_refused_by_name(name):
    with pytest.raises(Rejected, match=name):
        settings.read(GOOGLE | {name: "127.0.0.1:1"})


def test_the_local_wiring_is_refused():
    with pytest.raises(Rejected, match="HEARBACK_WIRING"):
        settings.read(GOOGLE | {"HEARBACK_WIRING": "local"})


def test_a_function_is_asked_for_no_secret_that_its_row_does_not_use():
    row = registry.load()["wake_due"]

    read = settings.read({"K_SERVICE": "wake-due", "GOOGLE_CLOUD_PROJECT": "p", **registry.environment(row)})

    assert read.uses == {"firestore", "queue"}
    assert (read.mailbox_secret, read.oauth_client_secret, read.kms_key) == (b"", "", "")


def test_a_secret_is_not_handed_to_a_function_whose_row_does_not_use_it():
    read = settings.read(GOOGLE | {"HEARBACK_USES": "firestore"})

    assert (read.mailbox_secret, read.oauth_client_secret) == (b"", "")


def test_a_short_key_is_refused():
    with pytest.raises(Rejected, match="HEARBACK_MAILBOX_SECRET"):
        settings.read(GOOGLE | {"HEARBACK_MAILBOX_SECRET": "too short"})


def test_no_message_repeats_a_secret():
    for name in without(GOOGLE, "K_SERVICE"):
        with pytest.raises(Rejected) as refused:
            settings.read(
                without(GOOGLE, name) | {"HEARBACK_OAUTH_CLIENT_SECRET": "GOCSPX-planted", "HEARBACK_WIRING": "x"}
            )
        assert "GOCSPX-planted" not in str(refused.value)


# --- Elsewhere --------------------------------------------------------------------------------------------------------


def test_the_embedded_wiring_is_the_default_and_needs_no_secret_from_outside():
    read = settings.read(ENVIRON)

    assert (read.wiring, read.data_dir, read.emulated) == ("local", None, False)
    assert len(read.mailbox_secret) >= settings.SECRET_BYTES


def test_secrets_in_memory_are_drawn_for_each_process():
    first, second = settings.read(ENVIRON), settings.read(ENVIRON)

    assert first.mailbox_secret != second.mailbox_secret
    assert first.sign_in_secret not in (b"", second.sign_in_secret, first.mailbox_secret)


def test_secrets_in_files_are_kept_and_only_their_owner_can_read_them(tmp_path):
    environ = ENVIRON | {"HEARBACK_DATA_DIR": str(tmp_path / "data")}

    assert settings.read(environ) == settings.read(environ)
    files = sorted((tmp_path / "data" / "secrets").iterdir())
    assert [file.name for file in files] == ["mailbox_secret", "oauth_client_secret", "sign_in_secret"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_of_two_processes_that_find_no_secret_the_first_one_makes_it(tmp_path, monkeypatch):
    environ = ENVIRON | {"HEARBACK_DATA_DIR": str(tmp_path)}
    first = settings.read(environ)
    monkeypatch.setattr(Path, "exists", lambda _: False)

    assert settings.read(environ) == first
    assert len(list((tmp_path / "secrets").iterdir())) == 3


def test_processes_that_start_together_agree_on_the_secrets(tmp_path):
    code = "import os; from shared.settings import read; print(read(os.environ).mailbox_secret.decode())"
    environ = ENVIRON | {"HEARBACK_DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    started = [
        subprocess.Popen([sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]

    drawn = {process.communicate(timeout=60)[0] for process in started}

    assert len(drawn) == 1
    assert drawn.pop().strip()


def test_the_emulators_are_the_google_wiring_with_stand_ins():
    read = settings.read(EMULATORS | {"HEARBACK_GOOGLE_ROOT": "http://127.0.0.1:9/"})

    assert (read.wiring, read.emulated, read.google_root) == ("google", True, "http://127.0.0.1:9")
    assert read.mailbox_secret
    assert read.sign_in_secret == b""


@pytest.mark.parametrize("name", settings.EMULATORS)
def test_half_an_emulated_wiring_is_refused(name):
    with pytest.raises(Rejected, match=name):
        settings.read(without(EMULATORS, name))


def test_a_stand_in_for_gmail_alone_is_refused():
    with pytest.raises(Rejected, match="HEARBACK_GOOGLE_ROOT"):
        settings.read(without(GOOGLE, "K_SERVICE") | {"HEARBACK_WIRING": "google", "HEARBACK_GOOGLE_ROOT": "http://x"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEARBACK_WIRING", "azure"),
        ("HEARBACK_USES", "firestore,mongo"),
        ("HEARBACK_LEASE_SECONDS", "75"),
        ("HEARBACK_LEASE_SECONDS", "-1"),
        ("HEARBACK_WORK_BUDGET_SECONDS", "1.5"),
        ("HEARBACK_UNITS_PER_MINUTE", "0"),
        ("HEARBACK_UNITS_PER_MINUTE", "٣"),
        ("HEARBACK_ALLOWED_ORIGINS", "*"),
        ("HEARBACK_ALLOWED_ORIGINS", "https://app.example.com/"),
        ("HEARBACK_ALLOWED_ORIGINS", "app.example.com"),
    ],
)
def test_what_is_wrong_is_named(name, value):
    with pytest.raises(Rejected, match=name):
        settings.read(ENVIRON | {name: value})


def test_the_limits_are_those_of_the_table():
    row = registry.load()["sync_mailbox"]

    read = settings.read(registry.environment(row))

    assert read.function == "sync_mailbox"
    assert read.work_budget == timedelta(seconds=row.work_budget_seconds)
    assert read.lease == timedelta(seconds=row.lease_seconds)
    assert read.units_per_minute == row.units_per_minute
    assert read.uses == set(row.uses)


def test_origins_are_listed():
    read = settings.read(ENVIRON | {"HEARBACK_ALLOWED_ORIGINS": "https://app.example.com, http://localhost:3000"})

    assert read.allowed_origins == ("https://app.example.com", "http://localhost:3000")


# --- Where Google sends people back to --------------------------------------------------------------------------------


def test_the_addresses_of_the_way_back_are_those_that_are_named():
    uris = "https://app.example.com/gmail, http://localhost:3000/gmail"

    read = settings.read({**GOOGLE, "HEARBACK_OAUTH_REDIRECT_URIS": uris})

    assert read.redirect_uris == ("https://app.example.com/gmail", "http://localhost:3000/gmail")


def test_there_is_no_way_back_unless_it_is_named_but_on_this_machine():
    assert settings.read(GOOGLE).redirect_uris == ()
    assert settings.read(ENVIRON).redirect_uris == (settings.LOCAL_REDIRECT_URI,)


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example.com/gmail",
        "app.example.com",
        "https://",
        "https://app.example.com/gmail#x",
        "https://app.example.com/gmail?x=1",
        "https://user@app.example.com/gmail",
        "javascript:alert(1)",
    ],
)
def test_a_way_back_that_somebody_could_listen_to_is_refused_by_name(uri):
    with pytest.raises(Rejected, match="HEARBACK_OAUTH_REDIRECT_URIS"):
        settings.read({**GOOGLE, "HEARBACK_OAUTH_REDIRECT_URIS": uri})
