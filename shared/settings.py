"""What this process is told from outside: one frozen, typed record, read once.

A missing secret refuses to start, by name. Every variable begins with HEARBACK_, but those that Google's own platform
and libraries define (K_SERVICE, FUNCTION_TARGET, GOOGLE_CLOUD_PROJECT, the emulators' hosts). No number of the
functions table is repeated here: whoever starts the process hands them in (`registry.environment`).
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from shared.errors import Rejected

EMULATORS = ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST")
"""Google's own names for the emulators' addresses; its client libraries obey them by themselves."""

LOCAL_ONLY = (*EMULATORS, "HEARBACK_GOOGLE_ROOT", "HEARBACK_DATA_DIR")
"""Variables that point at stand-ins. With one of them set on Cloud Run, mail would vanish into a test double."""

USES = ("firestore", "queue", "gmail", "vault", "blobs", "addresses", "identity", "web", "mail")
"""What a function may reach, in the words of its row in the functions table."""

SECRET_BYTES = 32
"""A key of an HMAC is no weaker than its hash, SHA-256, when it is as long."""

LOCAL_CLIENT_ID = "hearback-local"
"""Names us to a stand-in for Google's token endpoint; an OAuth client id is no secret."""

LOCAL_REDIRECT_URI = "http://localhost:8080/api/v1/gmail/callback"
"""Where a stand-in for Google sends a person back to, unless told otherwise: the API of scripts/dev."""

GOOGLE_HOSTS = ".googleapis.com"
"""Where Google's hosts end; Vertex AI takes this process's own token instead of a key."""

LOCAL_SENDER = "hearback@localhost.localdomain"
"""Whom our mail comes from where none leaves."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Hosts whose plain HTTP never leaves the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that may differ between two deployments."""

    wiring: Literal["local", "google"]
    """Which adapters `services` builds: SQLite and files, or Google's services (or their emulators)."""
    function: str
    """The function that this process runs: FUNCTION_TARGET, or "local" when it runs all of them."""
    project: str
    """Google Cloud project id; also that of the OAuth client, as Gmail's watch demands."""
    data_dir: Path | None
    """Where the local wiring keeps its files; None keeps everything in memory."""
    google_root: str
    """Root URL that replaces Google's (Gmail, OAuth, certificates) by a stand-in; empty means Google's own."""
    mailbox_secret: bytes
    """Key of the HMAC that turns an address into a mailbox id."""
    kms_key: str
    """projects/P/locations/L/keyRings/R/cryptoKeys/K; wraps the vault's data keys. Unused by the local wiring."""
    bucket: str
    """Cloud Storage bucket of people's files. Unused by the local wiring."""
    oauth_client_id: str
    """OAuth client of this project; also the audience that an ID token must name."""
    oauth_client_secret: str
    work_budget: timedelta
    """After this a run stops taking new work; from the functions table."""
    lease: timedelta
    """How long a mailbox is one run's own; from the functions table."""
    units_per_minute: int
    """Gmail quota units that one person's mailbox may spend in a minute."""
    uses: frozenset[str] = frozenset(USES)
    """What this process may reach; `services` builds nothing else, and no other secret is asked for."""
    emulated: bool = False
    """The google wiring talks to the emulators on this machine; what has no emulator is kept in files."""
    sign_in_secret: bytes = b""
    """Key of the embedded wiring's own bearer tokens; empty, and no such token exists, anywhere else."""
    redirect_uris: tuple[str, ...] = ()
    """Where Google may send a person back to after consent, word for word as the OAuth client has them."""
    smtp_url: str = ""
    """The mail relay: smtps://user:password@host:port, or smtp:// with STARTTLS. Empty: this deployment sends none."""
    mail_from: str = ""
    """The address that our own mail comes from."""
    allowed_origins: tuple[str, ...] = ()
    """Origins (scheme://host[:port]) whose pages may call the API from a browser; none unless named."""
    advisor_url: str = ""
    """Base URL of an OpenAI-compatible endpoint that is asked about unclear mail; empty, and no model is asked."""
    advisor_model: str = ""
    """The model's name there."""
    advisor_key: str = ""
    """The endpoint's key; empty on Google's own hosts, where this process's token stands for it."""
    version: str = "unreleased"
    """What is running, as /v1/health tells it: the release or the hash of the deployed zip."""

    @property
    def gmail_topic(self) -> str:
        """The topic that Gmail publishes to, by its full name."""
        return f"projects/{self.project}/topics/gmail-push"


