"""Time zones as mails write them, and the moment that a local time in one of them is.

An abbreviation is taken at its word: 10:00 EST in July is no time that New York has, so it is asked, not corrected;
so is IST, which is India's, Israel's and Ireland's, unless the mail says where it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.classify.facts.reading import WORD_START

LARGEST_OFFSET = timedelta(hours=14)
"""Kiribati's; no clock is further from UTC."""

LOOKAHEAD = 56
"""Characters behind a time in which its zone may stand: "(Pacific Time - US & Canada)" and a little more."""

STATEMENTS = 4
"""A mail that speaks of zones more often than this lists them."""

_ABBREVIATIONS: dict[str, tuple[str, float | None]] = {
    # abbreviation: IANA name, and the offset (hours) that it promises; None where it names the zone in any season.
    "UTC": ("UTC", 0),
    "GMT": ("UTC", 0),
    "Z": ("UTC", 0),
    "GMT/BST": ("Europe/London", None),
    "CET/CEST": ("Europe/Berlin", None),
    "MEZ/MESZ": ("Europe/Berlin", None),
    "EST/EDT": ("America/New_York", None),
    "CST/CDT": ("America/Chicago", None),
    "MST/MDT": ("America/Denver", None),
    "PST/PDT": ("America/Los_Angeles", None),
    "AEST/AEDT": ("Australia/Sydney", None),
    "WET": ("Europe/Lisbon", 0),
    "WEST": ("Europe/Lisbon", 1),
    "BST": ("Europe/London", 1),
    "CET": ("Europe/Berlin", 1),
    "CEST": ("Europe/Berlin", 2),
    "MEZ": ("Europe/Berlin", 1),
    "MESZ": ("Europe/Berlin", 2),
    "EET": ("Europe/Helsinki", 2),
    "EEST": ("Europe/Helsinki", 3),
    "MSK": ("Europe/Moscow", 3),
    "TRT": ("Europe/Istanbul", 3),
    "ET": ("America/New_York", None),
    "EST": ("America/New_York", -5),
    "EDT": ("America/New_York", -4),
    "CT": ("America/Chicago", None),
    "CST": ("America/Chicago", -6),
    "CDT": ("America/Chicago", -5),
    "MT": ("America/Denver", None),
    "MST": ("America/Denver", -7),
    "MDT": ("America/Denver", -6),
    "PT": ("America/Los_Angeles", None),
    "PST": ("America/Los_Angeles", -8),
    "PDT": ("America/Los_Angeles", -7),
    "AKST": ("America/Anchorage", -9),
    "AKDT": ("America/Anchorage", -8),
    "HST": ("Pacific/Honolulu", -10),
    "ADT": ("America/Halifax", -3),
    "NST": ("America/St_Johns", -3.5),
    "NDT": ("America/St_Johns", -2.5),
    "BRT": ("America/Sao_Paulo", -3),
    "ART": ("America/Argentina/Buenos_Aires", -3),
    "SAST": ("Africa/Johannesburg", 2),
    "WAT": ("Africa/Lagos", 1),
    "EAT": ("Africa/Nairobi", 3),
    "GST": ("Asia/Dubai", 4),
    "PKT": ("Asia/Karachi", 5),
    "NPT": ("Asia/Kathmandu", 5.75),
    "ICT": ("Asia/Bangkok", 7),
    "WIB": ("Asia/Jakarta", 7),
    "SGT": ("Asia/Singapore", 8),
    "MYT": ("Asia/Kuala_Lumpur", 8),
    "PHT": ("Asia/Manila", 8),
    "HKT": ("Asia/Hong_Kong", 8),
    "JST": ("Asia/Tokyo", 9),
    "KST": ("Asia/Seoul", 9),
    "AWST": ("Australia/Perth", 8),
    "ACST": ("Australia/Adelaide", 9.5),
    "ACDT": ("Australia/Adelaide", 10.5),
    "AEST": ("Australia/Sydney", 10),
    "AEDT": ("Australia/Sydney", 11),
    "AET": ("Australia/Sydney", None),
    "NZST": ("Pacific/Auckland", 12),
    "NZDT": ("Pacific/Auckland", 13),
}

