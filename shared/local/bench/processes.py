"""Programs that a measurement starts: functions under the framework's own server, and what they cost."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from shared import registry
from shared.errors import Rejected, TryAgain
from shared.local.emulators import DIES_WITH_ITS_PARENT

ROOT = registry.TABLE.parent.parent

START_SECONDS = 60.0
STOP_SECONDS = 10.0
ANSWER_SECONDS = 120.0
"""As long as a function may take."""

PORTS = (20_000, 32_768)
"""Below those from which Linux takes the ports of connections that go out."""

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
"""Of the CPU time in /proc, in a second."""


class Program:
    """A child process that ends with us, whatever becomes of us; its output goes into a file."""

    def __init__(self, command: list[str], environ: Mapping[str, str]) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self._process = subprocess.Popen(  # noqa: S603 - our own shell line and our own command
            ["/bin/sh", "-c", DIES_WITH_ITS_PARENT, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), **environ},
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Of the program itself: the shell has become it."""
        return self._process.pid

    def output(self) -> bytes:
        """Everything it has printed."""
        return os.pread(self._output.fileno(), os.fstat(self._output.fileno()).st_size, 0)

    def check(self) -> None:
        """Raises TryAgain with its last words when it has ended."""
        if self._process.poll() is not None:
            raise TryAgain(f"a program ended by itself: {self.output()[-2000:].decode(errors='replace')}")

    def stop(self) -> None:
        """End it and wait until it is gone; a second call does nothing."""
        if self._output.closed:
            return
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        # The watcher is still in the group, so the group's number cannot have become a stranger's.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Function(Program):
    """One function under the functions framework, with the limits of its row, on a port of this machine."""

    def __init__(self, source: Path, target: str, environ: Mapping[str, str]) -> None:
        self.port = free_port()
        options = ["--source", str(source), "--target", target, "--signature-type", "http"]
        where = ["--host", "127.0.0.1", "--port", str(self.port)]
        self.started = time.monotonic()
        super().__init__([sys.executable, "-m", "functions_framework", *options, *where], environ)

    def wait(self, method: str = "GET", path: str = "/", body: bytes = b"") -> float:
        """Ask until it answers; returns the seconds since it was started."""
        while True:
            self.check()
            with contextlib.suppress(OSError):
                self.call(body, method, path)
                return time.monotonic() - self.started
            if time.monotonic() - self.started > START_SECONDS:
                raise TryAgain(f"no answer within {START_SECONDS} s")
            time.sleep(0.002)

    def call(self, body: bytes, method: str = "POST", path: str = "/") -> int:
        """One request over a connection of its own; returns the status. Raises OSError.

        A connection that is kept would hold one of the server's few threads for two seconds after its last answer.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", "Connection": "close"})
            answer = connection.getresponse()
            answer.read()
        except http.client.HTTPException as e:
            raise ConnectionError(type(e).__name__) from e
        finally:
            connection.close()
        return int(answer.status)

    def cpu_seconds(self) -> float:
        """What its worker has spent so far, in user and system time."""
        return sum(_cpu_seconds(child) for child in _children(self.pid))

    def memory_bytes(self) -> int:
        """What its worker holds in memory."""
        return max(_memory_bytes(child) for child in _children(self.pid))


def free_port() -> int:
    """A port of this machine on which nobody listens now, and which no connection that goes out is given meanwhile."""
    while True:
        port = random.randrange(*PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def set_environment(name: str, value: str | None) -> None:
    """Set a variable of this process, or remove it."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def needs_proc() -> None:
    """Raises Rejected where the kernel does not tell what another process has cost."""
    if not (PROC / "self/stat").exists():
        raise Rejected("the bench reads /proc, which only Linux has")


def _children(pid: int) -> list[int]:
    children = (PROC / f"{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


def _cpu_seconds(pid: int) -> float:
    # Behind the program's name, which may contain blanks: utime and stime are the 14th and 15th fields.
    fields = (PROC / f"{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory_bytes(pid: int) -> int:
    lines = (PROC / f"{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS")), 0)
