"""What must hold after every schedule, and at every write on the way, each under its own name.

`Watch` looks on while a run goes; `check` looks at what is left when all is quiet. What a run without faults left
behind (`Outcome`) is the measure for every other run of the scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shared import codec
from shared.applications.change import as_matched, interviews
from shared.ledger import fold
from shared.model import (
    Application,
    Delivery,
    Dispatch,
    Event,
    EventKind,
    Mailbox,
    MailRecord,
    MailStatus,
    Monitoring,
    Notification,
    Posting,
    Projection,
    Send,
    Thread,
    User,
)
from shared.schema import (
    APPLICATIONS,
    COLLECTIONS,
    DEAD_LETTERS,
    DISPATCHES,
    INTERVIEWS,
    MAILBOXES,
    MAILS,
    NOTIFICATIONS,
    POSTINGS,
    SENDS,
    SUGGESTIONS,
    THREADS,
    USERS,
    Collection,
    Key,
)
from tests.simulation import invariants_clock
from tests.simulation.world import ADDRESSES, EVE, NEIGHBOURS, World

Row = tuple[str, str, bytes]
"""Parent, id, body."""

SENT = MailStatus.SENT
"""Mails that left through us: Gmail names them when they leave, so their ids depend on when that was."""

TABS = frozenset({"CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL", "CATEGORY_FORUMS"})
"""Of mail that is opened only when a search takes it for hiring mail."""

TOKENS = (b"ya29.", b"1//0")
"""How Google's access and refresh tokens begin, those of the model too."""


@dataclass(frozen=True)
class Outcome:
    """What a run has left behind, as far as it does not depend on when we learnt of it."""

    mails: dict[str, tuple[MailStatus, str]]
    """Decision and application by mail."""
    applications: dict[str, dict[str, object]]
    """Projections by application."""
    ledgers: dict[str, dict[str, tuple[object, ...]]]
    """What each event says, by application and key."""
    notifications: dict[str, str]
    """Kinds by key."""
    suggestions: dict[str, bool]
    """Whether each is open, by mail."""
    threads: dict[str, tuple[str, ...]]
    dead_letters: dict[str, str]
    """Reasons by id."""
    sends: dict[str, Send]
    postings: dict[str, tuple[object, ...]]
    """Title, whether it is open, and why not, by posting."""
    dispatches: set[str]
    """Whose notification on which channel."""
    withdrawn: set[str]
    """Notifications that were taken back."""
    refused: int = field(compare=False)
    """How often Google has refused a dead grant."""


@dataclass
class Left:
    """Everything that is stored when all is quiet."""

    world: World
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        connection = self.world.outside.sqlite._connection
        written = self.world.outside.sqlite.written
        for collection in COLLECTIONS:
            name = collection.name
            query = f'SELECT parent, id, body FROM "{name}" ORDER BY parent, id'  # noqa: S608 - our own names
            self.rows[name] = connection.execute(query).fetchall() if name in written else []
        self.applications: list[Application] = self._all(APPLICATIONS)
        self.mails: list[MailRecord] = self._all(MAILS)
        self.notifications: list[Notification] = self._all(NOTIFICATIONS)
        self.mailboxes: list[Mailbox] = self._all(MAILBOXES)
        self.threads: list[Thread] = self._all(THREADS)
        self.sends: list[Send] = self._all(SENDS)
        self.users: list[User] = self._all(USERS)

    def _all(self, collection: Collection[Any]) -> list[Any]:
        """All documents of a collection but EVE's."""
        found = [
            codec.from_bytes(collection.record, body) for parent, _, body in self.rows[collection.name] if parent != EVE
        ]
        return [each for each in found if getattr(each, "uid", "") != EVE]

    def told(self) -> dict[str, str]:
        """Kinds of the notifications by key, which says of a dead grant also how many runs there were before."""
        found = {
            f"{each.uid} {each.key.rpartition(':')[0] if each.kind == 'needs_reauth' else each.key}": each.kind
            for each in self.notifications
        }
        return dict.fromkeys(found, "") if self.world.racing == "told" else found

    def postings(self) -> dict[str, tuple[object, ...]]:
        """See Outcome."""
        found: list[Posting] = self._all(POSTINGS)
        return {each.id: (each.title, each.open, each.closed_because) for each in found}

    def dispatches(self) -> set[str]:
        """See Outcome."""
        found: list[Dispatch] = self._all(DISPATCHES)
        return {f"{each.uid} {each.id}" for each in found}

    def withdrawn(self) -> set[str]:
        """See Outcome."""
        return {f"{each.uid} {each.key}" for each in self.notifications if each.withdrawn_at is not None}

    def outcome(self) -> Outcome:
        """See there."""
        return Outcome(
            mails={mail.id: (mail.status, mail.application_id) for mail in self.mails if mail.status is not SENT},
            applications={each.id: _projection(each) for each in self.applications},
            ledgers={each.id: {key: _said(event) for key, event in each.events.items()} for each in self.applications},
            notifications=self.told(),
            suggestions={each.id: each.open for each in self._all(SUGGESTIONS)},
            threads={each.id: tuple(sorted(each.application_ids)) for each in self.threads},
            dead_letters={each.id: each.reason for each in self._all(DEAD_LETTERS)},
            sends={each.id: each for each in self.sends},
            postings=self.postings(),
            dispatches=self.dispatches(),
            withdrawn=self.withdrawn(),
            refused=self.world.google.refused,
        )


