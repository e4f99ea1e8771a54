"""Between typed records and plain data: the one place that knows how a record looks when it is stored or sent.

msgspec does the work: it checks every type on the way in and names the field that is wrong.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, NoReturn, TypeVar

import msgspec

from shared.errors import Rejected

T = TypeVar("T")

DEEPEST_MAP = 20
"""Firestore's limit for maps within maps."""

LONGEST_NAME = 375
"""Characters of a map's key: at four bytes each they are Firestore's 1,500."""

INTEGERS = range(-(2**63), 2**63)
"""What a 64-bit integer holds."""


def to_plain(record: object) -> dict[str, Any]:
    """The record as plain data for a store: times and bytes stay as they are, fields that are None are left out.

    Raises ValueError, naming the field, for what no store of ours keeps: a time that is naive or not in UTC, an
    integer beyond 64 bits, an infinite number or NaN, a list in a list, a map's key that Firestore reserves.
    """
    return _storable_map(msgspec.to_builtins(record, builtin_types=(datetime, bytes)), 0)


def from_plain(record: type[T], plain: object) -> T:
    """The record that plain data stands for; unknown fields are ignored. Raises Rejected, naming the field."""
    try:
        return msgspec.convert(plain, record)
    except msgspec.ValidationError as e:
        raise Rejected(f"{record.__name__}: {e}") from e


def to_bytes(plain: object) -> bytes:
    """Plain data as MessagePack, which keeps times (as instants, to the microsecond) and bytes."""
    return msgspec.msgpack.encode(plain)


def from_bytes(record: type[T], data: bytes) -> T:
    """The record that MessagePack stands for; unknown fields are ignored. Raises Rejected, naming the field."""
    try:
        return msgspec.msgpack.decode(data, type=record)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise Rejected(f"{getattr(record, '__name__', 'MessagePack')}: {e}") from e


def to_json(record: object) -> bytes:
    """The record as JSON, without fields that are None; times in RFC 3339, bytes in base64."""
    return msgspec.json.encode(_without_none(msgspec.to_builtins(record)))


def from_json(record: type[T], data: bytes | str) -> T:
    """The record that a JSON text stands for. Raises Rejected, naming the field or the place of the error."""
    try:
        return msgspec.json.decode(data, type=record)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise Rejected(f"{getattr(record, '__name__', 'JSON')}: {e}") from e


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [_without_none(v) for v in value]
    return value


def _storable_map(value: dict[str, Any], depth: int) -> dict[str, Any]:
    # Every write goes through here, and the simulation writes tens of millions of times: one pass, no call for
    # the commonest values.
    if depth > DEEPEST_MAP:
        raise ValueError(f"a map lies more than {DEEPEST_MAP} maps deep")
    kept = {}
    for name, item in value.items():
        if item is None:
            continue
        kind = type(item)
        if kind is str or kind is bool or kind is bytes:
            kept[name] = item
        else:
            kept[name] = _storable(item, name, depth)
        if not name or name[0] == "_" or len(name) > LONGEST_NAME:
            _check_name(name)
    return kept


def _check_name(name: str) -> None:
    if not name or len(name) > LONGEST_NAME or (name.startswith("__") and name.endswith("__")):
        raise ValueError(f"not the name of a field: {name[:100]!r}")


def _storable(value: Any, name: str, depth: int) -> Any:
    kind = type(value)
    if kind is dict:
        return _storable_map(value, depth + 1)
    if kind is list or kind is tuple:
        return [_storable_item(item, name, depth) for item in value]
    if kind is datetime:
        if value.tzinfo is not UTC and value.utcoffset() != timedelta(0):
            _refuse(name, "a time that is naive or not in UTC")
    elif kind is int:
        if value not in INTEGERS:
            _refuse(name, "an integer beyond 64 bits")
    elif kind is float and not isfinite(value):
        _refuse(name, "an infinite number or NaN")
    return value


def _storable_item(item: Any, name: str, depth: int) -> Any:
    if isinstance(item, (list, tuple)):
        _refuse(name, "a list in a list")
    return _storable(item, name, depth)


def _refuse(name: str, what: str) -> NoReturn:
    raise ValueError(f"{name}: {what} is not stored")
