"""What people, employers and Google do, each at its time. Every scenario ends in a state that is known beforehand.

A person acts a day after what they answer to, so that no delay of ours changes what they see; only in the scenarios
that race them against a run do they act at the same moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from typing import Any, Literal

from shared import applications
from shared.applications import Correction, NewApplication
from shared.local.clock import START
from shared.local.gmail.faults import Fault
from shared.local.mailfiles import wrap
from shared.model import Application, MailStatus, Outcome, Stage
from shared.schema import APPLICATIONS_OF_USER, MAILS
from tests.simulation.world import ADA, ADDRESSES, BOB, Act, NotYet, World

Step = tuple[timedelta, Act]

SECOND: timedelta = timedelta(seconds=1)
MINUTE: timedelta = timedelta(minutes=1)
HOUR: timedelta = timedelta(hours=1)
DAY: timedelta = timedelta(days=1)

# --- Mails ------------------------------------------------------------------------------------------------------------

FERNHILL = "Fernhill Careers <no-reply@us.greenhouse-mail.io>"
QUILLON = "Quillon Careers <no-reply@us.greenhouse-mail.io>"


@dataclass(frozen=True, slots=True)
class Text:
    """A mail: who writes, about what, what, and with which invitation."""

    sender: str
    subject: str
    body: str
    passing: bool = True
    calendar: str = ""
    """The .ics file's text."""


def receipt(role: str = "Senior Python Developer", company: str = "Fernhill", sender: str = FERNHILL) -> Text:
    return Text(
        sender,
        f"Thank you for applying to {company}",
        f"Hi Ada,\n\nThank you for applying to {company}. We have received your application for the {role}"
        f" position and will review it.\n\nThe {company} Team\n",
    )


def rejection(role: str = "Senior Python Developer", *, passing: bool = True) -> Text:
    return Text(
        FERNHILL,
        "Your application at Fernhill",
        f"Hi Ada,\n\nThank you for your interest in the {role} position at Fernhill. Unfortunately, we have"
        " decided not to move forward with your application.\n\nThe Fernhill Team\n",
        passing,
    )


def interview(*, sequence: int = 0, day: int = 8, cancelled: bool = False) -> Text:
    words = "Your interview for the Senior Python Developer role "
    words += "has been cancelled" if cancelled else "has been rescheduled" if sequence else "is confirmed"
    start = f"202601{day:02}T150000Z"
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Fernhill//EN",
        f"METHOD:{'CANCEL' if cancelled else 'REQUEST'}",
        "BEGIN:VEVENT",
        "UID:round-1@fernhill.example",
        f"SEQUENCE:{sequence}",
        "DTSTAMP:20260105T090000Z",
        f"DTSTART:{start}",
        f"DTEND:{start.replace('T15', 'T16')}",
        "SUMMARY:Interview for Senior Python Developer at Fernhill",
        *(["STATUS:CANCELLED"] if cancelled else []),
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    )
    return Text(
        FERNHILL,
        f"{'Cancelled: ' if cancelled else ''}Interview for Senior Python Developer at Fernhill",
        f"Hi Ada,\n\n{words}. The invitation is attached.\n\nThe Fernhill Team\n",
        calendar="\r\n".join(lines),
    )


PRIVATE: Text = Text(
    "Light & Power <post@power.example>", "Your bill", "Your bill for December is 43 EUR, due on the 20th.\n"
)
UNCLEAR = Text(
    FERNHILL,
    "Your application at Fernhill",
    "Hi Ada,\n\nThank you for your interest in Fernhill. Unfortunately, we have decided not to move forward with your"
    " application.\n\nThe Fernhill Team\n",
)
"""It names no role, so with two applications at Fernhill only the person knows which it means."""

EMPTY = Text("", "", "")
"""Nothing can be read of it; in a known thread it is opened all the same."""

NEWSLETTER = Text("Shoes <news@shoes.example>", "Everything must go", "Half price on all trainers until Sunday.\n")


@cache
def data(text: Text) -> bytes:
    """The mail as it reaches Gmail."""
    if text is EMPTY:
        return b"X-Nothing: here\r\n\r\n"
    if not text.calendar:
        return wrap(text.sender, text.subject, text.body, passing=text.passing)
    message = EmailMessage(policy=SMTP)
    address = text.sender.partition("<")[2].rstrip(">")
    domain = address.partition("@")[2]
    message["Authentication-Results"] = (
        f"mx.google.com; spf=pass smtp.mailfrom={address}; dmarc=pass header.from={domain}"
    )
    message["From"] = text.sender
    message["To"] = ADDRESSES[ADA]
    message["Subject"] = text.subject
    message.set_content(text.body)
    message.add_alternative(text.calendar, subtype="calendar")
    return message.as_bytes()


