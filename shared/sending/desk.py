"""Where one person's requests to send are checked and written; what is known of the person is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared.applications import NewApplication, born, created, get, stable_id, with_event, write
from shared.consent import APPLIES, allows
from shared.errors import Refused, Rejected, TryAgain
from shared.ledger.folding import order
from shared.lines import header_line
from shared.model import (
    Application,
    ApplicationSummary,
    Delivery,
    Enclosure,
    Event,
    EventKind,
    Letter,
    Posting,
    Preferences,
    Send,
    SendRequest,
    Stage,
    Template,
    User,
)
from shared.ports import Clock, Ids, Store, Transaction
from shared.preferences import RECALL_SECONDS
from shared.schema import (
    APPLICATIONS_OF_USER,
    DOCUMENTS,
    MAILBOXES,
    POSTINGS,
    REQUESTS,
    SENDS,
    SENDS_OF_APPLICATION,
    TEMPLATES,
    USERS,
    Key,
)
from shared.sending.last_look import Check, Finding, Intended, look
from shared.sending.letter import ADDRESS, MESSAGE_ID, NAME_CHARACTERS, SUBJECT_CHARACTERS, TEXT_CHARACTERS, body_text
from shared.sending.moves import owned
from shared.sending.orders import Applied, FollowUp, Held, QuickApplication
from shared.sending.plan import Plan
from shared.sending.templates import Fields, Kind, chosen, render

ADDRESS_CHARACTERS = 254
"""The longest address that fits into SMTP's path (RFC 5321, 4.5.3.1.3)."""

MOST_ATTACHMENTS = 10
"""A CV, a letter, references and certificates; more belongs behind a link."""

ATTACHMENTS_BYTES = 18 * 1024 * 1024
"""In base64 they are 24.6 MB: just below Gmail's 25, with room for the letter."""

ROSTER_PAGE = 300
"""Applications read with one query."""

REQUEST_KEPT = timedelta(days=30)
"""How long a key stands for what it made. A phone that was offline for a holiday may still say it again; and no
application is deleted so soon."""

ON_ITS_WAY = frozenset({Delivery.QUEUED, Delivery.SENDING, Delivery.PARKED, Delivery.UNSURE})
"""A mail of which nobody knows the end."""

MOST_LOOKS = 5
"""How often the last look is taken again because something else was written meanwhile."""


