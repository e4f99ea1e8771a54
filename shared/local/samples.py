"""The demo's story: a person's applications, and what the employers write back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP

PERSON = "ada@example.com"
"""The demo's job seeker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleJob:
    """A job that the person applies to."""

    company: str
    role: str
    recipient: str

    @property
    def message_id(self) -> str:
        """The Message-ID of the mail in which the person applies."""
        return f"<application-to-{self.recipient.partition('@')[2]}@mail.gmail.com>"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleMail:
    """A mail that an employer, or somebody who plays one, sends."""

    title: str
    """What it is, for the person who watches."""
    sender: str
    subject: str
    text: str
    replies_to: str = ""
    """The company whose application mail it answers; empty when it comes unasked."""
    authenticated: bool = True
    interview_in: timedelta | None = None
    """With it the mail bears an .ics invitation that far ahead."""
    labels: tuple[str, ...] = ("INBOX",)


JOBS = (
    SampleJob(company="Northwind Robotics", role="Backend Engineer", recipient="jobs@northwind-robotics.example"),
    SampleJob(company="Lumen Labs", role="Platform Engineer", recipient="careers@lumenlabs.example"),
    SampleJob(company="Harbor Analytics", role="Data Engineer", recipient="talent@harbor-analytics.example"),
    SampleJob(company="Quillon", role="Site Reliability Engineer", recipient="people@quillon.example"),
)

CLICKED = SampleJob(company="Saltmarsh Mapping", role="Web Engineer", recipient="jobs@saltmarsh-mapping.example")
"""The job that the person applies to by Quick Apply."""

CV = b"%PDF-1.4\n% A CV as far as this story needs one.\n%%EOF\n"

REPLY = SampleMail(
    title="the answer to the click",
    sender="Orla Byrne <orla.byrne@hiring-desk.example>",
    subject="Re: Application: Web Engineer",
    text="Hi Ada,\n\nThanks for reaching out. We would like to invite you to a phone screen next week; when would suit"
    " you?\n\nOrla\n",
    replies_to=CLICKED.company,
)
"""It names neither company nor role, and comes from another domain: only its thread tells where it belongs."""

MAILS = (
    SampleMail(
        title="receipt",
        sender="Northwind Robotics Careers <jobs@northwind-robotics.example>",
        subject="Re: Application for Backend Engineer",
        text="Hi Ada,\n\nThank you for applying for the Backend Engineer position at Northwind Robotics. We have"
        " received your application and our team will review it.\n\nBest,\nNorthwind Robotics Careers\n",
        replies_to="Northwind Robotics",
    ),
    SampleMail(
        title="receipt of an application made elsewhere",
        sender="Fernhill Systems <no-reply@us.greenhouse-mail.io>",
        subject="Thank you for applying to Fernhill Systems",
        text="Hi Ada,\n\nThanks for applying to Fernhill Systems! Your application for the Senior Python Developer role"
        " has been received. If it is a match, someone will reach out.\n\nThe Fernhill Systems Team\n",
    ),
    SampleMail(
        title="assessment",
        sender="Northwind Robotics Careers <jobs@northwind-robotics.example>",
        subject="Re: Application for Backend Engineer",
        text="Hi Ada,\n\nAs the next step we would like you to complete an online coding assessment. Please complete"
        " the assessment within 5 days; it takes about 60 minutes.\n\nNorthwind Robotics\n",
        replies_to="Northwind Robotics",
    ),
    SampleMail(
        title="interview with a calendar invitation",
        sender="Mina Okafor <talent@harbor-analytics.example>",
        subject="Invitation: interview for Data Engineer at Harbor Analytics",
        text="Hi Ada,\n\nWe would like to invite you to an interview for the Data Engineer role. The invitation is"
        " attached; please join with the link in it.\n\nMina Okafor\nHarbor Analytics\n",
        replies_to="Harbor Analytics",
        interview_in=timedelta(days=3),
    ),
    SampleMail(
        title="rejection",
        sender="Lumen Labs <careers@lumenlabs.example>",
        subject="Your application at Lumen Labs",
        text="Dear Ada,\n\nThank you for your interest in Lumen Labs and the Platform Engineer role. After careful"
        " consideration we have decided not to move forward with your application. We wish you every success in your"
        " search.\n\nLumen Labs\n",
        replies_to="Lumen Labs",
    ),
    SampleMail(
        title="job alert",
        sender="Job Alerts <jobalerts-noreply@linkedin.com>",
        subject="12 new jobs for Backend Engineer",
        text="Your job alert for Backend Engineer\n\n12 new jobs match your preferences.\n\nUnsubscribe\n",
        labels=("INBOX", "CATEGORY_UPDATES"),
    ),
    SampleMail(
        title="a spoofed rejection",
        sender="Quillon People Team <people@quillon.example>",
        subject="Your application for Site Reliability Engineer at Quillon",
        text="Dear Ada,\n\nUnfortunately, we have decided not to move forward with your application for the Site"
        " Reliability Engineer position at Quillon.\n\nQuillon\n",
        authenticated=False,
    ),
    SampleMail(
        title="offer",
        sender="Mina Okafor <talent@harbor-analytics.example>",
        subject="Re: Application for Data Engineer",
        text="Dear Ada,\n\nWe are delighted to offer you the position of Data Engineer at Harbor Analytics, with a base"
        " salary of USD 125,000 per year. Please find the offer letter attached and let us know by Friday.\n\nMina\n",
        replies_to="Harbor Analytics",
    ),
    SampleMail(
        title="a friend",
        sender="Grace <grace@example.org>",
        subject="Dinner on Saturday?",
        text="Shall we try the new place by the river? Half past seven would suit me.\n",
    ),
)


