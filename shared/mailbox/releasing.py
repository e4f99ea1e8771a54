"""How a run leaves its mailbox: with the cursor where it may be, and with the time at which somebody must look again.

A mailbox is released together with the last decisions, put off when the run failed as a whole, or left alone until the
person connects again.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from shared import accounts
from shared.errors import Rejected, TryAgain
from shared.mailbox import lookback, watch
from shared.mailbox.lease import MOST_CRASHES, Lease, LeaseLost, switched_off
from shared.mailbox.taking import Taking
from shared.model import Mailbox, Monitoring, Notification, NotificationKind
from shared.ports import AccessToken, Advisor, Clock, Store, Transaction, Vault
from shared.schema import MAILBOXES, NOTIFICATIONS
from shared.settings import Settings

log = logging.getLogger(__name__)

EMPTY_LISTS = 5
"""How often an empty history is asked again when a push says that there is more: 15 s doubling, 8 minutes in all."""

EMPTY_LIST_DELAY = timedelta(seconds=15)
"""Pushes overtake history by seconds, seldom by more."""

BACK_OFF = timedelta(seconds=30)
"""The wait after a failed run; doubles up to LONGEST_BACK_OFF."""

LONGEST_BACK_OFF = timedelta(hours=1)
"""A person waits no longer than this for a mailbox that works again."""


class Releasing(Taking):
    """What one run will leave to the next."""

    def __init__(
        self,
        lease: Lease,
        *,
        settings: Settings,
        store: Store,
        vault: Vault,
        clock: Clock,
        advisor: Advisor | None,
    ) -> None:
        super().__init__(lease, settings=settings, store=store, clock=clock, advisor=advisor)
        self.vault = vault
        mailbox = lease.mailbox
        self.access: AccessToken | None = None
        self.reached = int(mailbox.history_id)
        self.listed: int | None = None
        """What the history reaches, when a rescan takes over from there."""
        self.believed = True
        """That end may become the cursor: what has been read is all that there was to read."""
        self.dirty = mailbox.dirty
        self.resume = mailbox.resume
        self.rescan = mailbox.rescan
        self.monitoring = mailbox.monitoring
        self.watched: watch.Watched | None = None
        self.has_read_all = False
        self.is_done = False
        """Nothing live is left to do now; there is time for the past."""

    def _release(self) -> None:
        """Leave the mailbox, together with the last decisions when nothing stands in the way."""
        overtakes = any(reading.overtakes for reading in self.readings.values())
        if self.readings and not (self.failing or self.waiting or overtakes):
            readings = list(self.readings.values())
            released = self._released(self.lease.mailbox, undecided=False)
            try:
                settled = self.desk.settle(readings, also=lambda tx: self.lease.write_in(tx, released))
            except Exception:
                # A push has written meanwhile, or one of the mails fails: then each for itself.
                log.info("released apart from the last decisions", exc_info=True)
            else:
                self.lease.mailbox = released
                self._note(settled)
                return
        self._settle()
        self.lease.write(self._released)

    def _released(self, current: Mailbox, *, undecided: bool = True) -> Mailbox:
        """The mailbox as this run leaves it; asked again when a push has written meanwhile.

        Whatever has been read counts as `undecided`, unless its decision is written with it.
        """
        now = self.clock.now()
        reached, listed, resume = self.reached, self.listed, self.resume
        if self.end is not None and not (self._to_be_taken_again if undecided else self.failing | self.waiting):
            listed, resume = self.end, None
            reached = max(reached, self.end) if self.believed else reached
        due, not_before = [*self.due, *(ask.at for ask in self.asks)], self.not_before
        dirty, empty_lists, last_sync_at = current.dirty, 0, current.last_sync_at
        if self.rescan is not None:
            due.append(self.rescan.at)
        if current.monitoring is not self.monitoring:
            # The person has chosen anew meanwhile: another run sees to it.
            due.append(now)
        retry_at = self._retry_at(current, now)
        if retry_at is not None:
            not_before = max(not_before, retry_at)
            due.append(retry_at)
        elif self.waiting:
            # What they waited for has been read, later in the same run than they.
            due.append(now)
        if listed is not None:
            if int(dirty) <= listed:
                last_sync_at = last_sync_at if self.rescan else self.started
            elif dirty > self.dirty:
                due.append(now)
            elif current.empty_lists < EMPTY_LISTS:
                due.append(now + EMPTY_LIST_DELAY * 2**current.empty_lists)
                empty_lists = current.empty_lists + 1
            else:
                # Gmail's own history has nothing under that id, in minutes: the push was wrong or is of no matter.
                dirty = accounts.padded(listed)
        released = replace(
            current,
            # Further already when this run has released the mailbox before, and the reply was lost.
            history_id=max(accounts.padded(reached), current.history_id),
            dirty=dirty,
            empty_lists=empty_lists,
            due_at=max(min(due), not_before) if due else None,
            lease_until=None,
            opening="",
            openings=0,
            tries={id_: self.tries[id_] for id_ in sorted(self.failing)} if listed is not None else self.tries,
            retry_at=retry_at,
            failures=current.failures if self.failing else 0,
            trouble="",
            resume=resume,
            asks=self.asks,
            rescan=self.rescan,
            last_sync_at=last_sync_at,
            read_units=self.quota.told(current.read_units, units=self.units, now=now),
            crashes=0,
            health="ok" if current.health in ("quarantined", "watch_lapsed") else current.health,
            pace=accounts.pace(current.monitoring, is_open=True, is_recent=True) if self.heard else current.pace,
        )
        return self._with_the_rest(released, now)

    def _retry_at(self, current: Mailbox, now: datetime) -> datetime | None:
        """When the messages that could not be read are due: as before, when this run has come too soon for them."""
        if not self.failing:
            return None
        if self._is_put_off:
            return current.retry_at
        return now + _doubling(max(self.tries[id_] for id_ in self.failing))

    def _with_the_rest(self, released: Mailbox, now: datetime) -> Mailbox:
        """The mailbox with how its watch stands, when its past is due, and with the access token of this run."""
        self.is_done = self.has_read_all and (released.due_at is None or released.due_at > now)
        if past := [max(moment, self.not_before) for moment in lookback.due(released)]:
            released = replace(released, due_at=min(past if released.due_at is None else [*past, released.due_at]))
        if self.watched is not None:
            released = self.watched.told(released, now)
        if released.monitoring is Monitoring.OFF:
            # Nothing is to be read, but a watch that could not be stopped is tried again.
            released = switched_off(
                released, due_at=None if released.watch_expires_at is None else now + LONGEST_BACK_OFF
            )
        return accounts.sealed(released, self.access, vault=self.vault) if self.access else released

    def _put_off(self, error: TryAgain | Rejected) -> None:
        """The run failed as a whole: release the mailbox with the time of the next try."""
        mailbox = self.lease.mailbox
        wait = LONGEST_BACK_OFF if isinstance(error, Rejected) else _doubling(mailbox.failures + 1)
        if isinstance(error, TryAgain) and error.after is not None:
            wait = error.after
        self.not_before = self.clock.now() + wait
        self.due.append(self.not_before)
        log.warning("put off", exc_info=error, extra={"failures": mailbox.failures + 1})

        def released(current: Mailbox) -> Mailbox:
            failures = current.failures + 1
            left = self._released(current)
            if left.due_at is None:
                # The person has switched monitoring off: nobody comes back, so nothing is put off.
                return left
            put_off = replace(left, failures=failures, trouble=str(error))
            # What is refused again and again is not Google's bad hour: out of everybody's way with it.
            poison = isinstance(error, Rejected) and failures >= MOST_CRASHES
            return replace(put_off, health="quarantined") if poison else put_off

        self.lease.write(released)

    def _stop_until_reconnected(self) -> None:
        """The grant is dead: no further call until the person connects again, and one notice that says so."""
        uid, generation = self.lease.mailbox.uid, self.lease.mailbox.generation
        key = MAILBOXES.key(self.lease.mailbox.id)
        notice = f"reconnect:{key.id[:16]}:{generation}"
        now = self.clock.now()

        def work(tx: Transaction) -> None:
            current = tx.get(key)
            if current is None or current.generation != generation:
                raise LeaseLost
            tx.put(key, replace(current, health="needs_reauth", lease_until=None, due_at=None, trouble="revoked"))
            tx.create(
                NOTIFICATIONS.key(uid, notice),
                Notification(key=notice, uid=uid, kind=NotificationKind.NEEDS_REAUTH, created_at=now, due_at=now),
            )

        self.store.transact(work, reads=[key])


def _doubling(times: int) -> timedelta:
    """The wait after so many failures in a row."""
    return min(BACK_OFF * (1 << min(times - 1, 10)), LONGEST_BACK_OFF)
