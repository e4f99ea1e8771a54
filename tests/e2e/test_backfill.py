"""A backfill in processes of its own, of which some are killed, and live mail meanwhile; at length in the proofs."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from shared import accounts, mailbox
from shared.mailbox import lookback
from shared.model import MailStatus
from shared.schema import MAILBOXES, MAILS
from tests.proofs import people
from tests.proofs.backfill import LATE, letter
from tests.proofs.cloud import Cloud, Limits

UID, ADDRESS = "ada", "ada@example.com"
MAILS_OF_THE_PAST, KILLS = 40, 2

LIMITS = Limits(
    work_budget_seconds=3,
    timeout_seconds=4,
    ack_deadline_seconds=10,
    lease_seconds=5,
    wake_seconds=1.0,
    units_per_minute=45_000,
    instances=1,
)
"""A page whose process was killed is free again after some seconds, and has left units for the next."""

PATIENCE_SECONDS = 120.0


def receive(cloud, company):
    return cloud.google.receive(ADDRESS, letter(company, 0), ("INBOX",))


def until(done):
    """Look again and again; what it found. Fails when it takes too long."""
    patience = time.monotonic() + PATIENCE_SECONDS
    while not (found := done()):
        assert time.monotonic() < patience, "it took too long"
        time.sleep(0.05)
    return found


@pytest.mark.emulators
def test_processes_that_read_the_past_are_killed_and_neither_it_nor_live_mail_suffers():
    with Cloud(LIMITS, functions=("gmail_push", "sync_mailbox", "wake_due")) as cloud:
        s = cloud.own
        grant = cloud.google.direct("POST", "mailboxes", f'{{"address": "{ADDRESS}"}}'.encode())["refresh_token"]
        past = [receive(cloud, f"Firm{number}") for number in range(MAILS_OF_THE_PAST)]
        connected = accounts.connect(
            UID,
            refresh_token=grant,
            backfill=lookback.begun(1, now=s.clock.now()),
            settings=s.settings,
            store=s.store,
            gmail=s.gmail,
            vault=s.vault,
            clock=s.clock,
        )
        s.queue.publish(mailbox.SYNC_TOPIC, mailbox.MailboxDirty(mailbox_id=connected.id))

        def record(id_):
            found = s.store.get(MAILS.key(UID, id_))
            return found.value if found else None

        def page():
            found = s.store.get(MAILBOXES.key(connected.id))
            assert found is not None
            return found.value.page

        live: dict[str, datetime] = {}
        while len(live) < KILLS:
            until(lambda: record(past[10 * len(live)]) is not None and page().until is not None)
            for instance in cloud.services["sync_mailbox"].instances[:]:
                instance.kill()
            if page().until is None:
                # It was put back at the last moment: another one, then.
                continue
            at = datetime.now(UTC)
            live[receive(cloud, f"Live{len(live)}")] = at
            until(lambda: all(record(id_) is not None for id_ in live))

        until(lambda: all(record(id_) is not None for id_ in past))

        for id_ in (*past, *live):
            assert record(id_).status is MailStatus.LINKED
        for id_, at in live.items():
            assert record(id_).recorded_at - at < LATE
        person = people.Person(uid=UID, address=ADDRESS, mailbox_id=connected.id, grant=grant)
        assert people.holdings(cloud, person).doubles == []
