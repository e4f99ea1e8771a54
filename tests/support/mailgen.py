"""Labelled mail made from the templates under tests/data/templates: the project's own training and held-aside corpus.

A template file is text. A line that starts with "[signal]" or "[signal language]" opens a section; in it

    S  a subject        O  an opening      C  the sentence that says it      T  a further sentence
    P  subject :: whole mail, with " / " between paragraphs

`{a|b|}` is a choice (choices may be nested), `<slot>` a blank that is filled from `SLOTS`. Sections [greeting],
[signature] and [footer] frame the mail. Everything comes from the `random.Random` that is passed in: the same seed
gives the same corpus.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path

from shared.model import Mail, Signal

TEMPLATES = Path(__file__).parents[1] / "data" / "templates"

LICENSED = Path(__file__).parents[1] / "data" / "licensed_mail.jsonl"
"""Mail that others wrote as test cases and published under the MIT licence; each line names its repository."""

NOW = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)

SLOTS: dict[str, tuple[str, ...]] = {
    "company": (
        "Northwind Health", "Acme", "Brightpath", "Quanta Labs", "Harbor & Finch", "Delta Systems", "Lumen Robotics",
        "Kestrel Bank", "Orchid", "Pinecone Foods", "Vantage AI", "Sable Games", "Meridian Group", "Blue Heron Media",
        "Tessera", "Fjord Energy", "Rook Security", "Opal Insurance", "Juniper Retail", "Granite Works", "Nimbus",
        "Cedar University", "Stadtwerke Auberg", "Ateliers Duval", "Grupo Olmo", "Banca Serena", "Van Dorp", "Hallo",
    ),
    "company2": ("Globex", "Initech", "Umbra", "Soylent Foods", "Wayfarer", "Hooli", "Stark Tools", "Cobalt", "Zephyr"),
    "role": (
        "Software Engineer", "Senior Backend Engineer", "Data Analyst", "Product Manager", "UX Designer", "Nurse",
        "Marketing Manager", "Machine Learning Engineer", "Accountant", "Sales Development Representative",
        "DevOps Engineer", "Financial Analyst Intern", "Customer Success Manager", "Research Assistant", "Data Scientist",
        "Office Administrator", "Mechanical Engineer", "QA Tester", "Frontend Developer", "Teacher", "Project Manager",
        "Business Analyst", "IT Support Specialist", "Summer Intern", "Working Student", "HR Generalist", "Lab Technician",
    ),
    "name": ("Alex", "Priya", "Jonas", "Maria", "Chen", "Fatima", "Sam", "Olga", "Diego", "[NAME]", "Candidate", "Ms. Ito"),
    "person": ("Sarah Chen", "Tom Becker", "Nadia Rahman", "Luca Ferri", "Emily", "J. Okafor", "Anne Dubois", "[NAME]"),
    "title": ("Engineering Manager", "Head of Product", "CTO", "Talent Partner", "VP Sales", "Team Lead", "Director"),
    "city": ("Berlin", "London", "New York", "Austin", "Lyon", "Madrid", "Toronto", "Singapore", "Remote", "Milan"),
    "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
    "date": ("March 4", "12 May 2026", "2026-08-01", "Friday, June 5th", "01/09/2026", "the 14th", "[DATE]", "Oct 3, 2026"),
    "month": ("January", "March", "May", "September", "November"),
    "time": ("10:00 AM", "14:30", "3pm", "9 am", "11:15", "4:00 PM", "[TIME]"),
    "time2": ("8:00 AM", "16:30", "5pm"),
    "zone": ("EST", "CET", "PT", "GMT", "IST", "UTC+1"),
    "link": ("https://example.com/a/8f3k", "https://jobs.example.com/c?id=77", "[LINK]", "http://example.org/x", "here"),
    "email": ("jobs@example.com", "hr@example.org", "someone@example.net"),
    "domain": ("mx.example.com", "mail.example.net"),
    "req": ("R260013984", "JR12352", "Job ID: 43683", "REQ-2214", "#10482", "2026-117", "[CODE]"),
    "code": ("482913", "77GQ2", "A-10493", "90211", "[CODE]"),
    "number": ("3", "10", "25", "40", "7", "12", "500"),
    "price": ("$29.99", "€120,50", "£1,450", "$750,000", "USD 12.00", "15.000 €"),
    "salary": ("$120,000", "€65,000", "£48,000", "$185K", "CHF 110'000", "$45 per hour", "[AMOUNT]"),
    "bonus": ("$10,000", "€3,000", "15%", "$500"),
    "skill": ("Kubernetes", "Python", "B2B sales", "SQL", "public speaking", "React", "embedded systems", "patient care"),
    "pet": ("Max", "Luna", "Bella"),
    "unit": ("4B", "12"),
    "address": ("123 Main St", "8 Rue Verte", "Oak Street 5"),
}  # fmt: skip

SENDERS: dict[str, tuple[str, ...]] = {
    "hiring": (
        "no-reply@us.greenhouse-mail.io", "no-reply@hire.lever.co", "no-reply@ashbyhq.com", "<word>@myworkday.com",
        "notification@smartrecruiters.com", "noreply@candidates.workablemail.com", "donotreply@icims.com",
        "careers@<word>.example", "recruiting@<word>.example", "talent@<word>.example", "hr@<word>.example",
        "jobs@<word>.example", "sarah.chen@<word>.example", "people@<word>.example", "noreply@<word>.example",
        "hiring@<word>.example", "personal@<word>.example", "no-reply@<word>.teamtailor-mail.com",
        "rrhh@<word>.example", "recrutement@<word>.example", "bewerbung@<word>.example", "team@<word>.example",
        "tom@<word>.example", "no-reply@careers.<word>.example", "info@<word>.example", "<word>@<word>.example",
    ),
    "alert": (
        "jobalerts-noreply@linkedin.com", "alert@indeed.com", "newsletter@<word>.example", "deals@<word>.example",
        "news@mail.<word>.example", "marketing@<word>.example", "events@<word>.example", "noreply@glassdoor.com",
        "updates@<word>.example", "hello@<word>.example", "noreply@<word>.example", "info@<word>.example",
        "no-reply@ziprecruiter.com", "invitations@linkedin.com", "team@<word>.example", "<word>@<word>.example",
    ),
    "outreach": (
        "inmail-hit-reply@linkedin.com", "recruiter@<word>.example", "sarah.chen@<word>.example",
        "tom@staffing.<word>.example", "talent@<word>.example", "messages-noreply@linkedin.com", "jen@<word>.example",
        "sourcing@<word>.example", "cto@<word>.example", "<word>@gmail.com",
    ),
    "code": ("no-reply@<word>.example", "verify@<word>.example", "noreply@otp.workday.com", "security@<word>.example"),
    "bounce": ("mailer-daemon@googlemail.com", "postmaster@<word>.example", "mailer-daemon@<word>.example"),
    "other": (
        "<word>@gmail.com", "mom@yahoo.com", "billing@<word>.example", "orders@<word>.example", "noreply@<word>.example",
        "info@<word>.example", "support@<word>.example", "admissions@<word>.edu", "leasing@<word>.example",
        "tom@<word>.example", "notifications@github.com", "statements@bank.<word>.example", "team@<word>.example",
        "anna.k@<word>.example", "hr@<word>.example", "calendar@<word>.example", "sales@<word>.example",
        "<word>@<word>.example", "office@<word>.example", "sarah.chen@<word>.example", "<word>@outlook.com",
    ),
}  # fmt: skip
"""Who writes what. `<word>` stands for any name; RFC 2606 keeps `.example` free."""

SENDER_OF = {
    Signal.JOB_ALERT: "alert",
    Signal.RECRUITER_OUTREACH: "outreach",
    Signal.VERIFICATION_CODE: "code",
    Signal.DELIVERY_FAILURE: "bounce",
    Signal.OTHER: "other",
}

_OF_HIRING = re.compile(
    r"interview|applic|apply|applied|position|role|candida|hiring|hire|recruit|job|vacanc|offer|assess|resume|\bcv\b"
    r"|test|challenge|code|account|undeliver|deliver|opportunit|profile|career|employ|contract|task|exercise|case|post\b",
    re.IGNORECASE,
)
"""A mail that names none of these could be about anything: it teaches nothing, not even in an employer's words."""

