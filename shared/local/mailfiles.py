"""Mail out of files, for playing it into the local Gmail: Google Takeout's .mbox, folders of .eml, labelled JSONL."""

from __future__ import annotations

import json
import mailbox
from collections.abc import Iterator
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path

from shared.errors import Rejected

LINE_BYTES = 5_000_000
"""A longer line of JSONL is no mail; it is refused before it is parsed."""

UNKNOWN_SENDER = "unknown@example.com"
"""Stands for the sender of a labelled mail that names none: a domain that nobody has (RFC 2606)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledMail:
    """One mail of a file."""

    source: str
    """File and number, for messages about it."""
    data: bytes
    """RFC 5322, as it would have reached Gmail."""
    labels: tuple[str, ...] = ("INBOX",)


def count(path: Path) -> int:
    """How many mails `read` will give; for a progress bar."""
    if path.is_dir():
        return sum(1 for _ in path.rglob("*.eml"))
    if path.suffix == ".mbox":
        box = mailbox.mbox(path, create=False)
        try:
            return len(box)
        finally:
            box.close()
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())


def read(path: Path) -> Iterator[FiledMail]:
    """The mails of an .mbox, of a folder with .eml files, or of a JSONL with from, subject and body in each line.

    Raises Rejected, naming file and line, for what is none of these.
    """
    if path.is_dir():
        yield from _folder(path)
    elif path.suffix == ".mbox":
        yield from _mbox(path)
    elif path.suffix == ".eml":
        yield FiledMail(source=path.name, data=path.read_bytes())
    elif path.suffix == ".jsonl":
        yield from _jsonl(path)
    else:
        raise Rejected(f"{path.name}: expected an .mbox, an .eml, a .jsonl or a folder of .eml files")


def _folder(path: Path) -> Iterator[FiledMail]:
    files = sorted(path.rglob("*.eml"))
    if not files:
        raise Rejected(f"{path.name}: no .eml file in this folder")
    for file in files:
        yield FiledMail(source=str(file.relative_to(path)), data=file.read_bytes())


def _mbox(path: Path) -> Iterator[FiledMail]:
    box = mailbox.mbox(path, create=False)
    try:
        for number, key in enumerate(box.keys()):
            data = box.get_bytes(key)
            yield FiledMail(source=f"{path.name}:{number + 1}", data=data, labels=_takeout_labels(data))
    finally:
        box.close()


TAKEOUT_LABELS = {
    "Sent": "SENT",
    "Drafts": "DRAFT",
    "Chat": "CHAT",
    "Spam": "SPAM",
    "Trash": "TRASH",
    "Category Promotions": "CATEGORY_PROMOTIONS",
    "Category Social": "CATEGORY_SOCIAL",
    "Category Forums": "CATEGORY_FORUMS",
    "Category Updates": "CATEGORY_UPDATES",
}
"""Takeout's X-Gmail-Labels (in English) in the API's words; everything else came through the inbox."""


def _takeout_labels(data: bytes) -> tuple[str, ...]:
    head = data[:65_536].partition(b"\n\n")[0].partition(b"\r\n\r\n")[0]
    named = ""
    for line in head.decode("utf-8", "replace").splitlines():
        if line.lower().startswith("x-gmail-labels:"):
            named = line.partition(":")[2]
    labels = {TAKEOUT_LABELS[label] for label in (part.strip() for part in named.split(",")) if label in TAKEOUT_LABELS}
    if not labels & {"SENT", "DRAFT", "CHAT", "SPAM", "TRASH"}:
        labels.add("INBOX")
    return tuple(sorted(labels))


def _jsonl(path: Path) -> Iterator[FiledMail]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            source = f"{path.name}:{number}"
            if len(line) > LINE_BYTES:
                raise Rejected(f"{source}: line longer than {LINE_BYTES} bytes")
            try:
                row = json.loads(line)
            except ValueError as e:
                raise Rejected(f"{source}: not JSON ({e})") from e
            if not isinstance(row, dict) or not all(
                isinstance(row.get(k, ""), str) for k in ("from", "subject", "body")
            ):
                raise Rejected(f"{source}: expected an object with the texts from, subject and body")
            yield FiledMail(source=source, data=wrap(row.get("from", ""), row.get("subject", ""), row.get("body", "")))


def wrap(sender: str, subject: str, body: str, *, passing: bool = True) -> bytes:
    """A labelled text as the RFC 5322 message that Gmail would have got, with Gmail's own authentication result."""
    name, address = parseaddr(" ".join(sender.split()))
    user, _, domain = address.rpartition("@")
    if not user or not domain.isascii() or not domain.replace("-", "").replace(".", "").isalnum():
        name, user, domain = name or sender, *UNKNOWN_SENDER.split("@")
    message = EmailMessage(policy=SMTP)
    verdict = "pass" if passing else "fail"
    message["Authentication-Results"] = (
        f"mx.google.com; spf={verdict} smtp.mailfrom={domain}; dmarc={verdict} header.from={domain}"
    )
    message["From"] = Address(_line(name)[:200], username=user, domain=domain)
    message["To"] = "me@example.com"
    message["Subject"] = _line(subject)
    message.set_content(body, charset="utf-8", cte="base64")
    return message.as_bytes()


def _line(text: str) -> str:
    """One header's text, its encoded words broken up: the library would decode a line feed and begin a header there."""
    return " ".join(text.split()).replace("=?", "= ?")
