"""What a person's applications amount to in a period. Pure: applications in, a report out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, median
from typing import Literal
from urllib.parse import urlsplit

from shared.ledger import counted, effect_of
from shared.model import (
    AheadInterview,
    Application,
    Event,
    EventKind,
    InterviewStatus,
    OpenOffer,
    Outcome,
    Report,
    Share,
    Signal,
    Stage,
)

LINES = 12
"""Companies, sources, interviews and offers that a report lists: what fits on a page."""

SECONDS_IN_DAY = 86_400

NO_ANSWER = frozenset(
    {
        Signal.ACKNOWLEDGEMENT,
        Signal.VERIFICATION_CODE,
        Signal.DELIVERY_FAILURE,
        Signal.RECRUITER_OUTREACH,
        Signal.JOB_ALERT,
        Signal.OTHER,
        Signal.WITHDRAWAL_CONFIRMED,
    }
)
"""Mails that nobody wrote because they had read the application."""

UNANSWERED_ENDS = frozenset({Outcome.WITHDRAWN, Outcome.NO_RESPONSE})

FUNNEL = (Stage.APPLIED, Stage.SCREENING, Stage.INTERVIEW, Stage.OFFER)
"""The steps of the funnel; an assessment stands beside the screening."""


@dataclass(frozen=True, slots=True)
class _Course:
    """How one application went."""

    application: Application
    applied_at: datetime
    answered_at: datetime | None
    offered_at: datetime | None
    reached: int
    """The highest rank it has had, the end apart."""


def figures(
    uid: str,
    applications: Iterable[Application],
    *,
    kind: Literal["weekly", "monthly"],
    id_: str,
    since: datetime,
    until: datetime,
    now: datetime,
) -> Report:
    """The report of a period; interviews ahead and open offers are those of `now`."""
    courses = [course for application in applications if (course := _course(application)) is not None]
    open_ = [each.application for each in courses if each.application.stage is not Stage.CLOSED]
    waits = [
        (each.answered_at - each.applied_at).total_seconds() / SECONDS_IN_DAY
        for each in courses
        if each.answered_at is not None and each.answered_at >= each.applied_at
    ]

    def within(moment: datetime | None) -> bool:
        return moment is not None and since <= moment < until

    return Report(
        id=id_,
        uid=uid,
        kind=kind,
        created_at=now,
        since=since,
        until=until,
        applications=sum(within(each.applied_at) for each in courses),
        replies=sum(within(each.answered_at) for each in courses),
        interviews_held=sum(
            within(r.start) and r.status in (InterviewStatus.CONFIRMED, InterviewStatus.MOVED, InterviewStatus.DONE)
            for each in courses
            for r in each.application.interviews
        ),
        rejections=sum(
            each.application.outcome is Outcome.REJECTED and within(each.application.stage_at) for each in courses
        ),
        offers=sum(within(each.offered_at) for each in courses),
        total=_share("", courses),
        by_company=_shares(courses, lambda each: each.application.company),
        by_source=_shares(courses, lambda each: source(each.application)),
        answered=len(waits),
        average_days=fmean(waits) if waits else None,
        median_days=median(waits) if waits else None,
        waiting=sum(each.answered_at is None and each.application.stage is not Stage.CLOSED for each in courses),
        funnel={
            **{stage.value: sum(each.reached >= stage.rank for each in courses) for stage in FUNNEL},
            Stage.CLOSED.value: len(courses) - len(open_),
        },
        ahead=_ahead(open_, now),
        open_offers=tuple(
            OpenOffer(company=each.company, role=each.role, reply_by=each.reply_by, application_id=each.id)
            for each in sorted(open_, key=lambda each: _reply_order(each, now))
            if each.stage is Stage.OFFER
        )[:LINES],
    )


def _reply_order(application: Application, now: datetime) -> tuple[bool, str, str]:
    """The next to be answered first; those whose day is over come last, since nobody waits for them any more."""
    is_over = bool(application.reply_by) and application.reply_by[:10] < now.date().isoformat()
    return is_over, application.reply_by or "9999", application.id


def source(application: Application) -> str:
    """Where an application comes from: the site of its posting, else how we learnt of it."""
    host = urlsplit(application.job_url).hostname if application.job_url else None
    if host:
        return host.removeprefix("www.")
    created = application.events.get("created")
    return "found in mail" if created is not None and created.by == "mail" else "written down"


def _course(application: Application) -> _Course | None:
    if application.applied_at is None or application.dismissed or application.merged_into:
        return None
    events = counted(application.events.values())
    answers = {event.target: event.accepted for event in events if event.kind is EventKind.ANSWERED}
    answered_at = next((event.occurred_at for event in events if _answers(event)), None)
    stages = [_stage(event, accepted=answers.get(event.key)) for event in events]
    offers = (event.occurred_at for event, stage in zip(events, stages, strict=True) if stage is Stage.OFFER)
    ranks = [stage.rank for stage in stages if stage is not None and stage is not Stage.CLOSED]
    reached = max(ranks, default=Stage.APPLIED.rank)
    return _Course(application, application.applied_at, answered_at, next(offers, None), reached)


def _answers(event: Event) -> bool:
    """Whether the employer's answer shows in this event."""
    if event.kind is EventKind.MAIL:
        return event.signal is not None and event.signal not in NO_ANSWER and (not event.sender or event.sender.passed)
    if event.kind is not EventKind.CORRECTED:
        return False
    if event.outcome is not None:
        return event.outcome not in UNANSWERED_ENDS
    return event.stage is not None and event.stage.rank > Stage.APPLIED.rank


def _stage(event: Event, *, accepted: bool | None) -> Stage | None:
    if event.kind is not EventKind.MAIL:
        return event.stage
    effect = effect_of(event)
    acts = event.automatic if accepted is None else accepted
    return effect.stage if effect is not None and acts else None


def _share(name: str, courses: Sequence[_Course]) -> Share:
    return Share(name=name, applications=len(courses), answered=sum(each.answered_at is not None for each in courses))


def _shares(courses: Sequence[_Course], name: Callable[[_Course], str]) -> tuple[Share, ...]:
    """The largest groups, largest first."""
    groups: dict[str, list[_Course]] = defaultdict(list)
    for each in courses:
        groups[name(each)].append(each)
    sizes = Counter({group: len(members) for group, members in groups.items() if group})
    largest = sorted(sizes, key=lambda group: (-sizes[group], group))[:LINES]
    return tuple(_share(group, groups[group]) for group in largest)


def _ahead(applications: Sequence[Application], now: datetime) -> tuple[AheadInterview, ...]:
    found = [
        AheadInterview(company=each.company, role=each.role, start=r.start, application_id=each.id)
        for each in applications
        for r in each.interviews
        if r.start is not None and r.start > now and r.status is not InterviewStatus.CANCELLED
    ]
    return tuple(sorted(found, key=lambda each: (each.start, each.application_id))[:LINES])
