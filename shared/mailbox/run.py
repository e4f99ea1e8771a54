"""One run over a mailbox: live history, then what was put off, then a window of a rescan; then release.

What it could not finish stands in the mailbox's record with the time at which somebody must look again (`due_at`), so
a run may die anywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from shared import accounts
from shared.accounts import ACCESS_TOKEN, REFRESH_TOKEN
from shared.classify import HIRING_QUERY
from shared.errors import GrantRevoked, RateLimited, Rejected, TryAgain
from shared.mailbox import asks, lookback, rescan, watch
from shared.mailbox.decisions import Reading, Settled, Taken
from shared.mailbox.intake import Desk
from shared.mailbox.lease import MOST_CRASHES, Lease, LeaseLost
from shared.mailbox.quota import Quota
from shared.model import Ask, HistoryResume, Mailbox, Monitoring, Notification, NotificationKind
from shared.ports import (
    AccessToken,
    Advisor,
    Clock,
    Gmail,
    GmailMailbox,
    HistoryMessage,
    HistoryPage,
    Store,
    Transaction,
    Vault,
)
from shared.schema import MAILBOXES, NOTIFICATIONS
from shared.settings import Settings

T = TypeVar("T")

log = logging.getLogger(__name__)

EMPTY_LISTS = 5
"""How often an empty history is asked again when a push says that there is more: 15 s doubling, 8 minutes in all."""

EMPTY_LIST_DELAY = timedelta(seconds=15)
"""Pushes overtake history by seconds, seldom by more."""

YOUNG = timedelta(minutes=2)
"""An empty history is not believed while the push that named it is younger than this."""

QUOTA_PAUSE = timedelta(seconds=30)
"""How long a run that has spent its units leaves the mailbox alone: half a minute's worth is there again."""

MESSAGE_UNITS = 60
"""What one message may cost at most: two messages.get and one attachments.get at 20 quota units each."""

MOST_TOGETHER = 10
"""Mails whose decisions share a transaction: as many as one burst has, and their documents stay far below a commit's
limits."""

BROKEN_TRIES = 3
"""A message that fails in our own hands so often is parked: the same code will not do better."""

UNREACHABLE_TRIES = 12
"""A message that Gmail alone will not hand out is asked for over about seven hours, then parked."""

FAILING_IN_A_ROW = 3
"""So many messages failing one after the other is Gmail's trouble or a defect of ours, not theirs: the run stops and
counts none, until UNREACHABLE_TRIES runs in a row have stopped at it, and it may be theirs after all."""

CRASHES = 2
"""A message found open after so many crashed runs is parked unread."""

BACK_OFF = timedelta(seconds=30)
"""The wait after a failed run; doubles up to LONGEST_BACK_OFF."""

LONGEST_BACK_OFF = timedelta(hours=1)
"""A person waits no longer than this for a mailbox that works again."""

SEARCH_SLACK = timedelta(days=3)
"""How far before the last good sync a search looks: `after:` is coarse, and whoever noted that sync may have had a
clock that was two days off."""

SEARCH_PAGES = 5
"""Pages of one search in one run: 500 hits, far more hiring mail than arrives between two runs."""

LOOKED_UP = 100
"""Messages whose records and threads are read with one request; also a page of history."""

HIRING_ANYWHERE = f"in:anywhere -in:trash {HIRING_QUERY}"
"""Spam, too: Gmail puts employers' mail there, and hiring systems' more than others'."""

TOKEN_SLACK = timedelta(minutes=3)
"""An access token that ends sooner is renewed first: it must outlast a run."""


