"""What needs Terraform or gcloud is skipped, loudly, where they are missing; HEARBACK_REQUIRE_INFRA=1 forbids it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support import gcloud_lint, terraform

MISSING: dict[str, Callable[[], str]] = {"terraform": terraform.why_missing, "gcloud": gcloud_lint.why_missing}
UNRUN = pytest.StashKey[dict[str, str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, why in MISSING.items():
        if item.get_closest_marker(marker) is None or not (reason := why()):
            continue
        if os.environ.get("HEARBACK_REQUIRE_INFRA") == "1":
            pytest.fail(reason, pytrace=False)
        item.config.stash.setdefault(UNRUN, {})[item.nodeid] = reason
        pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    unrun = config.stash.get(UNRUN, {})
    if unrun:
        terminalreporter.section("NOT TESTED", sep="!", red=True, bold=True)
        for reason in sorted(set(unrun.values())):
            count = sum(each == reason for each in unrun.values())
            terminalreporter.line(f"{count} tests of the deployment: {reason}", red=True)


@pytest.fixture
def firestore() -> Iterator[tuple[str, list[tuple[str, str, Any]]]]:
    """A stand-in for Firestore's administration: takes every PATCH and keeps it."""
    taken: list[tuple[str, str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PATCH(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.path, self.headers["Authorization"], json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """A test's output stays its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", taken
    server.shutdown()
    thread.join()
    server.server_close()
