"""Poison: one mailbox whose mail hangs the parser or kills the process, or whose Gmail refuses for ever, among fifty.

Calm and poisoned times alternate, so that whatever else the machine does falls on both. The others must not notice.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from statistics import quantiles

from shared.adapters.firestore_store import EPOCH, REVISION
from shared.local.gmail.faults import Fault
from shared.local.mailfiles import wrap
from shared.model import MailRecord, MailStatus
from shared.ports import Snapshot
from shared.schema import MAILS
from tests.proofs import people
from tests.proofs.cloud import Cloud, Limits
from tests.proofs.outcome import Outcome, tell
from tests.proofs.people import KINDS, Person, Received
from tests.proofs.poisoned import CRASHES, HANGS

BAR = (
    "one mailbox of 50 is poison (the parser hangs, the process dies, 429 for ever): the others' p95 at most 1.2 times "
    "their own in calm times of the same run; the poison ends parked with a reason, and its mailbox goes on"
)

MOST_SLOWER = 1.2
"""How much longer the others' p95 may be."""

BUSY_SECONDS = 0.5
"""A p95 of calm times beyond this is that of a busy machine, and nothing can be compared with it."""

LIMITS = Limits(
    work_budget_seconds=3, timeout_seconds=5, ack_deadline_seconds=10, lease_seconds=8, wake_seconds=2.0, instances=3
)
"""A lease must end three times before a mail that kills is parked."""

ROUNDS = 3
"""Calm and poisoned times of each kind of poison."""

STRETCH_SECONDS = 14.0
"""A calm time; also a poisoned one, at least: it lasts until the poison is parked."""

PATIENCE_SECONDS = 60.0
"""After this a poison counts as never parked, and a mail as never recorded."""

MAILS_A_SECOND = 7.0
"""Far from what the machine can do: what is measured is the way of each mail, not a queue."""

PUSH_PAUSE = 1.5
"""Seconds between two mails of one person, so that each has its push: Gmail drops what is within a second."""

PATIENTS_TURN = 20
"""Every so many mails one is the poisoned person's own: a mailbox in trouble gets mail like any other."""

RECEIPT = KINDS[0]

Course = Generator[bool, None, None]
"""How a poison goes on: sets in with its first step, says with each whether it is over, and is judged when closed."""


def run() -> Outcome:
    """The full bar."""
    with Cloud(LIMITS, runs="tests.proofs.poisoned") as cloud:
        persons = people.connect(cloud, 50)
        ward = Ward(cloud, persons[0], persons[1:])
        # The first mails wake everything that has been waiting for them.
        ward.stretch()
        poisons = {"hang": ward.mail(HANGS), "crash": ward.mail(CRASHES), "429": ward.refusal()}
        figures = [ward.measure(name, poison) for name, poison in poisons.items()]
        answers = {name: dict(service.statuses) for name, service in cloud.services.items() if service.statuses}
    return Outcome(figures=(*figures, f"answers {answers}"), failures=tuple(ward.failures))


