"""Records by chance: a value for any type that is stored, from few enough that equal ones meet."""

from __future__ import annotations

import random
import typing
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

TEXTS = [
    "",
    "a",
    "A",
    "B",
    "a\x00",
    "aa",
    "e\u0301",
    "é",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\U00010000",
    "\U0001f600",
    "é" * 740,
]
INTEGERS = [0, 1, -1, 2, 7, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
FLOATS = [0.0, -0.0, 1.0, 0.1, -1.5, 2.0**53, 2.0**63, 5e-324, -5e-324, 1e300]
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
TIMES = [
    *(MIDNIGHT + timedelta(microseconds=tick) for tick in (-1, 0, 1, 999_999, 1_000_000)),
    *(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=tick) for tick in (-1, 0, 1)),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]

POOLS: dict[type, list[Any]] = {
    str: TEXTS,
    int: INTEGERS,
    float: FLOATS,
    bool: [False, True],
    bytes: [b"", b"\x00\xff"],
    datetime: TIMES,
    NoneType: [None],
}


def some(chance: random.Random, annotation: Any) -> Any:
    """A value for a field of that type, from few enough that equal ones meet."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (typing.Union, UnionType):
        value = some(chance, chance.choice(arguments))
    elif origin is Literal:
        value = chance.choice(arguments)
    elif origin is tuple:
        value = tuple(some(chance, arguments[0]) for _ in range(chance.choice([0, 1, 2, 2])))
    elif origin is dict:
        value = {
            chance.choice(["a", "a.b", "é", "_x"]): some(chance, arguments[1]) for _ in range(chance.choice([0, 2]))
        }
    elif isinstance(annotation, type) and is_dataclass(annotation):
        hints = get_type_hints(annotation)
        value = annotation(**{field.name: some(chance, hints[field.name]) for field in fields(annotation)})
    elif issubclass(annotation, Enum):
        value = chance.choice(list(annotation))
    else:
        # The first of a pool come most often, so that several equalities hold at once now and then.
        value = POOLS[annotation][int(len(POOLS[annotation]) * chance.random() ** 2)]
    return value
