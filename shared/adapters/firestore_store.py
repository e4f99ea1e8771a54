"""The store on Firestore.

Firestore's gRPC methods are called with the library's own protocol buffers. `google.cloud.firestore` has no
precondition for replacing a document, no time-out for a transaction's calls, a transaction loop that retries in
lock-step and only at commit, and takes two to four times the CPU; of the generated client below it a third of a call's
CPU would go into wrappers. Datetimes come out plain, to the microsecond.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import grpc
import grpc.experimental
from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

from shared import codec
from shared.adapters.store_rules import PendingTransaction, Question, Rules, Write, mask, pause
from shared.errors import Conflict, Rejected, TryAgain
from shared.ports import Page, Revision, Snapshot, Transaction, Value
from shared.schema import QUERIES, Key, Query

T = TypeVar("T")
R = TypeVar("R")

CALL_TIMEOUT = timedelta(seconds=10)
"""For one call. A healthy one takes some 10 ms; waiting for a lock may take seconds."""

TRANSACTION_DEADLINE = timedelta(seconds=30)
"""For a transaction with all its attempts: well within a function's work budget."""

FIRST_PAUSE = timedelta(milliseconds=50)
LONGEST_PAUSE = timedelta(seconds=2)
"""Between attempts: contention on one document passes in the time of a commit, but a crowd has to be spread."""

CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    (grpc.experimental.ChannelOptions.SingleThreadedUnaryStream, 1),
)
"""Answers of any size, as Google's own client takes them. And no thread of gRPC's for each call that streams: we wait
for all of it anyway, and a document is read in half the time and with a third less CPU."""

PRECONDITION = frozenset(
    {grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND}
)
"""What a write is told whose precondition does not hold."""

NEVER_WORKS = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OUT_OF_RANGE})
"""Firestore's answers to what it will never take. All others may pass: even a missing index is made one day."""

REVISION = re.compile(r"(?P<seconds>[0-9]{1,10})\.(?P<nanos>[0-9]{1,9})")
"""A document's update time since 1970, which Firestore compares exactly."""

SERVICE = "/google.firestore.v1.Firestore"
"""Where its methods are, as gRPC names them."""

PACKED = "_packed"
"""The one key of a map that stands for a container in a field without index: its content as MessagePack. Nobody asks
Firestore for anything inside such a field, and spelled out value by value it costs several times as much to write."""

CONTAINERS = (dict, list)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# The bare protocol buffers: their wrappers in `types` take many times as long to build and to read.
_Document = types.Document.pb()
_Value = types.Value.pb()
_Map = types.MapValue.pb()
_Array = types.ArrayValue.pb()
_Write = types.Write.pb()
_Precondition = types.Precondition.pb()
_Query = types.StructuredQuery.pb()
_BatchGet = types.BatchGetDocumentsRequest.pb()
_Commit = types.CommitRequest.pb()
_CommitResponse = types.CommitResponse.pb()
_Rollback = types.RollbackRequest.pb()
_RunQuery = types.RunQueryRequest.pb()
_RunAggregation = types.RunAggregationQueryRequest.pb()
_Operator = types.StructuredQuery.FieldFilter.Operator
_Direction = types.StructuredQuery.Direction


