"""The watch that wakes us: renewed every day while mail is read in real time, stopped when it is not."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.errors import GrantRevoked, Rejected, TryAgain
from shared.model import Mailbox, Monitoring
from shared.ports import GmailMailbox

log = logging.getLogger(__name__)

RENEWED_BEFORE = timedelta(days=6)
"""A watch lasts seven days; Google asks for a renewal every day, and a failed one leaves six more."""

LAPSED_RETRY = timedelta(minutes=15)
"""How soon a watch that has ended is asked for again; until then the sweeps alone find new mail."""


@dataclass(frozen=True, slots=True)
class Watched:
    """How the watch stands after a run."""

    expires_at: datetime | None
    trouble: str = ""
    """Why it could not be renewed; empty when it was."""

    def told(self, mailbox: Mailbox, now: datetime) -> Mailbox:
        """The mailbox with it: a watch that has ended is told; one that lasts is asked for again within the hour."""
        told = replace(mailbox, watch_expires_at=self.expires_at)
        if self.trouble and (self.expires_at is None or self.expires_at <= now):
            again = now + LAPSED_RETRY
            due_at = min(mailbox.due_at or again, again)
            return replace(told, health="watch_lapsed", trouble=self.trouble, due_at=due_at)
        return told


def keep(mailbox: Mailbox, session: GmailMailbox, *, topic: str, now: datetime) -> Watched | None:
    """Renew or stop the watch; None when there is nothing to do. Raises GrantRevoked.

    Any other failure costs a push and no mail: the sweeps go on, and the next hour tries again.
    """
    expires_at = mailbox.watch_expires_at
    wanted = mailbox.monitoring is Monitoring.REAL_TIME
    is_fresh = expires_at is not None and expires_at > now + RENEWED_BEFORE
    if is_fresh if wanted else expires_at is None:
        return None
    try:
        if wanted:
            return Watched(session.watch(topic).expires_at)
        session.stop()
    except GrantRevoked:
        raise
    except (TryAgain, Rejected) as e:
        log.warning("watch not renewed", exc_info=e)
        return Watched(expires_at, "Gmail did not renew its watch")
    return Watched(None)
