"""What a mail states about an application, each fact with the words that it was read from.

Everything here is bounded: a part is capped before it is searched, a pattern repeats only so often, and a date that
does not exist is no date. Nothing raises.
"""

from __future__ import annotations

from shared.classify.facts import (
    bounce,
    calendar,
    company,
    dates,
    deadlines,
    interview,
    money,
    posting,
    reading,
    role,
)
from shared.model import SPAN_CHARACTERS, SPANS_PER_MAIL, Facts, Mail, Signal

CALENDARS = 4
"""How many calendar parts of one mail are looked at: the same invitation comes as a part and as an attachment."""

_MEETINGS = frozenset({Signal.INTERVIEW_INVITATION, Signal.INTERVIEW_UPDATE, Signal.AVAILABILITY_REQUEST})
"""Signals whose text may state a meeting. A calendar part states one in any mail about an application."""

_ANSWERS = _MEETINGS | {Signal.OFFER, Signal.INFO_REQUEST, Signal.INCOMPLETE_APPLICATION}
"""Signals that ask for an answer, which may have a last day."""

_NOTHING = frozenset({Signal.OTHER, Signal.VERIFICATION_CODE})
"""Signals of mail that is about no application: it states no fact of one."""


def extract(mail: Mail, signal: Signal) -> Facts:
    """The facts of `mail`, read in the light of its `signal`. Never raises; what is not stated stays empty."""
    if signal in _NOTHING:
        return Facts()
    if signal is Signal.DELIVERY_FAILURE:
        why, quote = bounce.diagnosis(mail)
        return Facts(
            bounced_message_id=bounce.original_message_id(mail),
            bounce_diagnosis=why,
            quotes=_quotes(bounce_diagnosis=quote),
        )
    parts = reading.read(mail)
    employer = company.find(parts, mail.from_address)
    title = role.find(parts, employer.value if employer else "")
    number, number_quote = posting.requisition(parts)
    page, page_quote = posting.page(parts, mail.from_address)
    meeting = next((found for part in mail.calendars[:CALENDARS] if (found := calendar.meeting(part))), None)
    test = signal is Signal.ASSESSMENT
    met = due = None
    if meeting or test or signal in _ANSWERS:
        # Words that settle what an abbreviation like IST means may stand anywhere, also in the sender's domain.
        context = f"{parts.subject.lower}\n{parts.body.lower}\n{mail.from_address}"
        in_subject = dates.moments(parts.subject.text, mail.internal_date, context)
        in_body = dates.moments(parts.body.text, mail.internal_date, context)
        if meeting or signal in _MEETINGS:
            met = interview.find(parts.subject, parts.body, signal, meeting, (in_subject, in_body))
        if test or signal in _ANSWERS:
            due = deadlines.find(parts.body, in_body, mail.internal_date, test=test)
            due = due or deadlines.find(parts.subject, in_subject, mail.internal_date, test=False)
    paid = money.pay(parts.body, signal)
    return Facts(
        company=employer.value if employer else "",
        role=title.value if title else "",
        requisition=number,
        job_url=page,
        interview=met[0] if met else None,
        assessment_deadline=due.value if due and test else "",
        salary=paid.salary if paid else None,
        reply_by=due.value if due and not test else "",
        quotes=_quotes(
            company=employer.quote if employer else "",
            role=title.quote if title else "",
            interview=met[1] if met else "",
            salary=paid.quote if paid else "",
            assessment_deadline=due.quote if due and test else "",
            reply_by=due.quote if due and not test else "",
            requisition=number_quote,
            job_url=page_quote,
        ),
    )


def _quotes(**quotes: str) -> dict[str, str]:
    """The quotes that there are, within the limits of what a record may keep of a mail."""
    stated = [(name, quote[:SPAN_CHARACTERS]) for name, quote in quotes.items() if quote]
    return dict(stated[:SPANS_PER_MAIL])