_SHARED: dict[str, tuple[tuple[str, str, float], ...]] = {
    # Abbreviations of several countries: what in the mail settles it, then the zone. Without a settler it is asked.
    "IST": (
        (r"\.in\b|\bindian?\b|bengaluru|bangalore|mumbai|hyderabad|chennai|delhi|pune|gurgaon|noida|kolkata|\+91|₹|\blpa\b",
         "Asia/Kolkata", 5.5),
        (r"\.il\b|\bisraeli?\b|tel[ -]aviv|\+972|₪", "Asia/Jerusalem", 2),
        (r"\.ie\b|\bireland\b|\birish\b|dublin|\+353", "Europe/Dublin", 1),
    ),
    "CST": ((r"\.cn\b|\bchina\b|beijing|shanghai|shenzhen|\+86|[\u4e00-\u9fff]", "Asia/Shanghai", 8),),
    "EST": ((r"\.au\b|\baustralian?\b|sydney|melbourne|brisbane|\+61", "Australia/Sydney", 10),),
    "PST": ((r"\.ph\b|\bphilippines?\b|manila|\+63", "Asia/Manila", 8),),
    # In Britain's summer "GMT" is as often as not said of the clock on the wall.
    "GMT": ((r"\.uk\b|\bengland\b|london|manchester|edinburgh|\+44|£", "Europe/London", 0),),
    "BST": ((r"\.bd\b|bangladesh|dhaka|\+880", "Asia/Dhaka", 6),),
    "AST": (
        (r"\.sa\b|saudi|riyadh|kuwait|bahrain|qatar|\+966", "Asia/Riyadh", 3),
        (r"\.ca\b|canada|halifax|nova scotia|puerto rico", "America/Halifax", -4),
    ),
}  # fmt: skip

_NAMED = {
    "eastern": "America/New_York",
    "central": "America/Chicago",
    "mountain": "America/Denver",
    "pacific": "America/Los_Angeles",
    "alaska": "America/Anchorage",
    "hawaii": "Pacific/Honolulu",
    "atlantic": "America/Halifax",
    "arizona": "America/Phoenix",
    "central european": "Europe/Berlin",
    "eastern european": "Europe/Helsinki",
    "western european": "Europe/Lisbon",
    "uk": "Europe/London",
    "british": "Europe/London",
    "british summer": "Europe/London",
    "greenwich mean": "Europe/London",
    "irish": "Europe/Dublin",
    "israel": "Asia/Jerusalem",
    "india": "Asia/Kolkata",
    "indian": "Asia/Kolkata",
    "india standard": "Asia/Kolkata",
    "indian standard": "Asia/Kolkata",
    "china": "Asia/Shanghai",
    "china standard": "Asia/Shanghai",
    "japan": "Asia/Tokyo",
    "japan standard": "Asia/Tokyo",
    "singapore": "Asia/Singapore",
    "hong kong": "Asia/Hong_Kong",
    "gulf standard": "Asia/Dubai",
    "australian eastern": "Australia/Sydney",
    "australian western": "Australia/Perth",
    "coordinated universal": "UTC",
    "universal": "UTC",
}
"""Zones by the words before "time": "Pacific Time", "Eastern Standard Time", "UK time"."""

