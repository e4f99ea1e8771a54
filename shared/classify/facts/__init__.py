"""What a mail states about an application, each fact with the words that it was read from.

Everything here is bounded: a part is capped before it is searched, a pattern repeats only so often, and a date that
does not exist is no date. Nothing raises.
"""

from __future__ import annotations

import re

from shared.classify.facts import bounce, calendar, company, dates, deadlines, interview, links, money, reading, role
from shared.hosts import HIRING_SYSTEMS, belongs_to
from shared.model import SPAN_CHARACTERS, Facts, InterviewFacts, Mail, Signal

_MEETINGS = frozenset({Signal.INTERVIEW_INVITATION, Signal.INTERVIEW_UPDATE, Signal.AVAILABILITY_REQUEST})
"""Signals whose text may state a meeting. A calendar part states one in any mail about an application."""

_ANSWERS = frozenset(
    {
        Signal.OFFER,
        Signal.INTERVIEW_INVITATION,
        Signal.INTERVIEW_UPDATE,
        Signal.AVAILABILITY_REQUEST,
        Signal.INFO_REQUEST,
        Signal.INCOMPLETE_APPLICATION,
    }
)
"""Signals that ask for an answer, which may have a last day."""

_PRIVATE = frozenset({Signal.OTHER, Signal.VERIFICATION_CODE})
"""Signals of mail that is about no application: it states no fact of one."""

_REQUISITION = re.compile(
    r"\b(?:job|req(?:uisition)?|requisition|position|posting|vacancy|reference|ref|stellen|kennziffer|referenz)\.?"
    r"[ -]?(?:(?:id|no|number|nr|nummer|code|ref|reference|#)\.?)?\s?[:#]\s?\(?([A-Z]{0,8}[-_]?\d{2,14}(?:[-_/]\d{1,8})?)\b"
    r"|\b(?:job|req|requisition|position|posting) ?(?:id|no\.?|number|#) ?([A-Z]{0,8}[-_]?\d{3,14}(?:[-_]\d{1,8})?)\b"
    r"|(?<![\w/=.-])((?:R|JR|REQ|RQ|JOB|VN|REF)[-_]?\d{4,14}(?:[-_]\d{1,6})?)(?![\w/])"
    r"|(?:职位编号|岗位编号|求人番号|求人id)\s?[:#]?\s?([A-Z]{0,8}[-_]?\d{2,14})",
    re.IGNORECASE,
)
"""An id that a label or its own form shows to be a job's: "Job ID: 43683", R260013984, JR12352, REQ-2026-114."""


def extract(mail: Mail, signal: Signal) -> Facts:
    """The facts of `mail`, read in the light of its `signal`. Never raises; what is not stated stays empty."""
    if signal in _PRIVATE:
        return Facts()
    if signal is Signal.DELIVERY_FAILURE:
        why, quote = bounce.diagnosis(mail)
        quotes = {"bounce_diagnosis": quote} if quote else {}
        return Facts(bounced_message_id=bounce.original_message_id(mail), bounce_diagnosis=why, quotes=quotes)
    parts = reading.read(mail)
    quotes = {}
    employer = company.find(parts, mail.from_address)
    if employer:
        quotes["company"] = employer.quote
    title = role.find(parts, employer.value if employer else "")
    if title:
        quotes["role"] = title.quote
    requisition = _requisition(parts, quotes)
    job_url = _job_url(parts, mail.from_address, quotes)
    context = f"{parts.subject.lower}\n{parts.body.lower}\n{mail.from_address}"
    moments = (
        dates.moments(parts.subject.text, mail.internal_date, context),
        dates.moments(parts.body.text, mail.internal_date, context),
    )
    met = _interview(mail, signal, parts, moments, quotes)
    due = None
    if signal is Signal.ASSESSMENT or signal in _ANSWERS:
        due = deadlines.find(parts.body, moments[1], mail.internal_date, test=signal is Signal.ASSESSMENT)
        due = due or deadlines.find(parts.subject, moments[0], mail.internal_date, test=False)
    if due:
        quotes["assessment_deadline" if signal is Signal.ASSESSMENT else "reply_by"] = due.quote
    paid = money.pay(parts.body, signal)
    if paid:
        quotes["salary"] = paid.quote
    return Facts(
        company=employer.value if employer else "",
        role=title.value if title else "",
        requisition=requisition,
        job_url=job_url,
        interview=met,
        assessment_deadline=due.value if due and signal is Signal.ASSESSMENT else "",
        salary=paid.salary if paid else None,
        reply_by=due.value if due and signal is not Signal.ASSESSMENT else "",
        quotes={name: quote[:SPAN_CHARACTERS] for name, quote in quotes.items() if quote},
    )


def _requisition(parts: reading.Reading, quotes: dict[str, str]) -> str:
    for part in (parts.subject, parts.body):
        found = _REQUISITION.search(part.text)
        if found:
            quotes["requisition"] = part.quote(found.start(), found.end())
            return next(group for group in found.groups() if group)
    return ""


def _job_url(parts: reading.Reading, address: str, quotes: dict[str, str]) -> str:
    """The one posting that the mail links to; a mail with several is a digest and about none of them."""
    pages = {links.canonical(link.text): link for link in links.find(parts.body.text) if links.is_posting(link)}
    known = {page: link for page, link in pages.items() if links.posting_id(link.text)}
    chosen = known or pages
    if len(chosen) != 1:
        return ""
    link = next(iter(chosen.values()))
    if not known and not belongs_to(link.host, HIRING_SYSTEMS) and link.host.split(".")[-2:] != address.split(".")[-2:]:
        # A page that only looks like a posting counts on the employer's own site, not on any site.
        if link.host.split(".")[-2:-1] != address.rpartition("@")[2].split(".")[-2:-1]:
            return ""
    quotes["job_url"] = parts.body.quote(link.start, link.start + len(link.text))
    return links.cleaned(link.text)


def _interview(
    mail: Mail,
    signal: Signal,
    parts: reading.Reading,
    moments: tuple[list[dates.Moment], list[dates.Moment]],
    quotes: dict[str, str],
) -> InterviewFacts | None:
    meeting = next((found for part in mail.calendars[:4] if (found := calendar.meeting(part))), None)
    if meeting is None and signal not in _MEETINGS:
        return None
    met = interview.find(parts.subject, parts.body, signal, meeting, moments)
    if met is None:
        return None
    facts, quotes["interview"] = met
    return facts
