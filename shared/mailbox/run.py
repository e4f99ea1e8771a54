"""One run over what is live in a mailbox: history, then what was put off, then a window of a rescan; then release.

What it could not finish stands in the mailbox's record with the time at which somebody must look again (`due_at`), so
a run may die anywhere.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared import accounts
from shared.accounts import ACCESS_TOKEN, REFRESH_TOKEN
from shared.errors import GrantRevoked, Rejected, TryAgain
from shared.mailbox import asks, rescan, watch
from shared.mailbox.lease import Lease
from shared.mailbox.releasing import Releasing
from shared.mailbox.taking import HIRING_ANYWHERE, messages_of
from shared.model import HistoryResume, Monitoring
from shared.ports import Advisor, Clock, Gmail, GmailMailbox, HistoryPage, Store, Vault
from shared.settings import Settings

YOUNG = timedelta(minutes=2)
"""An empty history is not believed while the push that named it is younger than this."""

SEARCH_SLACK = timedelta(days=3)
"""How far before the last good sync a search looks: `after:` is coarse, and whoever noted that sync may have had a
clock that was two days off."""

TOKEN_SLACK = timedelta(minutes=3)
"""An access token that ends sooner is renewed first: it must outlast a run."""


class Run(Releasing):
    """One run under one lease."""

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
        super().__init__(lease, settings=settings, store=store, vault=vault, clock=clock, advisor=advisor)
        self.gmail = gmail
        self.topic = settings.gmail_topic

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
        """Live history first, then what was put off, then at most one window of a rescan."""
        if self.monitoring is not Monitoring.OFF and self._read_history(session) and self._ask_again(session):
            self._read_rescan(session)
            self.has_read_all = True
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

    # --- What was put off ---------------------------------------------------------------------------------------------

    def _ask_again(self, session: GmailMailbox) -> bool:
        """Put the questions again whose time has come; False when time or quota ran out, or a message failed."""
        for ask in self.asks:
            if ask.at > self.started:
                continue
            hits = self._hits(ask.after, set(ask.ids), session)
            found = messages_of(hits)
            if not self._take_and_settle(found, session, since=None, searched=hits.keys()) or self._left(hits):
                return False
            others = tuple(other for other in self.asks if other is not ask)
            missed = tuple(id_ for id_ in ask.ids if id_ not in hits)
            still = missed or not ask.ids
            self.asks = asks.later(others, replace(ask, ids=missed), now=self.started) if still else others
        return True

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
            messages_of(found), session, since=since, searched=hiring.keys()
        ):
            self.rescan = rescan.narrowed(self.rescan)
        elif not self._left(found):
            self.rescan = rescan.advanced(self.rescan, now=self.started)
