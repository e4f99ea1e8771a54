"""A person between us and Google's consent screen: Hearback in memory, a model of Google, and a clock to wind."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from shared.local.clock import FakeClock
from shared.local.consent import ModelConsent
from shared.local.gmail.model import GmailModel
from shared.local.gmail.port import ModelGmail
from shared.model import Mailbox
from shared.schema import MAILBOXES, USERS
from shared.services import Services
from shared.web import http
from shared.web.api import respond
from tests.support.made import made_settings

ADA, BOB = "ada@example.com", "bob@example.com"
REDIRECT_URI = "https://app.example.com/gmail"


class Connecting:
    """Asks the API as people's front ends do."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.google = GmailModel(self.clock, random.Random(5), project="hearback-local")
        for address in (ADA, BOB):
            self.google.add_person(address)
        self.consent = ModelConsent(self.google)
        self.services = Services(
            made_settings(redirect_uris=(REDIRECT_URI, "https://app.example.com/other")),
            gmail=ModelGmail(self.google),
            consent=self.consent,
            clock=self.clock,
        )

    def send(
        self, method: str, path: str, body: object = None, *, uid: str = "ada", **query: str
    ) -> tuple[int, Any, http.Response]:
        """One request; its status, JSON and whole response."""
        headers = {"host": "localhost:8080", "content-type": "application/json"}
        assert self.services.sign_in is not None
        headers["authorization"] = f"Bearer {self.services.sign_in.token(uid)}"
        data = b"" if body is None else json.dumps(body).encode()
        response = respond(
            http.Request(method=method, path=path, query=query, headers=headers, body=data), self.services
        )
        is_json = response.headers.get("Content-Type", "").endswith("json") and response.body
        return response.status, json.loads(response.body) if is_json else None, response

    def screen(self, uid: str = "ada", **query: str) -> str:
        status, body, _ = self.send("GET", "/v1/gmail/connect", uid=uid, **query)
        assert status == 200, body
        return str(body["address"])

    def agree(self, screen: str, address: str = ADA, granted: Collection[str] | None = None) -> dict[str, str]:
        """The parameters that the browser brings back."""
        return self.consent.agree(screen, address, granted=granted)

    def connect(self, uid: str = "ada", address: str = ADA, granted: Collection[str] | None = None) -> Mailbox:
        """The whole way, from the screen to the person's yes."""
        back = self.agree(self.screen(uid), address, granted)
        status, body, _ = self.send("GET", "/v1/gmail/callback", uid=uid, **back)
        assert status == 200, body
        status, body, _ = self.send("POST", "/v1/gmail/confirm", uid=uid)
        assert status == 201, body
        found = self.mailbox(uid)
        assert found is not None
        return found

    def mailbox(self, uid: str = "ada") -> Mailbox | None:
        person = self.services.store.get(USERS.key(uid))
        if person is None or not person.value.mailbox_id:
            return None
        found = self.services.store.get(MAILBOXES.key(person.value.mailbox_id))
        return found.value if found else None


@contextmanager
def connecting() -> Iterator[Connecting]:
    """A world of its own; what it has opened is closed in the end."""
    made = Connecting()
    try:
        yield made
    finally:
        made.services.close()
