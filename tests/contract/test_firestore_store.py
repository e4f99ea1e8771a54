"""What is Firestore's own in its store: how each of its answers becomes an error of ours, and what is tried again.

A small gRPC server stands in for Firestore and answers with the status that a test asks for.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.cloud.firestore_v1 import types

from shared.adapters.firestore_store import FirestoreStore
from shared.errors import Conflict, Rejected, TryAgain
from tests.support import stores
from tests.support.stores import THINGS, Thing, on_emulator

A = THINGS.key("o", "a")
B = THINGS.key("o", "b")
Status = grpc.StatusCode
REVISION = "1.5"
SECRET = "ada@example.com"


class Firestore(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """Answers each call with the next status that was prepared for its method, and with success when none is left."""

    def __init__(self):
        self.calls: Counter[str] = Counter()
        self.failures = {}
        self.requests = []

    def fail(self, method, *statuses):
        self.failures[method] = list(statuses)

    def service(self, call):
        method = call.method.rpartition("/")[2]
        streaming = method in ("BatchGetDocuments", "RunQuery", "RunAggregationQuery")

        def answer(request, context):
            self.calls[method] += 1
            self.requests.append((method, request))
            assert context.time_remaining() < 60  # Every call has its time-out.
            if self.failures.get(method):
                context.abort(self.failures[method].pop(0), f"no luck with {SECRET}")
            return getattr(self, method)()

        def stream(request, context):
            yield from answer(request, context)

        if streaming:
            return grpc.unary_stream_rpc_method_handler(stream)
        return grpc.unary_unary_rpc_method_handler(answer)

    def BatchGetDocuments(self):  # noqa: N802 - the names of the protocol
        document = types.Document(name="projects/p/databases/(default)/documents/owners/o/things/a")
        yield types.BatchGetDocumentsResponse.serialize(types.BatchGetDocumentsResponse(transaction=b"t"))
        yield types.BatchGetDocumentsResponse.serialize(types.BatchGetDocumentsResponse(found=document))

    def RunQuery(self):  # noqa: N802
        yield from ()

    def RunAggregationQuery(self):  # noqa: N802
        result = {"result": types.Value(integer_value=7)}
        yield types.RunAggregationQueryResponse.serialize(
            types.RunAggregationQueryResponse(result=types.AggregationResult(aggregate_fields=result))
        )

    def Commit(self):  # noqa: N802
        written = types.WriteResult(update_time={"seconds": 1, "nanos": 5})
        return types.CommitResponse.serialize(types.CommitResponse(write_results=[written]))

    def Rollback(self):  # noqa: N802
        return b""


@pytest.fixture
def firestore():
    handler = Firestore()
    with ThreadPoolExecutor(4) as threads:
        server = grpc.server(threads, handlers=[handler])
        handler.host = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        yield handler
        server.stop(None).wait()


@pytest.fixture
def store(firestore):
    with on_emulator(firestore.host, "p", deadline=timedelta(seconds=2)) as opened:
        yield opened


def put_one(transaction):
    transaction.get(A)
    transaction.put(A, Thing(text="new"))


CALLS = {
    "get": ("BatchGetDocuments", lambda store: store.get(A)),
    "find": ("RunQuery", lambda store: store.find(stores.BY_TEXT, parent="o", limit=1)),
    "count": ("RunAggregationQuery", lambda store: store.count(stores.BY_TEXT, parent="o")),
    "create": ("Commit", lambda store: store.create(A, Thing())),
    "put": ("Commit", lambda store: store.put(A, Thing(), revision=REVISION)),
    "delete": ("Commit", lambda store: store.delete(A)),
    "transact": ("Commit", lambda store: store.transact(put_one)),
    "transact's read": ("BatchGetDocuments", lambda store: store.transact(put_one)),
}
WRITES = ["create", "put", "delete", "transact"]
READS = ["get", "find", "count"]


@pytest.mark.parametrize("name", CALLS)
def test_without_failures_every_call_works(store, name):
    CALLS[name][1](store)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("status", [Status.INVALID_ARGUMENT, Status.OUT_OF_RANGE], ids=lambda status: status.name)
def test_what_firestore_will_never_take_is_rejected(store, firestore, name, status):
    method, call = CALLS[name]
    firestore.fail(method, status)
    with pytest.raises(Rejected, match="Firestore: "):
        call(store)
    assert firestore.calls[method] == 1


MAY_PASS = [
    Status.DEADLINE_EXCEEDED,
    Status.RESOURCE_EXHAUSTED,
    Status.INTERNAL,
    Status.UNKNOWN,
    Status.CANCELLED,
    Status.DATA_LOSS,
    Status.PERMISSION_DENIED,
    Status.UNAUTHENTICATED,
    Status.UNIMPLEMENTED,
]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("status", MAY_PASS, ids=lambda status: status.name)
def test_what_may_pass_is_worth_another_try_but_not_here(store, firestore, name, status):
    method, call = CALLS[name]
    firestore.fail(method, status)
    with pytest.raises(TryAgain, match="Firestore: ") as raised:
        call(store)
    assert type(raised.value) is TryAgain
    assert firestore.calls[method] == 1


@pytest.mark.parametrize("name", WRITES)
def test_a_write_whose_outcome_is_unknown_is_not_repeated(store, firestore, name):
    method, call = CALLS[name]
    firestore.fail(method, Status.UNAVAILABLE)
    with pytest.raises(TryAgain):
        call(store)
    assert firestore.calls["Commit"] == 1


@pytest.mark.parametrize("name", READS)
def test_a_read_is_repeated_when_the_connection_was_lost(store, firestore, name):
    method, call = CALLS[name]
    firestore.fail(method, Status.UNAVAILABLE, Status.UNAVAILABLE)
    call(store)
    assert firestore.calls[method] == 3


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("create", Status.ALREADY_EXISTS),
        ("transact", Status.ALREADY_EXISTS),
        ("put", Status.FAILED_PRECONDITION),
        ("put", Status.NOT_FOUND),
        ("put", Status.ABORTED),
    ],
)
def test_a_precondition_that_does_not_hold_is_a_conflict_at_once(store, firestore, name, status):
    method, call = CALLS[name]
    firestore.fail(method, status)
    with pytest.raises(Conflict):
        call(store)
    assert firestore.calls["Commit"] == 1


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("status", [Status.FAILED_PRECONDITION, Status.NOT_FOUND], ids=lambda status: status.name)
def test_a_question_without_its_index_or_database_may_be_asked_again(store, firestore, name, status):
    method, call = CALLS[name]
    firestore.fail(method, status)
    with pytest.raises(TryAgain) as raised:
        call(store)
    assert type(raised.value) is TryAgain


@pytest.mark.parametrize("name", ["create", "delete", "transact", "transact's read"])
def test_contention_is_waited_out(store, firestore, name):
    method, call = CALLS[name]
    firestore.fail(method, Status.ABORTED, Status.ABORTED)
    call(store)
    assert firestore.calls[method] >= 3


@pytest.mark.parametrize("name", ["create", "delete", "transact", "transact's read"])
def test_contention_without_end_gives_up_at_the_deadline(firestore, name):
    method, call = CALLS[name]
    firestore.fail(method, *[Status.ABORTED] * 1000)
    started = time.monotonic()
    with on_emulator(firestore.host, "p", deadline=timedelta(seconds=0.5)) as store, pytest.raises(TryAgain) as raised:
        call(store)
    assert not isinstance(raised.value, Conflict)  # That would say that the document exists.
    assert time.monotonic() - started < 5
    assert firestore.calls[method] > 1


def test_a_transaction_begins_with_its_first_read_and_ends_with_its_commit(store, firestore):
    store.transact(put_one, reads=[A])
    assert dict(firestore.calls) == {"BatchGetDocuments": 1, "Commit": 1}
    (_, read), (_, commit) = firestore.requests
    assert "read_write" in types.BatchGetDocumentsRequest.deserialize(read).new_transaction
    assert types.CommitRequest.deserialize(commit).transaction == b"t"


def test_what_no_query_reads_is_written_in_one_piece(store, firestore):
    store.create(A, Thing(notes={"a": "b", "n": 1}, tags=("x",)))
    ((_, request),) = firestore.requests
    fields = types.CommitRequest.deserialize(request).writes[0].update.fields
    assert list(fields["notes"].map_value.fields) == ["_packed"]  # THINGS says that notes has no index.
    assert fields["tags"].array_value.values[0].string_value == "x"


@pytest.mark.emulators
def test_a_container_is_read_whether_or_not_it_was_packed(firestore_emulator, emulator_project, monkeypatch):
    notes: dict[str, str | int | None] = {"a": "b", "n": 1, "_packed": "a key like any other"}
    with on_emulator(firestore_emulator.host, emulator_project) as store:
        store.create(A, Thing(notes=notes))
        with monkeypatch.context() as as_before:
            as_before.setattr("shared.adapters.firestore_store._packed", lambda plain: plain)
            store.create(B, Thing(notes=notes))
        assert [found and found.value.notes for found in store.get_many([A, B])] == [notes, notes]


def test_a_transaction_that_reads_nothing_is_one_call(store, firestore):
    store.transact(lambda transaction: transaction.put(A, Thing()))
    assert dict(firestore.calls) == {"Commit": 1}


@pytest.mark.parametrize("status", [Status.ABORTED, Status.UNAVAILABLE, Status.ALREADY_EXISTS])
def test_every_attempt_that_did_not_commit_is_rolled_back(firestore, status):
    firestore.fail("Commit", *[status] * 1000)
    with on_emulator(firestore.host, "p", deadline=timedelta(seconds=0.3)) as store, pytest.raises(TryAgain):
        store.transact(put_one)
    assert firestore.calls["Rollback"] == firestore.calls["Commit"]


def test_an_error_in_the_work_rolls_back_even_when_that_fails(store, firestore):
    firestore.fail("Rollback", Status.UNAVAILABLE)

    def work(transaction):
        transaction.get(A)
        raise KeyError

    with pytest.raises(KeyError):
        store.transact(work)
    assert dict(firestore.calls) == {"BatchGetDocuments": 1, "Rollback": 1}


@pytest.mark.parametrize("then", ["raises", "returns"])
def test_contention_counts_even_when_the_work_swallows_it(store, firestore, then):
    firestore.fail("BatchGetDocuments", Status.ABORTED)
    runs = []

    def work(transaction):
        runs.append(1)
        try:
            return transaction.get(A)
        except TryAgain:
            if then == "raises":
                raise LookupError from None
            return None

    assert store.transact(work) == Thing()
    assert len(runs) == 2


@pytest.mark.parametrize("name", CALLS)
def test_no_message_of_ours_quotes_firestore(store, firestore, name):
    method, call = CALLS[name]
    firestore.fail(method, Status.INVALID_ARGUMENT)
    with pytest.raises(Rejected) as raised:
        call(store)
    assert SECRET not in str(raised.value)


def test_a_server_that_is_not_there_is_worth_another_try():
    with on_emulator("127.0.0.1:1", "p") as store, pytest.raises(TryAgain):
        store.create(A, Thing())


def test_two_databases_of_one_project_are_two_stores(firestore_emulator, emulator_project):
    with (
        on_emulator(firestore_emulator.host, emulator_project) as one,
        on_emulator(firestore_emulator.host, emulator_project, database="other") as other,
    ):
        one.create(A, Thing())
        assert other.get(A) is None


def test_without_an_emulator_it_connects_to_google_with_the_processes_own_credentials(tmp_path, monkeypatch):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    account = {
        "type": "service_account",
        "client_email": "store@p.iam.gserviceaccount.com",
        "private_key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        "token_uri": "https://127.0.0.1:1/token",
    }
    (tmp_path / "key.json").write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    with contextlib.closing(FirestoreStore("p")) as store:
        assert isinstance(store, FirestoreStore)


def test_without_credentials_it_is_worth_another_try(tmp_path, monkeypatch):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    with pytest.raises(TryAgain, match="Firestore"):
        FirestoreStore("p")


def test_threads_share_one_store(store, firestore):
    start = threading.Barrier(8)

    def work(_):
        start.wait()
        return store.get(A).value

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(work, range(8))) == [Thing()] * 8
    assert firestore.calls["BatchGetDocuments"] == 8


def test_importing_the_store_loads_no_other_vendor():
    """A cold start pays for each of them."""
    program = "import sys, shared.adapters.firestore_store as s; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = set(loaded.stdout.split())
    assert "google.cloud.firestore_v1" in modules
    assert not {"google.cloud.pubsub_v1", "googleapiclient", "sqlite3", "tenacity", "yaml"} & modules