_MOMENTS = {"stage_at", "applied_at", "replied_at"}
"""Of a projection: moments that may come from a person's act, which happens when they get through to us."""

_PROJECTED = [name for name in Projection.__dataclass_fields__ if name not in _MOMENTS]


def _projection(application: Application) -> dict[str, object]:
    return {name: getattr(application, name) for name in _PROJECTED}


def _said(event: Event) -> tuple[object, ...]:
    occurred = event.occurred_at if event.kind in (EventKind.MAIL, EventKind.REPLIED) else None
    link = (event.link.application_id, event.link.rule) if event.link else None
    return (
        event.kind,
        occurred,
        event.by,
        event.signal,
        event.automatic,
        link,
        event.stage,
        event.outcome,
        event.target,
        event.accepted,
        event.interview,
    )


# --- While a run goes -------------------------------------------------------------------------------------------------


class Watch:
    """Looks at every document that is written."""

    def __init__(self, world: World, golden: Outcome | None) -> None:
        self.world, self.golden = world, golden
        self.mailboxes: dict[str, Mailbox] = {}
        self.decided: dict[str, MailRecord] = {}
        self.applications: dict[tuple[str, str], Application] = {}
        self.told: dict[tuple[str, str], datetime] = {}

    def look(self, key: Key[Any], value: Any) -> None:
        """One document; None when it was deleted."""
        if key.ids[0] == EVE:
            self.world.violated("other_peoples_documents_are_untouched", f"{key.path} was written")
        if how := invariants_clock.unfinished(value):
            self.world.violated("nothing_unfinished_lacks_a_due_time", how)
        if value is None:
            self.mailboxes.pop(key.id, None)
        match value:
            case Mailbox():
                self._mailbox(value)
            case MailRecord():
                first = self.decided.setdefault(value.id, value)
                # A person who links or undoes changes the record, and it stays the one that was made then.
                if first.recorded_at != value.recorded_at:
                    self.world.violated("each_mail_has_one_decision", f"{value.id} was decided again")
            case Application():
                self._application(value)
            case Notification():
                # Whoever releases it writes it again; it stays the one that was made then.
                if self.told.setdefault((value.uid, value.key), value.created_at) != value.created_at:
                    self.world.violated("a_notification_exists_exactly_once", f"{value.key} was made twice")

    def _mailbox(self, mailbox: Mailbox) -> None:
        before = self.mailboxes.get(mailbox.id)
        self.mailboxes[mailbox.id] = mailbox
        found = {
            "nothing_unfinished_lacks_a_due_time": _without_due_at(mailbox),
            "a_mailbox_is_one_runs_at_a_time": _two_holders(before, mailbox, self.world),
        }
        if before is not None and mailbox.history_id < before.history_id:
            found["the_cursor_never_goes_back"] = f"{before.history_id}, then {mailbox.history_id}"
        if before is not None and (how := _begun_again(before, mailbox)):
            found["a_past_that_was_called_off_stays_so"] = how
        if self.golden is not None:
            passed = _passed(mailbox, self.decided, self.golden, self.world)
            found["the_cursor_never_passes_an_unhandled_message"] = passed
        for invariant, how in found.items():
            if how:
                self.world.violated(invariant, how)

    def _application(self, application: Application) -> None:
        key = (application.uid, application.id)
        before = self.applications.get(key)
        self.applications[key] = application
        if how := _backwards(before, application):
            self.world.violated("a_status_is_never_lost_or_regressed", how)
        if before is None and (how := _twin(application, self.applications.values())):
            self.world.violated("a_mail_makes_no_twin_of_an_application", how)


