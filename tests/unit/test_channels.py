"""The channels outside the app: what each reply of a relay or a receiver means, and where nothing may be sent to."""

from __future__ import annotations

import hashlib
import http.server
import json
import socketserver
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest

from shared.adapters import channels
from shared.adapters.channels import AppriseChat, MailFolder, NoRelay, SmtpRelay, Webhook, signature
from shared.errors import Rejected, TryAgain, Unsure
from shared.local.clock import START, FakeClock
from shared.ports import OutsideMessage

SENDER = "hearback@example.org"
CLOCK = FakeClock()
MESSAGE = OutsideMessage(
    id="ada:report:weekly:2026-03-02",
    kind="weekly_summary",
    created_at=datetime(2026, 3, 2, tzinfo=UTC),
    subject="Your job search this week: größer",
    text=".a line that begins with a dot\nGrüße\n",
    html="<p>Grüße</p>",
)


@contextmanager
def served(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# --- Mail -------------------------------------------------------------------------------------------------------------


class Relay(socketserver.TCPServer):
    """An SMTP server that answers each command as it is told; None hangs up instead."""

    allow_reuse_address = True

    def __init__(self, **answers: str | None) -> None:
        self.answers = {
            "ehlo": "250 here",
            "mail": "250 ok",
            "rcpt": "250 ok",
            "data": "354 go",
            "end": "250 taken",
            **answers,
        }
        self.mails: list[bytes] = []
        self.said: list[str] = []
        super().__init__(("127.0.0.1", 0), Conversation)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class Conversation(socketserver.StreamRequestHandler):
    server: Relay

    def handle(self):
        self.wfile.write(b"220 relay\r\n")
        while line := self.rfile.readline():
            word = line[:4].decode().strip().lower()
            self.server.said.append(line.decode().strip())
            if not self.answer(word) or (word == "data" and not self.take()):
                return

    def answer(self, word):
        reply = self.server.answers.get(word, "250 ok")
        if reply is not None:
            self.wfile.write(reply.encode() + b"\r\n")
        return reply is not None

    def take(self):
        if not (self.server.answers["data"] or "").startswith("354"):
            return True
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        self.server.mails.append(b"".join(lines))
        return self.answer("end")


def send(relay, target="ada@example.com"):
    SmtpRelay(relay.url, SENDER, clock=CLOCK).send(target, MESSAGE)


def test_a_mail_reaches_the_relay_whole_and_says_that_a_machine_of_ours_wrote_it():
    with served(Relay()) as relay:
        send(relay)
    (data,) = relay.mails
    mail = message_from_bytes(data, policy=default)
    assert (mail["To"], mail["From"], mail["Subject"]) == (
        "ada@example.com",
        f"Hearback <{SENDER}>",
        MESSAGE.subject,
    )
    assert (mail["Auto-Submitted"], mail["X-Hearback-Notification"]) == ("auto-generated", "weekly_summary")
    assert mail["Message-ID"] == f"<{hashlib.sha256(MESSAGE.id.encode()).hexdigest()[:32]}@example.org>"
    plain, html = mail.iter_parts()
    assert plain.get_content().splitlines() == MESSAGE.text.splitlines()
    assert html.get_content().strip() == MESSAGE.html
    assert data.isascii()


def test_our_own_mail_is_nobodys_answer_to_the_classifier():
    from shared import classify  # noqa: PLC0415 - a second is spent on it only here
    from shared.adapters.gmail_methods import METADATA_HEADERS  # noqa: PLC0415 - the same
    from shared.classify.mail import KEPT_HEADERS  # noqa: PLC0415 - the same
    from shared.model import Mail, Signal  # noqa: PLC0415 - the same

    assert "x-hearback-notification" in KEPT_HEADERS
    mail = Mail(
        id="m1",
        thread_id="t1",
        internal_date=START,
        subject="Baker at Acme: rejected",
        text="Unfortunately, we have decided not to move forward with your application.",
        headers={"x-hearback-notification": "status_changed"},
    )
    assert classify.classify(mail).signal is Signal.OTHER
    assert not classify.plausible(mail)
    assert classify.plausible(replace(mail, headers={}))
    assert "X-Hearback-Notification" in METADATA_HEADERS


@pytest.mark.parametrize(
    ("answers", "raised"),
    [
        ({"ehlo": None, "helo": None}, TryAgain),
        ({"mail": "451 later"}, TryAgain),
        ({"rcpt": "450 mailbox busy"}, TryAgain),
        ({"rcpt": "550 no such user"}, Rejected),
        ({"rcpt": None}, TryAgain),
        ({"data": "451 later"}, TryAgain),
        ({"data": "554 no"}, Rejected),
        ({"end": None}, Unsure),
        ({"end": "451 later"}, TryAgain),
        ({"end": "552 too much"}, Rejected),
    ],
    ids=lambda value: str(value)[:30],
)
def test_only_a_silence_after_the_mail_is_a_doubt(answers, raised):
    with served(Relay(**answers)) as relay, pytest.raises(raised):
        send(relay)


def test_a_relay_that_is_not_there_has_got_nothing():
    with served(Relay()) as relay:
        pass
    with pytest.raises(TryAgain):
        send(relay)


@pytest.mark.parametrize(
    "target", ["ada@example.com\r\nRCPT TO:<eve@example.com>", "<ada@example.com>", "ada", "a@b c"]
)
def test_an_address_cannot_speak_smtp(target):
    with served(Relay()) as relay, pytest.raises(Rejected):
        send(relay, target)
    assert relay.said == []


def test_a_relay_without_an_address_is_refused():
    with pytest.raises(Rejected, match="HEARBACK_SMTP_URL"):
        SmtpRelay("relay.example.com:25", SENDER, clock=CLOCK)


def test_where_no_mail_leaves_each_becomes_a_file_and_a_second_one_would_show(tmp_path):
    folder = MailFolder(tmp_path / "mail", SENDER, clock=CLOCK)
    for _ in range(2):
        folder.send("ada@example.com", MESSAGE)
    first, second = sorted(folder.folder.iterdir(), key=lambda path: len(path.name))
    assert second.name == f"{first.stem}-2.eml"
    assert message_from_bytes(first.read_bytes(), policy=default)["Subject"] == MESSAGE.subject


def test_a_deployment_without_a_relay_says_so():
    with pytest.raises(Rejected, match="no mail relay"):
        NoRelay().send("ada@example.com", MESSAGE)


# --- Webhooks and chat ------------------------------------------------------------------------------------------------


class Receiver(http.server.ThreadingHTTPServer):
    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.got: list[tuple[dict[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), Receiving)


class Receiving(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers.items()), body))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def hook(**options):
    return Webhook(clock=CLOCK, **options)