class FirestoreStore:
    """ports.Store on Firestore, or on its emulator when FIRESTORE_EMULATOR_HOST names one.

    Make it after a fork, not before: its connection does not survive one.
    """

    def __init__(
        self,
        project: str,
        database: str = "(default)",
        *,
        queries: Iterable[Query[Any]] = QUERIES,
        deadline: timedelta = TRANSACTION_DEADLINE,
    ) -> None:
        self._rules = Rules(queries)
        self._deadline = deadline
        self._database = f"projects/{project}/databases/{database}"
        self._documents = f"{self._database}/documents"
        self._channel = _connect(os.environ.get("FIRESTORE_EMULATOR_HOST", ""))
        self._batch_get = self._streaming("BatchGetDocuments", types.BatchGetDocumentsResponse)
        self._run_query = self._streaming("RunQuery", types.RunQueryResponse)
        self._run_aggregation = self._streaming("RunAggregationQuery", types.RunAggregationQueryResponse)
        self._commit_call = self._channel.unary_unary(
            f"{SERVICE}/Commit", _to_bytes, types.CommitResponse.pb().FromString
        )
        self._rollback_call = self._channel.unary_unary(f"{SERVICE}/Rollback", _to_bytes)

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def get(self, key: Key[T]) -> Snapshot[T] | None:
        """The document, or None."""
        return self.get_many([key])[0]

    def get_many(self, keys: Sequence[Key[T]]) -> tuple[Snapshot[T] | None, ...]:
        """The documents in the order of the keys, all as of one moment."""
        self._rules.outside_transaction()
        if not keys:
            return ()
        found, _ = self.fetch(keys, again=True)
        return tuple(
            None if document is None else Snapshot(key, _record(key.collection.record, document), _revision(document))
            for key, document in zip(keys, found, strict=True)
        )

    def create(self, key: Key[T], value: T) -> Revision:
        """Write a document that must not exist yet; Conflict otherwise."""
        self._rules.outside_transaction()
        write = self._written(Write("create", key, *self._rules.document(key, value)))
        return self._patiently(lambda: self._commit([write], f"create in {key.collection.name}"))

    def put(self, key: Key[T], value: T, *, revision: Revision) -> Revision:
        """Write the document if it is still at `revision`; Conflict otherwise. Unchanged content keeps its revision."""
        self._rules.outside_transaction()
        write = self._written(Write("put", key, *self._rules.document(key, value), revision))
        try:
            return self._commit([write], f"put in {key.collection.name}")
        except _Contended as e:
            # A transaction holds the document, most likely to change it: what the caller has read is good no more.
            raise Conflict(str(e)) from e

    def delete(self, key: Key[Any]) -> None:
        """Remove the document; a missing one is no error."""
        self._rules.outside_transaction()
        self._rules.compared(key.collection)
        write = self._written(Write("delete", key, {}, b""))
        self._patiently(lambda: self._commit([write], f"delete in {key.collection.name}"))

    def find(
        self,
        query: Query[T],
        *,
        limit: int,
        parent: str = "",
        equal: Mapping[str, Value] | None = None,
        contains: Value | None = None,
        since: Value | None = None,
        before: Value | None = None,
        cursor: str = "",
    ) -> Page[T]:
        """Documents in the query's order, then by id; `since <= order field < before`."""
        self._rules.outside_transaction()
        question = self._rules.question(
            query,
            limit=limit,
            parent=parent,
            equal=equal,
            contains=contains,
            since=since,
            before=before,
            cursor=cursor,
        )
        structured = self._structured(question)
        way = _Direction.DESCENDING if query.descending else _Direction.ASCENDING
        structured.order_by.add(field={"field_path": "__name__"}, direction=way)
        # One document more than asked for tells whether there is a next page.
        structured.limit.value = limit + 1
        for name in mask(query):
            structured.select.fields.add(field_path=name)
        if question.after is not None:
            value, ids = question.after
            if query.order:
                structured.start_at.values.append(_value(value))
            structured.start_at.values.add(reference_value=self._name(_key_below(question, ids)))
        request = _RunQuery(parent=self._parent(question), structured_query=structured)
        answers = self._stream(self._run_query, request, f"find {query.name}", again=True)
        documents = [answer.document for answer in answers if answer.HasField("document")]
        keys = [self._key(query, document) for document in documents[:limit]]
        items = tuple(
            Snapshot(key, _record(query.record, document), _revision(document))
            for key, document in zip(keys, documents[:limit], strict=True)
        )
        if len(documents) <= limit:
            return Page(items)
        last = _plain(documents[limit - 1].fields[query.order]) if query.order else None
        return Page(items, self._rules.cursor(query, last, keys[-1].ids if query.group else keys[-1].ids[-1:]))

    def count(
        self,
        query: Query[Any],
        *,
        parent: str = "",
        equal: Mapping[str, Value] | None = None,
        since: Value | None = None,
        before: Value | None = None,
    ) -> int:
        """How many documents the query finds."""
        self._rules.outside_transaction()
        question = self._rules.question(query, parent=parent, equal=equal, since=since, before=before)
        return int(self._aggregate(question, {"count": {}}))

    def sum(
        self,
        query: Query[Any],
        field: str,
        *,
        parent: str = "",
        equal: Mapping[str, Value] | None = None,
        since: Value | None = None,
        before: Value | None = None,
    ) -> float:
        """The sum of a numeric field over the documents that the query finds; those without the field add nothing."""
        self._rules.outside_transaction()
        self._rules.summed(query, field)
        question = self._rules.question(query, parent=parent, equal=equal, since=since, before=before)
        return float(self._aggregate(question, {"sum": {"field": {"field_path": field}}}))

    def transact(self, work: Callable[[Transaction], R], *, reads: Sequence[Key[Any]] = ()) -> R:
        """Run `work` until its writes commit, again whenever another transaction was in the way, up to the deadline."""
        self._rules.outside_transaction()
        return self._patiently(lambda: self._attempt(work, reads))

    def _attempt(self, work: Callable[[Transaction], R], reads: Sequence[Key[Any]]) -> R:
        """Run `work` once and commit. Raises _Contended when that is worth another attempt."""
        session = _Session(self)
        transaction = PendingTransaction(self._rules, session.fetch)
        try:
            transaction.fetch(reads)
            result = self._rules.run(work, transaction)
            session.check()
            if session.id or transaction.writes:
                writes = [self._written(write) for write in transaction.writes]
                self._commit(writes, "commit", transaction=session.id)
                session.id = b""
        except Exception:
            session.check()
            raise
        finally:
            if session.id:
                self._rollback(session.id)
        return result

    def _patiently(self, attempt: Callable[[], R]) -> R:
        """Repeat what was refused for contention, which has left no trace, with jitter and up to the deadline."""
        end = time.monotonic() + self._deadline.total_seconds()
        attempts = 0
        while True:
            try:
                return attempt()
            except _Contended:
                wait = pause(attempts, first=FIRST_PAUSE, longest=LONGEST_PAUSE)
                if time.monotonic() + wait > end:
                    raise
            time.sleep(wait)
            attempts += 1

    def fetch(
        self, keys: Sequence[Key[Any]], *, transaction: bytes | None = None, again: bool = False
    ) -> tuple[list[Any], bytes]:
        """The documents (None for a missing one), and the transaction that they were read in.

        Without `transaction` they are read outside of any; with an empty one the read begins it.
        """
        names = []
        for key in keys:
            self._rules.compared(key.collection)
            names.append(self._name(key))
        request = _BatchGet(database=self._database, documents=list(dict.fromkeys(names)))
        if transaction:
            request.transaction = transaction
        elif transaction is not None:
            request.new_transaction.read_write.SetInParent()
        answers = self._stream(self._batch_get, request, f"get from {keys[0].collection.name}", again=again)
        found = {answer.found.name: answer.found for answer in answers if answer.HasField("found")}
        begun = next((answer.transaction for answer in answers if answer.transaction), transaction or b"")
        return [found.get(name) for name in names], begun

    def _commit(self, writes: Sequence[Any], what: str, *, transaction: bytes = b"") -> Revision:
        """Make the writes together and return the first one's revision; Conflict when a precondition does not hold."""
        request = _Commit(database=self._database, writes=writes, transaction=transaction)
        answer = self._call(self._commit_call, request, what, refusal=Conflict)
        return _time_text(answer.write_results[0].update_time) if answer.write_results else ""

    def _rollback(self, transaction: bytes) -> None:
        """End a transaction that was not committed: its locks would live for another minute."""
        request = _Rollback(database=self._database, transaction=transaction)
        try:
            self._call(self._rollback_call, request, "rollback")
        except (Rejected, TryAgain):
            # It may have ended already, and the error on its way to the caller matters more than a lock.
            return

    def _aggregate(self, question: Question, aggregation: Mapping[str, Any]) -> int | float:
        request = _RunAggregation(parent=self._parent(question))
        request.structured_aggregation_query.structured_query.CopyFrom(self._structured(question))
        request.structured_aggregation_query.aggregations.add(alias="result", **aggregation)
        answers = self._stream(self._run_aggregation, request, f"aggregate {question.query.name}", again=True)
        number: int | float = _plain(answers[0].result.aggregate_fields["result"])
        return number

    def _structured(self, question: Question) -> Any:
        """The question in Firestore's terms, without the order by document id and what only `find` asks for."""
        query = question.query
        structured = _Query(from_=[{"collection_id": query.collection.name, "all_descendants": query.group}])
        terms: list[tuple[str, Any, Value | None]] = [
            *((name, _Operator.EQUAL, value) for name, value in question.equal),
            (query.contains, _Operator.ARRAY_CONTAINS, question.contains),
            (query.order, _Operator.GREATER_THAN_OR_EQUAL, question.since),
            (query.order, _Operator.LESS_THAN, question.before),
        ]
        for name, operator, value in terms:
            if value is not None:
                structured.where.composite_filter.op = types.StructuredQuery.CompositeFilter.Operator.AND
                structured.where.composite_filter.filters.add(
                    field_filter={"field": {"field_path": name}, "op": operator, "value": _value(value)}
                )
        if query.order:
            way = _Direction.DESCENDING if query.descending else _Direction.ASCENDING
            structured.order_by.add(field={"field_path": query.order}, direction=way)
        return structured

    def _written(self, write: Write) -> Any:
        """A write in Firestore's terms."""
        path = self._name(write.key)
        if write.verb == "delete":
            return _Write(delete=path)
        unindexed = write.key.collection.unindexed
        fields = {name: _value(_packed(value) if name in unindexed else value) for name, value in write.plain.items()}
        document = _Document(name=path, fields=fields)
        if write.verb == "create":
            return _Write(update=document, current_document=_Precondition(exists=False))
        if write.revision is None:
            return _Write(update=document)
        written = REVISION.fullmatch(write.revision)
        if written is None:
            raise Conflict(f"a document of {write.key.collection.name} has changed")
        update_time = {"seconds": int(written["seconds"]), "nanos": int(written["nanos"])}
        return _Write(update=document, current_document={"update_time": update_time})

    def _name(self, key: Key[Any]) -> str:
        return f"{self._documents}/{key.path}"

    def _parent(self, question: Question) -> str:
        if not question.parent:
            return self._documents
        return f"{self._documents}/{question.query.collection.parent}/{question.parent}"

    def _key(self, query: Query[T], document: Any) -> Key[T]:
        """The key of a document that a query has found."""
        return Key(query.collection, tuple(document.name.removeprefix(self._documents).split("/")[2::2]))

    def _streaming(self, method: str, answer: Any) -> Callable[..., Iterable[Any]]:
        call: Callable[..., Iterable[Any]] = self._channel.unary_stream(
            f"{SERVICE}/{method}", _to_bytes, answer.pb().FromString
        )
        return call

    def _stream(
        self, method: Callable[..., Iterable[Any]], request: Any, what: str, *, again: bool = False
    ) -> list[Any]:
        """All answers of a streaming call; `again` repeats one whose connection was lost."""
        end = time.monotonic() + CALL_TIMEOUT.total_seconds()
        attempts = 0
        while True:
            try:
                return self._call(lambda request, **options: list(method(request, **options)), request, what)
            except _Disconnected:
                wait = pause(attempts, first=FIRST_PAUSE, longest=LONGEST_PAUSE)
                if not again or time.monotonic() + wait > end:
                    raise
            time.sleep(wait)
            attempts += 1

    def _call(self, method: Callable[..., R], request: Any, what: str, *, refusal: type[TryAgain] = TryAgain) -> R:
        """One call with its time-out; `refusal` is raised when a precondition of the request does not hold.

        No text of Firestore's goes into the message: it may quote the document.
        """
        # Firestore's front ends route by these two; the second is named for the request's own field.
        field = "parent" if hasattr(request, "parent") else "database"
        metadata = (
            ("google-cloud-resource-prefix", self._database),
            ("x-goog-request-params", f"{field}={quote(getattr(request, field))}"),
        )
        try:
            return method(request, timeout=CALL_TIMEOUT.total_seconds(), metadata=metadata)
        except grpc.RpcError as e:
            status = e.code()
            kind = (
                _Contended
                if status is grpc.StatusCode.ABORTED
                else refusal
                if status in PRECONDITION
                else Rejected
                if status in NEVER_WORKS
                else _Disconnected
                if status is grpc.StatusCode.UNAVAILABLE
                else TryAgain
            )
            raise kind(f"Firestore: {what}: {status.name}") from e


