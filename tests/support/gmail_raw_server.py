"""A server that reads whole requests and answers exactly what it was told, also nothing at all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

HANG_UP = b""
"""Read the request, then close without an answer."""

Script = Callable[[str], bytes]
"""The bytes to answer to a request line's verb; a fixed script ignores it."""


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """An HTTP answer with its length."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class RawServer:
    """Counts what it reads; `close_after` hangs up after each answer, without having announced it."""

    def __init__(self, script: Script, *, close_after: bool = False) -> None:
        self.requests: list[tuple[str, str]] = []
        """Verb and target of each request, read to its last byte."""
        self._script = script
        self._close_after = close_after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def posts(self) -> int:
        """How many POSTs came."""
        return sum(verb == "POST" for verb, _ in self.requests)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed by its own thread
        for thread in self._threads[1:]:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as incoming:
            while line := incoming.readline():
                verb, target, _ = line.decode().split(" ", 2)
                length = 0
                while (header := incoming.readline()) not in (b"\r\n", b""):
                    name, _, value = header.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                incoming.read(length)
                self.requests.append((verb, target))
                reply = self._script(verb)
                if reply == HANG_UP:
                    return
                connection.sendall(reply)
                if self._close_after:
                    return
