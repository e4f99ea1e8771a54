"""What this process is told from outside: one frozen, typed record, read once.

A missing secret refuses to start, by name. Every variable begins with HEARBACK_, but those that Google's own platform
and libraries define (K_SERVICE, GOOGLE_CLOUD_PROJECT, the emulators' hosts).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from shared.errors import Rejected

LOCAL_ONLY = (
    "FIRESTORE_EMULATOR_HOST",
    "PUBSUB_EMULATOR_HOST",
    "HEARBACK_GOOGLE_ROOT",
    "HEARBACK_DATA_DIR",
)
"""Variables that point at stand-ins. With one of them set on Cloud Run, mail would vanish into a test double."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that may differ between two deployments."""

    wiring: Literal["local", "google"]
    """Which adapters `services` builds: SQLite and files, or Google's services (or their emulators)."""
    function: str
    """The function that this process runs, for the log: K_SERVICE, or "local"."""
    project: str
    """Google Cloud project id; also that of the OAuth client, as Gmail's watch demands."""
    data_dir: Path | None
    """Where the local wiring keeps its files; None keeps everything in memory."""
    google_root: str
    """Root URL that replaces Google's (Gmail, OAuth, KMS, Storage) by a stand-in; empty means Google's own."""
    mailbox_secret: bytes
    """Key of the HMAC that turns an address into a mailbox id."""
    kms_key: str
    """projects/P/locations/L/keyRings/R/cryptoKeys/K; wraps the vault's data keys. Unused by the local wiring."""
    bucket: str
    """Cloud Storage bucket of people's files. Unused by the local wiring."""
    oauth_client_id: str
    """OAuth client of this project; also the audience that an ID token must name."""
    oauth_client_secret: str
    work_budget: timedelta
    """After this a run stops taking new work; from the functions table."""
    lease: timedelta
    """How long a mailbox is one run's own; from the functions table."""
    units_per_minute: int
    """Gmail quota units that one person's mailbox may spend in a minute."""

    @property
    def gmail_topic(self) -> str:
        """The topic that Gmail publishes to, by its full name."""
        return f"projects/{self.project}/topics/gmail-push"
