"""The people of a proof: their mailboxes and applications, the mail that they get, and what must be on record of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared import accounts, applications
from shared.applications import NewApplication
from shared.applications.change import refolded
from shared.local.samples import JOBS, MAILS, SampleMail, employers_mail
from shared.model import (
    Application,
    Mailbox,
    MailRecord,
    MailStatus,
    Notification,
    NotificationKind,
    Outcome,
    Stage,
)
from shared.schema import (
    APPLICATIONS,
    APPLICATIONS_OF_USER,
    MAILBOXES,
    MAILS_OF_USER,
    NOTIFICATIONS_OF_USER,
    SUGGESTIONS_OPEN,
)
from tests.proofs.cloud import Cloud

HANDS = 4
"""Threads that prepare people and look at what became of them."""

PAGE = 300
"""More than anybody here gets of anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of mail, and the one application whose ledger it must be in, if in any."""

    sample: SampleMail
    company: str = ""
    found: bool = False
    """The mail itself proves the application: nobody has recorded it before."""
    recorded: bool = True
    """It has a record in the end, be it that nobody has opened it."""

    @property
    def is_hiring(self) -> bool:
        return bool(self.company)


_SAMPLES = {sample.title: sample for sample in MAILS}

PROMOTIONS = ("INBOX", "CATEGORY_PROMOTIONS")

KINDS = (
    Kind(sample=_SAMPLES["receipt"], company="Northwind Robotics"),
    Kind(sample=_SAMPLES["assessment"], company="Northwind Robotics"),
    Kind(sample=_SAMPLES["interview with a calendar invitation"], company="Harbor Analytics"),
    Kind(sample=_SAMPLES["offer"], company="Harbor Analytics"),
    Kind(sample=_SAMPLES["rejection"], company="Lumen Labs"),
    Kind(sample=_SAMPLES["receipt of an application made elsewhere"], company="Fernhill Systems", found=True),
    Kind(
        sample=SampleMail(
            title="a receipt that Gmail takes for advertising",
            sender="Quillon <people@quillon.example>",
            subject="We have received your application",
            text="Hi Ada,\n\nThank you for applying for the Site Reliability Engineer position at Quillon. We have"
            " received your application and will be in touch.\n\nQuillon People Team\n",
            labels=PROMOTIONS,
        ),
        company="Quillon",
    ),
    Kind(sample=_SAMPLES["job alert"]),
    Kind(sample=_SAMPLES["a friend"]),
    Kind(
        sample=SampleMail(
            title="a newsletter",
            sender="Garden Letters <hello@garden-letters.example>",
            subject="Ten bulbs for a long spring",
            text="Tulips, crocus and alliums, half price until Sunday.\n\nUnsubscribe\n",
            labels=PROMOTIONS,
        ),
        recorded=False,
    ),
)
"""One of each in some order is a person's whole mail; in whatever order, the outcome is `STAGES`."""

STAGES: dict[str, tuple[Stage, Outcome | None]] = {
    "Northwind Robotics": (Stage.ASSESSMENT, None),
    "Harbor Analytics": (Stage.OFFER, None),
    "Lumen Labs": (Stage.CLOSED, Outcome.REJECTED),
    "Fernhill Systems": (Stage.APPLIED, None),
    "Quillon": (Stage.APPLIED, None),
}
"""Where each application stands when all of `KINDS` have come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a mailbox and an application for each of the sample jobs."""

    uid: str
    address: str
    mailbox_id: str
    grant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A mail that has come."""

    person: Person
    kind: Kind
    id: str
    at: datetime


def connect(cloud: Cloud, count: int, *, prefix: str = "person") -> list[Person]:
    """So many people connect their Gmail and record their applications."""

    def one(number: int) -> Person:
        s, uid = cloud.own, f"{prefix}-{number}"
        address = f"{uid}@example.com"
        grant = cloud.google.direct("POST", "mailboxes", f'{{"address": "{address}"}}'.encode())["refresh_token"]
        mailbox = accounts.connect(
            uid, refresh_token=grant, settings=s.settings, store=s.store, gmail=s.gmail, vault=s.vault, clock=s.clock
        )
        for job in JOBS:
            new = NewApplication(company=job.company, role=job.role)
            applications.create(uid, new, store=s.store, clock=s.clock, ids=s.ids)
        return Person(uid=uid, address=address, mailbox_id=mailbox.id, grant=grant)

    with ThreadPoolExecutor(HANDS) as hands:
        return list(hands.map(one, range(count)))


def receive(cloud: Cloud, person: Person, kind: Kind) -> Received:
    """A mail of that kind arrives."""
    at = datetime.now(UTC)
    data = employers_mail(kind.sample, now=at)
    return Received(person=person, kind=kind, id=cloud.google.receive(person.address, data, kind.sample.labels), at=at)


def mailboxes(cloud: Cloud, people: Sequence[Person]) -> list[Mailbox]:
    """Everybody's mailbox, as it is now."""
    found = []
    for start in range(0, len(people), PAGE):
        page = cloud.own.store.get_many([MAILBOXES.key(each.mailbox_id) for each in people[start : start + PAGE]])
        found += [snapshot.value for snapshot in page if snapshot is not None]
    assert len(found) == len(people)
    return found


