"""A letter as the mail that leaves: RFC 5322 bytes in which no text of anybody's can add a header or a recipient."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from email import policy
from email.message import MIMEPart
from email.utils import format_datetime
from urllib.parse import quote

from shared.errors import Rejected
from shared.lines import header_line
from shared.model import Letter

SEND_HEADER = "X-Hearback-Send"
"""Names the send that a draft belongs to. Gmail replaces every Message-ID of ours, but leaves this alone."""

SUBJECT_CHARACTERS = 200
"""Twice what mail programs show."""

NAME_CHARACTERS = 120
"""Of a person and of a file."""

TEXT_CHARACTERS = 20_000
"""Ten pages: more than any cover letter, and with its HTML far below what a document of the store holds."""

HTML_CHARACTERS = 60_000
"""The same letter with its mark-up."""

MOST_REFERENCES = 10
"""Ancestors that a follow-up names: the first of the thread and the last nine, as RFC 5322 lets long chains be cut."""

LINE = 76
"""Characters of a header's line: what RFC 2047 allows to a line with encoded words."""

ENCODED_BYTES = 42
"""UTF-8 in one encoded word: 56 characters of base64 and 12 of frame, below RFC 2047's 75."""

ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
"""An addr-spec without quotes, comments and literals; domains of other scripts are in Punycode by now."""

MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,400}>")
"""Printable ASCII between angle brackets: real ones break RFC 5322's finer rules, but never hold a space."""

NOT_IN_FILE_NAMES = frozenset('\\/:*?"<>|')
"""What Windows takes in no name; quotes at its ends Python's parser takes away besides."""

MEDIA_TYPE = re.compile(r"([a-z0-9.+-]{1,100})/([a-z0-9.+-]{1,100})")

NAME_PIECE = 54
"""Characters of a name's piece (RFC 2231): with what frames it, a line stays below 78."""

CHARSET = "utf-8''"
"""How the first piece of such a name begins: the charset, and no language."""

_PRINTABLE = re.compile(r"[ -~]*")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]+(?: [A-Za-z0-9._-]+)*")
"""Nothing that any parser takes for syntax, quoted or not."""


def compose(
    letter: Letter, *, send_id: str, sender: str, attachments: Sequence[tuple[str, str, bytes]], date: datetime
) -> bytes:
    """The mail: text, HTML beside it, and attachments (name, media type, content). Raises Rejected, naming the field.

    The same letter gives the same bytes. There is no Message-ID: Gmail makes its own, whatever it is told. Without a
    `sender` Gmail puts the account's address.
    """
    headers = [("From", _address("sender", sender))] if sender else []
    headers += [
        ("To", _recipient(letter)),
        ("Subject", _text(header_line("subject", letter.subject, SUBJECT_CHARACTERS))),
        ("Date", format_datetime(date)),
        (SEND_HEADER, _token("send_id", send_id)),
    ]
    if letter.in_reply_to:
        headers.append(("In-Reply-To", _message_id(letter.in_reply_to)))
    if letter.references:
        headers.append(("References", "\r\n ".join(map(_message_id, _bounded(letter.references)))))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return head.encode("ascii") + _content(letter, attachments, send_id)


def body_text(field: str, text: str, most: int) -> str:
    """Text of several lines, each ended by LF. Raises Rejected for control characters and for what is no Unicode."""
    if len(text) > most:
        raise Rejected(f"{field}: more than {most} characters")
    # A byte order mark at the beginning is left over from some file; parsers disagree about whether it is text.
    lines = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if found := re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", lines):
        raise Rejected(f"{field}: contains the control character U+{ord(found[0]):04X}")
    return lines


def _content(letter: Letter, attachments: Sequence[tuple[str, str, bytes]], send_id: str) -> bytes:
    """MIME-Version and the parts: text, HTML beside it, attachments behind them."""
    # "=_" occurs in no quoted-printable and in no base64. The library would draw lots, and two drafts of one letter
    # would differ.
    boundary = f"=_{hashlib.sha256(send_id.encode()).hexdigest()[:32]}"
    content = _part("plain", body_text("text", letter.text, TEXT_CHARACTERS))
    if letter.html:
        html = _part("html", body_text("html", letter.html, HTML_CHARACTERS))
        content = _multipart("alternative", f"{boundary}_1", [content, html])
    if attachments:
        content = _multipart("mixed", f"{boundary}_0", [content, *(_attachment(*each) for each in attachments)])
    return b"MIME-Version: 1.0\r\n" + content