def application_mail(job: SampleJob) -> bytes:
    """The mail with which the person applied, as it stands in Sent."""
    message = EmailMessage(policy=SMTP)
    message["From"] = f"Ada Moreau <{PERSON}>"
    message["To"] = job.recipient
    message["Message-ID"] = job.message_id
    message["Subject"] = f"Application for {job.role}"
    message.set_content(f"Dear {job.company} team,\n\nI would like to apply as {job.role}.\n\nAda Moreau\n")
    return message.as_bytes()


def clicked_letter() -> str:
    """What the person writes."""
    return f"Dear {CLICKED.company} team,\n\nI would like to draw maps with you as {CLICKED.role}.\n\nAda Moreau\n"


def employers_mail(sample: SampleMail, *, sent_message_id: str = "", now: datetime) -> bytes:
    """The employer's mail as Gmail receives it; `sent_message_id` is the Message-ID of the mail that it answers."""
    address = sample.sender.partition("<")[2].rstrip(">")
    domain = address.partition("@")[2]
    verdict = "pass" if sample.authenticated else "fail"
    message = EmailMessage(policy=SMTP)
    message["Authentication-Results"] = (
        f"mx.google.com; spf={verdict} smtp.mailfrom={address}; dmarc={verdict} header.from={domain}"
    )
    message["From"] = sample.sender
    message["To"] = PERSON
    message["Subject"] = sample.subject
    serial = hashlib.sha256(f"{sample.title} {now}".encode()).hexdigest()[:20]
    message["Message-ID"] = f"<{serial}@{domain}>"
    if sent_message_id:
        message["In-Reply-To"] = sent_message_id
        message["References"] = sent_message_id
    message.set_content(sample.text)
    if sample.interview_in is not None:
        start = (now + sample.interview_in).replace(hour=15, minute=0, second=0, microsecond=0)
        invitation = _invitation(start, address, sample.subject)
        message.add_alternative(invitation, subtype="calendar", params={"method": "REQUEST"})
    return message.as_bytes()


def _invitation(start: datetime, organizer: str, summary: str) -> str:
    stamp = start.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    end = (start + timedelta(minutes=45)).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Hearback//demo//EN",
        "METHOD:REQUEST",
        "BEGIN:VEVENT",
        f"UID:demo-{stamp}@harbor-analytics.example",
        "SEQUENCE:0",
        f"DTSTAMP:{stamp}",
        f"DTSTART:{stamp}",
        f"DTEND:{end}",
        f"ORGANIZER:mailto:{organizer}",
        f"SUMMARY:{summary}",
        "LOCATION:https://meet.google.com/abc-defg-hij",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    )
    return "\r\n".join(lines)
