"""Mails that people send through us, and what goes wrong on the way: nothing leaves twice, and every request ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from shared.due import SEND_TOPIC, SendDue
from shared.local.gmail.faults import Fault, Kind
from shared.model import Delivery, Letter, Send, Stage
from shared.schema import SENDS
from shared.sending import person
from shared.sending.letter import SEND_HEADER
from tests.simulation.scenarios import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Scenario,
    Step,
    faults,
    google,
    no_faults,
    reconnects,
)
from tests.simulation.world import ADA, ADDRESSES, Act, NotYet, World
from tests.support.asked import ask

LETTER = Letter(recipient="jobs@fernhill.example", subject="Senior Python Developer", text="Here I am.\n")

APPLIED = ("Senior Python Developer", Stage.APPLIED, None)
NOT_APPLIED = ("Senior Python Developer", Stage.SAVED, None)

SENDING = "drafts.send"
DRAFTING = "drafts.create"


def asks(*, recall: timedelta = timedelta(0), id_: str = "s1", copies: int = 1) -> Act:
    """The person asks for a mail. Its wake-up may be published several times, as by a sweep that was faster."""

    def act(world: World) -> None:
        now = world.now()
        send = Send(
            id=id_,
            uid=ADA,
            application_id=f"a-{id_}",
            created_at=now,
            send_after=now + recall,
            due_at=now + recall,
            letter=LETTER,
        )
        ask(send, company="Fernhill", role="Senior Python Developer", store=world.ports["store"], now=now)
        for _ in range(copies):
            world.ports["queue"].publish(SEND_TOPIC, SendDue(send_id=id_))

    return Act(act, asks=True)


def cancels(id_: str = "s1") -> Act:
    """The person calls it back, if they still can."""

    def act(world: World) -> None:
        person.cancel(ADA, id_, store=world.ports["store"], clock=world.ports["clock"])

    return Act(act, asks=True)


def says(said: person.Answer, id_: str = "s1") -> Act:
    """The person answers the question about it, if there is one in the end."""

    def act(world: World) -> None:
        send = _send(world, id_)
        if send.due_at is not None or send.delivery in (Delivery.QUEUED, Delivery.SENDING):
            raise NotYet
        if send.question:
            ports = {name: world.ports[name] for name in ("store", "queue", "clock")}
            person.answer(ADA, id_, said, **ports)

    return Act(act, asks=True)


def to_draft(change: Callable[[World, str], None], id_: str = "s1") -> Act:
    """The person does something with the draft in Gmail, if they find one."""

    def act(world: World) -> None:
        box = world.google.mailbox(ADDRESSES[ADA])
        for draft_id in list(box.drafts):
            if box.draft(draft_id).mail.header(SEND_HEADER) == id_:
                change(world, draft_id)

    return Act(act)


def edits(world: World, draft_id: str) -> None:
    raw = world.google.mailbox(ADDRESSES[ADA]).draft(draft_id).mail.raw
    world.google.edit_draft(ADDRESSES[ADA], draft_id, raw.replace(b"Here I am.", b"Here I am, at last."))


def deletes(world: World, draft_id: str) -> None:
    world.google.delete_draft(ADDRESSES[ADA], draft_id)


def sends_it(world: World, draft_id: str) -> None:
    world.google.send_draft(ADDRESSES[ADA], draft_id)


def _send(world: World, id_: str) -> Send:
    found = world.outside.sqlite.get(SENDS.key(id_))
    if found is None:
        raise NotYet
    return found.value


def _scenario(
    name: str, *steps: Step, applied: bool = True, told: int = 0, mails: dict | None = None, **more
) -> Scenario:
    """How often a try was made, and so what was told on the way, depends on what goes wrong: hence racing."""
    given = more.pop("applications", [APPLIED if applied else NOT_APPLIED])
    return Scenario(
        name=name,
        steps=steps,
        mails=mails or {},
        applications=given,
        # The person is told that it has left: the application is one that was made.
        notifications=told + len(given) * (given[0] is not NOT_APPLIED),
        racing="all",
        **more,
    )


def _fault(kind: Kind, method: str, **more: Any) -> Act:
    return faults(Fault(kind=kind, method=method, **more))


SENDS_SCENARIOS = (
    _scenario("send", (MINUTE, asks())),
    _scenario("send_recalled", (MINUTE, asks(recall=10 * SECOND)), (MINUTE + 10 * SECOND, cancels()), applied=False),
    _scenario(
        "send_named_thrice", (MINUTE, asks(copies=3)), (MINUTE, asks(id_="s2", copies=2)), applications=[APPLIED] * 2
    ),
    _scenario(
        "send_answer_lost", (0 * MINUTE, _fault("reset", SENDING, times=1, after_effect=True)), (MINUTE, asks()), told=1
    ),
    _scenario("send_not_taken", (0 * MINUTE, _fault("error", SENDING, status=503, times=2)), (MINUTE, asks()), told=2),
    _scenario("send_draft_lost", (0 * MINUTE, _fault("reset", DRAFTING, times=1, after_effect=True)), (MINUTE, asks())),
    _scenario(
        "send_dead_letter",
        (0 * MINUTE, _fault("error", DRAFTING, status=503)),
        (MINUTE, asks()),
        (2 * HOUR, no_faults()),
        told=1,
    ),
    _scenario(
        "send_refused",
        (0 * MINUTE, _fault("error", SENDING, status=400, reason="invalidArgument", message="Invalid To header")),
        (MINUTE, asks()),
        applied=False,
        told=1,
    ),
    _scenario(
        "send_revoked",
        (MINUTE, google(lambda world: world.google.revoke(ADDRESSES[ADA]))),
        (MINUTE, asks()),
        (3 * HOUR, reconnects()),
        told=2,
    ),
    _scenario(
        "send_limited",
        (0 * MINUTE, _fault("error", SENDING, status=429, message="User-rate limit exceeded (Mail sending)", times=1)),
        (MINUTE, asks()),
        told=1,
    ),
    _scenario(
        "send_draft_edited",
        (0 * MINUTE, _fault("error", SENDING, status=503, times=1)),
        (MINUTE, asks()),
        (2 * MINUTE, to_draft(edits)),
        (DAY, says("send")),
        told=2,
    ),
    _scenario(
        "send_draft_deleted",
        (0 * MINUTE, _fault("error", SENDING, status=503, times=1)),
        (MINUTE, asks()),
        (2 * MINUTE, to_draft(deletes)),
        (DAY, says("send")),
        told=2,
    ),
    _scenario(
        "send_dropped",
        (0 * MINUTE, _fault("error", SENDING, status=503, times=1)),
        (MINUTE, asks()),
        (2 * MINUTE, to_draft(deletes)),
        (DAY, says("drop")),
        applied=False,
        told=2,
    ),
    _scenario(
        "send_by_hand",
        (0 * MINUTE, _fault("error", SENDING, status=503, times=1)),
        (MINUTE, asks()),
        (2 * MINUTE, to_draft(sends_it)),
        told=1,
    ),
)
