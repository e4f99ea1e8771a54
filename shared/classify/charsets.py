"""Bytes of a mail into text, whatever its sender says they are. Total: any bytes and any charset name give a text."""

from __future__ import annotations

import re

_CODECS = {
    name: codec
    for codec, names in (
        ("utf-8", "utf8 unicode11utf8 usascii ascii ansix341968 646"),
        # WHATWG's reading: what calls itself Latin-1 is windows-1252, its superset, and so with the others below.
        ("cp1252", "iso88591 latin1 l1 windows1252 cp1252 cp819 ibm819"),
        ("cp1250", "windows1250 cp1250"),
        ("cp1251", "windows1251 cp1251"),
        ("cp1253", "windows1253 cp1253"),
        ("cp1254", "windows1254 cp1254 iso88599 latin5"),
        ("cp1255", "windows1255 cp1255"),
        ("cp1256", "windows1256 cp1256"),
        ("cp1257", "windows1257 cp1257"),
        ("cp1258", "windows1258 cp1258"),
        ("cp874", "windows874 cp874 tis620 iso885911"),
        ("cp437", "cp437 ibm437"),
        ("cp850", "cp850 ibm850"),
        ("cp866", "cp866 ibm866"),
        ("mac_roman", "macintosh macroman xmacroman"),
        ("iso8859_2", "iso88592 latin2"),
        ("iso8859_3", "iso88593 latin3"),
        ("iso8859_4", "iso88594 latin4"),
        ("iso8859_5", "iso88595 cyrillic"),
        ("iso8859_6", "iso88596 arabic"),
        ("iso8859_7", "iso88597 greek"),
        ("iso8859_8", "iso88598 hebrew iso88598i"),
        ("iso8859_10", "iso885910 latin6"),
        ("iso8859_13", "iso885913"),
        ("iso8859_14", "iso885914"),
        ("iso8859_15", "iso885915 latin9"),
        ("iso8859_16", "iso885916"),
        ("koi8_r", "koi8r koi8"),
        ("koi8_u", "koi8u koi8ru"),
        ("gb18030", "gb2312 gbk cp936 windows936 gb18030 euccn csgb2312 xgbk"),
        ("hz", "hz hzgb2312"),
        ("big5hkscs", "big5 big5hkscs cnbig5 xxbig5 cp950"),
        ("cp932", "shiftjis sjis xsjis mskanji windows31j cp932"),
        ("euc_jp", "eucjp xeucjp"),
        ("iso2022_jp_ext", "iso2022jp iso2022jp1 iso2022jp2 iso2022jpms csiso2022jp"),
        ("cp949", "euckr ksc56011987 ksc5601 cp949 windows949 uhc"),
        ("iso2022_kr", "iso2022kr"),
        ("utf-16", "utf16"),
        ("utf-16-le", "utf16le"),
        ("utf-16-be", "utf16be"),
    )
    for name in names.split()
}
"""Charset names (lower case, letters and digits only) to Python's codecs. An allow-list: `bytes.decode` with a name of
the sender's choice reaches codecs that are no charsets and that are quadratic (idna, punycode)."""

_MULTIBYTE = {"gb18030", "hz", "big5hkscs", "cp932", "euc_jp", "iso2022_jp_ext", "cp949", "iso2022_kr"}

_SEVEN_BIT = {"iso2022_jp_ext": b"\x1b", "iso2022_kr": b"\x1b", "hz": b"~{"}
"""Charsets that hide in ASCII, and the bytes that give them away."""

_INVISIBLE = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"  # control characters, all but tab, line feed, return and next line
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e"  # soft hyphen, joiners, fillers
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f"  # zero width, direction
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"  # blanks that are none, selectors, tags
)
_SPECIAL = re.compile(f"[{_INVISIBLE}]|[\r\x85\u2028\u2029]|[\ud800-\udfff]|[\u00a0\u2000-\u200a\u202f\u205f]")
_ASCII_SPECIAL: dict[int, int | None] = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127)) | {13: 10}


def known(charset: str) -> bool:
    """Whether we can decode this charset; the empty name is known."""
    return not charset or _normal(charset) in _CODECS


def decode_body(raw: bytes, charset: str) -> str:
    """The text of a body part. Valid UTF-8 is UTF-8 whatever the header says.

    Gmail's API hands every text out in UTF-8 and leaves the old charset in the part's Content-Type; and much mail
    that declares Latin-1 is UTF-8 anyway. Text in another charset is next to never valid UTF-8 by chance.
    """
    codec = _CODECS.get(_normal(charset), "")
    if raw.isascii():
        mark = _SEVEN_BIT.get(codec)
        if codec.startswith("utf-16") or (mark is not None and mark in raw):
            return raw.decode(codec, "replace")
        return raw.decode("ascii")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        cut_at_the_end = error.reason == "unexpected end of data"
    if codec == "utf-8" or cut_at_the_end or (charset and not codec):
        return raw.decode("utf-8", "replace")
    # Undeclared bytes that are not UTF-8 are, in the mail of this service's languages, mostly windows-1252.
    return raw.decode(codec or "cp1252", "replace")


def decode_word(raw: bytes, charset: str) -> str:
    """The text of a header word. A declared multibyte charset is believed, since a short word may look like UTF-8."""
    codec = _CODECS.get(_normal(charset), "utf-8")
    if codec in _MULTIBYTE or codec == "utf-8":
        return raw.decode(codec, "replace")
    try:
        return raw.decode("utf-8") if not raw.isascii() else raw.decode(codec, "replace")
    except UnicodeDecodeError:
        return raw.decode(codec, "replace")


def clean(text: str) -> str:
    """The text as a person sees it: no control, zero-width or direction characters, no surrogates, lines end in LF.

    What a reader cannot see must not reach the rules (a zero-width space hides a word from a machine only), and a
    lone surrogate, which JSON can carry, cannot be stored.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if text.isascii():
        return text.translate(_ASCII_SPECIAL)
    return _SPECIAL.sub(_plain, text)


def _plain(match: re.Match[str]) -> str:
    character = match[0]
    if character in "\r\x85\u2028\u2029":
        return "\n"
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"
    if character in "\u00a0\u202f\u205f" or "\u2000" <= character <= "\u200a":
        return " "
    return ""


def _normal(charset: str) -> str:
    return "".join(character for character in charset[:40].lower() if character.isalnum())
