"""What a run does behind its live work: a page of the backfill, or the day's receipt that nothing was missed.

Both look into the past by searches, and give what they find the same decisions as live mail, once. At most one page is
taken under a lease and for some seconds only, so that live mail never waits for the past.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.accounts import RECEIPT_EVERY, mailbox_of
from shared.due import SYNC_TOPIC, MailboxDirty
from shared.errors import Conflict, NotFound, Rejected, TryAgain
from shared.mailbox import rescan
from shared.model import Backfill, Mailbox, Receipt, Rescan
from shared.ports import Clock, Queue, Store

log = logging.getLogger(__name__)

SLICE = timedelta(seconds=8)
"""How long a page may hold the lease: a push that comes meanwhile is served within 15 seconds."""

RECEIPT_OVERLAP = timedelta(days=1)
"""How far before the last receipt the next one looks: the search index lags by minutes, in bad hours by much more."""

RECEIPT_LAG = timedelta(minutes=30)
"""The newest mail is left to the next receipt: live work may have it in hands."""

NOT_RECEIVED = "-in:sent -in:drafts -in:chats"
"""What nobody has sent to the person leaves no record, so a receipt must not miss it."""

BACKFILL_DAYS = range(366)
"""How many days of the past may be read: none, or up to a year."""

RACES = 8
"""Losing so many races for one record in a row means that something is wrong."""

KEPT_FOR_LIVE_WORK = 0.25
"""The part of a minute's quota that the past never spends."""

NO_TABS = "-category:promotions -category:social -category:forums"
"""Mail that is opened only when a search takes it for hiring mail; the rest of it leaves no record."""

Listed = tuple[Mapping[str, str], bool]
"""Ids (and thread ids) of what a query finds, and whether that is all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What a run lends."""

    list: Callable[[str], Listed]
    sample: Callable[[str], Mapping[str, str]]
    """The first page of what a query finds."""
    missing: Callable[[Mapping[str, str]], dict[str, str]]
    """Those of some messages that have no decision on record."""
    take: Callable[[Mapping[str, str], Collection[str]], bool]
    """Give messages their decisions, of which a search for hiring mail has found the latter; True when all have one."""
    pace: Callable[[], str]
    """How often sweeps should look from now on."""


class LookBack:
    """The past of one mailbox, as far as one run gets."""

    def __init__(self, mailbox: Mailbox, *, now: datetime, hiring: str) -> None:
        self._now, self._hiring = now, hiring
        self._backfill, self._receipt = mailbox.backfill, mailbox.receipt
        self._receipt_due_at = mailbox.receipt_due_at
        self._pace = ""

    @property
    def is_due(self) -> bool:
        """Whether there is a page to take."""
        return self._span_due or self._is_receipt_due

    def read(self, hands: Hands) -> None:
        """Take it."""
        if self._span_due:
            self._read_backfill(hands)
        elif self._is_receipt_due:
            self._read_receipt(hands)

    def due(self) -> list[datetime]:
        """When somebody must come back for it. A receipt waits for whatever run comes first, or the nightly sweep."""
        return [self._backfill.span.at] if self._backfill is not None and self._backfill.span is not None else []

    def told(self, current: Mailbox) -> Mailbox:
        """The mailbox with it; what the person has cancelled or begun anew meanwhile stays theirs."""
        backfill = current.backfill
        if self._backfill is not None and backfill is not None and backfill.begun_at == self._backfill.begun_at:
            backfill = backfill if backfill.cancelled else self._backfill
        return replace(
            current,
            backfill=backfill,
            receipt=self._receipt,
            receipt_due_at=self._receipt_due_at,
            pace=self._pace if self._pace and current.pace else current.pace,
        )

    @property
    def _span_due(self) -> bool:
        return self._backfill is not None and self._backfill.span is not None and self._backfill.span.at <= self._now

    @property
    def _is_receipt_due(self) -> bool:
        is_filling = self._backfill is not None and self._backfill.span is not None
        return not is_filling and self._receipt_due_at is not None and self._receipt_due_at <= self._now

    def _read_backfill(self, hands: Hands) -> None:
        """One window, old to new: a rejection that is read before its receipt finds nothing to belong to."""
        backfill = self._backfill
        if backfill is None or backfill.span is None:
            return
        after, before = rescan.window(backfill.span)
        found, whole = hands.list(f"{_bounds(after, before)} {self._hiring}")
        done = hands.take(found, found.keys())
        if not whole:
            self._backfill = replace(backfill, span=rescan.narrowed(backfill.span))
        elif done:
            span = rescan.advanced(backfill.span, now=self._now)
            self._backfill = replace(
                backfill,
                span=span,
                found=backfill.found + (0 if backfill.span.again else len(found)),
                ended_at=self._now if span is None else None,
            )
        # Else the same window is taken up again: what has its decision by then costs no call.

    def _read_receipt(self, hands: Hands) -> None:
        """Hold Gmail's list against our records, repair what is missing, and look at a sample of the rest, too."""
        before = self._now - RECEIPT_LAG
        last = self._receipt.before if self._receipt is not None else before - RECEIPT_EVERY
        bounds = f"{_bounds(last - RECEIPT_OVERLAP, before)} {NOT_RECEIVED}"
        hiring, whole = hands.list(f"{bounds} {self._hiring}")
        others = {
            id_: thread for id_, thread in hands.sample(f"{bounds} in:inbox {NO_TABS}").items() if id_ not in hiring
        }
        missed, unseen = hands.missing(hiring), hands.missing(others)
        if not hands.take({**missed, **unseen}, missed.keys()):
            # Time or quota ran out, or a message failed: what was repaired stays, and the next run counts anew.
            return
        self._receipt = Receipt(
            at=self._now,
            after=last - RECEIPT_OVERLAP,
            before=before,
            hiring=len(hiring),
            seen=len(hiring) - len(missed),
            sampled=len(others),
            sample_seen=len(others) - len(unseen),
            whole=whole,
        )
        self._receipt_due_at = self._now + RECEIPT_EVERY
        self._pace = hands.pace()
        if missed or unseen:
            # Counted by the log-based metric of that name.
            log.warning("coverage gap", extra={"missed": len(missed), "missed_in_sample": len(unseen)})


