"""Header fields of a mail (RFC 5322, 2047, 2231), read in linear time whatever they hold.

The standard library's parsers are not safe here: 309 bytes of "(" in From: end in RecursionError, and folding or
decoding some values is quadratic. Every function below is total and looks at a bounded part of its input.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from shared.classify.charsets import clean, decode_word

HEADER_BYTES = 256 * 1024
"""How much of a header block is read. Gmail itself refuses more than 500 KB; real mail has 5 to 20 KB."""

HEADER_FIELDS = 1_000
"""How many fields are read. A mail that went through many hands has about 100."""

FIELD_CHARACTERS = 16 * 1024
"""How much of one field is read: a To: line of about 400 people."""

ADDRESSES = 100
"""How many addresses of one field are read."""

ADDRESS_CHARACTERS = 320
"""The longest address of RFC 5321: 64 for the local part, 255 for the domain."""

NAME_CHARACTERS = 200
"""How much of a display name or a file name is kept."""

ENCODED_WORDS = 400
"""How many encoded words of one field are decoded: 16 KB of text in words of 40."""

PARAMETERS = 50
"""How many parameters of a Content-Type or Content-Disposition are read."""

REFERENCES = 50
"""How many Message-IDs of References: are kept: the thread's first and its newest."""

Field = tuple[str, str]
"""A header field: lower-cased name, unfolded raw value."""

_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,2000})\?=")
_WORD = re.compile(r'[^"(<>,;]+')
_CLOSERS = {'"': re.compile(r'["\\]'), "(": re.compile(r"[()\\]")}
_AT = re.compile(r"\S@\S")
_SPECIALS = ' "(),:;<>@[\\]'
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,998}>")
_DOMAIN = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,20}")
_Q_ESCAPE = re.compile(rb"=([0-9A-Fa-f]{2})")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_CONTINUATION = re.compile(r"\*(\d{1,2})(\*?)$")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"))
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


class Lexeme(NamedTuple):
    """A piece of a structured field."""

    kind: Literal["word", "quoted", "comment", "sign", "unclosed"]
    text: str


class Address(NamedTuple):
    """A mailbox of an address list: display name and lower-cased addr-spec, empty when it cannot be one."""

    name: str
    address: str


def read_fields(block: bytes) -> tuple[list[Field], bool]:
    """The fields of a header block in their order, and whether something had to be left out for its size."""
    cut = len(block) > HEADER_BYTES
    block = block[:HEADER_BYTES]
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError:
        text = block.decode("latin-1")
    fields: list[Field] = []
    name = ""
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if line[:1] in {" ", "\t"}:
            lines.append(line)
            continue
        if name:
            cut |= _append(fields, name, "".join(lines))
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t").lower()
        if not colon or not name.isascii() or not name.isprintable() or " " in name:
            name = ""
        lines = [value]
        if len(fields) >= HEADER_FIELDS:
            return fields, True
    if name:
        cut |= _append(fields, name, "".join(lines))
    return fields, cut


def _append(fields: list[Field], name: str, value: str) -> bool:
    fields.append((name, value[:FIELD_CHARACTERS].strip()))
    return len(value) > FIELD_CHARACTERS


def first(fields: Sequence[Field], name: str) -> str:
    """The raw value of the first field of that name; empty when there is none."""
    for field, value in fields:
        if field == name:
            return value
    return ""


def decode_words(value: str) -> str:
    """The value as a person reads it: encoded words decoded (RFC 2047), whitespace collapsed, invisible signs gone.

    Neighbouring words of one charset are joined as bytes before they are decoded: many mailers cut in the middle of a
    multibyte character.
    """
    if "=?" not in value:
        return " ".join(clean(value).split())
    pieces: list[str] = []
    raw = b""
    charset = ""
    end = 0
    for count, word in enumerate(_ENCODED_WORD.finditer(value)):
        if count == ENCODED_WORDS:
            break
        between = value[end : word.start()]
        # A language may follow the charset ("utf-8*en", RFC 2231).
        declared = word[1].partition("*")[0].lower()
        if raw and (between.strip() or declared != charset):
            pieces.append(decode_word(raw, charset))
            raw = b""
        if between.strip() or end == 0:
            pieces.append(between)
        raw += _word_bytes(word[2], word[3])
        charset = declared
        end = word.end()
    pieces.append(decode_word(raw, charset))
    pieces.append(value[end:])
    return " ".join(clean("".join(pieces)).split())