def read(environ: Mapping[str, str]) -> Settings:
    """The settings that the environment describes. Raises Rejected, naming the variable that is missing or wrong.

    On Cloud Run only the google wiring without any stand-in is possible; elsewhere the local wiring is the default.
    """
    wiring = _wiring(environ)
    emulated = wiring == "google" and _emulated(environ)
    uses = _uses(environ)
    data_dir = Path(environ["HEARBACK_DATA_DIR"]) if environ.get("HEARBACK_DATA_DIR") else None
    stand_in = wiring == "local" or emulated

    def told(variable: str, *words: str) -> str:
        """A variable that a function with one of these words in `uses` can't do without, when it runs for real."""
        value = environ.get(variable, "")
        if not value and not stand_in and not uses.isdisjoint(words):
            raise Rejected(f"{variable} is missing")
        return value

    def secret(variable: str, *words: str) -> str:
        """A secret: told, or made here where all is a stand-in; empty for a function that has no business with it."""
        if uses.isdisjoint(words):
            return ""
        return told(variable, *words) or _made_here(variable, data_dir)

    settings = Settings(
        wiring=wiring,
        function=environ.get("FUNCTION_TARGET") or "local",
        project=_project(environ, wiring),
        data_dir=data_dir,
        google_root=environ.get("HEARBACK_GOOGLE_ROOT", "").rstrip("/"),
        mailbox_secret=secret("HEARBACK_MAILBOX_SECRET", "addresses").encode(),
        kms_key=told("HEARBACK_KMS_KEY", "vault"),
        bucket=told("HEARBACK_BUCKET", "blobs"),
        oauth_client_id=told("HEARBACK_OAUTH_CLIENT_ID", "gmail", "identity") or (LOCAL_CLIENT_ID if stand_in else ""),
        oauth_client_secret=secret("HEARBACK_OAUTH_CLIENT_SECRET", "gmail"),
        work_budget=timedelta(seconds=_number(environ, "HEARBACK_WORK_BUDGET_SECONDS")),
        lease=timedelta(seconds=_number(environ, "HEARBACK_LEASE_SECONDS")),
        units_per_minute=_number(environ, "HEARBACK_UNITS_PER_MINUTE"),
        uses=uses,
        emulated=emulated,
        sign_in_secret=_made_here("HEARBACK_SIGN_IN_SECRET", data_dir).encode() if wiring == "local" else b"",
        redirect_uris=_redirect_uris(environ) or ((LOCAL_REDIRECT_URI,) if stand_in else ()),
        **_relay(environ, uses),
        allowed_origins=_origins(environ),
        **_advisor(environ, uses),
        version=environ.get("HEARBACK_VERSION") or "unreleased",
    )
    if settings.work_budget >= settings.lease:
        raise Rejected("HEARBACK_LEASE_SECONDS: a lease that ends before the work does protects nothing")
    if settings.mailbox_secret and len(settings.mailbox_secret) < SECRET_BYTES:
        raise Rejected(f"HEARBACK_MAILBOX_SECRET is shorter than {SECRET_BYTES} bytes")
    return settings


def _wiring(environ: Mapping[str, str]) -> Literal["local", "google"]:
    on_cloud_run = bool(environ.get("K_SERVICE"))
    wiring = environ.get("HEARBACK_WIRING") or ("google" if on_cloud_run else "local")
    if on_cloud_run:
        if wiring != "google":
            raise Rejected("HEARBACK_WIRING: on Cloud Run there is the google wiring alone")
        for variable in LOCAL_ONLY:
            if environ.get(variable):
                raise Rejected(f"{variable} points at a stand-in, and this is Cloud Run")
    if wiring == "local":
        return "local"
    if wiring == "google":
        return "google"
    raise Rejected("HEARBACK_WIRING: neither local nor google")


def _emulated(environ: Mapping[str, str]) -> bool:
    """Whether the google wiring is that of this machine. Half of it would send real wake-ups for made-up records."""
    given = [variable for variable in EMULATORS if environ.get(variable)]
    if len(given) == 1:
        missing = next(variable for variable in EMULATORS if variable not in given)
        raise Rejected(f"{missing} is missing, and {given[0]} is set: it takes both emulators or none")
    if environ.get("HEARBACK_GOOGLE_ROOT") and not given:
        raise Rejected("HEARBACK_GOOGLE_ROOT is a stand-in for Gmail, and no emulator is one for Firestore")
    return bool(given)