def _connect(emulator: str) -> grpc.Channel:
    """A channel to Firestore. Raises TryAgain when there are no credentials to connect with."""
    if emulator:
        return grpc.insecure_channel(emulator, CHANNEL_OPTIONS)
    try:
        return FirestoreGrpcTransport.create_channel(options=CHANNEL_OPTIONS)
    except GoogleAuthError as e:
        raise TryAgain(f"Firestore: connect: {type(e).__name__}") from e


def _to_bytes(request: Any) -> bytes:
    content: bytes = request.SerializeToString()
    return content


class _Disconnected(TryAgain):
    """There was no connection, or it was lost; what the call did is not known."""


class _Contended(TryAgain):
    """Refused because somebody else holds a document: nothing was written."""


class _Session:
    """One attempt at a transaction, begun at Firestore by its first read."""

    def __init__(self, store: FirestoreStore) -> None:
        self.id = b""
        """Firestore's name for the transaction; empty while there is none to end."""
        self._store = store
        self._contended: _Contended | None = None

    def check(self) -> None:
        """Raises _Contended if a read has: the attempt is lost, whatever the callable has made of that error."""
        if self._contended is not None:
            raise self._contended

    def fetch(self, keys: Sequence[Key[Any]]) -> list[object | None]:
        """The documents in the order of the keys, locked until the transaction ends."""
        try:
            documents, self.id = self._store.fetch(keys, transaction=self.id)
        except _Contended as e:
            self._contended = e
            raise
        return [
            None if document is None else _record(key.collection.record, document)
            for key, document in zip(keys, documents, strict=True)
        ]