def _without_due_at(mailbox: Mailbox) -> str:
    if mailbox.health == "needs_reauth" or mailbox.due_at is not None:
        if mailbox.lease_until is not None and mailbox.due_at is not None and mailbox.due_at > mailbox.lease_until:
            return "a held lease is due later than at its end"
        return ""
    off = mailbox.monitoring is Monitoring.OFF
    # Off, it keeps what was put off until the person switches it on, and is due again with that.
    for what in ("lease_until", "tries", "failures", *(() if off else ("resume", "rescan", "asks"))):
        if getattr(mailbox, what):
            return f"no due_at, but {what}"
    return "no due_at, but dirty" if mailbox.dirty > mailbox.history_id else ""


def _passed(mailbox: Mailbox, decided: dict[str, MailRecord], golden: Outcome, world: World) -> str:
    """The mail that the cursor stands behind, though nobody has decided it and nobody will ask for it."""
    cursor = int(mailbox.history_id)
    asked = {id_ for ask in mailbox.asks for id_ in ask.ids}
    if any(not ask.ids for ask in mailbox.asks):
        return ""
    for id_, (uid, history_id) in world.arrived.items():
        status, _ = golden.mails.get(id_, (MailStatus.REPLY, ""))
        if uid != mailbox.uid or id_ in decided or id_ in asked or history_id > cursor or status is MailStatus.REPLY:
            continue
        stored = world.google.mailbox(ADDRESSES[uid]).messages.get(id_)
        if stored is None:
            continue
        if any(stored.internal_ms / 1000 >= since.timestamp() for since in _looked_through(mailbox)):
            continue
        if mailbox.receipt_due_at is not None and not TABS.isdisjoint(stored.labels):
            # The index has hidden it for a day; the receipt finds it.
            continue
        return f"cursor {cursor} is behind {id_} ({history_id}), which has no decision"
    return ""


def _looked_through(mailbox: Mailbox) -> Iterator[datetime]:
    """From when on the mailbox is still to be looked through."""
    for span in (mailbox.rescan, mailbox.backfill.span if mailbox.backfill is not None else None):
        if span is not None:
            yield span.after


def _two_holders(before: Mailbox | None, after: Mailbox, world: World) -> str:
    """Who has taken a mailbox from a holder whose time was not over, or has written after their own was taken."""
    if before is None or "jumps" in world.chaos:
        return ""
    if after.generation < before.generation:
        return f"a write of generation {after.generation} under {before.generation}"
    held = before.lease_until is not None and world.clock.now() < before.lease_until
    if held and after.generation != before.generation:
        return f"generation {after.generation} began before {before.generation} ended"
    return ""


def _begun_again(before: Mailbox, after: Mailbox) -> str:
    """How a backfill goes on that the person had called off."""
    was, present = before.backfill, after.backfill
    if was is None or present is None or was.begun_at != present.begun_at:
        return ""
    return f"it was called off at {was.ended_at}" if was.cancelled and not present.cancelled else ""


def _twin(born: Application, known: Iterable[Application]) -> str:
    """The application that a mail has made though the person had recorded it."""
    if born.events["created"].by != "mail":
        return ""
    for other in known:
        if other.uid == born.uid and other.id != born.id and other.company == born.company and other.role == born.role:
            return f"{born.id} is {other.id} again"
    return ""


