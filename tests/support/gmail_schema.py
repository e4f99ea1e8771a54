"""Answers checked against the discovery document: known fields only, and each of the type that Google documents."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from shared.local.gmail import discovery

_RANGES = {
    "uint64": (0, 2**64 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "int32": (-(2**31), 2**31 - 1),
}


def violations(value: Any, schema: str) -> list[str]:
    """What is wrong with an answer of this schema; empty when nothing is."""
    return list(_check(value, {"$ref": schema}, schema))


def _check(value: Any, said: Mapping[str, Any], where: str) -> list[str]:  # noqa: C901, PLR0911 - the types of JSON
    if "$ref" in said:
        said = discovery.document()["schemas"][said["$ref"]]
    kind, form = said["type"], said.get("format", "")
    if kind == "object":
        if not isinstance(value, dict):
            return [f"{where}: not an object"]
        known = said.get("properties", {})
        wrong = [f"{where}.{name}: no such field" for name in value.keys() - known.keys()]
        for name in value.keys() & known.keys():
            wrong += _check(value[name], known[name], f"{where}.{name}")
        return wrong
    if kind == "array":
        if not isinstance(value, list):
            return [f"{where}: not an array"]
        return [each for n, item in enumerate(value) for each in _check(item, said["items"], f"{where}[{n}]")]
    if kind == "integer":
        low, high = _RANGES[form]
        right = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return [] if right else [f"{where}: not {form}"]
    if kind == "boolean":
        return [] if isinstance(value, bool) else [f"{where}: not a boolean"]
    if kind != "string" or not isinstance(value, str):
        return [f"{where}: not a {kind}"]
    if form in _RANGES:
        low, high = _RANGES[form]
        return [] if value.lstrip("-").isdecimal() and low <= int(value) <= high else [f"{where}: not {form}"]
    if form == "byte" and not _is_base64url(value):
        return [f"{where}: not base64url"]
    return [] if value in said.get("enum", [value]) else [f"{where}: {value} is none of {said['enum']}"]


def _is_base64url(value: str) -> bool:
    try:
        return bool(urlsafe_b64decode(value) is not None and not set("+/") & set(value))
    except ValueError:
        return False