_OF_EMPLOYERS = re.compile(
    r"<company>|<title>|candidat|applicant|equal opportunit|recruit|talent|hiring|human|\bHR\b|\bRH\b|personal|personeel"
    r"|ressources|recursos|risorse|selec|selez|人|採用|招聘|应聘|Greenhouse|diversity",
    re.IGNORECASE,
)

_ANYTHING = frozenset({Signal.OTHER, Signal.JOB_ALERT})

_SECTION = re.compile(r"\[([a-z_]+)\]")
_CHOICE = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"<([a-z0-9]+)>")


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled mail: `source` says where its wording comes from, so that whole sources can be held aside."""

    mail: Mail
    signal: Signal
    language: str
    source: str
    weight: float = 1.0


@dataclass(slots=True)
class Section:
    """The lines of one section, by their letter."""

    lines: dict[str, list[str]] = field(default_factory=dict)

    def of(self, kind: str) -> list[str]:
        return self.lines.get(kind, [])


def read_templates(path: Path) -> dict[str, Section]:
    """A template file by section. Raises ValueError naming the line that fits no rule."""
    sections: dict[str, Section] = {}
    current: Section | None = None
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        head = _SECTION.fullmatch(line)
        if head:
            current = sections.setdefault(head.group(1), Section())
        elif current is not None and len(line) > 2 and line[0] in "SOCTPGFN" and line[1] == " ":
            current.lines.setdefault(line[0], []).append(line[2:].strip())
        else:
            raise ValueError(f"{path.name}:{number}: {line[:40]!r} is no template line")
    return sections


def spell_out(template: str, rng: random.Random) -> str:
    """One reading of a template: choices made, slots filled; a slot has the same filling throughout."""
    while True:
        text = _CHOICE.sub(lambda m: rng.choice(m.group(1).split("|")), template)
        if text == template:
            break
        template = text
    filled: dict[str, str] = {}

    def fill(match: re.Match[str]) -> str:
        slot = match.group(1)
        if slot not in SLOTS:
            raise ValueError(f"no slot <{slot}>")
        if slot not in filled or slot in {"day", "time", "date", "role", "person", "skill"}:
            filled[slot] = rng.choice(SLOTS[slot])
        return filled[slot]

    return re.sub(r" +([.,!?])", r"\1", re.sub(r"[ \t]{2,}", " ", _SLOT.sub(fill, template))).strip()


def compose(section: Section, frame: Section, rng: random.Random) -> tuple[str, str, str]:
    """Subject, body and the name of the line that says it."""
    pairs, cores = section.of("P"), section.of("C")
    if pairs and (not cores or rng.random() < len(pairs) / (len(pairs) + len(cores))):
        which = rng.randrange(len(pairs))
        subject, _, body = spell_out(pairs[which], rng).partition(" :: ")
        paragraphs = body.split(" / ")
        name = f"P{which}"
        if rng.random() < 0.4:
            paragraphs = _framed(paragraphs, frame, rng)
    else:
        which = rng.randrange(len(cores))
        name = f"C{which}"
        said = [spell_out(cores[which], rng)]
        if rng.random() < 0.25:
            said.append(spell_out(rng.choice(cores), rng))
        opening = [spell_out(rng.choice(section.of("O")), rng)] if section.of("O") and rng.random() < 0.65 else []
        further = [
            spell_out(t, rng)
            for t in rng.sample(section.of("T"), min(len(section.of("T")), rng.choice((0, 0, 1, 1, 2, 3))))
        ]
        subject = spell_out(rng.choice(section.of("S")), rng) if section.of("S") else ""
        sentences = [*opening, *said, *further]
        paragraphs = [" ".join(sentences)] if rng.random() < 0.5 else sentences
        if rng.random() < 0.75:
            paragraphs = _framed(paragraphs, frame, rng)
    return subject, "\n\n".join(paragraphs), name


def _framed(paragraphs: list[str], frame: Section, rng: random.Random) -> list[str]:
    greeting = [spell_out(rng.choice(frame.of("G")), rng)] if frame.of("G") else []
    end = [spell_out(rng.choice(frame.of("N")), rng)] if frame.of("N") and rng.random() < 0.85 else []
    footers = rng.sample(frame.of("F"), min(rng.choice((0, 0, 0, 1, 1, 2)), len(frame.of("F"))))
    return [*greeting, *paragraphs, *end, *(spell_out(footer, rng) for footer in footers)]


def _of_anybody(frame: Section) -> Section:
    """A frame without the lines that only an employer writes."""
    return Section(
        {kind: [line for line in lines if not _OF_EMPLOYERS.search(line)] for kind, lines in frame.lines.items()}
    )


def generate(
    path: Path, count: int, rng: random.Random, *, plain: bool = False, more: Mapping[Signal, int] | None = None
) -> Iterator[Example]:
    """`count` mails for each signal in a template file, `more` times as many for some.

    `plain` leaves out the damage that mail suffers on its way.
    """
    sections = read_templates(path)
    language = path.stem
    of_employers = sections.get("frame", Section())
    of_anybody = _of_anybody(of_employers)
    for heading, section in sections.items():
        if heading == "frame":
            continue
        signal = Signal(heading)
        for number in range(count * (more or {}).get(signal, 1)):
            frame = of_anybody if signal in _ANYTHING else of_employers
            subject, body, name = compose(section, frame, rng)
            if not plain:
                subject, body = _damage(subject, body, rng, headline=name.startswith("C"))
            if (
                language == "en"
                and not plain
                and signal not in _ANYTHING
                and not _OF_HIRING.search(f"{subject} {body}")
            ):
                continue
            sender = _sender(SENDER_OF.get(signal, "hiring"), rng) if plain or rng.random() < 0.7 else ""
            yield Example(
                mail=Mail(
                    id=f"{language}-{heading}-{number}",
                    thread_id="t",
                    internal_date=NOW,
                    from_address=sender,
                    subject=subject,
                    text=body,
                    snippet=" ".join(body.split())[:200],
                ),
                signal=signal,
                language=language,
                source=f"{path.parent.name}/{language}/{heading}/{name}",
            )


def _sender(kind: str, rng: random.Random) -> str:
    return rng.choice(SENDERS[kind]).replace("<word>", "some")


def _damage(subject: str, body: str, rng: random.Random, *, headline: bool) -> tuple[str, str]:
    """What mail suffers on its way: parts lost, lines run together. A `headline` says by itself what the mail says."""
    chance = rng.random()
    if chance < 0.10:
        subject = ""
    elif chance < 0.13 and subject and headline:
        body = ""
    if rng.random() < 0.4:
        body = " ".join(body.split())
    if rng.random() < 0.05:
        body = body.lower()
    if rng.random() < 0.02:
        body = body.upper()
    if rng.random() < 0.05:
        body = body[: max(80, len(body) // 2)]
    return subject, body


def licensed(weight: float) -> Iterator[Example]:
    """The licensed mail; a corpus label that several signals share is given to the signal that the words name."""
    for line in LICENSED.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield Example(
            mail=mail_of(row),
            signal=_signal_of(row),
            language=row["notes"].partition(";")[2].strip()[:2] or "en",
            source=row["source_repo"],
            weight=weight,
        )


def mail_of(row: Mapping[str, str]) -> Mail:
    """A row of the corpus format as a mail without headers."""
    name, address = parseaddr(row["from"])
    return Mail(
        id=row["id"],
        thread_id=row["id"],
        internal_date=NOW,
        from_name=name,
        from_address=address.lower(),
        subject=row["subject"],
        text=row["body"],
        snippet=" ".join(row["body"].split())[:200],
    )


_SIGNAL_OF = {
    "application_received": Signal.ACKNOWLEDGEMENT,
    "interview_invitation": Signal.INTERVIEW_INVITATION,
    "interview_change": Signal.INTERVIEW_UPDATE,
    "action_required": Signal.INCOMPLETE_APPLICATION,
    "on_hold_or_closed": Signal.POSITION_CLOSED,
    "job_alert_or_marketing": Signal.JOB_ALERT,
    "unrelated": Signal.OTHER,
}


def _signal_of(row: Mapping[str, str]) -> Signal:
    if row["label"] == "on_hold_or_closed" and "on hold" in row["body"]:
        return Signal.ON_HOLD
    return _SIGNAL_OF.get(row["label"]) or Signal(row["label"])
