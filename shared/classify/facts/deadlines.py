"""The last day for something: "by Friday", "until 9 March", "within 72 hours", 截止, and what is no last day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.classify.facts.dates import Moment
from shared.classify.facts.reading import Part, one_of

BEFORE = 60
"""Characters before a date whose words say what it is the date of, within the same sentence."""

AFTER = 24
"""Characters behind a date that may say it: Chinese and Japanese put "by" there."""

LONGEST_DAYS = 365
"""A longer span is a mistake."""

WORKING_DAYS = 5
"""Monday to Friday, as `datetime.weekday()` counts them."""

_BY = re.compile(
    one_of(
        r"\bby\b|\bbefore\b|\buntil\b|\bdue\b|deadline|expires?|expir\w{2,4}|n(?:o|ot) later than|on or before",
        r"valid (?:until|through|till)|\bend of\b|close of business|\bcob\b|\beod\b",
        r"\bbis(?: zum| spätestens| zu)?\b|spätestens|frist|gültig",
        r"\bavant\b|jusqu'|au plus tard|date limite",
        r"\bantes del?\b|hasta|fecha límite|\baté\b|prazo",
        r"\bentro\b|scadenza|\bvóór\b|\buiterlijk\b",
        r"有效期|截止|失效|期限|[务務]必在|[请請][在於于]",
    )
    + r"[^.;!?。]{0,28}$"
)
"""Words before a date that make it the last one."""

_BY_BEHIND = re.compile(
    r"\A(?:\s?[)(]?[^。,.;]{0,8}(?:\)\s?)?(?:之?前|以前|まで|失效|截止|至)|\s?(?:\([^)]{1,20}\)\s?)?(?:前|まで))"
)
"""The same behind it: 8月7日前, 3月5日まで; 至 after the first day of a period."""

_WITHIN = re.compile(
    r"(?:within|in the next|over the next|you (?:will )?have|innerhalb von|binnen|sous|dans les|en un plazo de|"
    r"en los próximos|dentro de|em até|entro)\s(?:the\snext\s)?(?P<count>\d{1,3})[\s-]?"
    r"(?P<unit>hours?|hrs?|h|stunden|heures|horas|ore|uur|business days|working days|werktagen?|calendar days|days?|"
    r"tagen?|jours|días|dias|giorni|dagen|weeks?|wochen?|semaines|semanas|settimane|weken)\b"
    r"|(?P<cjk_count>\d{1,3})\s?(?:个)?(?P<cjk_unit>小时|工作日|天|日|時間)(?:之)?(?:内|以内)"
)
_NUMBER_WORDS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "ten": "10"}
_NUMBER_WORD = re.compile(
    r"\b(" + "|".join(_NUMBER_WORDS) + r")(?=[\s-](?:hours?|business|working|calendar|days?|weeks?))"
)
_TEST = re.compile(r"(?:笔试|测评|测试|考试|\btest|exam|assessment)[^。.;\n]{0,16}$")


@dataclass(frozen=True, slots=True)
class Deadline:
    """An ISO local date or date-time, and the words that it was read from."""

    value: str
    quote: str


def sentence_before(lower: str, at: int) -> str:
    """The words before lower[at] in the same sentence, at most BEFORE characters; a list's label line counts too."""
    left = lower[max(at - BEFORE, 0) : at]
    return left[max(left.rfind(mark) for mark in (". ", "! ", "? ", "。", "\n\n")) + 1 :]


def is_deadline(part: Part, moment: Moment) -> bool:
    """Whether the words around a date make it the last day for something."""
    behind = part.lower[moment.end : moment.end + AFTER]
    return bool(_BY.search(sentence_before(part.lower, moment.start)) or _BY_BEHIND.match(behind))


def find(part: Part, moments: Sequence[Moment], received: datetime, *, test: bool) -> Deadline | None:
    """The last day that a mail sets, or None; spans count from `received`.

    For a test (`test`) the fixed time of the test itself is one too.
    """
    ends = [moment for moment in moments if is_deadline(part, moment)]
    if ends:
        # "Valid from ... to ...": the last one ends it.
        last = max(ends, key=lambda moment: moment.local)
        return Deadline(last.local, part.quote(last.start, last.end))
    found = _WITHIN.search(_NUMBER_WORD.sub(lambda match: _NUMBER_WORDS[match.group(1)], part.lower))
    if found:
        due = received + _span(found, received)
        start = part.lower.find(found.group()[-8:])
        return Deadline(due.date().isoformat(), part.quote(start, start + 8) if start >= 0 else found.group())
    fixed = [moment for moment in moments if moment.clock and _TEST.search(sentence_before(part.lower, moment.start))]
    if test and fixed:
        return Deadline(fixed[0].local, part.quote(fixed[0].start, fixed[0].end))
    return None


def _span(found: re.Match[str], received: datetime) -> timedelta:
    count = min(int(found["count"] or found["cjk_count"]), LONGEST_DAYS)
    unit = found["unit"] or found["cjk_unit"]
    if unit.startswith(("business", "working", "werk", "工作")):
        day = received
        while count:
            day += timedelta(days=1)
            count -= day.weekday() < WORKING_DAYS
        return day - received
    if unit.startswith(("h", "stunde", "ore", "uur", "小时", "時間")):
        return timedelta(hours=count)
    if unit.startswith(("w", "sem", "sett")):
        return timedelta(weeks=min(count, LONGEST_DAYS // 7))
    return timedelta(days=count)
