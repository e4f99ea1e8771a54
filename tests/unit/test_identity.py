"""Who is calling: every way in which a token may be wrong, and who is to blame when it can't be checked."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from google.auth import crypt, jwt

from shared.adapters.identity import TOKEN_CHARACTERS, GoogleIdentity, LocalIdentity
from shared.errors import Rejected, TryAgain
from shared.local.clock import FakeClock

CLIENT_ID = "1-a.apps.googleusercontent.com"
SUB = "110169484474386276334"


def key_and_certificate() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def keys():
    return {"known": key_and_certificate(), "strange": key_and_certificate()}


class Certificates:
    """Google's certificate endpoint as far as it goes: what it answers, and how often it was asked."""

    def __init__(self, keys: dict[str, tuple[str, str]]) -> None:
        self.body = json.dumps({"known": keys["known"][1]}).encode()
        self.headers = {"Cache-Control": "public, max-age=3600, must-revalidate"}
        self.status = 200
        self.asked = 0
        self.url = ""


@contextmanager
def serving(certificates):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            certificates.asked += 1
            self.send_response(certificates.status)
            for name, value in {**certificates.headers, "Content-Length": str(len(certificates.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(certificates.body)

        def log_message(self, *args):
            """A test's output is its own."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            certificates.url = f"http://127.0.0.1:{server.server_port}/oauth2/v1/certs"
            yield certificates
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def certificates(keys):
    with serving(Certificates(keys)) as certificates:
        yield certificates


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def google(certificates, clock):
    return GoogleIdentity(CLIENT_ID, certificates_url=certificates.url, clock=clock)


@pytest.fixture
def token(keys):
    def token(*, key="known", kid="known", **changes):
        now = int(datetime.now(UTC).timestamp())
        claims = {"iss": "https://accounts.google.com", "aud": CLIENT_ID, "sub": SUB, "iat": now, "exp": now + 3600}
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        signer = crypt.RSASigner.from_string(keys[key][0], key_id=kid)
        return jwt.encode(signer, claims).decode()

    return token


def test_a_valid_token_proves_its_sub(google, token):
    assert google.verify(token()) == SUB
    assert google.verify(token(iss="accounts.google.com")) == SUB


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "2-b.apps.googleusercontent.com"},
        {"aud": None},
        {"iss": "https://accounts.example.com"},
        {"iss": None},
        {"exp": 1_700_000_000, "iat": 1_699_996_400},
        {"iat": 4_000_000_000, "exp": 4_000_003_600},
        {"exp": None},
        {"exp": "soon"},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": "../mailboxes/x"},
        {"sub": "__reserved__"},
        {"key": "strange"},
        {"key": "strange", "kid": "strange"},
        {"kid": "../known"},
    ],
    ids=str,
)
def test_a_token_with_anything_wrong_is_rejected(google, token, changes):
    with pytest.raises(Rejected):
        google.verify(token(**changes))


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "a.b.c",
        "...",
        "é.é.é",
        "x" * (TOKEN_CHARACTERS + 1),
        f"{segment([])}.{segment([])}.x",
        f"{segment({'alg': 'none', 'kid': 'known'})}.{segment({'sub': SUB, 'aud': CLIENT_ID})}.",
        f"{segment({'alg': 'HS256', 'kid': 'known'})}.{segment({'sub': SUB, 'aud': CLIENT_ID})}.{segment('x')}",
    ],
    ids=lambda forged: forged[:20],
)
def test_what_is_no_token_is_rejected(google, forged):
    with pytest.raises(Rejected):
        google.verify(forged)


def test_a_token_changed_after_signing_is_rejected(google, token):
    header, claims, signature = token().split(".")
    changed = json.loads(base64.urlsafe_b64decode(claims + "=="))
    changed["sub"] = "somebody-else"

    with pytest.raises(Rejected):
        google.verify(f"{header}.{segment(changed)}.{signature}")


def test_no_message_repeats_the_token(google):
    with pytest.raises(Rejected) as refused:
        google.verify("planted-token")

    assert "planted" not in str(refused.value)


def test_an_audience_is_required(clock):
    with pytest.raises(ValueError, match="audience"):
        GoogleIdentity("", clock=clock)


def test_the_certificates_are_fetched_once_in_their_max_age(google, certificates, token, clock):
    google.verify(token())
    clock.step(timedelta(seconds=3599))
    google.verify(token())
    assert certificates.asked == 1

    clock.step(timedelta(seconds=1))
    google.verify(token())
    assert certificates.asked == 2


@pytest.mark.parametrize(("cache_control", "seconds"), [("", 60), ("max-age=0", 60), ("max-age=99999999", 86_400)])
def test_their_max_age_has_limits(google, certificates, token, clock, cache_control, seconds):
    certificates.headers = {"Cache-Control": cache_control}
    google.verify(token())
    clock.step(timedelta(seconds=seconds - 1))
    google.verify(token())
    assert certificates.asked == 1

    clock.step(timedelta(seconds=1))
    google.verify(token())
    assert certificates.asked == 2


def test_a_bad_token_fetches_no_certificates_again(google, certificates, token):
    for _ in range(5):
        with pytest.raises(Rejected):
            google.verify(token(kid="strange"))

    assert certificates.asked == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (404, b""),
        (200, b"<html>"),
        (200, b'{"known": 5}'),
        (200, b"[]"),
        (200, b'{"a": "' + b"x" * 200_000),
    ],
    ids=["500", "404", "html", "number", "list", "endless"],
)
def test_when_the_certificates_cannot_be_had_the_caller_is_not_to_blame(google, certificates, token, status, body):
    good = certificates.body
    certificates.status, certificates.body = status, body
    with pytest.raises(TryAgain):
        google.verify(token())

    certificates.status, certificates.body = 200, good
    assert google.verify(token()) == SUB


def test_when_nobody_answers_the_caller_is_not_to_blame(keys, token, clock):
    with serving(Certificates(keys)) as gone:
        url = gone.url

    with pytest.raises(TryAgain):
        GoogleIdentity(CLIENT_ID, certificates_url=url, clock=clock).verify(token())


# --- The embedded wiring's own tokens ---------------------------------------------------------------------------------


@pytest.fixture
def local(clock):
    return LocalIdentity(b"k" * 32, clock=clock)


def test_a_local_token_proves_its_uid_for_twelve_hours(local, clock):
    token = local.token("ada")
    assert local.verify(token) == "ada"

    clock.step(timedelta(hours=12, seconds=-1))
    assert local.verify(token) == "ada"
    clock.step(timedelta(seconds=1))
    with pytest.raises(Rejected, match="expired"):
        local.verify(token)


def test_another_process_with_another_key_does_not_take_it(local, clock):
    with pytest.raises(Rejected):
        LocalIdentity(b"l" * 32, clock=clock).verify(local.token("ada"))


def test_a_changed_local_token_is_rejected(local):
    uid, until, signature = local.token("ada").split(".")

    for forged in (
        f"bob.{until}.{signature}",
        f"{uid}.{int(until) + 1}.{signature}",
        f"{uid}.{until}.",
        f"{uid}.{until}.{signature}x",
        signature,
        "",
        ".",
        "é",
    ):
        with pytest.raises(Rejected):
            local.verify(forged)


@pytest.mark.parametrize("uid", ["", "a/b", "a.b", "a b", "__x__", "é", "x" * 129])
def test_a_local_token_is_for_a_uid_alone(local, uid):
    with pytest.raises(Rejected, match="uid"):
        local.token(uid)


def test_an_empty_key_is_refused(clock):
    with pytest.raises(ValueError, match="empty key"):
        LocalIdentity(b"", clock=clock)