class Ward:
    """The poisoned person and the others."""

    def __init__(self, cloud: Cloud, patient: Person, others: Sequence[Person]) -> None:
        self.cloud, self.patient = cloud, patient
        self.failures: list[str] = []
        self._turns = itertools.cycle(others)

    def measure(self, name: str, poison: Callable[[], Course]) -> str:
        """Alternate calm and poisoned times; the figures."""
        calm, sick, took = [], [], []
        for _ in range(ROUNDS):
            calm += self._seconds(self.stretch())
            begun = time.monotonic()
            course = poison()
            next(course)
            sick += self._seconds(self.stretch(course.__next__))
            took.append(time.monotonic() - begun)
            tell(f"{name}: {took[-1]:.0f} s")
            course.close()
            self._recover(name)
        was, now = _p95(calm), _p95(sick)
        if was > BUSY_SECONDS:
            self.failures.append(
                f"{name}: calm times have a p95 of {was:.1f} s: the machine is busy with something else"
            )
        elif now > was * MOST_SLOWER:
            self.failures.append(f"{name}: the others' p95 is {now / was:.2f} times that of calm times")
        return (
            f"{name} for {min(took):.0f} to {max(took):.0f} s: the others' p95 {now * 1000:.0f} ms, in calm times"
            f" {was * 1000:.0f} ms, {now / was:.2f} times ({len(sick)} and {len(calm)} mails)"
        )

    # --- Poison -------------------------------------------------------------------------------------------------------

    def mail(self, subject: str) -> Callable[[], Course]:
        """A mail that poisons; over when it is parked."""

        def course() -> Course:
            data = wrap("Somebody <somebody@example.org>", subject, "Read me.")
            id_ = self.cloud.google.receive(self.patient.address, data, ("INBOX",))
            until = time.monotonic() + PATIENCE_SECONDS
            try:
                while not (found := self._record(self.patient, id_)) and time.monotonic() < until:
                    yield False
                while True:
                    yield True
            finally:
                if found is None or found.value.status is not MailStatus.PARKED or not found.value.reason:
                    self.failures.append(f"{subject}: {found.value.status if found else 'no record'}")
                else:
                    tell(f"parked: {found.value.reason}")

        return course

    def refusal(self) -> Callable[[], Course]:
        """Gmail answers 429 to everything about this person, until the time is over."""

        def course() -> Course:
            self.cloud.google.add(Fault(kind="error", status=429, address=self.patient.address))
            try:
                while True:
                    yield True
            finally:
                self.cloud.google.clear()

        return course

    def _recover(self, name: str) -> None:
        """A mail after the poison is recorded, and with it all that came meanwhile."""
        time.sleep(PUSH_PAUSE)
        mails = [*self._own, people.receive(self.cloud, self.patient, RECEIPT)]
        until = time.monotonic() + PATIENCE_SECONDS
        for mail in mails:
            while (found := self._record(self.patient, mail.id)) is None and time.monotonic() < until:
                time.sleep(0.2)
            if found is None or found.value.status is not MailStatus.LINKED:
                self.failures.append(
                    f"{name}: the mailbox did not go on: {found.value.status if found else 'no record'}"
                )

    # --- Everybody's mail ---------------------------------------------------------------------------------------------

    def stretch(self, is_over: Callable[[], bool] = lambda: True) -> list[Received]:
        """Mail comes steadily for a while, and until it is over; the others' mails."""
        begun = time.monotonic()
        coming: list[Future[Received]] = []
        self._own: list[Received] = []
        with ThreadPoolExecutor(people.HANDS) as hands:
            while time.monotonic() < begun + STRETCH_SECONDS or not is_over():
                time.sleep(max(0.0, begun + len(coming) / MAILS_A_SECOND - time.monotonic()))
                own = len(coming) % PATIENTS_TURN == 0
                coming.append(
                    hands.submit(people.receive, self.cloud, self.patient if own else next(self._turns), RECEIPT)
                )
            received = [each.result() for each in coming]
        self._own = [each for each in received if each.person is self.patient]
        return [each for each in received if each.person is not self.patient]

    def _seconds(self, mails: Sequence[Received]) -> list[float]:
        """From each mail's arrival to the commit of its record."""
        seconds = []
        until = time.monotonic() + PATIENCE_SECONDS
        for mail in mails:
            while (found := self._record(mail.person, mail.id)) is None and time.monotonic() < until:
                time.sleep(0.2)
            if found is None:
                self.failures.append(f"a mail of {mail.person.uid} has no record")
                seconds.append(PATIENCE_SECONDS)
                continue
            # A record is written once, so its revision is the moment of its commit.
            written = REVISION.fullmatch(found.revision)
            assert written is not None
            committed = EPOCH + timedelta(seconds=int(written["seconds"]), microseconds=int(written["nanos"]) // 1000)
            seconds.append((committed - mail.at).total_seconds())
        return seconds

    def _record(self, person: Person, mail_id: str) -> Snapshot[MailRecord] | None:
        return self.cloud.own.store.get(MAILS.key(person.uid, mail_id))


def _p95(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=100, method="inclusive")[94]
