"""One person, their Gmail, and the mails that leave it through us, on a clock that only the test winds."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from shared import accounts, due, registry, settings
from shared.adapters.blobs import FolderBlobs
from shared.adapters.local_queue import LocalQueue
from shared.adapters.sqlite_store import SqliteStore
from shared.adapters.vault import LocalVault
from shared.dead_letters import Undelivered
from shared.errors import TryAgain
from shared.local.clock import FakeClock
from shared.local.gmail.faults import Fault
from shared.local.gmail.model import GmailModel
from shared.local.gmail.port import ModelGmail
from shared.model import Application, Delivery, Letter, Mailbox, Notification, Send, Thread
from shared.ports import Gmail
from shared.schema import APPLICATIONS, MAILBOXES, NOTIFICATIONS_OF_USER, SENDS, THREADS
from shared.sending import dead, deliver
from tests.support.asked import ask

ADDRESS = "ada@example.com"
UID = "ada"
SEND, APPLICATION = "s1", "a1"
LETTER = Letter(recipient="jobs@acme.example", subject="Baker", text="Dear Acme,\n\nhere I am.\n", html="<p>Hi</p>")

TABLE = registry.load()
SUBSCRIPTIONS = registry.subscriptions(TABLE)

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Outbox:
    """Everything that a send touches, in memory."""

    def __init__(
        self, folder: Path, *, gmail: Callable[[GmailModel], Gmail] = ModelGmail, address: str = ADDRESS
    ) -> None:
        self.clock = FakeClock()
        self.address = address
        self.google = GmailModel(self.clock, random.Random(1), project="hearback-test")
        self.store = SqliteStore(":memory:")
        self.queue = LocalQueue(":memory:", SUBSCRIPTIONS, clock=self.clock)
        self.gmail = gmail(self.google)
        self.vault = LocalVault(b"k" * 32)
        self.blobs = FolderBlobs(folder)
        self.settings = settings.read(
            registry.environment(TABLE["send_application"])
            | {"GOOGLE_CLOUD_PROJECT": "hearback-test", "HEARBACK_USES": ",".join(settings.USES)}
        )
        self.waited: list[timedelta] = []
        self.meanwhile: Callable[[], object] = lambda: None
        """What happens while a run waits."""
        self.connect()

    def close(self) -> None:
        """Close what is open."""
        self.store.close()
        self.queue.close()

    # --- What the person does -----------------------------------------------------------------------------------------

    def connect(self) -> None:
        """The person connects their Gmail, or connects it again."""
        accounts.connect(
            UID,
            refresh_token=self.google.add_person(self.address),
            settings=self.settings,
            store=self.store,
            gmail=self.gmail,
            vault=self.vault,
            clock=self.clock,
        )

    def ask(self, id_: str = SEND, *, after: timedelta = timedelta(0), **changes: Any) -> Send:
        """The person asks for a mail: application and send in one transaction, as a request makes them."""
        now = self.clock.now()
        application_id = changes.pop("application_id", APPLICATION)
        send = Send(
            id=id_,
            uid=UID,
            application_id=application_id,
            created_at=now,
            send_after=now + after,
            due_at=now + after,
            letter=LETTER,
        )
        send = replace(send, **changes)
        ask(send, company="Acme", role="Baker", store=self.store, now=now)
        return send

    # --- What we do ---------------------------------------------------------------------------------------------------

    def deliver(self, id_: str = SEND) -> str:
        """One message for the send; what the run came to, or "again" when the message comes again."""
        try:
            return deliver.deliver(
                due.SendDue(send_id=id_),
                settings=self.settings,
                store=self.store,
                gmail=self.gmail,
                vault=self.vault,
                blobs=self.blobs,
                clock=self.clock,
                wait=self.wait,
            ).outcome
        except TryAgain:
            return "again"

    def wait(self, duration: timedelta) -> None:
        """ports.Wait."""
        self.waited.append(duration)
        self.clock.step(duration)
        self.meanwhile()

    def later(self, id_: str = SEND) -> str:
        """Go to when the send is due, and come back to it."""
        due_at = self.send(id_).due_at
        assert due_at is not None
        self.clock.set(max(self.clock.now(), due_at))
        return self.deliver(id_)

    def bury(self, id_: str = SEND) -> str:
        """The message has come five times: Pub/Sub forwards it."""
        message = Undelivered(payload={"send_id": id_}, subscription="application-send.send_application", attempts=5)
        return dead.bury(message, store=self.store, clock=self.clock).outcome

    def until_quiet_or_failed(self, id_: str = SEND) -> Send:
        """Come back until the mail has left or has failed, whatever another night would bring."""
        while self.send(id_).delivery not in (Delivery.SENT, Delivery.FAILED):
            if self.later(id_) == "again":
                self.bury(id_)
        return self.send(id_)

    def until_quiet(self, id_: str = SEND, most: int = 60) -> Send:
        """Come back whenever it is due, as messages, dead letters and sweeps do."""
        for _ in range(most):
            if self.send(id_).due_at is None:
                return self.send(id_)
            if self.later(id_) == "again":
                self.bury(id_)
        raise AssertionError(f"still due: {self.send(id_)}")

    # --- What Gmail and the store have --------------------------------------------------------------------------------

    @property
    def faults(self) -> Any:
        """What goes wrong at Google."""
        return self.google.faults

    def fails(self, kind: str = "error", **fault: Any) -> None:
        """From now on Gmail fails so."""
        self.google.faults.add(Fault(kind=kind, **fault))  # type: ignore[arg-type]  # checked by Fault itself

    @property
    def sent(self) -> list[bytes]:
        """Every mail that has left."""
        return self.google.sent(self.address)

    @property
    def drafts(self) -> list[str]:
        """The drafts that the person sees."""
        return list(self.google.mailbox(self.address).drafts)

    def send(self, id_: str = SEND) -> Send:
        """The send as it is on record."""
        found = self.store.get(SENDS.key(id_))
        assert found is not None
        return found.value

    @property
    def application(self) -> Application:
        """Its application."""
        found = self.store.get(APPLICATIONS.key(UID, APPLICATION))
        assert found is not None
        return found.value

    @property
    def mailbox(self) -> Mailbox:
        """The person's mailbox."""
        found = self.store.get(MAILBOXES.key(accounts.mailbox_id(self.address, secret=self.settings.mailbox_secret)))
        assert found is not None
        return found.value

    def thread(self, id_: str) -> Thread | None:
        """What is known of a thread."""
        found = self.store.get(THREADS.key(UID, id_))
        return found.value if found else None

    def told(self) -> list[Notification]:
        """What the person has been told."""
        return [item.value for item in self.store.find(NOTIFICATIONS_OF_USER, parent=UID, limit=100).items]
