"""A notification in words: one line, a short text, and for reports a page that needs no image."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared import schedule
from shared.model import (
    Application,
    Event,
    Interview,
    Notification,
    NotificationKind,
    Preferences,
    Stage,
)
from shared.notifications.subject import THANK_YOU, Subject
from shared.ports import OutsideMessage

SUBJECT_CHARACTERS = 150
"""Of a subject; mail programs show about half of it."""

MAIL_LINK = "https://mail.google.com/mail/#all/"
"""Gmail's own page of a thread, by its id."""

MINUTES_IN_HOUR, MINUTES_IN_DAY = 60, 24 * 60


def rendered(
    notification: Notification, subject: Subject, preferences: Preferences, *, now: datetime
) -> OutsideMessage:
    """The notification as it leaves the app; `now` is what "in two hours" is counted from."""
    head, lines = said(notification, subject, preferences, now)
    html = ""
    if subject.report is not None:
        from shared.reports.mail import page  # noqa: PLC0415 - only a report needs its page, and few messages are one

        lines, html = page(subject.report, preferences)
    return OutsideMessage(
        id=f"{notification.uid}:{notification.key}",
        kind=notification.kind,
        created_at=notification.created_at,
        subject=" ".join(head.split())[:SUBJECT_CHARACTERS],
        text="\n".join(lines) + "\n",
        html=html,
    )


def said(
    notification: Notification, subject: Subject, preferences: Preferences, now: datetime
) -> tuple[str, list[str]]:
    """Its line, and the lines below it."""
    say = _WORDS.get(notification.kind)
    if say is None:
        # A later release's word: better a plain line than none.
        return f"News: {what(subject.application)}", []
    return say(notification, subject, preferences, now)


def what(application: Application | None) -> str:
    """An application in a few words."""
    if application is None:
        return "your job search"
    return " at ".join(filter(None, (application.role, application.company))) or "an application"


