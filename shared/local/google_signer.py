"""ID tokens as Google signs them, by a key of this machine's own."""

from __future__ import annotations

import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

ID_TOKEN_LASTS: Final = timedelta(hours=1)
"""Lifetime of Google's ID tokens."""

_KEY_ID = "local-1"
_VALID = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
"""The certificate only carries the key; nobody looks at its dates."""


class Signer:
    """Makes its key when it is first needed: that takes a tenth of a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: tuple[rsa.RSAPrivateKey, str] | None = None

    def certificates(self) -> Mapping[str, str]:
        """PEM certificates by key id, as https://www.googleapis.com/oauth2/v1/certs serves them."""
        return {_KEY_ID: self._key()[1]}

    def id_token(self, *, subject: str, audience: str, email: str, issued_at: datetime, nonce: str = "") -> str:
        """A token (OpenID Connect Core, 2) that google-auth accepts with these certificates."""
        claims: dict[str, Any] = {
            "iss": "https://accounts.google.com",
            "sub": subject,
            "aud": audience,
            "azp": audience,
            "iat": int(issued_at.timestamp()),
            "exp": int((issued_at + ID_TOKEN_LASTS).timestamp()),
        }
        if email:
            claims |= {"email": email, "email_verified": True}
        if nonce:
            claims["nonce"] = nonce
        header = {"alg": "RS256", "kid": _KEY_ID, "typ": "JWT"}
        signed = b".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        return (signed + b"." + _base64url(self._key()[0].sign(signed, padding.PKCS1v15(), hashes.SHA256()))).decode()

    def _key(self) -> tuple[rsa.RSAPrivateKey, str]:
        with self._lock:
            if self._made is None:
                key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
                name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hearback-local")])
                certificate = (
                    x509.CertificateBuilder()
                    .subject_name(name)
                    .issuer_name(name)
                    .public_key(key.public_key())
                    .serial_number(1)
                    .not_valid_before(_VALID[0])
                    .not_valid_after(_VALID[1])
                    .sign(key, hashes.SHA256())
                )
                self._made = key, certificate.public_bytes(Encoding.PEM).decode()
            return self._made


def _base64url(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")