def _record(record: type[T], document: Any) -> T:
    return codec.from_plain(record, {name: _unpacked(_plain(value)) for name, value in document.fields.items()})


def _packed(plain: Any) -> Any:
    return {PACKED: codec.to_bytes(plain)} if type(plain) in CONTAINERS else plain


def _unpacked(plain: Any) -> Any:
    """A field's value; one that was written before containers were packed is as it is."""
    if type(plain) is dict and plain.keys() == {PACKED}:
        return codec.from_bytes(Any, plain[PACKED])
    return plain


def _revision(document: Any) -> Revision:
    return _time_text(document.update_time)


def _time_text(time_: Any) -> Revision:
    return f"{time_.seconds}.{time_.nanos}"


def _key_below(question: Question, ids: tuple[str, ...]) -> Key[Any]:
    """The document that a cursor names; of a query within one parent it bears the last id only."""
    return Key(question.query.collection, (question.parent, *ids) if question.parent else ids)


def _value(value: Any) -> Any:
    """Plain data as Firestore's Value."""
    return _VALUE_OF[type(value)](value)


def _time_value(value: datetime) -> Any:
    # Whole numbers all the way: a timestamp() is a float, and its last microseconds are a guess.
    since = value - EPOCH
    return _Value(timestamp_value={"seconds": since.days * 86400 + since.seconds, "nanos": since.microseconds * 1000})


_VALUE_OF: dict[type, Callable[[Any], Any]] = {
    str: lambda value: _Value(string_value=value),
    bool: lambda value: _Value(boolean_value=value),
    int: lambda value: _Value(integer_value=value),
    float: lambda value: _Value(double_value=value),
    bytes: lambda value: _Value(bytes_value=value),
    datetime: _time_value,
    dict: lambda value: _Value(map_value=_Map(fields={name: _value(item) for name, item in value.items()})),
    list: lambda value: _Value(array_value=_Array(values=[_value(item) for item in value])),
    type(None): lambda _: _Value(null_value=0),
}


def _plain(value: Any) -> Any:
    """Firestore's Value as plain data."""
    kind = value.WhichOneof("value_type")
    if kind == "timestamp_value":
        stamp = value.timestamp_value
        return EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
    if kind == "map_value":
        return {name: _plain(item) for name, item in value.map_value.fields.items()}
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    if kind == "null_value":
        return None
    return getattr(value, kind)
