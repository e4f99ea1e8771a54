"""Functions as they are deployed: the files of their zip in a folder of their own, under the framework's own server."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from shared import registry
from shared.adapters.sqlite_store import SqliteStore
from shared.schema import Query

T = TypeVar("T")

ROOT = registry.TABLE.parent.parent
START_SECONDS = 30
STOP_SECONDS = 15


@dataclass
class Booted:
    """One running function."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    def call(
        self, method: str, path: str = "/", body: object = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request; returns status, headers and body."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        finally:
            connection.close()

    def output(self) -> str:
        """Everything it has written so far."""
        return (self.folder / "output").read_text()

    def lines(self) -> list[dict[str, Any]]:
        """Its log, line by line."""
        return [json.loads(line) for line in self.output().splitlines()]

    def find(self, query: Query[T], **equal: str) -> list[T]:
        """What it has written to its store."""
        store = SqliteStore(self.folder / "data" / "store.sqlite")
        try:
            return [item.value for item in store.find(query, equal=equal, limit=100).items]
        finally:
            store.close()

    def answers(self) -> bool:
        try:
            self.call("GET")
        except OSError:
            return False
        return True

    def stop(self) -> int:
        """Ask it to end; returns its exit code. The whole group is killed when it does not."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=STOP_SECONDS)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def start(row: registry.Row, folder: Path, **environ: str) -> Booted:
    """Start a function with what its row says and nothing else; the folder is laid out as its zip will be."""
    (folder / "main.py").write_bytes((registry.TABLE.parent / row.name / "main.py").read_bytes())
    (folder / "shared").symlink_to(ROOT / "shared")
    # The table is in no zip: only the embedded wiring reads it, for the subscriptions of its queue.
    (folder / "functions").symlink_to(ROOT / "functions")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "functions_framework", "--target", row.name, "--source", str(folder / "main.py")]
    given = {"HEARBACK_DATA_DIR": str(folder / "data"), "PATH": "/usr/bin:/bin", **registry.environment(row), **environ}
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env=given,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Booted(process, port, folder)


def wait(booted: Booted) -> Booted:
    """Until it answers or has ended."""
    until = time.monotonic() + START_SECONDS
    while booted.process.poll() is None and not booted.answers():
        assert time.monotonic() < until, booted.output()
        time.sleep(0.02)
    return booted


@pytest.fixture(scope="session")
def boot(tmp_path_factory):
    """A running function of the table by its name: started once, stopped at the end."""
    running: dict[str, Booted] = {}

    def boot(name):
        if name not in running:
            running[name] = wait(start(registry.load()[name], tmp_path_factory.mktemp(name)))
        assert running[name].process.poll() is None, running[name].output()
        return running[name]

    yield boot
    for booted in running.values():
        booted.process.terminate()
    for booted in running.values():
        booted.stop()


@pytest.fixture
def boot_alone(tmp_path):
    """A function started for this test alone, with more in its environment."""
    running = []

    def boot_alone(name, **environ):
        running.append(wait(start(registry.load()[name], tmp_path, **environ)))
        return running[-1]

    yield boot_alone
    for booted in running:
        if booted.process.poll() is None:
            booted.stop()
