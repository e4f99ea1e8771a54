"""One person, their Gmail, and everything of ours around it, on a clock that only the test winds."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import timedelta
from typing import Literal, cast

from shared import accounts, mailbox, registry, settings
from shared.adapters.local_queue import LocalQueue
from shared.adapters.sqlite_store import SqliteStore
from shared.adapters.vault import LocalVault
from shared.errors import TryAgain
from shared.local.clock import FakeClock
from shared.local.counting import CountingStore
from shared.local.gmail.model import GmailModel
from shared.local.gmail.port import ModelGmail
from shared.local.mailfiles import wrap
from shared.model import Application, Mailbox, MailRecord, Notification
from shared.ports import AccessToken, Advisor, GmailMailbox, HistoryPage, MessageJson, MessagePage, Profile, Watch
from shared.schema import APPLICATIONS, MAILBOXES, MAILS, NOTIFICATIONS_OF_USER

ADDRESS = "ada@example.com"
UID = "ada"


class CountingGmail:
    """ports.Gmail around another one; counts calls by method, and gets by their format."""

    def __init__(self, gmail: ModelGmail, clock: FakeClock) -> None:
        self._gmail = gmail
        self.clock = clock
        self.calls: Counter[str] = Counter()
        self.message_takes = timedelta(0)
        """How long messages.get takes, on the clock."""
        self.refuses: set[str] = set()
        """Messages that Gmail never hands out."""

    def refresh(self, refresh_token: str) -> AccessToken:
        self.calls["refresh"] += 1
        return self._gmail.refresh(refresh_token)

    def mailbox(self, access_token: str) -> GmailMailbox:
        return cast("GmailMailbox", _CountingMailbox(self._gmail.mailbox(access_token), self))


class _CountingMailbox:
    """What reading a mailbox calls; sending has its own budget."""

    def __init__(self, session: GmailMailbox, counting: CountingGmail) -> None:
        self._session, self._calls, self._counting = session, counting.calls, counting

    @property
    def units(self) -> int:
        return self._session.units

    def profile(self) -> Profile:
        self._calls["profile"] += 1
        return self._session.profile()

    def history(self, start: int, *, page: str = "") -> HistoryPage | None:
        self._calls["history"] += 1
        return self._session.history(start, page=page)

    def message(self, message_id: str, *, form: Literal["metadata", "full"]) -> MessageJson | None:
        self._calls[form] += 1
        self._counting.clock.step(self._counting.message_takes)
        if message_id in self._counting.refuses:
            raise TryAgain("messages.get: 503")
        return self._session.message(message_id, form=form)

    def attachment(self, message_id: str, attachment_id: str) -> bytes | None:
        self._calls["attachment"] += 1
        return self._session.attachment(message_id, attachment_id)

    def search(self, query: str, *, page: str = "", limit: int = 100) -> MessagePage:
        self._calls["search"] += 1
        return self._session.search(query, page=page, limit=limit)

    def watch(self, topic: str) -> Watch:
        self._calls["watch"] += 1
        return self._session.watch(topic)

    def stop(self) -> None:
        self._calls["stop"] += 1
        self._session.stop()


class World:
    """Everything that a mailbox run touches, in memory."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.notifications: list[bytes] = []
        self.google = GmailModel(
            self.clock,
            random.Random(1),
            publish=lambda _topic, data: self.notifications.append(data),
            project="hearback-test",
        )
        self._sqlite = SqliteStore(":memory:")
        self.store = CountingStore(self._sqlite)
        self.queue = LocalQueue(":memory:", registry.subscriptions(registry.load()), clock=self.clock)
        self.gmail = CountingGmail(ModelGmail(self.google), self.clock)
        self.vault = LocalVault(b"k" * 32)
        self.advisor: Advisor | None = None
        self.settings = settings.read(
            {
                "GOOGLE_CLOUD_PROJECT": "hearback-test",
                "HEARBACK_WORK_BUDGET_SECONDS": "75",
                "HEARBACK_LEASE_SECONDS": "180",
                "HEARBACK_UNITS_PER_MINUTE": "6000",
            }
        )
        self.grant = self.google.add_person(ADDRESS)
        self.mailbox_id = accounts.mailbox_id(ADDRESS, secret=self.settings.mailbox_secret)

    def close(self) -> None:
        """Close what is open; Python 3.13 complains about a connection that nobody closed."""
        self._sqlite.close()
        self.queue.close()

    # --- What the person and the employers do -------------------------------------------------------------------------

    def connect(self) -> None:
        """The person connects; what is due then is done, and nothing is counted yet."""
        self.connect_again()
        self.settle()
        self.forget()

    def connect_again(self) -> None:
        """The person connects, with the grant that they have now."""
        accounts.connect(
            UID,
            refresh_token=self.grant,
            settings=self.settings,
            store=self.store,
            gmail=self.gmail,
            vault=self.vault,
            clock=self.clock,
        )

    def receive(
        self,
        sender: str,
        subject: str,
        body: str,
        *,
        passing: bool = True,
        labels: tuple[str, ...] = ("INBOX",),
        thread_id: str | None = None,
    ) -> str:
        """A mail arrives, two seconds after whatever came before: Gmail pushes once a second at most."""
        self.clock.step(timedelta(seconds=2))
        data = wrap(sender, subject, body, passing=passing)
        return self.google.receive(ADDRESS, data, labels=labels, thread_id=thread_id)

    # --- What we do ---------------------------------------------------------------------------------------------------

    def push(self) -> list[mailbox.Synced]:
        """Deliver every notification that Gmail has sent since the last call."""
        waiting, self.notifications[:] = list(self.notifications), []
        return [self.deliver(data) for data in waiting]

    def push_last(self) -> mailbox.Synced:
        """Gmail's last notification arrives, the ones before it are lost."""
        waiting, self.notifications[:] = list(self.notifications), []
        return self.deliver(waiting[-1])

    def deliver(self, data: bytes) -> mailbox.Synced:
        """Deliver one notification."""
        return mailbox.on_push(
            mailbox.GmailPush.parse(json.loads(data)),
            settings=self.settings,
            store=self.store,
            queue=self.queue,
            gmail=self.gmail,
            vault=self.vault,
            clock=self.clock,
            advisor=self.advisor,
        )

    def sync(self) -> mailbox.Synced:
        """Look at the mailbox without a push."""
        return mailbox.sync(
            mailbox.MailboxDirty(mailbox_id=self.mailbox_id),
            settings=self.settings,
            store=self.store,
            queue=self.queue,
            gmail=self.gmail,
            vault=self.vault,
            clock=self.clock,
            advisor=self.advisor,
        )

    def settle(self, most: int = 200) -> None:
        """Deliver pushes, then jump from one due time to the next until nothing is due."""
        self.push()
        for _ in range(most):
            due_at = self.mailbox.due_at
            if due_at is None:
                return
            self.clock.set(max(self.clock.now(), due_at))
            self.sync()
        raise AssertionError(f"still due after {most} runs: {self.mailbox}")

    def forget(self) -> None:
        """Count from here."""
        self.store.bill.reads = self.store.bill.writes = self.store.bill.transactions = 0
        self.gmail.calls.clear()

    # --- What is on record --------------------------------------------------------------------------------------------

    @property
    def mailbox(self) -> Mailbox:
        found = self.store.get(MAILBOXES.key(self.mailbox_id))
        assert found is not None
        return found.value

    def record(self, message_id: str) -> MailRecord | None:
        found = self.store.get(MAILS.key(UID, message_id))
        return found.value if found else None

    def application(self, application_id: str) -> Application:
        found = self.store.get(APPLICATIONS.key(UID, application_id))
        assert found is not None
        return found.value

    def notifications_of_person(self) -> list[Notification]:
        return [item.value for item in self.store.find(NOTIFICATIONS_OF_USER, parent=UID, limit=300).items]
