"""One call of a Gmail method, as every method reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.local.gmail.errors import invalid
from shared.local.gmail.faults import Kind
from shared.local.gmail.mailbox import Mailbox

Json = dict[str, Any]

MOST_RESULTS: Final = 500
"""The largest page of any list."""

METADATA_SCOPE: Final = "https://www.googleapis.com/auth/gmail.metadata"


@dataclass(frozen=True, slots=True)
class Request:
    """One authenticated call."""

    mailbox: Mailbox
    params: Mapping[str, Any]
    body: Mapping[str, Any]
    media: bytes | None
    now: datetime
    scopes: frozenset[str]
    """The granted ones among those that open this method."""
    project: str
    lag: Callable[[Kind], timedelta | None]
    """How far history or search is behind just now, when a fault says so."""

    def text(self, name: str, default: str = "") -> str:
        """A string parameter."""
        return str(self.params.get(name, default))

    def texts(self, name: str) -> tuple[str, ...]:
        """A repeated parameter."""
        value = self.params.get(name, ())
        return (value,) if isinstance(value, str) else tuple(value)

    def limit(self) -> int:
        """How many results a page may have."""
        value = self.text("maxResults", "100")
        if not value.isdecimal() or not int(value):
            raise invalid(f"Invalid value at 'max_results' (TYPE_UINT32), {value[:50]!r}")
        return min(int(value), MOST_RESULTS)

    def flag(self, name: str) -> bool:
        """A boolean parameter."""
        return self.text(name, "false").lower() == "true"

    def metadata_only(self) -> bool:
        """Whether the grant shows headers and labels alone."""
        return self.scopes == {METADATA_SCOPE}


Handler = Callable[[Request], Json]


def string(body: Mapping[str, Any], name: str) -> str:
    """A string of a JSON body, empty when it is not there."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise invalid(f"Invalid value at '{name}' (TYPE_STRING)")
    return value


def strings(body: Mapping[str, Any], name: str) -> list[str]:
    """A list of strings of a JSON body."""
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise invalid(f"Invalid value at '{name}'")
    return value
