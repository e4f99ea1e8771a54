"""What a run does with messages: each is read, understood and decided, parked, or noted as failing.

However many there are, the run stops when its time or the person's quota ends, and whatever has no decision then is
taken again by another. Mail that only a search for hiring mail may open is searched for here, too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from shared.classify import HIRING_QUERY
from shared.errors import GrantRevoked, RateLimited, Rejected, TryAgain
from shared.mailbox import asks
from shared.mailbox.decisions import Reading, Settled, Taken
from shared.mailbox.intake import Desk
from shared.mailbox.lease import Lease
from shared.mailbox.quota import Quota
from shared.model import Ask
from shared.ports import Advisor, Clock, GmailMailbox, HistoryMessage, Store
from shared.settings import Settings

T = TypeVar("T")

log = logging.getLogger(__name__)

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

SEARCH_PAGES = 5
"""Pages of one search in one run: 500 hits, far more hiring mail than arrives between two runs."""

LOOKED_UP = 100
"""Messages whose records and threads are read with one request; also a page of history."""

HIRING_ANYWHERE = f"in:anywhere -in:trash {HIRING_QUERY}"
"""Spam, too: Gmail puts employers' mail there, and hiring systems' more than others'."""


class Taking:
    """The messages of one run under one lease, and when somebody must come back for them."""

    def __init__(
        self, lease: Lease, *, settings: Settings, store: Store, clock: Clock, advisor: Advisor | None
    ) -> None:
        self.lease, self.store, self.clock = lease, store, clock
        self.started = clock.now()
        self.deadline = self.started + settings.work_budget
        mailbox = lease.mailbox
        self.quota = Quota(settings.units_per_minute, mailbox.read_units)
        self.desk = Desk(mailbox.uid, store=store, clock=clock, advisor=advisor)
        self.session: GmailMailbox | None = None
        self.spent_before = 0
        self.taken = 0
        self.end: int | None = None
        """What the history reaches, when this run has read all of it."""
        self.asks = mailbox.asks
        self.tries = dict(mailbox.tries)
        self.failing: set[str] = set()
        """Messages that could not be read; the cursor stays before them."""
        self.waiting: set[str] = set()
        """Messages that are taken when those are read, or parked."""
        self.readings: dict[str, Reading] = {}
        """Messages that have been read and have no decision yet, by id; the cursor stays before them."""
        self.heard = False
        """Mail came that looks like hiring: the sweeps need not wait for the daily count of applications."""
        self.in_a_row = 0
        self.announced = ""
        self.due: list[datetime] = []
        self.not_before = self.started
        """Whatever is due, the mailbox is left alone until then."""

    @property
    def units(self) -> int:
        """Gmail quota units that this run has spent."""
        return self.spent_before + (self.session.units if self.session else 0)

    def _can_go_on(self) -> bool:
        now = self.clock.now()
        if now >= self.deadline:
            self.due.append(now)
            return False
        if not self.quota.allows(MESSAGE_UNITS, units=self.units, now=now):
            self.not_before = now + QUOTA_PAUSE
            self.due.append(self.not_before)
            return False
        return True

    @property
    def _to_be_taken_again(self) -> set[str]:
        """The messages of this run that have no decision yet."""
        return self.failing | self.waiting | self.readings.keys()

    def _overtakes(self, message: HistoryMessage) -> bool:
        """Whether another message could not be read; this one may have failed itself, before it was taken again."""
        return bool(self.failing - {message.id})

    def _left(self, found: Mapping[str, str]) -> bool:
        """Whether something of it must be taken again."""
        return bool(self._to_be_taken_again & found.keys())

    # --- One after the other, in the order in which they came ---------------------------------------------------------

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
        if message.id in self.tries and self._is_put_off:
            self.failing.add(message.id)
            return None
        if self.lease.careful and not self.desk.has_decided(message.id) and not self._announce(message):
            return Taken.DECIDED
        taken = self._try(
            message, lambda: self.desk.take(message, session, searched=searched, overtakes=self._overtakes(message))
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

    # --- Decided ------------------------------------------------------------------------------------------------------

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
            late = replace(reading, overtakes=reading.overtakes or self._overtakes(reading.message))
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

    # --- Failed, or parked --------------------------------------------------------------------------------------------

    @property
    def _is_put_off(self) -> bool:
        """Whether what has failed waits for its next try. A push is no reason to ask sooner.

        A busy day would use up its tries in minutes, and a mail on which the parser hangs would hold an instance until
        its time-out at every push.
        """
        retry_at = self.lease.mailbox.retry_at
        return retry_at is not None and self.started < retry_at

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
        tries = self.tries.get(message.id, 0) + 1
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


def messages_of(found: Mapping[str, str]) -> list[HistoryMessage]:
    """What a search has found, as history would have named it."""
    return [HistoryMessage(id=id_, thread_id=thread_id, labels=None) for id_, thread_id in found.items()]


def _arrival(message: HistoryMessage) -> tuple[int, str]:
    """The place of a message among others: Gmail's ids are hexadecimal numbers that grow with time."""
    return len(message.id), message.id
