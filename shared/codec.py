"""Between typed records and plain data: the one place that knows how a record looks when it is stored or sent.

msgspec does the work: it checks every type on the way in and names the field that is wrong.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec

from shared.errors import Rejected

T = TypeVar("T")


def to_plain(record: object) -> dict[str, Any]:
    """The record as plain data for a store: datetimes and bytes stay, fields that are None are left out."""
    plain: dict[str, Any] = _without_none(msgspec.to_builtins(record, builtin_types=(datetime, bytes)))
    return plain


def from_plain(record: type[T], plain: object) -> T:
    """The record that plain data stands for; unknown fields are ignored. Raises Rejected, naming the field."""
    try:
        return msgspec.convert(plain, record)
    except msgspec.ValidationError as e:
        raise Rejected(f"{record.__name__}: {e}") from e


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
