"""What stands outside beside Google, the store and the queue: channels, web servers, files, keys.

They outlive every process of ours, as those do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from shared.adapters.gmail_errors import GoogleError
from shared.adapters.vault import LocalVault
from shared.errors import Unsure
from shared.local.gmail.model import GmailModel
from shared.ports import Clock, OutsideMessage, WebAnswer


class Google(GmailModel):
    """Counts how often somebody has come with a dead grant."""

    refused = 0

    def token(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """The token endpoint."""
        try:
            return super().token(form)
        except GoogleError as e:
            self.refused += e.reason == "invalid_grant"
            raise

    def is_open_to_us(self, address: str) -> bool:
        """Whether any grant of this person's is alive."""
        return any(not grant.revoked for grant in self._grants.values() if grant.address == address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What a channel has been handed."""

    at: datetime
    target: str
    message: OutsideMessage


class Outbox:
    """ports.Outside: keeps what it is handed. It fails with what a scenario lays before it, one for each try."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.handed: list[Handed] = []
        self.troubles: list[Exception] = []

    def send(self, target: str, message: OutsideMessage) -> None:
        """Take it, unless this is a try that fails; one that is unsure has taken it."""
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is None or isinstance(trouble, Unsure):
            self.handed.append(Handed(at=self._clock.now(), target=target, message=message))
        if trouble is not None:
            raise trouble


class WebServers:
    """ports.Web as far as boards need it: no server here has a robots.txt, and none has any HTML."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        """By address; whatever else is asked for is not there."""

    def get(self, url: str, **_wish: object) -> WebAnswer:
        """One GET."""
        body = self.pages.get(url)
        if body is None:
            return WebAnswer(status=HTTPStatus.NOT_FOUND, headers={}, body=b"")
        return WebAnswer(status=HTTPStatus.OK, headers={"content-type": "application/json"}, body=body)


class Files:
    """ports.Blobs in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, str]] = {}

    def put(self, name: str, content: bytes, *, media_type: str) -> None:
        """Write or replace a file."""
        self.kept[name] = content, media_type

    def get(self, name: str) -> bytes | None:
        """Its content, or None."""
        return self.kept[name][0] if name in self.kept else None

    def media_type(self, name: str) -> str | None:
        """Its media type, or None."""
        return self.kept[name][1] if name in self.kept else None

    def delete(self, name: str) -> None:
        """Remove it; a missing one is no error."""
        self.kept.pop(name, None)

    def names(self, prefix: str) -> tuple[str, ...]:
        """All names that begin with `prefix`, sorted."""
        return tuple(sorted(name for name in self.kept if name.startswith(prefix)))


class KeptVault(LocalVault):
    """A vault whose keys outlive its process."""

    def __init__(self, keys: list[bytes]) -> None:
        super().__init__(keys[0])
        self._held = keys
