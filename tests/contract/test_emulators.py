"""The emulators start, answer, and end with whoever started them."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from shared.errors import Rejected, TryAgain
from shared.local import emulators

PARENT = """
import sys, time
from shared.local import emulators
print(emulators.start_firestore().pid, flush=True)
time.sleep(600)
"""


def working(group: int) -> list[int]:
    """The processes of a group that have not ended; one that ended and was not yet reaped (Z) does not work."""
    pids = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(its_group) == group and state != "Z":
            pids.append(int(stat.parent.name))
    return pids


def all_ended(group: int) -> bool:
    """Whether every process of the group is gone within ten seconds: a killed one takes a moment."""
    deadline = time.monotonic() + 10
    while working(group) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not working(group)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")


@pytest.mark.emulators
@pytest.mark.parametrize("fixture", ["firestore_emulator", "pubsub_emulator"])
def test_an_emulator_answers_on_loopback(fixture, request):
    emulator = request.getfixturevalue(fixture)
    assert emulator.host.startswith("127.0.0.1:")
    with urllib.request.urlopen(f"http://{emulator.host}/", timeout=5) as answer:
        assert answer.status == 200


@pytest.mark.emulators
@needs_proc
def test_stop_leaves_no_process_and_may_be_called_twice():
    emulator = emulators.start_pubsub()
    assert emulator.pid in working(emulator.pid)
    emulator.stop()
    emulator.stop()
    assert all_ended(emulator.pid)


@pytest.mark.emulators
@needs_proc
def test_the_emulator_ends_when_its_parent_is_killed():
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        group = int(parent.stdout.readline())
        assert working(group)
        parent.kill()
    assert all_ended(group)


def test_a_port_that_is_taken_is_reported_and_nothing_is_left_running(firestore_emulator):
    port = int(firestore_emulator.host.partition(":")[2])
    with pytest.raises(TryAgain, match="did not start"):
        emulators.start_pubsub(port)


def test_a_machine_without_java_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert emulators.find() is None
    assert "java" in emulators.why_missing()
    with pytest.raises(Rejected, match="java"):
        emulators.start_firestore()