# --- What happens -----------------------------------------------------------------------------------------------------


def comes(
    name: str,
    text: Text,
    *,
    to: str = ADA,
    labels: tuple[str, ...] = ("INBOX",),
    thread_of: str = "",
    at: datetime | None = None,
) -> Act:
    """A mail arrives; `name` is what the scenario calls it."""

    def act(world: World) -> None:
        box = world.google.mailbox(ADDRESSES[to])
        thread_id = box.messages[world.names[thread_of]].thread_id if thread_of else None
        id_ = world.google.receive(ADDRESSES[to], data(text), labels=labels, thread_id=thread_id, at=at)
        world.names[name] = id_
        world.arrived[id_] = (to, box.history_id)

    return Act(act)


def google(change: Callable[[World], None]) -> Act:
    """Something changes at Google."""
    return Act(change)


def faults(*fault: Fault) -> Act:
    """Google begins to fail."""
    return Act(lambda world: world.google.faults.add(*fault))


def no_faults() -> Act:
    """Google works again."""
    return Act(lambda world: world.google.faults.clear())


def only(world: World, uid: str = ADA, role: str = "") -> Application:
    """The person's only application (of that role), as they see it. Raises NotYet."""
    found = [
        item.value
        for item in world.outside.sqlite.find(APPLICATIONS_OF_USER, parent=uid, limit=50).items
        if not role or item.value.role == role
    ]
    if len(found) != 1:
        raise NotYet
    return applications.get(uid, found[0].id, store=world.outside.sqlite)


def creates(role: str = "Senior Python Developer", *, request: str) -> Act:
    """The person records an application by hand."""

    def act(world: World) -> None:
        new = NewApplication(company="Fernhill", role=role)
        applications.create(ADA, new, request_id=request, **_ports(world, "store", "clock", "ids"))

    return Act(act, asks=True)


def corrects(correction: Correction, *, request: str, role: str = "") -> Act:
    """The person says what is true."""

    def act(world: World) -> None:
        application = only(world, role=role)
        applications.correct(
            ADA, application.id, correction, request_id=request, **_ports(world, "store", "clock", "ids")
        )

    return Act(act, asks=True)


def undoes(name: str) -> Act:
    """The person undoes what a mail did."""

    def act(world: World) -> None:
        application, event = _event(world, name)
        applications.undo(ADA, application.id, event, **_ports(world, "store", "clock"))

    return Act(act, asks=True)


def answers(name: str, *, accepted: bool) -> Act:
    """The person answers what a mail asks."""

    def act(world: World) -> None:
        application, event = _event(world, name)
        applications.answer(ADA, application.id, event, accepted=accepted, **_ports(world, "store", "clock"))

    return Act(act, asks=True)


def links(name: str, *, role: str) -> Act:
    """The person says which application a mail belongs to."""

    def act(world: World) -> None:
        found = world.outside.sqlite.get(MAILS.key(ADA, world.names[name]))
        if found is None:
            raise NotYet
        application = only(world, role=role)
        applications.link_suggestion(ADA, world.names[name], application.id, **_ports(world, "store", "clock"))

    return Act(act, asks=True)


def _event(world: World, name: str) -> tuple[Application, str]:
    """The application of a mail, and the mail's event there. Raises NotYet."""
    key = f"mail:{world.names[name]}:1"
    for item in world.outside.sqlite.find(APPLICATIONS_OF_USER, parent=ADA, limit=50).items:
        application = applications.get(ADA, item.value.id, store=world.outside.sqlite)
        if key in application.events:
            return application, key
    raise NotYet


def _ports(world: World, *names: str) -> dict[str, Any]:
    return {name: world.ports[name] for name in names}


def is_poison(name: str) -> Act:
    """No process of ours survives reading this mail."""
    return Act(lambda world: world.poison.add(world.names[name]))


def pushes(payload: bytes) -> Act:
    """Somebody publishes this as if they were Gmail."""
    return Act(lambda world: world.broker.send("gmail-push", payload))


def store_is_down(*, down: bool) -> Act:
    """Nothing can be read or written, or everything again."""

    def act(world: World) -> None:
        world.down = down

    return Act(act)


