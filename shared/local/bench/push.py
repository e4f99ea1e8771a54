"""`scripts/bench push`: what a push costs, beside a bare function on the same path, in alternating rounds.

Messages are posted to the functions in Pub/Sub's envelope, two at a time, as many as its emulator ever keeps in
flight: more would only queue up before the processors that Google's stand-ins share with what is measured.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from shared import mailbox
from shared.errors import TryAgain
from shared.local.bench.processes import TICKS, Function
from shared.local.bench.stage import Person, Stage
from shared.local.counting import Bill, CountingStore

BURST = 10
"""Mails of one mailbox behind one notification."""

ROUNDS = 6
"""Enough for medians that one busy moment does not move."""

IN_FLIGHT = 2
"""Notifications under way at a time."""

STEADY_SECONDS = 0.1
"""Between two notifications of the steady measurement: ten a second."""

BARS = {"throughput_ratio": 0.30, "burst_ratio": 0.60, "cpu_ratio": 4.0, "p95_ratio": 3.0}
"""What the first two must reach, and the last two must not exceed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How long to measure."""

    rounds: int = ROUNDS
    mailboxes: int = 60
    """Notifications of one round, each for a mailbox of its own."""
    burst_mailboxes: int = 10
    steady: int = 40
    """Notifications of one steady round."""
    counted: int = 12
    """Mailboxes whose documents and quota units are counted."""
    warm: int = 150
    """Notifications of each function before anything is measured."""


@dataclass(slots=True)
class Side:
    """One of the two functions, and what was measured of it."""

    function: Function
    per_second: list[float] = field(default_factory=list)
    """Mails in a second, round by round."""
    seconds: list[float] = field(default_factory=list)
    """Every answer's time."""
    cpu: float = 0.0
    mails: int = 0

    def summary(self) -> dict[str, float]:
        """Figures for the reader; the ratios are what counts."""
        return {
            "mails_per_second": round(statistics.median(self.per_second), 1),
            "p50_ms": round(quantile(self.seconds, 0.50) * 1000, 1),
            "p95_ms": round(quantile(self.seconds, 0.95) * 1000, 1),
            "cpu_ms_per_mail": round(self.cpu / self.mails * 1000, 2),
        }


def measure(options: Options) -> dict[str, Any]:
    """All figures of `push`, with the four ratios and whether each meets its bar."""
    with Stage() as stage:
        ours, bare = stage.function("gmail_push"), stage.bare()
        for function in (ours, bare):
            function.wait()
        _warm(stage, ours, bare, options.warm)
        single = _compare(stage, ours, bare, options, mailboxes=options.mailboxes, mails=1)
        burst = _compare(stage, ours, bare, options, mailboxes=options.burst_mailboxes, mails=BURST)
        steady = _compare(stage, ours, bare, options, mailboxes=options.steady, mails=1, steadily=True)
        found: dict[str, Any] = {
            "throughput_ratio": _ratio(single),
            "burst_ratio": _ratio(burst),
            "cpu_ratio": round(a_mail(single[0].cpu, single[0].mails) / a_mail(single[1].cpu, single[1].mails), 2),
            "p95_ratio": round(quantile(steady[0].seconds, 0.95) / quantile(steady[1].seconds, 0.95), 2),
        }
        return {
            **found,
            "bars": BARS,
            "met": {
                name: (value >= BARS[name]) == name.startswith(("throughput", "burst")) for name, value in found.items()
            },
            "single": _both(single),
            "burst": _both(burst),
            "steady": _both(steady),
            "counted": {"single": _counted(stage, options.counted, 1), "burst": _counted(stage, 2, BURST)},
            "how": {"rounds": options.rounds, "in_flight": IN_FLIGHT},
        }


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _warm(stage: Stage, ours: Function, bare: Function, count: int) -> None:
    """The first calls connect, and java compiles what it runs often; neither is part of what is measured."""
    for function, known in ((ours, True), (bare, False)):
        _post(function, stage.people(count, mails=1, connected=known))


def _compare(
    stage: Stage,
    ours: Function,
    bare: Function,
    options: Options,
    *,
    mailboxes: int,
    mails: int,
    steadily: bool = False,
) -> tuple[Side, Side]:
    """Rounds of both, in alternating order, each with new people and an empty store."""
    sides = (Side(ours), Side(bare))
    for number in range(options.rounds):
        for side in sides if number % 2 else reversed(sides):
            stage.empty()
            people = stage.people(mailboxes, mails=mails, connected=side is sides[0])
            before, started = side.function.cpu_seconds(), time.perf_counter()
            side.seconds += _steadily(side.function, people) if steadily else _post(side.function, people)
            side.per_second.append(mailboxes * mails / (time.perf_counter() - started))
            side.cpu += side.function.cpu_seconds() - before
            side.mails += mailboxes * mails
            if side is sides[0]:
                stage.check(people)
    return sides


def _post(function: Function, people: Sequence[Person]) -> list[float]:
    """Post the push of each, some at a time; returns the time of each answer."""
    with ThreadPoolExecutor(IN_FLIGHT) as callers:
        return list(callers.map(lambda push: _timed(function, push), [person.push() for person in people]))


def _steadily(function: Function, people: Sequence[Person]) -> list[float]:
    """Post ten a second whether or not they are answered; each answer's time counts from when it should have gone."""
    began = time.perf_counter()

    def at(turn: int, push: bytes) -> float:
        due = began + turn * STEADY_SECONDS
        time.sleep(max(0.0, due - time.perf_counter()))
        _timed(function, push)
        return time.perf_counter() - due

    pushes = [person.push() for person in people]
    with ThreadPoolExecutor(16) as callers:
        return list(callers.map(at, range(len(pushes)), pushes))


def _timed(function: Function, push: bytes) -> float:
    started = time.perf_counter()
    if (status := function.call(push)) != HTTPStatus.NO_CONTENT:
        raise TryAgain(f"a function answered {status}: {function.output()[-2000:].decode(errors='replace')}")
    return time.perf_counter() - started


def _counted(stage: Stage, mailboxes: int, mails: int) -> dict[str, float]:
    """Documents and quota units of one mail, counted around the same work in this process."""
    s, bill, units = stage.services, Bill(), 0
    store = CountingStore(s.store, bill)
    for person in stage.people(mailboxes, mails=mails, connected=True):
        push = mailbox.GmailPush(email_address=person.address, history_id=person.pushed)
        synced = mailbox.on_push(
            push, settings=s.settings, store=store, queue=s.queue, gmail=s.gmail, vault=s.vault, clock=s.clock
        )
        units += synced.units
    counts = {"reads": bill.reads, "writes": bill.writes, "transactions": bill.transactions, "quota_units": units}
    return {f"{name}_per_mail": round(count / mailboxes / mails, 2) for name, count in counts.items()}


def _ratio(sides: tuple[Side, Side]) -> float:
    """Our throughput by the bare one's: the median over the rounds, whose two halves ran one after the other."""
    return round(statistics.median(a / b for a, b in zip(sides[0].per_second, sides[1].per_second, strict=True)), 3)


def a_mail(seconds: float, mails: int) -> float:
    """CPU seconds of one of so many mails. The kernel counts in ticks of 10 ms: a few may take less than one."""
    return max(seconds, 1 / TICKS) / mails


def _both(sides: tuple[Side, Side]) -> dict[str, dict[str, float]]:
    return {"hearback": sides[0].summary(), "bare": sides[1].summary()}
