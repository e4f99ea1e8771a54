"""Moving in: a table of applications, and people of the old service."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from shared import moving, registry
from shared.applications import listed, stable_id
from shared.model import Delivery, Outcome, Stage
from shared.schema import APPLICATIONS, LEGACY, NOTIFICATIONS, OF_PERSON, THREADS, USERS
from shared.web.api import respond
from shared.web.http import Request
from tests.support.connecting import connecting

ROOT = registry.TABLE.parent.parent
HEAD = "company,role,stage,outcome,applied_at,note\n"


@pytest.fixture
def world():
    with connecting() as world:
        yield world


@pytest.fixture
def send(world):
    def send(table, *, media_type="text/csv", **query):
        token = world.services.sign_in.token("ada")
        headers = {"authorization": f"Bearer {token}", "content-type": media_type}
        data = table.encode() if isinstance(table, str) else table
        response = respond(
            Request(method="POST", path="/v1/applications/import", query=query, headers=headers, body=data),
            world.services,
        )
        return response.status, json.loads(response.body)

    return send


def applications(world):
    return [item.value for item in listed("ada", limit=100, store=world.services.store).items]


# --- A table ----------------------------------------------------------------------------------------------------------


def test_a_table_becomes_applications_as_its_rows_state_them(world, send):
    table = HEAD + (
        "Acme,Engineer,interview,,2025-11-05,met Bob\n"
        '"Globex, Inc.",Analyst,closed,rejected,2025-12-01T10:00:00+02:00,\n'
        "Initech,,,,,\n"
    )

    status, told = send(table)

    assert (status, told["rows"], told["created"], told["refused"]) == (200, 3, 3, [])
    found = {each.company: each for each in applications(world)}
    assert (found["Acme"].stage, found["Acme"].stage_at.date().isoformat()) == (Stage.INTERVIEW, "2025-11-05")
    assert (found["Globex, Inc."].stage, found["Globex, Inc."].outcome) == (Stage.CLOSED, Outcome.REJECTED)
    assert found["Initech"].stage is Stage.APPLIED


def test_the_same_table_again_makes_nothing(world, send):
    table = HEAD + "Acme,Engineer,,,,\n"
    send(table)

    assert send(table)[1] | {"refused": []} == {"rows": 1, "created": 0, "known": 1, "refused": []}
    assert len(applications(world)) == 1


def test_a_dry_run_says_what_would_be_and_writes_nothing(world, send):
    assert send(HEAD + "Acme,Engineer,,,,\n", dry_run="true")[1]["created"] == 1
    assert applications(world) == []


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (",Engineer,,,,", "company"),
        ("Acme,,hired,,,", "stage"),
        ("Acme,,closed,,,", "outcome"),
        ("Acme,,applied,rejected,,", "outcome"),
        ("Acme,,,,yesterday,", "applied_at"),
        ("Acme,,,,2999-01-01,", "applied_at"),
        ("Acme,,,,0001-01-01T00:00:00+23:00,", "applied_at"),
        (f"{'x' * 200},,,,,", "company"),
    ],
)
def test_a_row_that_is_wrong_is_named_and_the_others_are_taken(world, send, row, why):
    told = send(HEAD + row + "\nGlobex,,,,,\n")[1]

    (refused,) = told["refused"]
    assert (refused["line"], told["created"]) == (2, 1)
    assert refused["why"].startswith(why)


@pytest.mark.parametrize(
    "table",
    [
        b"",
        b"\xff\xfe",
        b"role\nEngineer\n",
        b"company,salary\nAcme,1\n",
        b'company\n"Acme\n',
        b"company\n" + b"A\n" * (moving.MOST_ROWS + 1),
    ],
)
def test_what_is_no_such_table_is_refused_as_a_whole(world, send, table):
    assert send(table)[0] == 400
    assert applications(world) == []


def test_a_table_that_is_too_long_or_no_table_is_refused(send):
    assert send(b"company\n" + b"A" * moving.TABLE_BYTES)[0] == 413
    assert send("{}", media_type="application/json")[0] == 415


# --- The old service --------------------------------------------------------------------------------------------------

ADA_OID, JOB_OID, APP_OID = "65a000000000000000000001", "65b000000000000000000001", "65c000000000000000000001"
OLD: dict[str, Any] = {
    "users": [
        {"_id": {"$oid": ADA_OID}, "email": "Ada@Example.com", "gmail_auth": {"token": "SECRET"}, "plan": "pro"},
        {"_id": {"$oid": "65a000000000000000000002"}, "email": "bob@example.com"},
    ],
    "jobs": [{"_id": {"$oid": JOB_OID}, "title": "Engineer", "company": "Acme", "url": "https://acme.example/1"}],
    "applications": [
        {
            "_id": {"$oid": APP_OID},
            "user_id": {"$oid": ADA_OID},
            "job_id": {"$oid": JOB_OID},
            "status": "Interview Scheduled",
            "email_status": "sent",
            "thread_id": "18c0ffee",
            "created_at": {"$date": "2025-11-01T09:00:00Z"},
            "score": 7,
        },
        {"_id": {"$oid": "65c000000000000000000002"}, "user_id": {"$oid": ADA_OID}, "status": "applied"},
        {"_id": {"$oid": "65c000000000000000000003"}, "user_id": "nobody", "company": "Globex"},
        {
            "_id": {"$oid": "65c000000000000000000004"},
            "user_id": ADA_OID,
            "company": "Initech",
            "status": "in limbo",
            "created_at": {"$date": {"$numberLong": "1760000000000"}},
        },
    ],
    "notifications": [
        {
            "_id": {"$oid": "65d000000000000000000001"},
            "user_id": {"$oid": ADA_OID},
            "type": "reply",
            "read": True,
            "created_at": {"$date": "2025-11-02T09:00:00Z"},
            "application_id": {"$oid": APP_OID},
        }
    ],
}


def migrate(world, *, dry_run=False):
    return moving.migrate(
        moving.Old(**OLD),
        {"ada@example.com": "ada"},
        dry_run=dry_run,
        store=world.services.store,
        clock=world.clock,
    )


def everything(world):
    return {
        item.key.path: item.value
        for query in OF_PERSON
        if query.collection.parent
        for item in world.services.store.find(query, parent="ada", limit=100).items
    }


def test_people_applications_and_notifications_are_taken_over(world):
    report = migrate(world)

    store, id_ = world.services.store, stable_id("old", APP_OID)
    application = store.get(APPLICATIONS.key("ada", id_)).value
    assert (application.company, application.role, application.job_url) == (
        "Acme",
        "Engineer",
        "https://acme.example/1",
    )
    assert (application.stage, application.delivery) == (Stage.INTERVIEW, Delivery.SENT)
    assert application.stage_at.isoformat() == "2025-11-01T09:00:00+00:00"
    assert store.get(THREADS.key("ada", "18c0ffee")).value.application_ids == (id_,)
    notification = store.get(NOTIFICATIONS.key("ada", "old:65d000000000000000000001")).value
    assert (notification.application_id, notification.read_at is not None, notification.due_at) == (id_, True, None)
    assert store.get(USERS.key("ada")) is not None
    assert report.counts["applications"] == 2
    assert report.counts["users without an account here"] == 1


def test_what_is_not_known_is_kept_and_told(world):
    report = migrate(world)

    legacy = world.services.store.get(LEGACY.key("ada", f"applications:{APP_OID}")).value
    assert json.loads(legacy.json) == {"score": 7}
    assert report.unknown_fields["applications.score"] == 1
    assert dict(report.unknown_statuses) == {"in_limbo": 1}


def test_what_cannot_be_taken_is_told_by_its_old_id_and_the_rest_goes_on(world):
    (problem,) = migrate(world).problems

    assert "65c000000000000000000002" in problem
    assert "company" in problem


def test_no_old_token_is_taken_over(world):
    migrate(world)

    assert "SECRET" not in repr(everything(world))


def test_a_dry_run_writes_nothing_and_tells_the_same(world):
    dry = migrate(world, dry_run=True)

    assert everything(world) == {}
    assert world.services.store.get(USERS.key("ada")) is None
    assert migrate(world).lines() == dry.lines()


def test_a_second_run_changes_nothing(world):
    migrate(world)
    before = everything(world)

    report = migrate(world)

    assert everything(world) == before
    assert report.counts["applications, there already"] == 2


def test_the_command_reports_and_writes_only_when_told(tmp_path):
    old, data, people = tmp_path / "old", tmp_path / "data", tmp_path / "people.csv"
    old.mkdir()
    for name, documents in OLD.items():
        (old / f"{name}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in documents))
    people.write_text("email,uid\nada@example.com,ada\n")
    command = [str(ROOT / "scripts" / "migrate"), str(old), "--people", str(people), "--data", str(data)]

    dry = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    done = subprocess.run([*command, "--apply"], capture_output=True, text=True, check=False, timeout=60)
    again = subprocess.run([*command, "--apply"], capture_output=True, text=True, check=False, timeout=60)

    assert (dry.returncode, done.returncode, again.returncode) == (1, 1, 1), dry.stderr
    assert "nothing is written" in dry.stdout
    assert "applications: 2" in done.stdout
    assert "applications, there already: 2" in again.stdout
