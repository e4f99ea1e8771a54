"""A page of the past: read beside whatever is live, under a lease of its own, with units set aside for it.

A page never holds up live mail. A push claims its mailbox as if nobody read the past there, and whoever dies over a
page leaves behind nothing but the page. The run that reads it sees a mailbox of which nothing else is due.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from shared import accounts
from shared.errors import Conflict, TryAgain
from shared.mailbox import lookback
from shared.mailbox.lease import MOST_CRASHES, QUARANTINE, RACES, Lease, LeaseLost
from shared.mailbox.quota import Quota, slot
from shared.mailbox.run import Run
from shared.mailbox.taking import HIRING_ANYWHERE, LOOKED_UP, messages_of
from shared.model import Mailbox, Page
from shared.ports import Advisor, Clock, Gmail, GmailMailbox, Revision, Store, Transaction, Vault
from shared.schema import MAILBOXES
from shared.settings import Settings

log = logging.getLogger(__name__)

SLICE = timedelta(seconds=8)
"""How long a page is read: its results are on record by then, and a death costs no more than that."""

KEPT_FOR_LIVE_WORK = 0.25
"""The part of a minute's quota that the past never spends."""

MOST_UNITS = 2_400
"""What a page books at most: 120 calls at 20 units, more than fit into its seconds."""

FEWEST_UNITS = 600
"""A page that could spend less is not begun: it would be all listing and no reading."""


class PageLease(Lease):
    """A page that is this run's own until `mailbox.lease_until`, which is that of the page alone."""

    def __init__(self, whole: Mailbox, revision: Revision, *, booked: int, store: Store, careful: bool) -> None:
        super().__init__(_shown(whole), revision, store=store, careful=careful)
        self.whole = whole
        """The mailbox as it is on record."""
        self.booked = booked
        """Gmail quota units that this page may spend."""

    def write(self, change: Callable[[Mailbox], Mailbox]) -> Mailbox:
        """Write what `change` makes of what the page shows; whatever is live stays as it is on record by then.

        Raises LeaseLost when another has taken the page, TryAgain when the store cannot be reached.
        """
        key, number = MAILBOXES.key(self.whole.id), self.whole.page.number
        for _ in range(RACES):
            changed = change(self.mailbox)
            whole = _with_page(self.whole, changed)
            try:
                self._revision = self._store.put(key, whole, revision=self._revision)  # pragma: SYNCPOINT mailbox
            except Conflict:
                found = self._store.get(key)
                if found is None or found.value.page.number != number:
                    raise LeaseLost from None
                self.whole, self._revision = found.value, found.revision
                self.mailbox = _shown(self.whole)
            else:
                self.whole, self.mailbox = whole, changed
                return changed
        raise TryAgain("the mailbox changes faster than it can be written")

    def write_in(self, tx: Transaction, changed: Mailbox) -> None:
        """Write it in a transaction, which raises Conflict when anybody has written meanwhile."""
        tx.put(MAILBOXES.key(self.whole.id), _with_page(self.whole, changed), revision=self._revision)


def claim(
    mailbox_id: str, *, units_per_minute: int, duration: timedelta, store: Store, clock: Clock
) -> PageLease | None:
    """The next page of a mailbox's past, with what may be spent on it; None when there is none to be had now."""
    key = MAILBOXES.key(mailbox_id)
    for _ in range(RACES):
        found, now = store.get(key), clock.now()
        if found is None or not lookback.is_due(found.value, now=now):
            return None
        known, page = found.value, _put_back(found.value.page)
        quota = Quota(int(units_per_minute * (1 - KEPT_FOR_LIVE_WORK)), known.read_units)
        free = min(quota.per_minute - quota.level(0, now), MOST_UNITS)
        if page.crashes > known.page.crashes and page.crashes >= MOST_CRASHES:
            page = replace(page, at=now + QUARANTINE)
        elif free < FEWEST_UNITS:
            page = replace(page, at=quota.free_at(FEWEST_UNITS, units=0, now=now))
        else:
            page = replace(page, number=page.number + 1, until=now + duration, at=None)
            # Spent at the end of the slice, at the latest: somebody who dies over it cannot say when.
            quota.book(free, now + SLICE)
        claimed = replace(
            known,
            page=page,
            read_units=quota.told(known.read_units, units=0, now=now),
            # What was due until now is this page: whatever else is, has a run that comes before anybody takes one. A
            # lease that nobody has released stays due at its end, should this clock be wrong.
            due_at=known.due_at if known.lease_until is not None or _is_ahead(known.due_at, now) else None,
        )
        claimed = replace(claimed, due_at=_soonest(claimed))
        try:
            revision = store.put(key, claimed, revision=found.revision)  # pragma: SYNCPOINT mailbox
        except Conflict:
            continue
        if page.until is None:
            return None
        return PageLease(claimed, revision, booked=free, store=store, careful=bool(page.crashes or page.opening))
    raise TryAgain("the mailbox changes faster than a page of it can be claimed")


