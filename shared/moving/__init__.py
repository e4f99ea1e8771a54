"""Moving in: applications from a table, and people from the service that this one replaces.

Both may be done again: what is there already stays as it is. A dry run says what would be, and writes nothing.
"""

from __future__ import annotations

from shared.moving.old_service import Moved, Old, migrate
from shared.moving.table import MOST_ROWS, TABLE_BYTES, Imported, Refusal, import_table

__all__ = ["MOST_ROWS", "TABLE_BYTES", "Imported", "Moved", "Old", "Refusal", "import_table", "migrate"]
