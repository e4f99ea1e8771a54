"""What a person asked for under a key of theirs: the same key again is the same request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRequest:
    """A request that has made a send, written in the same transaction."""

    id: str
    """A digest of the key, which may be any text."""
    uid: str
    digest: str
    """SHA-256 of what was asked, in hexadecimal: the key stands for this and nothing else."""
    application_id: str
    send_id: str
    created_at: datetime
    expires_at: datetime | None = None
    """Of records of an earlier release None."""
