"""What stands aside is seen, and driven again without doing anything twice."""

from __future__ import annotations

import json

import pytest

from shared import dead_letters, redrive
from shared.errors import NotFound
from shared.local import redriving
from shared.model import Delivery
from shared.schema import SENDS
from tests.support.outbox import ADDRESS, SEND, Outbox


@pytest.fixture
def box(tmp_path):
    made = Outbox(tmp_path)
    yield made
    made.close()


def lay_aside(box: Outbox) -> str:
    """A notification that nobody could handle; its id."""
    dead_letters.park(
        dead_letters.Undelivered(
            payload={"emailAddress": ADDRESS, "historyId": 7}, subscription="gmail-push.gmail_push", attempts=20
        ),
        mailbox_secret=box.settings.mailbox_secret,
        store=box.store,
        clock=box.clock,
    )
    (item,) = [item for item in redrive.listed(limit=10, store=box.store) if item.kind == "dead_letter"]
    return item.id


def drive(box: Outbox, id_: str, **how: bool) -> str:
    return redrive.redrive(id_, store=box.store, queue=box.queue, clock=box.clock, **how)


def depth(box: Outbox) -> dict[str, int]:
    return {name: number for name, number in box.queue.depth().items() if number}


def limited(box: Outbox) -> None:
    box.fails("error", method="drafts.send", status=429, message="(Mail sending)", times=1)
    box.ask()
    assert box.deliver() == Delivery.PARKED


def test_a_dry_run_changes_nothing(box):
    id_ = lay_aside(box)
    limited(box)
    before = box.send()
    assert "would be published to mailbox-sync" in drive(box, id_)
    assert "would be due now" in drive(box, SEND)
    assert depth(box) == {}
    assert box.send() == before


def test_a_dead_letter_is_driven_once(box):
    id_ = lay_aside(box)
    assert drive(box, id_, dry_run=False) == f"{id_}: published to mailbox-sync"
    assert "re-driven already" in drive(box, id_, dry_run=False)
    assert depth(box) == {"mailbox-sync.sync_mailbox": 1}
    (delivery,) = box.queue.lease(1)
    assert json.loads(delivery.data) == {"mailbox_id": box.mailbox.id}
    assert "published" in drive(box, id_, dry_run=False, again=True)


def test_a_parked_mail_is_driven_and_leaves_once_however_often_it_is_driven(box):
    limited(box)
    for _ in range(3):
        drive(box, SEND, dry_run=False)
    for _ in range(3):
        box.deliver()
    assert len(box.sent) == 1
    assert "waits for nobody" in drive(box, SEND, dry_run=False)


def test_a_mail_that_waits_for_its_person_is_theirs_alone(box):
    box.google.revoke(box.address)
    box.ask()
    box.deliver()
    box.fails("error", method="drafts.send", status=503)
    assert [item.id for item in redrive.listed(limit=10, store=box.store)] == [SEND]
    found = box.store.get(SENDS.key(SEND))
    assert found is not None
    assert "@" not in str(redrive.show(SEND, store=box.store))
    with pytest.raises(NotFound):
        drive(box, "nothing")


def test_what_is_kept_too_little_of_is_not_driven(box):
    dead_letters.record(
        {"what": "?"},
        function="gmail_push",
        topic="gmail-push",
        reason="unreadable",
        mailbox_secret=b"",
        store=box.store,
        clock=box.clock,
    )
    (item,) = redrive.listed(limit=10, store=box.store)
    assert "does not say which mailbox" in drive(box, item.id, dry_run=False)


def test_the_command_lists_shows_and_drives(tmp_path, capsys):
    def run(*arguments: str) -> tuple[int, str]:
        code = redriving.main({}, ["--data", str(tmp_path), *arguments])
        told = capsys.readouterr()
        return code, told.out + told.err

    assert run("list") == (0, "0 stand aside\n")
    assert run("show", "nothing") == (2, "redrive: nothing: nothing stands aside by that id\n")
    assert run("drive", "--all") == (0, "0 would be done; add --really to do it\n")
