"""The differential proof: the same random operations on SQLite and on Firestore's emulator have the same outcomes.

`python -m tests.contract.test_store_agreement 5000 SEED` runs it at length; `run` is the same for a command to call.
A disagreement is shrunk to the fewest operations that still show it, and printed with both outcomes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, is_dataclass, replace
from datetime import datetime, timedelta
from typing import Any, get_args, get_type_hints

import pytest

from shared import codec
from shared.adapters import firestore_store
from shared.adapters.sqlite_store import SqliteStore
from shared.errors import Conflict, Rejected
from shared.local import emulators
from shared.ports import Store
from shared.schema import COLLECTIONS
from tests.support.chance import some
from tests.support.stores import ALL_QUERIES, LOOSE_THINGS, TEST_QUERIES, THINGS, Thing, on_emulator

OPERATIONS = int(os.environ.get("HEARBACK_AGREEMENT_OPERATIONS", "300"))
SEED = int(os.environ.get("HEARBACK_AGREEMENT_SEED", "1"))

PLACES = {collection.name: collection for collection in (*COLLECTIONS, THINGS, LOOSE_THINGS)}
QUESTIONS = {query.name: query for query in ALL_QUERIES}

# --- What the operations are made of ----------------------------------------------------------------------------------

OWNERS = ["o", "o1", "o10", "o1!", "é"]
IDS = ["1", "10", "2", "B", "a", "a\x00", "a.", "z", "é", "\uffff", "\U0001f600", "x" * 300]
MISTAKES = [datetime(2026, 1, 1), float("nan"), 2**63, "x" * 1500, "\ud800"]  # noqa: DTZ001 - a mistake on purpose
WEIGHTS = [None, 0, 1, -3, 1024, 0.5, -0.125]
"""Their sums are exact in any order, so the stores have to agree to the last bit."""

# --- The operations ---------------------------------------------------------------------------------------------------

Place = tuple[str, ...]
"""A collection's name and the ids below it."""


@dataclass
class Side:
    """One of the two stores, and what a client of it has learnt: revisions and cursors differ between the two."""

    store: Store
    force: Counter[str]
    """How many conflicts the store shall still make up."""
    revisions: dict[Place, list[str]]
    cursors: dict[int, str]

    def revision(self, place: Place, age: int) -> str:
        """The revision last seen of a document, or the one that was seen so many before it."""
        known = self.revisions.get(place, [])
        return known[-1 - age] if len(known) > age else "none of ours"

    def seen(self, place: Place, revision: str) -> str:
        """Whether this revision is the one last seen, one seen before, or new."""
        known = self.revisions.setdefault(place, [])
        judged = "the last" if known[-1:] == [revision] else "an old one" if revision in known else "new"
        if judged != "the last":
            known.append(revision)
        return judged


class Oops(Exception):
    """What a transaction's work raises on purpose."""


def key(place: Place) -> Any:
    return PLACES[place[0]].key(*place[1:])