def _backwards(before: Application | None, after: Application) -> str:
    """How an automatic change took the stage back or opened what was closed."""
    if before is None:
        return ""
    if lost := before.events.keys() - after.events.keys():
        return f"events were lost: {sorted(lost)}"
    new = [event for key, event in after.events.items() if key not in before.events]
    if any(event.by == "person" for event in new):
        return ""
    if after.stage.rank < before.stage.rank:
        return f"{before.stage} became {after.stage} by {[event.key for event in new]}"
    return ""


# --- When all is quiet ------------------------------------------------------------------------------------------------

Check = Callable[[Left, Outcome], Iterator[str]]


def each_mail_has_one_decision(left: Left, golden: Outcome) -> Iterator[str]:
    """Every mail that a run without faults decides has its one decision, or is parked with a reason."""
    found = {mail.id: mail for mail in left.mails if mail.status is not SENT}
    parked = any(mail.status is MailStatus.PARKED for mail in left.mails)
    for id_, (status, _) in golden.mails.items():
        mail = found.get(id_)
        # While an application is unknown because its receipt is parked, what the person writes there is private.
        if mail is None and not (parked and status is MailStatus.REPLY):
            yield f"{id_} has none; without faults: {status}"
        elif mail is not None and mail.status is MailStatus.PARKED and not mail.reason:
            yield f"{id_} is parked without a reason"
    for id_ in found.keys() - golden.mails.keys():
        if found[id_].status is not MailStatus.PARKED:
            yield f"{id_} has one, without faults none"


def what_a_person_may_do_is_done(left: Left, golden: Outcome) -> Iterator[str]:
    """Nobody is refused what they are not refused without faults."""
    if left.world.refused:
        yield left.world.refused


def each_decision_is_the_right_one(left: Left, golden: Outcome) -> Iterator[str]:
    """And it is the one of a run without faults."""
    for mail in left.mails:
        wanted = golden.mails.get(mail.id)
        if wanted is not None and wanted != (mail.status, mail.application_id):
            yield f"{mail.id} is {mail.status}, without faults {wanted[0]}"


def a_status_is_never_lost_or_regressed(left: Left, golden: Outcome) -> Iterator[str]:
    """Every application stands where it stands without faults, and so do the threads that lead to it."""
    found = left.outcome()
    for id_ in golden.applications.keys() | found.applications.keys():
        wanted, got = golden.applications.get(id_), found.applications.get(id_)
        if wanted is None or got is None:
            yield f"application {id_} is {'missing' if got is None else 'one too many'}"
        elif wanted != got:
            yield f"application {id_}: {[f'{n}: {got[n]}, not {v}' for n, v in wanted.items() if got[n] != v]}"
    if found.threads != golden.threads:
        yield f"threads {found.threads}, not {golden.threads}"
    if found.suggestions != golden.suggestions:
        yield f"suggestions {found.suggestions}, not {golden.suggestions}"


def a_timeline_entry_exists_once(left: Left, golden: Outcome) -> Iterator[str]:
    """Every ledger has the events that it has without faults, and no mail is in two of them."""
    found = left.outcome().ledgers
    if found != golden.ledgers:
        for id_ in golden.ledgers.keys() & found.keys():
            if found[id_] != golden.ledgers[id_]:
                yield f"ledger of {id_}: {_difference(found[id_], golden.ledgers[id_])}"


def _difference(got: dict[str, Any], wanted: dict[str, Any]) -> str:
    return ", ".join(
        f"{key}: {got.get(key)}, not {wanted.get(key)}"
        for key in got.keys() | wanted.keys()
        if got.get(key) != wanted.get(key)
    )


