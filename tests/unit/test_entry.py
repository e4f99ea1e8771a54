"""The border to the framework: what is understood, what is acknowledged, what comes again, what is recorded."""

from __future__ import annotations

import base64
import functools
import io
import json
import logging
import tracemalloc
import types
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import flask
import functions_framework
import pytest
from functions_framework import _function_registry

from shared import entry, services
from shared.dead_letters import Undelivered
from shared.errors import Conflict, GrantRevoked, RateLimited, Rejected, TryAgain, Unsure
from shared.mailbox import GmailPush, MailboxDirty
from shared.model import DeadLetter, Run
from shared.schema import DEAD_LETTERS_NEWEST, RUNS_OF_FUNCTION
from shared.services import Services
from shared.web.http import Request, Response
from tests.support.made import made_services

Work = Callable[..., Any]

SUBSCRIPTION = "projects/p/subscriptions/mailbox-sync.sync_mailbox"
CLOUD_EVENT = {
    "ce-id": "1",
    "ce-specversion": "1.0",
    "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
    "ce-source": "//pubsub.googleapis.com/projects/p/topics/mailbox-sync",
}


@pytest.fixture(autouse=True)
def _restored_log():
    """An entry takes the process's log over; the next test gets it back."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


@pytest.fixture
def world():
    """Services in force, on a clock that the test winds."""
    with made_services() as world, services.use(world):
        yield world


@pytest.fixture
def call(world):
    """Calls an entry as the framework does; returns the response."""
    app = flask.Flask("test")

    def call(serve, body=b"", *, method="POST", path="/", headers=None, **more):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        with app.test_request_context(path, method=method, data=data, headers=headers or {}, **more):
            return app.make_response(serve(flask.globals.request_ctx.request))

    return call


@pytest.fixture
def lines(capsys):
    def lines():
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return lines


def encoded(payload: object) -> str:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return base64.b64encode(data).decode()


def push(payload: object, **more: object) -> dict[str, object]:
    message = {"data": encoded(payload), "messageId": "7", "message_id": "7", "publishTime": "2026-01-05T09:00:00.1Z"}
    return {"message": message, "subscription": SUBSCRIPTION} | more


def letters(world: Services) -> list[DeadLetter]:
    return [item.value for item in world.store.find(DEAD_LETTERS_NEWEST, limit=100).items]


def receiver(work: Work, parse: Any = MailboxDirty) -> Any:
    def sync_mailbox(message):
        return work(message)

    return entry.pubsub(parse)(sync_mailbox)


def raising(error: BaseException | type[BaseException]) -> Work:
    def work(*_):
        raise error

    return work


# --- What the framework is given --------------------------------------------------------------------------------------


def test_an_entry_is_a_plain_function_under_its_own_name(world):
    def sync_mailbox(dirty):
        """The use case."""

    serve = entry.pubsub(MailboxDirty)(sync_mailbox)

    assert type(serve) is types.FunctionType
    assert (serve.__name__, serve.__doc__) == ("sync_mailbox", "The use case.")
    assert _function_registry.REGISTRY_MAP["sync_mailbox"] == "http"


def test_a_process_with_bad_settings_does_not_start(monkeypatch):
    monkeypatch.setattr(services, "_installed", [])
    monkeypatch.setenv("K_SERVICE", "sync-mailbox")
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:8080")

    with pytest.raises(Rejected, match="FIRESTORE_EMULATOR_HOST"):
        receiver(print)


# --- What is understood -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        push({"mailbox_id": "m1"}),
        push({"mailbox_id": "m1"}, deliveryAttempt=3),
        push({"mailbox_id": "m1", "since_next_release": True}),
        {"message": {"data": encoded({"mailbox_id": "m1"})}},
        {"message": {"data": encoded({"mailbox_id": "m1"}).rstrip("="), "attributes": None}},
        {"message": {"data": encoded({"mailbox_id": "m1"}), "attributes": {"a": "b"}, "orderingKey": "k"}},
    ],
    ids=["usual", "attempt", "unknown field", "least", "unpadded", "attributes"],
)
@pytest.mark.parametrize("as_event", [False, True], ids=["push", "CloudEvent"])
def test_a_message_arrives_in_every_envelope(call, body, as_event):
    got: list[object] = []
    headers = CLOUD_EVENT | {"Content-Type": "application/json"} if as_event else {}

    response = call(receiver(got.append), body, headers=headers)

    assert (response.status_code, response.data) == (204, b"")
    assert got == [MailboxDirty(mailbox_id="m1")]


@pytest.mark.parametrize(
    "message", [{"attributes": {"a": "b"}}, {"data": ""}, {"data": None}], ids=["absent", "", "null"]
)
@pytest.mark.parametrize("as_event", [False, True], ids=["push", "CloudEvent"])
def test_a_message_without_data_is_an_empty_one(call, message, as_event):
    got: list[object] = []

    response = call(receiver(got.append, dict), {"message": message}, headers=CLOUD_EVENT if as_event else {})

    assert response.status_code == 204
    assert got == [{}]


def test_gmails_own_base64_is_understood(call):
    got: list[object] = []
    data = base64.urlsafe_b64encode(b'{"emailAddress": "a>>?@example.com", "historyId": "12"}').decode().rstrip("=")
    assert "_" in data or "-" in data

    call(receiver(got.append, GmailPush.parse), {"message": {"data": data}})

    assert got == [GmailPush(email_address="a>>?@example.com", history_id=12)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "_Push"),
        (b"not json", "_Push"),
        (b"[" * 100_000, "_Push"),
        ({}, "message"),
        ({"message": 5}, "$.message"),
        ({"message": {"data": 5}}, "$.message.data"),
        ({"message": {"data": "a!b"}}, "message.data: not base64"),
        ({"message": {"data": "ünïcode"}}, "message.data: not base64"),
        ({"message": {"data": encoded(b"\xff")}}, "message.data: not a JSON object"),
        ({"message": {"data": encoded([1])}}, "message.data: not a JSON object"),
        ({"message": {"data": encoded(b"[" * 100_000)}}, "message.data: not a JSON object"),
        (push({}), "mailbox_id"),
        (push({"mailbox_id": 5}), "$.mailbox_id"),
        (push({"mailbox_id": None}), "$.mailbox_id"),
        (b" " * (entry.ENVELOPE_BYTES + 1), "longer than"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_can_never_work_is_recorded_with_its_field_and_acknowledged(call, world, body, reason):
    got: list[object] = []

    response = call(receiver(got.append), body)

    assert response.status_code == 204
    assert got == []
    (letter,) = letters(world)
    assert reason in letter.reason
    assert letter.function == "sync_mailbox"


def test_a_cloud_event_that_is_none_is_recorded(call, world):
    response = call(
        receiver(print), push({}), headers={"ce-specversion": "9.9", **CLOUD_EVENT} | {"ce-specversion": "9"}
    )

    assert response.status_code == 204
    assert "CloudEvent" in letters(world)[0].reason


def test_a_rejected_message_is_recorded_with_its_ids_topic_and_attempts(call, world):
    call(receiver(raising(Rejected("mailbox: nobody's"))), push({"mailbox_id": "m1"}, deliveryAttempt=4))

    (letter,) = letters(world)
    assert (letter.topic, letter.attempts, letter.reason) == ("mailbox-sync", 4, "mailbox: nobody's")
    assert json.loads(letter.payload) == {"mailbox_id": "m1"}


def test_a_body_that_is_too_long_is_read_in_pieces_and_not_kept(call):
    class Counting(io.RawIOBase):
        def __init__(self) -> None:
            self.left, self.largest = 40 * 1024 * 1024, 0

        def readable(self):
            return True

        def readinto(self, buffer):
            self.largest = max(self.largest, len(buffer))
            size = min(len(buffer), self.left)
            buffer[:size] = b" " * size
            self.left -= size
            return size

    stream = Counting()
    tracemalloc.start()
    response = call(receiver(print), environ_overrides={"wsgi.input": stream, "CONTENT_LENGTH": str(stream.left)})

    assert response.status_code == 204
    kept = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stream.left == 0
    assert stream.largest <= entry.CHUNK_BYTES
    assert kept < 4 * entry.ENVELOPE_BYTES


# --- What is answered -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "outcome", "severity"),
    [
        (None, 204, "done", "INFO"),
        (Rejected("field: wrong"), 204, "rejected", "WARNING"),
        (GrantRevoked("grant"), 204, "rejected", "WARNING"),
        (TryAgain("down", after=timedelta(seconds=5)), 500, "try_again", "WARNING"),
        (Conflict("revision"), 500, "try_again", "WARNING"),
        (RateLimited("quota"), 500, "try_again", "WARNING"),
        (ValueError("bug"), 500, "crashed", "ERROR"),
        (RecursionError(), 500, "crashed", "ERROR"),
        (Unsure("mail"), 500, "unsure_escaped", "ERROR"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_outcome_has_its_answer_and_its_line(call, lines, error, status, outcome, severity):
    work = raising(error) if error else lambda _: None

    response = call(receiver(work), push({"mailbox_id": "m1"}, deliveryAttempt=2))

    assert response.status_code == status
    assert response.data == b""
    line = lines()[-1]
    assert (line["message"], line["outcome"], line["severity"]) == ("call ended", outcome, severity)
    assert (line["pubsub_message_id"], line["subscription"], line["attempt"]) == ("7", "mailbox-sync.sync_mailbox", 2)
    assert line.get("error") == (type(error).__name__ if error else None)


def test_a_crash_of_the_process_is_not_turned_into_an_answer(call):
    class Killed(BaseException):
        """What the simulation ends a process with."""

    with pytest.raises(Killed):
        call(receiver(raising(Killed())), push({"mailbox_id": "m1"}))


def test_what_cannot_be_recorded_comes_again(call, world, monkeypatch):
    monkeypatch.setattr(world.store, "transact", raising(TryAgain("store down")))

    assert call(receiver(raising(Rejected("x"))), push({"mailbox_id": "m1"})).status_code == 500


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_only_a_post_brings_a_message(call, method):
    got: list[object] = []

    response = call(receiver(got.append), push({"mailbox_id": "m1"}), method=method)

    assert (response.status_code, response.headers["Allow"], got) == (405, "POST", [])


def test_what_the_use_case_returns_is_logged(call, lines):
    @dataclass(frozen=True)
    class Did:
        outcome: str = "synced"
        taken: int = 3

    call(receiver(lambda _: Did()), push({"mailbox_id": "m1"}))

    line = lines()[-1]
    assert (line["outcome"], line["result"], line["taken"]) == ("done", "synced", 3)


def test_a_use_case_logs_into_the_same_call(call, lines):
    def work(_):
        logging.getLogger("shared.mailbox").info("mail taken", extra={"mail_id": "m9"})

    headers = {"Function-Execution-Id": "abc123", "X-Cloud-Trace-Context": "0af7651916cd43dd8448eb211c80319c/1;o=1"}
    call(receiver(work), push({"mailbox_id": "m1"}), headers=headers)

    for line in lines():
        assert line["logging.googleapis.com/labels"]["execution_id"] == "abc123"
        assert line["logging.googleapis.com/trace"].endswith("/traces/0af7651916cd43dd8448eb211c80319c")


# --- Dead letters -----------------------------------------------------------------------------------------------------


def dead(data: str, **attributes: str) -> dict[str, object]:
    spent = {
        "CloudPubSubDeadLetterSourceDeliveryCount": "20",
        "CloudPubSubDeadLetterSourceSubscription": "mailbox-sync.sync_mailbox",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "p",
    } | attributes
    return {"message": {"data": data, "attributes": spent}, "subscription": "projects/p/subscriptions/x"}


@pytest.fixture
def parked(call):
    got: list[object] = []

    def park_dead_letter(message):
        got.append(message)

    serve = entry.dead_letter(park_dead_letter)

    def parked(body):
        assert call(serve, body).status_code == 204
        return got[-1] if got else None

    return parked


def test_a_dead_letter_says_where_it_comes_from(parked):
    message = parked(dead(encoded({"mailbox_id": "m1"})))

    assert message == Undelivered(payload={"mailbox_id": "m1"}, subscription="mailbox-sync.sync_mailbox", attempts=20)


def test_a_dead_letter_that_cannot_be_read_arrives_all_the_same(parked):
    assert parked(dead("a!b")).payload == {}


@pytest.mark.parametrize("count", ["", "-1", "many", "9" * 30, "٣"])
def test_a_count_of_deliveries_that_is_none_counts_as_one(parked, count):
    assert parked(dead("", CloudPubSubDeadLetterSourceDeliveryCount=count)).attempts == 1


def test_a_dead_letter_without_envelope_is_recorded(parked, world):
    assert parked({}) is None
    assert letters(world)[0].function == "park_dead_letter"


# --- Schedules --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Woken:
    scanned: int
    queued: int


@dataclass(frozen=True)
class Search:
    term: str


def scheduled(work: Work, *parse: Any) -> Any:
    @functools.wraps(work)
    def wake_due(*message):
        return work(*message)

    wake_due.__name__ = "wake_due"
    return entry.scheduled(*parse)(wake_due)


def runs(world: Services) -> list[Run]:
    found = world.store.find(RUNS_OF_FUNCTION, equal={"function": "wake_due"}, limit=100)
    return [item.value for item in found.items]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"ignored": 1}'])
def test_a_scheduled_run_leaves_its_record(call, world, body):
    def work():
        world.clock.step(timedelta(seconds=3))
        return Woken(scanned=5, queued=4)

    assert call(scheduled(work), body).status_code == 204

    (run,) = runs(world)
    assert (run.scanned, run.queued, run.updated, run.failed) == (5, 4, 0, 0)
    assert run.finished_at - run.started_at == timedelta(seconds=3)


def test_a_schedule_may_bring_a_payload(call):
    got: list[object] = []

    assert call(scheduled(got.append, Search), {"term": "engineer"}).status_code == 204
    assert got == [Search(term="engineer")]


@pytest.mark.parametrize(
    ("error", "status"), [(Rejected("x"), 204), (TryAgain("down"), 500), (ValueError("bug"), 500), (Unsure("?"), 500)]
)
def test_a_failed_run_leaves_its_record_too(call, world, error, status):
    assert call(scheduled(raising(error))).status_code == status
    assert [run.failed for run in runs(world)] == [1]


@pytest.mark.parametrize(
    "body", [b"[]", b"{", {"term": 5}, b" " * (entry.ENVELOPE_BYTES + 1)], ids=lambda b: str(b)[:9]
)
def test_a_schedule_with_a_bad_payload_is_not_retried(call, world, body):
    got: list[object] = []

    assert call(scheduled(got.append, Search), body).status_code == 204
    assert got == []
    assert [run.failed for run in runs(world)] == [1]


def test_a_schedule_is_called_by_post(call, world):
    assert call(scheduled(lambda: None), method="GET").status_code == 405
    assert runs(world) == []


# --- HTTP -------------------------------------------------------------------------------------------------------------


def http(work: Work) -> Any:
    def api(request):
        return work(request)

    return entry.http(api)


def test_a_request_is_handed_on_as_ours(call):
    got: list[object] = []

    def work(request):
        got.append(request)
        return Response(
            status=201, body=b"{}", headers={"Content-Type": "application/json", "Location": "/x"}, route="/v1"
        )

    response = call(
        http(work),
        b"body",
        path="/v1/a%20b?limit=5&limit=6&q=%C3%A9",
        headers={"Authorization": "Bearer t", "Cookie": "planted", "Content-Type": "text/plain"},
    )

    (request,) = got
    assert request == Request(
        method="POST",
        path="/v1/a b",
        query={"limit": "5", "q": "é"},
        headers={"authorization": "Bearer t", "content-type": "text/plain", "host": "localhost"},
        body=b"body",
    )
    assert (response.status_code, response.data, response.headers["Location"]) == (201, b"{}", "/x")


def test_an_answer_without_a_body_has_no_type(call):
    assert "Content-Type" not in call(http(lambda _: Response(status=204))).headers


@pytest.mark.parametrize(
    ("status", "outcome", "severity"),
    [(200, "done", "INFO"), (404, "done", "INFO"), (503, "try_again", "WARNING"), (500, "crashed", "ERROR")],
)
def test_a_request_is_logged_by_its_route_not_its_path(call, lines, status, outcome, severity):
    call(http(lambda _: Response(status=status, route="/v1/applications/{id}")), path="/v1/canary@example.com?q=canary")

    line = lines()[-1]
    assert (line["route"], line["status"], line["method"]) == ("/v1/applications/{id}", status, "POST")
    assert (line["outcome"], line["severity"]) == (outcome, severity)
    assert "canary" not in json.dumps(line)


def test_a_body_that_is_too_long_is_not_handed_on(call):
    got: list[object] = []

    def work(request):
        got.append(request.body)
        return Response(status=204)

    call(http(work), b"x" * (64 * 1024 + 1))

    assert got == [None]


@pytest.mark.parametrize(("most", "whole"), [(200_000, True), (199_999, False), (65_536, False)])
@pytest.mark.parametrize("declared", [True, False])
def test_a_long_body_is_read_on_for_a_route_that_takes_it(call, most, whole, declared):
    content = bytes(range(250)) * 800
    got: list[object] = []

    def work(request):
        got.append((request.body, request.long_body(most), request.long_body(most)))
        return Response(status=204)

    body = io.BytesIO(content)
    length = {"CONTENT_LENGTH": str(len(content))} if declared else {"wsgi.input_terminated": True}
    call(http(work), environ_overrides={"wsgi.input": body, **length})

    expected = content if whole else None
    assert got == [(None, expected, expected)]
    # It is read to its end in any case, or the framework would keep what is left.
    assert body.read() == b""


@pytest.mark.parametrize("path", ["/" + "x" * 9000, "/?q=" + "x" * 9000])
def test_an_endless_address_is_refused(call, path):
    assert call(http(raising(AssertionError)), path=path).status_code == 414


def test_a_caller_who_hangs_up_is_no_crash(call, lines):
    half = {"wsgi.input": io.BytesIO(b"half"), "CONTENT_LENGTH": "8"}

    response = call(http(raising(AssertionError)), environ_overrides=half)

    assert response.status_code == 500
    assert lines()[-1]["outcome"] == "try_again"


# --- The canary -------------------------------------------------------------------------------------------------------

ADDRESS = "canary@example.com"
SUBJECT = "Canary subject of a mail"
BODY = "canary body of a mail, long enough to be recognised"
TOKEN = "ya29.canary-token-0123456789abcdef"
PLANTED = {"emailAddress": ADDRESS, "historyId": "x", "subject": SUBJECT, "body": BODY, "access_token": TOKEN}


class FromGmail(Exception):
    """A vendor's exception, which quotes what it was given."""


