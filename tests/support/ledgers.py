"""Short words for the events of a ledger: `mail(3, REJECTION)` is a rejection of the third hour."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.ledger import fold
from shared.model import (
    Delivery,
    Event,
    EventKind,
    InterviewFacts,
    Link,
    Outcome,
    Projection,
    SenderCheck,
    Signal,
    Span,
    Stage,
)

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
VOUCHED = SenderCheck(passed=True, reason="DMARC passed for acme.example", domain="acme.example")
SPOOFED = SenderCheck(passed=False, reason="DMARC failed for acme.example", domain="acme.example")


def hour(number: float) -> datetime:
    return T0 + timedelta(hours=number)


def created(number: float = 0, stage: Stage | None = Stage.APPLIED, **words: Any) -> Event:
    return Event(
        key="created",
        kind=EventKind.CREATED,
        occurred_at=hour(number),
        recorded_at=hour(number),
        **{"by": "person", "company": "Acme", "role": "Baker", "stage": stage, **words},
    )


def mail(number: float, signal: Signal, *, automatic: bool = True, reading: int = 1, **more: Any) -> Event:
    name = f"m{number:g}"
    return Event(
        **{
            "key": f"mail:{name}:{reading}",
            "kind": EventKind.MAIL,
            "occurred_at": hour(number),
            "recorded_at": hour(number),
            "by": "mail",
            "mail_id": name,
            "thread_id": f"t-{name}",
            "message_id": f"<{name}@acme.example>",
            "signal": signal,
            "automatic": automatic,
            "why_not": "" if automatic else "the words are not clear enough",
            "link": Link(application_id="a1", rule="thread", confidence=1.0),
            "confidence": 0.97,
            "evidence": (Span(where="body", text=f"the words of {name}"),),
            "sender": VOUCHED,
            "supersedes": f"mail:{name}:{reading - 1}" if reading > 1 else "",
            **more,
        }
    )


def corrected(number: float, stage: Stage | None = None, outcome: Outcome | None = None, **words: Any) -> Event:
    return _by_person(EventKind.CORRECTED, f"person:{number:g}", number, stage=stage, outcome=outcome, **words)


def replied(number: float) -> Event:
    return _by_person(EventKind.REPLIED, f"mail:r{number:g}:1", number, mail_id=f"r{number:g}", thread_id="t-r")


def retracted(number: float, target: Event | str) -> Event:
    key = target if isinstance(target, str) else target.key
    return _by_person(EventKind.RETRACTED, f"retract:{key}", number, target=key)


def answered(number: float, target: Event | str, *, accepted: bool) -> Event:
    key = target if isinstance(target, str) else target.key
    return _by_person(EventKind.ANSWERED, f"answer:{key}:{number:g}", number, target=key, accepted=accepted)


def delivered(number: float, to: Delivery) -> Event:
    return Event(
        key=f"delivery:s1:{number:g}",
        kind=EventKind.DELIVERY,
        occurred_at=hour(number),
        recorded_at=hour(number),
        by="service",
        delivery=to,
    )


def at(number: float, **more: Any) -> InterviewFacts:
    """An interview in that hour of the ledger's time, with its zone."""
    start = hour(number)
    return InterviewFacts(
        start=start, start_local=start.replace(tzinfo=None).isoformat(timespec="minutes"), zone="UTC", **more
    )


def folded(*events: Event) -> Projection:
    """The fold, which must not depend on the order in which the events arrive or on how often."""
    projection = fold(events)
    assert fold(reversed(events)) == projection
    assert fold([*events, *events]) == projection
    return projection


def without(events: Iterable[Event], *gone: Event) -> list[Event]:
    return [event for event in events if event not in gone]


def _by_person(kind: EventKind, key: str, number: float, **more: Any) -> Event:
    return Event(key=key, kind=kind, occurred_at=hour(number), recorded_at=hour(number), by="person", **more)