def a_mail_counts_in_one_application(left: Left, golden: Outcome) -> Iterator[str]:
    """A linked mail is one counted event of the application that its record names, and of no other."""
    counted: dict[tuple[str, str], list[str]] = {}
    for application in left.applications:
        undone = {event.target for event in application.events.values() if event.kind is EventKind.RETRACTED}
        for event in application.events.values():
            if event.mail_id and event.key not in undone:
                counted.setdefault((application.uid, event.mail_id), []).append(application.id)
    for mail in left.mails:
        named = [mail.application_id] if mail.application_id else []
        if counted.pop((mail.uid, mail.id), []) != named:
            yield f"{mail.id} names {named}, but it counts elsewhere"
    for (_, id_), applications in counted.items():
        yield f"{id_} counts in {applications} and has no record"


def a_notification_exists_exactly_once(left: Left, golden: Outcome) -> Iterator[str]:
    """People are told what they are told without faults, each thing once."""
    found = left.told()
    if len(found) != len(left.notifications):
        yield "one thing twice"
    if found != golden.notifications:
        yield _difference(found, golden.notifications)


def a_dead_letter_is_recorded_once(left: Left, golden: Outcome) -> Iterator[str]:
    """What nobody could handle is on record, once, with its reason."""
    found = left.outcome().dead_letters
    for id_ in golden.dead_letters.keys() - found.keys():
        yield f"missing: {golden.dead_letters[id_]}"
    for id_ in found.keys() - golden.dead_letters.keys():
        yield f"one too many: {found[id_]}"


def nothing_unfinished_lacks_a_due_time(left: Left, golden: Outcome) -> Iterator[str]:
    """No mailbox has anything left to do without a time at which somebody looks at it."""
    for mailbox in left.mailboxes:
        if found := _without_due_at(mailbox):
            yield found


def it_becomes_quiet(left: Left, golden: Outcome) -> Iterator[str]:
    """In the end nobody holds a lease, nothing is due, and the cursor is where Gmail's history ends."""
    for mailbox in left.mailboxes:
        box = left.world.google.mailbox(ADDRESSES[mailbox.uid])
        if mailbox.lease_until is not None or mailbox.due_at is not None:
            yield f"a lease until {mailbox.lease_until}, due at {mailbox.due_at}"
        if mailbox.health != "ok":
            yield f"health is {mailbox.health}"
        if mailbox.trouble or mailbox.failures or mailbox.tries:
            yield f"trouble is left: {mailbox.trouble} {mailbox.failures} {mailbox.tries}"
        if int(mailbox.history_id) < min(int(mailbox.dirty), box.history_id):
            yield f"the cursor {mailbox.history_id} is behind {mailbox.dirty}"
    if any(left.world.broker.queue.depth().values()):
        yield "messages are left in the queue"


def no_token_is_stored_in_plain_text(left: Left, golden: Outcome) -> Iterator[str]:
    """Neither in any document nor in any message."""
    bodies = [(name, body) for name, rows in left.rows.items() for _, _, body in rows]
    bodies += [(topic, data) for topic, data, _ in left.world.broker.delivered]
    for name, body in bodies:
        if any(token in body for token in TOKENS):
            yield f"in {name}"


def other_peoples_documents_are_untouched(left: Left, golden: Outcome) -> Iterator[str]:
    """EVE's documents are as they were, and everybody's are about their own mail."""
    for key, value in NEIGHBOURS.items():
        parent = key.ids[0] if key.collection.parent else ""
        body = codec.to_bytes(codec.to_plain(value))
        if (parent, key.id, body) not in left.rows[key.collection.name]:
            yield f"{key.path} has changed"
    for collection in (APPLICATIONS, MAILS, THREADS, NOTIFICATIONS, SUGGESTIONS, INTERVIEWS):
        for parent, id_, body in left.rows[collection.name]:
            if codec.from_bytes(dict[str, Any], body)["uid"] != parent:
                yield f"{collection.name}/{id_} is below {parent}"
    for mail in left.mails:
        if left.world.arrived.get(mail.id, (mail.uid,))[0] != mail.uid:
            yield f"{mail.id} is somebody else's"
    if len(left.rows[USERS.name]) != 1 + len(set(left.world.people) - left.world.gone):
        yield "there are more people than before"


