"""Hundreds of applications leave through the emulators, while every fifth of Gmail's calls fails and workers die.

In the end each has left exactly once, or has ended with a reason; and a dead letter is handled once, though it comes
twice.
"""

from __future__ import annotations

import random
import time
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from statistics import quantiles

from shared.dead_letters import Undelivered, subscription_name
from shared.due import SEND_TOPIC, SendDue
from shared.errors import Conflict, TryAgain
from shared.local.gmail.faults import Fault
from shared.model import Delivery, Letter, NotificationKind, Send
from shared.ports import Snapshot
from shared.schema import APPLICATIONS, NOTIFICATIONS_OF_USER, SENDS
from shared.sending import dead, states
from shared.sending.letter import SEND_HEADER
from tests.proofs import people
from tests.proofs.cloud import SENDING, Cloud, Limits
from tests.proofs.outcome import Outcome, tell
from tests.proofs.people import Person
from tests.proofs.storm import Kills, Size, errors_logged
from tests.support.asked import ask

BAR = (
    "500 applications of 100 people, every fifth of Gmail's calls failing, 50 kills: each in Sent exactly once or "
    "ended with a reason; a dead letter after five deliveries, handled once though it comes twice"
)

KILL_WEIGHTS = {"send_application": 12, "settle_sends": 1, "wake_due": 1, "send_dead_letter": 1}
"""Where the kills fall: mostly where the mails are."""

RATE = 0.20 / 8
"""Each of the eight ways in which a call fails; together every fifth."""

FAULTS = (
    Fault(kind="error", status=503, rate=RATE),
    Fault(kind="error", status=500, rate=RATE),
    Fault(kind="error", status=429, retry_after=3, rate=RATE),
    Fault(kind="error", status=401, reason="authError", rate=RATE),
    Fault(kind="reset", rate=RATE),
    Fault(kind="truncated", rate=RATE),
    Fault(kind="reset", rate=RATE, after_effect=True),
    Fault(kind="error", status=502, rate=RATE, after_effect=True),
)

FORWARDED_BY_HAND = f"{SEND_TOPIC}-dead"
"""Where a send whose tries are spent goes in the storm. The emulator brings a message five times and forwards it while
it has seen few; after some hundreds it has been seen to bring a failing one twice and then never again.
"""

LATER_SECONDS = 3.0
"""Whoever is due later than this is due now: minutes of waiting are shown in seconds, record by record."""

ASKING = 150.0
"""Seconds in which somebody gets through to the store."""

PATIENCE = 200.0
"""Seconds in which everything must have ended, once Gmail works again."""

TERMINAL = frozenset({Delivery.SENT, Delivery.FAILED, Delivery.CANCELLED, Delivery.BOUNCED})


def run() -> Outcome:
    """The full bar."""
    return sends(Size(people=100, mails_each=5, mails_a_second=4.0, kills=50))


def sends(size: Size) -> Outcome:
    """Ask for all the mails, kill and fail meanwhile, wait for the end, and look at what has left."""
    started = time.monotonic()
    with Cloud(Limits(instances=2), functions=SENDING) as cloud:
        persons = people.connect(cloud, size.people, prefix="sender")
        tell(f"{len(persons)} people connected after {time.monotonic() - started:.0f} s")
        # First, while the broker is fresh: see FORWARDED_BY_HAND.
        failures = _dead_letter(cloud, persons[0])
        tell(f"a dead letter handled after {time.monotonic() - started:.0f} s")
        cloud.google.add(*FAULTS)
        kills = Kills(cloud, size, random.Random(size.seed + 1), weights=KILL_WEIGHTS)
        asked = _ask(cloud, persons, size)
        kills.join()
        tell(f"{len(asked)} mails asked for and {kills.done} kills after {time.monotonic() - started:.0f} s")
        _hurry(cloud, asked, until=time.monotonic() + 20)
        cloud.google.clear()
        ended = _hurry(cloud, asked, until=time.monotonic() + PATIENCE)
        tell(f"all ended: {ended} after {time.monotonic() - started:.0f} s")
        failures += [] if ended else ["not all have ended"]
        found = [snapshot.value for snapshot in _all(cloud, asked)]
        failures += _look(cloud, persons, found)
        states_ = Counter(str(send.delivery) for send in found)
        replaced = cloud.replaced
        statuses = {name: dict(service.statuses) for name, service in cloud.services.items()}
        errors = errors_logged(cloud)
        struck = cloud.google.stop()
    tell(f"answers {statuses}")
    for error, times in errors.items():
        tell(f"{times} times in the log: {error}")
    tries = Counter(attempt.outcome for send in found for attempt in send.attempts)
    tell(f"struck {struck}")
    calls = sum(times for what, times in struck.items() if what not in ("published", "within_a_second"))
    return Outcome(
        figures=(
            f"{len(found)} applications in {time.monotonic() - started:.0f} s: "
            + ", ".join(f"{number} {state}" for state, number in sorted(states_.items())),
            f"{kills.done} kills ({kills.at_work} of a process at work), {replaced} processes replaced",
            f"{calls} of Gmail's calls failed",
            "tries: " + ", ".join(f"{number} {outcome or 'died'}" for outcome, number in sorted(tries.items())),
            _figures(found),
            "a dead letter after 5 deliveries, handled once",
        ),
        failures=tuple(failures),
    )


