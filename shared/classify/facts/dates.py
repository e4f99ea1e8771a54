"""Dates and times in a mail's text: a bounded grammar over spans that look like dates, in eight languages.

A date is resolved against the moment at which Gmail received the mail: a weekday is the next one, a date without its
year the next such date. Numbers that could be two dates (3/4) are one only if the mail's own language or weekday says
which; otherwise they are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from shared.classify.facts import zones
from shared.names import CJK, word_set

MOMENTS = 40
"""How many dates of one mail are looked at."""

PAST_DAYS = 14
"""A date without its year that lies at most this far back is this year's, and behind us."""

APART = 70
"""Characters between a date and its time: "Friday, 11 July 2026" on one line, "Time: 10:00" on the next."""

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
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mon montag lundi lunes segunda-feira segunda lunedì lunedi maandag 周一 星期一 礼拜一 月曜日 月曜",
            "tuesday tue tues dienstag mardi martes terça-feira terça martedì martedi dinsdag 周二 星期二 礼拜二 火曜日 火曜",
            "wednesday wed mittwoch mercredi miércoles miercoles quarta-feira quarta mercoledì mercoledi woensdag "
            "周三 星期三 礼拜三 水曜日 水曜",
            "thursday thu thur thurs donnerstag jeudi jueves quinta-feira quinta giovedì giovedi donderdag "
            "周四 星期四 礼拜四 木曜日 木曜",
            "friday fri freitag vendredi viernes sexta-feira sexta venerdì venerdi vrijdag 周五 星期五 礼拜五 金曜日 金曜",
            "saturday sat samstag sonnabend samedi sábado sabado sabato zaterdag 周六 星期六 礼拜六 土曜日 土曜",
            "sunday sun sonntag dimanche domingo domenica zondag 周日 星期日 星期天 周天 礼拜天 日曜日 日曜",
        )
    )
    for name in names.split()
}
_SHORT_WEEKDAYS = word_set("mon tue wed thu fri sat sun segunda terça quarta quinta sexta")
"""Weekdays that are other words too ("we sat"): they count beside a date or a time only."""

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
_WEEKDAY = "|".join(
    re.escape(name) for name in sorted(_WEEKDAYS, key=len, reverse=True) if name.isascii() or name[0] < "⺀"
)
_WEEKDAY_CJK = "|".join(sorted((name for name in _WEEKDAYS if name[0] > "⺀"), key=len, reverse=True))
_YEAR = r"(?:19|20)\d\d"

