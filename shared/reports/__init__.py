"""Weekly and monthly reports: due at 10:00 where the person is, written once for each local period."""

from __future__ import annotations

from shared.reports.figures import figures
from shared.reports.mail import page
from shared.reports.write import Written, listed, write

__all__ = ["Written", "figures", "listed", "page", "write"]
