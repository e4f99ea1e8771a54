"""What both sides of a measurement stand on: the emulators, the local Gmail, and people with mailboxes and mail."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from shared import accounts, applications, registry, services, settings
from shared.applications import NewApplication
from shared.errors import Rejected, TryAgain
from shared.local import emulators
from shared.local.bench.processes import ROOT, START_SECONDS, Function, Program, needs_proc, set_environment
from shared.local.samples import JOBS, MAILS, SampleMail, employers_mail
from shared.schema import MAILS as MAIL_RECORDS

FUNCTIONS = registry.TABLE.parent

HIRING = tuple(sample for sample in MAILS if sample.authenticated and sample.title not in {"job alert", "a friend"})
"""Mail that changes an application: each costs headers first, then the body, as mail of an unknown thread does."""

JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java's simple compiler: the better one works for minutes beside the emulator, on the processors that are measured."""

HANDS = 4
"""Threads that prepare mailboxes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a mailbox; in `start` the history id before the mail that is to be measured."""

    uid: str
    address: str
    token: str
    start: int
    pushed: int
    mail_ids: tuple[str, ...]

    def push(self) -> bytes:
        """Gmail's notification as Pub/Sub pushes it, with what the bare function could not know."""
        return envelope(
            {"emailAddress": self.address, "historyId": self.pushed, "start": self.start, "token": self.token}
        )


def envelope(payload: object) -> bytes:
    """A message as Pub/Sub pushes it."""
    data = base64.b64encode(json.dumps(payload).encode()).decode()
    message = {"data": data, "messageId": "1", "publishTime": "2026-01-01T00:00:00Z", "attributes": {}}
    return json.dumps({"message": message, "subscription": "projects/bench/subscriptions/bench"}).encode()


class Stage:
    """Start with `with`: everything that it starts, it stops. Raises Rejected where it cannot be started."""

    def __init__(self) -> None:
        self.table = registry.load()
        self._exits = contextlib.ExitStack()
        self._people = 0

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def _start(self) -> None:
        needs_proc()
        if emulators.find() is None:
            raise Rejected(f"the emulators cannot be started: {emulators.why_missing()}")
        project = f"hearback-bench-{os.getpid()}"
        folder = self._exits.enter_context(tempfile.TemporaryDirectory(prefix="hearback-bench-"))
        self._set_environment("JAVA_TOOL_OPTIONS", JAVA_OPTIONS)
        firestore = self._exits.enter_context(emulators.start_firestore())
        self.pubsub = self._exits.enter_context(emulators.start_pubsub())
        command = [sys.executable, "-m", "shared.local.bench.google", project]
        self.google = self._exits.enter_context(Program(command, {}))
        self.environ = {
            "FIRESTORE_EMULATOR_HOST": firestore.host,
            "PUBSUB_EMULATOR_HOST": self.pubsub.host,
            "GOOGLE_CLOUD_PROJECT": project,
            "HEARBACK_DATA_DIR": folder,
            "HEARBACK_GOOGLE_ROOT": _first_line(self.google),
            "HEARBACK_WIRING": "google",
        }
        for name in settings.EMULATORS:
            self._set_environment(name, self.environ[name])
        limits = registry.environment(self.table["gmail_push"]) | {"HEARBACK_USES": ",".join(settings.USES)}
        self.services = services.Services(settings.read({**limits, **self.environ, "FUNCTION_TARGET": ""}))
        self._exits.callback(self.services.close)

    def _set_environment(self, name: str, value: str) -> None:
        """Set a variable of this process, and of those that it starts, until the stage ends."""
        self._exits.callback(set_environment, name, os.environ.get(name))
        os.environ[name] = value

    def empty(self) -> None:
        """Forget every document: the emulator goes through a whole collection for a query, as Firestore never does."""
        place = f"projects/{self.environ['GOOGLE_CLOUD_PROJECT']}/databases/(default)/documents"
        url = f"http://{self.environ['FIRESTORE_EMULATOR_HOST']}/emulator/v1/{place}"
        request = urllib.request.Request(url, method="DELETE")
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - the same
            return

    def function(self, name: str) -> Function:
        """A function of the table, running as it is deployed."""
        environ = {**registry.environment(self.table[name]), **self.environ}
        return self._exits.enter_context(Function(FUNCTIONS / name / "main.py", name, environ))

    def bare(self) -> Function:
        """The bare function, running like gmail_push."""
        environ = {**registry.environment(self.table["gmail_push"]), **self.environ, "FUNCTION_TARGET": "bare"}
        return self._exits.enter_context(Function(ROOT / "shared/local/bench/bare.py", "bare", environ))

    # --- People -------------------------------------------------------------------------------------------------------

    def people(self, count: int, *, mails: int, connected: bool) -> list[Person]:
        """New people, each with so many new mails; only the connected ones are known to Hearback, with applications."""
        numbers = range(self._people, self._people + count)
        self._people += count
        with ThreadPoolExecutor(HANDS) as hands:
            return list(hands.map(lambda number: self._person(number, mails, connected=connected), numbers))

    def _person(self, number: int, mails: int, *, connected: bool) -> Person:
        s, uid = self.services, f"person-{number}"
        address = f"{uid}@example.com"
        grant = self._direct("mailboxes", json.dumps({"address": address}).encode())["refresh_token"]
        if connected:
            accounts.connect(
                uid,
                refresh_token=grant,
                settings=s.settings,
                store=s.store,
                gmail=s.gmail,
                vault=s.vault,
                clock=s.clock,
            )
            for job in JOBS:
                new = NewApplication(company=job.company, role=job.role)
                applications.create(uid, new, store=s.store, clock=s.clock, ids=s.ids)
        token = s.gmail.refresh(grant).token
        session = s.gmail.mailbox(token)
        start = session.profile().history_id
        now = datetime.now(UTC)
        ids = [
            self._direct(f"mailboxes/{urllib.parse.quote(address)}/mail", employers_mail(sample, now=now))["id"]
            for sample in _mail(number, mails)
        ]
        return Person(
            uid=uid,
            address=address,
            token=token,
            start=start,
            pushed=session.profile().history_id,
            mail_ids=tuple(ids),
        )

    def check(self, people: Sequence[Person]) -> None:
        """Raises TryAgain unless every mail of these has its decision: a figure for work not done is worth nothing."""
        for person in people:
            records = self.services.store.get_many([MAIL_RECORDS.key(person.uid, id_) for id_ in person.mail_ids])
            if any(record is None or record.value.status == "parked" for record in records):
                raise TryAgain(f"{person.uid} has mail without a decision; the figures would be of work not done")

    def _direct(self, path: str, body: bytes) -> Any:
        request = urllib.request.Request(f"{self.environ['HEARBACK_GOOGLE_ROOT']}/local/{path}", body)  # noqa: S310 - our own loopback address
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
            return json.loads(answer.read())


def _mail(number: int, count: int) -> list[SampleMail]:
    """Some person's mail: the samples in turn, so that all kinds are measured alike."""
    return [HIRING[(number + turn) % len(HIRING)] for turn in range(count)]


def _first_line(program: Program) -> str:
    until = time.monotonic() + START_SECONDS
    while b"\n" not in program.output():
        program.check()
        if time.monotonic() > until:
            raise TryAgain("the local Gmail did not start")
        time.sleep(0.02)
    return program.output().decode().partition("\n")[0]
