"""A mail as an event of a ledger: what it says, why it counts, and whether it may act by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.errors import Rejected
from shared.ledger import EFFECTS
from shared.model import Event, EventKind, Link, MailRecord, SenderCheck, Signal, Verdict


def doubt(verdict: Verdict, sender: SenderCheck | None) -> str:
    """Why a mail may only suggest, in words for the person; empty when it may act by itself.

    Clear words are asked only of mails that would change a status: a request for papers that was none costs a look.
    """
    if sender is None or not sender.passed:
        return sender.reason if sender is not None and sender.reason else "nobody vouches for the sender"
    effect = EFFECTS.get(verdict.signal)
    changes_status = verdict.signal is Signal.DELIVERY_FAILURE or (effect is not None and effect.stage is not None)
    if changes_status and not verdict.strong:
        return "the words are not clear enough"
    return ""


def mail_event(
    record: MailRecord,
    link: Link,
    *,
    why_not: str,
    by: Literal["mail", "person"],
    now: datetime,
    reading: int = 1,
    supersedes: str = "",
) -> Event:
    """The event that a mail is in the ledger of the application that `link` names.

    `why_not` is what keeps it from acting by itself (see `doubt`), empty when nothing does. A mail that is read again
    is another `reading` and supersedes the event of the one before. Raises Rejected for a mail that was never read.
    """
    verdict = record.verdict
    if verdict is None or record.internal_date is None:
        raise Rejected(f"the mail has not been read: {record.status}")
    facts = verdict.facts
    return Event(
        key=f"mail:{record.id}:{reading}",
        kind=EventKind.MAIL,
        occurred_at=record.internal_date,
        recorded_at=now,
        by=by,
        mail_id=record.id,
        thread_id=record.thread_id,
        message_id=record.message_id,
        signal=verdict.signal,
        automatic=not why_not,
        why_not=why_not,
        link=link,
        confidence=verdict.confidence,
        evidence=verdict.evidence,
        sender=record.sender,
        interview=facts.interview,
        reply_by=facts.reply_by or facts.assessment_deadline,
        supersedes=supersedes,
        company=facts.company,
        role=facts.role,
        requisition=facts.requisition,
        job_url=facts.job_url,
    )