def _ask(cloud: Cloud, persons: Sequence[Person], size: Size) -> list[str]:
    """Everybody asks for their mails, in rounds; the ids."""
    begun = time.monotonic()
    with ThreadPoolExecutor(4 * people.HANDS) as hands:
        asked = []
        for number in range(size.people * size.mails_each):
            time.sleep(max(0.0, begun + number / size.mails_a_second - time.monotonic()))
            asked.append(hands.submit(_asked, cloud, persons[number % len(persons)], f"proof-{number}"))
        return [each.result().id for each in asked]


def _asked(cloud: Cloud, person: Person, id_: str, *, tries: int = 0) -> Send:
    s, now = cloud.own, datetime.now(UTC)
    letter = Letter(recipient="jobs@acme.example", subject=f"Application {id_}", text="Dear Acme,\n\nhere I am.\n")
    send = Send(
        id=id_,
        uid=person.uid,
        application_id=f"a-{id_}",
        created_at=now,
        send_after=now,
        due_at=now + states.AFTER_THE_LAST_TRY if tries >= states.TRIES else now,
        tries=tries,
        letter=letter,
    )
    until = time.monotonic() + ASKING
    while True:
        try:
            ask(send, company="Acme", role=f"Baker {id_}", store=s.store, now=now)
            s.queue.publish(SEND_TOPIC, SendDue(send_id=id_))
        except TryAgain:
            # The locks of a process that was killed last a minute in the emulator; whoever asks asks again.
            if time.monotonic() > until:
                raise
        else:
            return send


def _all(cloud: Cloud, ids: Sequence[str]) -> list[Snapshot[Send]]:
    found: list[Snapshot[Send]] = []
    for start in range(0, len(ids), people.PAGE):
        page = cloud.own.store.get_many([SENDS.key(id_) for id_ in ids[start : start + people.PAGE]])
        found += [snapshot for snapshot in page if snapshot is not None]
    return found


def _hurry(cloud: Cloud, ids: Sequence[str], *, until: float) -> bool:
    """Wait until everything has ended; what waits for its time has it now. False when the time is over."""
    while time.monotonic() < until:
        open_ = [each for each in _all(cloud, ids) if not _has_ended(each.value)]
        if not open_:
            return True
        for each in open_:
            _hasten(cloud, each)
        time.sleep(1)
    return False


def _has_ended(send: Send) -> bool:
    waits_for_its_name = send.delivery is Delivery.SENT and send.due_at is not None
    return (send.delivery in TERMINAL and not waits_for_its_name) or (send.due_at is None and bool(send.question))


def _hasten(cloud: Cloud, found: Snapshot[Send]) -> None:
    send, now = found.value, datetime.now(UTC)
    later = send.due_at is not None and send.due_at > now + timedelta(seconds=LATER_SECONDS)
    if send.delivery is Delivery.QUEUED and send.tries >= states.TRIES:
        cloud.own.queue.publish(FORWARDED_BY_HAND, SendDue(send_id=send.id))
    elif later and send.delivery is not Delivery.SENDING:
        try:
            cloud.own.store.put(found.key, replace(send, due_at=now), revision=found.revision)
        except Conflict:
            return  # Somebody was faster, and it is looked at again.


# --- What is left -----------------------------------------------------------------------------------------------------


