"""Times of day in a mail's text: "2:30 PM EST", "14 Uhr", "14h30", "下午3点半", and ranges of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time

from shared.classify.facts import zones

CLOCKS = 60
"""How many times of one mail are looked at."""

HALF_DAY = 12
"""Hours on the face of a clock."""

NOON_FROM = 11
"""中午 11:30 is before twelve; 中午 1点 is 13:00."""

_MERIDIEM = r"(?:a\.?\s?m\.?|p\.?\s?m\.?)(?![a-z])"
_UNIT = r"(?:uhr|uur|hs?|hrs|horas?|heures?|o'clock)\b"
_TIME = re.compile(
    rf"""
    (?:(?P<part>上午|早上|凌晨|中午|下午|晚上|午前|午後)\s?)?(?<!\d)(?P<hour>\d{{1,2}}+)
    (?:
        \s?:\s?(?P<minute>[0-5]\d)(?::[0-5]\d)?
        |\s?(?P<han>[点點时時])\s?(?:(?P<han_minute>[0-5]?\d)\s?分?|(?P<half>半))?
        |\s?h\s?(?P<h_minute>[0-5]\d)(?!\d)
        |\.(?P<dot_minute>[0-5]\d)(?=\s?(?:{_MERIDIEM}|{_UNIT}))
        |(?=\s?(?:{_MERIDIEM}|{_UNIT}))
        |(?=\s?(?:-|–|—|to|until|till|bis)\s?\d{{1,2}}(?::[0-5]\d)?\s?{_MERIDIEM})
    )
    (?:\s?(?P<meridiem>{_MERIDIEM}))?
    |\b(?P<word>noon|midday|midnight)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_START = re.compile(
    r"(?:上午|早上|凌晨|中午|下午|晚上|午前|午後)\s?\d|(?<![\d:.,$€£+])\d{1,2}(?!\d)|\b(?:noon|midday|midnight)\b",
    re.IGNORECASE,
)
"""Where a time may begin: cheap to search for, so that the whole grammar is tried at few places."""

_UNIT_BEHIND = re.compile(rf"\s?{_UNIT}\.?", re.IGNORECASE)
_RANGE = re.compile(r"\s?(?:-|–|—|~|至|到|から)\s?|\s?(?:to|until|till|bis|à|a|alle|tot|hasta|até)\s", re.IGNORECASE)
_BETWEEN = re.compile(r"\s(?:and|und|et|y|e|en)\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day in a text, the end of its range if it has one, and the zone written beside it."""

    start: int
    end: int
    first: time
    until: time | None = None
    zone: zones.Zone | None = None


def find(text: str, context: str) -> Iterator[Clock]:
    """The times of `text` in their order, the first CLOCKS of them; `context` settles shared abbreviations of zones."""
    behind = 0
    count = 0
    for place in _START.finditer(text):
        if place.start() < behind:
            continue
        clock = _read(text, place.start(), context)
        if clock is None:
            continue
        behind = clock.end
        yield clock
        count += 1
        if count >= CLOCKS:
            return


def _read(text: str, start: int, context: str) -> Clock | None:
    match = _TIME.match(text, start)
    first = _time(match) if match else None
    if match is None or first is None:
        return None
    end = _behind(text, match.end())
    zone = zones.at(text, end, context)
    # "10:00 AM EST - 11:00 AM EST" has a zone before the dash, too.
    dash = _RANGE.match(text, end) or (_RANGE.match(text, zone[1]) if zone else None)
    if dash is None and text[max(start - 10, 0) : start].lower().endswith(
        ("between ", "zwischen ", "entre ", "tra le ")
    ):
        dash = _BETWEEN.match(text, end)
    second = _TIME.match(text, dash.end()) if dash else None
    until = _time(second) if second else None
    if second and until:
        if second["meridiem"] and not match["meridiem"] and not match["part"]:
            first = _borrowed(first, second["meridiem"], until)
        end = _behind(text, second.end())
        zone = zones.at(text, end, context) or zone
    elif not _is_complete(match, end):
        return None
    return Clock(start, max(end, zone[1]) if zone else end, first, until, zone[0] if zone else None)


def _behind(text: str, at: int) -> int:
    """The index behind "Uhr", "h" and the like."""
    unit = _UNIT_BEHIND.match(text, at)
    return unit.end() if unit else at


def _minute(match: re.Match[str]) -> str | None:
    return match["minute"] or match["han_minute"] or match["h_minute"] or match["dot_minute"]


def _is_complete(match: re.Match[str], end: int) -> bool:
    """Whether the digits are a time by themselves: with minutes, a half of the day, or a word for the hour."""
    by_itself = match["word"] or match["meridiem"] or match["part"] or match["han"] or _minute(match)
    return bool(by_itself) or end > match.end()


def _time(match: re.Match[str]) -> time | None:
    if match["word"]:
        return time(0, 0) if match["word"].lower() == "midnight" else time(12, 0)
    hour = int(match["hour"])
    minute = 30 if match["half"] else int(_minute(match) or 0)
    half = (match["meridiem"] or "").lower()[:1]
    if match["part"] in ("下午", "晚上", "午後") or (match["part"] == "中午" and hour < NOON_FROM):
        half = "p"
    if half and hour <= HALF_DAY:
        hour = hour % HALF_DAY + (HALF_DAY if half == "p" else 0)
    elif half == "a":
        return None  # "14:00 am" is no time; "14:00 pm" is 14:00.
    try:
        return time(hour, minute)
    except ValueError:
        return None


def _borrowed(first: time, meridiem: str, until: time) -> time:
    """The start of "2-3 PM" and of "11-1 PM": in the half of the day that makes the range go forward."""
    if first.hour >= HALF_DAY or not meridiem.lower().startswith("p"):
        return first
    afternoon = time(first.hour + HALF_DAY, first.minute)
    return afternoon if afternoon < until else first
