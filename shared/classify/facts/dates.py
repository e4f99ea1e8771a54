"""Dates in a mail's text: a bounded grammar over words that look like dates, in eight languages.

A date is resolved against the moment at which Gmail received the mail: a weekday is the next one, a date without its
year the next such date. Numbers that could be two dates (3/4) are one only if a weekday or an American clock beside
them says which; otherwise they are none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from shared.classify.facts import clocks, zones
from shared.classify.facts.reading import WORD_START
from shared.names import CJK, word_set

MOMENTS = 40
"""How many dates of one mail are looked at."""

PAST_DAYS = 14
"""A date without its year that lies at most this far back is this year's, and behind us."""

LEAP_YEARS = 8
"""29 February comes again within eight years at most (1896 to 1904)."""

APART = 70
"""Characters between a date and its time: "Friday, 11 July 2026" on one line, "Time: 10:00" on the next."""

BESIDE = 40
"""Characters between two times of a list, which share a zone that is written once: "Monday 10:00, Tuesday 9:00 CET"."""

LONGEST_MINUTES = 12 * 60
"""A range that is longer is no meeting's: office hours, or two times that a dash joins by chance."""

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner janvier janv enero ene janeiro gennaio gen januari",
            "february feb februar février févr fevrier febrero fevereiro fev febbraio febr februari",
            "march mar märz maerz mrz mars marzo março marco maart mrt",
            "april apr avril avr abril abr aprile",
            "may mai mayo maio mag maggio mei",
            "june jun juni juin junio junho giugno giu",
            "july jul juli juillet juil julio julho luglio lug",
            "august aug août aout agosto ago augustus",
            "september sept sep septembre septiembre setiembre setembro settembre set",
            "october oct oktober okt octobre octubre outubro out ottobre ott",
            "november nov novembre noviembre novembro",
            "december dec dezember dez décembre déc decembre diciembre dic dezembro dicembre",
        ),
        start=1,
    )
    for name in names.split()
}
_WORDS_TOO = word_set("may march mar set ago out gen")
"""Months that, in small letters, are other words: "you may 2 times"."""

_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mon montag lundi lunes segunda-feira segunda lunedì lunedi maandag",
            "tuesday tue tues dienstag mardi martes terça-feira terça martedì martedi dinsdag",
            "wednesday wed mittwoch mercredi miércoles miercoles quarta-feira quarta mercoledì mercoledi woensdag",
            "thursday thu thur thurs donnerstag jeudi jueves quinta-feira quinta giovedì giovedi donderdag",
            "friday fri freitag vendredi viernes sexta-feira sexta venerdì venerdi vrijdag",
            "saturday sat samstag sonnabend samedi sábado sabado sabato zaterdag",
            "sunday sun sonntag dimanche domingo domenica zondag",
        )
    )
    for name in names.split()
}
_SHORT_WEEKDAYS = word_set("mon tue wed thu fri sat sun segunda terça quarta quinta sexta")
"""Weekdays that are other words too ("we sat"): they count beside a date or a time only."""

_HAN_WEEKDAYS = {
    sign: number
    for number, signs in enumerate(("一月", "二火", "三水", "四木", "五金", "六土", "日天"))
    for sign in signs
}
"""The sign that tells the day: 周一 and 月曜日 are Monday; 日 is Sunday's in both."""

_DAYS_AHEAD = {
    "today": 0,
    "tonight": 0,
    "tomorrow": 1,
    "heute": 0,
    "übermorgen": 2,
    "aujourd'hui": 0,
    "aujourd’hui": 0,
    "demain": 1,
    "hoy": 0,
    "hoje": 0,
    "amanhã": 1,
    "oggi": 0,
    "domani": 1,
    "vandaag": 0,
    "今天": 0,
    "今日": 0,
    "本日": 0,
    "明天": 1,
    "明日": 1,
    "后天": 2,
    "明後日": 2,
}

_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_WEEKDAY = "|".join(re.escape(name) for name in sorted(_WEEKDAYS, key=len, reverse=True))
_YEAR = r"(?:19|20)\d\d"

