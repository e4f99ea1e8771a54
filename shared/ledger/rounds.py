"""Interview rounds: which round a mail speaks of, and what it does to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.model import Event, InterviewFacts, InterviewStatus, Round, Signal

INTERVIEW_SIGNALS = frozenset({Signal.INTERVIEW_INVITATION, Signal.INTERVIEW_UPDATE})
"""Signals that make and move rounds; a calendar's CANCEL calls one off under any signal."""


class Rounds:
    """The rounds of one application while its ledger is read, in the order in which they were proposed."""

    def __init__(self) -> None:
        self._rounds: list[_Round] = []

    def all(self) -> tuple[Round, ...]:
        """The rounds as they stand."""
        return tuple(
            Round(id=r.id, status=r.status, facts=r.facts, start=r.facts.start, event=r.event) for r in self._rounds
        )

    def ics_uids(self) -> tuple[str, ...]:
        """The calendar UIDs of the rounds that have one."""
        return tuple(r.ics_uid for r in self._rounds if r.ics_uid)

    def take(self, event: Event, facts: InterviewFacts) -> bool:
        """Make or change the round that a mail speaks of; True when something about it is left to the person."""
        changes = facts.cancelled or event.signal is Signal.INTERVIEW_UPDATE
        # An .ics UID says which meeting it is: a round with another one is another meeting.
        possible = [r for r in self._rounds if not (r.ics_uid and facts.ics_uid)]
        open_ = [r for r in possible if r.is_open(event.occurred_at)]
        found = (
            self._named(event, facts)
            or _at_the_same_hour(facts, possible if facts.cancelled else open_)
            or (_only(open_) if changes and not facts.ics_uid else None)
            or (_only([r for r in open_ if not _has_day(r.facts)]) if _has_day(facts) and not facts.cancelled else None)
        )
        if found is not None:
            return found.take(event, facts)
        if changes and not facts.ics_uid and (facts.cancelled or open_ or not _has_day(facts)):
            # Nobody can tell from the mail which round it means, or it names none that could be kept.
            return bool(open_) or not facts.cancelled
        made = _Round(event, facts)
        self._rounds.append(made)
        return made.take(event, facts)

    def correct(self, event: Event, facts: InterviewFacts) -> None:
        """What the person says of the round that `target` names, or that is at the same hour; else it is made."""
        named = next((r for r in self._rounds if r.id == event.target), None)
        found = named or _at_the_same_hour(facts, [r for r in self._rounds if r.is_open(event.occurred_at)])
        if found is None:
            found = _Round(event, facts, id_=event.target)
            self._rounds.append(found)
        found.correct(event, facts)

    def _named(self, event: Event, facts: InterviewFacts) -> _Round | None:
        id_ = _id(event, facts)
        return next((r for r in self._rounds if r.id == id_ or (facts.ics_uid and r.ics_uid == facts.ics_uid)), None)


class _Round:
    """One round, as far as the ledger has been read."""

    def __init__(self, event: Event, facts: InterviewFacts, *, id_: str = "") -> None:
        self.id = id_ or _id(event, facts)
        self.ics_uid = facts.ics_uid
        self.sequence = facts.ics_sequence
        self.status = InterviewStatus.PROPOSED
        self.facts = facts
        self.event = event.key

    def is_open(self, at: datetime) -> bool:
        """Neither called off nor over at that moment."""
        return self.status is not InterviewStatus.CANCELLED and (self.facts.start is None or self.facts.start >= at)

    def take(self, event: Event, facts: InterviewFacts) -> bool:
        """What a mail says of this round; True when something is left to the person."""
        if facts.ics_uid:
            if self.ics_uid and facts.ics_sequence < self.sequence:
                return False  # RFC 5546, 2.1.4: an older version of the event, however late it comes.
            self.ics_uid, self.sequence = facts.ics_uid, facts.ics_sequence
        self.event = event.key
        if facts.cancelled:
            self.status = InterviewStatus.CANCELLED
            return False
        was_fixed = self.status in (InterviewStatus.CONFIRMED, InterviewStatus.MOVED)
        moved = was_fixed and not _agree(self.facts, facts)
        self.facts = _merged(self.facts, facts)
        if not _has_hour(self.facts) or self.facts.alternatives:
            self.status = InterviewStatus.PROPOSED
        elif moved:
            self.status = InterviewStatus.MOVED
        elif not was_fixed:
            self.status = InterviewStatus.CONFIRMED
        # A missing zone is asked for, never guessed.
        return self.status is InterviewStatus.PROPOSED or self.facts.start is None

    def correct(self, event: Event, facts: InterviewFacts) -> None:
        """The person's word for all of it; the calendar's identity stays, so that later invitations find it."""
        was_fixed = self.status in (InterviewStatus.CONFIRMED, InterviewStatus.MOVED)
        if facts.cancelled:
            self.status = InterviewStatus.CANCELLED
        elif facts.alternatives or facts.start is None:
            self.status = InterviewStatus.PROPOSED
        elif was_fixed and facts.start != self.facts.start:
            self.status = InterviewStatus.MOVED
        elif not was_fixed:
            self.status = InterviewStatus.CONFIRMED
        self.facts = replace(facts, ics_uid=self.ics_uid, ics_sequence=self.sequence)
        self.event = event.key


def _id(event: Event, facts: InterviewFacts) -> str:
    # A mail that is read again by a newer classifier is still the same mail, so the round keeps its id.
    return f"ics:{facts.ics_uid}" if facts.ics_uid else f"mail:{event.mail_id or event.key}"


def _only(rounds: list[_Round]) -> _Round | None:
    return rounds[0] if len(rounds) == 1 else None


def _at_the_same_hour(facts: InterviewFacts, rounds: list[_Round]) -> _Round | None:
    """Two mails that name the same hour speak of one meeting."""
    if not _has_hour(facts):
        return None
    return next((r for r in rounds if _has_hour(r.facts) and _agree(r.facts, facts)), None)


def _has_day(facts: InterviewFacts) -> bool:
    return facts.start is not None or bool(facts.start_local)


def _has_hour(facts: InterviewFacts) -> bool:
    return facts.start is not None or "T" in facts.start_local


def _agree(known: InterviewFacts, said: InterviewFacts) -> bool:
    """Whether both may speak of the same time: a day agrees with an hour of it, and silence agrees with everything."""
    if known.start is not None and said.start is not None:
        return known.start == said.start
    if not _has_day(known) or not _has_day(said):
        return True
    # One of them lacks its zone: all that can be compared is what was written.
    shorter, longer = sorted((known.start_local, said.start_local), key=len)
    return bool(shorter) and longer.startswith(shorter)


def _merged(known: InterviewFacts, said: InterviewFacts) -> InterviewFacts:
    """The newer mail's word where it has one, else what was known."""
    keeps_time = (
        said.start is None
        and _agree(known, said)
        and (known.start is not None or len(said.start_local) < len(known.start_local))
    )
    time = known if keeps_time or not _has_day(said) else said
    return InterviewFacts(
        start=time.start,
        start_local=time.start_local,
        zone=time.zone,
        duration_minutes=said.duration_minutes or known.duration_minutes,
        platform=said.platform or known.platform,
        link=said.link or known.link,
        alternatives=said.alternatives or (() if _has_day(said) else known.alternatives),
        ics_uid=said.ics_uid or known.ics_uid,
        ics_sequence=said.ics_sequence if said.ics_uid else known.ics_sequence,
        cancelled=False,
        organizer=said.organizer or known.organizer,
    )
