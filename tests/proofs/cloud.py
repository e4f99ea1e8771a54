"""The cloud in small: Google's emulators, a Gmail, and every function in processes of its own that may be killed.

What Cloud Run does for a service stands here in some lines: requests go to the instance with the fewest of them, up to
the row's concurrency; one that takes longer than the function's timeout is answered 504, one whose instance dies 503;
a dead instance is replaced. Pub/Sub's emulator pushes through it, by subscriptions made from the functions table.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from shared import registry, services, settings
from shared.local import emulators, pubsub_setup
from shared.local.bench.processes import free_port, set_environment
from shared.local.gmail.faults import Fault

ROOT = registry.TABLE.parent.parent

START_SECONDS = 60.0
"""How long a process may take to serve, on a machine that is busy with everything else."""

LOOK_SECONDS = 0.05
"""Between two looks for instances that have died or have come up."""

FRAMEWORK = "functions_framework"
"""What runs a function's process: the framework's own command."""


READING = ("gmail_push", "sync_mailbox", "wake_due", "deliver_notification", "park_dead_letter")
"""What has to do with mail that comes in."""

SENDING = (*READING, "send_application", "send_dead_letter", "settle_sends", "retry_failed_emails")
"""And with mail that leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The table's limits, shortened so that minutes show what hours would."""

    work_budget_seconds: int = 6
    timeout_seconds: int = 12
    ack_deadline_seconds: int = 20
    lease_seconds: int = 24
    minimum_backoff: timedelta = timedelta(seconds=1)
    maximum_backoff: timedelta = timedelta(seconds=5)
    wake_seconds: float = 4.0
    """Between two calls of the scheduled functions, each of which is called every minute or less often."""
    units_per_minute: int = 4_500
    """Gmail quota units of a mailbox for reading."""
    instances: int = 2
    """Processes of each function that messages wake."""