def _part(subtype: str, text: str) -> bytes:
    part = MIMEPart(policy=policy.SMTP)
    part.set_content(text if text.endswith("\n") else f"{text}\n", subtype=subtype, cte="quoted-printable")
    return part.as_bytes()


def _attachment(name: str, media_type: str, content: bytes) -> bytes:
    kind = MEDIA_TYPE.fullmatch(media_type)
    if kind is None:
        raise Rejected("attachments: not a media type")
    part = MIMEPart(policy=policy.SMTP)
    part.set_content(content, maintype=kind[1], subtype=kind[2], cte="base64")
    del part["Content-Disposition"]
    shown = _file_name(header_line("attachments", name, NAME_CHARACTERS))
    return f"Content-Disposition: attachment;\r\n {shown}\r\n".encode("ascii") + part.as_bytes()


def _multipart(subtype: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    head = f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n'.encode("ascii")
    line = f"--{boundary}".encode("ascii")
    return head + b"".join(line + b"\r\n" + part + b"\r\n" for part in parts) + line + b"--\r\n"


def _file_name(name: str) -> str:
    """The parameter of an attachment's name. Parsers agree on plain names between quotes, and on RFC 2231."""
    if not name or set(name) & NOT_IN_FILE_NAMES:
        raise Rejected(f"attachments: a file needs a name, without any of {' '.join(sorted(NOT_IN_FILE_NAMES))}")
    if _PLAIN_NAME.fullmatch(name):
        return f'filename="{name}"'
    pieces = [""]
    for character in name:
        escaped = quote(character, safe="")
        # A character is never cut in two: some parsers decode each piece by itself.
        if len(pieces[-1]) + len(escaped) > NAME_PIECE:
            pieces.append("")
        pieces[-1] += escaped
    if len(pieces) == 1:
        return f"filename*={CHARSET}{pieces[0]}"
    pieces[0] = CHARSET + pieces[0]
    return ";\r\n ".join(f"filename*{number}*={piece}" for number, piece in enumerate(pieces))


def _text(text: str) -> str:
    """Unstructured text (RFC 5322) folded at its spaces, or as encoded words (RFC 2047)."""
    if not text:
        raise Rejected("subject: must not be empty")
    if _PRINTABLE.fullmatch(text) and "=?" not in text:
        return "\r\n ".join(_folded(text))
    return _encoded(text)


def _folded(text: str) -> list[str]:
    """The text's lines, broken at spaces only; a word longer than a line keeps one of its own."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > LINE - len("Subject: "):
            lines.append(word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return lines


def _encoded(text: str) -> str:
    """Encoded words of whole characters; the white space between two of them is not text."""
    words = [b""]
    for character in text:
        octets = character.encode()
        if len(words[-1]) + len(octets) > ENCODED_BYTES:
            words.append(b"")
        words[-1] += octets
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in words)


def _recipient(letter: Letter) -> str:
    """An addr-spec, with the name before it when there is one."""
    address = _address("recipient", letter.recipient)
    name = header_line("recipient_name", letter.recipient_name, NAME_CHARACTERS)
    if not name:
        return address
    if _PLAIN_NAME.fullmatch(name):
        return f'"{name}"\r\n <{address}>'
    # Python's parser puts a space between two encoded words of a name. Rather no name than a wrong one.
    return f"{_encoded(name)}\r\n <{address}>" if len(name.encode()) <= ENCODED_BYTES else address


def _address(field: str, address: str) -> str:
    if not ADDRESS.fullmatch(address):
        raise Rejected(f"{field}: not an address")
    return address


def _token(field: str, text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", text):
        raise Rejected(f"{field}: not an id of ours")
    return text


def _message_id(text: str) -> str:
    if not MESSAGE_ID.fullmatch(text):
        raise Rejected("references: not a Message-ID")
    return text


def _bounded(references: Sequence[str]) -> Sequence[str]:
    known = list(dict.fromkeys(references))
    return known if len(known) <= MOST_REFERENCES else [known[0], *known[-(MOST_REFERENCES - 1) :]]