def _uses(environ: Mapping[str, str]) -> frozenset[str]:
    """The words of the row; without any, all of them: then every secret is asked for, and none is forgotten."""
    words = frozenset(environ["HEARBACK_USES"].split(",")) if environ.get("HEARBACK_USES") else frozenset(USES)
    if unknown := sorted(words - frozenset(USES)):
        raise Rejected(f"HEARBACK_USES: unknown words: {', '.join(unknown)}")
    return words


def _project(environ: Mapping[str, str], wiring: str) -> str:
    project = environ.get("GOOGLE_CLOUD_PROJECT") or ("hearback-local" if wiring == "local" else "")
    if not project:
        raise Rejected("GOOGLE_CLOUD_PROJECT is missing")
    return project


def _number(environ: Mapping[str, str], variable: str) -> int:
    value = environ.get(variable, "")
    if not value:
        raise Rejected(f"{variable} is missing")
    if not (value.isascii() and value.isdecimal()) or int(value) == 0:
        raise Rejected(f"{variable}: not a whole number above 0")
    return int(value)


def _origins(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The exact origins of HEARBACK_ALLOWED_ORIGINS, separated by commas; there is no wildcard."""
    origins = tuple(part.strip() for part in environ.get("HEARBACK_ALLOWED_ORIGINS", "").split(",") if part.strip())
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
            raise Rejected("HEARBACK_ALLOWED_ORIGINS: not an origin like https://app.example.com")
    return origins


def _relay(environ: Mapping[str, str], uses: frozenset[str]) -> dict[str, Any]:
    """The mail relay and our address there; both or neither, and only for a function that sends mail."""
    url, sender = (environ.get(name, "") for name in ("HEARBACK_SMTP_URL", "HEARBACK_MAIL_FROM"))
    if "mail" not in uses:
        return {}
    if bool(url) != bool(sender):
        raise Rejected(f"{'HEARBACK_MAIL_FROM' if url else 'HEARBACK_SMTP_URL'} is missing: a relay takes both")
    return {"smtp_url": url, "mail_from": sender or LOCAL_SENDER}


def _redirect_uris(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The addresses of HEARBACK_OAUTH_REDIRECT_URIS, separated by commas; https, but on this machine."""
    uris = tuple(part.strip() for part in environ.get("HEARBACK_OAUTH_REDIRECT_URIS", "").split(",") if part.strip())
    for uri in uris:
        parts = urlsplit(uri)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        if not safe or not parts.netloc or parts.username is not None or parts.fragment or parts.query:
            raise Rejected("HEARBACK_OAUTH_REDIRECT_URIS: not an address like https://app.example.com/gmail")
    return uris


def _advisor(environ: Mapping[str, str], uses: frozenset[str]) -> dict[str, str]:
    """The optional advisor, for functions that read mail; off without HEARBACK_ADVISOR_URL. Mail leaves by https."""
    url = environ.get("HEARBACK_ADVISOR_URL", "").rstrip("/")
    if not url or "gmail" not in uses:
        return {}
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not safe or not parts.hostname or parts.username is not None or parts.fragment or parts.query:
        raise Rejected("HEARBACK_ADVISOR_URL: not an address like https://api.example.com/v1")
    model, key = environ.get("HEARBACK_ADVISOR_MODEL", ""), environ.get("HEARBACK_ADVISOR_KEY", "")
    if not model:
        raise Rejected("HEARBACK_ADVISOR_MODEL is missing")
    if not key and not parts.hostname.endswith(GOOGLE_HOSTS):
        raise Rejected("HEARBACK_ADVISOR_KEY is missing")
    return {"advisor_url": url, "advisor_model": model, "advisor_key": key}


def _made_here(variable: str, data_dir: Path | None) -> str:
    """A secret of a stand-in wiring: drawn once, kept in a file of its owner alone, or in memory without a directory.

    Of several processes that start together one makes the file, by a link that fails when the name is taken.
    """
    drawn = secrets.token_urlsafe(SECRET_BYTES)
    if data_dir is None:
        return drawn
    folder = data_dir / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = folder / variable.removeprefix("HEARBACK_").lower()
    if not place.exists():
        draft = folder / f".{place.name}.{secrets.token_hex(8)}"
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(drawn)
        with contextlib.suppress(FileExistsError):
            os.link(draft, place)
        draft.unlink()
    return place.read_text()
