"""Interview rounds by hand, the guard against two at one time, and the calendar that a person's own program reads."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.applications import stable_id, with_event, write
from shared.errors import NotFound, Refused, Rejected
from shared.lines import header_line
from shared.model import (
    Application,
    CalendarFeed,
    Event,
    EventKind,
    Interview,
    InterviewFacts,
    InterviewStatus,
    Round,
    Stage,
)
from shared.ports import Clock, Ids, Store, Transaction
from shared.schema import APPLICATIONS, CALENDAR_FEEDS, INTERVIEWS, INTERVIEWS_OF_USER, USERS, Key

USUAL_LENGTH = timedelta(minutes=60)
"""Of an interview that states none."""

LONGEST = timedelta(hours=12)
"""An assessment day; what is longer was typed wrongly."""

FURTHEST = timedelta(days=730)
"""Nobody invites for a day further away than that."""

MOST_UPCOMING = 200
"""Interviews that the guard and the calendar look at."""

PAST_IN_CALENDAR = timedelta(days=90)
"""How far back the calendar goes."""

LINK_CHARACTERS = 500
PLATFORM_CHARACTERS = 60

_OFF = (InterviewStatus.CANCELLED, InterviewStatus.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundByHand:
    """An interview round as a person writes it down; moving one is writing all of it again."""

    start: datetime
    """With its offset from UTC."""
    zone: str = ""
    """The IANA name of the inviter's zone, for showing both times."""
    duration_minutes: int = 60
    platform: str = ""
    link: str = ""
    despite_clash: bool = False
    """The person has seen what else is at that time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """An interview with those of the person's others that are at the same time."""

    interview: Interview
    clashes: tuple[str, ...]


# --- By hand ----------------------------------------------------------------------------------------------------------


def add(
    uid: str, application_id: str, told: RoundByHand, *, request_id: str = "", store: Store, clock: Clock, ids: Ids
) -> Application:
    """Write down a round; the same `request_id` gives the one that it made.

    Raises Rejected by field, NotFound, and Refused when the person has something else then.
    """
    round_id = f"person:{stable_id(request_id) if request_id else ids.new()}"
    facts = _facts(told, now=clock.now())
    return _say(uid, application_id, round_id, facts, force=told.despite_clash, key=round_id, store=store, clock=clock)


def move(uid: str, interview_id: str, told: RoundByHand, *, store: Store, clock: Clock, ids: Ids) -> Application:
    """Say anew when and where a round is. Raises as `add` does."""
    held = _held(uid, interview_id, store=store)
    facts = replace(_facts(told, now=clock.now()), organizer=held.facts.organizer)
    key = f"person:{ids.new()}"
    return _say(
        uid,
        held.application_id,
        interview_id,
        facts,
        force=told.despite_clash,
        key=key,
        store=store,
        clock=clock,
    )


def call_off(uid: str, interview_id: str, *, store: Store, clock: Clock, ids: Ids) -> Application:
    """Take a round off the calendar; its reminders go with it. Raises NotFound."""
    held = _held(uid, interview_id, store=store)
    facts = replace(held.facts, cancelled=True)
    return _say(
        uid,
        held.application_id,
        interview_id,
        facts,
        force=True,
        key=f"person:{ids.new()}",
        store=store,
        clock=clock,
    )


def _held(uid: str, interview_id: str, *, store: Store) -> Interview:
    try:
        found = store.get(INTERVIEWS.key(uid, interview_id))
    except ValueError as e:
        raise NotFound("interviews: there is nothing by that id") from e
    if found is None:
        raise NotFound("interviews: there is nothing by that id")
    return found.value


