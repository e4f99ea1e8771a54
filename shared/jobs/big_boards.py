"""The big boards with everybody's jobs, as python-jobspy tells of them: one row a posting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.jobs import reading
from shared.jobs.ats import Listing
from shared.model import FoundPosting


def listing(rows: Sequence[Mapping[str, Any]]) -> Listing:
    """The postings among the rows. They are some of the board's, so nothing is gone that is not among them."""
    postings = tuple(found for row in rows if (found := _posting(row)) is not None and found.id)
    return Listing(postings, frozenset(found.id for found in postings), complete=False)


def _posting(row: Mapping[str, Any]) -> FoundPosting | None:
    text = {name: value for name, value in row.items() if isinstance(value, str)}
    return reading.posting(
        id=text.get("id", ""),
        company=text.get("company", ""),
        title=text.get("title", ""),
        location=text.get("location", ""),
        remote=row.get("is_remote") is True,
        text=reading.paragraphs(row.get("description")),
        url=text.get("job_url", ""),
        apply_url=text.get("job_url_direct", ""),
        pay=reading.salary(row.get("min_amount"), row.get("max_amount"), row.get("currency"), row.get("interval")),
        posted_at=reading.moment(row.get("date_posted")),
    )
