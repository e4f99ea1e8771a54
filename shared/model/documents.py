"""A file of a person's: a CV, a letter, a portfolio."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What is known of a file; its bytes are the blob `{uid}/{id}`."""

    id: str
    uid: str
    name: str
    """As the person calls it, and as an employer will see it; one line, no path."""
    media_type: str
    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal digest of the bytes."""
    created_at: datetime

    @property
    def blob(self) -> str:
        """The name of its bytes."""
        return f"{self.uid}/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """How a letter is made into a mail: three Jinja2 templates that the person may edit."""

    subject: str
    text: str
    html: str
