"""One mail: RFC 5322 bytes as Gmail's Message resource shows them, and as its search sees them."""

from __future__ import annotations

import html
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Any, Final

SNIPPET_CHARACTERS: Final = 200
"""About as much of a mail as Gmail shows in a list."""

SEARCHED_CHARACTERS: Final = 100_000
"""How much of a body the search sees; more would only make the model slow."""

DECODED_CHARACTERS: Final = 20_000
"""Longer headers stay as they are; no sender needs them, and decoding takes its time."""

PART_DEPTH: Final = 40
"""MIME parts within each other; what is deeper is left out, as Gmail does before it gives up on a mail."""

REMEMBERED_MAILS: Final = 4096
"""Parsed mails that are kept: a simulation plays the same few thousands of times."""

_NO_CHARSETS: Final = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape"})
"""Codecs of Python's that are no charsets, and slow on purpose-made input."""

_MESSAGE_ID = re.compile(r"<[^<>\s]+>")
_REPLY_PREFIX = re.compile(r"(?:(?:re|fwd?|aw|wg|sv|rv|tr|antw)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_FOLD = re.compile(r"\r?\n[ \t]*")
_TAG = re.compile(r"<[^<>]*>")
_WORD = re.compile(r"\w+")


@lru_cache(maxsize=REMEMBERED_MAILS)
def parsed(raw: bytes) -> ParsedMail:
    """The mail of these bytes. Whatever they are, there is one: Gmail never refuses to show a mail."""
    return ParsedMail(raw)


def words(text: str) -> str:
    """Text as the search compares it: its words in lower case, one space around each."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def base_subject(subject: str) -> str:
    """A subject without the Re: and Fwd: before it, for comparing threads."""
    return " ".join(_REPLY_PREFIX.sub("", subject.strip(), count=1).split()).casefold()


class ParsedMail:
    """One mail, read as far as somebody has asked. Shared between mailboxes, so nobody may change what it returns."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        try:
            self._message: Message = message_from_bytes(raw)
        except RecursionError:
            # Parts within parts, made to exhaust a parser: the headers are still there, the rest is one text.
            self._message = BytesHeaderParser().parsebytes(raw)
        self._picked: dict[tuple[str, ...], list[dict[str, str]]] = {}
        self._words: dict[tuple[str, ...], str] = {}

    # --- headers ---

    @cached_property
    def headers(self) -> list[dict[str, str]]:
        """All headers in their order, unfolded and decoded."""
        return _headers(self._message)

    def picked(self, names: tuple[str, ...]) -> list[dict[str, str]]:
        """The headers of these names, in their own order."""
        known = self._picked.get(names)
        if known is None:
            wanted = {name.lower() for name in names}
            known = self._picked[names] = [h for h in self.headers if h["name"].lower() in wanted]
        return known

    def header(self, name: str) -> str:
        """The first header of this name, or nothing."""
        name = name.lower()
        return next((h["value"] for h in self.headers if h["name"].lower() == name), "")

    @cached_property
    def message_id(self) -> str:
        """Message-ID with its angle brackets, or nothing."""
        found = _MESSAGE_ID.search(self.header("Message-ID"))
        return found[0] if found else ""

    @cached_property
    def references(self) -> tuple[str, ...]:
        """Message-IDs of the mails that this one answers."""
        return tuple(_MESSAGE_ID.findall(f"{self.header('References')} {self.header('In-Reply-To')}"))

    @cached_property
    def base_subject(self) -> str:
        """The subject that a thread has in common."""
        return base_subject(self.header("Subject"))

    def addresses(self, *names: str) -> tuple[str, ...]:
        """Addresses in these headers, lower-cased, valid or not."""
        values = [h["value"] for h in self.picked(names)]
        return tuple(address.lower() for _, address in getaddresses(values) if address)

    @cached_property
    def recipients(self) -> tuple[str, ...]:
        """Everybody to whom it goes."""
        return self.addresses("To", "Cc", "Bcc")

    # --- the resource ---

    @property
    def mime_type(self) -> str:
        """Type of the whole mail."""
        return self._message.get_content_type()

    @cached_property
    def payload(self) -> dict[str, Any]:
        """The tree of its parts, as format=full shows it."""
        return _part(self._message, "", self._attachment_id, 0)

    @cached_property
    def raw_base64(self) -> str:
        """The whole mail, as format=raw shows it."""
        return urlsafe_b64encode(self.raw).decode()

    @cached_property
    def attachments(self) -> dict[str, bytes]:
        """Content of each part that has a file name, by attachment id."""
        return {self._attachment_id(part_id): _content(part) for part_id, part in _walk(self._message) if _name(part)}

    @cached_property
    def _digest(self) -> bytes:
        return sha256(self.raw).digest()

    def _attachment_id(self, part_id: str) -> str:
        """Opaque, long, and good for this mail alone."""
        return "ANGjdJ" + urlsafe_b64encode(self._digest * 3 + part_id.encode()).decode().rstrip("=")

    @cached_property
    def file_names(self) -> tuple[str, ...]:
        """Names of its attachments."""
        return tuple(name for _, part in _walk(self._message) if (name := _name(part)))

    @cached_property
    def text(self) -> str:
        """Its readable text: the plain part, or what the HTML says."""
        plain: list[str] = []
        rich: list[str] = []
        for _, part in _walk(self._message):
            if not _name(part) and part.get_content_maintype() == "text":
                text = _utf8(part).decode("utf-8", "replace")[:SEARCHED_CHARACTERS]
                if part.get_content_subtype() == "html":
                    rich.append(_without_tags(text))
                elif part.get_content_subtype() == "plain":
                    plain.append(text)
        return " ".join(plain if any(text.strip() for text in plain) else rich)

    @cached_property
    def snippet(self) -> str:
        """Its beginning, escaped for HTML as Gmail does it."""
        beginning = " ".join(self.text[: 20 * SNIPPET_CHARACTERS].split())
        if len(beginning) > SNIPPET_CHARACTERS:
            cut = beginning[:SNIPPET_CHARACTERS]
            beginning = cut[: cut.rfind(" ")] if " " in cut else cut
        return html.escape(beginning).replace("&#x27;", "&#39;")

    # --- what the search compares ---

    @cached_property
    def all_words(self) -> str:
        """Every word that a free search term may hit."""
        addresses = " ".join(h["value"] for h in self.picked(("From", "To", "Cc", "Bcc", "Reply-To")))
        return words(f"{self.header('Subject')} {addresses} {' '.join(self.file_names)} {self.text}")

    def header_words(self, *names: str) -> str:
        """The words of some headers."""
        known = self._words.get(names)
        if known is None:
            known = self._words[names] = words(" ".join(h["value"] for h in self.picked(names)))
        return known

    @cached_property
    def file_words(self) -> str:
        """The words of the attachments' names, their endings among them."""
        return words(" ".join(self.file_names))


def _headers(message: Message) -> list[dict[str, str]]:
    return [{"name": name, "value": _decoded(value)} for name, value in message.raw_items()]


def _decoded(value: str) -> str:
    """A header's value unfolded and as text: RFC 2047 words decoded, raw 8-bit taken for UTF-8."""
    value = _FOLD.sub(" ", str(value)).strip()
    value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if "=?" in value and len(value) <= DECODED_CHARACTERS:
        with suppress(HeaderParseError, LookupError, UnicodeError, ValueError):
            return str(make_header(decode_header(value)))
    return value


def _children(part: Message) -> list[Message]:
    """The parts that Gmail shows below one. A delivery status is a text to it, not a container."""
    if part.get_content_type() == "message/delivery-status":
        return []
    return _inner(part)


def _inner(part: Message) -> list[Message]:
    """What a container holds. Python's parser is not asked about other parts: odd parameters make it raise."""
    return [each for each in part.get_payload() if isinstance(each, Message)] if part.is_multipart() else []


def _walk(part: Message, part_id: str = "", depth: int = 0) -> Iterator[tuple[str, Message]]:
    """Every part with its Gmail part id, in order."""
    yield part_id, part
    if depth < PART_DEPTH:
        for n, child in enumerate(_children(part)):
            yield from _walk(child, f"{part_id}.{n}" if part_id else str(n), depth + 1)


def _part(part: Message, part_id: str, attachment_id: Callable[[str], str], depth: int) -> dict[str, Any]:
    """A MessagePart: containers have parts, files an attachment id, and everything else its data."""
    name = _name(part)
    shown: dict[str, Any] = {
        "partId": part_id,
        "mimeType": part.get_content_type(),
        "filename": name,
        "headers": _headers(part),
    }
    children = _children(part) if depth < PART_DEPTH else []
    if children:
        shown["body"] = {"size": 0}
        shown["parts"] = [
            _part(child, f"{part_id}.{n}" if part_id else str(n), attachment_id, depth + 1)
            for n, child in enumerate(children)
        ]
    elif name:
        shown["body"] = {"attachmentId": attachment_id(part_id), "size": len(_content(part))}
    else:
        content = _utf8(part)
        shown["body"] = {"size": len(content), "data": urlsafe_b64encode(content).decode()}
    if name and children:
        shown["body"]["attachmentId"] = attachment_id(part_id)
    return shown


def _name(part: Message) -> str:
    """The file name of a part, as the sender wrote it."""
    try:
        return _decoded(part.get_filename() or "")
    except (LookupError, TypeError, ValueError):  # a broken RFC 2231 parameter names nothing
        return ""


def _content(part: Message) -> bytes:
    """What a part holds, without its transfer encoding."""
    if part.is_multipart():  # message/*: the mails inside, as they are
        return b"\n".join(each.as_bytes() for each in _inner(part))
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _utf8(part: Message) -> bytes:
    """A text part as Gmail hands it out: always UTF-8, whatever charset its header still names."""
    content = _content(part)
    if part.get_content_maintype() != "text":
        return content
    for charset in (part.get_content_charset("utf-8"), "utf-8"):
        if charset not in _NO_CHARSETS:
            with suppress(LookupError, UnicodeError, ValueError):
                return content.decode(charset).encode("utf-8")
    return content.decode("latin-1").encode("utf-8")


def _without_tags(markup: str) -> str:
    """What HTML says to a reader, well enough for a search: no tags, no style, no script."""
    for name in ("style", "script"):
        pieces, lowered, at = [], markup.lower(), 0
        while (start := lowered.find(f"<{name}", at)) >= 0:
            pieces.append(markup[at:start])
            end = lowered.find(f"</{name}", start)
            at = len(markup) if end < 0 else end
        markup = " ".join([*pieces, markup[at:]])
    return html.unescape(_TAG.sub(" ", markup))


# --- Mail on its way out ----------------------------------------------------------------------------------------------


def header_fields(raw: bytes) -> tuple[list[tuple[bytes, bytes]], bytes, bytes]:
    """A mail cut in three: header fields (lower-cased name, whole field), line end, all from the blank line on."""
    eol = b"\r\n" if raw.partition(b"\n")[0].endswith(b"\r") else b"\n"
    head, blank, rest = raw.partition(eol + eol)
    fields: list[tuple[bytes, bytes]] = []
    for line in head.split(eol):
        if line[:1] in (b" ", b"\t") and fields:
            name, before = fields[-1]
            fields[-1] = (name, before + eol + line)
        elif line:
            fields.append((line.partition(b":")[0].strip().lower(), line))
    return fields, eol, blank + rest


def with_headers(raw: bytes, changes: Mapping[str, str | None]) -> bytes:
    """The same mail with some headers replaced (put first) or, by None, removed; the body stays byte for byte."""
    fields, eol, rest = header_fields(raw)
    gone = {name.lower().encode() for name in changes}
    lines = [f"{name}: {value}".encode() for name, value in changes.items() if value is not None]
    lines += [field for name, field in fields if name not in gone]
    return eol.join(lines) + (rest or eol + eol)
