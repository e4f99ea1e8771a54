"""What a run does behind its live work: a page of the backfill, or the day's receipt that nothing was missed.

Both look into the past by searches, and give what they find the same decisions as live mail, once. How a page of it is
taken without holding up what is live stands in `page`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.accounts import RECEIPT_EVERY, mailbox_of, soonest
from shared.due import SYNC_TOPIC, MailboxDirty
from shared.errors import Conflict, NotFound, Rejected, TryAgain
from shared.mailbox import rescan
from shared.model import Backfill, Mailbox, Monitoring, Receipt, Rescan
from shared.ports import Clock, Queue, Store

log = logging.getLogger(__name__)

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

LIVE_EVERY = timedelta(minutes=1)
"""How often history is read between the pages, for mail whose push was lost; a push needs no page to end."""

SILENT = frozenset({"needs_reauth", "quarantined"})
"""Mailboxes whose past is left alone as long as what is live there is."""

NO_TABS = "-category:promotions -category:social -category:forums"
"""Mail that is opened only when a search takes it for hiring mail; the rest of it leaves no record."""

GAP = "coverage gap"
"""What the log says of a receipt that found something missing: the log-based metric in infra/watch.tf counts it."""

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
        self._repaired, self._repaired_in_sample = mailbox.repaired, mailbox.repaired_in_sample
        self._pace = ""

    def read(self, hands: Hands) -> None:
        """Take a page, when one is due."""
        if self._backfill is not None and self._backfill.span is not None:
            if self._backfill.span.at <= self._now:
                self._read_backfill(self._backfill, self._backfill.span, hands)
        elif self._receipt_due_at is not None and self._receipt_due_at <= self._now:
            self._read_receipt(hands)

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
            repaired=self._repaired,
            repaired_in_sample=self._repaired_in_sample,
            pace=self._pace if self._pace and current.pace else current.pace,
        )

    def _read_backfill(self, backfill: Backfill, span: Rescan, hands: Hands) -> None:
        """One window, old to new: a rejection that is read before its receipt finds nothing to belong to."""
        after, before = rescan.window(span)
        found, whole = hands.list(f"{_bounds(after, before)} {self._hiring}")
        done = hands.take(found, found.keys())
        if not whole:
            self._backfill = replace(backfill, span=rescan.narrowed(span))
        elif done:
            rest = rescan.advanced(span, now=self._now)
            self._backfill = replace(
                backfill,
                span=rest,
                found=backfill.found + (0 if span.again else len(found)),
                ended_at=self._now if rest is None else None,
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
        done = hands.take({**missed, **unseen}, missed.keys())
        self._repaired += len(missed) - len(hands.missing(missed))
        self._repaired_in_sample += len(unseen) - len(hands.missing(unseen))
        if not done:
            # Time or quota ran out, or a message failed: the next run goes on, and what this one has read was missed.
            return
        self._receipt = Receipt(
            at=self._now,
            after=last - RECEIPT_OVERLAP,
            before=before,
            hiring=len(hiring),
            seen=max(0, len(hiring) - self._repaired),
            sampled=len(others),
            sample_seen=max(0, len(others) - self._repaired_in_sample),
            whole=whole,
        )
        self._receipt_due_at = self._now + RECEIPT_EVERY
        self._pace = hands.pace()
        if self._repaired or self._repaired_in_sample:
            log.warning(GAP, extra={"missed": self._repaired, "missed_in_sample": self._repaired_in_sample})
        self._repaired = self._repaired_in_sample = 0


def is_due(mailbox: Mailbox, *, now: datetime) -> bool:
    """Whether a page of the past is to be read now, and nobody has it in hands."""
    page = mailbox.page
    if _is_held_up(mailbox) or any(moment is not None and now < moment for moment in (page.until, page.at)):
        return False
    begins_at = _begins_at(mailbox)
    return begins_at is not None and begins_at <= now


def is_all(mailbox: Mailbox, *, now: datetime) -> bool:
    """Whether the past is all that is to be done: a page is due, and what is live was read a moment ago."""
    if not is_due(mailbox, now=now) or mailbox.dirty > mailbox.history_id or mailbox.last_sync_at is None:
        return False
    asked = mailbox.asked_at is not None and mailbox.asked_at >= mailbox.last_sync_at
    return not asked and now < mailbox.last_sync_at + LIVE_EVERY and all(now < ask.at for ask in mailbox.asks)


def due(mailbox: Mailbox) -> list[datetime]:
    """When somebody must come for the past; never, while what is live holds it up and is due itself.

    A receipt that nobody has begun waits for whatever run comes first, or the nightly sweep.
    """
    page, begins_at = mailbox.page, _begins_at(mailbox)
    if begins_at is None or _is_held_up(mailbox):
        return []
    if mailbox.backfill is not None and mailbox.backfill.span is not None:
        return [max(moment for moment in (begins_at, page.until, page.at) if moment is not None)]
    return [moment for moment in (page.until or page.at,) if moment is not None and moment >= begins_at]


def _begins_at(mailbox: Mailbox) -> datetime | None:
    """From when on there is a page to read: the backfill first, then the receipts."""
    if mailbox.backfill is not None and mailbox.backfill.span is not None:
        return mailbox.backfill.span.at
    return mailbox.receipt_due_at


def _is_held_up(mailbox: Mailbox) -> bool:
    """What is live comes first: a rescan, messages that could not be read; and no grant, no reading."""
    if mailbox.monitoring is Monitoring.OFF or mailbox.health in SILENT:
        return True
    return mailbox.rescan is not None or mailbox.resume is not None or bool(mailbox.tries)


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
    mailbox = _change(
        uid, lambda mailbox: replace(mailbox, backfill=backfill, due_at=soonest(mailbox, now=clock.now())), store
    )
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