_CITIES = {
    "new york": "America/New_York",
    "boston": "America/New_York",
    "washington": "America/New_York",
    "toronto": "America/Toronto",
    "montreal": "America/Toronto",
    "chicago": "America/Chicago",
    "austin": "America/Chicago",
    "denver": "America/Denver",
    "phoenix": "America/Phoenix",
    "san francisco": "America/Los_Angeles",
    "los angeles": "America/Los_Angeles",
    "seattle": "America/Los_Angeles",
    "vancouver": "America/Vancouver",
    "mexico city": "America/Mexico_City",
    "são paulo": "America/Sao_Paulo",
    "sao paulo": "America/Sao_Paulo",
    "brasília": "America/Sao_Paulo",
    "brasilia": "America/Sao_Paulo",
    "buenos aires": "America/Argentina/Buenos_Aires",
    "bogotá": "America/Bogota",
    "bogota": "America/Bogota",
    "london": "Europe/London",
    "dublin": "Europe/Dublin",
    "lisbon": "Europe/Lisbon",
    "lisboa": "Europe/Lisbon",
    "madrid": "Europe/Madrid",
    "barcelona": "Europe/Madrid",
    "paris": "Europe/Paris",
    "brussels": "Europe/Brussels",
    "amsterdam": "Europe/Amsterdam",
    "berlin": "Europe/Berlin",
    "munich": "Europe/Berlin",
    "münchen": "Europe/Berlin",
    "hamburg": "Europe/Berlin",
    "frankfurt": "Europe/Berlin",
    "vienna": "Europe/Vienna",
    "wien": "Europe/Vienna",
    "zurich": "Europe/Zurich",
    "zürich": "Europe/Zurich",
    "rome": "Europe/Rome",
    "roma": "Europe/Rome",
    "milan": "Europe/Rome",
    "milano": "Europe/Rome",
    "stockholm": "Europe/Stockholm",
    "oslo": "Europe/Oslo",
    "copenhagen": "Europe/Copenhagen",
    "helsinki": "Europe/Helsinki",
    "warsaw": "Europe/Warsaw",
    "prague": "Europe/Prague",
    "budapest": "Europe/Budapest",
    "athens": "Europe/Athens",
    "istanbul": "Europe/Istanbul",
    "moscow": "Europe/Moscow",
    "tel aviv": "Asia/Jerusalem",
    "dubai": "Asia/Dubai",
    "mumbai": "Asia/Kolkata",
    "bangalore": "Asia/Kolkata",
    "bengaluru": "Asia/Kolkata",
    "delhi": "Asia/Kolkata",
    "new delhi": "Asia/Kolkata",
    "hyderabad": "Asia/Kolkata",
    "singapore": "Asia/Singapore",
    "hong kong": "Asia/Hong_Kong",
    "shanghai": "Asia/Shanghai",
    "beijing": "Asia/Shanghai",
    "tokyo": "Asia/Tokyo",
    "seoul": "Asia/Seoul",
    "sydney": "Australia/Sydney",
    "melbourne": "Australia/Melbourne",
    "brisbane": "Australia/Brisbane",
    "perth": "Australia/Perth",
    "auckland": "Pacific/Auckland",
    "johannesburg": "Africa/Johannesburg",
    "lagos": "Africa/Lagos",
    "nairobi": "Africa/Nairobi",
    "cairo": "Africa/Cairo",
}
"""Cities that mails name a zone by: "London time", "(Berlin)", "heure de Paris"."""

_CJK_NAMES = {
    "北京时间": "Asia/Shanghai",
    "中国时间": "Asia/Shanghai",
    "香港时间": "Asia/Hong_Kong",
    "台北時間": "Asia/Taipei",
    "日本時間": "Asia/Tokyo",
    "日本标准时间": "Asia/Tokyo",
    "新加坡时间": "Asia/Singapore",
}

