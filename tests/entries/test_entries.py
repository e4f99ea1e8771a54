"""Every row of the table boots under the real functions framework, answers as Pub/Sub and callers need it, and ends."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from shared import registry
from shared.model import DeadLetter
from shared.schema import DEAD_LETTERS_NEWEST, RUNS_OF_FUNCTION

NAMES = list(registry.load().rows)
PUSHED = [row.name for row in registry.load() if row.topics]

ADDRESS = "canary@example.com"
SUBJECT = "Canary subject of a mail"
TOKEN = "ya29.canary-token-0123456789abcdef"


def push(payload: object, **attributes: str) -> dict[str, object]:
    data = base64.b64encode(json.dumps(payload).encode()).decode()
    return {
        "message": {"data": data, "attributes": attributes, "messageId": "7"},
        "subscription": "projects/p/subscriptions/s",
    }


def letters(booted: Any) -> list[DeadLetter]:
    found: list[DeadLetter] = booted.find(DEAD_LETTERS_NEWEST)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_it_boots_and_answers(boot, name):
    row = registry.load()[name]
    status, headers, _ = boot(name).call("GET", "/v1/health" if row.http else "/")

    assert status == (200 if row.http else 405)
    assert row.http or headers["Allow"] == "POST"


@pytest.mark.parametrize("name", NAMES)
def test_it_logs_lines_of_json_under_its_name(boot, name):
    booted = boot(name)
    booted.call("GET", headers={"Function-Execution-Id": "exec-1"})

    ended = [line for line in booted.lines() if line["message"] == "call ended"]
    assert ended
    assert {line["logging.googleapis.com/labels"]["function"] for line in ended} == {name}
    assert ended[-1]["logging.googleapis.com/labels"]["execution_id"] == "exec-1"


@pytest.mark.parametrize("name", ["gmail_push", "sync_mailbox"])
def test_a_message_about_an_unknown_mailbox_is_acknowledged(boot, name):
    payload = {"emailAddress": "nobody@example.com", "historyId": 7} if name == "gmail_push" else {"mailbox_id": "none"}
    booted = boot(name)

    assert booted.call("POST", "/", push(payload))[0] == 204
    assert booted.lines()[-1]["result"] == "unknown_mailbox"


@pytest.mark.parametrize("name", ["gmail_push", "sync_mailbox"])
def test_a_message_that_never_works_is_recorded_and_acknowledged(boot, name):
    booted = boot(name)

    assert booted.call("POST", "/", push({"unexpected": 1}))[0] == 204
    assert booted.call("POST", "/", b"no envelope")[0] == 204
    assert len([letter for letter in letters(booted) if letter.function == name]) == 2


def test_a_dead_letter_is_parked_once_though_it_comes_twice(boot):
    booted = boot("park_dead_letter")
    dead = push({"mailbox_id": "m1"}, CloudPubSubDeadLetterSourceSubscription="mailbox-sync.sync_mailbox")

    assert [booted.call("POST", "/", dead)[0] for _ in range(2)] == [204, 204]
    (letter,) = letters(booted)
    assert (letter.function, letter.payload) == ("sync_mailbox", '{"mailbox_id":"m1"}')


def test_the_minute_leaves_its_run(boot):
    booted = boot("wake_due")

    assert booted.call("POST", "/", b"")[0] == 204
    (run,) = booted.find(RUNS_OF_FUNCTION, function="wake_due")
    assert (run.scanned, run.failed) == (0, 0)


def test_a_person_signs_in_and_records_an_application(boot):
    api = boot("api")
    who = json.loads(api.call("POST", "/v1/local/sign-in", {"uid": "ada"})[2])
    bearer = {"Authorization": f"Bearer {who['token']}"}

    status, headers, _ = api.call("POST", "/v1/applications", {"company": "Acme"}, bearer)
    assert status == 201
    status, _, body = api.call("GET", headers["Location"], headers=bearer)
    assert (status, json.loads(body)["application"]["company"]) == (200, "Acme")
    assert api.call("GET", headers["Location"])[0] == 401


def test_a_problem_has_its_type_and_headers(boot):
    status, headers, body = boot("api").call("GET", "/v1/nowhere")

    assert (status, json.loads(body)["status"]) == (404, 404)
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", PUSHED)
def test_nothing_that_a_stranger_writes_is_in_the_log(boot, name):
    booted = boot(name)
    planted = {"emailAddress": ADDRESS, "historyId": SUBJECT, "mailbox_id": [TOKEN], "subject": SUBJECT}
    headers = {"X-Cloud-Trace-Context": ADDRESS, "Function-Execution-Id": TOKEN, "User-Agent": SUBJECT}

    booted.call("POST", f"/{ADDRESS}?token={TOKEN}", push(planted, subject=SUBJECT), headers)
    booted.call("POST", "/", json.dumps(planted).encode(), headers)

    said = booted.output() + repr(letters(booted))
    for canary in (ADDRESS, SUBJECT, TOKEN):
        assert canary not in said


def test_the_frameworks_own_execution_ids_change_nothing(boot_alone):
    """LOG_EXECUTION_ID is on where Google builds a function: the framework then takes the log over before we start."""
    booted = boot_alone("gmail_push", LOG_EXECUTION_ID="true")

    booted.call(
        "POST", f"/{ADDRESS}", push({"emailAddress": TOKEN, "historyId": ADDRESS}), {"Function-Execution-Id": "exec-2"}
    )

    line = booted.lines()[-1]
    assert (line["message"], line["outcome"]) == ("call ended", "rejected")
    assert line["logging.googleapis.com/labels"] == {
        "function": "gmail_push",
        "execution_id": "exec-2",
        "outcome": "rejected",
    }
    assert ADDRESS not in booted.output()
    assert TOKEN not in booted.output()


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"HEARBACK_LEASE_SECONDS": ""}, "HEARBACK_LEASE_SECONDS"),
        ({"K_SERVICE": "gmail-push"}, "HEARBACK_DATA_DIR"),
        ({"K_SERVICE": "gmail-push", "HEARBACK_DATA_DIR": ""}, "GOOGLE_CLOUD_PROJECT"),
        (
            {"K_SERVICE": "gmail-push", "HEARBACK_DATA_DIR": "", "GOOGLE_CLOUD_PROJECT": "p"},
            "HEARBACK_MAILBOX_SECRET is missing",
        ),
    ],
)
def test_it_refuses_to_start_and_says_why(boot_alone, environ, named):
    booted = boot_alone("gmail_push", **environ)

    assert booted.process.poll() not in (None, 0)
    assert named in booted.output()


def test_it_ends_when_it_is_asked_to(boot_alone):
    assert boot_alone("wake_due").stop() == 0


# --- On Google's emulators --------------------------------------------------------------------------------------------


@pytest.fixture
def emulated(firestore_emulator, pubsub_emulator, emulator_project):
    """What a function is told that runs on the emulators."""
    return {
        "HEARBACK_WIRING": "google",
        "GOOGLE_CLOUD_PROJECT": emulator_project,
        "FIRESTORE_EMULATOR_HOST": firestore_emulator.host,
        "PUBSUB_EMULATOR_HOST": pubsub_emulator.host,
    }


def test_a_message_is_handled_on_the_emulators(boot_alone, emulated):
    booted = boot_alone("gmail_push", **emulated)

    assert booted.call("POST", "/", push({"emailAddress": "nobody@example.com", "historyId": 7}))[0] == 204
    assert booted.lines()[-1]["result"] == "unknown_mailbox"
    assert booted.call("POST", "/", push({"unexpected": 1}))[0] == 204
    assert [line["outcome"] for line in booted.lines() if "outcome" in line][-1] == "rejected"


def test_the_minute_passes_on_the_emulators(boot_alone, emulated):
    booted = boot_alone("wake_due", **emulated)

    assert booted.call("POST", "/", b"")[0] == 204
    assert booted.lines()[-1]["scanned"] == 0


def test_there_is_no_local_sign_in_on_the_emulators(boot_alone, emulated):
    nobody = "http://127.0.0.1:9"
    api = boot_alone("api", HEARBACK_SIGN_IN_SECRET="k" * 43, HEARBACK_GOOGLE_ROOT=nobody, **emulated)

    assert json.loads(api.call("GET", "/v1/health")[2])["wiring"] == "emulators"
    assert api.call("POST", "/v1/local/sign-in", {"uid": "ada"})[0] == 404
    assert api.call("GET", "/v1/applications")[0] == 401
    assert api.call("GET", "/v1/applications", headers={"Authorization": "Bearer x.y.z"})[0] == 503
