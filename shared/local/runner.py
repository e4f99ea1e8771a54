"""All of Hearback on this machine: every function of the table behind one port, the queue, the clock, and a Google.

Functions run under the real functions framework and are called over HTTP, as they are in production. With
`emulators` the queue and the store are Google's emulators, and Pub/Sub itself pushes; else both are SQLite.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from wsgiref.types import StartResponse, WSGIApplication

import functions_framework
from croniter import croniter
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

from shared import registry, services, settings
from shared.adapters.clock import SystemClock
from shared.adapters.local_queue import ACKNOWLEDGED, Delivery, LocalQueue, push_envelope
from shared.errors import Rejected, TryAgain
from shared.local import emulators, job_boards, pubsub_setup
from shared.local.gmail.model import GmailModel
from shared.local.google_server import GoogleServer

log = logging.getLogger(__name__)

FUNCTIONS = registry.TABLE.parent

WORKERS = 4
"""Messages delivered at the same time: more than one, so that what must not run twice at once is seen to hold."""

POLL_SECONDS = 0.25
"""How long a worker of the queue sleeps when nothing has arrived; a publication wakes it at once."""

CALL_SECONDS = 30.0
"""How long the API may take on a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How this machine is to run Hearback."""

    data_dir: Path | None = None
    """Where the embedded wiring keeps its files; None keeps everything in memory."""
    emulators: bool = False
    port: int = 0
    """0 takes a free one."""
    units_per_minute: int = 0
    """Gmail quota of a person; 0 is the real one. Playing an archive at once needs more."""
    clock_runs: bool = True
    """Whether the schedules of the table fire."""


class Timetable:
    """When each scheduled function is called next, as Cloud Scheduler would call it."""

    def __init__(self, jobs: Iterable[registry.Job], start: datetime) -> None:
        self._jobs = {job.name: job for job in jobs}
        self._ticks = {name: croniter(job.schedule.cron, start) for name, job in self._jobs.items()}
        self._next: dict[str, datetime] = {name: ticks.get_next(datetime) for name, ticks in self._ticks.items()}

    def due(self, now: datetime) -> list[registry.Job]:
        """The jobs whose time has come since the last call; one that was missed several times comes once."""
        due = [name for name, at in self._next.items() if at <= now]
        for name in due:
            while self._next[name] <= now:
                self._next[name] = self._ticks[name].get_next(datetime)
        return [self._jobs[name] for name in due]


class Runner:
    """Start with `with`: everything that it starts, it stops."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.table = registry.load()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._exits.close()

    # --- Starting -----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        project = f"hearback-local-{os.getpid()}" if self.options.emulators else "hearback-local"
        environ = self._environment(project)
        if self.options.emulators:
            environ |= self._start_emulators()
        units = {"units_per_minute": self.options.units_per_minute} if self.options.units_per_minute else {}
        self.gmail = GmailModel(SystemClock(), random.Random(0), publish=self._publish, project=project, **units)
        self.google = GoogleServer(self.gmail)
        self.google.start()
        self._exits.callback(self.google.stop)
        self.job_boards = job_boards.WebServer()
        job_boards.open_boards(self.job_boards, datetime.now(UTC))
        self._exits.enter_context(self.job_boards)
        self.services = services.Services(
            settings.read(environ | {"HEARBACK_GOOGLE_ROOT": self.google.url}),
            web=job_boards.StandInWeb(self.job_boards, clock=SystemClock()),
            boards=job_boards.StandInBoards(job_boards.EMPLOYERS),
        )
        self._exits.callback(self.services.close)
        self._exits.enter_context(services.use(self.services))
        self._serve()
        if self.options.emulators:
            pubsub_setup.create(
                registry.subscriptions(self.table),
                project=project,
                host=environ["PUBSUB_EMULATOR_HOST"],
                endpoint=self.url,
            )
        else:
            for number in range(WORKERS):
                self._run(self._deliver, f"queue-{number}")
        if self.options.clock_runs:
            self._run(self._keep_time, "clock")

    def _environment(self, project: str) -> dict[str, str]:
        limits = registry.environment(self.table["gmail_push"])
        environ = {name: value for name, value in limits.items() if name.startswith("HEARBACK_")}
        environ |= {"HEARBACK_USES": ",".join(settings.USES), "GOOGLE_CLOUD_PROJECT": project}
        environ["HEARBACK_WIRING"] = "google" if self.options.emulators else "local"
        if self.options.data_dir is not None:
            environ["HEARBACK_DATA_DIR"] = str(self.options.data_dir)
        if self.options.units_per_minute:
            environ["HEARBACK_UNITS_PER_MINUTE"] = str(self.options.units_per_minute)
        return environ

    def _start_emulators(self) -> dict[str, str]:
        """Google's own emulators; their client libraries find them by the environment alone."""
        if emulators.find() is None:
            raise Rejected(f"the emulators cannot be started: {emulators.why_missing()}")
        firestore = self._exits.enter_context(emulators.start_firestore())
        pubsub = self._exits.enter_context(emulators.start_pubsub())
        found = {"FIRESTORE_EMULATOR_HOST": firestore.host, "PUBSUB_EMULATOR_HOST": pubsub.host}
        for name, host in found.items():
            before = os.environ.get(name)
            self._exits.callback(_set_environment, name, before)
            os.environ[name] = host
        return found

    def _serve(self) -> None:
        mounts: dict[str, WSGIApplication] = {}
        for row in self.table:
            # The framework bears no types.
            app = functions_framework.create_app(row.name, str(FUNCTIONS / row.name / "main.py"))  # type: ignore[no-untyped-call]
            mounts[f"/{row.name}"] = _at_its_root(app)
        application = DispatcherMiddleware(Response("no such function\n", status=404), mounts)
        self._server: BaseWSGIServer = make_server(
            "127.0.0.1", self.options.port, application, threaded=True, request_handler=_QuietHandler
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        thread = threading.Thread(target=self._server.serve_forever, name="functions", daemon=True)
        thread.start()
        self._exits.callback(thread.join)
        self._exits.callback(self._server.shutdown)

    def _run(self, work: Any, name: str) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    # --- What goes on by itself ---------------------------------------------------------------------------------------

    def _publish(self, topic: str, data: bytes) -> None:
        """Gmail's notification goes to the topic that its watch names."""
        self.services.queue.publish(topic.rpartition("/")[2], json.loads(data))

    def _deliver(self) -> None:
        """One worker of the embedded queue: pushes messages to their functions, as Pub/Sub does."""
        queue = self.services.queue
        assert isinstance(queue, LocalQueue)  # noqa: S101 - the local wiring has no other
        while not self._stopping.is_set():
            deliveries = queue.lease(1)
            for delivery in deliveries:
                self._push(queue, delivery)
            if not deliveries:
                queue.wait(POLL_SECONDS)

    def _push(self, queue: LocalQueue, delivery: Delivery) -> None:
        status = self.call(
            delivery.subscription.function, push_envelope(delivery), timeout=delivery.subscription.ack_deadline
        )
        if status in ACKNOWLEDGED:
            queue.ack(delivery)
        else:
            queue.nack(delivery)

    def _keep_time(self) -> None:
        """The scheduler: calls each scheduled function at its minute, in UTC."""
        timetable = Timetable(registry.schedules(self.table), datetime.now(UTC))
        while not self._stopping.wait(POLL_SECONDS):
            for job in timetable.due(datetime.now(UTC)):
                self.call(job.function, json.dumps(job.schedule.payload).encode())

    # --- Used from outside --------------------------------------------------------------------------------------------

    def sign_in(self, uid: str) -> str:
        """A bearer token for this person, from the embedded wiring's own sign-in or from the local Google."""
        settings_ = self.services.settings
        if settings_.wiring == "google":
            return self.google.id_token(subject=uid, audience=settings_.oauth_client_id)
        return str(self.api("POST", "/v1/local/sign-in", {"uid": uid})["token"])

    def api(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        bearer: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Call the API as a front end does; the answer's JSON. Raises Rejected with the problem that it names.

        Bytes are sent as they are, anything else as JSON.
        """
        who = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        headers = {"Content-Type": "application/json", **who, **(headers or {})}
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api{path}", data=data, headers=headers, method=method)  # noqa: S310 - our own loopback address
        try:
            with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:  # noqa: S310 - the same
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as e:
            with e:
                raise Rejected(f"{method} {path}: {e.code} {e.read(1_000).decode('utf-8', 'replace')}") from e

    def call(self, function: str, body: bytes, *, timeout: timedelta = timedelta(seconds=120)) -> int:
        """POST to a function and return its status; 0 when it did not answer."""
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.url}/{function}", data=body, headers={"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout.total_seconds()) as answer:  # noqa: S310 - the same
                return int(answer.status)
        except urllib.error.HTTPError as e:
            with e:
                return e.code
        except (OSError, TryAgain):
            log.exception("no answer", extra={"function": function})
            return 0


def _at_its_root(app: WSGIApplication) -> WSGIApplication:
    """A function has the root of its own host; a push to /NAME must not be answered by a redirect to /NAME/."""

    def called(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        return app(environ | {"PATH_INFO": environ["PATH_INFO"] or "/"}, start_response)

    return called


def _set_environment(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


class _QuietHandler(WSGIRequestHandler):
    """Keeps connections open and leaves the log to the functions."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing: each function logs its own calls."""
