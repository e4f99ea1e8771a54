"""Come back to one send and do what is due: deliver it, settle what is unsure, release what was parked.

Claim, act, record. Nothing is done with Gmail before the claim is on record, nothing is sent but a draft whose id is on
record, and what may have left is never tried again before Gmail has shown that it has not.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.due import SendDue
from shared.errors import GrantRevoked, RateLimited, Rejected, TryAgain, Unsure
from shared.model import Delivery, Letter, Send, SendQuestion
from shared.ports import Blobs, Clock, Draft, Gmail, Store, Vault, Wait
from shared.sending import states
from shared.sending.account import Account
from shared.sending.content import content_hash, without_message_id
from shared.sending.draft import Found, Where, adopted, delete_strays, look, message_id_of, sent_by_hand
from shared.sending.letter import compose
from shared.sending.moves import Change, move, read
from shared.settings import Settings

log = logging.getLogger(__name__)

END_OF_LEASE = 0.25
"""A mail is not sent in the last quarter of a lease: of 180 s that leaves two calls of Gmail time to hang."""

MOST_STEPS = 5
"""Changes of state that one run goes through: waited for, taken up again, settled, sent, and one to spare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one run came to."""

    outcome: str
    """A state of `delivery`; or unknown_send, nothing_due, not_due, left_to_another."""


class Taken(Exception):
    """Another run has taken the send over; whatever this one knows, that one finds out."""


def deliver(
    due: SendDue,
    *,
    settings: Settings,
    store: Store,
    gmail: Gmail,
    vault: Vault,
    blobs: Blobs,
    clock: Clock,
    wait: Wait,
) -> Delivered:
    """Do what is due of one send.

    Raises TryAgain when the message must come again: a try that certainly sent nothing has failed, or the tries are
    spent and it is the dead letter's turn.
    """
    for _ in range(MOST_STEPS):
        send = read(due.send_id, store=store)
        if send is None:
            return Delivered(outcome="unknown_send")
        if send.due_at is None:
            return Delivered(outcome="nothing_due")
        if send.delivery is Delivery.QUEUED and send.tries >= states.TRIES:
            raise TryAgain(f"all {send.tries} tries are spent")
        ahead = send.due_at - clock.now()
        if ahead > timedelta(0):
            if send.delivery is not Delivery.QUEUED or ahead > states.LONGEST_WAIT:
                return Delivered(outcome="left_to_another" if send.delivery is Delivery.SENDING else "not_due")
            # It may be cancelled meanwhile, so it is read again.
            wait(ahead)
            continue
        account = Account(send.uid, store=store, gmail=gmail, vault=vault, clock=clock)
        outcome = _Step(send, account, lease=settings.lease, store=store, blobs=blobs, clock=clock).take()
        if outcome:
            return Delivered(outcome=outcome)
    return Delivered(outcome="not_due")


class _Step:
    """One step of one send, from the state that it is in."""

    def __init__(
        self, send: Send, account: Account, *, lease: timedelta, store: Store, blobs: Blobs, clock: Clock
    ) -> None:
        self.send, self.account, self.lease = send, account, lease
        self.store, self.blobs, self.clock = store, blobs, clock

    def take(self) -> str:
        """Take the step. Gives the state in the end, or nothing when that one is due at once."""
        steps = {
            Delivery.QUEUED: self._try,
            Delivery.SENDING: self._take_over,
            Delivery.UNSURE: self._settle,
            Delivery.PARKED: self._release,
            Delivery.FAILED: self._take_up_again,
            Delivery.SENT: self._read_back,
            Delivery.CANCELLED: self._discard,
        }
        step = steps.get(self.send.delivery)
        return step() if step else "nothing_due"

    # --- A try --------------------------------------------------------------------------------------------------------

    def _try(self) -> str:
        if not self._claim():
            return "left_to_another"
        try:
            self.account.check_scopes()
            found = self._send()
        except Taken:
            return "left_to_another"
        except (states.LimitReached, states.ReadsAlone, Rejected, Unsure, TryAgain) as e:
            log.warning("not sent", exc_info=e, extra={"send_id": self.send.id})
            failure, now = e, self.clock.now()
            self._end(lambda send: states.after(failure, send, now=now))
            if isinstance(e, TryAgain) and not isinstance(e, RateLimited):
                raise
            return self.send.delivery
        return self._record(found)

    def _claim(self) -> bool:
        """Make the send this run's own; False when it is another's by now, or cancelled."""
        mine = False

        def change(current: Send) -> Send:
            nonlocal mine
            claimed = states.claimed(current, lease=self.lease, now=self.clock.now())
            mine = claimed is not current
            return claimed

        self._write(change)
        return mine

    def _send(self) -> Found:
        """Bring the draft about and send it. Whatever it raises but Unsure, nothing has left."""
        address = self.account.ask(lambda session: session.profile()).email_address
        self.send = self.account.reserve(self.send, address)
        if self.send.draft_id:
            found = look(self.send, self.account)
            draft = found.draft
            if found.where is Where.GONE and not self.send.content_hash:
                # The person has been asked, and wants it sent: the draft that was thrown away is made anew.
                self._create_draft(address)
            elif found.where is not Where.UNCHANGED:
                return found
            elif draft is not None and draft.id != self.send.draft_id:
                self._keep_draft(draft, self.send.content_hash)
        else:
            retried = len(self.send.attempts) > 1
            draft = adopted(self.send, self.account) if retried else None
            if draft is None:
                if retried and (found_sent := sent_by_hand(self.send, self.account)):
                    return found_sent
                self._create_draft(address)
            else:
                self._keep_draft(draft, content_hash(self._composed(address)))
                if draft.raw is not None and content_hash(draft.raw) != self.send.content_hash:
                    return Found(where=Where.EDITED)
        if self.send.lease_until is None or self.clock.now() > self.send.lease_until - END_OF_LEASE * self.lease:
            raise TryAgain("too little of the lease is left to send a mail in it")
        sent = self.account.ask(lambda session: session.send_draft(self.send.draft_id))
        if sent is None:
            # Somebody else has sent it just now, or the person has thrown it away.
            return look(self.send, self.account)
        return Found(where=Where.LEFT, gmail_id=sent.id, thread_id=sent.thread_id)

    def _composed(self, address: str) -> bytes:
        if self.send.letter is None and self.send.gmail_id:
            # Gmail took it once and gave it back; what it said is in the person's own Sent.
            raw = self.account.ask(lambda session: session.raw(self.send.gmail_id))
            if raw is not None:
                return without_message_id(raw)
        letter = self._letter()
        files = []
        for file in letter.attachments:
            content = self.blobs.get(f"{self.send.uid}/{file.document_id}")
            if content is None:
                raise Rejected("a file of the mail is not there any more")
            files.append((file.name, file.media_type, content))
        return compose(letter, send_id=self.send.id, sender=address, attachments=files, date=self.send.created_at)

    def _letter(self) -> Letter:
        if self.send.letter is None:
            raise Rejected("the letter is not there any more")
        return self.send.letter

    def _create_draft(self, address: str) -> None:
        raw = self._composed(address)
        thread_id = self.send.letter.thread_id if self.send.letter else ""
        draft = self.account.ask(lambda session: session.create_draft(raw, thread_id=thread_id))
        self._keep_draft(draft, content_hash(raw))

    def _keep_draft(self, draft: Draft, hash_: str) -> None:
        """Put the draft on record; only then may it be sent. Raises Taken."""
        mine = self.send.generation

        def change(current: Send) -> Send:
            if current.generation != mine or current.delivery is not Delivery.SENDING:
                return current
            return replace(
                current,
                draft_id=draft.id,
                draft_message_id=draft.message_id,
                thread_id=draft.thread_id,
                content_hash=hash_,
            )

        self._write(change)
        if self.send.draft_id != draft.id:
            # It bears our header, and nobody else knows of it.
            self.account.ask(lambda session: session.delete_draft(draft.id))
        if self.send.generation != mine or self.send.draft_id != draft.id:
            raise Taken

    # --- What came of it ----------------------------------------------------------------------------------------------

    def _record(self, found: Found) -> str:
        """Record where the mail is. That it has left needs no claim: proof wins over whatever is on record."""
        now = self.clock.now()
        if found.where is Where.LEFT:
            message_id = found.message_id or self._message_id(found.gmail_id)
            proof = {"gmail_id": found.gmail_id, "thread_id": found.thread_id, "message_id": message_id}
            retried = len(self.send.attempts) > 1
            self._write(lambda current: states.left(current, **proof, now=now))
            if retried:
                self._delete_strays()
        elif found.where is Where.EDITED:
            self._end(lambda send: states.edited(send, now=now))
        elif self.send.delivery is Delivery.UNSURE:
            self._end(states.neither)
        else:
            # Gmail may need a moment to show the mail that it has just taken.
            self._end(lambda send: states.ended(states.unsure(send, now=now), "unsure", now=now))
        return self.send.delivery

    def _message_id(self, gmail_id: str) -> str:
        """The Message-ID that Gmail gave the mail; empty when it does not say just now."""
        try:
            message = self.account.ask(lambda session: session.message(gmail_id, form="metadata"))
        except (TryAgain, Rejected) as e:
            log.warning("not read back", exc_info=e, extra={"send_id": self.send.id})
            return ""
        return message_id_of(message) if message is not None else ""

    def _delete_strays(self) -> None:
        """A try that died may have left a draft that nobody will send; the person should not find it."""
        try:
            delete_strays(self.send, self.account)
        except (TryAgain, Rejected) as e:
            log.warning("drafts not looked through", exc_info=e, extra={"send_id": self.send.id})

    # --- The other states ---------------------------------------------------------------------------------------------

    def _take_over(self) -> str:
        self._write(lambda current: states.lost(current, now=self.clock.now()))
        return self.send.delivery

    def _settle(self) -> str:
        """Find out what became of a mail that may have left."""
        found = Found(where=Where.UNCHANGED)  # Without a draft on record nothing was ever sent.
        try:
            if self.send.draft_id:
                found = look(self.send, self.account)
        except GrantRevoked:
            now = self.clock.now()
            self._end(lambda send: states.unseen(send, now=now))
            return self.send.delivery
        except (TryAgain, Rejected) as e:
            log.warning("not settled", exc_info=e, extra={"send_id": self.send.id})
            self._later((e.after if isinstance(e, TryAgain) else None) or states.ASK_AGAIN)
            return self.send.delivery
        if found.where is not Where.UNCHANGED:
            return self._record(found)
        now = self.clock.now()
        self._end(lambda send: states.unsent(send, now=now))
        return ""

    def _release(self) -> str:
        """Queue what was parked and is due; one that waits for a new grant only when there is one that sends."""
        if self.send.question is SendQuestion.RECONNECT and not self.account.may_send:
            self._later(states.RECONNECT_CHECK)
            return self.send.delivery
        now = self.clock.now()
        self._end(lambda send: states.released(send, now=now))
        return ""

    def _take_up_again(self) -> str:
        now = self.clock.now()
        self._end(lambda send: replace(states.anew(send, now=now), rounds=send.rounds + 1))
        return ""

    def _read_back(self) -> str:
        """Ask again for the Message-ID of a mail that has left; one that was deleted has none any more."""
        try:
            message = self.account.ask(lambda session: session.message(self.send.gmail_id, form="metadata"))
        except Rejected as e:
            # Without a grant, or what Gmail will never say: it has left, and nobody has to come back for its name.
            log.warning("not read back", exc_info=e, extra={"send_id": self.send.id})
            message = None
        message_id = message_id_of(message) if message is not None else ""
        self._end(lambda send: replace(send, message_id=message_id, due_at=None))
        return self.send.delivery

    def _discard(self) -> str:
        """Throw the draft of a cancelled mail away; one that the person has changed is theirs."""
        try:
            draft = self.account.ask(lambda session: session.get_draft(self.send.draft_id))
            if draft is not None and draft.raw is not None and content_hash(draft.raw) == self.send.content_hash:
                self.account.ask(lambda session: session.delete_draft(draft.id))
        except Rejected as e:
            # Without a grant, or with one that only reads, the draft stays in the person's hands.
            log.warning("draft not deleted", exc_info=e, extra={"send_id": self.send.id})
        self._end(lambda send: replace(send, due_at=None))
        return self.send.delivery

    def _later(self, wait: timedelta) -> None:
        at = self.clock.now() + wait
        self._end(lambda send: replace(send, due_at=at))

    # --- Writing ------------------------------------------------------------------------------------------------------

    def _write(self, change: Change) -> None:
        """Write a change; `send` is what is on record then."""
        self.send = move(self.send, change, store=self.store, clock=self.clock)

    def _end(self, end: Change) -> None:
        """Write what this step has come to, unless somebody else has written since it began."""
        begun = self.send

        def change(current: Send) -> Send:
            ours = (current.generation, current.delivery, current.due_at)
            return end(current) if ours == (begun.generation, begun.delivery, begun.due_at) else current

        self._write(change)
