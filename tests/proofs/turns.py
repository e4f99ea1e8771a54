"""Processes on a clock that is wound for them: each call of a port takes a while, in which the others do theirs.

Each process is a thread of which one runs at a time, so that a seed gives the same story again.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shared.errors import TryAgain
from shared.local.clock import FakeClock

REDELIVERED_AFTER = 10.0
"""Seconds after which Pub/Sub brings a message again whose process has died, by our subscriptions' back-off."""


class Killed(BaseException):
    """The process is gone: nothing catches it."""


class Turns:
    """The clock, what is to come, and the processes; `act` is there to be overridden."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.clock = rng, FakeClock()
        self.errors: list[str] = []
        self.current: Process | None = None
        self._coming: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._processes: list[Process] = []

    def close(self) -> None:
        """Let every thread end."""
        for process in self._processes:
            process.end()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Have something happen."""
        at = self.clock.now().timestamp() + seconds
        heapq.heappush(self._coming, (at, next(self._numbers), act))

    def play(self, until: Callable[[], bool]) -> None:
        """Let happen what is to come."""
        while self._coming and not until():
            at, _, act = heapq.heappop(self._coming)
            self.clock.set(max(self.clock.now(), datetime.fromtimestamp(at, tz=UTC)))
            act()

    def start(self, name: str, work: Callable[[], object]) -> None:
        """A message has reached a function; should its process die, it comes again."""
        process = Process(self, name, work, lambda: self.start(name, work))
        self._processes = [each for each in self._processes if each.is_alive()]
        self._processes.append(process)
        process.go_on()

    def call(self, act: Callable[[], Any], seconds: tuple[float, float]) -> Any:
        """A call of the process that runs: first its time passes, then it has its effect."""
        process = self.current
        if process is None:
            return act()
        process.wait(self.rng.uniform(*seconds))
        return self.act(process.name, act)

    def act(self, name: str, act: Callable[[], Any]) -> Any:
        """The effect of a call that a function of this name has made."""
        raise NotImplementedError


class Process:
    """One delivery of a message, in a thread that stands still while others run."""

    def __init__(self, turns: Turns, name: str, work: Callable[[], object], again: Callable[[], None]) -> None:
        self.name = name
        self._turns, self._work, self._again = turns, work, again
        self._is_over = False
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def go_on(self) -> None:
        """Let it run to its next call."""
        self._turns.current = self
        self._turn.release()
        self._back.acquire()
        self._turns.current = None

    def wait(self, seconds: float) -> None:
        """Stand still for so long."""
        self._turns.after(seconds, self.go_on)
        self._back.release()
        self._turn.acquire()
        if self._is_over:
            raise Killed

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._thread.is_alive()

    def end(self) -> None:
        """Let it die where it stands."""
        self._is_over = True
        self._turn.release()
        self._thread.join()

    def _run(self) -> None:
        self._turn.acquire()
        try:
            if not self._is_over:
                self._work()
        except (Killed, TryAgain):
            self._turns.after(REDELIVERED_AFTER, self._again)
        except BaseException as e:  # noqa: BLE001 - told in the end
            self._turns.errors.append(f"{self.name}: {type(e).__name__}: {e}")
        finally:
            self._back.release()


class Slow:
    """A port whose every call takes a while, and may be the last of its process."""

    def __init__(self, port: Any, turns: Turns, seconds: tuple[float, float]) -> None:
        self._port, self._turns, self._seconds = port, turns, seconds

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._turns.call(lambda: found(*args, **kwargs), self._seconds)

        return call


class SlowGmail(Slow):
    """The same for Gmail, whose mailboxes are ports of their own."""

    def mailbox(self, access_token: str) -> Any:
        """The mailbox that the token opens."""
        return Slow(self._port.mailbox(access_token), self._turns, self._seconds)
