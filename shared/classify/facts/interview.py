"""The meeting that a mail proposes, fixes, moves or calls off: when, how long, where, and what it is joined by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.classify.facts import links
from shared.classify.facts.calendar import Meeting
from shared.classify.facts.dates import Moment
from shared.classify.facts.deadlines import is_deadline, sentence_before
from shared.classify.facts.reading import Part, one_of
from shared.model import InterviewFacts, Signal

ALTERNATIVES = 8
"""How many further proposed times are kept."""

MINUTES = (10, 8 * 60)
"""Shorter is "please join five minutes early"; longer is no interview day."""

_OTHER_DAY = re.compile(
    one_of(
        r"applied|submitted|sent|received|dated|wrote|written|posted|published|application (?:of|from|on|date)|since",
        r"start date|starting|(?:start|begin) on|joining date|first day|date of birth|last updated|\bas of\b|©",
        r"beworben|eingegangen|(?:bewerbung|schreiben) vom|arbeitsbeginn|eintritt|gesendet",
        r"candidature du|envoyé|début le|enviad[ao]|fecha de inicio|data de início|inviat[ao]|verzonden",
        r"启动|入职|投递于|入社|生效",
    )
    + r"[^.;!?。]{0,24}$"
)
"""Words before a date that make it another day than the meeting's: when the person applied, when the work begins."""

_OLD_TIME = re.compile(
    one_of(
        r"originally|previously|initially|instead of|was (?:scheduled|planned|set)|had been scheduled",
        r"(?:moved|rescheduled|changed|postponed)[^.;!?。]{0,30}\bfrom|ursprünglich|statt|anstatt|verschoben vom",
        r"initialement|prévu le|originalmente|inicialmente|originariamente|oorspronkelijk|原定|原面试时间为|当初",
    )
    + r"[^.;!?。]{0,30}$"
)
"""Words before the time that a meeting no longer has."""

_LABEL = re.compile(
    one_of(
        r"\bdate\b|\bwhen\b|\btime\b|scheduled|confirmed|booked|\bset\b|\bmoved\b|rescheduled|postponed|interview",
        r"meeting",
        r"\bcall\b|\bchat\b|screen|\bmeet\b|see you|invite|take place|arrive|join|availab|speak|talk|slot|option",
        r"termin|gespräch|datum|uhrzeit|stattfinden|entretien|rendez-vous|entrevista|reunión|cita|reunião",
        r"colloquio|incontro|gesprek|afspraak|面试|面談|面接|时间|時間|日時|调整[为至]|改[为到]",
    )
    + r"[^。!?;]{0,40}$"
)
"""Words before a date that make it a meeting's."""

_PROPOSES = re.compile(
    one_of(
        r"following (?:times|slots|dates|options|time slots)|time slots?|which (?:of|time|one|slot)",
        r"any of (?:these|the)",
        r"options?\b|would (?:either|any|one of)|\bor\b|whichever|choose|pick (?:a|one)|propose",
        r"folgende termine|terminvorschl|\boder\b|créneaux|\bou\b|siguientes|horarios|\bopciones\b|seguintes",
        r"opções",
        r"seguenti|oppure|volgende|候補|以下の日程|以下时间|可选",
    )
)
"""Words of a mail that offers several times instead of fixing one."""

_CANCELLED = re.compile(
    one_of(
        r"\bcancell?ed\b|(?:have|need|had|has) to cancel|\bcancell?ing\b",
        r"cancel (?:your|the|our|this) (?:interview|meeting|call)",
        r"(?:not|no longer) (?:be )?tak(?:e|ing) place|abgesagt|absagen müssen|entfällt|annulé|cancelad[ao]",
        r"annullat[ao]",
        r"geannuleerd|已取消|取消了|取消面试|キャンセル|中止",
    )
)
_NEW_TIME = re.compile(
    r"(?:\bnew|moved|resched|instead|neue|nouve|nuev|\bnov[ao]|nuov|nieuw|调整|改)[^.;!?。]{0,24}$|\b(?:to|auf|au|al|naar)\s$"
)
"""Words before the time that a meeting has now."""