def _say(
    uid: str,
    application_id: str,
    round_: str,
    facts: InterviewFacts,
    *,
    force: bool,
    key: str,
    store: Store,
    clock: Clock,
) -> Application:
    """Add the person's word about a round (its own id, or that of its record) to the ledger."""
    now = clock.now()
    if not force and facts.start is not None:
        _guard(uid, round_, application_id, facts, now=now, store=store)

    def work(tx: Transaction) -> Application:
        user = tx.get(USERS.key(uid))
        before = tx.get(APPLICATIONS.key(uid, application_id))
        if before is None:
            raise NotFound("applications: there is nothing by that id")
        known = next((r for r in before.interviews if round_ in (r.id, stable_id(before.id, r.id))), None)
        event = Event(
            key=key,
            kind=EventKind.CORRECTED,
            occurred_at=max(now, *(e.occurred_at + timedelta(microseconds=1) for e in before.events.values())),
            recorded_at=now,
            by="person",
            interview=facts,
            target=known.id if known is not None else round_,
            # Whoever is invited has come so far; a closed application stays closed.
            stage=Stage.INTERVIEW if before.stage.rank < Stage.INTERVIEW.rank and not facts.cancelled else None,
        )
        after = with_event(before, event, now=now)
        write(tx, before, after, user=user, now=now)
        return after

    try:
        reads: list[Key[Any]] = [USERS.key(uid), APPLICATIONS.key(uid, application_id)]
    except ValueError as e:
        raise NotFound("applications: there is nothing by that id") from e
    return store.transact(work, reads=reads)


def _facts(told: RoundByHand, *, now: datetime) -> InterviewFacts:
    if told.start.tzinfo is None:
        raise Rejected("start: must name its offset from UTC")
    start = told.start.astimezone(UTC)
    if abs(start - now) > FURTHEST:
        raise Rejected("start: more than two years away")
    length = timedelta(minutes=told.duration_minutes)
    if not timedelta(minutes=1) <= length <= LONGEST:
        raise Rejected(f"duration_minutes: must be 1 to {LONGEST // timedelta(minutes=1)}")
    zone = _zone(told.zone) if told.zone else None
    if told.zone and zone is None:
        raise Rejected("zone: not a zone of the IANA, like Europe/Berlin")
    link = header_line("link", told.link, LINK_CHARACTERS)
    if link and not link.startswith(("https://", "http://")):
        raise Rejected("link: must be an http or https address")
    local = start.astimezone(zone) if zone is not None else told.start
    return InterviewFacts(
        start=start,
        start_local=local.replace(tzinfo=None).isoformat(timespec="minutes"),
        zone=told.zone,
        duration_minutes=told.duration_minutes,
        platform=header_line("platform", told.platform, PLATFORM_CHARACTERS),
        link=link,
    )


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


# --- Two at one time --------------------------------------------------------------------------------------------------


def upcoming(uid: str, *, store: Store, clock: Clock) -> tuple[Upcoming, ...]:
    """The interviews that are on or still to come, soonest first, each with those that it clashes with."""
    held = _upcoming(uid, now=clock.now(), store=store)
    return tuple(
        Upcoming(
            interview=each,
            clashes=tuple(other.id for other in held if other.id != each.id and _overlap(slots(each), slots(other))),
        )
        for each in held
    )


def slots(interview: Round) -> tuple[tuple[datetime, datetime], ...]:
    """When a round is or may be: its start and every slot that is proposed beside it; UTC."""
    length = timedelta(minutes=interview.facts.duration_minutes or USUAL_LENGTH // timedelta(minutes=1))
    starts = [] if interview.start is None else [interview.start]
    zone = _zone(interview.facts.zone) if interview.facts.zone else None
    for text in interview.facts.alternatives if zone is not None else ():
        try:
            starts.append(datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC))
        except (ValueError, OverflowError):
            continue  # A date alone, or words: no slot that could clash.
    return tuple((start, start + length) for start in starts)


def _upcoming(uid: str, *, now: datetime, store: Store) -> list[Interview]:
    page = store.find(INTERVIEWS_OF_USER, parent=uid, since=now - LONGEST, limit=MOST_UPCOMING)
    held = [item.value for item in page.items]
    return [each for each in held if each.status not in _OFF and any(end > now for _, end in slots(each))]


def _guard(uid: str, round_: str, application_id: str, facts: InterviewFacts, *, now: datetime, store: Store) -> None:
    wanted = slots(Round(id="", status=InterviewStatus.CONFIRMED, facts=facts, start=facts.start))
    same = {round_, stable_id(application_id, round_)}
    for other in _upcoming(uid, now=now, store=store):
        if other.id not in same and _overlap(wanted, slots(other)):
            raise Refused(f"start: interview {other.id} is at that time; say despite_clash to have both")


