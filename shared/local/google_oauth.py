"""Google's authorization server around the model: the consent screen, codes, and what a code is worth.

Paths and parameters are those of https://developers.google.com/identity/protocols/oauth2/web-server and OpenID Connect.
The screen is a form that anybody on this machine may send: who they are, and which of the asked scopes they tick.
"""

from __future__ import annotations

import hashlib
import html
import random
import re
import threading
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from shared.adapters.gmail_errors import GoogleError
from shared.local.gmail.errors import invalid
from shared.local.gmail.model import GmailModel
from shared.local.google_signer import Signer

ISSUER: Final = "https://accounts.google.com"
"""Who Google's ID tokens and authorization answers (RFC 9207) say they are from."""

CODE_LASTS: Final = timedelta(minutes=10)
"""RFC 6749, 4.1.2, recommends no more."""

IDENTITY_SCOPES: Final = frozenset({"openid", "email", "https://www.googleapis.com/auth/userinfo.email"})
"""Scopes that open no mailbox, and that nobody can untick."""

ASKED: Final = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "access_type",
    "prompt",
    "include_granted_scopes",
)
"""Parameters of the authorization endpoint that the screen carries along."""

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class _Code:
    """What a code stands for until it is redeemed."""

    asked: Mapping[str, str]
    address: str
    scopes: frozenset[str]
    expires_at: datetime
    lasting: bool
    """It brings a refresh token: access is offline, and the consent is the first one or was asked for anew."""


class AuthorizationServer:
    """Consent and codes over one model. Raises GoogleError as Google's own pages and endpoints would."""

    def __init__(self, model: GmailModel, signer: Signer) -> None:
        self._model = model
        self._signer = signer
        self._rng = random.Random(f"{model.project} codes")
        self._codes: dict[str, _Code] = {}
        self._consented: dict[tuple[str, str], frozenset[str]] = {}
        """Scopes by client and address: what `include_granted_scopes` adds."""
        self._lock = threading.Lock()

    def screen(self, asked: Mapping[str, str]) -> bytes:
        """The page that a person sees: a form for each account, with the scopes to tick."""
        _check(asked)
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(asked[name])}">' for name in ASKED if name in asked
        )
        boxes = "".join(
            f'<p><label><input type="checkbox" name="granted" value="{html.escape(scope)}" checked> '
            f"{html.escape(scope)}</label></p>"
            for scope in asked["scope"].split()
            if scope not in IDENTITY_SCOPES
        )
        forms = "".join(
            f'<form method="post" action="/o/oauth2/v2/auth">{hidden}<h2>{html.escape(address)}</h2>{boxes}'
            f'<button name="address" value="{html.escape(address)}">Continue</button> '
            f'<button name="address" value="">Cancel</button></form>'
            for address in self._model.people
        )
        return f"<!doctype html><title>Choose an account</title><h1>Choose an account</h1>{forms}".encode()

    def consent(self, asked: Mapping[str, str], *, address: str, granted: Collection[str]) -> str:
        """The person's answer to the screen: the address to send them back to, with a code or with access_denied.

        An empty `address` is a refusal. Scopes that were not asked for cannot be granted.
        """
        _check(asked)
        back = {"state": asked["state"], "iss": ISSUER} if asked.get("state") else {"iss": ISSUER}
        if not address:
            return _with(asked["redirect_uri"], {"error": "access_denied", **back})
        if address.lower() not in self._model.people:
            raise invalid("There is no such account.")
        box = self._model.mailbox(address)
        wanted = frozenset(asked["scope"].split())
        scopes = (wanted & IDENTITY_SCOPES) | (wanted & frozenset(granted))
        with self._lock:
            who = (asked["client_id"], box.address)
            anew = who not in self._consented or "consent" in asked.get("prompt", "").split()
            if asked.get("include_granted_scopes") == "true":
                scopes |= self._consented.get(who, frozenset())
            self._consented[who] = self._consented.get(who, frozenset()) | scopes
            code = f"4/0{self._rng.getrandbits(280):070x}"
            lasting = anew and asked.get("access_type") == "offline"
            expires_at = self._model.clock.now() + CODE_LASTS
            self._codes[code] = _Code(dict(asked), box.address, scopes, expires_at, lasting)
        return _with(asked["redirect_uri"], {"code": code, "scope": " ".join(sorted(scopes)), **back})

    def redeem(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """The token endpoint for a code: once, by the same client, to the same address, with the verifier."""
        with self._lock:
            code = self._codes.pop(form.get("code", ""), None)
        if not form.get("client_secret") or (code and form.get("client_id") != code.asked["client_id"]):
            raise GoogleError(401, "invalid_client", "The OAuth client was not found.")
        now = self._model.clock.now()
        if code is None or code.expires_at <= now:
            raise GoogleError(400, "invalid_grant", "Malformed auth code.")
        if form.get("redirect_uri") != code.asked["redirect_uri"]:
            raise GoogleError(400, "redirect_uri_mismatch", "Bad Request")
        if challenge := code.asked.get("code_challenge"):
            verifier = form.get("code_verifier", "")
            if not _VERIFIER.fullmatch(verifier) or challenge_of(verifier) != challenge:
                raise GoogleError(400, "invalid_grant", "Invalid code verifier.")
        grant = self._model.add_person(code.address, scopes=code.scopes)
        answer = dict(self._model.token({**form, "grant_type": "refresh_token", "refresh_token": grant}))
        if code.lasting:
            answer["refresh_token"] = grant
        if "openid" in code.scopes:
            answer["id_token"] = self._signer.id_token(
                subject=str(int.from_bytes(hashlib.sha256(code.address.encode()).digest()[:8])),
                audience=code.asked["client_id"],
                email=code.address,
                nonce=code.asked.get("nonce", ""),
                issued_at=now,
            )
        return answer


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636, 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _check(asked: Mapping[str, str]) -> None:
    """What Google refuses on its own page, without sending anybody back."""
    target = urlsplit(asked.get("redirect_uri", ""))
    if target.scheme not in ("http", "https") or not target.netloc or target.fragment:
        raise GoogleError(400, "redirect_uri_mismatch", "Bad Request")
    if not asked.get("client_id"):
        raise GoogleError(401, "invalid_client", "The OAuth client was not found.")
    if asked.get("response_type") != "code" or not asked.get("scope"):
        raise invalid("Required parameter is missing: response_type or scope")
    if asked.get("code_challenge") and (
        asked.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(asked["code_challenge"])
    ):
        raise invalid("Invalid code_challenge or code_challenge_method")


def _with(address: str, params: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(params)}"
