"""Records and queries that use every feature of the Store, and the ways to open one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from shared.adapters.firestore_store import FirestoreStore
from shared.schema import QUERIES, Collection, Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    name: str
    weight: float | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Less than a Thing, and without the fields that the queries compare."""

    kind: Literal["a", "b"] = "a"
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing(Summary):
    number: int | float | None = None
    weight: int | float | None = None
    at: datetime | None = None
    flag: bool = False
    tags: tuple[str, ...] = ()
    sizes: tuple[int | float, ...] = ()
    data: bytes = b""
    label: Label | None = None
    notes: dict[str, str | int | None] = field(default_factory=dict)


THINGS = Collection("things", Thing, "owners", unindexed=("notes",))
LOOSE_THINGS = Collection("loose_things", Thing)

BY_ID = Query(name="by_id", collection=THINGS, record=Thing)
BY_TEXT = Query(name="by_text", collection=THINGS, record=Thing, order="text")
BY_TEXT_DOWN = Query(name="by_text_down", collection=THINGS, record=Thing, order="text", descending=True)
BY_NUMBER = Query(name="by_number", collection=THINGS, record=Thing, order="number", sums=("number",))
BY_NUMBER_DOWN = Query(name="by_number_down", collection=THINGS, record=Thing, order="number", descending=True)
BY_TIME = Query(name="by_time", collection=THINGS, record=Thing, order="at", sums=("weight",))
BY_FLAG = Query(name="by_flag", collection=THINGS, record=Thing, order="flag")
SUMMARIES_BY_TIME = Query(name="summaries_by_time", collection=THINGS, record=Summary, order="at", descending=True)
OF_KIND = Query(name="of_kind", collection=THINGS, record=Thing, equal=("kind",), sums=("weight",))
OF_NUMBER = Query(name="of_number", collection=THINGS, record=Thing, equal=("number",), order="text")
OF_TEXT = Query(name="of_text", collection=THINGS, record=Thing, equal=("text",), group=True)
OF_ALL_THREE = Query(
    name="of_all_three", collection=THINGS, record=Thing, equal=("kind", "flag", "text"), order="at", descending=True
)
TAGGED = Query(name="tagged", collection=THINGS, record=Thing, contains="tags")
SIZED = Query(name="sized", collection=THINGS, record=Thing, equal=("kind",), contains="sizes", order="number")
ALL_BY_TIME = Query(name="all_by_time", collection=THINGS, record=Thing, order="at", group=True)
ALL_BY_TEXT_DOWN = Query(
    name="all_by_text_down", collection=THINGS, record=Thing, order="text", descending=True, group=True
)
ALL_OF_KIND = Query(
    name="all_of_kind", collection=THINGS, record=Summary, equal=("kind",), order="number", group=True, sums=("weight",)
)
ALL_BY_ID = Query(name="all_by_id", collection=THINGS, record=Thing, group=True)
ALL_TAGGED = Query(name="all_tagged", collection=THINGS, record=Thing, contains="tags", group=True)
LOOSE_BY_TIME = Query(name="loose_by_time", collection=LOOSE_THINGS, record=Thing, equal=("kind",), order="at")

TEST_QUERIES = tuple(value for value in list(globals().values()) if isinstance(value, Query))
ALL_QUERIES = (*QUERIES, *TEST_QUERIES)


@contextlib.contextmanager
def on_emulator(host: str, project: str, *, kind=FirestoreStore, **options) -> Iterator[FirestoreStore]:
    """A FirestoreStore on an emulator; the variable is set only while it connects."""
    before = os.environ.get("FIRESTORE_EMULATOR_HOST")
    os.environ["FIRESTORE_EMULATOR_HOST"] = host
    try:
        store = kind(project, **{"queries": ALL_QUERIES, **options})
    finally:
        if before is None:
            del os.environ["FIRESTORE_EMULATOR_HOST"]
        else:
            os.environ["FIRESTORE_EMULATOR_HOST"] = before
    with contextlib.closing(store):
        yield store
