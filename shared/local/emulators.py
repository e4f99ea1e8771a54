"""Google's Pub/Sub and Firestore emulators, run as plain java processes that end with us.

The `gcloud` command is never run: it takes seconds, and it leaves its java behind when it is killed.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from shared.errors import Rejected, TryAgain

START_TIMEOUT = timedelta(seconds=60)
"""A first start from a cold disk takes 4 s on two idle cores; a busy machine may need ten times that."""

STOP_TIMEOUT = timedelta(seconds=10)
"""How long java may take to end by itself before it is killed."""

START_ATTEMPTS = 3
"""A free port is found before java binds it, so another process may take it in between."""

SDK_PLACES = (
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/usr/local/share/google-cloud-sdk",
    "/usr/local/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/opt/homebrew/share/google-cloud-sdk",
    "/snap/google-cloud-cli/current",
    "~/google-cloud-sdk",
)
"""Where packages, installers and images put the Google Cloud SDK."""

FIRESTORE_JAR = "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
FIRESTORE_MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
"""Its jar names no main class."""
FIRESTORE_READY = b"Dev App Server is now running"
PUBSUB_JAR = "platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar"
PUBSUB_READY = b"Server started, listening"
"""What they print once the port is theirs. That something answers there proves less: it may be a stranger."""

PORT_TAKEN = b"java.net.BindException"
"""The Pub/Sub emulator does not end when it cannot have its port."""

DIES_WITH_ITS_PARENT = """
exec 3<&0
{ read -r _ <&3; kill -9 -$$; } &
exec 3<&- "$@" </dev/null
"""
"""Runs a command that ends when whoever started it ends, in whatever way.

The watcher in the second line waits on a pipe that only the parent holds open, and then kills the process group; the
shell itself becomes the command. Linux's PR_SET_PDEATHSIG would do this only on Linux, fires when the *thread* that
started the process ends, and needs code between fork and exec, which is not safe in a program with threads.
"""


@dataclass(frozen=True, slots=True)
class Jars:
    """What the emulators are started from."""

    java: Path
    pubsub: Path
    firestore: Path


def find() -> Jars | None:
    """The java and the two jars of this machine, or None; `why_missing` then says what was not there."""
    located = _locate()
    return located if isinstance(located, Jars) else None


def why_missing() -> str:
    """Why `find` found nothing, in words for the person at the terminal; empty when it did."""
    located = _locate()
    return "" if isinstance(located, Jars) else located


class Emulator:
    """A running emulator. Use it as a context manager, or call `stop`."""

    def __init__(self, name: str, host: str, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self.name = name
        self.host = host
        """"127.0.0.1:PORT", as FIRESTORE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST want it."""
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """The java process, which leads a process group of its own."""
        return self._process.pid

    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def output(self) -> bytes:
        """The first 64 KiB of what it printed."""
        # Java writes at the file's own position, which a seek would move for both.
        return os.pread(self._log.fileno(), 1 << 16, 0)

    def stop(self) -> None:
        """End the process and wait until it is gone; a second call does nothing."""
        if self._log.closed:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT.total_seconds())
        except subprocess.TimeoutExpired:
            self._process.kill()
        # The watcher is still in the group, so the group's number cannot have become a stranger's.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_pubsub(port: int = 0) -> Emulator:
    """A Pub/Sub emulator that answers; port 0 takes a free one. Raises Rejected (not installed) or TryAgain."""
    jars = _installed()
    return _start("Pub/Sub", [str(jars.java), "-jar", str(jars.pubsub)], port, PUBSUB_READY)


def start_firestore(port: int = 0) -> Emulator:
    """A Firestore emulator that answers; port 0 takes a free one. Raises Rejected (not installed) or TryAgain."""
    jars = _installed()
    return _start("Firestore", [str(jars.java), "-cp", str(jars.firestore), FIRESTORE_MAIN], port, FIRESTORE_READY)


def _installed() -> Jars:
    located = _locate()
    if isinstance(located, Jars):
        return located
    raise Rejected(located)


def _locate() -> Jars | str:
    java = shutil.which("java", path=_java_path())
    if java is None:
        return "java is not on PATH and JAVA_HOME names none (the emulators need Java 11 or later)"
    missing = "no Google Cloud SDK found on PATH, at CLOUDSDK_ROOT_DIR or in the usual places"
    for root in _sdk_roots():
        firestore = root / FIRESTORE_JAR
        # After an update an old version may still lie beside the new one; the last in order is the newest.
        pubsub = max(root.glob(PUBSUB_JAR), default=None)
        if pubsub is not None and firestore.is_file():
            return Jars(Path(java), pubsub, firestore)
        if (root / "platform").is_dir():
            missing = f"{root} lacks the emulators (gcloud components install pubsub-emulator cloud-firestore-emulator)"
    return missing


def _java_path() -> str:
    path = os.environ.get("PATH", os.defpath)
    home = os.environ.get("JAVA_HOME")
    return f"{home}/bin{os.pathsep}{path}" if home else path


def _sdk_roots() -> list[Path]:
    roots = [os.environ["CLOUDSDK_ROOT_DIR"]] if "CLOUDSDK_ROOT_DIR" in os.environ else []
    gcloud = shutil.which("gcloud")
    if gcloud is not None:
        # Packages link /usr/bin/gcloud to bin/gcloud of the installation.
        roots.append(str(Path(gcloud).resolve().parent.parent))
    return [Path(root).expanduser() for root in (*roots, *SDK_PLACES)]


def _start(name: str, command: list[str], port: int, ready: bytes) -> Emulator:
    attempts = START_ATTEMPTS if port == 0 else 1
    while True:
        attempts -= 1
        emulator = _run(name, command, port or _free_port())
        try:
            _wait(emulator, ready)
        except BaseException as e:
            emulator.stop()
            if attempts and isinstance(e, TryAgain):
                continue
            raise
        return emulator


def _run(name: str, command: list[str], port: int) -> Emulator:
    log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
    process = subprocess.Popen(  # noqa: S603 - our own shell line, a path and a number
        ["/bin/sh", "-c", DIES_WITH_ITS_PARENT, "sh", *command, "--host=127.0.0.1", f"--port={port}"],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    return Emulator(name, f"127.0.0.1:{port}", process, log)


def _wait(emulator: Emulator, ready: bytes) -> None:
    """Return when it serves; raises TryAgain with the end of its output when it ends, fails or stays silent."""
    deadline = time.monotonic() + START_TIMEOUT.total_seconds()
    while not (ready in emulator.output() and _answers(emulator.host)):
        if not emulator.is_running() or PORT_TAKEN in emulator.output() or time.monotonic() > deadline:
            said = emulator.output()[-2000:].decode(errors="replace")
            raise TryAgain(f"the {emulator.name} emulator did not start: {said}")
        time.sleep(0.05)


def _answers(host: str) -> bool:
    """Whether an HTTP server answers there, whatever it says."""
    connection = http.client.HTTPConnection(host, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status > 0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
