"""A message's parts (RFC 2045 to 2049), read from RFC 5322 bytes or from Gmail's message JSON into the same tree.

Linear and total: no input raises, every search only moves forward, and what is left out for its size, depth or number
is named in `Message.problems`. The content of a part is decoded only where somebody reads it.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shared.classify.charsets import clean, decode_body
from shared.classify.headers import (
    FIELD_CHARACTERS,
    HEADER_BYTES,
    HEADER_FIELDS,
    NAME_CHARACTERS,
    Field,
    decode_base64,
    decode_words,
    first,
    parameters,
    read_fields,
)

MESSAGE_BYTES = 32 * 1024 * 1024
"""How much of a message is looked at; Gmail accepts mail of 25 MB (34 MB once it is encoded for the way)."""

CONTENT_BYTES = 256 * 1024
"""How much of one part is decoded; Gmail itself cuts what it shows of a message at 102 KB."""

PARTS = 200
"""How many parts are read; a mail with 100 inline pictures has about as many."""

DEPTH = 10
"""How deep parts nest; a forward of a forward of a signed mail with pictures has 8 levels."""

PART_HEADER_BYTES = 16 * 1024
"""How much of a part's header is read."""

BOUNDARY_CHARACTERS = 200
"""The longest boundary; RFC 2046 says 70."""

FALSE_BOUNDARIES = 2_000
"""How many lines that only begin like a boundary are passed over in one multipart."""

_ENCODINGS = {"", "7bit", "8bit", "binary", "base64", "quoted-printable"}
_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,80}")
_END_OF_LINE = re.compile(rb"[ \t]{0,100}(?:\r?\n|\Z)")


class Region(NamedTuple):
    """A range of a message's bytes; parts are read in place, since copies of a 32 MB mail add up."""

    data: bytes
    start: int
    end: int


