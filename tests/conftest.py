"""What every test stands on: sockets that stay on this machine, and Google's emulators, started when first asked for.

A test that needs the emulators is skipped, loudly, where they are not installed; with HEARBACK_REQUIRE_EMULATORS=1 it
fails instead.
"""

from __future__ import annotations

import ipaddress
import itertools
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from test_utils.prefixer import Prefixer

from shared.local import emulators

EMULATOR_FIXTURES = {"firestore_emulator", "pubsub_emulator", "emulator_project"}
PROJECTS = Prefixer("hearback", "tests", separator="-")
PROJECT_NUMBERS = itertools.count(1)
UNRUN = pytest.StashKey[set[str]]()

# --- Sockets ----------------------------------------------------------------------------------------------------------


class OutsideLoopbackError(AssertionError):
    """A test tried to reach a machine that is not this one."""


def _refuse_strangers(host: object) -> None:
    """Raises for every host but this machine's own; a name that would need DNS is a stranger, too."""
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    # No host at all and 0.0.0.0 are what a server listens on; as a destination they mean this machine.
    if host in (None, "", "localhost", "0.0.0.0", "::"):  # noqa: S104 - compared with, not bound to
        return
    try:
        if ipaddress.ip_address(str(host).partition("%")[0]).is_loopback:
            return
    except ValueError:
        pass
    raise OutsideLoopbackError(f"a test tried to reach {host}")


@pytest.fixture(scope="session", autouse=True)
def _only_loopback() -> Iterator[None]:
    """Python's sockets refuse every other machine. gRPC has its own, in C: it is only ever given an emulator's host."""
    connect, connect_ex, sendto = socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto
    getaddrinfo = socket.getaddrinfo

    def guarded(call: Any) -> Any:
        def to_loopback(self: socket.socket, *args: Any) -> Any:
            # The address is the last argument of all three: connect(address), sendto(data[, flags], address).
            if self.family in (socket.AF_INET, socket.AF_INET6):
                _refuse_strangers(args[-1][0])
            return call(self, *args)

        return to_loopback

    def getaddrinfo_of_loopback(host: object, *args: Any, **kwargs: Any) -> Any:
        _refuse_strangers(host)
        return getaddrinfo(host, *args, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(connect))
        patch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
        patch.setattr(socket.socket, "sendto", guarded(sendto))
        patch.setattr(socket, "getaddrinfo", getaddrinfo_of_loopback)
        yield


# --- Emulators --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def firestore_emulator() -> Iterator[emulators.Emulator]:
    """The session's Firestore emulator; `.host` is for FIRESTORE_EMULATOR_HOST. `emulator_project` isolates a test."""
    with emulators.start_firestore() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def pubsub_emulator() -> Iterator[emulators.Emulator]:
    """The session's Pub/Sub emulator; `.host` is for PUBSUB_EMULATOR_HOST. `emulator_project` isolates a test."""
    with emulators.start_pubsub() as emulator:
        yield emulator


@pytest.fixture
def emulator_project() -> str:
    """A project id that no other test has used: projects are namespaces, so nothing needs to be cleaned up."""
    return f"{PROJECTS.create_prefix()}-{next(PROJECT_NUMBERS)}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for an emulator bears the marker, so that `-m "not emulators"` finds it."""
    for item in items:
        if EMULATOR_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("emulators")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("emulators") is None or emulators.find() is not None:
        return
    reason = f"the emulators are missing: {emulators.why_missing()}"
    if os.environ.get("HEARBACK_REQUIRE_EMULATORS") == "1":
        pytest.fail(reason, pytrace=False)
    item.config.stash.setdefault(UNRUN, set()).add(item.nodeid)
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    unrun = config.stash.get(UNRUN, set())
    if unrun:
        terminalreporter.section("NOT TESTED", sep="!", red=True, bold=True)
        terminalreporter.line(f"{len(unrun)} tests need the emulators: {emulators.why_missing()}", red=True)