_DATE = re.compile(
    rf"""
    \b(?P<iso_y>{_YEAR})(?P<iso_s>[-/.])(?P<iso_m>\d{{1,2}})(?P=iso_s)(?P<iso_d>\d{{1,2}})(?!\d)
    |(?:(?P<han_y>{_YEAR})\s?年\s?)?(?<!\d)(?P<han_m>\d{{1,2}})\s?月\s?(?P<han_d>\d{{1,2}})\s?[日号號]
    |(?<![\d:.,/$€£])(?P<dm_d>\d{{1,2}})(?:st|nd|rd|th|er|ª|º|\.)?\s?(?:(?:of|de|di)\s)?(?P<dm_m>{_MONTH})\b\.?
        (?:,?\s(?:de\s|del\s)?(?P<dm_y>{_YEAR})\b)?
    |\b(?P<md_m>{_MONTH})\b\.?\s(?:the\s)?(?P<md_d>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])(?!\s?(?:am|pm|a\.m|p\.m)\b)
        (?:,?\s(?P<md_y>{_YEAR})\b)?
    |(?<![\d.,:/$€£-])(?P<n1>\d{{1,2}})(?P<ns>[/.-])(?P<n2>\d{{1,2}})(?:(?P=ns)(?P<n3>{_YEAR}|\d\d)|(?<=\.\d\d)\.|)(?![\d%:])
    |(?P<cjk_next>下周|下个?星期|下礼拜|来週の?|本周|这周|今週の?)?(?P<cjk_w>{_WEEKDAY_CJK})
    |(?P<cjk_next2>下)(?P<cjk_w2>周[一二三四五六日天])
    |(?:\b(?P<rel>this\scoming|coming|this|next|am|nächsten|kommenden|prochain|próximo|próxima|prossimo|aanstaande)\s)?
        \b(?P<w>{_WEEKDAY})\b(?P<next_after>\s(?:next\sweek|prochain|que\sviene|prossimo|aanstaande|volgende\sweek))?
    |\b(?P<ahead>today|tonight|tomorrow|heute|übermorgen|aujourd['’]hui|demain|hoy|hoje|amanhã|oggi|domani|vandaag)\b
    |(?P<ahead_cjk>今天|今日|本日|明天|明日|后天|明後日)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_CALENDAR_WORDS = frozenset({*_MONTHS, *_WEEKDAYS, *_DAYS_AHEAD}) | word_set(
    "this coming next am nächsten kommenden prochain próximo próxima prossimo aanstaande"
)
_TOKEN = re.compile(r"\d+|[^\W\d_]+(?:['’-][^\W\d_]+)?|[今本明后後下来这周星礼月火水木金土日]")
_MERIDIEM = r"(?:a\.?\s?m\.?|p\.?\s?m\.?)(?![a-z])"
_TIME = re.compile(
    rf"""
    (?P<cjk_m>上午|早上|凌晨|中午|下午|晚上|午前|午後)?\s?(?<![\d:.,$€£+])(?P<h>\d{{1,2}})
    (?:
        \s?[:：]\s?(?P<m1>[0-5]\d)(?::[0-5]\d)?
        |\s?(?:点|點|时|時)\s?(?:(?P<m2>[0-5]?\d)\s?分?|(?P<half>半))?
        |\s?[hH](?P<m3>[0-5]\d)(?!\d)
        |\.(?P<m4>[0-5]\d)(?=\s?(?:{_MERIDIEM}|uhr\b|uur\b|h\b))
        |(?=\s?(?:{_MERIDIEM}|uhr\b|uur\b|h\b(?!\w)|hs\b|horas?\b|heures?\b))
        |(?=\s?(?:-|–|—|to|until|till|bis)\s?\d{{1,2}}(?::[0-5]\d)?\s?{_MERIDIEM})
    )
    (?:\s?(?P<ap>{_MERIDIEM}))?
    |\b(?P<noon>noon|midday|midnight)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_TIME_WORD = re.compile(r"\s?(?:uhr|uur|h|hs|hrs|horas?|heures?|o'clock)\b\.?", re.IGNORECASE)
_RANGE = re.compile(r"\s?(?:-|–|—|~|至|到|から|to|until|till|bis|à|a|alle|tot|hasta|até)\s?", re.IGNORECASE)
_AT = re.compile(r"\b(?:at|um|à|a las|às|alle|om|@)\s?$", re.IGNORECASE)


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
    """False where the day was inferred from a weekday."""

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
        first = self.clock.hour * 60 + self.clock.minute
        last = self.until.hour * 60 + self.until.minute
        return last - first if 0 < last - first <= 12 * 60 else None

    def utc(self) -> datetime | None:
        """The moment in UTC; None without a time, or a zone that gives it one meaning."""
        if self.clock is None or self.zone is None:
            return None
        return self.zone.utc(datetime.combine(self.day, self.clock))


@dataclass(frozen=True, slots=True)
class _Day:
    start: int
    end: int
    day: date
    exact: bool
    short: bool = False
    """A weekday's short form, which needs a date or a time beside it."""


@dataclass(frozen=True, slots=True)
class _Clock:
    start: int
    end: int
    first: time
    until: time | None
    zone: zones.Zone | None


def moments(text: str, received: datetime, context: str) -> list[Moment]:
    """The dates of `text` in their order, each with its time; times without a date are left out.

    `received` is the mail's internal date; `context` (lower case) settles zones that share an abbreviation.
    """
    days = list(_days(text, received))
    clocks = list(_clocks(text, context))
    whole = zones.stated(text, context)
    taken: set[int] = set()
    found: list[Moment] = []
    for index, day in enumerate(days):
        nearest = _nearest(day, days, index, clocks, taken, text)
        if nearest is None:
            if not day.short:
                found.append(Moment(day.start, day.end, day.day, exact=day.exact))
            continue
        taken.add(nearest.start)
        # One date may carry several times: "Tuesday at 10:00 or 14:00".
        found.append(_joined(day, nearest, whole))
        following = days[index + 1].start if index + 1 < len(days) else len(text)
        for clock in clocks:
            if nearest.end <= clock.start < min(following, nearest.end + 24) and clock.start not in taken:
                taken.add(clock.start)
                found.append(_joined(day, clock, whole))
                nearest = clock
    return found[:MOMENTS]


def _joined(day: _Day, clock: _Clock, whole: zones.Zone | None) -> Moment:
    return Moment(
        min(day.start, clock.start),
        max(day.end, clock.end),
        day.day,
        clock.first,
        clock.until,
        clock.zone or whole,
        day.exact,
    )


def _nearest(
    day: _Day, days: list[_Day], index: int, clocks: list[_Clock], taken: set[int], text: str
) -> _Clock | None:
    """The time that belongs to a date: the first behind it before the next date, else the last before it."""
    following = days[index + 1].start if index + 1 < len(days) else len(text)
    for clock in clocks:
        if day.end <= clock.start <= day.end + APART and clock.start < following and clock.start not in taken:
            return clock
    preceding = days[index - 1].end if index else 0
    for clock in reversed(clocks):
        between = text[clock.end : day.start]
        if preceding <= clock.start and clock.end <= day.start <= clock.end + APART // 2 and clock.start not in taken:
            return clock if between.count("\n") <= 1 and ". " not in between else None
    return None


# --- Days -------------------------------------------------------------------------------------------------------------


def _days(text: str, received: datetime) -> Iterator[_Day]:
    today = received.date()
    last: _Day | None = None
    count = 0
    behind = 0
    for start in _starts(text):
        match = _DATE.match(text, start) if start >= behind else None
        day = _day(match, text, today) if match else None
        behind = match.end() if match else behind
        if day is None:
            continue
        if (
            last is not None
            and day.start - last.end <= 7
            and text[last.end : day.start].strip(" ,.(-–\n") in ("", "the", "den", "le", "el", "dem", "der")
        ):  # noqa: PLR2004 - "Friday, the 11th"
            if not last.exact and day.exact:
                # "Friday, 11 July": the weekday is the date's, and the date is what counts.
                last = _Day(last.start, day.end, day.day, exact=True)
                continue
            if last.exact and not day.exact:
                last = _Day(last.start, day.end, last.day, exact=True)
                continue
        if last is not None:
            yield last
            count += 1
            if count >= MOMENTS:
                return
        last = day
    if last is not None:
        yield last


def _starts(text: str) -> Iterator[int]:
    """Where a date may begin: numbers and the words of the calendar. Everything else is passed over quickly."""
    for token in _TOKEN.finditer(text.lower()):
        word = token.group()
        if word[0].isdigit() or word in _CALENDAR_WORDS or CJK.match(word):
            yield token.start()


def _day(match: re.Match[str], text: str, today: date) -> _Day | None:
    group = match.groupdict()
    found: date | None = None
    exact = True
    short = False
    if group["iso_y"]:
        found = _date(int(group["iso_y"]), int(group["iso_m"]), int(group["iso_d"]))
    elif group["han_m"]:
        found = _dated(group["han_y"], int(group["han_m"]), int(group["han_d"]), today)
    elif group["dm_m"]:
        found = _dated(group["dm_y"], _MONTHS[group["dm_m"].lower()], int(group["dm_d"]), today)
    elif group["md_m"]:
        if group["md_m"] in ("may", "march", "mar", "set", "ago", "out", "gen") and not group["md_y"]:
            return None  # "you may 2 times", "we march": small letters make them words.
        found = _dated(group["md_y"], _MONTHS[group["md_m"].lower()], int(group["md_d"]), today)
    elif group["n1"]:
        found = _numeric(group, match, text, today)
    elif group["ahead"] or group["ahead_cjk"]:
        found = today + timedelta(days=_DAYS_AHEAD[(group["ahead"] or group["ahead_cjk"]).lower()])
        exact = False
    else:
        name = (group["w"] or group["cjk_w"] or group["cjk_w2"]).lower()
        relation = (group["rel"] or "").lower()
        next_week = relation == "next" or bool(group["next_after"]) or bool(group["cjk_next2"])
        next_week = next_week or (group["cjk_next"] or "").startswith(("下", "来"))
        found = _weekday(_WEEKDAYS[name], today, next_week=next_week)
        exact = False
        short = name in _SHORT_WEEKDAYS
    if found is None:
        return None
    return _Day(match.start(), match.end(), found, exact, short)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _dated(year: str | None, month: int, day: int, today: date) -> date | None:
    """A date with its year, or without it the next such date (or the last, if that was a few days ago)."""
    if year:
        return _date(int(year), month, day)
    for candidate in (_date(today.year - 1, month, day), _date(today.year, month, day)):
        if candidate and today - timedelta(days=PAST_DAYS) <= candidate:
            return candidate
    # 29 February comes again within eight years at most.
    following = (_date(today.year + years, month, day) for years in range(1, 9))
    return next((candidate for candidate in following if candidate), None)


def _numeric(group: dict[str, str | None], match: re.Match[str], text: str, today: date) -> date | None:
    """ "11/07/2026", "11.07.", "7/11": one date, or none where day and month could change places."""
    first, second = int(group["n1"] or 0), int(group["n2"] or 0)
    sign, third = group["ns"], group["n3"]
    if sign == "-" and not third:
        return None
    before = text[max(match.start() - 16, 0) : match.start()].lower()
    weekday = next((number for name, number in _WEEKDAYS.items() if before.rstrip(" ,.").endswith(name)), None)
    if not third and sign == "." and not match.group().endswith("."):
        return None
    year = (third if len(third) == 4 else "20" + third) if third else None  # noqa: PLR2004 - digits of a year
    readings = (
        [_dated(year, second, first, today)]
        if sign == "."
        else [_dated(year, second, first, today), _dated(year, first, second, today)]
    )
    real = [reading for reading in readings if reading]
    if len(set(real)) > 1 and weekday is not None:
        real = [reading for reading in real if reading.weekday() == weekday]
    if len(set(real)) > 1:
        after = text[match.end() : match.end() + 24].lower()
        # A clock of twelve hours, or dollars, beside 7/11: the American order.
        real = real[1:] if re.search(r"\d\s?(?:am|pm|a\.m|p\.m)\b|\b[ecmp][sd]?t\b", after) else []
    if (
        not third
        and weekday is None
        and sign == "/"
        and not re.search(r"\b(?:on|am|le|el|em|op|il|date|fecha|data|datum)\b\W{0,3}$", before)
    ):
        return None
    return real[0] if real else None


def _weekday(number: int, today: date, *, next_week: bool) -> date:
    """The next such weekday after today; "next Tuesday" is the one of the next calendar week."""
    if next_week:
        return today + timedelta(days=7 - today.weekday() + number)
    return today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)


