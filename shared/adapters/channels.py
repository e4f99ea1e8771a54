"""The channels outside the app: a mail relay, apprise's chat services, webhooks; and a folder where no mail leaves."""

# ruff: noqa: PLC0415 - a function that sends no mail and no chat message loads neither

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from shared.adapters.web import MayReach, SafeWeb, public, resolve, taken_apart
from shared.errors import Rejected, TryAgain, Unsure
from shared.ports import Clock, OutsideMessage

if TYPE_CHECKING:
    import smtplib

SECONDS = 20.0
"""For connecting and for each answer of a relay or service; well below a function's work budget."""

OWN_HEADER = "X-Hearback-Notification"
"""By it our own mail is known when it comes into a mailbox that we read: it is nobody's answer."""

ADDRESS = re.compile(r"[^\s<>@,;:\"()\[\]\\]{1,64}@[A-Za-z0-9.-]{1,253}")
"""An address that needs no quoting: Google's have this shape, and nothing else may come into an SMTP command."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Hosts to which a password may go unencrypted: it never leaves the machine."""

STARTED, ACCEPTED = 354, 250
"""SMTP's replies: send the mail now; it is ours from here on."""

PERMANENT = range(500, 600)
"""SMTP's replies to what will never work (RFC 5321, 4.2.1)."""


# --- Mail -------------------------------------------------------------------------------------------------------------


class SmtpRelay:
    """ports.Outside by an SMTP relay: smtp://user:password@host:port (STARTTLS, if offered) or smtps://..."""

    def __init__(self, url: str, sender: str, *, clock: Clock) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise Rejected("HEARBACK_SMTP_URL: not an address like smtps://user:password@relay.example.com:465")
        self._secure = parts.scheme == "smtps"
        self._host = parts.hostname
        self._port = parts.port or (465 if self._secure else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender, self._clock = sender, clock

    def send(self, target: str, message: OutsideMessage) -> None:
        """ports.Outside.send; `target` is an address."""
        import smtplib

        mail = composed(self._sender, target, message, clock=self._clock)
        try:
            connection = self._connected()
        except (OSError, smtplib.SMTPException) as e:
            raise TryAgain("the mail relay does not take us") from e
        try:
            _before_data(connection, self._sender, target)
            _hand_over(connection, mail)
        finally:
            connection.close()

    def _connected(self) -> smtplib.SMTP:
        import smtplib
        import ssl

        context, secure = ssl.create_default_context(), self._secure
        if secure:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=SECONDS, context=context)
        else:
            connection = smtplib.SMTP(self._host, self._port, timeout=SECONDS)
        try:
            connection.ehlo()
            if not secure and connection.has_extn("starttls"):
                connection.starttls(context=context)
                connection.ehlo()
                secure = True
            if self._user:
                _may_log_in(self._host, secure=secure)
                connection.login(self._user, self._password)
        except BaseException:
            connection.close()
            raise
        return connection


def _may_log_in(host: str, *, secure: bool) -> None:
    if not secure and host not in LOOPBACK:
        raise Rejected("the mail relay offers no encryption to log in under")


def _before_data(connection: smtplib.SMTP, sender: str, target: str) -> None:
    """Everything that still can fail without a doubt."""
    import smtplib

    steps: tuple[Callable[[], tuple[int, bytes]], ...] = (
        lambda: connection.mail(sender),
        lambda: connection.rcpt(target),
        lambda: connection.docmd("data"),
    )
    for step, wanted in zip(steps, (ACCEPTED, ACCEPTED, STARTED), strict=True):
        try:
            code, _ = step()
        except (OSError, smtplib.SMTPException) as e:
            raise TryAgain("the mail relay hung up before the mail") from e
        if code in PERMANENT:
            raise Rejected(f"the mail relay refused the mail ({code})")
        if code != wanted:
            raise TryAgain(f"the mail relay did not want the mail now ({code})")


def _hand_over(connection: smtplib.SMTP, mail: bytes) -> None:
    """The mail itself: from its first byte to the relay's answer nobody knows whether it counts as taken."""
    import smtplib

    try:
        # RFC 5321, 4.5.2: a line that begins with a dot gets another one.
        connection.send(re.sub(rb"(?m)^\.", b"..", mail) + b".\r\n")
        code, _ = connection.getreply()
    except (OSError, smtplib.SMTPException) as e:
        raise Unsure("the mail relay did not answer") from e
    if code in PERMANENT:
        raise Rejected(f"the mail relay refused the mail ({code})")
    if code != ACCEPTED:
        raise TryAgain(f"the mail relay did not take the mail now ({code})")