def true_history_ids(cloud: Cloud, people: Iterable[Person]) -> dict[str, int]:
    """What Gmail says of each mailbox, by its id; no fault may be on."""

    def one(person: Person) -> tuple[str, int]:
        gmail = cloud.own.gmail
        return person.mailbox_id, gmail.mailbox(gmail.refresh(person.grant).token).profile().history_id

    with ThreadPoolExecutor(HANDS) as hands:
        return dict(hands.map(one, people))


# --- What must be on record -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """All that is on record of one person."""

    records: dict[str, MailRecord]
    applications: dict[str, Application]
    """By company."""
    notifications: list[Notification]
    doubles: list[str] = field(default_factory=list)
    """Companies with more applications than one."""
    suggestions: int = 0


def holdings(cloud: Cloud, person: Person) -> Holdings:
    """Read everything of one person."""
    store, uid = cloud.own.store, person.uid
    listed = store.find(APPLICATIONS_OF_USER, parent=uid, limit=PAGE).items
    full = [
        snapshot.value
        for snapshot in store.get_many([APPLICATIONS.key(uid, item.key.id) for item in listed])
        if snapshot
    ]
    companies = Counter(application.company for application in full)
    return Holdings(
        records={item.key.id: item.value for item in store.find(MAILS_OF_USER, parent=uid, limit=PAGE).items},
        applications={application.company: application for application in full},
        notifications=[item.value for item in store.find(NOTIFICATIONS_OF_USER, parent=uid, limit=PAGE).items],
        doubles=[company for company, count in companies.items() if count > 1],
        suggestions=len(store.find(SUGGESTIONS_OPEN, parent=uid, equal={"open": True}, limit=PAGE).items),
    )


def violations(held: Holdings, received: Sequence[Received]) -> Iterable[str]:
    """Everything that is not as it must be for one person, who has got these mails and no other."""
    for company in held.doubles:
        yield f"more than one application at {company}"
    expected = {each.id: each for each in received}
    for id_, record in held.records.items():
        if id_ not in expected:
            yield f"a record of {id_}, which never came"
        elif record.status is MailStatus.PARKED:
            yield f"{expected[id_].kind.sample.title} is parked: {record.reason}"
    for mail in received:
        yield from (f"{mail.kind.sample.title} {what}" for what in _mail_violations(held, mail))
    if held.suggestions:
        yield f"{held.suggestions} questions, where everything is clear"
    yield from _application_violations(held, received)
    yield from _notification_violations(held, received)


def _application_violations(held: Holdings, received: Sequence[Received]) -> Iterable[str]:
    if {each.kind for each in received} == set(KINDS):
        for company, where in STAGES.items():
            application = held.applications.get(company)
            stands = application and (application.stage, application.outcome)
            if stands != where:
                yield f"{company} stands at {stands}, not at {where}"
    for company, application in held.applications.items():
        if refolded(application, now=application.updated_at) != application:
            yield f"{company} is not what its ledger folds to"


def _mail_violations(held: Holdings, mail: Received) -> Iterable[str]:
    record = held.records.get(mail.id)
    events = [
        (company, event.key)
        for company, application in held.applications.items()
        for event in application.events.values()
        if event.mail_id == mail.id
    ]
    if not mail.kind.is_hiring:
        if (record is not None) is not mail.kind.recorded:
            yield "has a record" if record else "has no record"
        if events:
            yield f"is in a ledger: {events}"
        return
    if record is None:
        yield "has no record"
    elif record.status is not MailStatus.LINKED:
        yield f"is {record.status}: {record.reason}"
    if [company for company, _ in events] != [mail.kind.company]:
        yield f"is in the ledgers {events}, not once in that of {mail.kind.company}"


def _notification_violations(held: Holdings, received: Sequence[Received]) -> Iterable[str]:
    told = Counter((notice.kind, notice.application_id, notice.event) for notice in held.notifications)
    for (kind, _, event), times in told.items():
        if times > 1:
            yield f"{times} notifications say {kind} of {event}"
    for kind in ("mail_parked", "needs_reauth"):
        if number := sum(notice.kind == kind for notice in held.notifications):
            yield f"{number} notifications say {kind}"
    for mail in received:
        application = held.applications.get(mail.kind.company)
        if application is None:
            continue
        wanted = (
            NotificationKind.APPLICATION_FOUND
            if mail.kind.found
            else NotificationKind.STATUS_CHANGED
            if application.outcome is Outcome.REJECTED
            else None
        )
        times = told[str(wanted), application.id, f"mail:{mail.id}:1"]
        if wanted and times != 1:
            yield f"{times} notifications say {wanted} of {mail.kind.sample.title}"


def shuffled(rng: random.Random, count: int) -> list[Kind]:
    """So many kinds in some order, each once before any comes twice."""
    kinds: list[Kind] = []
    while len(kinds) < count:
        kinds += rng.sample(KINDS, len(KINDS))
    return kinds[:count]