# --- Times ------------------------------------------------------------------------------------------------------------


def _clocks(text: str, context: str) -> Iterator[_Clock]:
    found = 0
    skip_to = 0
    for match in _TIME.finditer(text):
        if match.start() < skip_to:
            continue
        first = _time(match)
        if first is None:
            continue
        end = _behind(text, match.end())
        written = match["ap"]
        zone = zones.at(text, end, context)
        until: time | None = None
        between = _RANGE.match(text, end)
        # "10:00 AM EST - 11:00 AM EST" has its zone before the dash.
        if between is None and zone:
            between = _RANGE.match(text, zone[1])
        if between:
            second = _TIME.match(text, between.end())
            until = _time(second) if second else None
            if second and until:
                if not written and second["ap"] and not match["cjk_m"]:
                    first = _borrow(first, second["ap"], until)
                end = _behind(text, second.end())
                zone = zones.at(text, end, context) or zone
        elif not written and match["noon"] is None and match["cjk_m"] is None and not _is_clock(match, text, end):
            continue
        if zone:
            end = max(end, zone[1])
        skip_to = end
        found += 1
        yield _Clock(match.start(), end, first, until, zone[0] if zone else None)
        if found >= MOMENTS:
            return


def _behind(text: str, at: int) -> int:
    word = _TIME_WORD.match(text, at)
    return word.end() if word else at


