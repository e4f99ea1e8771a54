"""What the people who run Hearback look at: dead letters, runs, keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that could not be handled: kept, shown, and re-driven by hand."""

    id: str
    function: str
    topic: str
    payload: str
    """The message's own JSON, at most 4,000 characters; a Gmail notification's address is not kept."""
    reason: str
    recorded_at: datetime
    uid: str = ""
    attempts: int = 0
    redriven_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The small record that each scheduled run leaves."""

    id: str
    function: str
    started_at: datetime
    finished_at: datetime
    scanned: int = 0
    queued: int = 0
    updated: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultKey:
    """The data key of one epoch of the vault; only Cloud KMS can unwrap it."""

    version: int
    """1, 2, 3, ...: also the document's id, and what sealed bytes begin with."""
    wrapped: bytes
    created_at: datetime