def plain(value: Any) -> Any:
    """A value in a form in which equal means the same: 1 and 1.0 differ, the order of a map's keys does not count."""
    if is_dataclass(value):
        return type(value).__name__, plain(codec.to_plain(value))
    if isinstance(value, dict):
        return tuple(sorted((name, plain(item)) for name, item in value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(plain(item) for item in value)
    return repr(value)


def shown(side: Side, snapshot: Any) -> Any:
    if snapshot is None:
        return None
    place = (snapshot.key.collection.name, *snapshot.key.ids)
    return place, plain(snapshot.value), side.seen(place, snapshot.revision)


@dataclass(frozen=True)
class Get:
    places: tuple[Place, ...]

    def do(self, side: Side, _: int) -> Any:
        if len(self.places) == 1:
            return shown(side, side.store.get(key(self.places[0])))
        return [shown(side, snapshot) for snapshot in side.store.get_many([key(place) for place in self.places])]


@dataclass(frozen=True)
class Create:
    place: Place
    value: Any

    def do(self, side: Side, _: int) -> Any:
        return side.seen(self.place, side.store.create(key(self.place), self.value))


@dataclass(frozen=True)
class Put:
    place: Place
    value: Any
    """None puts what is there already."""
    age: int
    """0 puts at the revision last seen, 1 at the one before it, and so on."""

    def do(self, side: Side, _: int) -> Any:
        value = self.value
        if value is None:
            found = side.store.get(key(self.place))
            value = found.value if found else PLACES[self.place[0]].record
        return side.seen(
            self.place, side.store.put(key(self.place), value, revision=side.revision(self.place, self.age))
        )


@dataclass(frozen=True)
class Delete:
    place: Place

    def do(self, side: Side, _: int) -> Any:
        return side.store.delete(key(self.place))


@dataclass(frozen=True)
class Transact:
    reads: tuple[Place, ...]
    writes: tuple[tuple[str, Place, Any], ...]
    """create, put or delete with the value; `bump` adds one to the weight of a thing that was read; `replace` puts at
    the revision last seen, or at the one before it."""
    conflicts: int
    fails: bool
    known: bool
    """Whether the reads are announced."""

    def do(self, side: Side, _: int) -> Any:
        runs = []

        def work(transaction: Any) -> Any:
            found = {place: transaction.get(key(place)) for place in self.reads}
            runs.append([plain(value) for value in found.values()])
            for verb, place, value in self.writes:
                if verb == "delete":
                    transaction.delete(key(place))
                elif verb == "create":
                    transaction.create(key(place), value)
                elif verb == "put":
                    transaction.put(key(place), value)
                elif verb == "replace":
                    transaction.put(key(place), value[0], revision=side.revision(place, value[1]))
                elif found.get(place) is not None:
                    transaction.put(key(place), replace(found[place], weight=(found[place].weight or 0) + 1))
            if self.fails:
                raise Oops
            return "done"

        side.force["conflicts"] = self.conflicts
        try:
            return side.store.transact(work, reads=[key(place) for place in self.reads if self.known]), runs
        except Oops:
            return "failed", runs
        finally:
            side.force["conflicts"] = 0


@dataclass(frozen=True)
class Crowd:
    """Several at once add to one thing's weight; a real conflict, which costs the emulator seconds."""

    place: Place
    amounts: tuple[int, ...]

    def do(self, side: Side, _: int) -> Any:
        def add(amount: int) -> None:
            def work(transaction: Any) -> None:
                thing = transaction.get(key(self.place)) or Thing()
                transaction.put(key(self.place), replace(thing, weight=(thing.weight or 0) + amount))

            side.store.transact(work)

        with ThreadPoolExecutor(len(self.amounts)) as threads:
            list(threads.map(add, self.amounts))
        return shown(side, side.store.get(key(self.place)))


@dataclass(frozen=True)
class Find:
    query: str
    values: tuple[tuple[str, Any], ...]
    limit: int
    pages: int
    resume: int = 0
    """The number of an earlier Find whose last cursor is taken up, whatever has happened since; 0 for none."""

    def do(self, side: Side, number: int) -> Any:
        cursor, pages = side.cursors.get(self.resume, ""), []
        for _ in range(self.pages):
            page = side.store.find(QUESTIONS[self.query], limit=self.limit, cursor=cursor, **arguments(self.values))
            pages.append(([shown(side, snapshot) for snapshot in page.items], bool(page.next)))
            cursor = page.next
            if not cursor:
                break
        side.cursors[number] = cursor
        return pages


@dataclass(frozen=True)
class Measure:
    query: str
    values: tuple[tuple[str, Any], ...]
    summed: str

    def do(self, side: Side, _: int) -> Any:
        query, values = QUESTIONS[self.query], arguments(self.values)
        return side.store.sum(query, self.summed, **values) if self.summed else side.store.count(query, **values)


def arguments(values: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """The keywords of a question; equalities are written "= field"."""
    equal = {name[2:]: value for name, value in values if name.startswith("= ")}
    return {name: value for name, value in values if not name.startswith("= ")} | ({"equal": equal} if equal else {})


Operation = Get | Create | Put | Delete | Transact | Crowd | Find | Measure

# --- Chance -----------------------------------------------------------------------------------------------------------


def operations(count: int, seed: int, *, crowds: bool) -> list[Operation]:
    """`count` operations that depend on the seed alone, on no store's answer, so that any of them may be left out."""
    chance = random.Random(seed)
    made: list[Operation] = []
    finds: list[tuple[int, Find]] = []
    for number in range(1, count + 1):
        kind = chance.choices(
            ["create", "put", "delete", "get", "transact", "find", "resume", "measure", "crowd"],
            [22, 14, 5, 6, 14, 24, 8, 6, 0.4 if crowds else 0],
        )[0]
        if kind == "create":
            place = somewhere(chance)
            made.append(Create(place, value_for(chance, place)))
        elif kind == "put":
            place = somewhere(chance)
            value = None if chance.random() < 0.2 else value_for(chance, place)
            made.append(Put(place, value, chance.choice([0, 0, 0, 1, 2])))
        elif kind == "delete":
            made.append(Delete(somewhere(chance)))
        elif kind == "get":
            count_ = chance.choice([1, 1, 3])
            made.append(Get((somewhere(chance),) if count_ == 1 else tuple(in_one_collection(chance, count_))))
        elif kind == "transact":
            made.append(transaction(chance))
        elif kind == "crowd":
            made.append(Crowd(a_thing(chance), tuple(chance.sample(range(1, 9), 2))))
        elif kind == "measure":
            query = chance.choice([query for query in ALL_QUERIES if not query.contains])
            summable = [name for name in query.sums if name == "weight"]
            made.append(Measure(query.name, question(chance, query), chance.choice(["", *summable])))
        elif kind == "find" or not finds:
            query = chance.choice(ALL_QUERIES + TEST_QUERIES)
            find = Find(query.name, question(chance, query), chance.choice([1, 2, 3, 20]), chance.choice([1, 1, 2, 5]))
            finds.append((number, find))
            made.append(find)
        else:
            earlier, find = chance.choice(finds[-8:])
            # Now and then with the cursor of another query, which has to be refused.
            other = chance.choice(finds)[0] if chance.random() < 0.1 else earlier
            made.append(replace(find, resume=other))
            finds.append((number, find))
    return made


def a_thing(chance: random.Random) -> Place:
    return THINGS.name, chance.choice(OWNERS), chance.choice(IDS)


def somewhere(chance: random.Random) -> Place:
    if chance.random() < 0.6:
        return a_thing(chance)
    collection = chance.choice(list(PLACES.values()))
    return (collection.name, *([chance.choice(OWNERS)] if collection.parent else []), chance.choice(IDS))


def in_one_collection(chance: random.Random, count: int) -> Iterator[Place]:
    name, *above = somewhere(chance)[:-1]
    return ((name, *above, chance.choice(IDS)) for _ in range(count))


def value_for(chance: random.Random, place: Place) -> Any:
    value = some(chance, PLACES[place[0]].record)
    if not isinstance(value, Thing):
        return value
    value = replace(value, weight=chance.choice(WEIGHTS))
    if chance.random() < 0.03:
        mistake: dict[str, Any] = {chance.choice(["text", "number", "at"]): chance.choice(MISTAKES)}
        return replace(value, **mistake)
    return value


def transaction(chance: random.Random) -> Transact:
    reads = tuple(somewhere(chance) for _ in range(chance.choice([0, 1, 2, 3])))
    writes: list[tuple[str, Place, Any]] = []
    for _ in range(chance.choice([0, 1, 1, 2, 3])):
        verb = chance.choice(["create", "put", "put", "replace", "delete", "bump"])
        things = [place for place in reads if PLACES[place[0]].record is Thing]
        if verb == "bump" and things:
            writes.append((verb, chance.choice(things), None))
        elif verb != "bump":
            place = chance.choice(reads) if reads and chance.random() < 0.5 else somewhere(chance)
            value = None if verb == "delete" else value_for(chance, place)
            writes.append((verb, place, (value, chance.choice([0, 0, 1])) if verb == "replace" else value))
    conflicts = chance.choice([0, 0, 1, 2, 3])
    return Transact(reads, tuple(writes), conflicts, chance.random() < 0.1, chance.random() < 0.5)


def question(chance: random.Random, query: Any) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(query.collection.record)

    def value(name: str) -> Any:
        found = None
        while found is None:
            found = some(chance, hints[name])
        return found

    values: list[tuple[str, Any]] = [(f"= {name}", value(name)) for name in query.equal]
    if query.collection.parent and not query.group:
        values.append(("parent", chance.choice(OWNERS)))
    if query.contains:
        values.append(("contains", some(chance, get_args(hints[query.contains])[0])))
    if query.order:
        values += [(name, value(query.order)) for name in ("since", "before") if chance.random() < 0.3]
        if chance.random() < 0.02:
            values.append(("since", chance.choice(MISTAKES)))
    return tuple(values)


# --- The comparison ---------------------------------------------------------------------------------------------------


class ForcedConflicts(firestore_store.FirestoreStore):
    """Loses a transaction at its commit as often as it is told, as if somebody else held a document."""

    def __init__(self, project: str, *, force: Counter[str], **options: Any) -> None:
        super().__init__(project, **options)
        self.force = force

    def _commit(self, writes: Sequence[Any], what: str, *, transaction: bytes = b"") -> str:
        if self.force["conflicts"] > 0 and what == "commit":
            self.force["conflicts"] -= 1
            raise firestore_store._Contended("forced")
        return super()._commit(writes, what, transaction=transaction)


Opened = Callable[[], contextlib.AbstractContextManager[Side]]


@contextlib.contextmanager
def sqlite_side(kind: type[SqliteStore] = SqliteStore) -> Iterator[Side]:
    force: Counter[str] = Counter()

    def conflicts() -> bool:
        force["conflicts"] -= 1
        return force["conflicts"] >= 0

    with contextlib.closing(kind(queries=ALL_QUERIES, conflicts=conflicts, sleep=lambda _: None)) as store:
        yield Side(store, force, {}, {})


@contextlib.contextmanager
def firestore_side(host: str) -> Iterator[Side]:
    project = f"agreement-{time.time_ns()}"
    force: Counter[str] = Counter()
    with on_emulator(host, project, kind=ForcedConflicts, force=force, deadline=timedelta(minutes=2)) as store:
        yield Side(store, force, {}, {})


def outcome(side: Side, number: int, operation: Operation) -> Any:
    try:
        return operation.do(side, number)
    except (Conflict, Rejected) as e:
        return type(e).__name__
    except ValueError:
        return "ValueError"


@dataclass(frozen=True)
class Disagreement:
    """The first operation whose outcomes differ."""

    number: int
    outcomes: tuple[Any, Any]


def compare(numbered: Sequence[tuple[int, Operation]], one: Opened, other: Opened) -> Disagreement | None:
    """Run the operations on two fresh stores, side by side."""
    with one() as left, other() as right:
        for number, operation in numbered:
            outcomes = (outcome(left, number, operation), outcome(right, number, operation))
            if plain(outcomes[0]) != plain(outcomes[1]):
                return Disagreement(number, outcomes)
    return None


def shrink(
    numbered: list[tuple[int, Operation]], found: Disagreement, one: Opened, other: Opened
) -> tuple[list[tuple[int, Operation]], Disagreement]:
    """Leave out as many operations as still disagree: halves first, then ever smaller pieces."""
    numbered = [pair for pair in numbered if pair[0] <= found.number]
    size = len(numbered) // 2
    while size:
        start = 0
        while start < len(numbered):
            fewer = numbered[:start] + numbered[start + size :]
            still = compare(fewer, one, other)
            if still is None:
                start += size
            else:
                numbered, found = [pair for pair in fewer if pair[0] <= still.number], still
        size //= 2
    return numbered, found


def listing(numbered: Sequence[tuple[int, Operation]], found: Disagreement) -> str:
    steps = "\n".join(f"  {number:5} {operation!r}" for number, operation in numbered)
    return f"{steps}\n  one:   {found.outcomes[0]!r}\n  other: {found.outcomes[1]!r}"


@dataclass(frozen=True)
class Report:
    """What a run has shown; `disagreement` is empty when there was none, else its shortest listing."""

    kinds: Counter[str]
    outcomes: Counter[str]
    seconds: float
    disagreement: str


def run(count: int, seed: int, *, host: str = "") -> Report:
    """The proof: `count` operations on SQLite and on the Firestore emulator at `host`, or on one started for it."""
    if not host:
        with emulators.start_firestore() as emulator:
            return run(count, seed, host=emulator.host)
    started = time.monotonic()
    numbered = list(enumerate(operations(count, seed, crowds=True), 1))
    tally: Counter[str] = Counter()

    def one() -> contextlib.AbstractContextManager[Side]:
        return sqlite_side()

    def other() -> contextlib.AbstractContextManager[Side]:
        return firestore_side(host)

    with one() as left, other() as right:
        found = None
        for number, operation in numbered:
            outcomes = (outcome(left, number, operation), outcome(right, number, operation))
            tally[outcomes[0] if isinstance(outcomes[0], str) and outcomes[0][0].isupper() else "answered"] += 1
            if plain(outcomes[0]) != plain(outcomes[1]):
                found = Disagreement(number, outcomes)
                break
    text = listing(*shrink(numbered, found, one, other)) if found else ""
    kinds = Counter(type(operation).__name__ for _, operation in numbered)
    return Report(kinds, tally, time.monotonic() - started, text)


# --- Tests ------------------------------------------------------------------------------------------------------------


def test_sqlite_and_firestore_have_the_same_outcomes(firestore_emulator):
    report = run(OPERATIONS, SEED, host=firestore_emulator.host)
    assert report.disagreement == "", f"seed {SEED}:\n{report.disagreement}"
    assert report.outcomes["answered"] > OPERATIONS / 2


PLANTED = {
    "the end of a range is part of it": (" < ?", " <= ?"),
    "the beginning of a range is not": (" >= ?", " > ?"),
    "documents without the order field are found": (" IS NOT NULL", " IS NOT 0"),
    "ids are not turned with the order": (", id DESC", ", id"),
    "parents are not part of a group's order": (", parent, id", ", id, parent"),
    "any parent is asked": ('WHERE parent = ? AND "', 'WHERE parent IS NOT ? AND "'),
    "letters of both cases are ordered as one": ('ORDER BY "field_text"', 'ORDER BY "field_text" COLLATE NOCASE'),
    "a list that begins with the item contains it": ("item.value = ?", "item.value >= ?"),
    "a put does not look at the revision": (" AND revision = ?", " AND ? IS NOT NULL"),
    "a put that changes nothing changes the revision": (" AND body IS NOT ?", " AND ? IS NOT NULL"),
    "a create replaces": ("ON CONFLICT DO NOTHING", "ON CONFLICT DO UPDATE SET body = excluded.body"),
    "a delete does nothing": ("DELETE FROM", "SELECT 1 FROM"),
    "a transaction's put does nothing": (" WHERE body IS NOT excluded.body", " WHERE 0"),
    "a page ends too early": ("LIMIT ?", "LIMIT ? - 1"),
    "a count counts one too many": ("SELECT count(*)", "SELECT count(*) + 1"),
}
PLANTED_IN = list(enumerate(operations(1500, 1, crowds=False), 1))


@pytest.mark.parametrize("change", PLANTED.values(), ids=PLANTED)
def test_a_planted_difference_is_found_and_shrunk(change):
    class Wrong(SqliteStore):
        def _rows(self, statement, values=()):
            return super()._rows(statement.replace(*change), values)

        def _change(self, statement, values=()):
            return super()._change(statement.replace(*change), values)

    found = compare(PLANTED_IN, sqlite_side, lambda: sqlite_side(Wrong))
    assert found is not None
    fewest, still = shrink(PLANTED_IN, found, sqlite_side, lambda: sqlite_side(Wrong))
    assert len(fewest) <= 6
    assert repr(fewest[-1][1]) in listing(fewest, still)


def test_the_operations_depend_on_the_seed_alone():
    assert repr(operations(50, 7, crowds=True)) == repr(operations(50, 7, crowds=True))
    assert repr(operations(50, 7, crowds=True)) != repr(operations(50, 8, crowds=True))


def test_every_declared_query_is_asked():
    asked = {operation.query for operation in operations(5000, SEED, crowds=True) if isinstance(operation, Find)}
    assert asked == set(QUESTIONS)


@pytest.mark.parametrize("name", ["sqlite", pytest.param("firestore", marks=pytest.mark.emulators)])
def test_forced_conflicts_make_the_work_run_again(name, request):
    place = ("things", "o", "a")
    put = Transact((place,), (("put", place, Thing()),), conflicts=2, fails=False, known=True)
    opened = sqlite_side() if name == "sqlite" else firestore_side(request.getfixturevalue("firestore_emulator").host)
    with opened as side:
        assert put.do(side, 1) == ("done", [["None"]] * 3)


def main(arguments: Sequence[str]) -> int:
    """One line for each seed, and the listing of its first disagreement. 1 when there was any."""
    parser = argparse.ArgumentParser(description="Compare SQLite with Firestore's emulator, operation by operation.")
    parser.add_argument("operations", type=int, nargs="?", default=5000)
    parser.add_argument("seeds", type=int, nargs="*", default=[SEED])
    told = parser.parse_args(arguments)
    failed = False
    with emulators.start_firestore() as emulator:
        for seed in told.seeds:
            report = run(told.operations, seed, host=emulator.host)
            verdict = "DISAGREE" if report.disagreement else "agree"
            print(f"seed {seed}: {told.operations} operations in {report.seconds:.0f} s: {verdict}")  # noqa: T201 - a command
            print(f"  {dict(report.kinds)}\n  {dict(report.outcomes)}\n{report.disagreement}", flush=True)  # noqa: T201
            failed = failed or bool(report.disagreement)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
