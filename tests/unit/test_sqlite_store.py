"""What is SQLite's own in the local store; what it shares with Firestore is in tests/contract/test_store.py."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters import sqlite_store
from shared.adapters.sqlite_store import SqliteStore
from shared.errors import Conflict, TryAgain
from shared.schema import QUERIES, USERS, Collection, Query
from tests.support import stores
from tests.support.stores import ALL_QUERIES, THINGS, Thing

A, B = THINGS.key("o", "a"), THINGS.key("o", "b")
NOW = datetime(2026, 3, 4, tzinfo=UTC)


@contextlib.contextmanager
def opened(path=":memory:", **options):
    with contextlib.closing(SqliteStore(path, **{"queries": ALL_QUERIES, **options})) as store:
        yield store


def add_one(transaction):
    transaction.put(A, Thing(number=transaction.get(A).number + 1))


# --- Files ------------------------------------------------------------------------------------------------------------


def test_a_file_keeps_documents_revisions_and_order(tmp_path):
    with opened(tmp_path / "s") as store:
        revision = store.create(A, Thing(at=NOW, tags=("x",)))
        store.create(B, Thing(at=NOW - timedelta(microseconds=1)))
    with opened(tmp_path / "s") as store:
        assert store.get(A).revision == revision
        assert [s.key for s in store.find(stores.BY_TIME, parent="o", limit=9).items] == [B, A]
        assert [s.key for s in store.find(stores.TAGGED, parent="o", contains="x", limit=9).items] == [A]


def test_a_revision_is_never_given_twice_not_even_after_reopening(tmp_path):
    revisions = []
    for _ in range(3):
        with opened(tmp_path / "s") as store:
            revisions.append(store.create(A, Thing()))
            store.delete(A)
    assert len(set(revisions)) == 3


def test_a_file_is_its_owners_alone(tmp_path):
    with opened(tmp_path / "s") as store:
        store.create(A, Thing())
        assert {stat.S_IMODE(os.stat(path).st_mode) for path in tmp_path.iterdir()} == {0o600}  # noqa: PTH116 - all files


def test_a_commit_survives_a_power_cut(tmp_path):
    with opened(tmp_path / "s") as store:
        assert store._rows("PRAGMA journal_mode") == [("wal",)]
        assert store._rows("PRAGMA synchronous") == [(2,)]  # FULL


@pytest.mark.parametrize("content", [b"this is no database, whatever its name says" * 50, None])
def test_a_file_that_cannot_be_opened_is_worth_another_try(tmp_path, content):
    path = tmp_path / ("s" if content else "missing/s")
    if content:
        path.write_bytes(content)
    with pytest.raises(TryAgain, match="SQLite"):
        SqliteStore(path)


def test_a_file_that_another_process_holds_is_worth_another_try(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite_store, "BUSY_TIMEOUT", timedelta(milliseconds=20))
    with opened(tmp_path / "s") as store, contextlib.closing(sqlite3.connect(tmp_path / "s")) as other:
        store.create(A, Thing())
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TryAgain, match="locked"):
            store.create(B, Thing())
        with pytest.raises(TryAgain, match="locked"):
            store.transact(lambda transaction: transaction.create(B, Thing()))
        other.rollback()
        store.create(B, Thing())


def test_two_stores_on_one_file_see_each_other_and_conflict(tmp_path):
    with opened(tmp_path / "s") as one, opened(tmp_path / "s") as other:
        revision = one.create(A, Thing(number=0))
        assert other.get(A).value == Thing(number=0)
        with pytest.raises(Conflict):
            other.create(A, Thing())
        runs = []

        def work(transaction):
            runs.append(transaction.get(A).number)
            if len(runs) == 1:
                other.put(A, Thing(number=10), revision=revision)
            transaction.put(A, Thing(number=runs[-1] + 1))

        one.transact(work)
        assert runs == [0, 10]
        assert other.get(A).value.number == 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    text: str = ""
    words: tuple[str, ...] = ()
    at: datetime | None = None


NOTES = Collection("notes", Note)
BY_TEXT = Query(name="notes_by_text", collection=NOTES, record=Note, order="text")
BY_TIME = Query(name="notes_by_time", collection=NOTES, record=Note, equal=("text",), order="at", descending=True)
WITH_WORD = Query(name="notes_with_word", collection=NOTES, record=Note, contains="words")


def test_a_newer_release_that_compares_more_fields_finds_older_documents(tmp_path):
    with opened(tmp_path / "s", queries=(BY_TEXT,)) as store:
        store.create(NOTES.key("a"), Note(text="t", words=("x", "y"), at=NOW))
        store.create(NOTES.key("b"), Note(text="t", at=NOW + timedelta(seconds=1)))
    with opened(tmp_path / "s", queries=(BY_TEXT, BY_TIME, WITH_WORD)) as store:
        assert [s.key.id for s in store.find(BY_TIME, equal={"text": "t"}, limit=9).items] == ["b", "a"]
        assert [s.key.id for s in store.find(WITH_WORD, contains="y", limit=9).items] == ["a"]
    with opened(tmp_path / "s", queries=(BY_TEXT,)) as store:
        assert store.count(BY_TEXT) == 2  # The older release goes on meanwhile.
        store.create(NOTES.key("c"), Note(text="u"))


# --- Transactions -----------------------------------------------------------------------------------------------------


def test_injected_conflicts_make_the_work_run_again_and_nothing_is_written_twice():
    conflicts = iter([True, True, False])
    with opened(conflicts=lambda: next(conflicts), sleep=lambda _: None) as store:
        store.create(A, Thing(number=1))
        runs = []

        def work(transaction):
            runs.append(transaction.get(A).number)
            transaction.put(A, Thing(number=runs[-1] + 1))
            transaction.create(B, Thing())

        store.transact(work)
        assert runs == [1, 1, 1]
        assert store.get(A).value.number == 2


def test_a_transaction_that_is_always_overtaken_gives_up_in_bounded_time():
    pauses: list[float] = []
    with opened(conflicts=lambda: True, sleep=pauses.append) as store:
        store.create(A, Thing(number=1))
        with pytest.raises(TryAgain) as raised:
            store.transact(add_one)
        assert not isinstance(raised.value, Conflict)  # A Conflict would say that a document to create exists.
        assert store.get(A).value.number == 1
    assert len(pauses) == sqlite_store.TRANSACTION_ATTEMPTS - 1
    assert all(0 <= seconds <= sqlite_store.LONGEST_PAUSE.total_seconds() for seconds in pauses)
    assert len(set(pauses)) > 20  # Jitter: those who collided do not meet again.


@pytest.mark.parametrize("known", [(), (A,)])
def test_a_write_between_read_and_commit_makes_the_work_run_again(known):
    with opened() as store:
        store.create(A, Thing(number=1))
        runs = []

        def work(transaction):
            runs.append(transaction.get(A).number)
            if len(runs) == 1:
                other = threading.Thread(target=store.transact, args=(add_one,))
                other.start()
                other.join()
            transaction.put(A, Thing(number=runs[-1] * 10))

        store.transact(work, reads=known)
        assert runs == [1, 2]
        assert store.get(A).value.number == 20


def test_a_document_that_appears_between_read_and_commit_makes_the_work_run_again():
    with opened() as store:
        runs = []

        def work(transaction):
            runs.append(transaction.get(A))
            if len(runs) == 1:
                other = threading.Thread(target=store.create, args=(A, Thing(text="other")))
                other.start()
                other.join()
            if runs[-1] is None:
                transaction.create(A, Thing(text="mine"))

        store.transact(work)
        assert runs == [None, Thing(text="other")]


def test_an_error_that_comes_of_two_moments_is_not_the_callers():
    with opened() as store:
        store.create(A, Thing(number=1))
        store.create(B, Thing(number=1))
        runs = []

        def move_both():
            store.transact(lambda transaction: [transaction.put(key, Thing(number=2)) for key in (A, B)])

        def work(transaction):
            first = transaction.get(A).number
            runs.append(first)
            if len(runs) == 1:
                other = threading.Thread(target=move_both)
                other.start()
                other.join()
            assert first == transaction.get(B).number, "they are always changed together"

        store.transact(work)
        assert runs == [1, 2]


def test_a_crash_inside_a_transaction_leaves_nothing_behind():
    class Crash(BaseException):
        pass

    def work(transaction):
        transaction.put(A, Thing(text="half"))
        raise Crash

    def crash():
        raise Crash

    with opened() as store:
        with pytest.raises(Crash):
            store.transact(work)
        assert store.get(A) is None
        store.transact(lambda transaction: transaction.put(A, Thing(text="whole")))
        store._conflicts = crash
        with pytest.raises(Crash):
            store.transact(lambda transaction: transaction.put(A, Thing(text="half")))
        assert store.get(A).value.text == "whole"


# --- Speed ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", [q for q in ALL_QUERIES if not q.contains], ids=lambda query: query.name)
def test_every_query_is_served_by_an_index_in_its_order(query):
    with opened() as store:
        zero = {"string": "x", "number": 1, "boolean": True, "time": NOW}
        kinds = store._rules.compared(query.collection)
        question = store._rules.question(
            query,
            parent="" if query.group or not query.collection.parent else "p",
            equal={name: zero[kinds[name].kind] for name in query.equal},
            since=zero[kinds[query.order].kind] if query.order else None,
            before=None,
        )
        condition, values = store._table(query.collection).condition(question)
        plan = [row[3] for row in store._rows(f"EXPLAIN QUERY PLAN SELECT body {condition}", values)]
    assert len(plan) == 1, plan  # A second step would be a sort.
    assert plan[0].startswith(
        ("SEARCH", "SCAN") if not (query.equal or question.parent or query.order) else "SEARCH"
    ), plan


def test_declared_queries_alone_are_allowed_by_default():
    with contextlib.closing(SqliteStore()) as store:
        assert store._queries == QUERIES
        assert store.get(USERS.key("u")) is None
        with pytest.raises(ValueError, match="not a declared"):
            store.get(A)
