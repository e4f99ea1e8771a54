"""A function's zip taken as the platform takes it: unpacked, its packages installed, and started by the framework."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

from shared import registry, settings
from shared.local import emulators

RUNTIME = "3.13"
"""The Python of the platform's runtime, python313."""

START_SECONDS = 60.0
"""A start takes a second; on a busy machine it has taken ten."""

LOOK_SECONDS = 0.1


def runtime() -> str:
    """The platform's Python on this machine; this one where there is no other."""
    for place in (
        shutil.which(f"python{RUNTIME}"),
        *Path.home().glob(f".pyenv/versions/{RUNTIME}.*/bin/python{RUNTIME}"),
    ):
        if place and subprocess.run([place, "--version"], capture_output=True, check=False).returncode == 0:
            return str(place)
    return sys.executable


def unpack(data: Path, folder: Path) -> Path:
    with zipfile.ZipFile(data) as archive:
        archive.extractall(folder)
    return folder


def production(row: registry.Row) -> dict[str, str]:
    """The environment of a function on Cloud Run, with made-up values; nothing of this machine's."""
    return registry.environment(row) | {
        "GOOGLE_CLOUD_PROJECT": "hearback-example",
        "HEARBACK_BUCKET": "hearback-example-files",
        "HEARBACK_KMS_KEY": "projects/p/locations/l/keyRings/r/cryptoKeys/k",
        "HEARBACK_MAILBOX_SECRET": "m" * settings.SECRET_BYTES,
        "HEARBACK_OAUTH_CLIENT_ID": "1-a.apps.googleusercontent.com",
        "HEARBACK_OAUTH_CLIENT_SECRET": "s",
        "K_SERVICE": row.name.replace("_", "-"),
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def expected(row: registry.Row) -> tuple[str, int]:
    """A path that needs no other service, and the status that says that our own code has answered a GET there."""
    return ("/v1/nowhere", 404) if row.http else ("/", 405)


@contextlib.contextmanager
def started(row: registry.Row, folder: Path, python: str) -> Iterator[str]:
    """The function under the framework's own command; its address. Raises AssertionError with what it has printed."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    log = folder.parent / f"{row.name}.log"
    # Every gunicorn wants a control socket of one name in this folder.
    own = folder.parent / f"run-{port}"
    own.mkdir()
    command = [python, "-m", "functions_framework", "--source=main.py", f"--target={row.name}", f"--port={port}"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", emulators.DIES_WITH_ITS_PARENT, "sh", *command, "--host=127.0.0.1"],
            cwd=folder,
            env=production(row) | {"XDG_RUNTIME_DIR": str(own)},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        limit = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < limit, log.read_text()
            time.sleep(LOOK_SECONDS)
        yield f"http://127.0.0.1:{port}"
    finally:
        # The end of its input ends the whole group.
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


def answer(row: registry.Row, folder: Path, python: str) -> int:
    """What the started function answers to the GET of `expected`."""
    with started(row, folder, python) as address:
        try:
            with urllib.request.urlopen(address + expected(row)[0], timeout=START_SECONDS) as found:
                return int(found.status)
        except urllib.error.HTTPError as e:
            with e:
                return e.code


WITHOUT_WHEEL = "jstyleson"
"""Has no wheel in the index, and is one module of plain Python: the platform builds it in a moment."""

WHEELS = ("--only-binary=:all:", f"--no-binary={WITHOUT_WHEEL}", "--require-hashes")
"""What pip is told so that it builds nothing but that."""

PLATFORM = ("--python-version", RUNTIME, "--no-deps", *WHEELS)
"""The files of the platform's Python. The lock is complete, so that nothing has to be looked for."""


def pip(*arguments: str, folder: Path, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    command = [python, "-m", "pip", *arguments, "--disable-pip-version-check", "--no-input"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