def no_pushes(*, dropped: bool) -> Act:
    """Gmail's notifications get lost, or come again."""

    def act(world: World) -> None:
        world.drop_pushes = dropped

    return Act(act)


def reconnects() -> Act:
    """The person consents anew, when they see that they must."""

    def act(world: World) -> None:
        if world.mailbox(ADA).health != "needs_reauth":
            if "reconnecting" in world.names:
                return  # The reply was lost, and now they see that it has worked.
            raise NotYet
        world.names["reconnecting"] = ""
        world.connect(ADA, world.google.add_person(ADDRESSES[ADA]))

    return Act(act, asks=True)


# --- Scenarios --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What happens, and what must be known in the end when nothing went wrong."""

    name: str
    steps: Sequence[Step]
    people: Sequence[str] = (ADA,)
    mails: Mapping[str, MailStatus]
    """The decision about each mail; a mail that is not named must have none."""
    applications: Sequence[tuple[str, Stage, Outcome | None]]
    """(role, stage, outcome) of each application, of all people."""
    notifications: int
    """How many things people are told."""
    dead_letters: int = 0
    racing: Literal["", "told", "all"] = ""
    """A person acts at the same moment as a run. What depends on who is first: nothing, the words in which they are
    told of a mail, or the whole end."""
    fires: Mapping[str, timedelta | None] = field(default_factory=dict)
    """What else the scheduler fires here, and until when; None: as long as it finds something."""
    without: frozenset[str] = frozenset()
    """What chance leaves out here, since it would be too much together with what the scenario does already."""


