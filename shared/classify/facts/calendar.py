"""The meeting in a text/calendar part (RFC 5545, iTIP methods of RFC 5546): one event, one occurrence, bounded.

The lines of the first event, and of the zone that it names, are cut out here under hard limits; the `icalendar`
package then reads their values (dates, durations, Windows zone names, VTIMEZONE). It never sees the whole part, so
nesting, floods of attendees and recurrence rules of a hostile calendar cost nothing; rules are never expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.model import CalendarPart

if TYPE_CHECKING:
    from icalendar.cal import Component

PART_CHARACTERS = 200_000
"""How much of a calendar part is read: an invitation with a long description is a tenth of it."""

LINES = 4_000
"""How many unfolded lines of a part are looked at."""

VALUE_CHARACTERS = 4_000
"""Longest property value that is kept."""

ZONES = 4
"""How many zones of a part are kept: an invitation names one or two."""

ZONE_LINES = 80
"""Lines of one VTIMEZONE that are kept: Outlook's have 17."""

YEARS = (1990, 2100)
"""A meeting outside of these years is a mistake or an attack."""

_FOLD = re.compile(r"\n[ \t]")
_PROPERTY = re.compile(r"\A([A-Za-z0-9-]{1,40}+)[;:]")
_KEPT = frozenset(
    (
        "UID",
        "SEQUENCE",
        "DTSTART",
        "DTEND",
        "DURATION",
        "SUMMARY",
        "LOCATION",
        "DESCRIPTION",
        "STATUS",
        "URL",
        "ORGANIZER",
        "RECURRENCE-ID",
        "X-GOOGLE-CONFERENCE",
        "X-MICROSOFT-SKYPETEAMSMEETINGURL",
        "X-MICROSOFT-ONLINEMEETINGCONFLINK",
    )
)
_YEARLY = re.compile(
    r"RRULE:(?:(?:FREQ=YEARLY|INTERVAL=1|BYMONTH=\d{1,2}|BYDAY=[+-]?\d{0,2}[A-Z]{2}|BYMONTHDAY=[-\d,]{1,24}|UNTIL=[\dTZ]{8,16}|"
    r"WKST=[A-Z]{2})(?:;|$)){1,6}",
    re.IGNORECASE,
)
"""How a zone's clock changes: on one day of the year. Any other rule costs more to compute than it can be worth."""
_SINCE_ALWAYS = re.compile(r"^DTSTART:16\d\d", re.IGNORECASE)
"""Outlook's rules begin in 1601; counting them up from 1970 gives the same clock five times as fast."""