class Run:
    """One run under one lease: what it has done so far, and what it will leave to the next."""

    def __init__(
        self,
        lease: Lease,
        *,
        settings: Settings,
        store: Store,
        gmail: Gmail,
        vault: Vault,
        clock: Clock,
        advisor: Advisor | None = None,
    ) -> None:
        self.lease, self.store, self.gmail, self.vault, self.clock = lease, store, gmail, vault, clock
        self.started = clock.now()
        self.deadline = self.started + settings.work_budget
        mailbox = lease.mailbox
        self.quota = Quota(settings.units_per_minute, spent=mailbox.units_spent, at=mailbox.units_at, now=self.started)
        self.desk = Desk(mailbox.uid, store=store, clock=clock, advisor=advisor)
        self.session: GmailMailbox | None = None
        self.access: AccessToken | None = None
        self.spent_before = 0
        self.taken = 0
        # What the release will write, beside the cursor.
        self.reached = int(mailbox.history_id)
        self.listed: int | None = None
        """What the history reaches, when a rescan takes over from there."""
        self.end: int | None = None
        """What the history reaches, when this run has read all of it."""
        self.believed = True
        """That end may become the cursor: what has been read is all that there was to read."""
        self.dirty = mailbox.dirty
        self.resume = mailbox.resume
        self.rescan = mailbox.rescan
        self.asks = mailbox.asks
        self.tries = dict(mailbox.tries)
        self.failing: set[str] = set()
        """Messages that could not be read; the cursor stays before them."""
        self.waiting: set[str] = set()
        """Messages that are taken when those are read, or parked."""
        self.readings: dict[str, Reading] = {}
        """Messages that have been read and have no decision yet, by id; the cursor stays before them."""
        self.look_back = lookback.LookBack(mailbox, now=self.started, hiring=HIRING_ANYWHERE)
        self.watched: watch.Watched | None = None
        self.topic = settings.gmail_topic
        self.monitoring = mailbox.monitoring
        self.heard = False
        """Mail came that looks like hiring: the sweeps need not wait for the daily count of applications."""
        self.reserve = 0
        """Quota units that are left to live work."""
        self.in_a_row = 0
        self.announced = ""
        self.due: list[datetime] = []
        self.not_before = self.started
        """Whatever is due, the mailbox is left alone until then."""

    @property
    def units(self) -> int:
        """Gmail quota units that this run has spent."""
        return self.spent_before + (self.session.units if self.session else 0)

    # --- The course of a run ------------------------------------------------------------------------------------------

    def work(self) -> str:
        """Do what can be done now, then release. Returns one word for the log."""
        try:
            try:
                self._read(self._open(fresh=False))
            except GrantRevoked:
                # The access token alone may be dead; asking for a fresh one settles whether the grant is.
                self._read_again(self._open(fresh=True))
            self._release()
        except GrantRevoked:
            self._settle_what_can_be()
            self._stop_until_reconnected()
            return "needs_reauth"
        except (TryAgain, Rejected) as e:
            self._settle_what_can_be()
            self._put_off(e)
            return "put_off"
        return "synced"

    def _open(self, *, fresh: bool) -> GmailMailbox:
        mailbox = self.lease.mailbox
        self.spent_before, self.session = self.units, None
        expires_at = mailbox.access_token_expires_at
        if fresh or expires_at is None or expires_at < self.started + TOKEN_SLACK:
            grant = self.vault.unseal(mailbox.sealed_refresh_token, user=mailbox.uid, purpose=REFRESH_TOKEN)
            self.access = self.gmail.refresh(grant.decode())
            token = self.access.token
        else:
            token = self.vault.unseal(mailbox.sealed_access_token, user=mailbox.uid, purpose=ACCESS_TOKEN).decode()
        self.session = self.gmail.mailbox(token)
        return self.session

    def _read_again(self, session: GmailMailbox) -> None:
        """With a fresh access token: a grant that has just given one is not dead, whatever Gmail says to it."""
        try:
            self._read(session)
        except GrantRevoked as e:
            raise TryAgain("Gmail refuses a fresh access token") from e

    def _read(self, session: GmailMailbox) -> None:
        """Live history first, then what was put off, then at most one window of a rescan or of the past."""
        if self.monitoring is not Monitoring.OFF and self._read_history(session) and self._ask_again(session):
            self._read_rescan(session)
            self._read_past(session)
        self.watched = watch.keep(self.lease.mailbox, session, topic=self.topic, now=self.started)

    # --- History ------------------------------------------------------------------------------------------------------

    def _read_history(self, session: GmailMailbox) -> bool:
        """False when time or quota ran out on the way."""
        start = int(self.lease.mailbox.history_id)
        page_token, reached = (self.resume.page_token, int(self.resume.reached)) if self.resume else ("", 0)
        found = False
        while True:
            page, is_first = self._page(start, page_token, session)
            if page is None:
                self._begin_rescan(session)
                return True
            if is_first:
                # What comes while the later pages are read belongs to the next run.
                reached = page.history_id
            found = found or bool(page.messages)
            if not self._take_all(page.messages, session, since=self._since()):
                return False
            page_token = page.next_page
            if not page_token:
                break
            self._settle()
            if not self._to_be_taken_again:
                # Never past a message that has to be taken again: the cursor would pass it with the page.
                self.resume = HistoryResume(page_token=page_token, reached=accounts.padded(reached))
            if not self._can_go_on():
                return False
        self.end = reached
        self.believed = found or not self._is_young(reached)
        return True

    @property
    def _to_be_taken_again(self) -> set[str]:
        """The messages of this run that have no decision yet."""
        return self.failing | self.waiting | self.readings.keys()

    def _page(self, start: int, page_token: str, session: GmailMailbox) -> tuple[HistoryPage | None, bool]:
        """One page of history, and whether it is the first."""
        if page_token:
            try:
                return session.history(start, page=page_token), False
            except Rejected:
                # The page token has aged; the history itself is still there.
                self.resume = None
        return session.history(start), True

    def _since(self) -> datetime:
        """How far back a search for what is new must look."""
        return min(self.lease.mailbox.last_sync_at or self.started, self.started) - SEARCH_SLACK

    def _is_young(self, reached: int) -> bool:
        """An empty history is not believed while the push that speaks against it is fresh."""
        mailbox = self.lease.mailbox
        if mailbox.dirty_at is None or mailbox.dirty <= mailbox.history_id:
            return False
        believed_at = mailbox.dirty_at + YOUNG
        if self.clock.now() >= believed_at:
            return False
        if int(mailbox.dirty) <= reached:
            self.due.append(believed_at)
        return True

    def _take_all(
        self,
        messages: Sequence[HistoryMessage],
        session: GmailMailbox,
        *,
        since: datetime | None,
        searched: Collection[str] = (),
    ) -> bool:
        """Give each message its decision; False when time or quota ran out before all had one.

        In the order in which they came, whatever the order of the answer: a rejection that is read before the receipt
        of its application finds nothing to belong to. `searched` has what a search for hiring mail has found already;
        what else is unclear is searched for from `since` on, and stays closed when that is None.
        """
        messages = sorted(messages, key=_arrival)
        waiting = {id_ for ask in self.asks for id_ in ask.ids}
        unclear: list[HistoryMessage] = []
        for number, message in enumerate(messages):
            if number % LOOKED_UP == 0:
                self.desk.look_up(messages[number : number + LOOKED_UP])
            if not self._can_go_on():
                return False
            taken = self._take(message, session, searched=message.rescued or message.id in searched)
            if taken is Taken.UNCLEAR and message.id not in waiting:
                unclear.append(message)
        return not unclear or since is None or self._search(unclear, since, session)

    def _take_and_settle(
        self,
        messages: Sequence[HistoryMessage],
        session: GmailMailbox,
        *,
        since: datetime | None,
        searched: Collection[str],
    ) -> bool:
        """The same, with every decision on record before and after."""
        self._settle()
        done = self._take_all(messages, session, since=since, searched=searched)
        self._settle()
        return done

    def _take(self, message: HistoryMessage, session: GmailMailbox, *, searched: bool) -> Taken | None:
        """Read one message; None when its decision is still to come, or it failed and is noted as failing."""
        if message.id in self.readings:
            return None
        same_thread = any(message.thread_id == reading.message.thread_id for reading in self.readings.values())
        # What is decided about a thread's first mail says how its next one is read.
        if same_thread or len(self.readings) >= MOST_TOGETHER:
            self._settle()
        if self.lease.careful and not self.desk.has_decided(message.id) and not self._announce(message):
            return Taken.DECIDED
        taken = self._try(
            message, lambda: self.desk.take(message, session, searched=searched, overtakes=bool(self.failing))
        )
        if isinstance(taken, Reading):
            self.heard = self.heard or taken.record.verdict is not None
            self.readings[message.id] = taken
            if self.lease.careful:
                self._settle()
            return None
        if taken is not None:
            self._taken(message.id, taken)
        return taken

    def _try(self, message: HistoryMessage, act: Callable[[], T]) -> T | Taken | None:
        """What `act` makes of a message; DECIDED when it is parked, None when it failed and is noted as failing."""
        try:
            result = act()
        except (RateLimited, GrantRevoked):
            raise
        except TryAgain as e:
            self._failed(message, e, most=UNREACHABLE_TRIES)
            return None
        except Rejected as e:
            self._park(message, str(e))
            return Taken.DECIDED
        except Exception as e:
            # Whatever one mail breaks must not hold up the mails behind it; the log has the rest.
            log.exception("message failed")
            self._failed(message, e, most=BROKEN_TRIES)
            return None
        self.in_a_row = 0
        return result

    def _settle(self) -> None:
        """Have what has been read decided: all in one transaction or, when one of them fails, each in its own."""
        readings = list(self.readings.values())
        if len(readings) > 1:
            try:
                self._note(self.desk.settle(readings))
            except Exception:
                log.warning("decided one by one", exc_info=True)
            else:
                return
        self.in_a_row = 0
        for reading in readings:
            # What comes after one that has failed here overtakes it.
            late = replace(reading, overtakes=reading.overtakes or bool(self.failing))
            settled = self._try(reading.message, lambda late=late: self.desk.settle([late]))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            if isinstance(settled, Settled):
                self._note(settled)
            self.readings.pop(reading.message.id, None)

    def _settle_what_can_be(self) -> None:
        """The run is over, but what it has read need not be read again; unless it is that which fails."""
        if self.readings:
            try:
                self._note(self.desk.settle(list(self.readings.values())))
            except Exception:
                log.warning("what was read is read again", exc_info=True)

    def _note(self, settled: Settled) -> None:
        for id_, taken in settled.taken.items():
            self.readings.pop(id_, None)
            self._taken(id_, taken)

    def _taken(self, message_id: str, taken: Taken) -> None:
        """A run that goes on with a fresh token takes again what has failed under the old one."""
        self.tries.pop(message_id, None)
        self.failing.discard(message_id)
        self.waiting.discard(message_id)
        self.taken += taken is Taken.DECIDED
        if taken is Taken.WAITING:
            self.waiting.add(message_id)

    def _failed(self, message: HistoryMessage, error: Exception, *, most: int) -> None:
        """Note that a message has failed. Raises TryAgain when it is one of so many that it is not to blame."""
        self.in_a_row += 1
        if self.in_a_row >= FAILING_IN_A_ROW and self.lease.mailbox.failures < UNREACHABLE_TRIES:
            self.tries = dict(self.lease.mailbox.tries)
            self.failing.clear()
            self.waiting.clear()
            self.end = None
            what, after = (str(error), error.after) if isinstance(error, TryAgain) else (type(error).__name__, None)
            raise TryAgain(f"{self.in_a_row} messages in a row failed: {what}", after=after) from error
        retry_at, known = self.lease.mailbox.retry_at, self.tries.get(message.id, 0)
        # Every push reads a failing message again; only the spaced tries count, or a busy day would park it in minutes.
        tries = known if known and retry_at is not None and self.started < retry_at else known + 1
        if tries >= most:
            self._park(message, f"{type(error).__name__} in {tries} tries")
        else:
            self.tries[message.id] = tries
            self.failing.add(message.id)

    def _park(self, message: HistoryMessage, reason: str) -> None:
        self.desk.park(message, reason)
        self._taken(message.id, Taken.DECIDED)

    def _announce(self, message: HistoryMessage) -> bool:
        """Write down which message is about to be opened; False, and it is parked, when it has crashed runs before."""
        if self.announced == message.id:
            return True
        mailbox = self.lease.mailbox
        openings = mailbox.openings if mailbox.opening == message.id else 0
        if openings >= CRASHES:
            self._park(message, f"the run that read it crashed {openings} times")
            return False
        self.lease.write(lambda current: replace(current, opening=message.id, openings=openings + 1))
        self.announced = message.id
        return True

    def _can_go_on(self) -> bool:
        now = self.clock.now()
        if now >= self.deadline:
            self.due.append(now)
            return False
        if not self.quota.allows(MESSAGE_UNITS + self.reserve, units=self.units, now=now):
            self.not_before = now + QUOTA_PAUSE
            self.due.append(self.not_before)
            return False
        return True

    # --- Promotions, social, forums, spam: only what a search for hiring mail finds is opened -------------------------

    def _search(self, unclear: Sequence[HistoryMessage], since: datetime, session: GmailMailbox) -> bool:
        wanted = {message.id: message for message in unclear}
        hits = self._hits(since, wanted.keys(), session)
        done = self._take_all([wanted[hit] for hit in hits], session, since=None, searched=hits.keys())
        if missed := tuple(id_ for id_ in wanted if id_ not in hits):
            self.asks = asks.later(self.asks, Ask(at=self.started, after=since, ids=missed), now=self.started)
        return done

    def _hits(self, after: datetime, wanted: Collection[str], session: GmailMailbox) -> dict[str, str]:
        """Ids (and thread ids) of hiring mail since `after`; of the wanted ones only, unless none are named."""
        found, _ = self._list(f"after:{int(after.timestamp())} {HIRING_ANYWHERE}", session)
        return {id_: thread for id_, thread in found.items() if not wanted or id_ in wanted}

    def _list(self, query: str, session: GmailMailbox) -> tuple[dict[str, str], bool]:
        """Ids (and thread ids) of what a query finds, and whether that is all of it."""
        found: dict[str, str] = {}
        page_token = ""
        for _ in range(SEARCH_PAGES):
            page = session.search(query, page=page_token)
            found.update(page.messages)
            page_token = page.next_page
            if not page_token:
                return found, True
        return found, False

    def _ask_again(self, session: GmailMailbox) -> bool:
        """Put the questions again whose time has come; False when time or quota ran out, or a message failed."""
        for ask in self.asks:
            if ask.at > self.started:
                continue
            hits = self._hits(ask.after, set(ask.ids), session)
            if not self._take_and_settle(_found(hits), session, since=None, searched=hits.keys()) or self._left(hits):
                return False
            others = tuple(other for other in self.asks if other is not ask)
            missed = tuple(id_ for id_ in ask.ids if id_ not in hits)
            still = missed or not ask.ids
            self.asks = asks.later(others, replace(ask, ids=missed), now=self.started) if still else others
        return True

    def _left(self, found: Mapping[str, str]) -> bool:
        """Whether something of it must be taken again."""
        return bool(self._to_be_taken_again & found.keys())

    # --- Rescan: Gmail has forgotten our cursor -----------------------------------------------------------------------

    def _begin_rescan(self, session: GmailMailbox) -> None:
        """Start history anew from Gmail's present id, and write down how far back to look for what lies between."""
        self.rescan = rescan.begun(self._since(), self.rescan, now=self.started)
        self.resume = None
        self.reached = self.listed = session.profile().history_id

    def _read_rescan(self, session: GmailMailbox) -> None:
        """One window of it: all mail outside spam and trash, and what a search for hiring mail finds anywhere."""
        if self.rescan is None or self.rescan.at > self.started:
            return
        after, before = rescan.window(self.rescan)
        bounds = f"after:{int(after.timestamp())} before:{int(before.timestamp()) + 1}"
        received, whole = self._list(bounds, session)
        hiring, all_hiring = self._list(f"{bounds} {HIRING_ANYWHERE}", session)
        found = received | hiring
        # The index has shown by now what is older than a day; of what is newer, a "no" is asked again.
        since = after if before > self.started - SEARCH_SLACK else None
        if not (whole and all_hiring) or not self._take_and_settle(
            _found(found), session, since=since, searched=hiring.keys()
        ):
            self.rescan = rescan.narrowed(self.rescan)
        elif not self._left(found):
            self.rescan = rescan.advanced(self.rescan, now=self.started)

    # --- The past: a page of the backfill, or the day's receipt -------------------------------------------------------

    def _read_past(self, session: GmailMailbox) -> None:
        """A page of it, when nothing live is left: for seconds only, and never with the last quarter of the quota."""
        if self.rescan is not None or self.failing or self.waiting or not self.look_back.is_due:
            return
        self.reserve = int(self.quota.per_minute * lookback.KEPT_FOR_LIVE_WORK)
        self.deadline = min(self.deadline, self.clock.now() + lookback.SLICE)
        uid, monitoring = self.lease.mailbox.uid, self.lease.mailbox.monitoring
        self.look_back.read(
            lookback.Hands(
                list=lambda query: self._list(query, session),
                sample=lambda query: dict(session.search(query).messages),
                missing=self._missing,
                take=lambda found, searched: (
                    self._take_and_settle(_found(found), session, since=None, searched=searched)
                    and not self._left(found)
                ),
                pace=lambda: accounts.measured_pace(uid, monitoring, store=self.store, now=self.started),
            )
        )

    def _missing(self, found: Mapping[str, str]) -> dict[str, str]:
        """Those without a decision on record."""
        self._settle()
        messages = _found(found)
        for start in range(0, len(messages), LOOKED_UP):
            self.desk.look_up(messages[start : start + LOOKED_UP])
        return {id_: thread for id_, thread in found.items() if not self.desk.has_decided(id_)}

    # --- Release ------------------------------------------------------------------------------------------------------

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
        due, not_before = [*self.due, *(ask.at for ask in self.asks), *self.look_back.due()], self.not_before
        dirty, empty_lists, last_sync_at = current.dirty, 0, current.last_sync_at
        if self.rescan is not None:
            due.append(self.rescan.at)
        if current.monitoring is not self.monitoring:
            # The person has chosen anew meanwhile: another run sees to it.
            due.append(now)
        retry_at = None
        if self.failing:
            retry_at = current.retry_at
            if retry_at is None or self.started >= retry_at:
                retry_at = now + _doubling(max(self.tries[id_] for id_ in self.failing))
            not_before = max(not_before, retry_at)
            due.append(retry_at)
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
            units_spent=self.quota.level(self.units, now),
            units_at=now,
            crashes=0,
            health="ok" if current.health in ("quarantined", "watch_lapsed") else current.health,
            pace=accounts.pace(current.monitoring, is_open=True, is_recent=True) if self.heard else current.pace,
        )
        return self._with_the_rest(released, now)

    def _with_the_rest(self, released: Mailbox, now: datetime) -> Mailbox:
        """The mailbox with how its past and its watch stand, and with the access token that this run has got."""
        released = self.look_back.told(released)
        if self.watched is not None:
            released = self.watched.told(released, now)
        if released.monitoring is Monitoring.OFF:
            # Nothing is to be read, but a watch that could not be stopped is tried again.
            again = now + LONGEST_BACK_OFF if released.watch_expires_at is not None else None
            released = replace(released, due_at=again, dirty=released.history_id)
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


def _found(found: Mapping[str, str]) -> list[HistoryMessage]:
    """What a search has found, as history would have named it."""
    return [HistoryMessage(id=id_, thread_id=thread_id, labels=None) for id_, thread_id in found.items()]


def _arrival(message: HistoryMessage) -> tuple[int, str]:
    """The place of a message among others: Gmail's ids are hexadecimal numbers that grow with time."""
    return len(message.id), message.id


def _doubling(times: int) -> timedelta:
    """The wait after so many failures in a row."""
    return min(BACK_OFF * (1 << min(times - 1, 10)), LONGEST_BACK_OFF)