@pytest.mark.parametrize(
    "error",
    [
        None,
        Rejected(f"{ADDRESS} said {SUBJECT!r} and {BODY!r} with {TOKEN}"),
        TryAgain(f"{ADDRESS} {SUBJECT} {BODY} {TOKEN}"),
        Unsure(f"{ADDRESS} {SUBJECT} {BODY} {TOKEN}"),
        FromGmail(ADDRESS, SUBJECT, BODY, TOKEN),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("parse", [dict, GmailPush.parse], ids=["taken", "refused"])
def test_no_log_and_no_record_repeats_what_a_mail_says(world, capfd, error, parse):
    """Through the framework's own application, with every way to fail."""

    def gmail_push(payload):
        log = logging.getLogger("shared.mailbox")
        log.info("mail taken", extra={"mail_id": "m1", "subject": SUBJECT, "kind": ADDRESS})
        logging.getLogger("googleapiclient").warning("%s %s %s %s", ADDRESS, SUBJECT, BODY, TOKEN)
        if error is not None:
            raise error from KeyError(TOKEN)

    serve = entry.pubsub(parse)(gmail_push)
    app = flask.Flask("gmail_push")
    functions_framework._configure_app(app, serve, "http")
    headers = {"X-Cloud-Trace-Context": ADDRESS, "Traceparent": TOKEN, "Function-Execution-Id": SUBJECT}
    with app.test_client() as client:
        client.post(f"/{ADDRESS}?q={TOKEN}", json=push(PLANTED, subscription=ADDRESS), headers=headers)
        client.post("/", data=json.dumps(PLANTED), headers=headers)

    out, err = capfd.readouterr()
    assert '"call ended"' in out
    assert ("mail taken" in out) == (parse is dict)
    said = out + err + repr(letters(world))
    for canary in (ADDRESS, SUBJECT, BODY, TOKEN):
        assert canary not in said