def begun(days: int, *, now: datetime) -> Backfill:
    """A backfill of so many days, whose first page is due at once; one of none is over already."""
    if days not in BACKFILL_DAYS:
        raise Rejected(f"days: must be {BACKFILL_DAYS.start} to {BACKFILL_DAYS.stop - 1}")
    since = now - timedelta(days=days)
    span = Rescan(after=since, until=now + rescan.AHEAD, step_seconds=rescan.WIDEST, at=now) if days else None
    return Backfill(begun_at=now, since=since, span=span, ended_at=None if days else now)


def begin(uid: str, days: int, *, store: Store, queue: Queue, clock: Clock) -> Backfill:
    """Read so many days of the person's past, anew when it has been read before. Raises NotFound and Rejected."""
    backfill = begun(days, now=clock.now())
    mailbox = _change(uid, lambda mailbox: replace(mailbox, backfill=backfill, due_at=_soonest(mailbox, clock)), store)
    queue.publish(SYNC_TOPIC, MailboxDirty(mailbox_id=mailbox.id))
    return backfill


def cancel(uid: str, *, store: Store, clock: Clock) -> None:
    """Stop it; what it has found stays. One that is over, or was never begun, is no error. Raises NotFound."""

    def cancelled(mailbox: Mailbox) -> Mailbox:
        if mailbox.backfill is None or mailbox.backfill.span is None:
            return mailbox
        over = replace(mailbox.backfill, span=None, ended_at=clock.now(), cancelled=True)
        return replace(mailbox, backfill=over)

    _change(uid, cancelled, store)


def progress(backfill: Backfill) -> float:
    """How much of it has been read, from 0 to 1, by the time that it covers."""
    if backfill.span is None or backfill.span.again:
        return 1.0
    whole = (backfill.begun_at - backfill.since).total_seconds()
    return min(1.0, (backfill.span.after - backfill.since).total_seconds() / whole)


def _soonest(mailbox: Mailbox, clock: Clock) -> datetime | None:
    """When somebody must come, now: a run that holds the mailbox comes back by itself."""
    now = clock.now()
    held = mailbox.lease_until is not None and now < mailbox.lease_until
    return mailbox.due_at if held else now


def _change(uid: str, change: Callable[[Mailbox], Mailbox], store: Store) -> Mailbox:
    for _ in range(RACES):
        found = mailbox_of(uid, store=store)
        if found is None:
            raise NotFound("gmail: not connected")
        changed = change(found.value)
        try:
            store.put(found.key, changed, revision=found.revision)
        except Conflict:
            continue
        return changed
    raise TryAgain("the mailbox changes faster than it can be written")


def _bounds(after: datetime, before: datetime) -> str:
    return f"after:{int(after.timestamp())} before:{int(before.timestamp()) + 1}"