def _overlap(ours: Iterable[tuple[datetime, datetime]], theirs: tuple[tuple[datetime, datetime], ...]) -> bool:
    return any(start < their_end and their_start < end for start, end in ours for their_start, their_end in theirs)


# --- The calendar -----------------------------------------------------------------------------------------------------


def open_feed(uid: str, *, store: Store, clock: Clock, ids: Ids) -> str:
    """A new key to the person's calendar; the old one opens nothing any more. Only its hash is kept."""
    token = ids.new()
    feed = CalendarFeed(uid=uid, token_hash=_hash(token), created_at=clock.now())
    store.transact(lambda tx: tx.put(CALENDAR_FEEDS.key(uid, FEED), feed))
    return token


def close_feed(uid: str, *, store: Store) -> None:
    """Let no key open the calendar."""
    store.delete(CALENDAR_FEEDS.key(uid, FEED))


FEED = "interviews"
"""The one calendar that a person has."""


def calendar(uid: str, token: str, *, store: Store, clock: Clock) -> str:
    """The person's interviews as iCalendar (RFC 5545), for whoever has the key. Raises NotFound for any other.

    A wrong key, a closed calendar and an unknown person cost the same time and give the same answer.
    """
    try:
        found = store.get(CALENDAR_FEEDS.key(uid, FEED))
    except ValueError as e:
        raise NotFound("calendar: there is none by that key") from e
    kept = found.value.token_hash if found is not None else _hash("")
    if not hmac.compare_digest(_hash(token).encode(), kept.encode()) or found is None:
        raise NotFound("calendar: there is none by that key")
    now = clock.now()
    page = store.find(INTERVIEWS_OF_USER, parent=uid, since=now - PAST_IN_CALENDAR, limit=MOST_UPCOMING)
    held = [item.value for item in page.items]
    of = sorted({each.application_id for each in held})
    names = {
        id_: snapshot.value
        for id_, snapshot in zip(of, store.get_many([APPLICATIONS.key(uid, id_) for id_ in of]), strict=True)
        if snapshot is not None
    }
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Hearback//Interviews//EN", "X-WR-CALNAME:Interviews"]
    for each in held:
        lines += _entry(each, names.get(each.application_id), now)
    return "".join(f"{_folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"])


_STATUS = {InterviewStatus.PROPOSED: "TENTATIVE", InterviewStatus.CANCELLED: "CANCELLED"}


def _entry(interview: Interview, application: Application | None, now: datetime) -> list[str]:
    (start, end), *_ = slots(interview)
    words = [application.role, application.company] if application is not None else []
    lines = [
        "BEGIN:VEVENT",
        f"UID:{interview.id}@hearback",
        f"DTSTAMP:{now:%Y%m%dT%H%M%SZ}",
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
        f"DTEND:{end:%Y%m%dT%H%M%SZ}",
        f"SUMMARY:{_text(' - '.join(['Interview', *filter(None, words)]))}",
        f"STATUS:{_STATUS.get(interview.status, 'CONFIRMED')}",
    ]
    if interview.facts.link:
        lines += [f"LOCATION:{_text(interview.facts.link)}"]
    if interview.facts.platform:
        lines += [f"DESCRIPTION:{_text(interview.facts.platform)}"]
    return [*lines, "END:VEVENT"]


def _text(text: str) -> str:
    """A TEXT value (RFC 5545, 3.3.11): its own signs escaped; what may end a line is a space."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> str:
    """A content line in pieces of at most 75 octets (RFC 5545, 3.1), never within a character."""
    pieces, piece = [], b""
    for character in line:
        encoded = character.encode()
        if len(piece) + len(encoded) > OCTETS:
            pieces.append(piece)
            piece = b" "
        piece += encoded
    return b"\r\n".join([*pieces, piece]).decode()


OCTETS = 75
"""Of one line of a calendar."""


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
