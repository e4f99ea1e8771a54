"""Functions that answer a push as they are told, and write down what they were sent."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HANGS = 0
"""Instead of a status: no answer, until the sink is closed."""


@dataclass(frozen=True)
class Push:
    """One push that arrived: the envelope, and when (seconds, by whatever clock the sink was given)."""

    envelope: dict[str, Any]
    at: float


class Sink:
    """`answers` says for each function what it answers to its 1st, 2nd, ... push; the last answer then stays."""

    def __init__(self, answers: Mapping[str, tuple[int, ...]], now: Callable[[], float] = time.monotonic) -> None:
        self.pushes: dict[str, list[Push]] = defaultdict(list)
        self._answers = answers
        self._now = now
        self._changed = threading.Condition()
        self._closed = threading.Event()

    def receive(self, function: str, body: bytes) -> int:
        """Write down a push and return the status to answer."""
        with self._changed:
            self.pushes[function].append(Push(json.loads(body), self._now()))
            self._changed.notify_all()
            answers = self._answers[function]
            return answers[min(len(self.pushes[function]), len(answers)) - 1]

    def wait(self, counts: Mapping[str, int], seconds: float) -> bool:
        """Until every function has had so many pushes; False when that took too long."""
        with self._changed:
            return self._changed.wait_for(
                lambda: all(len(self.pushes[function]) >= count for function, count in counts.items()), seconds
            )

    @contextmanager
    def served(self) -> Iterator[str]:
        """The sink as an HTTP server on a free port of loopback; gives its base URL."""
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """A test's output stays its own."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = sink.receive(self.path.strip("/"), body)
                if status == HANGS:
                    sink._closed.wait(60)
                    return
                self.send_response(status)
                self.end_headers()

        class Server(ThreadingHTTPServer):
            # The default of five waiting connections makes a sixth wait a second for its turn.
            request_queue_size = 64

        server = Server(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            self._closed.set()
            server.shutdown()
            thread.join()
            server.server_close()
