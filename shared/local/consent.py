"""The Consent port straight on the model's authorization server: the same answers as over HTTP, without any."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode, urlsplit

from shared.adapters.consent import already_revoked, grant, parameters, redeem_failure
from shared.adapters.gmail_errors import GoogleError
from shared.errors import TryAgain
from shared.local.gmail.model import Disrupted, GmailModel
from shared.local.google_oauth import ISSUER, AuthorizationServer
from shared.local.google_signer import Signer
from shared.ports import ConsentRequest, Grant

CLIENT_ID = "local"
SCREEN = "https://accounts.example/o/oauth2/v2/auth"
"""Where the screen would be; nobody goes there."""


class ModelConsent:
    """Fulfils `shared.ports.Consent` for tests and the simulation, and ticks the boxes for the person."""

    def __init__(self, model: GmailModel) -> None:
        self._model = model
        self._server = AuthorizationServer(model, Signer())

    issuer = ISSUER

    def address(self, request: ConsentRequest) -> str:
        """The consent screen's address."""
        return f"{SCREEN}?{urlencode(parameters(request, CLIENT_ID))}"

    def agree(self, screen: str, address: str, *, granted: Collection[str] | None = None) -> dict[str, str]:
        """The person agrees (to all, unless told otherwise): the parameters that their browser brings back."""
        asked = dict(parse_qsl(urlsplit(screen).query))
        where = self._server.consent(
            asked, address=address, granted=asked["scope"].split() if granted is None else granted
        )
        return dict(parse_qsl(urlsplit(where).query))

    def redeem(self, code: str, *, verifier: str, redirect_uri: str, nonce: str) -> Grant:
        """What a code is worth; once."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
            "client_id": CLIENT_ID,
            "client_secret": "local",
        }
        now = self._model.clock.now()
        try:
            answer = self._server.redeem(form)
        except GoogleError as e:
            raise redeem_failure(e, now=now) from e
        except Disrupted as e:
            raise TryAgain(f"token: {e}") from e
        return grant(answer, client_id=CLIENT_ID, nonce=nonce, now=now)

    def revoke(self, token: str) -> None:
        """Give a grant back; a dead one is no error."""
        try:
            self._model.revoke_token(token)
        except GoogleError as e:
            if not already_revoked(e):
                raise TryAgain(f"revoke: {e.status}") from e
