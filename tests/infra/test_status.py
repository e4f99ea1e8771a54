"""What the status shows, of this machine and of a deployment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from google.oauth2.credentials import Credentials

from shared import registry
from shared.adapters.local_queue import LocalQueue
from shared.adapters.sqlite_store import SqliteStore
from shared.deploy import doctor, status
from shared.errors import TryAgain
from shared.model import DeadLetter, Mailbox, Run
from shared.schema import DEAD_LETTERS, MAILBOXES, RUNS
from shared.services import Services
from shared.settings import read
from tests.support.console import PROJECT, Console
from tests.support.kms_storage_servers import TOKEN

TABLE = registry.load()
NOW = datetime(2026, 1, 5, 9, 7, tzinfo=UTC)
SCHEDULED = next(row for row in TABLE if row.schedules)


class Still:
    """A clock that stands."""

    def now(self):
        return NOW


@pytest.fixture
def store():
    store = SqliteStore(":memory:")
    yield store
    store.close()


@pytest.fixture
def queue():
    queue = LocalQueue(":memory:", registry.subscriptions(TABLE), clock=Still())
    yield queue
    queue.close()


@pytest.fixture
def services(store, queue):
    environ = registry.environment(TABLE["sync_mailbox"]) | {"HEARBACK_USES": "firestore,queue"}
    return Services(read(environ), store=store, queue=queue, clock=Still())


def line(services, depths, name):
    (found,) = [each for each in status.lines(TABLE, services, depths) if each.function == name]
    return found


def mailbox(store, **fields):
    store.create(MAILBOXES.key("m" * 64), Mailbox(id="m" * 64, uid="u", history_id="1".zfill(20), **fields))


def test_every_function_of_the_table_has_its_line_with_its_trigger(services, queue):
    shown = list(status.lines(TABLE, services, queue))

    assert [(each.function, each.trigger) for each in shown] == [(row.name, row.trigger) for row in TABLE]


def test_a_schedule_shows_when_it_fires_next_and_what_came_of_the_last_run(services, store, queue):
    before = line(services, queue, SCHEDULED.name)
    assert (before.last_run, before.outcome) == (None, "never")
    assert before.next_run > NOW
    for n, minutes in enumerate((5, 1)):
        at = NOW - timedelta(minutes=minutes)
        run = Run(id=f"r{n}", function=SCHEDULED.name, started_at=at, finished_at=at, queued=n + 2, failed=n)
        store.create(RUNS.key(run.id), run)

    after = line(services, queue, SCHEDULED.name)
    assert (after.last_run, after.outcome) == (NOW - timedelta(minutes=1), "3 queued, 1 failed")


def test_what_waits_and_what_is_under_way_is_counted(services, queue):
    for _ in range(3):
        queue.publish("mailbox-sync", {"mailbox_id": "m"})
    queue.lease(1)
    shown = line(services, queue, "sync_mailbox")

    assert (shown.waiting, shown.in_flight) == (3, 1)
    assert line(services, queue, "api").waiting is None


def test_a_dead_letter_shows_by_its_function_and_reason(services, store, queue):
    letter = DeadLetter(id="d", function="f", topic="t", payload="{}", reason="no such thing", recorded_at=NOW)
    store.create(DEAD_LETTERS.key("d"), letter)

    shown = status.report(TABLE, services, queue)
    assert "dead letters: 1\n" in shown
    assert "f: no such thing" in shown


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"health": "needs_reauth", "trouble": "the grant is dead"}, "needs_reauth; the grant is dead"),
        ({"watch_expires_at": NOW - timedelta(hours=1)}, "not watched since 01-05 08:07"),
        ({"due_at": NOW - timedelta(hours=1)}, "due since 01-05 08:07"),
    ],
)
def test_a_mailbox_in_trouble_shows_why_by_its_id(services, store, queue, fields, told):
    mailbox(store, **fields)

    assert list(status.troubles(services)) == [f"{'m' * 12}: {told}"]
    assert "mailboxes in trouble: 1" in status.report(TABLE, services, queue)


def test_a_mailbox_that_is_well_is_no_trouble(services, store):
    mailbox(store, due_at=NOW, watch_expires_at=NOW + timedelta(days=6))

    assert list(status.troubles(services)) == []


def test_a_deployments_depths_are_the_newest_points_of_its_metrics(services):
    with Console(TABLE) as console:
        console.metrics = {
            ("num_undelivered_messages", "mailbox-sync.sync_mailbox"): 7,
            ("num_outstanding_messages", "mailbox-sync.sync_mailbox"): 2,
        }
        settings = read(
            registry.environment(TABLE["sync_mailbox"])
            | {"HEARBACK_GOOGLE_ROOT": console.root, "GOOGLE_CLOUD_PROJECT": PROJECT}
        )
        shown = line(services, status.GoogleDepths(settings, Credentials(TOKEN), NOW), "sync_mailbox")
        assert (shown.waiting, shown.in_flight) == (7, 2)

        stranger = status.GoogleDepths(settings, Credentials("of-a-stranger"), NOW)
        with pytest.raises(TryAgain):
            stranger.depth()


def test_this_machines_status_is_printed(tmp_path, capsys):
    SqliteStore(tmp_path / "store.sqlite").close()

    assert status.main(["--data", str(tmp_path)], {}) == 0
    shown = capsys.readouterr().out
    assert all(row.name in shown for row in TABLE)
    assert "mailboxes in trouble: 0" in shown


def test_where_nothing_is_kept_the_status_says_what_to_start(tmp_path, capsys):
    assert status.main(["--data", str(tmp_path)], {}) == 1
    assert "start scripts/dev" in capsys.readouterr().out


def test_the_doctor_and_the_status_open_the_same_files(tmp_path):
    assert doctor.of_this_machine(tmp_path) is None