class MailFolder:
    """ports.Outside for a machine whose mail must not leave: each mail becomes a file that any mail program opens."""

    def __init__(self, folder: Path, sender: str, *, clock: Clock) -> None:
        self.folder = folder
        self._sender, self._clock = sender, clock

    def send(self, target: str, message: OutsideMessage) -> None:
        """ports.Outside.send; the file is named for the message, so that a second one would show beside it."""
        mail = composed(self._sender, target, message, clock=self._clock)
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{message.kind}-{hashlib.sha256(message.id.encode()).hexdigest()[:12]}"
        place, number = self.folder / f"{name}.eml", 1
        while place.exists():
            number += 1
            place = self.folder / f"{name}-{number}.eml"
        place.write_bytes(mail)


class NoRelay:
    """ports.Outside of a deployment that sends no mail."""

    def send(self, target: str, message: OutsideMessage) -> None:  # noqa: ARG002 - the protocol's
        """Say so, where the person sees it."""
        raise Rejected("this deployment has no mail relay")


def composed(sender: str, target: str, message: OutsideMessage, *, clock: Clock) -> bytes:
    """The mail as RFC 5322 bytes; it says that a machine wrote it (RFC 3834), and that the machine was ours."""
    if not ADDRESS.fullmatch(target):
        raise Rejected("the address is none that mail can be sent to")
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    mail["From"] = f"Hearback <{sender}>"
    mail["To"] = target
    mail["Subject"] = message.subject
    mail["Date"] = clock.now()
    # The same notification is the same message: a mailbox that gets it twice may show it once.
    digest = hashlib.sha256(message.id.encode()).hexdigest()[:32]
    mail["Message-ID"] = f"<{digest}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail[OWN_HEADER] = message.kind
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return mail.as_bytes()


# --- Chat -------------------------------------------------------------------------------------------------------------


class AppriseChat:
    """ports.Outside by apprise. It tells only yes or no: a no may have arrived, so it counts as a doubt."""

    def send(self, target: str, message: OutsideMessage) -> None:
        """ports.Outside.send; `target` is an address of apprise."""
        from apprise import Apprise

        chat = Apprise()
        if not chat.add(target):
            raise Rejected("the chat address is not understood")
        if not chat.notify(body=message.text or message.subject, title=message.subject):
            raise Unsure("the chat service did not confirm the message")


# --- Webhooks ---------------------------------------------------------------------------------------------------------


class Webhook(SafeWeb):
    """ports.Outside by a signed POST to a public https server, under the same rules of address as any other request.

    The body is JSON: id, kind, created_at, subject, text. `Hearback-Id` stays the same over all tries.
    `Hearback-Signature: t=<seconds>,v1=<hex>` is HMAC-SHA256 over "<seconds>.<body>" with the person's secret.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        may_reach: MayReach = public,
        resolve: Callable[[str, int], list[str]] = resolve,
        secure_only: bool = True,
    ) -> None:
        super().__init__(clock=clock, may_reach=may_reach, resolve=resolve)
        self._secure_only = secure_only

    def send(self, target: str, message: OutsideMessage) -> None:
        """ports.Outside.send; `target` is the secret, a line feed, and the address."""
        secret, _, url = target.partition("\n")
        if self._secure_only and not url.startswith("https://"):
            raise Rejected("the webhook's address is not https")
        body = webhook_body(message)
        now = self._clock.now()
        seconds = str(int(now.timestamp()))
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Hearback-Id": hashlib.sha256(message.id.encode()).hexdigest(),
            "Hearback-Signature": f"t={seconds},v1={signature(secret, seconds, body)}",
        }
        with self._asked("POST", taken_apart(url), headers, time.monotonic() + SECONDS, body) as response:
            # Only the status counts; a body that is longer, or never ends, is not waited for.
            status = response.status
        if status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS):
            raise TryAgain(f"the webhook answered {status}")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise TryAgain(f"the webhook answered {status}")
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            # A redirect, too: a signed message follows nobody to another place.
            raise Rejected(f"the webhook answered {status}")


def webhook_body(message: OutsideMessage) -> bytes:
    """What a webhook gets, as JSON."""
    return json.dumps(
        {
            "id": hashlib.sha256(message.id.encode()).hexdigest(),
            "kind": message.kind,
            "created_at": message.created_at.isoformat(),
            "subject": message.subject,
            "text": message.text,
        },
        ensure_ascii=False,
    ).encode()


def signature(secret: str, seconds: str, body: bytes) -> str:
    """What a receiver computes to see that the message is ours and fresh."""
    return hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