def _look(cloud: Cloud, persons: Sequence[Person], found: Sequence[Send]) -> list[str]:
    """Everything that is not as it must be."""

    def one(person: Person) -> list[str]:
        raws = cloud.google.direct("GET", f"mailboxes/{person.address}/sent")["messages"]
        named = [message_from_bytes(urlsafe_b64decode(raw["raw"])).get(SEND_HEADER, "") for raw in raws]
        left = Counter(named)
        mine = [send for send in found if send.uid == person.uid]
        told = {
            notice.application_id
            for item in cloud.own.store.find(NOTIFICATIONS_OF_USER, parent=person.uid, limit=people.PAGE).items
            if (notice := item.value).kind == NotificationKind.DELIVERY_TROUBLE
        }
        return [
            *(f"{id_} has left {times} times" for id_, times in left.items() if times > 1),
            *(f"{id_} has left, and nobody asked for it" for id_ in left.keys() - {send.id for send in mine}),
            *(how for send in mine for how in _of_one(cloud, send, left[send.id], told=send.application_id in told)),
        ]

    with ThreadPoolExecutor(people.HANDS) as hands:
        return [how for some in hands.map(one, persons) for how in some]


def _of_one(cloud: Cloud, send: Send, left: int, *, told: bool) -> list[str]:
    """What is wrong with one send, of which so many mails have left."""
    wrong = []
    if not _has_ended(send):
        wrong.append(f"{send.id} is {send.delivery}, due at {send.due_at}")
    elif (send.delivery is Delivery.SENT) != (left == 1):
        wrong.append(f"{send.id} is {send.delivery}, and {left} mails of it have left")
    elif send.delivery is not Delivery.SENT and not (send.reason and told):
        wrong.append(f"{send.id} is {send.delivery}: {send.reason or 'no reason'}, told: {told}")
    application = cloud.own.store.get(APPLICATIONS.key(send.uid, send.application_id))
    if application is None or application.value.delivery is not send.delivery:
        wrong.append(f"{send.id} is {send.delivery}, its application says otherwise")
    if send.delivery is Delivery.SENT and (send.letter is not None or not send.message_id):
        wrong.append(f"{send.id} has left, and its letter is kept or its Message-ID unknown")
    return wrong


def _figures(found: Sequence[Send]) -> str:
    seconds = [(send.sent_at - send.created_at).total_seconds() for send in found if send.sent_at is not None]
    if len(seconds) < 2:
        return "no mail to measure"
    cuts = quantiles(seconds, n=100, method="inclusive")
    return f"asked to sent p50 {cuts[49]:.1f} s, p95 {cuts[94]:.0f} s, longest {max(seconds):.0f} s"


# --- The dead letter --------------------------------------------------------------------------------------------------


def _dead_letter(cloud: Cloud, person: Person) -> list[str]:
    """A message whose send has no try left is brought five times, forwarded, and handled once."""
    before = Counter(cloud.deliveries)
    send = _asked(cloud, person, "proof-dead", tries=states.TRIES)
    until = time.monotonic() + 90
    while _read(cloud, send).delivery is not Delivery.FAILED and time.monotonic() < until:
        time.sleep(0.5)
    buried = _read(cloud, send)
    if buried.delivery is not Delivery.FAILED:
        return [f"the dead letter has not come: {buried.delivery}"]
    subscription = subscription_name(SEND_TOPIC, "send_application")
    brought = [
        times - before[key]
        for key, times in cloud.deliveries.items()
        if f"/{subscription} " in key and times > before[key]
    ]
    notices = _trouble(cloud, send)
    again = Undelivered(payload={"send_id": send.id}, subscription=subscription, attempts=5)
    dead.bury(again, store=cloud.own.store, clock=cloud.own.clock)
    cloud.own.queue.publish(FORWARDED_BY_HAND, SendDue(send_id=send.id))
    time.sleep(5)
    failures = []
    # The sweep may have named it a second time meanwhile; no message is brought more than five times.
    if max(brought, default=0) != 5:
        failures.append(f"the message was brought {brought} times, not 5")
    if _read(cloud, send) != buried or _trouble(cloud, send) != notices or notices != 1:
        failures.append(f"the dead letter was handled more than once: {notices} notices, then {_trouble(cloud, send)}")
    return failures


def _read(cloud: Cloud, send: Send) -> Send:
    found = cloud.own.store.get(SENDS.key(send.id))
    assert found is not None
    return found.value


def _trouble(cloud: Cloud, send: Send) -> int:
    page = cloud.own.store.find(NOTIFICATIONS_OF_USER, parent=send.uid, limit=people.PAGE)
    return sum(
        item.value.kind == NotificationKind.DELIVERY_TROUBLE and item.value.application_id == send.application_id
        for item in page.items
    )