class Desk:
    """Where one person's requests are worked on: what is known of them is read once."""

    def __init__(self, uid: str, *, store: Store, clock: Clock, ids: Ids) -> None:
        self.uid, self._store, self._ids = uid, store, ids
        self.now = clock.now()
        found = store.get(USERS.key(uid))
        self._preferences = found.value.preferences if found is not None else Preferences()
        self._mailbox_id = found.value.mailbox_id if found is not None else ""
        self._roster: tuple[ApplicationSummary, ...] | None = None
        self._revision = found.value.applications_rev if found is not None else 0
        """Never newer than the roster: what changes after it was read is noticed."""
        self._templates: dict[Kind, Template] = {}
        self.plan = Plan(uid, self._preferences, store=store)

    def recall(self, seconds: int | None) -> timedelta:
        """How long the mail waits."""
        if seconds is not None and seconds not in RECALL_SECONDS:
            raise Rejected(f"send_after: must be {RECALL_SECONDS[0]} to {RECALL_SECONDS[-1]}")
        return timedelta(seconds=self._preferences.recall_seconds if seconds is None else seconds)

    def known(self, key: str, digest: str) -> Applied | None:
        """What the key has made before. Raises Refused when it was for something else."""
        found = self._store.get(self._request_key(key))
        return self._again(found.value, digest) if found is not None else None

    def apply(
        self, asked: QuickApplication, *, key: str, digest: str, at: datetime, found: tuple[Finding, ...] = ()
    ) -> Applied | Held:
        """Check the request and write it, to leave at `at`; `found` is what has been found already."""
        self._check_gmail()
        posting = self._posting(asked.posting)
        beginning = created(_new_application(asked, posting), now=self.now)
        letter = self._letter(asked, beginning, posting)
        unknown = sorted(set(asked.confirm) - set(Check))
        if unknown:
            raise Rejected(f"confirm: no such check: {unknown[0][:40]}")
        intended = Intended(
            company=beginning.company,
            role=beginning.role,
            recipient=letter.recipient,
            words=f"{letter.subject}\n{letter.text}",
            job_url=beginning.job_url,
            posting=posting,
        )
        for _ in range(MOST_LOOKS):
            findings = [*found, *look(intended, self._tracked(), cool_down_days=self._cool_down, now=self.now)]
            open_ = tuple(each for each in findings if each.check not in asked.confirm)
            if open_:
                # The same click may have been faster: then it is its application that was found.
                return self.known(key, digest) or Held(findings=open_)
            done = self._write(beginning, letter, posting, key=key, digest=digest, at=at)
            if done is not None:
                return done
            # Another application was written meanwhile: it may be the same one.
            user = self._store.get(USERS.key(self.uid))
            self._revision = user.value.applications_rev if user is not None else 0
            self._roster = None
        raise TryAgain("the person's applications change faster than they can be looked at")

    def follow_up(self, application_id: str, asked: FollowUp, *, key: str, digest: str) -> Applied:
        """Check the request and write it."""
        self._check_gmail()
        application = get(self.uid, application_id, store=self._store)
        sends = self._sends_of(application_id)
        before = next((each for each in reversed(sends) if each.delivery is Delivery.SENT and each.message_id), None)
        if before is None:
            raise Refused("application: no mail of it has left yet, so there is no thread to go on with")
        if any(each.kind == "follow_up" and each.delivery in ON_ITS_WAY for each in sends):
            raise Refused("application: a follow-up of it is on its way already")
        text = _letter_text(asked.letter)
        said = render(self._template("follow_up"), _fields(text, application.company, application.role))
        thread = [
            e.message_id
            for e in sorted(application.events.values(), key=order)
            # An employer's own may be anything; one that is no Message-ID names no ancestor.
            if e.thread_id == before.thread_id and MESSAGE_ID.fullmatch(e.message_id)
        ]
        letter = Letter(
            recipient=_address("recipient", asked.recipient) if asked.recipient else before.sent_to,
            subject=before.subject if before.subject.lower().startswith("re:") else f"Re: {before.subject}",
            text=said.text,
            html=said.html,
            attachments=self._enclosures(asked.attachments),
            thread_id=before.thread_id,
            in_reply_to=thread[-1] if thread else before.message_id,
            references=tuple(thread) or (before.message_id,),
        )
        send = self._send(application_id, letter, at=self.now + self.recall(asked.send_after), kind="follow_up")
        request_key, request = self._request_key(key), self._request(key, digest, send)

        def work(tx: Transaction) -> SendRequest:
            known = tx.get(request_key)
            if known is not None:
                return known
            tx.create(SENDS.key(send.id), send)
            tx.create(request_key, request)
            return request

        kept = self._store.transact(work, reads=[request_key])
        return Applied(application=application, send=send) if kept is request else self._again(kept, digest)

    # --- What is read -------------------------------------------------------------------------------------------------

    def _check_gmail(self) -> None:
        """Raises Refused when the person's Gmail is connected, but only to be read.

        Whoever has connected none is asked to when the mail is due.
        """
        mailbox = self._store.get(MAILBOXES.key(self._mailbox_id)) if self._mailbox_id else None
        self._mailbox_id = ""  # Once for a request, however many applications it has.
        if mailbox is not None and not allows(mailbox.value, APPLIES):
            raise Refused(f"gmail: {APPLIES.name} is not allowed; connect Gmail again with it. {APPLIES.unlocks}")

    @property
    def _cool_down(self) -> int:
        return self._preferences.cool_down_days

    def _tracked(self) -> tuple[ApplicationSummary, ...]:
        """The person's applications, not older than the revision that the transaction will look for."""
        if self._roster is None:
            found: list[ApplicationSummary] = []
            cursor = ""
            while True:
                page = self._store.find(APPLICATIONS_OF_USER, parent=self.uid, limit=ROSTER_PAGE, cursor=cursor)
                found += [item.value for item in page.items]
                cursor = page.next
                if not cursor:
                    break
            self._roster = tuple(found)
        return self._roster

    def _posting(self, posting_id: str) -> Posting | None:
        if not posting_id:
            return None
        try:
            found = self._store.get(POSTINGS.key(posting_id))
        except ValueError:
            found = None
        # What a person's own career page shows is theirs alone; all other postings are everybody's.
        if found is None or found.value.uid not in ("", self.uid):
            raise Rejected("posting: there is nothing by that id")
        if not found.value.open:
            raise Rejected("posting: it is not open any more")
        return found.value

    def _template(self, kind: Kind) -> Template:
        if kind not in self._templates:
            self._templates[kind] = chosen(self._store.get(TEMPLATES.key(self.uid, kind)), kind)
        return self._templates[kind]

    def _enclosures(self, document_ids: Sequence[str]) -> tuple[Enclosure, ...]:
        if not document_ids:
            return ()
        if len(document_ids) > MOST_ATTACHMENTS:
            raise Rejected(f"attachments: more than {MOST_ATTACHMENTS}")
        if len(set(document_ids)) != len(document_ids):
            raise Rejected("attachments: names a document twice")
        try:
            found = self._store.get_many([DOCUMENTS.key(self.uid, id_) for id_ in document_ids])
        except ValueError as e:
            raise Rejected("attachments: there is no such document") from e
        documents = [each.value for each in found if each is not None]
        if len(documents) < len(document_ids):
            raise Rejected("attachments: there is no such document")
        if sum(each.size for each in documents) > ATTACHMENTS_BYTES:
            raise Rejected(f"attachments: more than {ATTACHMENTS_BYTES} bytes together")
        return tuple(
            Enclosure(document_id=each.id, name=each.name, media_type=each.media_type, size=each.size)
            for each in documents
        )

    def _sends_of(self, application_id: str) -> list[Send]:
        """What has been asked for of an application, oldest first."""
        equal = {"uid": self.uid, "application_id": application_id}
        return [item.value for item in self._store.find(SENDS_OF_APPLICATION, equal=equal, limit=ROSTER_PAGE).items]

    def _letter(self, asked: QuickApplication, beginning: Event, posting: Posting | None) -> Letter:
        recipient = asked.recipient or (posting.apply_address if posting else "")
        text = _letter_text(asked.letter)
        said = render(self._template("application"), _fields(text, beginning.company, beginning.role))
        subject = header_line("subject", asked.subject, SUBJECT_CHARACTERS) or said.subject
        if not subject:
            raise Rejected("subject: must not be empty")
        return Letter(
            recipient=_address("recipient", recipient),
            recipient_name=header_line("recipient_name", asked.recipient_name, NAME_CHARACTERS),
            subject=subject,
            text=said.text,
            html=said.html,
            attachments=self._enclosures(asked.attachments),
        )

    # --- What is written ----------------------------------------------------------------------------------------------

    def _send(self, application_id: str, letter: Letter, *, at: datetime, kind: Kind) -> Send:
        return Send(
            id=self._ids.new(),
            uid=self.uid,
            application_id=application_id,
            kind=kind,
            created_at=self.now,
            send_after=at,
            due_at=at,
            letter=letter,
            subject=letter.subject,
        )

    def _write(
        self, beginning: Event, letter: Letter, posting: Posting | None, *, key: str, digest: str, at: datetime
    ) -> Applied | None:
        """Application, send and request in one transaction; None when the last look was at something older."""
        send = self._send(self._ids.new(), letter, at=at, kind="application")
        if posting is not None and posting.apply_address:
            # Where it may go instead, should it come back from another address.
            send = replace(send, next_addresses=(posting.apply_address,))
        request_key, request = self._request_key(key), self._request(key, digest, send)
        user_key, now = USERS.key(self.uid), self.now

        def work(tx: Transaction) -> Application | SendRequest | None:
            user, known = tx.get(user_key), tx.get(request_key)
            if known is not None:
                return known
            if (user.applications_rev if user else 0) != self._revision:
                return None
            application = born(self.uid, send.application_id, beginning, now=now)
            application = with_event(application, _queued(send, now), now=now)
            write(tx, None, application, user=user or User(uid=self.uid, created_at=now), now=now)
            tx.create(SENDS.key(send.id), send)
            tx.create(request_key, request)
            return application

        done = self._store.transact(work, reads=[user_key, request_key])
        if isinstance(done, SendRequest):
            return self._again(done, digest)
        if done is None:
            return None
        self._roster, self._revision = (done, *self._tracked()), self._revision + 1
        return Applied(application=done, send=send)

    def _request_key(self, key: str) -> Key[SendRequest]:
        return REQUESTS.key(self.uid, stable_id("request", key))

    def _request(self, key: str, digest: str, send: Send) -> SendRequest:
        return SendRequest(
            id=self._request_key(key).id,
            uid=self.uid,
            digest=digest,
            application_id=send.application_id,
            send_id=send.id,
            created_at=self.now,
            expires_at=self.now + REQUEST_KEPT,
        )

    def _again(self, known: SendRequest, digest: str) -> Applied:
        if known.digest != digest:
            raise Refused("idempotency-key: it stood for another request")
        return Applied(
            application=get(self.uid, known.application_id, store=self._store),
            send=owned(self.uid, known.send_id, store=self._store),
        )


