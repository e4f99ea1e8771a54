"""What the doctor finds: nothing where all is well, and each fault by its fix."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from google.oauth2.credentials import Credentials

from shared import accounts, consent, registry
from shared.adapters.clock import SystemClock
from shared.adapters.gmail import GoogleGmail
from shared.adapters.sqlite_store import SqliteStore
from shared.adapters.vault import KEY_BYTES, LocalVault
from shared.deploy import doctor
from shared.local.gmail.model import GmailModel
from shared.local.google_server import GoogleServer
from shared.model import Mailbox
from shared.schema import MAILBOXES, MAILBOXES_ALL
from shared.services import Services
from shared.settings import read
from tests.support.console import CLIENT, GMAIL, PROJECT, REDIRECT, Console
from tests.support.kms_storage_servers import TOKEN

TABLE = registry.load()
PERSON = "planted.person@example.com"
UID = "u1"


@pytest.fixture
def console():
    with Console(TABLE) as server:
        yield server


@pytest.fixture
def gmail_model():
    return GmailModel(SystemClock(), random.Random(0), publish=lambda *_: None, project=PROJECT)


@pytest.fixture
def services(console, gmail_model):
    environ = {
        **registry.environment(TABLE["sync_mailbox"]),
        "FUNCTION_TARGET": "doctor",
        "HEARBACK_WIRING": "google",
        "HEARBACK_USES": "firestore,gmail,vault,addresses",
        "HEARBACK_GOOGLE_ROOT": console.root,
        "HEARBACK_OAUTH_CLIENT_ID": CLIENT,
        "HEARBACK_OAUTH_REDIRECT_URIS": REDIRECT,
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        # The store is handed in; only the settings want to hear of emulators.
        "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1",
        "PUBSUB_EMULATOR_HOST": "127.0.0.1:1",
    }
    with GoogleServer(gmail_model) as google:
        store = SqliteStore(":memory:")
        gmail = GoogleGmail(google.url, CLIENT, "secret", clock=SystemClock())
        ready = Services(read(environ), store=store, gmail=gmail, vault=LocalVault(bytes(KEY_BYTES)))
        accounts.connect(
            UID,
            refresh_token=gmail_model.add_person(PERSON),
            scopes=(consent.HEARS.scope,),
            settings=ready.settings,
            store=store,
            gmail=gmail,
            vault=ready.vault,
            clock=ready.clock,
        )
        yield ready
        gmail.close()
        store.close()


@pytest.fixture
def examined(console, services):
    def examined():
        google = doctor.Google(services, Credentials(TOKEN), TABLE)
        return list(doctor.examine(google.checks()))

    return examined


@pytest.fixture
def mailbox(services):
    """The one mailbox; changed with what it is called with."""

    def change(**fields):
        (found,) = services.store.find(MAILBOXES_ALL, limit=1).items
        services.store.put(MAILBOXES.key(found.value.id), replace(found.value, **fields), revision=found.revision)

    return change


def fixes(findings):
    return [f"{each.check} -> {each.fix}" for each in findings if each.fix]


def test_all_is_well_where_nothing_is_wrong(examined):
    findings = examined()

    assert fixes(findings) == []
    assert len(findings) > 10 + len(registry.subscriptions(TABLE))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda c: setattr(c, "number", "999"), "create an OAuth client in hearback-example"),
        (lambda c: c.members.pop(("topics/gmail-push", "roles/pubsub.publisher")), f"gmail-push --member={GMAIL}"),
        (
            lambda c: (
                c.topics.append("gmail-push-old"),
                c.members.update({("topics/gmail-push-old", "roles/pubsub.publisher"): [GMAIL]}),
            ),
            "remove-iam-policy-binding gmail-push-old",
        ),
        (
            lambda c: c.subscriptions.update(
                more={**c.subscriptions["gmail-push.gmail_push"], "name": f"projects/{PROJECT}/subscriptions/more"}
            ),
            "delete the subscriptions that scripts/deploy has not made",
        ),
        (lambda c: c.subscriptions.pop("mailbox-sync.sync_mailbox"), "mailbox-sync.sync_mailbox -> scripts/deploy"),
        (
            lambda c: c.subscriptions["mailbox-sync.sync_mailbox"].update(expirationPolicy={"ttl": "2678400s"}),
            "mailbox-sync.sync_mailbox -> scripts/deploy",
        ),
        (
            lambda c: c.subscriptions["mailbox-sync.sync_mailbox"].pop("deadLetterPolicy"),
            "mailbox-sync.sync_mailbox -> scripts/deploy",
        ),
        (
            lambda c: c.members.pop(("topics/mailbox-sync-dead", "roles/pubsub.publisher")),
            "topics add-iam-policy-binding mailbox-sync-dead",
        ),
        (
            lambda c: c.members.pop(("subscriptions/mailbox-sync.sync_mailbox", "roles/pubsub.subscriber")),
            "subscriptions add-iam-policy-binding mailbox-sync.sync_mailbox",
        ),
        (lambda c: c.redirects.clear(), "authorised redirect URIs, word for word"),
    ],
    ids=[
        "another project's client",
        "no publisher grant",
        "a second topic",
        "a second subscription",
        "no subscription",
        "one that expires",
        "no dead letter",
        "no grant on the dead letter",
        "no grant on the subscription",
        "an unknown redirect URI",
    ],
)
def test_what_is_wrong_with_the_project_is_found_with_its_fix(console, examined, spoil, told):
    spoil(console)

    assert any(told in fix for fix in fixes(examined()))


def test_a_dead_grant_is_found_and_names_nobody(gmail_model, examined):
    gmail_model.revoke(PERSON)
    (fix,) = fixes(examined())

    assert "Testing has its grants for 7 days" in fix
    assert PERSON not in fix


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"health": "needs_reauth"}, "the person connects their Gmail again"),
        ({"scopes": ("openid",)}, "ticks reading"),
    ],
)
def test_a_mailbox_that_needs_its_person_is_found(mailbox, examined, fields, told):
    mailbox(**fields)

    assert any(told in fix for fix in fixes(examined()))


def test_a_watch_that_has_ended_is_found(services, mailbox, examined):
    mailbox(watch_expires_at=services.clock.now() - timedelta(minutes=1))

    assert any("renew_watches" in fix for fix in fixes(examined()))


def test_a_look_that_is_refused_is_told_and_the_others_are_taken(console, services):
    google = doctor.Google(services, Credentials("of-a-stranger"), TABLE)
    findings = list(doctor.examine(google.checks()))

    assert any("gcloud auth application-default login" in each.fix for each in findings)
    assert any(each.check.startswith("mailbox ") and not each.fix for each in findings)


class Off(SystemClock):
    """A clock that somebody has set wrong."""

    def __init__(self, by):
        self.by = by

    def now(self):
        return super().now() + self.by


@pytest.mark.parametrize("by", [timedelta(minutes=1), timedelta(minutes=-1)])
def test_a_clock_that_is_off_is_found(console, by):
    (finding,) = doctor._clock(f"{console.root}/oauth2/v1/certs", Off(by))

    assert "set-ntp" in finding.fix


def test_a_setting_that_is_missing_is_named(capsys):
    assert doctor.main(["--google"], {"GOOGLE_CLOUD_PROJECT": PROJECT}) == 1
    assert "HEARBACK_OAUTH_CLIENT_ID is missing" in capsys.readouterr().out


# --- The embedded wiring ----------------------------------------------------------------------------------------------


def test_this_machine_is_well_before_anything_was_kept(tmp_path, capsys):
    assert doctor.main(["--data", str(tmp_path)], {}) == 0
    assert "0 to mend" in capsys.readouterr().out


def test_a_secret_that_others_can_read_is_found(tmp_path, capsys):
    place = tmp_path / "secrets" / "mailbox_secret"
    place.parent.mkdir()
    place.write_text("s")
    place.chmod(0o644)

    assert doctor.main(["--data", str(tmp_path)], {}) == 1
    assert f"chmod 600 {place}" in capsys.readouterr().out


def test_a_mailbox_in_trouble_on_this_machine_is_found(tmp_path, capsys):
    store = SqliteStore(tmp_path / "store.sqlite")
    mailbox = Mailbox(id="m1", uid=UID, history_id="1".zfill(20), health="needs_reauth", trouble="revoked")
    store.create(MAILBOXES.key("m1"), mailbox)
    store.close()

    assert doctor.main(["--data", str(tmp_path)], {}) == 1
    assert "the person connects their Gmail again" in capsys.readouterr().out