_ISO = re.compile(rf"(?P<year>{_YEAR})(?P<sign>[-/.])(?P<month>\d{{1,2}})(?P=sign)(?P<day>\d{{1,2}})(?!\d)")
_HAN = re.compile(rf"(?:(?P<year>{_YEAR})\s?年\s?)?(?P<month>\d{{1,2}})\s?月\s?(?P<day>\d{{1,2}})\s?[日号號]")
_DAY_MONTH = re.compile(
    r"(?<!\d)(?P<day>\d{1,2}+)(?:st|nd|rd|th|er|ª|º|\.)?+\s?+(?:(?:of|de|di)\s)?"
    rf"{WORD_START}(?P<month>{_MONTH})\b\.?"
    rf"(?:,?\s(?:de\s|del\s)?(?P<year>{_YEAR})\b)?",
    re.IGNORECASE,
)
_MONTH_DAY = re.compile(
    rf"{WORD_START}(?P<month>{_MONTH})\b\.?\s(?:the\s)?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])(?!\s?[ap]\.?m\b)"
    rf"(?:,?\s(?P<year>{_YEAR})\b)?",
    re.IGNORECASE,
)
_NUMERIC = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<sign>[/.-])(?P<second>\d{{1,2}})(?:(?P=sign)(?P<year>{_YEAR}|\d\d)(?!\d)|(?P<open>\.(?!\d))|)(?![\d%:])"
)
_NAMED_DAY = re.compile(
    rf"{WORD_START}"
    r"(?:(?P<relation>this coming|coming|this|next|am|nächsten|kommenden|prochain|próximo|próxima|prossimo)\s)?"
    rf"{WORD_START}(?P<weekday>{_WEEKDAY})\b(?P<after>\snext week)?",
    re.IGNORECASE,
)
_HAN_DAY = re.compile(
    r"(?P<relation>下个?|来週の?|本|这|今週の?)?(?:(?:周|星期|礼拜|週)(?P<zh>[一二三四五六日天])|(?P<ja>[月火水木金土日])曜日?)"
)
_AHEAD = re.compile("|".join(re.escape(word) for word in sorted(_DAYS_AHEAD, key=len, reverse=True)), re.IGNORECASE)

_CALENDAR_WORDS = frozenset({*_MONTHS, *_WEEKDAYS, *_DAYS_AHEAD}) | word_set(
    "this coming next am nächsten kommenden prochain próximo próxima prossimo"
)
_TOKEN = re.compile(r"\d+|[^\W\d_]+(?:['’-][^\W\d_]+)?|[今本明后下来这周星礼週月火水木金土日]")
_PART_OF_NUMBER = frozenset(".,:/$€£-")
_AMERICAN = re.compile(r"\d\s?[ap]\.?m\b|\b[ecmp][sd]?t\b")
_DATE_ANNOUNCED = re.compile(r"\b(?:on|am|le|el|em|op|il|date|fecha|data|datum|dia|día)\b\W{0,3}$")
_JOINS = word_set("the den dem der le el il de den")


@dataclass(frozen=True, slots=True)
class Moment:
    """A date in a text, with the time and zone that belong to it."""

    start: int
    end: int
    day: date
    clock: time | None = None
    until: time | None = None
    """The end of a range: "10:00 - 11:00"."""
    zone: zones.Zone | None = None
    exact: bool = True
    """False where the day was inferred from a weekday, or from "tomorrow"."""

    @property
    def local(self) -> str:
        """ISO, to the minute: "2026-03-04T10:00", or the date alone."""
        return (
            self.day.isoformat() if self.clock is None else f"{self.day.isoformat()}T{self.clock.isoformat('minutes')}"
        )

    @property
    def minutes(self) -> int | None:
        """How long the stated range lasts, when it ends the same day."""
        if self.clock is None or self.until is None:
            return None
        length = (self.until.hour - self.clock.hour) * 60 + self.until.minute - self.clock.minute
        return length if 0 < length <= LONGEST_MINUTES else None

    def utc(self) -> datetime | None:
        """The moment in UTC; None without a time, or without a zone that gives it one meaning."""
        if self.clock is None or self.zone is None:
            return None
        return self.zone.utc(datetime.combine(self.day, self.clock))


@dataclass(frozen=True, slots=True)
class _Day:
    start: int
    end: int
    day: date
    exact: bool = True
    doubtful: bool = False
    """A weekday's short form, which needs a date or a time beside it."""


