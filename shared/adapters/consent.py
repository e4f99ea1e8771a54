"""Google's authorization server: the consent screen's address, what a code is worth, and giving a grant back."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from shared.adapters.gmail import TIMEOUT_SECONDS, TOKEN_URL, GoogleHttp
from shared.adapters.gmail_errors import GoogleError, NoAnswer, token_failure
from shared.adapters.gmail_methods import access_token
from shared.codec import from_json
from shared.errors import Rejected, TryAgain
from shared.ports import Clock, ConsentRequest, Grant

CONSENT_URL: Final = "https://accounts.google.com/o/oauth2/v2/auth"
REVOKE_URL: Final = "https://oauth2.googleapis.com/revoke"
"""With another root they are `/o/oauth2/v2/auth` and `/revoke` there."""

ISSUERS: Final = ("https://accounts.google.com", "accounts.google.com")
"""Google's ID tokens bear either, its authorization answers the first."""

CLOCK_SKEW: Final = timedelta(seconds=10)
"""Google's clocks and ours may differ by this much before a token has expired."""

TOKEN_CHARACTERS: Final = 8_192
"""Google's ID tokens have about 1,200 and its refresh tokens at most 512."""


class GoogleConsent(GoogleHttp):
    """Fulfils `shared.ports.Consent` on Google's own authorization server, or on a stand-in at `root`."""

    def __init__(
        self, root: str, client_id: str, client_secret: str, clock: Clock, *, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        super().__init__(root, clock, timeout=timeout)
        root = root.rstrip("/")
        self._consent_url = f"{root}/o/oauth2/v2/auth" if root else CONSENT_URL
        self._token_url = f"{root}/token" if root else TOKEN_URL
        self._revoke_url = f"{root}/revoke" if root else REVOKE_URL
        self._client_id, self._client_secret = client_id, client_secret

    @property
    def issuer(self) -> str:
        """Who an answer of this server says it is from."""
        return ISSUERS[0]

    def address(self, request: ConsentRequest) -> str:
        """The consent screen's address."""
        return f"{self._consent_url}?{urlencode(parameters(request, self._client_id))}"

    def redeem(self, code: str, *, verifier: str, redirect_uri: str, nonce: str) -> Grant:
        """One POST; a code is worth something once, so it is never sent again."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
            "client_id": self._client_id,
            "client_secret": self._client_secret,
        }
        now = self._clock.now()
        try:
            answer = self._post_form(self._token_url, form)
        except GoogleError as e:
            raise redeem_failure(e, now=now) from e
        except NoAnswer as e:
            raise TryAgain(f"token: {e}") from e
        return grant(answer, client_id=self._client_id, nonce=nonce, now=now)

    def revoke(self, token: str) -> None:
        """Give a grant back by its refresh token; a dead one is given back already."""
        try:
            self._post_form(self._revoke_url, {"token": token})
        except GoogleError as e:
            if not already_revoked(e):
                raise TryAgain(f"revoke: {e.status} {e.reason}") from e
        except NoAnswer as e:
            raise TryAgain(f"revoke: {e}") from e


def parameters(request: ConsentRequest, client_id: str) -> dict[str, str]:
    """The query of the consent screen's address. `prompt=consent`: without it a second consent brings no grant."""
    return {
        "client_id": client_id,
        "redirect_uri": request.redirect_uri,
        "response_type": "code",
        "scope": " ".join(request.scopes),
        "state": request.state,
        "nonce": request.nonce,
        "code_challenge": request.challenge,
        "code_challenge_method": "S256",
        "access_type": "offline",
        "prompt": "consent",
        "include_granted_scopes": "true",
    }


def redeem_failure(error: GoogleError, *, now: datetime) -> Rejected | TryAgain:
    """The token endpoint's refusal of a code. A dead code is no dead grant: there was none yet."""
    if error.reason in ("invalid_grant", "redirect_uri_mismatch"):
        return Rejected(f"Google takes the code no more ({error.reason}); begin again")
    return token_failure(error, now=now)


def already_revoked(error: GoogleError) -> bool:
    """Whether a refusal to revoke says that there is nothing left to revoke."""
    return error.reason in ("invalid_token", "invalid_grant")


def grant(answer: Mapping[str, Any], *, client_id: str, nonce: str, now: datetime) -> Grant:
    """The token endpoint's answer to a code. Raises Rejected when it is not the answer to what we asked.

    The ID token came over TLS from the token endpoint itself, so its issuer is known and its signature need not be
    checked (OpenID Connect Core, 3.1.3.7, 6); audience, time and nonce are.
    """
    claims = _claims(str(answer.get("id_token", "")))
    if claims.get("iss") not in ISSUERS or claims.get("aud") != client_id:
        raise Rejected("ID token: of another issuer, or for another client")
    expires = claims.get("exp")
    if not isinstance(expires, int) or datetime.fromtimestamp(min(expires, 2**33), UTC) + CLOCK_SKEW < now:
        raise Rejected("ID token: expired")
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise Rejected("ID token: not the answer to what was asked")
    refresh_token = answer.get("refresh_token")
    if not isinstance(refresh_token, str) or not 0 < len(refresh_token) <= TOKEN_CHARACTERS:
        raise Rejected("Google gave no lasting grant; begin again")
    return Grant(
        refresh_token=refresh_token,
        access=access_token(answer, now=now),
        scopes=frozenset(str(answer.get("scope", "")).split()),
    )


def _claims(id_token: str) -> Mapping[str, Any]:
    _, _, rest = id_token[:TOKEN_CHARACTERS].partition(".")
    payload = rest.partition(".")[0]
    try:
        return from_json(dict[str, Any], base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (Rejected, binascii.Error, ValueError) as e:
        raise Rejected("ID token: not readable") from e