def _is_ahead(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and now < moment


def _put_back(page: Page) -> Page:
    """A page whose holder has ended without a word; a message that it had open is to blame, if there is one."""
    if page.until is None:
        return page
    return replace(page, until=None, crashes=0 if page.opening else page.crashes + 1)


def take(
    mailbox_id: str,
    *,
    deadline: datetime,
    settings: Settings,
    store: Store,
    gmail: Gmail,
    vault: Vault,
    clock: Clock,
    advisor: Advisor | None = None,
) -> PageRun | None:
    """Read a page of a mailbox's past until `deadline` at the latest; None when there is none to be had now."""
    minutely, duration = settings.units_per_minute, settings.lease
    lease = claim(mailbox_id, units_per_minute=minutely, duration=duration, store=store, clock=clock)
    if lease is None:
        return None
    page = PageRun(
        lease,
        deadline=deadline,
        settings=settings,
        store=store,
        gmail=gmail,
        vault=vault,
        clock=clock,
        advisor=advisor,
    )
    try:
        page.work()
    except LeaseLost:
        # Its time was over before it was; what it has decided is on record, and another has the page.
        log.warning("page lost", extra={"taken": page.taken})
    return page


class PageRun(Run):
    """One page, taken by the same hands as live mail."""

    lease: PageLease

    def __init__(
        self,
        lease: PageLease,
        *,
        deadline: datetime,
        settings: Settings,
        store: Store,
        gmail: Gmail,
        vault: Vault,
        clock: Clock,
        advisor: Advisor | None = None,
    ) -> None:
        super().__init__(lease, settings=settings, store=store, gmail=gmail, vault=vault, clock=clock, advisor=advisor)
        self.quota = Quota(lease.booked, {})
        self.booked_at = self.started + SLICE
        self.deadline = min(deadline, self.started + SLICE)
        self.look_back = lookback.LookBack(lease.mailbox, now=self.started, hiring=HIRING_ANYWHERE)

    def _read(self, session: GmailMailbox) -> None:
        uid, monitoring = self.lease.mailbox.uid, self.monitoring
        self.look_back.read(
            lookback.Hands(
                list=lambda query: self._list(query, session),
                sample=lambda query: dict(session.search(query).messages),
                missing=self._missing,
                take=lambda found, searched: (
                    self._take_and_settle(messages_of(found), session, since=None, searched=searched)
                    and not self._left(found)
                ),
                pace=lambda: accounts.measured_pace(uid, monitoring, store=self.store, now=self.started),
            )
        )

    def _missing(self, found: Mapping[str, str]) -> dict[str, str]:
        """Those without a decision on record."""
        self._settle()
        messages = messages_of(found)
        for start in range(0, len(messages), LOOKED_UP):
            self.desk.look_up(messages[start : start + LOOKED_UP])
        return {id_: thread for id_, thread in found.items() if not self.desk.has_decided(id_)}

    def _released(self, current: Mailbox, *, undecided: bool = True) -> Mailbox:  # noqa: ARG002 - a page moves no cursor
        """The page put back, with what it has come to and when the next may be taken."""
        now = self.clock.now()
        retry_at = self._retry_at(current, now) if self.failing else None
        at = max(self.not_before, retry_at or self.not_before)
        spent = Counter(current.read_units)
        if current.lease_until is not None:
            spent[slot(self.booked_at)] -= self.lease.booked
        released = replace(
            self.look_back.told(current),
            lease_until=None,
            due_at=at if at > now else None,
            tries={id_: self.tries[id_] for id_ in sorted(self.failing)},
            retry_at=retry_at,
            failures=current.failures if self.failing else 0,
            crashes=0,
            opening="",
            openings=0,
            read_units=self.quota.told(spent, units=self.units, now=now),
        )
        if self.heard and released.pace:
            released = replace(released, pace=accounts.pace(released.monitoring, is_open=True, is_recent=True))
        return accounts.sealed(released, self.access, vault=self.vault) if self.access else released

    def _stop_until_reconnected(self) -> None:
        """What is live finds the dead grant, too, and says so; the page is put back."""
        self.lease.write(self._released)


def _shown(whole: Mailbox) -> Mailbox:
    """The mailbox as if nothing but the page were to be done there."""
    page = whole.page
    return replace(
        whole,
        lease_until=page.until,
        due_at=page.at,
        failures=page.failures,
        crashes=page.crashes,
        opening=page.opening,
        openings=page.openings,
        tries=page.tries,
        retry_at=page.retry_at,
    )


def _with_page(whole: Mailbox, shown: Mailbox) -> Mailbox:
    """The mailbox with what a run has made of the one that it was shown."""
    page = replace(
        whole.page,
        until=shown.lease_until,
        at=shown.due_at,
        failures=shown.failures,
        crashes=shown.crashes,
        opening=shown.opening,
        openings=shown.openings,
        tries=shown.tries,
        retry_at=shown.retry_at,
    )
    changed = replace(
        whole,
        page=page,
        backfill=shown.backfill,
        receipt=shown.receipt,
        receipt_due_at=shown.receipt_due_at,
        repaired=shown.repaired,
        repaired_in_sample=shown.repaired_in_sample,
        pace=shown.pace,
        read_units=shown.read_units,
        sealed_access_token=shown.sealed_access_token,
        access_token_expires_at=shown.access_token_expires_at,
    )
    return replace(changed, due_at=_soonest(changed))


def _soonest(mailbox: Mailbox) -> datetime | None:
    """When somebody must come: for the past too."""
    return min([*([mailbox.due_at] if mailbox.due_at is not None else []), *lookback.due(mailbox)], default=None)