def moments(text: str, received: datetime, context: str) -> list[Moment]:
    """The dates of `text` in their order, each with its time; times without a date are left out.

    `received` is the mail's internal date; `context` (lower case) settles zones that share an abbreviation.
    """
    days = list(_days(text, received.date()))
    times = list(clocks.find(text, context)) if days else []
    found: list[Moment] = []
    taken: set[int] = set()
    for index, day in enumerate(days):
        before = days[index - 1].end if index else 0
        after = days[index + 1].start if index + 1 < len(days) else len(text)
        mine = _times_of(day, [clock for clock in times if clock.start not in taken], (before, after), text)
        taken.update(clock.start for clock in mine)
        if not mine and not day.doubtful:
            found.append(Moment(day.start, day.end, day.day, exact=day.exact))
        for clock in mine:
            start, end = min(day.start, clock.start), max(day.end, clock.end)
            found.append(Moment(start, end, day.day, clock.first, clock.until, clock.zone, day.exact))
    return _zoned(found[:MOMENTS], zones.stated(text, context), text)


def _times_of(day: _Day, free: Sequence[clocks.Clock], between: tuple[int, int], text: str) -> list[clocks.Clock]:
    """The times that belong to a date: those behind it up to the next date, else the last before it."""
    before, after = between
    mine: list[clocks.Clock] = []
    reach = day.end + APART
    for clock in free:
        if day.end <= clock.start < after and clock.start <= reach:
            # One date may carry several times: "Tuesday at 10:00 or 14:00".
            mine.append(clock)
            reach = clock.end + BESIDE // 2
    if mine:
        return mine
    for clock in reversed(free):
        if before <= clock.start and clock.end <= day.start <= clock.end + APART // 2:
            gap = text[clock.end : day.start]
            return [clock] if gap.count("\n") <= 1 and ". " not in gap else []
    return []


def _zoned(found: list[Moment], whole: zones.Zone | None, text: str) -> list[Moment]:
    """The moments with the zone that the mail states for all of them, or that stands once in their list."""
    if whole:
        return [moment if moment.zone else replace(moment, zone=whole) for moment in found]
    for order in (range(len(found) - 2, -1, -1), range(1, len(found))):
        for index in order:
            neighbour = found[index + 1] if order.step < 0 else found[index - 1]
            gap = text[min(found[index].end, neighbour.end) : max(found[index].start, neighbour.start)]
            if not found[index].zone and neighbour.zone and len(gap) <= BESIDE and ". " not in gap:
                found[index] = replace(found[index], zone=neighbour.zone)
    return found


# --- Days -------------------------------------------------------------------------------------------------------------


def _days(text: str, today: date) -> Iterator[_Day]:
    last: _Day | None = None
    count = 0
    for day in _each_day(text, today):
        if last is not None and last.exact != day.exact and _beside(last, day, text):
            # "Friday, 11 July": the weekday is the date's, and the date is what counts.
            last = _Day(last.start, day.end, day.day if day.exact else last.day)
            continue
        if last is not None:
            yield last
            count += 1
            if count >= MOMENTS:
                return
        last = day
    if last is not None:
        yield last


def _beside(one: _Day, other: _Day, text: str) -> bool:
    gap = text[one.end : other.start]
    return len(gap) <= len(", dem (") and gap.strip(" ,.(-–\n") in _JOINS | {""}


def _each_day(text: str, today: date) -> Iterator[_Day]:
    """The dates, tried only where a number or a word of the calendar stands: all else is passed over quickly."""
    behind = 0
    for token in _TOKEN.finditer(text.lower()):
        word, start = token.group(), token.start()
        if start < behind:
            continue
        if word[0].isdigit():
            forms = _AFTER_DIGIT
            if start and text[start - 1] in _PART_OF_NUMBER and text[max(start - 2, 0)].isdigit():
                continue
        elif CJK.match(word):
            forms = _AFTER_HAN
        elif word in _CALENDAR_WORDS:
            forms = _AFTER_WORD
        else:
            continue
        for pattern, reader in forms:
            match = pattern.match(text, start)
            day = reader(match, today) if match else None
            if day:
                behind = day.end
                yield day
                break


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _dated(year: str | None, month: int, day: int, today: date) -> date | None:
    """A date with its year, or without it the next such date (or the last, if that was a few days ago)."""
    if year:
        return _date(int(year) if len(year) > 2 else 2000 + int(year), month, day)  # noqa: PLR2004 - digits of a year
    for offset in range(-1, LEAP_YEARS + 1):
        candidate = _date(today.year + offset, month, day)
        if candidate and candidate >= today - timedelta(days=PAST_DAYS):
            return candidate
    return None


