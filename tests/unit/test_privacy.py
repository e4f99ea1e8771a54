"""What we have of a person: all of it is handed out, all of it is deleted, and none of it is anybody else's."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from shared import privacy
from shared.due import AccountLeft
from shared.model import DeadLetter, MailRecord, MailStatus, Notification
from shared.schema import (
    COLLECTIONS,
    DEAD_LETTERS,
    ERASURES,
    MAILS,
    NOTIFICATIONS,
    OF_PERSON,
    OWNED,
    OWNERLESS,
    REVOCATIONS,
)
from tests.support.connecting import BOB, connecting
from tests.unit.test_leaving import give_back


@pytest.fixture
def world():
    with connecting() as world:
        yield world


def fill(world, uid):
    """Something in many places."""
    s, now = world.services, world.clock.now()
    for number in range(3):
        status, body, _ = world.send(
            "POST", "/v1/applications", {"company": f"=Acme {number}", "role": "Engineer, \u00fc"}, uid=uid
        )
        assert status == 201, body
    for number in range(privacy.DELETED_AT_ONCE + 7):
        record = MailRecord(id=f"m{number}", uid=uid, thread_id=f"t{number}", status=MailStatus.NOTED, recorded_at=now)
        s.store.create(MAILS.key(uid, record.id), record)
    notice = Notification(key="n", uid=uid, kind="mail_parked", created_at=now)
    s.store.create(NOTIFICATIONS.key(uid, "n"), notice)
    letter = DeadLetter(id=f"d-{uid}", function="f", topic="t", payload="{}", reason="r", recorded_at=now, uid=uid)
    s.store.create(DEAD_LETTERS.key(letter.id), letter)
    s.blobs.put(f"{uid}/cv", b"%PDF", media_type="application/pdf")
    s.blobs.put(f"{uid}/letter", b"Dear", media_type="text/plain")


def left_of(world, uid) -> dict[str, int]:
    """How many documents and files of a person there are, by where they are."""
    s = world.services
    asked: Any
    counts = {}
    for query in OWNED:
        asked = {"parent": uid} if query.collection.parent else {"equal": {"uid": uid}}
        counts[query.collection.name] = s.store.count(query, **asked)
    counts["files"] = len(s.blobs.names(f"{uid}/"))
    return {name: number for name, number in counts.items() if number}


def erase(world, uid="ada"):
    s = world.services
    return privacy.erase(
        AccountLeft(uid=uid),
        settings=s.settings,
        store=s.store,
        queue=s.queue,
        blobs=s.blobs,
        clock=s.clock,
        ids=s.ids,
    )


def erase_all(world, most=50):
    for _ in range(most):
        outcome = erase(world).outcome
        if outcome == "erased":
            return
        for _ in left_revocations(world):
            give_back(world)
        world.clock.step(privacy.WAITS)
    raise AssertionError(f"not erased: {left_of(world, 'ada')}")


def left_revocations(world):
    (query,) = (each for each in OF_PERSON if each.collection is REVOCATIONS)
    return world.services.store.find(query, equal={"uid": "ada"}, limit=10).items


# --- The schema -------------------------------------------------------------------------------------------------------


def test_every_collection_bears_uid_or_stands_below_a_person_or_is_named_as_ownerless():
    roots = {each.name for each in COLLECTIONS if not each.parent}
    with_uid = {each.name for each in COLLECTIONS if any(field.name == "uid" for field in fields(each.record))}

    assert roots - with_uid == set(OWNERLESS)
    assert {each.parent for each in COLLECTIONS if each.parent} == {"users"}


def test_every_collection_of_people_is_exported_and_deleted():
    wanted = {each.name for each in COLLECTIONS} - set(OWNERLESS)

    assert {query.collection.name for query in OF_PERSON} == wanted
    assert {query.collection.name for query in OWNED} == wanted


# --- Export -----------------------------------------------------------------------------------------------------------


def test_the_export_has_every_document_and_file_and_nothing_of_others(world):
    world.connect()
    fill(world, "ada")
    fill(world, "bob")

    status, _, response = world.send("GET", "/v1/me/export")
    told = json.loads(b"".join(response.pieces))

    assert status == 200
    assert len(told["documents"]["applications"]) == 3
    assert len(told["documents"]["mails"]) == privacy.DELETED_AT_ONCE + 7
    assert {each["uid"] for each in told["documents"]["mails"]} == {"ada"}
    assert [file["name"] for file in told["files"]] == ["ada/cv", "ada/letter"]
    assert told["files"][0]["content"] == "JVBERg=="
    assert set(told["documents"]) == {query.collection.name for query in OF_PERSON}


def test_no_secret_leaves_with_the_export(world):
    world.connect()
    world.screen()

    text = b"".join(world.send("GET", "/v1/me/export")[2].pieces).decode()

    assert "sealed" not in text
    assert "_hash" not in text


def test_the_export_comes_in_pieces(world):
    fill(world, "ada")

    pieces = list(world.send("GET", "/v1/me/export")[2].pieces)

    assert len(pieces) > 200
    assert max(map(len, pieces)) < 10_000


def test_a_table_can_be_read_and_runs_nothing(world):
    fill(world, "ada")

    _, _, response = world.send("GET", "/v1/me/export", format="csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(response.pieces).decode())))

    assert sorted(row["company"] for row in rows) == ["'=Acme 0", "'=Acme 1", "'=Acme 2"]
    assert {row["role"] for row in rows} == {"Engineer, \u00fc"}
    assert json.loads(rows[0]["events"])


@pytest.mark.parametrize("start", privacy.FORMULA_STARTS)
def test_no_cell_begins_as_a_formula_does(start):
    assert privacy._cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


def test_a_number_stays_one():
    assert privacy._cell(-3) == "-3"


@pytest.mark.parametrize(
    ("query", "status"), [({"format": "xml"}, 400), ({"format": "csv", "collection": "runs"}, 404)]
)
def test_what_cannot_be_exported_is_refused(world, query, status):
    assert world.send("GET", "/v1/me/export", **query)[0] == status


# --- Deletion ---------------------------------------------------------------------------------------------------------


def test_nothing_is_left_of_a_person_and_everything_of_the_others(world):
    world.connect("ada")
    world.connect("bob", BOB)
    fill(world, "ada")
    fill(world, "bob")
    others = left_of(world, "bob")

    status, body, _ = world.send("DELETE", "/v1/me")
    assert (status, body["status"]) == (202, "leaving")
    erase_all(world)

    assert left_of(world, "ada") == {}
    assert left_of(world, "bob") == others


def test_the_mailbox_is_disconnected_before_the_answer(world):
    world.connect()
    world.send("DELETE", "/v1/me")

    assert world.mailbox() is None


def test_a_deletion_that_runs_out_of_time_goes_on_where_it_was(world):
    fill(world, "ada")
    world.send("DELETE", "/v1/me")
    s = world.services
    transact = s.store.transact

    def slow(*args, **more):
        world.clock.step(timedelta(seconds=30))
        return transact(*args, **more)

    s.store.transact = slow
    outcomes = [erase(world).outcome for _ in range(4)]
    s.store.transact = transact

    assert outcomes[0] == "going_on"
    erase_all(world)
    assert left_of(world, "ada") == {}


def test_what_a_late_run_writes_after_the_first_scan_is_found_by_the_second(world):
    world.send("DELETE", "/v1/me")
    assert erase(world).outcome == "waiting"
    late = MailRecord(id="late", uid="ada", thread_id="t", status=MailStatus.NOTED, recorded_at=world.clock.now())
    world.services.store.create(MAILS.key("ada", "late"), late)
    world.clock.step(privacy.WAITS)

    assert erase(world).deleted == 1
    erase_all(world)
    assert left_of(world, "ada") == {}


def test_it_ends_only_after_two_scans_a_lease_apart_have_found_nothing(world):
    world.send("DELETE", "/v1/me")

    assert erase(world).outcome == "waiting"
    world.clock.step(timedelta(seconds=1))
    assert erase(world).outcome == "waiting"
    world.clock.step(world.services.settings.lease)
    assert erase(world).outcome == "erased"
    assert erase(world).outcome == "done_before"


def test_it_waits_for_the_grant_to_go_back(world):
    world.connect()
    world.send("DELETE", "/v1/me")
    for _ in range(5):
        assert erase(world).outcome == "waiting"
        world.clock.step(privacy.WAITS)

    assert set(left_of(world, "ada")) == {REVOCATIONS.name, ERASURES.name}
    erase_all(world)


def test_leaving_twice_is_once(world):
    first = world.send("DELETE", "/v1/me")[1]
    world.clock.step(timedelta(minutes=1))

    assert world.send("DELETE", "/v1/me")[1] == first
