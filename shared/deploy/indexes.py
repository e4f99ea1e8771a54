"""infra/firestore_indexes.json: what the declared queries need, as Terraform and gcloud are fed with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shared import schema
from shared.registry import TABLE

PLACE = TABLE.parent.parent / "infra" / "firestore_indexes.json"


def document(definitions: list[dict[str, Any]]) -> dict[str, Any]:
    """Index definitions of `schema.index_definitions` by kind; how a field is indexed is one word each time."""
    return {
        "composites": [
            {"collection": each["collection"], "scope": each["scope"], "fields": [_field(f) for f in each["fields"]]}
            for each in definitions
            if each["kind"] == "composite"
        ],
        "fields": [
            {
                "collection": each["collection"],
                "field": each["field"],
                "expires": each.get("expires", False),
                "indexes": [{"scope": index["scope"], "how": _how(index)} for index in each["indexes"]],
            }
            for each in definitions
            if each["kind"] == "field"
        ],
    }


def text() -> str:
    """The file as it has to be."""
    return json.dumps(document(schema.index_definitions()), indent=2) + "\n"


def _field(field: Mapping[str, Any]) -> dict[str, str]:
    return {"field": field["field"], "how": _how(field)}


def _how(index: Mapping[str, Any]) -> str:
    """ASCENDING, DESCENDING or CONTAINS."""
    return "CONTAINS" if index.get("contains") else str(index["order"])