_PLACES = "|".join(sorted((re.escape(name) for name in {**_NAMED, **_CITIES}), key=len, reverse=True))
_LEAD = re.compile(r"[\s,(\[–-]{0,4}(?:in |hrs?\.? |hours |uhr |uur |h )?[\s(\[]{0,2}", re.IGNORECASE)
_OFFSET = re.compile(
    r"(?:UTC|GMT)\s?(?P<sign>[+−–-])\s?(?P<hours>\d{1,2})(?::?(?P<minutes>[0-5]\d))?(?!\d)"
    r"|(?P<bare_sign>[+−-])(?P<bare_hours>\d{2}):?(?P<bare_minutes>[0-5]\d)(?!\d)",
    re.IGNORECASE,
)
_IANA = re.compile(
    r"(?:Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific|Etc)"
    r"/[A-Za-z_+-]{2,30}(?:/[A-Za-z_]{2,30})?"
    r"|US/[A-Z][a-z]{3,9}"
)
_ABBREVIATION = re.compile(
    r"(" + "|".join(sorted({*_ABBREVIATIONS, *_SHARED}, key=len, reverse=True)) + r")\b(?![/'’])"
)
_PLACE = re.compile(
    rf"{WORD_START}(?P<of>heure de |hora de |ora di |horário de |tijd in |us[ /])?({_PLACES})(?:,? (?:us|usa|uk))?"
    r"(?P<word> (?:(?:standard |daylight |summer )?time|zeit|tijd|ortszeit)\b)?",
    re.IGNORECASE,
)
_CJK_NAME = re.compile("|".join(_CJK_NAMES))
_STATED = re.compile(
    r"(?:time ?zone|all times(?: are| listed are| shown are)?(?: in)?|zeitzone|fuseau horaire|zona horaria|"
    r"fuso hor[aá]rio|fuso orario|tijdzone|时区|時區|タイムゾーン)\s{0,3}[:=(-]{0,2}\s{0,3}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone as written, what it means, and the offset that the writing promises (None: any)."""

    written: str
    zone: tzinfo | None
    """None when the writing means several zones and nothing in the mail settles which."""
    promised: timedelta | None = None

    def utc(self, local: datetime) -> datetime | None:
        """The moment of a naive local time, or None where the zone has no such time, has it twice, or denies it."""
        if self.zone is None:
            return None
        try:
            first = local.replace(tzinfo=self.zone, fold=0)
            second = local.replace(tzinfo=self.zone, fold=1)
            offset, other = first.utcoffset(), second.utcoffset()
            if offset is None or other is None:
                return None
            if self.promised is not None:
                fitting = {offset, other} & {self.promised}
                return (local - self.promised).replace(tzinfo=UTC) if fitting else None
            # Offsets differ only in the hour that the clock skips or repeats.
            return (local - offset).replace(tzinfo=UTC) if offset == other else None
        except (OverflowError, ValueError):
            return None


@lru_cache(maxsize=256)
def named(name: str) -> tzinfo | None:
    """The zone of an IANA name, or None; the name is a mail's, so its form is checked before any file is opened."""
    if name != "UTC" and not _IANA.fullmatch(name):
        return None
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def at(text: str, index: int, context: str) -> tuple[Zone, int] | None:
    """The zone that begins at text[index] or a few signs behind it, and the index behind it.

    `context` (lower case: the mail and the sender's domain) settles abbreviations that several countries use.
    """
    lead = _LEAD.match(text, index, index + 12)
    start = lead.end() if lead else index
    for pattern, meaning in _FORMS:
        found = pattern.match(text, start, index + LOOKAHEAD)
        if found:
            zone = meaning(found, context)
            return (zone, found.end()) if zone else None
    return None


def _offset(found: re.Match[str], _: str) -> Zone | None:
    """An offset: "UTC+5:30", "GMT-3", "+05:30"."""
    prefix = "" if found["bare_sign"] is None else "bare_"
    sign, hours, minutes = (found[prefix + name] for name in ("sign", "hours", "minutes"))
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if offset > LARGEST_OFFSET:
        return None
    return Zone(found.group(), timezone(offset if sign == "+" else -offset))


def _iana(found: re.Match[str], _: str) -> Zone | None:
    """A name of the tz database: "Europe/Berlin", "US/Eastern"."""
    name = found.group()
    zone = named(_NAMED.get(name[3:].lower(), "") if name.startswith("US/") else name)
    return Zone(name, zone) if zone else None


def _cjk(found: re.Match[str], _: str) -> Zone | None:
    """A zone in Han: "北京时间"."""
    return Zone(found.group(), named(_CJK_NAMES[found.group()]))


def _place(found: re.Match[str], _: str) -> Zone | None:
    """A place: "Pacific Time", "London time", "(Berlin)", "heure de Paris"; "10:00 Berlin" may mean a room."""
    place = found.group(2).lower()
    around = found.string[found.start() - 1 : found.start()] + found.string[found.end() : found.end() + 1]
    alone = place in ("eastern", "pacific", "central european")
    if not (found["word"] or found["of"] or around == "()" or alone):
        return None
    return Zone(found.group().strip(), named(_NAMED.get(place) or _CITIES[place]))


def _abbreviated(found: re.Match[str], context: str) -> Zone | None:
    """An abbreviation; one of several countries ("IST") is settled by the mail's own words, or means nothing yet."""
    short = found.group(1)
    for settler, name, hours in _SHARED.get(short, ()):
        if _settlers(settler).search(context):
            promised = None if short in ("IST", "EST") and name != "Asia/Kolkata" else timedelta(hours=hours)
            return Zone(short, named(name), promised)
    if short not in _ABBREVIATIONS:
        return Zone(short, None)
    name, promise = _ABBREVIATIONS[short]
    return Zone(short, named(name), None if promise is None else timedelta(hours=promise))


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], Zone | None]], ...] = (
    (_OFFSET, _offset),
    (_IANA, _iana),
    (_ABBREVIATION, _abbreviated),
    (_CJK_NAME, _cjk),
    (_PLACE, _place),
)
"""How zones are written, in the order in which they are tried."""


@lru_cache(maxsize=16)
def _settlers(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def stated(text: str, context: str) -> Zone | None:
    """The one zone that a mail states for all its times ("Time zone: America/New_York"), or None."""
    if not any(word in context for word in ("zone", "all times", "fus", "huso", "时区", "時區", "ゾーン")):
        return None
    found: dict[str, Zone] = {}
    for count, match in enumerate(_STATED.finditer(text)):
        if count >= STATEMENTS:
            break
        zone = at(text, match.end(), context)
        if zone:
            found[zone[0].written] = zone[0]
    return next(iter(found.values())) if len(found) == 1 else None