def to_the_test(receiver):
    port = receiver.server_address[1]
    webhook = hook(may_reach=lambda _, given: given == port, resolve=lambda *_: ["127.0.0.1"], secure_only=False)
    return webhook, f"{'s' * 20}\nhttp://hooks.example.com:{port}/in?k=1"


def test_a_webhook_is_signed_and_bears_the_same_id_each_time():
    with served(Receiver()) as receiver:
        webhook, target = to_the_test(receiver)
        for _ in range(2):
            webhook.send(target, MESSAGE)
    (headers, body), (again, _) = receiver.got
    told = json.loads(body)
    assert (told["kind"], told["subject"], told["text"]) == (MESSAGE.kind, MESSAGE.subject, MESSAGE.text)
    assert headers["Hearback-Id"] == again["Hearback-Id"] == told["id"]
    seconds = str(int(CLOCK.now().timestamp()))
    assert headers["Hearback-Signature"] == f"t={seconds},v1={signature('s' * 20, seconds, body)}"
    assert signature("s" * 20, seconds, body) != signature("t" * 20, seconds, body)


@pytest.mark.parametrize(
    ("status", "raised"),
    [(302, Rejected), (400, Rejected), (410, Rejected), (408, TryAgain), (429, TryAgain), (503, TryAgain)],
)
def test_what_a_webhooks_answer_means(status, raised):
    with served(Receiver(status)) as receiver:
        webhook, target = to_the_test(receiver)
        with pytest.raises(raised):
            webhook.send(target, MESSAGE)
    assert len(receiver.got) == 1


class Slow(Receiver):
    """Answers so many bytes and hangs up, a byte every 50 ms until the test lets it hurry."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.RequestHandlerClass = Dripping
        self.answer, self.hurry = answer, threading.Event()


class Dripping(Receiving):
    server: Slow

    def do_POST(self):
        with suppress(OSError):
            for byte in self.server.answer:
                self.wfile.write(bytes([byte]))
                self.server.hurry.wait(0.05)


def test_a_webhook_that_answers_byte_by_byte_holds_nobody(monkeypatch):
    monkeypatch.setattr(channels, "SECONDS", 0.3)
    started = time.monotonic()
    with served(Slow(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 60)) as receiver:
        webhook, target = to_the_test(receiver)
        with pytest.raises(TryAgain):
            webhook.send(target, MESSAGE)
        receiver.hurry.set()
    assert time.monotonic() - started < 1.5


def test_of_a_webhooks_answer_the_status_alone_is_waited_for():
    started = time.monotonic()
    with served(Slow(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")) as receiver:
        receiver.hurry.set()
        webhook, target = to_the_test(receiver)
        webhook.send(target, MESSAGE)
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://169.254.169.254/computeMetadata/v1/",
        "https://[::1]/",
        "https://localhost/",
        "https://metadata.google.internal/",
        "https://2130706433/",
        "https://hooks.example.com:22/",
        "http://hooks.example.com/",
        "https://user@hooks.example.com/",
        "file:///etc/passwd",
    ],
)
def test_no_webhook_leads_into_a_private_network(url):
    asked = []

    def resolve(host, _port):
        asked.append(host)
        return ["93.184.216.34"]

    with pytest.raises(Rejected):
        hook(resolve=resolve).send(f"secret\n{url}", MESSAGE)
    assert set(asked) <= {"hooks.example.com"}


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"], ["fd00::1"]])
def test_a_name_that_resolves_to_a_private_address_is_refused(addresses):
    with pytest.raises(Rejected):
        hook(resolve=lambda *_: addresses).send("secret\nhttps://hooks.example.com/", MESSAGE)


APPRISE_LOOKS_FOR_IMGHDR = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""Apprise tries the standard library's module first and does without it where it has gone."""


@APPRISE_LOOKS_FOR_IMGHDR
@pytest.mark.parametrize(("status", "raised"), [(200, None), (500, Unsure)])
def test_apprise_tells_yes_or_no_and_a_no_is_a_doubt(status, raised):
    with served(Receiver(status)) as receiver:
        target = f"json://127.0.0.1:{receiver.server_address[1]}/x"
        if raised is None:
            AppriseChat().send(target, MESSAGE)
        else:
            with pytest.raises(raised):
                AppriseChat().send(target, MESSAGE)
    ((_, body),) = receiver.got
    assert json.loads(body)["title"] == MESSAGE.subject


@APPRISE_LOOKS_FOR_IMGHDR
def test_a_chat_address_that_apprise_does_not_know_is_rejected():
    with pytest.raises(Rejected):
        AppriseChat().send("nothing://here", MESSAGE)
