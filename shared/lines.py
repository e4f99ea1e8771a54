"""One line of text that a person gave and that goes into a header of a mail: nothing in it can end the line."""

from __future__ import annotations

import unicodedata

from shared.errors import Rejected

JOINERS = "\u200c\u200d"
"""Invisible, and parts of words and emoji in many scripts. The other format characters only serve to deceive."""


def header_line(field: str, text: str, most: int) -> str:
    """The text with its runs of spaces made one. Raises Rejected, naming the field, for what no header may hold.

    That is every character that ends a line anywhere (CR, LF, NEL, U+2028, ...), every control character, every
    invisible one that changes the direction of what follows, and what is no Unicode text at all.
    """
    if len(text) > most:
        raise Rejected(f"{field}: more than {most} characters")
    for character in text:
        if character not in JOINERS and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            raise Rejected(f"{field}: contains the control character U+{ord(character):04X}")
    return " ".join(text.split())