_ZONE_OF = re.compile(r';TZID="?([^":;]{1,100})"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """What one calendar part says of one meeting."""

    uid: str
    sequence: int = 0
    method: str = ""
    cancelled: bool = False
    start: datetime | None = None
    """UTC; None for all-day meetings, floating times and zones that nobody knows."""
    start_local: str = ""
    zone: str = ""
    """IANA name, "UTC", or the TZID as written when it is none that we know (then `start` is None)."""
    minutes: int | None = None
    summary: str = ""
    location: str = ""
    description: str = ""
    url: str = ""
    organizer: str = ""
    line: str = ""
    """The DTSTART line, as evidence."""


def meeting(part: CalendarPart) -> Meeting | None:
    """The first event of a calendar part, or None when there is none to read."""
    event_lines: list[str] = []
    zones: dict[str, list[str]] = {}
    method = part.method
    for name, lines in _blocks(part.text[:PART_CHARACTERS]):
        if name == "METHOD":
            method = method or lines[0]
        elif name == "VEVENT":
            event_lines = event_lines or _kept(lines)
        elif len(zones) < ZONES and _is_plain_zone(lines):
            rules = [_SINCE_ALWAYS.sub("DTSTART:1970", line) for line in lines]
            zones.setdefault(_value_of(lines, "TZID"), ["BEGIN:VTIMEZONE", *rules, "END:VTIMEZONE"])
    if not event_lines:
        return None
    start_line = next((line for line in event_lines if line[:7].upper() == "DTSTART"), "")
    tzid = _ZONE_OF.search(start_line)
    zone_lines = zones.get(tzid.group(1), []) if tzid else []
    event = _parsed([*zone_lines, "BEGIN:VEVENT", *event_lines, "END:VEVENT"])
    if event is None and zone_lines:
        # A zone that cannot be read must not hide the event: without it the time is one without a known zone.
        event = _parsed(["BEGIN:VEVENT", *event_lines, "END:VEVENT"])
    if event is None:
        return None
    method = method.upper()
    start, local, zone = _start(_value(event, "DTSTART"), tzid.group(1) if tzid else "")
    return Meeting(
        uid=_text(event, "UID"),
        sequence=_sequence(event),
        method=method,
        cancelled=method == "CANCEL" or _text(event, "STATUS").upper() == "CANCELLED",
        start=start,
        start_local=local,
        zone=zone,
        minutes=_minutes(event),
        summary=_text(event, "SUMMARY"),
        location=_text(event, "LOCATION"),
        description=_text(event, "DESCRIPTION"),
        url=_text(event, "X-GOOGLE-CONFERENCE")
        or _text(event, "X-MICROSOFT-SKYPETEAMSMEETINGURL")
        or _text(event, "X-MICROSOFT-ONLINEMEETINGCONFLINK")
        or _text(event, "URL"),
        organizer=_address(_text(event, "ORGANIZER")),
        line=start_line[:160],
    )


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """(name, lines) of METHOD, of each VEVENT without what is nested in it, and of each VTIMEZONE with it."""
    name = ""
    lines: list[str] = []
    depth = 0
    for raw in _FOLD.sub("", text.replace("\r\n", "\n")).split("\n", LINES)[:LINES]:
        line = raw[:VALUE_CHARACTERS].strip()
        upper = line[:60].upper()
        if not name:
            if upper in ("BEGIN:VEVENT", "BEGIN:VTIMEZONE"):
                name, lines, depth = upper[6:], [], 0
            elif upper.startswith("METHOD:"):
                yield "METHOD", [upper[7:].strip()]
        elif depth == 0 and upper == "END:" + name:
            yield name, lines
            name = ""
        else:
            depth += upper.startswith("BEGIN:") - upper.startswith("END:")
            if name == "VTIMEZONE" or (depth == 0 and not upper.startswith("END:")):
                lines.append(line)
    if name == "VEVENT":
        yield name, lines  # A part that was cut off still says when the meeting is.


def _kept(lines: list[str]) -> list[str]:
    """The first line of each property that we read."""
    kept: dict[str, str] = {}
    for line in lines:
        name = _PROPERTY.match(line)
        if name and name.group(1).upper() in _KEPT:
            kept.setdefault(name.group(1).upper(), line)
    return list(kept.values())


def _value_of(lines: list[str], name: str) -> str:
    return next((line.partition(":")[2].strip() for line in lines if line.upper().startswith(name)), "")


def _is_plain_zone(lines: list[str]) -> bool:
    """Whether a VTIMEZONE is short and changes yearly: one that changes every minute since 1601 is an attack."""
    rules = [line for line in lines if line[:5].upper() == "RRULE"]
    return len(lines) <= ZONE_LINES and all("FREQ=YEARLY" in rule.upper() and _YEARLY.fullmatch(rule) for rule in rules)


def _parsed(lines: list[str]) -> Component | None:
    """The event that icalendar makes of the lines, or None when it takes them for none."""
    # Imported here: most mail has no calendar, and the package takes 70 ms to load.
    from icalendar import Calendar  # noqa: PLC0415 - see above

    text = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Hearback//EN", *lines, "END:VCALENDAR", ""])
    try:
        events = Calendar.from_ical(text).walk("VEVENT")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError):
        # What icalendar raises for lines that are no calendar; there is no event then.
        return None
    return events[0] if events else None


def _value(event: Component, name: str) -> Any:
    """A date property's value, or None for a missing or broken one."""
    try:
        return getattr(event.get(name), "dt", None)
    except (ValueError, AttributeError):
        return None


def _text(event: Component, name: str) -> str:
    value = event.get(name)
    return "" if value is None else str(value)[:VALUE_CHARACTERS].strip()


def _sequence(event: Component) -> int:
    try:
        return min(max(int(event.get("SEQUENCE", 0)), 0), 1_000_000)
    except (TypeError, ValueError):
        return 0


def _start(value: Any, tzid: str) -> tuple[datetime | None, str, str]:
    """(moment in UTC, local time as written, zone) of a DTSTART."""
    if not isinstance(value, date) or not YEARS[0] <= value.year <= YEARS[1]:
        return None, "", ""
    if not isinstance(value, datetime):
        return None, value.isoformat(), ""
    local = value.replace(tzinfo=None).isoformat(timespec="minutes")
    if value.tzinfo is None:
        return None, local, tzid
    try:
        moment = value.astimezone(UTC)
    except (OverflowError, ValueError):
        return None, local, tzid
    return moment, local, getattr(value.tzinfo, "key", "") or ("UTC" if value.tzinfo is UTC else tzid)


def _minutes(event: Component) -> int | None:
    duration = _value(event, "DURATION")
    start, end = _value(event, "DTSTART"), _value(event, "DTEND")
    if not isinstance(duration, timedelta) and isinstance(start, datetime) and isinstance(end, datetime):
        try:
            duration = end - start
        except (TypeError, OverflowError):
            return None
    if not isinstance(duration, timedelta) or not timedelta() < duration <= timedelta(days=1):
        return None
    return int(duration.total_seconds() // 60)


def _address(organizer: str) -> str:
    """The addr-spec of an ORGANIZER."""
    bare = organizer[7:] if organizer[:7].lower() == "mailto:" else organizer
    return bare.strip().lower()[:254] if "@" in bare else ""
