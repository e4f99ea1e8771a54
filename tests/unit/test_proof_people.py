"""The judge of the storm: it says so when a mail is lost, doubled, misplaced or parked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.model import Application, Event, EventKind, MailRecord, MailStatus, Notification
from tests.proofs.people import KINDS, Holdings, Person, Received, violations

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ADA = Person(uid="ada", address="ada@example.com", mailbox_id="m", grant="g")
LETTER = Received(person=ADA, kind=next(kind for kind in KINDS if not kind.is_hiring), id="1", at=NOW)
RECEIPT = Received(person=ADA, kind=KINDS[0], id="2", at=NOW)
NOTHING = Holdings(records={}, applications={}, notifications=[])


def record(id_: str, status: MailStatus) -> MailRecord:
    return MailRecord(id=id_, uid="ada", thread_id=id_, status=status, recorded_at=NOW)


def test_a_mail_that_was_looked_at_and_left_alone_is_in_order():
    assert not list(violations(replace(NOTHING, records={"1": record("1", MailStatus.PRIVATE)}), [LETTER]))


def test_a_lost_mail_is_seen():
    assert list(violations(NOTHING, [LETTER])) == ["job alert has no record"]


def test_a_record_without_an_event_is_seen():
    held = replace(NOTHING, records={"2": record("2", MailStatus.LINKED)})
    assert list(violations(held, [RECEIPT])) == ["receipt is in the ledgers [], not once in that of Northwind Robotics"]


def test_an_event_in_two_ledgers_is_seen():
    event = Event(key="mail:2:1", kind=EventKind.MAIL, occurred_at=NOW, recorded_at=NOW, by="mail", mail_id="2")
    applications = {
        company: Application(
            id=company, uid="ada", created_at=NOW, updated_at=NOW, company=company, events={event.key: event}
        )
        for company in ("Northwind Robotics", "Quillon")
    }
    held = replace(NOTHING, records={"2": record("2", MailStatus.LINKED)}, applications=applications)
    assert any("in the ledgers" in each for each in violations(held, [RECEIPT]))


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (replace(NOTHING, records={"1": record("1", MailStatus.PARKED)}), "job alert is parked: "),
        (
            replace(NOTHING, records={id_: record(id_, MailStatus.PRIVATE) for id_ in ("1", "9")}),
            "a record of 9, which never came",
        ),
        (replace(NOTHING, doubles=["Quillon"]), "more than one application at Quillon"),
        (replace(NOTHING, suggestions=2), "2 questions, where everything is clear"),
    ],
)
def test_what_should_not_be_there_is_seen(held, said):
    assert said in list(violations(held, [LETTER]))


def test_telling_the_same_twice_is_seen():
    twice = [
        Notification(key=key, uid="ada", kind="status_changed", created_at=NOW, application_id="a", event="e")
        for key in ("1", "2")
    ]
    said = violations(replace(NOTHING, notifications=twice), [])
    assert list(said) == ["2 notifications say status_changed of e"]
