"""The states of a send as pure changes: what each event in its life makes of it. Whoever writes them is `moves`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from shared.errors import GrantRevoked, RateLimited, Rejected, TryAgain, Unsure
from shared.model import Attempt, AttemptOutcome, Delivery, Send, SendQuestion

TRIES = 4
"""One try and three retries; then the message goes to the dead letter."""

LONGEST_WAIT = timedelta(seconds=30)
"""What a run waits out by itself; what leaves later is named to it when it is due."""

RETRY = timedelta(minutes=1)
"""Between two tries: the back-off of the subscription, which brings the message again."""

AFTER_THE_LAST_TRY = timedelta(minutes=15)
"""When a send whose tries are spent is named again, if the dead letter has not come by then."""

QUIET = timedelta(minutes=2)
"""How long Gmail is given to show what became of a mail before anybody asks."""

ASK_AGAIN = timedelta(minutes=5)
"""When Gmail could not be asked what became of a mail."""

RATE_PAUSE = timedelta(minutes=15)
"""How long a send is parked when Gmail refuses for quota and does not say how long."""

RECONNECT_CHECK = timedelta(hours=1)
"""How often a send that waits for a new grant looks whether there is one. Connecting releases it at once."""

MOST_ATTEMPTS = 20
"""Tries that are kept with their reasons, the last ones."""

ROUNDS = 3
"""How many nights a failed send is taken up again."""

NIGHTLY_HOUR, NIGHTLY_MINUTE = 3, 30
"""When the nightly retry runs (UTC); a failed send is not taken up before."""


class LimitReached(Exception):
    """The account has no room for another mail until `at`; nothing has been sent."""

    def __init__(self, reason: str, *, at: datetime, daily: bool) -> None:
        super().__init__(reason)
        self.at = at
        self.daily = daily
        """A day's limit, of which the person is told; otherwise a minute's."""


class ReadsAlone(Exception):
    """The person's Gmail is connected, but its grant does not reach to sending; nothing has been sent."""


def claimed(send: Send, *, lease: timedelta, now: datetime) -> Send:
    """This run's own until the lease ends; the same when it is nobody's to claim now."""
    if send.delivery is not Delivery.QUEUED or send.due_at is None or send.due_at > now or send.tries >= TRIES:
        return send
    number = send.attempts[-1].number + 1 if send.attempts else 1
    return replace(
        send,
        delivery=Delivery.SENDING,
        generation=send.generation + 1,
        lease_until=now + lease,
        due_at=now + lease,
        attempts=(*send.attempts, Attempt(number=number, started_at=now))[-MOST_ATTEMPTS:],
        reason="",
    )


def lost(send: Send, *, now: datetime) -> Send:
    """The lease is over, and nobody has said what came of the try: it may have left."""
    if send.delivery is not Delivery.SENDING or send.lease_until is None or send.lease_until > now:
        return send
    return ended(unsure(send, now=now), "unsure", now=now)


def left(send: Send, *, gmail_id: str, thread_id: str, message_id: str, now: datetime) -> Send:
    """It is proven that the mail has left, whatever was on record before."""
    if send.delivery in (Delivery.SENT, Delivery.BOUNCED):
        return send
    sent = replace(
        send,
        delivery=Delivery.SENT,
        due_at=None if message_id else now + ASK_AGAIN,
        letter=None,
        subject=send.letter.subject if send.letter else send.subject,
        sent_to=send.letter.recipient if send.letter else send.sent_to,
        enclosed=tuple(each.name for each in send.letter.attachments) if send.letter else send.enclosed,
        gmail_id=gmail_id,
        thread_id=thread_id or send.thread_id,
        message_id=message_id,
        reason="",
        question=SendQuestion.NONE,
        sent_at=now,
    )
    return ended(sent, "sent", now=now)


def ended(send: Send, outcome: AttemptOutcome, *, now: datetime) -> Send:
    """The try is over, with the reason that the send now has."""
    if not send.attempts or send.attempts[-1].ended_at is not None:
        return replace(send, lease_until=None)
    last = replace(send.attempts[-1], ended_at=now, outcome=outcome, reason=send.reason)
    return replace(send, lease_until=None, attempts=(*send.attempts[:-1], last))


def after(error: Exception, send: Send, *, now: datetime) -> Send:
    """What a failed try makes of the send; the rows of the design's table. Raises TypeError for none of our errors."""
    outcome: AttemptOutcome
    match error:
        case LimitReached(daily=False):
            outcome, send = "put_off", replace(send, delivery=Delivery.QUEUED, due_at=error.at)
        case LimitReached():
            outcome, send = "parked", _parked(send, str(error), error.at)
        case GrantRevoked() | ReadsAlone():
            reason = "Gmail must be connected again before this can be sent."
            if isinstance(error, ReadsAlone):
                reason = "Gmail is connected for reading alone; connect it again and allow drafts, and this is sent."
            parked = _parked(send, reason, now + RECONNECT_CHECK)
            outcome, send = "parked", replace(parked, question=SendQuestion.RECONNECT)
        case RateLimited():
            reason = "Gmail takes no mail from this account for now."
            outcome, send = "parked", _parked(send, reason, now + (error.after or RATE_PAUSE))
        case Unsure():
            outcome, send = "unsure", unsure(send, now=now)
        case Rejected():
            # No due_at: what Gmail refuses today it refuses tomorrow.
            outcome = "failed"
            send = replace(send, delivery=Delivery.FAILED, due_at=None, reason=plainly(error))
        case TryAgain():
            tries = send.tries + 1
            due_at = now + (RETRY if tries < TRIES else AFTER_THE_LAST_TRY)
            reason = "It could not be sent just now."
            outcome = "again"
            send = replace(send, delivery=Delivery.QUEUED, tries=tries, due_at=due_at, reason=reason)
        case _:
            raise TypeError(f"no error of ours: {error!r}")
    return ended(send, outcome, now=now)


