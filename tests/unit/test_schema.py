"""The declarations of shared/schema.py: they fit the records, and the index definitions follow from them."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from shared import codec
from shared.adapters.store_rules import Rules, mask
from shared.schema import COLLECTIONS, MAILS, QUERIES, Collection, Query, index_definitions
from tests.support.chance import some


def reachable(record):
    """All dataclasses that a record is made of, itself included."""
    found = {record}
    for annotation in get_type_hints(record).values():
        parts = [annotation]
        while parts:
            part = parts.pop()
            parts += get_args(part) if get_origin(part) is not Literal else []
            if is_dataclass(part) and part not in found:
                found |= reachable(part)
    return found


STORED = sorted(
    {
        part
        for record in [*(collection.record for collection in COLLECTIONS), *(query.record for query in QUERIES)]
        for part in reachable(record)
    },
    key=lambda record: record.__name__,
)


def test_no_two_collections_and_no_two_queries_have_one_name():
    assert max(Counter(collection.name for collection in COLLECTIONS).values()) == 1
    assert max(Counter(query.name for query in QUERIES).values()) == 1


def test_every_declared_query_fits_its_records():
    Rules(QUERIES)
    for query in QUERIES:
        assert query.collection in COLLECTIONS
        assert query.record is query.collection.record or mask(query)


@pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda collection: collection.name)
def test_a_field_that_is_not_indexed_exists_and_is_compared_by_no_query(collection):
    assert set(collection.unindexed) <= {field.name for field in fields(collection.record)}
    compared = {
        name
        for query in QUERIES
        if query.collection == collection
        for name in (*query.equal, query.order, query.contains, *query.sums)
    }
    assert not compared & set(collection.unindexed)


@pytest.mark.parametrize("record", STORED, ids=lambda record: record.__name__)
def test_a_field_that_may_be_none_is_none_when_it_is_missing(record):
    """None is not stored, so a record without the field has to read as None."""
    hints = get_type_hints(record)
    for field in fields(record):
        if get_origin(hints[field.name]) in (Union, UnionType) and NoneType in get_args(hints[field.name]):
            assert field.default is None, field.name


@pytest.mark.parametrize("record", STORED, ids=lambda record: record.__name__)
def test_every_record_survives_storing_and_ignores_what_a_newer_release_adds(record):
    for seed in range(20):
        value = some(random.Random(seed), record)
        plain = codec.to_plain(value)
        assert codec.from_plain(record, plain | {"added_by_a_newer_release": {"a": 1}}) == value
        assert codec.from_bytes(record, codec.to_bytes(plain)) == value


# --- Wrong declarations -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    title: str = ""
    both: str | int = ""
    number: float | None = None
    number_or_bool: int | bool = 0
    words: tuple[str, ...] = ()
    any_words: tuple[str | int, ...] = ()
    inner: Collection | None = None
    secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    unknown: str = ""


PAGES = Collection("pages", Page, "books", unindexed=("secret",))


@pytest.mark.parametrize(
    "declared",
    [
        {"order": "missing"},
        {"order": "secret"},
        {"equal": ("both",)},
        {"equal": ("number_or_bool",)},
        {"order": "words"},
        {"order": "inner"},
        {"contains": "title"},
        {"contains": "any_words"},
        {"order": "title", "sums": ("title",)},
        {"record": Other},
    ],
    ids=str,
)
def test_a_query_that_does_not_fit_its_record_is_refused(declared):
    with pytest.raises(ValueError, match="wrong"):
        Rules([Query(**{"name": "wrong", "collection": PAGES, "record": Page, **declared})])


@pytest.mark.parametrize(
    "declared",
    [
        {"equal": ("a", "b", "c", "d")},
        {"descending": True},
        {"contains": "words", "sums": ("number",)},
    ],
    ids=str,
)
def test_a_query_that_firestore_has_no_index_for_cannot_be_declared(declared):
    with pytest.raises(ValueError, match="wrong"):
        Query(name="wrong", collection=PAGES, record=Page, **declared)


def test_two_collections_of_one_name_are_refused():
    twin = Collection("mails", Page, "books")
    with pytest.raises(ValueError, match="two collections are named mails"):
        Rules([Query(name="twin", collection=twin, record=Page)])
    assert MAILS.name == "mails"


# --- Keys -------------------------------------------------------------------------------------------------------------


def test_a_key_names_the_whole_path():
    key = PAGES.key("b1", "p1")
    assert (key.path, key.id) == ("books/b1/pages/p1", "p1")
    assert Collection("books", Page).key("b1").path == "books/b1"


@pytest.mark.parametrize("ids", [(), ("a",), ("a", "b", "c"), ("", "b"), ("a", "b/c"), ("a", ".."), ("__a__", "b")])
def test_ids_that_are_no_path_make_no_key(ids):
    with pytest.raises(ValueError, match="pages"):
        PAGES.key(*ids)


# --- Index definitions ------------------------------------------------------------------------------------------------


def up(field):
    return {"field": field, "order": "ASCENDING"}


def down(field):
    return {"field": field, "order": "DESCENDING"}


def composite(*indexed, scope="COLLECTION"):
    return {"kind": "composite", "collection": "pages", "scope": scope, "fields": list(indexed)}


AUTOMATIC = [
    {"scope": "COLLECTION", "order": "ASCENDING"},
    {"scope": "COLLECTION", "order": "DESCENDING"},
    {"scope": "COLLECTION", "contains": True},
]
GROUP = "COLLECTION_GROUP"


@pytest.mark.parametrize(
    ("declared", "needed"),
    [
        # What every field is indexed for by itself.
        ({}, []),
        ({"order": "title"}, []),
        ({"order": "title", "descending": True}, []),
        ({"equal": ("title",)}, []),
        ({"equal": ("title", "number")}, []),
        ({"contains": "words"}, []),
        ({"order": "number", "sums": ("number",)}, []),
        ({"group": True}, []),
        # What needs an index over several fields.
        ({"equal": ("title",), "order": "number"}, [composite(up("title"), up("number"))]),
        ({"equal": ("title",), "order": "number", "descending": True}, [composite(up("title"), down("number"))]),
        (
            {"equal": ("title", "secret_"), "order": "number", "group": True},
            [composite(up("title"), up("secret_"), up("number"), scope=GROUP)],
        ),
        (
            {"contains": "words", "order": "number"},
            [composite({"field": "words", "contains": True}, up("number"))],
        ),
        (
            {"equal": ("title",), "contains": "words"},
            [composite(up("title"), {"field": "words", "contains": True})],
        ),
        ({"equal": ("title",), "sums": ("number",)}, [composite(up("title"), up("number"))]),
        ({"order": "title", "descending": True, "sums": ("number",)}, [composite(down("title"), up("number"))]),
        # What needs one field to be indexed across all parents.
        (
            {"order": "title", "group": True},
            [
                {
                    "kind": "field",
                    "collection": "pages",
                    "field": "title",
                    "indexes": [*AUTOMATIC, {"scope": GROUP, "order": "ASCENDING"}],
                }
            ],
        ),
        (
            {"contains": "words", "group": True},
            [
                {
                    "kind": "field",
                    "collection": "pages",
                    "field": "words",
                    "indexes": [*AUTOMATIC, {"scope": GROUP, "contains": True}],
                }
            ],
        ),
    ],
    ids=str,
)
def test_a_query_brings_the_indexes_that_it_needs(declared, needed):
    assert index_definitions((Query(name="q", collection=PAGES, record=Page, **declared),), ()) == needed


def test_queries_share_an_index_and_one_field_has_one_override():
    declared: list[dict[str, Any]] = [{}, {"descending": True}, {}, {"equal": ("number",)}, {"equal": ("number",)}]
    queries = tuple(
        Query(name=f"q{n}", collection=PAGES, record=Page, order="title", group=True, **options)
        for n, options in enumerate(declared)
    )
    definitions = index_definitions(queries, (PAGES,))
    assert definitions == [
        composite(up("number"), up("title"), scope=GROUP),
        {"kind": "field", "collection": "pages", "field": "secret", "indexes": []},
        {
            "kind": "field",
            "collection": "pages",
            "field": "title",
            "indexes": [*AUTOMATIC, {"scope": GROUP, "order": "ASCENDING"}, {"scope": GROUP, "order": "DESCENDING"}],
        },
    ]


def test_the_houses_own_definitions_cover_queries_and_exemptions():
    definitions = index_definitions()
    composites = [definition for definition in definitions if definition["kind"] == "composite"]
    assert {
        "kind": "composite",
        "collection": "mails",
        "scope": "COLLECTION",
        "fields": [up("application_id"), up("recorded_at")],
    } in composites
    exempt = {(d["collection"], d["field"]) for d in definitions if d["kind"] == "field" and not d["indexes"]}
    assert exempt == {(collection.name, field) for collection in COLLECTIONS for field in collection.unindexed}
    for query in QUERIES:
        if query.equal and query.order:
            assert any(
                [field["field"] for field in definition["fields"]]
                == [*query.equal, *filter(None, [query.contains]), query.order]
                for definition in composites
                if definition["collection"] == query.collection.name
            ), query.name