def _word_bytes(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding in "bB":
        return decode_base64(raw)
    return _Q_ESCAPE.sub(_escaped, raw.replace(b"_", b" "))


def _escaped(escape: re.Match[bytes]) -> bytes:
    return bytes((int(escape[1], 16),))


def decode_base64(raw: bytes) -> bytes:
    """Base64 or base64url, with or without padding; what is not of the alphabet is left out, a broken end too."""
    raw = raw.split(b"=", 1)[0].translate(_URL_SAFE, _NOT_BASE64.replace(b"-", b"").replace(b"_", b""))
    if len(raw) % 4 == 1:
        raw = raw[:-1]
    return binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))


def lexemes(value: str) -> Iterator[Lexeme]:
    """The words, quoted strings, comments and signs of a structured field, nesting counted and escapes undone.

    What is never closed is "unclosed", up to the end: a reader that needs certainty can stop there.
    """
    value = value[:FIELD_CHARACTERS]
    at = 0
    while at < len(value):
        word = _WORD.match(value, at)
        if word:
            yield Lexeme("word", word[0])
            at = word.end()
        elif value[at] in _CLOSERS:
            lexeme, at = _enclosed(value, at)
            yield lexeme
        else:
            yield Lexeme("sign", value[at])
            at += 1


def _enclosed(value: str, start: int) -> tuple[Lexeme, int]:
    kind: Literal["quoted", "comment"] = "quoted" if value[start] == '"' else "comment"
    pieces: list[str] = []
    depth = 1
    at = start + 1
    while True:
        stop = _CLOSERS[value[start]].search(value, at)
        if stop is None:
            return Lexeme("unclosed", "".join(pieces) + value[at:]), len(value)
        pieces.append(value[at : stop.start()])
        at = stop.end()
        if stop[0] == "\\":
            pieces.append(value[at : at + 1])
            at += 1
            continue
        depth += 1 if stop[0] == "(" else -1
        if depth == 0:
            return Lexeme(kind, "".join(pieces)), at
        pieces.append(stop[0])


def addresses(value: str) -> list[Address]:
    """The mailboxes of an address list, forgivingly: unquoted commas in names, comments, groups and routes are read.

    Gmail decodes encoded words without quoting what comes out, so `Doe, Jane <jane@example.com>` is one mailbox. An
    entry whose address cannot be read has an empty address.
    """
    found: list[Address] = []
    entry: list[Lexeme] = []
    inside = has_address = False
    for lexeme in lexemes(value):
        kind, text = lexeme
        if kind == "sign":
            has_address |= inside and text == ">"
            inside = text == "<" or (inside and text != ">")
        else:
            has_address |= kind == "word" and _AT.search(text) is not None
        entry.append(lexeme)
        # A comma behind a name without an address belongs to the name; it should have been quoted.
        if kind == "sign" and has_address and not inside:
            found.append(_mailbox(entry))
            entry, has_address = [], False
            if len(found) == ADDRESSES:
                return found
    if has_address or inside:
        found.append(_mailbox(entry))
    return found


def _mailbox(entry: list[Lexeme]) -> Address:
    """One mailbox: with angle brackets, or bare ("jane@example.com (Jane)", "Jane jane@example.com")."""
    phrase: list[str] = []
    comment: list[str] = []
    angle: list[str] | None = None
    for kind, text in entry:
        if kind == "comment":
            comment.append(text)
        elif (kind, text) == ("sign", "<"):
            angle = []
        elif angle is None:
            phrase.append(text)
        elif (kind, text) != ("sign", ">"):
            angle.append(f'"{text}"' if kind == "quoted" else text)
    if angle is not None:
        return Address(_name("".join(phrase)) or _name("".join(comment)), _addr_spec("".join(angle)))
    words = "".join(phrase).rstrip(",; ").split()
    at = max((index for index, word in enumerate(words) if "@" in word), default=0)
    name = _name(" ".join([*words[:at], *words[at + 1 :]]))
    return Address(name or _name("".join(comment)), _addr_spec(words[at] if words else ""))