LINKED, PRIVATELY, SUGGESTED = MailStatus.LINKED, MailStatus.PRIVATE, MailStatus.SUGGESTED
ROLE = "Senior Python Developer"
OTHER_ROLE = "Data Analyst"
APPLIED = (ROLE, Stage.APPLIED, None)
REJECTED = (ROLE, Stage.CLOSED, Outcome.REJECTED)

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="birth",
            steps=[(MINUTE, comes("receipt", receipt()))],
            mails={"receipt": LINKED},
            applications=[APPLIED],
            notifications=1,
        ),
        Scenario(
            name="quick_rejection",
            steps=[(MINUTE, comes("receipt", receipt())), (MINUTE + 3 * SECOND, comes("rejection", rejection()))],
            mails={"receipt": LINKED, "rejection": LINKED},
            applications=[REJECTED],
            notifications=2,
        ),
        Scenario(
            name="private_mail",
            steps=[
                (MINUTE, comes("private", PRIVATE)),
                (MINUTE + SECOND / 2, comes("newsletter", NEWSLETTER, labels=("INBOX", "CATEGORY_PROMOTIONS"))),
                (MINUTE + 5 * SECOND, comes("receipt", receipt())),
            ],
            mails={"private": PRIVATELY, "receipt": LINKED},
            applications=[APPLIED],
            notifications=1,
        ),
        Scenario(
            name="promotion",
            # Only time tells what the search index does not show yet; a worker whose clock is days off asks too early.
            without=frozenset({"jumps"}),
            steps=[
                (MINUTE, faults(Fault(kind="search_behind", seconds=600))),
                (MINUTE, comes("receipt", receipt(), labels=("INBOX", "CATEGORY_PROMOTIONS"))),
            ],
            mails={"receipt": LINKED},
            applications=[APPLIED],
            notifications=1,
        ),
        Scenario(
            name="interview",
            steps=[
                (MINUTE, comes("receipt", receipt())),
                (DAY, comes("invitation", interview(), thread_of="receipt")),
                (2 * DAY, comes("moved", interview(sequence=1, day=9))),
                (3 * DAY, comes("cancelled", interview(sequence=2, day=9, cancelled=True))),
            ],
            mails={"receipt": LINKED, "invitation": LINKED, "moved": LINKED, "cancelled": LINKED},
            applications=[(ROLE, Stage.INTERVIEW, None)],
            notifications=4,
        ),
        Scenario(
            name="two_receipts",
            steps=[
                (MINUTE, comes("developer", receipt())),
                (MINUTE + 2 * SECOND, comes("analyst", receipt(OTHER_ROLE))),
            ],
            mails={"developer": LINKED, "analyst": LINKED},
            applications=[APPLIED, (OTHER_ROLE, Stage.APPLIED, None)],
            notifications=2,
        ),
        Scenario(
            name="forgotten_cursor",
            steps=[
                (HOUR, no_pushes(dropped=True)),
                (HOUR, comes("receipt", receipt())),
                (20 * HOUR, comes("rejection", rejection())),
                (21 * HOUR, google(lambda world: world.google.forget_history(ADDRESSES[ADA]))),
                (21 * HOUR, no_pushes(dropped=False)),
                (22 * HOUR, comes("private", PRIVATE)),
            ],
            mails={"receipt": LINKED, "rejection": LINKED, "private": PRIVATELY},
            applications=[REJECTED],
            notifications=2,
        ),
        Scenario(
            name="empty_history",
            # Only time tells an empty history from a hidden one; a worker whose clock is days off has no time.
            without=frozenset({"jumps"}),
            steps=[
                (MINUTE, faults(Fault(kind="history_empty", seconds=40))),
                (MINUTE, comes("receipt", receipt())),
                (10 * MINUTE, no_faults()),
                (HOUR, faults(Fault(kind="history_behind", seconds=40))),
                (HOUR, comes("rejection", rejection())),
            ],
            mails={"receipt": LINKED, "rejection": LINKED},
            applications=[REJECTED],
            notifications=2,
        ),
        Scenario(
            name="revoked_grant",
            steps=[
                (MINUTE, comes("receipt", receipt())),
                (DAY, google(lambda world: world.google.revoke(ADDRESSES[ADA]))),
                (DAY + MINUTE, comes("rejection", rejection())),
                (2 * DAY, reconnects()),
            ],
            mails={"receipt": LINKED, "rejection": LINKED},
            applications=[REJECTED],
            notifications=3,
        ),
        Scenario(
            name="expired_token",
            steps=[
                (2 * HOUR, comes("receipt", receipt())),
                (4 * HOUR, faults(Fault(kind="error", status=401, reason="authError", method="messages.get", times=1))),
                (4 * HOUR, comes("rejection", rejection())),
            ],
            mails={"receipt": LINKED, "rejection": LINKED},
            applications=[REJECTED],
            notifications=2,
        ),
        Scenario(
            name="out_of_order",
            steps=[
                (DAY, comes("receipt", receipt())),
                (DAY + HOUR, comes("invitation", interview())),
                (2 * DAY, comes("late receipt", receipt(), at=START + HOUR)),
                (3 * DAY, comes("rejection", rejection())),
                (4 * DAY, comes("late invitation", interview(sequence=1, day=9), at=START + DAY + 2 * HOUR)),
            ],
            mails={
                "receipt": LINKED,
                "invitation": LINKED,
                "late receipt": LINKED,
                "rejection": LINKED,
                "late invitation": LINKED,
            },
            applications=[REJECTED],
            notifications=4,
        ),
        Scenario(
            name="spoof",
            steps=[
                (MINUTE, comes("receipt", receipt())),
                (HOUR, comes("spoof", rejection(passing=False))),
                (2 * DAY, answers("spoof", accepted=True)),
                (3 * DAY, answers("spoof", accepted=False)),
            ],
            mails={"receipt": LINKED, "spoof": LINKED},
            applications=[APPLIED],
            notifications=2,
        ),
        Scenario(
            name="deleted_message",
            steps=[
                (MINUTE, comes("gone", receipt(OTHER_ROLE))),
                (MINUTE, google(lambda world: world.google.delete_message(ADDRESSES[ADA], world.names["gone"]))),
                (MINUTE + 2 * SECOND, comes("receipt", receipt())),
            ],
            mails={"receipt": LINKED},
            applications=[APPLIED],
            notifications=1,
        ),
        Scenario(
            name="by_hand",
            racing="told",
            steps=[
                (MINUTE, creates(request="r1")),
                (DAY, comes("receipt", receipt())),
                (DAY, corrects(Correction(stage=Stage.SCREENING), request="r2")),
                (2 * DAY, comes("rejection", rejection())),
                (3 * DAY, comes("private", PRIVATE)),
                (3 * DAY, answers("rejection", accepted=True)),
                (4 * DAY, comes("invitation", interview())),
                (4 * DAY, undoes("rejection")),
                (5 * DAY, corrects(Correction(stage=Stage.OFFER), request="r3")),
            ],
            mails={"receipt": LINKED, "rejection": MailStatus.NOTED, "private": PRIVATELY, "invitation": LINKED},
            applications=[(ROLE, Stage.OFFER, None)],
            notifications=2,
        ),
        Scenario(
            name="suggestion",
            steps=[
                (MINUTE, creates(request="r1")),
                (2 * MINUTE, creates(OTHER_ROLE, request="r2")),
                (DAY, comes("unclear", UNCLEAR)),
                (2 * DAY, comes("answer", rejection(), thread_of="unclear")),
                (2 * DAY, links("unclear", role=OTHER_ROLE)),
            ],
            mails={"unclear": LINKED, "answer": LINKED},
            applications=[REJECTED, (OTHER_ROLE, Stage.CLOSED, Outcome.REJECTED)],
            notifications=1,
        ),
        Scenario(
            name="replied",
            steps=[
                (MINUTE, comes("receipt", receipt())),
                (
                    DAY,
                    comes(
                        "reply",
                        Text("Ada <ada@example.com>", "Re: Fernhill", "Thank you.\n"),
                        labels=("SENT",),
                        thread_of="receipt",
                    ),
                ),
                (2 * DAY, comes("rejection", rejection(), thread_of="receipt")),
            ],
            mails={"receipt": LINKED, "reply": MailStatus.REPLY, "rejection": LINKED},
            applications=[REJECTED],
            notifications=2,
        ),
        Scenario(
            name="dead_letter",
            steps=[
                (MINUTE, pushes(b'{"emailAddress": "ada@example.com", "historyId": "soon"}')),
                (HOUR, store_is_down(down=True)),
                (HOUR, comes("receipt", receipt())),
                (5 * HOUR, store_is_down(down=False)),
                (DAY, comes("rejection", rejection())),
            ],
            mails={"receipt": LINKED, "rejection": LINKED},
            applications=[REJECTED],
            notifications=2,
            dead_letters=2,
        ),
        Scenario(
            name="sweep",
            steps=[
                (MINUTE, faults(Fault(kind="error", status=503, method="history.list"))),
                (MINUTE, comes("receipt", receipt())),
                (HOUR, no_faults()),
            ],
            mails={"receipt": LINKED},
            applications=[APPLIED],
            notifications=1,
        ),
        Scenario(
            name="unreadable",
            steps=[
                (MINUTE, comes("receipt", receipt())),
                (HOUR, comes("empty", EMPTY, thread_of="receipt")),
                (HOUR + 2 * SECOND, comes("rejection", rejection())),
            ],
            mails={"receipt": LINKED, "empty": MailStatus.PARKED, "rejection": LINKED},
            applications=[REJECTED],
            notifications=3,
        ),
        Scenario(
            name="poison",
            steps=[
                (MINUTE, comes("poison", receipt(OTHER_ROLE))),
                (MINUTE, is_poison("poison")),
                (MINUTE + 2 * SECOND, comes("receipt", receipt())),
            ],
            mails={"poison": MailStatus.PARKED, "receipt": LINKED},
            applications=[APPLIED],
            notifications=2,
        ),
        Scenario(
            name="created_meanwhile",
            steps=[
                (MINUTE, comes("receipt", receipt())),
                (2 * MINUTE, creates(request="r1")),
            ],
            mails={"receipt": LINKED},
            applications=[APPLIED, APPLIED],
            notifications=1,
            racing="all",
        ),
        Scenario(
            name="two_people",
            steps=[
                (MINUTE, comes("hers", receipt())),
                (MINUTE, comes("his", receipt(OTHER_ROLE), to=BOB)),
                (HOUR, comes("his rejection", rejection(OTHER_ROLE), to=BOB)),
            ],
            people=(ADA, BOB),
            mails={"hers": LINKED, "his": LINKED, "his rejection": LINKED},
            applications=[APPLIED, (OTHER_ROLE, Stage.CLOSED, Outcome.REJECTED)],
            notifications=3,
        ),
    )
}

from tests.simulation.clock import CLOCK_SCENARIOS  # noqa: E402 - they are made of what stands above
from tests.simulation.life import LIFE_SCENARIOS  # noqa: E402 - the same
from tests.simulation.sends import SENDS_SCENARIOS  # noqa: E402 - they are made of what stands above
from tests.simulation.understanding import UNDERSTANDING_SCENARIOS  # noqa: E402 - the same

SCENARIOS |= {
    scenario.name: scenario
    for scenario in (*LIFE_SCENARIOS, *CLOCK_SCENARIOS, *SENDS_SCENARIOS, *UNDERSTANDING_SCENARIOS)
}
