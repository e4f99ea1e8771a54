"""A Google with Ada in it, as a caller of hers sees it."""

from __future__ import annotations

import json
import random
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.gmail_errors import GoogleError
from shared.local.clock import FakeClock
from shared.local.gmail import GmailModel
from tests.support.gmail_mail import ADA, mail

TOPIC = "projects/p/topics/gmail-push"
SCOPE = "https://www.googleapis.com/auth/gmail."


class Google:
    """A model, its clock, what it has pushed, and an access token for Ada's mailbox."""

    def __init__(self, **options: Any) -> None:
        self.clock = FakeClock()
        self.pushed: list[tuple[str, bytes]] = []
        self.model = GmailModel(self.clock, random.Random(7), publish=self._published, project="p", **options)
        self.refresh_token = self.model.add_person(ADA)
        self.token = self.open(self.refresh_token)

    def _published(self, topic: str, data: bytes) -> None:
        self.pushed.append((topic, data))

    def open(self, refresh_token: str) -> str:
        form = {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": refresh_token}
        token: str = self.model.token(form)["access_token"]
        return token

    def call(
        self, method: str, body: Any = None, media: bytes | None = None, *, token: str = "", **params: Any
    ) -> Mapping[str, Any]:
        return self.model.call(token or self.token, method, params, body, media)

    def wait(self, **duration: float) -> None:
        """Time passes, and the caller gets a new access token."""
        self.clock.step(timedelta(**duration))
        self.token = self.open(self.refresh_token)

    def refused(self, method: str, body: Any = None, **params: Any) -> tuple[int, str]:
        with pytest.raises(GoogleError) as caught:
            self.call(method, body, **params)
        return caught.value.status, caught.value.reason

    def receive(self, raw: bytes | None = None, *labels: str, **options: Any) -> str:
        return self.model.receive(ADA, raw or mail(), labels or ("INBOX",), **options)

    def history(self, start: int, **params: Any) -> Mapping[str, Any]:
        return self.call("history.list", startHistoryId=str(start), **params)

    @property
    def history_id(self) -> int:
        return int(self.call("getProfile")["historyId"])

    def pushed_ids(self) -> list[int]:
        return [int(json.loads(data)["historyId"]) for _, data in self.pushed]


def encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode()


def added(answer: Mapping[str, Any]) -> list[str]:
    return [
        change["message"]["id"] for record in answer.get("history", []) for change in record.get("messagesAdded", [])
    ]
