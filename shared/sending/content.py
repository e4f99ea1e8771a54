"""Whether a draft still says what we wrote: a digest of what a recipient would read, whatever Gmail did to its form."""

from __future__ import annotations

import hashlib
import re
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser

COMPARED = ("To", "Cc", "Bcc", "Reply-To", "Subject")
"""Headers whose change is a change of the mail. Gmail itself writes From, Date and Message-ID anew."""


MADE_ANEW = frozenset({b"message-id", b"date", b"received", b"authentication-results"})
"""Headers that another sending writes anew."""


def content_hash(raw: bytes) -> str:
    """SHA-256 of recipients, subject, texts and files, in hexadecimal; line ends and encodings make no difference.

    Total: a draft that the library cannot parse is none of ours any more, and is told apart by its bytes alone.
    """
    try:
        return _digest_of(raw)
    except (RecursionError, LookupError, ValueError, TypeError, AttributeError, MessageError):
        return hashlib.sha256(raw).hexdigest()


def _digest_of(raw: bytes) -> str:
    message = BytesParser(_class=EmailMessage, policy=policy.default).parsebytes(raw)
    digest = hashlib.sha256()

    def add(*parts: str) -> None:
        for part in parts:
            data = part.encode(errors="surrogateescape")
            digest.update(b"%d:" % len(data) + data)

    for name in COMPARED:
        for value in message.get_all(name, ()):
            add(name, " ".join(str(value).split()))
    for part in message.walk():
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True)
        data = content if isinstance(content, bytes) else b""
        kind = part.get_content_type()
        if kind.startswith("text/"):
            data = b"\n".join(line.rstrip() for line in data.splitlines()).strip()
        add(kind, part.get_filename() or "", hashlib.sha256(data).hexdigest())
    return digest.hexdigest()


def without_message_id(raw: bytes) -> bytes:
    """A sent mail as it may leave anew: Gmail gives it another Message-ID and another date."""
    head, gap, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    fields = re.split(rb"\n(?![ \t])", head)
    kept = [field for field in fields if field.partition(b":")[0].lower() not in MADE_ANEW]
    return (b"\n".join(kept) + gap + body).replace(b"\n", b"\r\n")


def header_of(raw: bytes, name: str) -> str:
    """One header of a mail; empty when it has none."""
    # The library's older policy parses a header only as far as it is asked for: anybody's draft may be looked at.
    message = BytesHeaderParser(policy=policy.compat32).parsebytes(raw)
    return str(message.get(name, "")).strip()