@dataclass(slots=True)
class Part:
    """One node of the tree. `raw` is still encoded for transfer; `text` and `content` decode it."""

    media_type: str
    parameters: dict[str, str]
    fields: list[Field]
    name: str = ""
    """File name, empty when it has none."""
    attached: bool = False
    """Content-Disposition says attachment."""
    encoding: str = ""
    """Content-Transfer-Encoding of `raw`, lower-cased; empty for none."""
    raw: bytes = b""
    size: int = 0
    attachment_id: str = ""
    parts: list[Part] = field(default_factory=list)

    @property
    def content(self) -> bytes:
        """The part's bytes, decoded from base64 or quoted-printable as far as they can be, at most `CONTENT_BYTES`."""
        if self.encoding == "base64":
            return decode_base64(self.raw[: CONTENT_BYTES * 4 // 3])[:CONTENT_BYTES]
        if self.encoding == "quoted-printable":
            return binascii.a2b_qp(self.raw[: CONTENT_BYTES * 3])[:CONTENT_BYTES]
        return self.raw[:CONTENT_BYTES]

    @property
    def text(self) -> str:
        """The part's text, in its charset, cleaned."""
        return clean(decode_body(self.content, self.parameters.get("charset", "")))


@dataclass(slots=True)
class Message:
    """The tree of a message's parts, its own header fields in `root.fields`, and what could not be read."""

    root: Part
    fields_cut: bool
    """There are more header fields than are read, so nothing may be concluded from one that is missing."""
    problems: list[str]


def read_bytes(data: bytes) -> Message:
    """A message from RFC 5322 bytes."""
    reader = _Reader()
    if len(data) > MESSAGE_BYTES:
        reader.problem("the message is longer than 32 MB")
        data = data[:MESSAGE_BYTES]
    region = Region(data, 0, len(data))
    fields, body = reader.header(region, HEADER_BYTES)
    root = reader.part(fields, body, depth=0)
    return Message(root, reader.fields_cut, reader.problems)


def _body_start(region: Region) -> int:
    """Where the body begins: behind the first blank line; at the end when there is none."""
    data, start, end = region
    if data.startswith((b"\n", b"\r\n"), start, end):
        return start + 1 + data.startswith(b"\r", start)
    line_feed = data.find(b"\n\n", start, end)
    crlf = data.find(b"\n\r\n", start, end if line_feed < 0 else line_feed)
    if crlf >= 0:
        return crlf + 3
    return line_feed + 2 if line_feed >= 0 else end


class _Reader:
    """Counts parts over the whole tree and collects what went wrong, each thing once."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.fields_cut = False
        self._parts = 0

    def problem(self, text: str) -> None:
        if text not in self.problems:
            self.problems.append(text)

    def allows(self, depth: int) -> bool:
        """Whether one more part may be read at this depth."""
        self._parts += 1
        if self._parts > PARTS:
            self.problem(f"there are more than {PARTS} parts")
        elif depth > DEPTH:
            self.problem(f"parts are nested more than {DEPTH} deep")
        else:
            return True
        return False

    # --- RFC 5322 bytes ---

    def part(self, fields: list[Field], region: Region, depth: int, default: str = "text/plain") -> Part:
        """The part whose header is `fields` and whose body is `region`."""
        part = _described(fields, default)
        if part.encoding not in _ENCODINGS:
            self.problem("a part has an unknown transfer encoding")
        if part.media_type.startswith("multipart/"):
            if self._multipart(part, region, depth):
                return part
            self.problem("a multipart has no readable boundary")
            part.media_type = "text/plain"
        data, start, end = region
        part.raw = data[start : min(end, start + CONTENT_BYTES * 3)]
        part.size = (end - start) * 3 // 4 if part.encoding == "base64" else end - start
        if part.media_type in {"message/rfc822", "message/global"} and self.allows(depth + 1):
            if part.encoding in {"base64", "quoted-printable"}:
                region = Region(part.content, 0, len(part.content))
            # The message inside is read in place.
            part.raw = b""
            self._child(part, region, depth + 1, "text/plain")
        return part

    def _multipart(self, part: Part, region: Region, depth: int) -> bool:
        """Read the parts between the boundaries; False when there is not one."""
        boundary = part.parameters.get("boundary", "")[:BOUNDARY_CHARACTERS].encode("utf-8", "replace")
        if not boundary:
            return False
        default = "message/rfc822" if part.media_type == "multipart/digest" else "text/plain"
        mark = b"\n--" + boundary
        data, start, end = region
        # The first boundary may stand at the very start, behind the line feed of the blank line.
        at = data.find(mark, max(start - 1, 0), end)
        begins = -1
        missed = 0
        while at >= 0 and missed < FALSE_BOUNDARIES:
            behind = at + len(mark)
            closing = data.startswith(b"--", behind)
            line = _END_OF_LINE.match(data, behind + 2 if closing else behind, end)
            if line is None:
                missed += 1
                at = data.find(mark, behind, end)
                continue
            if begins >= 0 and self.allows(depth + 1):
                self._child(part, Region(data, begins, _before_line_end(data, begins, at)), depth + 1, default)
            begins = line.end()
            if closing or self._parts > PARTS:
                return True
            # The line feed that ends one boundary may begin the next.
            at = data.find(mark, begins - 1, end)
        if missed == FALSE_BOUNDARIES:
            self.problem("there are too many lines that look like a boundary")
        if begins >= 0 and self.allows(depth + 1):
            self._child(part, Region(data, begins, end), depth + 1, default)
        return begins >= 0

    def _child(self, part: Part, region: Region, depth: int, default: str) -> None:
        fields, body = self.header(region, PART_HEADER_BYTES)
        part.parts.append(self.part(fields, body, depth, default))

    def header(self, region: Region, most: int) -> tuple[list[Field], Region]:
        """The fields before the first blank line, and the region behind it; lines without any field are body."""
        start = _body_start(region)
        block = region.data[region.start : min(start, region.start + most)]
        fields, cut = read_fields(block)
        if cut or start - region.start > most:
            self.problem("a header is too long to be read whole")
            # The message's own header is read first of all.
            self.fields_cut |= self._parts == 0
        no_header = not fields and block.strip()
        return fields, Region(region.data, region.start if no_header else start, region.end)

    # --- Gmail's JSON ---

    def gmail_part(self, node: Mapping[str, Any], depth: int) -> Part:
        """A MessagePart of Gmail's API, whose body is already decoded from its transfer encoding."""
        fields, cut = _gmail_fields(node.get("headers"))
        if cut:
            self.fields_cut |= depth == 0
            self.problem("a header is too long to be read whole")
        declared = _string(node.get("mimeType")).strip().lower()
        part = _described(fields, declared or "text/plain")
        if _TYPE.fullmatch(declared):
            part.media_type = declared
        part.name = _file_name(_string(node.get("filename"))) or part.name
        body = node.get("body")
        if isinstance(body, Mapping):
            data = _string(body.get("data"), CONTENT_BYTES * 2)
            part.encoding = "base64"
            part.raw = data.encode("ascii", "replace")
            part.attachment_id = _string(body.get("attachmentId"))
            size = body.get("size")
            part.size = size if isinstance(size, int) and 0 <= size < 1 << 40 else 0
        children = node.get("parts")
        if isinstance(children, list):
            for child in children[:PARTS]:
                if isinstance(child, Mapping) and self.allows(depth + 1):
                    part.parts.append(self.gmail_part(child, depth + 1))
        return part


def read_gmail(payload: Mapping[str, Any]) -> Message:
    """A message from the payload of Gmail's message JSON, any part of which may be missing or of a wrong type."""
    reader = _Reader()
    root = reader.gmail_part(payload, 0)
    return Message(root, reader.fields_cut, reader.problems)


def _gmail_fields(headers: object) -> tuple[list[Field], bool]:
    if not isinstance(headers, list):
        return [], False
    fields: list[Field] = []
    cut = len(headers) > HEADER_FIELDS
    for header in headers[:HEADER_FIELDS]:
        if isinstance(header, Mapping):
            name = _string(header.get("name")).strip().lower()
            value = header.get("value")
            if name and isinstance(value, str):
                fields.append((name, value[:FIELD_CHARACTERS].strip()))
                cut |= len(value) > FIELD_CHARACTERS
    return fields, cut


def _string(value: object, most: int = 1_000) -> str:
    return value[:most] if isinstance(value, str) else ""


def _described(fields: list[Field], default: str) -> Part:
    """A part as its header fields describe it, without content."""
    declared, content = parameters(first(fields, "content-type"))
    disposition, placed = parameters(first(fields, "content-disposition"))
    media_type = declared if _TYPE.fullmatch(declared) else default
    return Part(
        media_type=media_type,
        parameters=content,
        fields=fields,
        name=_file_name(placed.get("filename") or content.get("name") or ""),
        attached=disposition == "attachment",
        encoding=first(fields, "content-transfer-encoding").partition(";")[0].strip().lower(),
    )


def _file_name(name: str) -> str:
    """The last piece of a file name, decoded and short: what is shown must not look like a path."""
    return decode_words(name.replace("\\", "/").rpartition("/")[2])[:NAME_CHARACTERS]


def _before_line_end(data: bytes, start: int, end: int) -> int:
    """`end` is the line feed before a boundary, which with its carriage return belongs to the boundary."""
    return max(start, end - 1 if data[end - 1 : end] == b"\r" else end)