def _name(text: str) -> str:
    return decode_words(text)[:NAME_CHARACTERS].strip(" ,;")


def _addr_spec(text: str) -> str:
    """The addr-spec in `text`, lower-cased; empty when it is none that mail could be sent to."""
    text = text.strip().lower()
    if not text.startswith('"'):
        # A route ("@relay.example:jane@example.com") or the name of a group may stand before it.
        text = text.rpartition(":")[2].strip()
    local, _, domain = text.rpartition("@")
    domain = domain.removesuffix(".")
    quoted = len(local) > 2 and local[0] == local[-1] == '"' and '"' not in local[1:-1]  # noqa: PLR2004 - both quotes
    if not local or len(text) > ADDRESS_CHARACTERS or not text.isprintable() or not _DOMAIN.fullmatch(domain):
        return ""
    if not quoted and any(character in _SPECIALS for character in local):
        return ""
    return f"{local}@{domain}"


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """The main value, lower-cased, and the parameters of a field such as Content-Type (RFC 2045, 2231, 2047)."""
    value = value[:FIELD_CHARACTERS]
    main = value.partition(";")[0].partition("(")[0].strip().lower()
    found: dict[str, str] = {}
    at = value.find(";")
    while at >= 0 and len(found) < PARAMETERS:
        equals = value.find("=", at)
        if equals < 0:
            break
        # Whatever semicolons stand before the "=" belong to empty parameters.
        at = value.rfind(";", at, equals)
        name = value[at + 1 : equals].strip().lower()
        start = equals + 1
        while value[start : start + 1].isspace():
            start += 1
        if value[start : start + 1] == '"':
            text, end = _quoted(value, start + 1)
            at = value.find(";", end)
        else:
            at = value.find(";", start)
            text = (value[start:at] if at >= 0 else value[start:]).strip()
        found.setdefault(name, text)
    return main, _joined(found)


def _quoted(value: str, start: int) -> tuple[str, int]:
    pieces: list[str] = []
    while True:
        end = value.find('"', start)
        if end < 0:
            return "".join(pieces) + value[start:], len(value)
        slash = value.find("\\", start, end)
        if slash < 0:
            return "".join(pieces) + value[start:end], end + 1
        pieces.append(value[start:slash] + value[slash + 1 : slash + 2])
        start = slash + 2


def _joined(found: dict[str, str]) -> dict[str, str]:
    """Continuations joined ("name*0*=", "name*1=") and percent-encodings decoded, as RFC 2231 has it."""
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for key, text in found.items():
        continuation = _CONTINUATION.search(key)
        if continuation:
            pieces.setdefault(key[: continuation.start()], {})[int(continuation[1])] = (text, bool(continuation[2]))
        elif key.endswith("*"):
            pieces.setdefault(key[:-1], {})[0] = (text, True)
        else:
            plain[key] = decode_words(text)
    for key, parts in pieces.items():
        encoded = parts.get(0, ("", False))[1]
        charset = ""
        raw = b""
        for _, (text, percent) in sorted(parts.items()):
            rest = text
            if percent and not raw and encoded and text.count("'") >= 2:  # noqa: PLR2004 - charset'language'text
                charset, _, rest = text.partition("'")
                rest = rest.partition("'")[2]
            piece = rest.encode("utf-8", "replace")
            raw += _PERCENT.sub(_escaped, piece) if percent else piece
        plain[key] = " ".join(clean(decode_word(raw, charset)).split())
    return plain


def message_ids(value: str) -> tuple[str, ...]:
    """The Message-IDs of a field, with their angle brackets; the first and the newest when there are many."""
    found: list[str] = _MESSAGE_ID.findall(clean(value[:FIELD_CHARACTERS]))
    return tuple(found) if len(found) <= REFERENCES else (found[0], *found[1 - REFERENCES :])