def _numbered(match: re.Match[str], today: date) -> _Day | None:
    """2026-03-04, 3月4日."""
    found = _dated(match["year"], int(match["month"]), int(match["day"]), today)
    return _Day(match.start(), match.end(), found) if found else None


def _with_month(match: re.Match[str], today: date) -> _Day | None:
    """4 March 2026, March 4th."""
    if match["month"] in _WORDS_TOO and not match["year"]:
        return None
    found = _dated(match["year"], _MONTHS[match["month"].lower()], int(match["day"]), today)
    return _Day(match.start(), match.end(), found) if found else None


def _numeric(match: re.Match[str], today: date) -> _Day | None:
    """11/07/2026, 11.07., 7/11: one date, or none where day and month could change places."""
    text, year, sign = match.string, match["year"], match["sign"]
    before = text[max(match.start() - 16, 0) : match.start()].lower()
    weekday = next((day for name, day in _WEEKDAYS.items() if before.rstrip(" ,.(").endswith(name)), None)
    if not year:
        announced = sign == "/" and (weekday is not None or _DATE_ANNOUNCED.search(before))
        if not announced and not (sign == "." and match["open"]):
            return None
    first, second = int(match["first"]), int(match["second"])
    readings = [_dated(year, second, first, today)]
    if sign != ".":
        readings.append(_dated(year, first, second, today))
    real = {reading for reading in readings if reading}
    if len(real) > 1 and weekday is not None:
        real = {reading for reading in real if reading.weekday() == weekday}
    elif len(real) > 1 and _AMERICAN.search(text[match.end() : match.end() + 24].lower()):
        # A clock of twelve hours, or an American zone, beside 7/11: the month stands first.
        real = {reading for reading in readings[1:] if reading}
    return _Day(match.start(), match.end(), real.pop()) if len(real) == 1 else None


def _weekday(number: int, today: date, *, next_week: bool) -> date:
    """The next such weekday after today; "next Tuesday" is the one of the next calendar week."""
    if next_week:
        return today + timedelta(days=7 - today.weekday() + number)
    return today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)


def _named_day(match: re.Match[str], today: date) -> _Day | None:
    """Tuesday, next Tuesday."""
    name = match["weekday"].lower()
    next_week = (match["relation"] or "").lower() == "next" or bool(match["after"])
    found = _weekday(_WEEKDAYS[name], today, next_week=next_week)
    return _Day(match.start(), match.end(), found, exact=False, doubtful=name in _SHORT_WEEKDAYS)


def _han_day(match: re.Match[str], today: date) -> _Day | None:
    """周二, 下周二, 火曜日."""
    number = _HAN_WEEKDAYS[match["zh"] or match["ja"]] if (match["zh"] or match["ja"]) != "日" else 6
    found = _weekday(number, today, next_week=(match["relation"] or "").startswith(("下", "来")))
    return _Day(match.start(), match.end(), found, exact=False)


def _ahead(match: re.Match[str], today: date) -> _Day | None:
    """Today, tomorrow."""
    found = today + timedelta(days=_DAYS_AHEAD[match.group().lower()])
    return _Day(match.start(), match.end(), found, exact=False)


_Form = tuple[re.Pattern[str], Callable[[re.Match[str], date], _Day | None]]
_AFTER_DIGIT: tuple[_Form, ...] = (
    (_ISO, _numbered),
    (_HAN, _numbered),
    (_DAY_MONTH, _with_month),
    (_NUMERIC, _numeric),
)
_AFTER_WORD: tuple[_Form, ...] = ((_MONTH_DAY, _with_month), (_NAMED_DAY, _named_day), (_AHEAD, _ahead))
_AFTER_HAN: tuple[_Form, ...] = ((_AHEAD, _ahead), (_HAN_DAY, _han_day))