def unsure(send: Send, *, now: datetime) -> Send:
    """Nobody knows whether it has left; Gmail is asked when it has had time to show it."""
    reason = "Gmail did not say whether the mail has left; it is looked for there."
    return replace(send, delivery=Delivery.UNSURE, due_at=now + QUIET, unsure_at=now, reason=reason)


def neither(send: Send) -> Send:
    """Gmail shows no sent mail and no draft: only the person can know."""
    reason = "Neither the draft nor a sent mail is in your Gmail. Did it leave?"
    return replace(send, due_at=None, question=SendQuestion.DID_IT_LEAVE, reason=reason)


def unseen(send: Send, *, now: datetime) -> Send:
    """Nobody can look into the person's Gmail before they connect it again."""
    reason = "Gmail must be connected again before anybody can see whether the mail has left."
    return replace(send, due_at=now + RECONNECT_CHECK, question=SendQuestion.RECONNECT, reason=reason)


def edited(send: Send, *, now: datetime) -> Send:
    """The person has changed the draft: it is theirs to say whether it is to be sent so."""
    reason = "You have changed the draft in Gmail. Is it to be sent as it is now?"
    parked = replace(send, delivery=Delivery.PARKED, due_at=None, question=SendQuestion.EDITED, reason=reason)
    return ended(parked, "parked", now=now)


def unsent(send: Send, *, now: datetime) -> Send:
    """It has certainly not left: the same draft may be sent again. It was a try like any other."""
    tries = send.tries + 1
    due_at = now if tries < TRIES else now + AFTER_THE_LAST_TRY
    return replace(
        send,
        delivery=Delivery.QUEUED,
        tries=tries,
        due_at=due_at,
        reason="",
        unsure_at=None,
        question=SendQuestion.NONE,
    )


def released(send: Send, *, now: datetime) -> Send:
    """The time until which it was parked has come."""
    return replace(send, delivery=Delivery.QUEUED, due_at=now, reason="", question=SendQuestion.NONE)


def anew(send: Send, *, now: datetime) -> Send:
    """Another round of tries begins."""
    return replace(
        send,
        delivery=Delivery.QUEUED,
        due_at=now,
        tries=0,
        queued_at=now,
        reason="",
        question=SendQuestion.NONE,
        unsure_at=None,
    )


def given_up(send: Send, reason: str, *, now: datetime) -> Send:
    """All tries have failed; another night may do better, a few times."""
    night = next_night(now) if send.rounds < ROUNDS else None
    return replace(send, delivery=Delivery.FAILED, due_at=night, reason=reason)


def cancelled(send: Send, *, now: datetime) -> Send:
    """It is not to leave any more. A draft of ours is thrown away when somebody comes by."""
    return replace(
        send,
        delivery=Delivery.CANCELLED,
        due_at=now if send.draft_id else None,
        letter=None,
        reason="",
        question=SendQuestion.NONE,
    )


def answered(send: Send, said: Literal["sent", "send", "drop"], *, now: datetime) -> Send:
    """What the person has said of a mail that only they can settle."""
    send = replace(send, answered=said)
    if said == "sent":
        sent = left(send, gmail_id=send.gmail_id, thread_id=send.thread_id, message_id=send.message_id, now=now)
        # Nobody knows which of their mails it is, so there is no Message-ID to be asked for.
        return replace(sent, due_at=None)
    if said == "drop":
        return cancelled(send, now=now)
    # Whatever the draft says now is what they want.
    return anew(replace(send, content_hash=""), now=now)


def reachable(send: Send, *, now: datetime) -> Send:
    """The person's Gmail can be looked into again."""
    if send.question is not SendQuestion.RECONNECT:
        return send
    return replace(send, question=SendQuestion.NONE, due_at=now)


def next_night(now: datetime) -> datetime:
    """The next run of the nightly retry."""
    tonight = now.replace(hour=NIGHTLY_HOUR, minute=NIGHTLY_MINUTE, second=0, microsecond=0)
    return tonight if tonight > now else tonight + timedelta(days=1)


def plainly(error: Rejected) -> str:
    """A refusal in words that a person understands."""
    said = str(error).lower().replace(" ", "")
    return next((meaning for words, meaning in _MEANINGS if words in said), "Gmail has refused this mail.")


_MEANINGS = (
    ("invalidtoheader", "Gmail does not take the recipient's address."),
    ("recipientaddressrequired", "There is no recipient."),
    ("toolarge", "The mail is too large for Gmail."),
    (":413", "The mail is too large for Gmail."),
    ("isnotthereanymore", "A file of this mail, or the letter itself, is not there any more."),
    ("failedprecondition", "This account cannot send mail with Gmail."),
    ("domainpolicy", "The administrator of this account does not allow it."),
    ("insufficientpermissions", "Connect Gmail again and allow drafts: without them nothing can be sent."),
)


def _parked(send: Send, reason: str, until: datetime) -> Send:
    return replace(send, delivery=Delivery.PARKED, due_at=until, reason=reason)
