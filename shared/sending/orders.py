"""What a person may ask to be sent, and what they are answered."""

from __future__ import annotations

from dataclasses import dataclass

from shared.model import Application, Send
from shared.sending.last_look import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickApplication:
    """What the person wants to send. A posting fills what is left out."""

    posting: str = ""
    """Id of a posting."""
    company: str = ""
    role: str = ""
    requisition: str = ""
    job_url: str = ""
    recipient: str = ""
    """An address."""
    recipient_name: str = ""
    subject: str = ""
    """Empty: what the person's template says."""
    letter: str
    attachments: tuple[str, ...] = ()
    """Ids of documents."""
    confirm: tuple[str, ...] = ()
    """Names of checks whose findings the person has seen and accepts."""
    send_after: int | None = None
    """Seconds in which it may be called back; None: the person's preference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """Another mail in the thread of an application that has left."""

    letter: str
    recipient: str = ""
    """Empty: whoever got the application."""
    attachments: tuple[str, ...] = ()
    send_after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """Application and send are on record."""

    application: Application
    send: Send


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Nothing was written: the person should see this first, and may confirm it."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Nothing was written: an application of a bulk request can't be sent like that."""

    reason: str