class Instance:
    """One process of a function."""

    def __init__(self, command: list[str], environ: Mapping[str, str], log: Path) -> None:
        self.port = free_port()
        self.in_flight = 0
        self.is_up = False
        # Every gunicorn wants a control socket of one name in this folder; on one machine they would quarrel about it.
        own = log.parent / f"run-{self.port}"
        own.mkdir(exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", emulators.DIES_WITH_ITS_PARENT, "sh", *command, f"--port={self.port}"],
                cwd=ROOT,
                env={**environ, "XDG_RUNTIME_DIR": str(own)},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def look(self) -> bool:
        """Whether it lives; also notices that it has begun to listen."""
        if self._process.poll() is not None:
            return False
        if not self.is_up:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                self.is_up = True
        return True

    def kill(self) -> None:
        """End the server and its workers at once, in the middle of whatever they do."""
        self.is_up = False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


@dataclass
class Service:
    """One function, as many instances of it as there are, and what became of the requests."""

    row: registry.Row
    command: list[str]
    environ: dict[str, str]
    timeout: float
    log: Path
    instances: list[Instance] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def start_one(self) -> Instance:
        """Another process; it is not up yet."""
        instance = Instance(self.command, self.environ, self.log)
        self.instances.append(instance)
        return instance

    def lines(self) -> Iterator[dict[str, Any]]:
        """What its instances have logged."""
        for line in self.log.read_text().splitlines():
            if line.startswith("{"):
                yield json.loads(line)

    def garbage(self) -> list[str]:
        """What they have printed that is no log line: the framework's own complaints."""
        return [line for line in self.log.read_text().splitlines() if line and not line.startswith("{")]


class Cloud:
    """Start with `with`: everything that it starts, it stops."""

    def __init__(
        self, limits: Limits | None = None, *, functions: Sequence[str] = READING, runs: str = FRAMEWORK
    ) -> None:
        self.limits = limits or Limits()
        self.functions = functions
        """Those that run; a message for any other is taken and nothing is done."""
        self.runs = runs
        """The module that runs a function: the framework, or the framework with something broken in it."""
        self.table = registry.load()
        self.deliveries: Counter[str] = Counter()
        """How often each message was brought, by subscription and Pub/Sub's id."""
        self.replaced = 0
        self._exits = contextlib.ExitStack()
        self._stopping = threading.Event()
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    # --- Starting -----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        folder = Path(self._exits.enter_context(tempfile.TemporaryDirectory(prefix="hearback-proof-")))
        self.project = f"hearback-proof-{os.getpid()}"
        firestore = self._exits.enter_context(emulators.start_firestore())
        pubsub = self._exits.enter_context(emulators.start_pubsub())
        hosts = {"FIRESTORE_EMULATOR_HOST": firestore.host, "PUBSUB_EMULATOR_HOST": pubsub.host}
        for name, host in hosts.items():
            self._exits.callback(set_environment, name, os.environ.get(name))
            os.environ[name] = host
        self.google = self._exits.enter_context(Google(self.project))
        environ = {
            **hosts,
            "GOOGLE_CLOUD_PROJECT": self.project,
            "HEARBACK_WIRING": "google",
            "HEARBACK_DATA_DIR": str(folder / "data"),
            "HEARBACK_GOOGLE_ROOT": self.google.url,
        }
        ours = self._environ(self.table["gmail_push"]) | {"HEARBACK_USES": ",".join(settings.USES)}
        self.own = services.Services(settings.read({**ours, **environ, "FUNCTION_TARGET": ""}))
        """The same ports as the functions have, for preparing and for looking at the outcome."""
        self._exits.callback(self.own.close)
        # The secrets and the vault's key are made once, before several processes would make them.
        self.own.vault.seal(b"", user="", purpose="")
        self.services = {
            row.name: Service(
                row=row,
                command=[
                    *(sys.executable, "-m", self.runs, f"--source=functions/{row.name}/main.py"),
                    *(f"--target={row.name}", "--host=127.0.0.1"),
                ],
                environ={**os.environ, **self._environ(row), **environ},
                timeout=self.limits.timeout_seconds,
                log=folder / f"{row.name}.log",
            )
            for row in self.table
            if row.name in self.functions
        }
        self._exits.callback(self._kill_all)
        for service in self.services.values():
            for _ in range(self.limits.instances if service.row.dead_letter else 1):
                service.start_one()
        self._serve()
        self._run(self._watch_instances)
        self._wait_until_up()
        pubsub_setup.create(
            [
                replace(
                    row,
                    ack_deadline=timedelta(seconds=self.limits.ack_deadline_seconds),
                    minimum_backoff=self.limits.minimum_backoff,
                    maximum_backoff=self.limits.maximum_backoff,
                )
                for row in registry.subscriptions(self.table)
            ],
            project=self.project,
            host=pubsub.host,
            endpoint=self.url,
        )
        self._run(self._keep_time)

    def _environ(self, row: registry.Row) -> dict[str, str]:
        shortened = replace(
            row,
            work_budget_seconds=self.limits.work_budget_seconds,
            timeout_seconds=self.limits.timeout_seconds,
            lease_seconds=self.limits.lease_seconds,
            units_per_minute=self.limits.units_per_minute,
        )
        return registry.environment(shortened)

    def _serve(self) -> None:
        server = _Server(("127.0.0.1", 0), _Handler)
        server.cloud = self
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": LOOK_SECONDS})
        thread.start()
        self._exits.callback(server.server_close)
        self._exits.callback(thread.join)
        self._exits.callback(server.shutdown)

    def _run(self, work: Any) -> None:
        thread = threading.Thread(target=work)
        thread.start()
        self._exits.callback(thread.join)
        self._exits.callback(self._stopping.set)

    def _wait_until_up(self) -> None:
        everybody = [instance for service in self.services.values() for instance in service.instances]
        until = time.monotonic() + START_SECONDS
        while not all(instance.is_up for instance in everybody):
            if time.monotonic() > until:
                printed = "\n".join(line for service in self.services.values() for line in service.garbage())
                raise AssertionError(f"the functions did not start: {printed[-2000:]}")
            time.sleep(LOOK_SECONDS)

    # --- What goes on by itself ---------------------------------------------------------------------------------------

    def _watch_instances(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            for service in self.services.values():
                for instance in tuple(service.instances):
                    was_up = instance.is_up
                    if not instance.look():
                        instance.kill()
                        with self._changed:
                            service.instances.remove(instance)
                            service.start_one()
                            self.replaced += 1
                    elif instance.is_up and not was_up:
                        with self._changed:
                            self._changed.notify_all()

    def _keep_time(self) -> None:
        jobs = [job for job in registry.schedules(self.table) if job.function in self.services]
        while not self._stopping.wait(self.limits.wake_seconds):
            for job in jobs:
                self.call(job.function, json.dumps(job.schedule.payload).encode())

    def _kill_all(self) -> None:
        for service in self.services.values():
            for instance in service.instances:
                instance.kill()

    # --- Requests -----------------------------------------------------------------------------------------------------

    def call(self, function: str, body: bytes) -> int:
        """POST to a function as Cloud Run would pass it on; the status."""
        service = self.services.get(function)
        if service is None:
            return 204
        instance = self._acquire(service)
        if instance is None:
            status = 503
        else:
            try:
                status = _post(instance.port, body, service.timeout)
            finally:
                with self._changed:
                    instance.in_flight -= 1
                    self._changed.notify()
        service.statuses[status] += 1
        return status

    def _acquire(self, service: Service) -> Instance | None:
        """The instance with the fewest requests, when one has room within the function's timeout."""
        with self._changed:
            self._changed.wait_for(lambda: self._free(service), service.timeout)
            free = self._free(service)
            if not free:
                return None
            chosen = min(free, key=lambda instance: instance.in_flight)
            chosen.in_flight += 1
            return chosen

    @staticmethod
    def _free(service: Service) -> list[Instance]:
        return [each for each in service.instances if each.is_up and each.in_flight < service.row.concurrency]

    @property
    def redeliveries(self) -> int:
        """Messages that were brought again, counted each time."""
        return self.deliveries.total() - len(self.deliveries)


class Google:
    """The local Gmail's process, and how to direct it."""

    def __init__(self, project: str) -> None:
        self._project = project
        self.struck: dict[str, int] = {}
        """Known after `stop`."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.proofs.google", self._project],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url, "the local Gmail did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> dict[str, int]:
        """End it; what its faults have struck. A second call changes nothing."""
        if self._process.poll() is None:
            told, _ = self._process.communicate(timeout=START_SECONDS)
            self.struck = json.loads(told)
        return self.struck

    def direct(self, method: str, path: str, body: bytes = b"") -> Any:
        """A request below /local."""
        request = urllib.request.Request(f"{self.url}/local/{path}", data=body or None, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def add(self, *faults: Fault) -> None:
        """Switch faults on."""
        for fault in faults:
            written = {name: getattr(fault, name) for name in Fault.__slots__}
            self.direct("POST", "faults", json.dumps(written).encode())

    def clear(self) -> None:
        """Switch all faults off."""
        self.direct("DELETE", "faults")

    def receive(self, address: str, data: bytes, labels: tuple[str, ...]) -> str:
        """Mail arrives; its id."""
        return str(self.direct("POST", f"mailboxes/{address}/mail?labels={','.join(labels)}", data)["id"])


def _post(port: int, body: bytes, timeout: float) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        return connection.getresponse().status
    except TimeoutError:
        return 504
    except (OSError, http.client.HTTPException):
        return 503
    finally:
        connection.close()


class _Server(ThreadingHTTPServer):
    cloud: Cloud
    request_queue_size = 64
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    """A push on its way to a function."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        push = json.loads(body)
        self.server.cloud.deliveries[f"{push['subscription']} {push['message']['messageId']}"] += 1
        status = self.server.cloud.call(self.path.strip("/"), body)
        # The emulator has its own time-outs, and may have hung up.
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's own name
        """Say nothing."""