def fold_of_the_ledger_equals_the_projection(left: Left, golden: Outcome) -> Iterator[str]:
    """Whatever is stored of an application is what its ledger folds to, its interviews too."""
    wanted: dict[tuple[str, str], object] = {}
    for application in left.applications:
        projection = fold(application.events.values())
        for name in Projection.__dataclass_fields__:
            if getattr(application, name) != getattr(projection, name):
                yield f"{application.id}: {name}"
        wanted |= {(application.uid, id_): each for id_, each in interviews(application).items()}
    if wanted != {
        # What of it is due is the reminders' own, and no part of the fold.
        (parent, id_): replace(codec.from_bytes(INTERVIEWS.record, body), due_at=None, reminded_until=None)
        for parent, id_, body in left.rows[INTERVIEWS.name]
        if parent != EVE
    }:
        yield "interviews are not those of the applications"


TERMINAL = frozenset({Delivery.SENT, Delivery.FAILED, Delivery.BOUNCED, Delivery.CANCELLED})


def at_most_one_mail_leaves_for_each_request(left: Left, golden: Outcome) -> Iterator[str]:
    """Whatever has left bears the id of a request, and no two mails the same one."""
    seen: set[str] = set()
    for send_id in left.world.mails_that_left():
        if send_id in seen:
            yield f"{send_id} has left twice"
        seen.add(send_id)
    for send in left.sends:
        if (send.delivery is Delivery.SENT and not send.answered) != (send.id in seen) and not send.answered:
            yield f"{send.id} is {send.delivery}, and {'one mail' if send.id in seen else 'no mail'} of it has left"


def each_request_ends_terminal(left: Left, golden: Outcome) -> Iterator[str]:
    """Every mail that somebody asked for has left, has ended with a reason, or is a question to them."""
    applications = {(each.uid, each.id): each for each in left.applications}
    for send in left.sends:
        ends = send.delivery in TERMINAL or bool(send.question)
        if not ends or send.due_at is not None or send.lease_until is not None:
            yield f"{send.id} is {send.delivery}, due at {send.due_at}"
        if not send.reason and send.delivery not in (Delivery.SENT, Delivery.CANCELLED):
            yield f"{send.id} is {send.delivery} without a reason"
        if (send.letter is None) != (send.delivery in (Delivery.SENT, Delivery.CANCELLED)):
            yield f"{send.id} is {send.delivery}, and its letter is {'gone' if send.letter is None else 'kept'}"
        application = applications.get((send.uid, send.application_id))
        if application is None or application.delivery is not send.delivery:
            yield f"{send.id} is {send.delivery}, its application says {application and application.delivery}"


def a_person_bears_their_applications(left: Left, golden: Outcome) -> Iterator[str]:
    """The roster on a person's document has what matching reads of each of their applications, and of no other."""
    for user in left.users:
        wanted = {
            each.id: as_matched(each)
            for each in left.applications
            if each.uid == user.uid and not each.merged_into and not each.dismissed
        }
        if user.roster is not None and {each.id: each for each in user.roster.applications} != wanted:
            yield f"{user.uid} has another roster than applications"


ALWAYS: dict[str, Check] = {
    check.__name__: check
    for check in (
        each_mail_has_one_decision,
        a_mail_counts_in_one_application,
        a_dead_letter_is_recorded_once,
        nothing_unfinished_lacks_a_due_time,
        it_becomes_quiet,
        no_token_is_stored_in_plain_text,
        other_peoples_documents_are_untouched,
        fold_of_the_ledger_equals_the_projection,
        at_most_one_mail_leaves_for_each_request,
        each_request_ends_terminal,
        a_person_bears_their_applications,
        *invariants_clock.ALWAYS,
    )
}
"""What holds whatever was read and in whatever order."""

INVARIANTS: dict[str, Check] = ALWAYS | {
    check.__name__: check
    for check in (
        each_decision_is_the_right_one,
        what_a_person_may_do_is_done,
        a_status_is_never_lost_or_regressed,
        a_timeline_entry_exists_once,
        a_notification_exists_exactly_once,
        *invariants_clock.WITHOUT_CHANCE,
    )
}
"""And that the end is the same as without faults."""
