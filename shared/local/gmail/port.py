"""The Gmail port straight on the model: the same questions as over HTTP, without any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.adapters.gmail_errors import GoogleError, NoAnswer, token_failure
from shared.adapters.gmail_methods import MailboxMethods, access_token
from shared.errors import TryAgain
from shared.local.gmail.model import Disrupted, GmailModel
from shared.ports import AccessToken, GmailMailbox


class ModelGmail:
    """Fulfils `shared.ports.Gmail` for the simulation. Faults of a connection become what the adapter makes of them."""

    def __init__(self, model: GmailModel) -> None:
        self._model = model

    def refresh(self, refresh_token: str) -> AccessToken:
        """A new access token."""
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": "local",
            "client_secret": "local",
        }
        now = self._model.clock.now()
        try:
            return access_token(self._model.token(form), now=now)
        except GoogleError as e:
            raise token_failure(e, now=now) from e
        except Disrupted as e:
            raise TryAgain(f"token: {e}") from e

    def mailbox(self, access_token: str) -> GmailMailbox:
        """The mailbox that the token opens."""

        def call(
            method: str, params: Mapping[str, Any], body: Mapping[str, Any] | None, media: bytes | None
        ) -> Mapping[str, Any]:
            try:
                return self._model.call(access_token, method, params, body, media)
            except Disrupted as e:
                raise NoAnswer(str(e), left=True) from e

        return MailboxMethods(call, self._model.clock)