def _is_clock(match: re.Match[str], text: str, end: int) -> bool:
    """Whether digits are a time of day: minutes were written, or a word ("Uhr", "h") follows."""
    return (
        bool(match["m1"] or match["m3"] or match["m4"] or match["m2"] or match["half"])
        or end > match.end()
        or "点" in match.group()
        or "時" in match.group()
        or "时" in match.group()
    )


def _time(match: re.Match[str]) -> time | None:
    if match["noon"]:
        return time(0, 0) if match["noon"].lower() == "midnight" else time(12, 0)
    hour = int(match["h"])
    minute = 30 if match["half"] else int(match["m1"] or match["m2"] or match["m3"] or match["m4"] or 0)
    meridiem = (match["ap"] or "").lower()[:1]
    if match["cjk_m"] in ("下午", "晚上", "午後"):
        meridiem = "p"
    elif match["cjk_m"] == "中午" and hour < 11:  # noqa: PLR2004 - noon may be 11:30
        meridiem = "p"
    if meridiem:
        if hour > 12 and meridiem == "a":  # noqa: PLR2004 - the hours of a clock
            return None
        if hour <= 12:  # noqa: PLR2004 - "14:00 PM" is 14:00
            hour = hour % 12 + (12 if meridiem == "p" else 0)
    if hour > 23 or minute > 59:  # noqa: PLR2004 - the hours and minutes of a day
        return None
    return time(hour, minute)


def _borrow(first: time, meridiem: str, until: time) -> time:
    """The start of "2-3 PM" and of "11-1 PM": the half of the day that makes the range go forward."""
    if first.hour >= 12:  # noqa: PLR2004 - the hours of a clock
        return first
    afternoon = time(first.hour + 12, first.minute)
    return afternoon if meridiem.lower().startswith("p") and afternoon < until else first
