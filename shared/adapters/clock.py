"""The machine's own time and randomness."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta

ID_BYTES = 16
"""128 bits: 22 characters of base64url, and nobody guesses one."""


class SystemClock:
    """ports.Clock on the machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


def system_wait(duration: timedelta) -> None:
    """ports.Wait in the machine's time."""
    time.sleep(max(0.0, duration.total_seconds()))


class SystemIds:
    """ports.Ids on the operating system's randomness."""

    def new(self) -> str:
        """22 URL-safe characters that nobody can guess."""
        while True:
            fresh = secrets.token_urlsafe(ID_BYTES)
            # Firestore reserves ids of the form __name__.
            if not fresh.startswith("__"):
                return fresh