_DURATION = re.compile(
    r"(?P<count>\d{1,3}(?:[.,]5)?)\s?-?\s?"
    r"(?P<unit>minutes?|mins?|minuten|minutos|minuti|hours?|hrs?|stunden?|heures?|horas?|ore|ora|uur|分钟|分間|小时|時間)"
    r"(?![a-z])"
    r"|(?P<half>half[- ](?:an[- ])?hour|halbstündig\w{0,2}|halbe stunde|demi-heure|media hora|meia hora|mezz'ora|"
    r"half uur|半小时)"
    r"|(?P<hour>\b(?:an|one)[- ]hour\b|einstündig\w{0,2}|une heure|una hora|uma hora|un'ora|一小时)"
)
_NO_DURATION = re.compile(
    r"\s?(?:early|before|prior|in advance|ahead|notice|to (?:complete|confirm|finish|respond|submit)|vorher|früher|"
    r"avant|antes|prima|eerder|提前|前)"
)

_PLATFORM_WORDS: tuple[tuple[str, str], ...] = (
    ("google meet", "Google Meet"),
    ("google hangout", "Google Meet"),
    ("microsoft teams", "Microsoft Teams"),
    ("ms teams", "Microsoft Teams"),
    ("teams meeting", "Microsoft Teams"),
    ("via teams", "Microsoft Teams"),
    ("on teams", "Microsoft Teams"),
    ("teams call", "Microsoft Teams"),
    ("über teams", "Microsoft Teams"),
    ("zoom", "Zoom"),
    ("webex", "Webex"),
    ("skype", "Skype"),
    ("腾讯会议", "Tencent Meeting"),
    ("飞书", "Feishu"),
    ("phone screen", "phone"),
    ("phone call", "phone"),
    ("phone interview", "phone"),
    ("by phone", "phone"),
    ("over the phone", "phone"),
    ("telefonisch", "phone"),
    ("telefoninterview", "phone"),
    ("telefonat", "phone"),
    ("par téléphone", "phone"),
    ("entretien téléphonique", "phone"),
    ("por teléfono", "phone"),
    ("entrevista telefónica", "phone"),
    ("por telefone", "phone"),
    ("telefonica", "phone"),
    ("电话面试", "phone"),
    ("電話", "phone"),
    ("on-site", "on-site"),
    ("onsite", "on-site"),
    ("in person", "on-site"),
    ("in-person", "on-site"),
    ("our office", "on-site"),
    ("our downtown office", "on-site"),
    ("visitor", "on-site"),
    ("vor ort", "on-site"),
    ("in unserem büro", "on-site"),
    ("dans nos locaux", "on-site"),
    ("presencial", "on-site"),
    ("in sede", "on-site"),
    ("op kantoor", "on-site"),
    ("现场面试", "on-site"),
    ("来社", "on-site"),
    ("video call", "video"),
    ("video interview", "video"),
    ("virtual interview", "video"),
    ("videocall", "video"),
    ("videokonferenz", "video"),
    ("videogespräch", "video"),
    ("visioconférence", "video"),
    ("en visio", "video"),
    ("videollamada", "video"),
    ("videochamada", "video"),
    ("videochiamata", "video"),
    ("videogesprek", "video"),
    ("视频面试", "video"),
    ("オンライン面接", "video"),
)
"""Words that name how people meet, most telling first."""


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The moment of the meeting, the part that states it, and further moments that are offered."""

    moment: Moment
    part: Part
    others: tuple[Moment, ...] = ()


def find(
    subject: Part,
    body: Part,
    signal: Signal,
    meeting: Meeting | None,
    moments: tuple[Sequence[Moment], Sequence[Moment]],
) -> tuple[InterviewFacts, str] | None:
    """The meeting of a mail and the words that state it, from its calendar part if it has one, else from its text.

    `moments` are the dates of subject and body. None when the mail says nothing of any meeting.
    """
    chosen = _choose(subject, body, moments)
    found = list(links.find(body.text))
    room = next((link for link in found if links.platform_of(link)), None)
    link = room or next((link for link in found if links.is_booking(link)), None)
    if meeting is not None:
        return _from_calendar(meeting, chosen, link, subject, body)
    platform = links.platform_of(room) if room else _platform_in(body.lower) or _platform_in(subject.lower)
    minutes = (chosen.moment.minutes if chosen else None) or _duration(body)
    off = bool(_CANCELLED.search(body.lower) or _CANCELLED.search(subject.lower))
    cancelled = off and signal is Signal.INTERVIEW_UPDATE
    if not (chosen or link or cancelled or platform or minutes):
        return None
    moment = chosen.moment if chosen else None
    facts = InterviewFacts(
        start=moment.utc() if moment else None,
        start_local=moment.local if moment else "",
        zone=moment.zone.written if moment and moment.zone else "",
        duration_minutes=minutes,
        platform=platform,
        link=link.text if link else "",
        alternatives=tuple(dict.fromkeys(other.local for other in chosen.others))[:ALTERNATIVES] if chosen else (),
        # "Monday's interview is cancelled; we have moved it to Tuesday at 10:00" moves it.
        cancelled=cancelled
        and not (chosen and _NEW_TIME.search(sentence_before(chosen.part.lower, chosen.moment.start))),
    )
    return facts, chosen.part.quote(chosen.moment.start, chosen.moment.end) if chosen else ""


def _from_calendar(
    meeting: Meeting, chosen: _Chosen | None, link: links.Found | None, subject: Part, body: Part
) -> tuple[InterviewFacts, str]:
    start, zone = meeting.start, meeting.zone
    if start is None and chosen and chosen.moment.local == meeting.start_local and chosen.moment.zone:
        # A floating time in the calendar, and the same with its zone in the text.
        start, zone = chosen.moment.utc(), chosen.moment.zone.written
    where = f"{meeting.url} {meeting.location} {meeting.description}"
    inside = next((found for found in links.find(where) if links.platform_of(found)), None)
    joined = inside or link
    platform = links.platform_of(joined) if joined else ""
    facts = InterviewFacts(
        start=start,
        start_local=meeting.start_local,
        zone=zone,
        duration_minutes=meeting.minutes,
        platform=platform or _platform_in(where.lower()) or _platform_in(body.lower) or _platform_in(subject.lower),
        link=joined.text if joined else "",
        ics_uid=meeting.uid[:255],
        ics_sequence=meeting.sequence,
        cancelled=meeting.cancelled,
        organizer=meeting.organizer,
    )
    return facts, meeting.line


def _choose(subject: Part, body: Part, moments: tuple[Sequence[Moment], Sequence[Moment]]) -> _Chosen | None:
    ranked = [
        (_score(part, moment, stated[index - 1].end if index else 0), -order, -moment.start, moment, part)
        for order, (part, stated) in enumerate(((body, moments[1]), (subject, moments[0])))
        for index, moment in enumerate(stated)
    ]
    ranked = [row for row in ranked if row[0] > 0]
    if not ranked:
        return None
    *_, chosen, part = max(ranked, key=lambda row: row[:3])
    if part is not body or not _PROPOSES.search(body.lower):
        return _Chosen(chosen, part)
    # Several times are offered: the first of them, and the others. The same moment, written again in another zone
    # or in the subject, is no second one.
    offered = sorted(
        (moment for *_, moment, where in ranked if where is body and bool(moment.clock) == bool(chosen.clock)),
        key=lambda moment: moment.start,
    )
    first, *rest = offered
    same = first.utc()
    others = [moment for moment in rest if moment.local != first.local and (same is None or moment.utc() != same)]
    return _Chosen(first, body, tuple(others))


def _score(part: Part, moment: Moment, behind: int) -> int:
    """How surely a date is the meeting's; 0 for a day that the words around it make another one.

    `behind` is where the date before it ends: "moved from Monday to Tuesday" says of Monday only that it is old.
    """
    left = sentence_before(part.lower, moment.start)
    if is_deadline(part, moment) or _OTHER_DAY.search(left):
        return 0
    if _OLD_TIME.search(left[-max(moment.start - behind, 0) :] if moment.start > behind else ""):
        return 1
    label = part.where == "subject" or bool(
        _LABEL.search(left) or _LABEL.search(part.lower[moment.end : moment.end + 20])
    )
    if moment.clock is None and not label:
        return 0
    return 2 + 3 * (moment.clock is not None) + 2 * label + moment.exact


def _platform_in(lower: str) -> str:
    return next((name for words, name in _PLATFORM_WORDS if words in lower), "")


def _duration(body: Part) -> int | None:
    for match in _DURATION.finditer(body.lower):
        if _NO_DURATION.match(body.lower[match.end() : match.end() + 16]):
            continue
        if match["half"] or match["hour"]:
            return 30 if match["half"] else 60
        count = float(match["count"].replace(",", "."))
        minutes = round(count if match["unit"].startswith(("m", "分")) else count * 60)
        if MINUTES[0] <= minutes <= MINUTES[1]:
            return minutes
    return None