def _new_application(asked: QuickApplication, posting: Posting | None) -> NewApplication:
    return NewApplication(
        company=asked.company or (posting.company if posting else ""),
        role=asked.role or (posting.title if posting else ""),
        requisition=asked.requisition,
        job_url=asked.job_url or (posting.apply_url if posting else ""),
        stage=Stage.SAVED,
    )


def _queued(send: Send, now: datetime) -> Event:
    return Event(
        key=f"send:{send.id}:{send.step}",
        kind=EventKind.DELIVERY,
        occurred_at=now,
        recorded_at=now,
        by="person",
        delivery=Delivery.QUEUED,
    )


def _letter_text(text: str) -> str:
    letter = body_text("letter", text, TEXT_CHARACTERS)
    if not letter.strip():
        raise Rejected("letter: must not be empty")
    return letter


def _fields(letter: str, company: str, role: str) -> Fields:
    return Fields(letter=letter.strip("\n"), company=company, role=role)


def _address(field: str, text: str) -> str:
    """The address in ASCII, its domain in Punycode. Nobody is asked whether it exists."""
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - the other routes do without it

    address = header_line(field, text, ADDRESS_CHARACTERS)
    try:
        found = validate_email(address, check_deliverability=False, allow_smtputf8=False).ascii_email
    except EmailNotValidError as e:
        raise Rejected(f"{field}: not an address: {e}") from e
    if found is None or not ADDRESS.fullmatch(found):
        raise Rejected(f"{field}: not an address")
    return found
