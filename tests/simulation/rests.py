"""Runs at rest, kept so that other runs can go on from there: two that differ in a later fault share what came before.

At rest no process of ours is at work, so that a run is its world, what stands in the store and in the queue, and the
time. Nothing that goes on from a kept one can tell; what is slow about a run is not done twice.
"""

from __future__ import annotations

import io
import pickle
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from functools import cache
from types import CellType, FunctionType, ModuleType
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.local.gmail.rfc822 import ParsedMail
from shared.local.google_signer import Signer
from tests.simulation.schedule import Schedule
from tests.simulation.world import World, outside

LOCKS = {type(threading.Lock()): threading.Lock, type(threading.RLock()): threading.RLock}

UNCHANGING = (type, ModuleType, Enum, datetime, timedelta, tzinfo, AESGCM, ParsedMail, Signer)
"""What all runs share, like every frozen dataclass and every function without variables of its own."""


@dataclass(frozen=True, slots=True)
class Rest:
    """A run at rest. Good for the process that has kept it, until that builds another outside."""

    world: bytes
    same: tuple[object, ...]
    """What the world has in common with the one that goes on."""
    rows: Mapping[str, tuple[tuple[Any, ...], ...]]
    deliveries: tuple[tuple[Any, ...], ...]
    delivered: Mapping[tuple[str, bytes, str], Mapping[str, str]]
    now: datetime


def kept(world: World) -> Rest:
    """The run as it is now."""
    store, queue = world.outside.sqlite._connection, world.broker.queue._connection
    file = io.BytesIO()
    pickler = _Pickler(file, world)
    at_rest, world.at_rest = world.at_rest, None
    try:
        pickler.dump(world)
    finally:
        world.at_rest = at_rest
    return Rest(
        world=file.getvalue(),
        same=tuple(pickler.same),
        rows={
            name: tuple(store.execute(f'SELECT * FROM "{name}"').fetchall())  # noqa: S608 - our own names
            for name in sorted(world.outside.sqlite.written)
        },
        deliveries=tuple(queue.execute("SELECT * FROM deliveries").fetchall()),
        delivered=dict(world.broker.delivered),
        now=world.clock.now(),
    )


def resumed(rest: Rest, schedule: Schedule) -> World:
    """A world of its own that goes on from there, with the faults of another schedule."""
    ours = outside()
    ours.begin()
    for name, rows in rest.rows.items():
        _insert(ours.sqlite._connection, name, rows)
    ours.sqlite.written.update(rest.rows)
    ours.broker.begin(None)
    _insert(ours.broker.queue._connection, "deliveries", rest.deliveries)
    ours.broker.delivered.update(rest.delivered)
    ours.clock.set(rest.now)
    _present[:] = rest.same
    world: World = pickle.loads(rest.world)  # noqa: S301 - our own, of this process
    world.schedule, world.faults = schedule, dict(schedule.faults)
    # It rests here once more when it goes on.
    world.rests.pop()
    return world


def _insert(connection: Any, table: str, rows: tuple[tuple[Any, ...], ...]) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)  # noqa: S608 - our own names


class _Pickler(pickle.Pickler):
    """Writes what belongs to one world; of the rest it keeps the objects themselves."""

    def __init__(self, file: io.BytesIO, world: World) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.same: list[object] = []
        ours = world.outside
        shared = (ours, ours.clock, ours.store, ours.sqlite, ours.broker, ours.broker.queue, ours.crew, ours.table)
        self._shared = {id(each) for each in shared}

    def reducer_override(self, each: Any) -> Any:
        kind: Any = type(each)
        if kind is FunctionType and each.__module__ == __name__:
            return NotImplemented
        if kind is FunctionType and each.__closure__ is not None:
            cells = tuple(cell.cell_contents for cell in each.__closure__)
            return _closure, (self._number(each), *cells)
        if kind is random.Random:
            return _random, (self._number(each.getstate()),)
        if kind in LOCKS:
            return LOCKS[kind], ()
        if id(each) in self._shared or kind is FunctionType or _is_unchanging(kind):
            return _same, (self._number(each),)
        return NotImplemented

    def _number(self, each: object) -> int:
        self.same.append(each)
        return len(self.same) - 1


_present: list[Any] = []
"""What the world that is being read has in common with the one that was kept."""


def _same(number: int) -> Any:
    return _present[number]


def _random(number: int) -> random.Random:
    made = random.Random()
    made.setstate(_present[number])
    return made


def _closure(number: int, *cells: object) -> FunctionType:
    like: FunctionType = _present[number]
    made = FunctionType(like.__code__, like.__globals__, like.__name__, like.__defaults__, tuple(map(CellType, cells)))
    made.__kwdefaults__ = like.__kwdefaults__
    return made


@cache
def _is_unchanging(kind: Any) -> bool:
    parameters = getattr(kind, "__dataclass_params__", None)
    return issubclass(kind, UNCHANGING) or (parameters is not None and parameters.frozen)