def when(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as a person says it where they are: "Mon 23 Nov 2026, 10:00 CET"."""
    return f"{moment.astimezone(zone):%a %-d %b %Y, %H:%M %Z}"


_Said = tuple[str, list[str]]


def _status(n: Notification, s: Subject, p: Preferences, _now: datetime) -> _Said:
    if s.application is None:
        return "An application has changed", []
    stage = s.application.outcome or s.application.stage
    lines = _evidence(s.application.events.get(n.event))
    if s.application.stage is Stage.OFFER:
        lines += [_clock(s.application, p, _now)]
    return f"{what(s.application)}: {stage.replace('_', ' ')}", [*lines, *_threads(s.application)]


def _clock(application: Application, preferences: Preferences, now: datetime) -> str:
    """The offer's clock: how long there is to answer."""
    days = schedule.days_left(application.reply_by, preferences, now)
    if days is None:
        return "The offer names no day by which to answer."
    return f"Answer by {reply_day(application.reply_by)}: {countdown(days)}."


def reply_day(reply_by: str) -> str:
    """The day by which to answer, with the hour where one is named: "Mon 9 Mar", "Mon 9 Mar, 17:00"."""
    moment = datetime.fromisoformat(reply_by)
    return f"{moment:%a %-d %b}" if len(reply_by) <= len("2026-03-09") else f"{moment:%a %-d %b, %H:%M}"


def countdown(days: int) -> str:
    """How long there is to answer, from the days left."""
    if days < 0:
        return f"{counted(-days, 'day')} ago"
    return f"{counted(days, 'day')} left" if days else "today"


def counted(number: int, noun: str) -> str:
    """So many of something."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _reminder(n: Notification, s: Subject, p: Preferences, now: datetime) -> _Said:
    if s.interview is None or n.at is None:
        return "An interview is ahead", []
    lines = interview_lines(s.interview, s.application, p)
    if s.enclosed:
        lines += [f"They have from you: {', '.join(s.enclosed)}"]
    return f"Interview {_ahead(n.at, now)}: {what(s.application)}", lines


def interview_lines(interview: Interview, application: Application | None, preferences: Preferences) -> list[str]:
    """When, where and what for: in the person's zone and the inviter's."""
    own, facts, lines = schedule.zone_of(preferences), interview.facts, [f"For: {what(application)}"]
    if interview.start is not None:
        lines += [f"Your time: {when(interview.start, own)}"]
        theirs = _zone(facts.zone)
        if theirs is not None and interview.start.astimezone(theirs).utcoffset() != (
            interview.start.astimezone(own).utcoffset()
        ):
            lines += [f"Their time: {when(interview.start, theirs)}"]
    if facts.platform or facts.link:
        lines += [f"Join: {' '.join(filter(None, (facts.platform, facts.link)))}"]
    return [*lines, *_threads(application)]


def _ahead(start: datetime, now: datetime) -> str:
    minutes = max(0, round((start - now).total_seconds() / 60))
    if minutes >= 2 * MINUTES_IN_DAY:
        return f"in {round(minutes / MINUTES_IN_DAY)} days"
    if minutes >= 2 * MINUTES_IN_HOUR:
        return f"in {round(minutes / MINUTES_IN_HOUR)} hours"
    return f"in {minutes} minutes"


def _changed(_n: Notification, s: Subject, p: Preferences, _now: datetime) -> _Said:
    application = s.application
    round_ = next((r for r in application.interviews if r.event == _n.event), None) if application else None
    if application is None or round_ is None:
        return f"An interview has changed: {what(application)}", []
    interview = Interview(
        id=round_.id,
        uid=application.uid,
        application_id=application.id,
        status=round_.status,
        facts=round_.facts,
        start=round_.start,
    )
    return f"Interview {round_.status}: {what(application)}", interview_lines(interview, application, p)


def _follow_up(n: Notification, s: Subject, _p: Preferences, _now: datetime) -> _Said:
    head = "Say thank you" if n.detail == THANK_YOU else "Time to follow up"
    lines = ["A draft is ready in Hearback; nothing is sent before you say so."]
    if n.detail != THANK_YOU and n.at is not None:
        lines = [f"Nothing heard since {n.at:%-d %b %Y}.", *lines]
    return f"{head}: {what(s.application)}", [*lines, *_threads(s.application)]


def _silence(n: Notification, s: Subject, _p: Preferences, now: datetime) -> _Said:
    days = (now - n.at).days if n.at is not None else 0
    return f"Silent for {days} days: {what(s.application)}", ["Close it as never answered, or leave it open."]


def _offer(_n: Notification, s: Subject, p: Preferences, now: datetime) -> _Said:
    lines = [_clock(s.application, p, now), *_threads(s.application)] if s.application is not None else []
    return f"An offer waits for your answer: {what(s.application)}", lines


def _digest(_n: Notification, s: Subject, p: Preferences, now: datetime) -> _Said:
    heads = [said(each, Subject(application=application), p, now)[0] for each, application in s.items]
    return f"{counted(len(heads), 'thing')} since yesterday", [f"- {head}" for head in heads]


def _report(_n: Notification, s: Subject, _p: Preferences, _now: datetime) -> _Said:
    if s.report is None:
        return "Your job search", []
    sent, answers = counted(s.report.applications, "application"), counted(s.report.replies, "first answer")
    return f"Your {'week' if s.report.kind == 'weekly' else 'month'}: {sent} sent, {answers}", []


def _plain(head: str, *lines: str) -> Callable[[Notification, Subject, Preferences, datetime], _Said]:
    def say(n: Notification, s: Subject, _p: Preferences, _now: datetime) -> _Said:
        evidence = _evidence(s.application.events.get(n.event)) if s.application is not None else []
        about = f": {what(s.application)}" if s.application is not None else ""
        return f"{head}{about}", [*lines, *evidence, *_threads(s.application)]

    return say


_WORDS: dict[str, Callable[[Notification, Subject, Preferences, datetime], _Said]] = {
    NotificationKind.APPLICATION_FOUND: _plain("An application was found in your mail"),
    NotificationKind.STATUS_CHANGED: _status,
    NotificationKind.MOVE_SUGGESTED: _plain("Is this so?", "A mail suggests a change that waits for your yes or no."),
    NotificationKind.INTERVIEW_CHANGED: _changed,
    NotificationKind.NEEDS_ACTION: _plain("Something is asked of you"),
    NotificationKind.ON_HOLD: _plain("On hold"),
    NotificationKind.DELIVERY_TROUBLE: _plain("Your mail is in trouble", "Look at it in Hearback."),
    NotificationKind.MAIL_PARKED: _plain("A mail could not be read", "It is kept aside and can be tried again."),
    NotificationKind.NEEDS_REAUTH: _plain(
        "Connect your Gmail again", "Google takes our access no more: until you connect again nothing is read or sent."
    ),
    NotificationKind.INTERVIEW_REMINDER: _reminder,
    NotificationKind.FOLLOW_UP: _follow_up,
    NotificationKind.SILENCE: _silence,
    NotificationKind.OFFER_DEADLINE: _offer,
    NotificationKind.WEEKLY_SUMMARY: _report,
    NotificationKind.MONTHLY_REPORT: _report,
    NotificationKind.DIGEST: _digest,
}


def _evidence(event: Event | None) -> list[str]:
    return [f'"{span.text}"' for span in event.evidence[:2]] if event is not None else []


def _threads(application: Application | None) -> list[str]:
    if application is None or not application.thread_ids:
        return []
    return [f"The mail: {MAIL_LINK}{application.thread_ids[-1]}"]


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
