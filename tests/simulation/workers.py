"""Two workers that take turns: one runs, until it has made so many port calls; then it waits for its next turn."""

from __future__ import annotations

import threading
from collections.abc import Callable

MAIN = -1
"""Nobody of the crew: whoever runs outside of it."""


def _closed_gate() -> threading.Lock:
    """A lock that one thread waits at and another one opens: a semaphore does the same ten times slower."""
    gate = threading.Lock()
    gate.acquire()
    return gate


class Crew:
    """Threads of which never more than one runs, so that a run can be had again."""

    def __init__(self, number: int = 2) -> None:
        self.current = MAIN
        self._alone = False
        self._back = _closed_gate()
        self._workers = [_Worker(self, each) for each in range(number)]

    def free(self) -> list[int]:
        """Workers without work."""
        return [each.number for each in self._workers if each.work is None]

    def busy(self) -> list[int]:
        """Workers that have begun and not ended."""
        return [each.number for each in self._workers if each.work is not None]

    def begin(self, number: int, work: Callable[[], object]) -> None:
        """Give a worker something to do; it starts at its first turn."""
        self._workers[number].work = work

    def go_on(self, number: int, calls: int | None) -> None:
        """Let a worker make so many calls, or do all that it has in the caller's own thread when that is None.

        Raises what its work has raised.
        """
        worker = self._workers[number]
        if calls is None:
            self._do_all(worker)
            return
        worker.calls = calls
        self.current = number
        worker.turn.release()
        self._back.acquire()
        self.current = MAIN
        if worker.error is not None:
            error, worker.error = worker.error, None
            raise error

    def _do_all(self, worker: _Worker) -> None:
        """Of a worker without rivals, who has not begun: nobody else's turn may come, so it needs no thread."""
        assert worker.work is not None
        work, self.current, self._alone = worker.work, worker.number, True
        try:
            work()
        finally:
            worker.work, self.current, self._alone = None, MAIN, False

    def pause(self) -> None:
        """Called by a worker at each call: its turn may be over."""
        if self.current == MAIN or self._alone:
            return
        worker = self._workers[self.current]
        worker.calls -= 1
        if worker.calls <= 0:
            self._back.release()
            worker.turn.acquire()

    def close(self) -> None:
        """Let the threads end. Whoever has work then is stuck in a run that was broken off, and stays where it is."""
        for number in self.free():
            self._workers[number].turn.release()

    def finished(self) -> None:
        """Called by a worker whose work has ended."""
        self._back.release()


class _Worker:
    def __init__(self, crew: Crew, number: int) -> None:
        self.number = number
        self.crew = crew
        self.turn = _closed_gate()
        self.work: Callable[[], object] | None = None
        self.calls = 0
        self.error: BaseException | None = None
        threading.Thread(target=self._run, name=f"worker-{number}", daemon=True).start()

    def _run(self) -> None:
        while True:
            self.turn.acquire()
            work = self.work
            if work is None:
                return
            try:
                work()
            except BaseException as e:  # noqa: BLE001 - handed to whoever leads the crew
                self.error = e
            self.work = None
            self.crew.finished()
