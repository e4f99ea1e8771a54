"""Firestore's index definitions: the file that is deployed is what the declared queries need."""

from __future__ import annotations

import dataclasses

import pytest

from shared import model, schema
from shared.deploy import indexes
from shared.schema import Collection, Query


def test_the_file_is_fresh():
    assert indexes.PLACE.read_text() == indexes.text(), "run scripts/docs"


def test_a_composite_index_and_an_exemption_are_told_in_one_dialect():
    collection = Collection("runs", model.Run, unindexed=("scanned",))
    query = Query(name="q", collection=collection, record=model.Run, equal=("function",), order="started_at")

    assert indexes.document(schema.index_definitions((query,), (collection,))) == {
        "composites": [
            {
                "collection": "runs",
                "scope": "COLLECTION",
                "fields": [
                    {"field": "function", "how": "ASCENDING"},
                    {"field": "started_at", "how": "ASCENDING"},
                ],
            }
        ],
        "fields": [{"collection": "runs", "field": "scanned", "expires": False, "indexes": []}],
    }


def test_a_time_to_live_keeps_the_fields_own_indexes():
    collection = Collection("runs", model.Run, expires="finished_at")

    (field,) = indexes.document(schema.index_definitions((), (collection,)))["fields"]

    assert field["expires"] is True
    assert {(each["scope"], each["how"]) for each in field["indexes"]} == {
        ("COLLECTION", "ASCENDING"),
        ("COLLECTION", "DESCENDING"),
        ("COLLECTION", "CONTAINS"),
    }


@pytest.mark.parametrize("collection", [c for c in schema.COLLECTIONS if c.expires], ids=lambda c: c.name)
def test_a_time_to_live_is_a_field_of_the_record(collection):
    assert collection.expires in {field.name for field in dataclasses.fields(collection.record)}
