"""A mailbox's own life: connected, watched, swept, held against Gmail's list, switched off and on, and left."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared import accounts, consent, leaving, preferences, privacy, rotation
from shared.errors import Rejected, TryAgain
from shared.local.clock import START
from shared.local.gmail.faults import Fault
from shared.local.gmail.mailbox import Subscription
from shared.mailbox import lookback
from shared.model import Channel, Document, Monitoring
from shared.notifications import set_target
from shared.schema import DOCUMENTS
from tests.simulation.outside import Port
from tests.simulation.scenarios import (
    DAY,
    HOUR,
    LINKED,
    MINUTE,
    NEWSLETTER,
    PRIVATE,
    PRIVATELY,
    REJECTED,
    SECOND,
    Scenario,
    comes,
    data,
    faults,
    google,
    interview,
    no_faults,
    no_pushes,
    receipt,
    rejection,
)
from tests.simulation.servers import KeptVault
from tests.simulation.world import ADA, ADDRESSES, REDIRECT_URI, Act, World

DAYS = 7
"""Of the past: two windows of it, and the second look for what the index did not show at once."""

SECRET = "s" * 16
"""What signs a webhook."""


def chooses(monitoring: Monitoring) -> Act:
    """The person says how soon they want mail to be read."""

    def act(world: World) -> None:
        store, queue, clock = (world.ports[name] for name in ("store", "queue", "clock"))
        preferences.put(ADA, lambda present: replace(present, monitoring=monitoring), store=store, clock=clock)
        accounts.follow(ADA, store=store, queue=queue, clock=clock)

    return Act(act, asks=True)


def prefers(**chosen: Any) -> Act:
    """The person chooses."""

    def act(world: World) -> None:
        store, clock = world.ports["store"], world.ports["clock"]
        preferences.put(ADA, lambda present: replace(present, **chosen), store=store, clock=clock)

    return Act(act, asks=True)


def looks_back() -> Act:
    """The person wants the last days to be read again."""

    def act(world: World) -> None:
        store, queue, clock = (world.ports[name] for name in ("store", "queue", "clock"))
        lookback.begin(ADA, DAYS, store=store, queue=queue, clock=clock)

    return Act(act, asks=True)


def calls_it_off() -> Act:
    """The person has seen enough of the past."""
    return Act(lambda world: lookback.cancel(ADA, store=world.ports["store"], clock=world.ports["clock"]), asks=True)


def leads_to(channel: Channel, address: str) -> Act:
    """The person says where a channel leads."""

    def act(world: World) -> None:
        store, vault, clock = (world.ports[name] for name in ("store", "vault", "clock"))
        secret = SECRET if channel is Channel.WEBHOOK else ""
        set_target(ADA, channel, address, secret=secret, store=store, vault=vault, clock=clock)

    return Act(act, asks=True)


def disconnects() -> Act:
    """The person takes their Gmail back."""

    def act(world: World) -> None:
        store, queue, clock, ids = (world.ports[name] for name in ("store", "queue", "clock", "ids"))
        leaving.disconnect(ADA, store=store, queue=queue, clock=clock, ids=ids)

    return Act(act, asks=True)


def connects() -> Act:
    """The person goes to Google's consent screen and back, and says yes; what fails they do all over again."""

    def act(world: World) -> None:
        if accounts.mailbox_of(ADA, store=world.outside.sqlite) is not None:
            return  # The reply was lost, and now they see that it has worked.
        names = ("settings", "store", "vault", "consent", "clock", "ids")
        ports = {name: world.ports.get(name, world.settings) for name in names}
        screen = consent.begin(ADA, "applies", REDIRECT_URI, **ports)
        back = world.consent.agree(screen.address, ADDRESSES[ADA])
        answer = consent.Answer(state=back["state"], code=back["code"], issuer=back["iss"])
        try:
            consent.come_back(ADA, answer, gmail=world.gmail, **ports)
            del ports["consent"], ports["ids"]
            consent.confirm(ADA, queue=world.ports["queue"], gmail=world.gmail, **ports)
        except Rejected as e:
            if "begin again" not in str(e):
                raise
            raise TryAgain("they were too slow") from e

    return Act(act, asks=True)


def watched_by_another() -> Act:
    """Another program of the same developer has taken the watch: the one push client that Gmail allows is not ours."""

    def act(world: World) -> None:
        another = Subscription(
            topic="projects/hearback-test/topics/another",
            label_ids=frozenset({"INBOX"}),
            exclude=False,
            expires_at=START + 9 * DAY,
        )
        world.google.mailbox(ADDRESSES[ADA]).subscription = another

    return Act(act)


def crashes_over(call: str, *, ends: bool = False) -> Act:
    """Every process of ours dies over a port call, or no longer."""

    def act(world: World) -> None:
        (world.poison.discard if ends else world.poison.add)(call)

    return Act(act)


def keeps_a_file() -> Act:
    """A CV of the person's, as an upload leaves it."""

    def act(world: World) -> None:
        content = b"%PDF-1.7 a CV"
        digest = hashlib.sha256(content).hexdigest()
        cv = Document(
            id="cv",
            uid=ADA,
            name="CV.pdf",
            media_type="application/pdf",
            size=len(content),
            sha256=digest,
            created_at=world.clock.now(),
        )
        world.files.put(cv.blob, content, media_type=cv.media_type)
        world.outside.sqlite.create(DOCUMENTS.key(ADA, cv.id), cv)

    return Act(act)


def comes_unheard() -> Act:
    """Mail comes to a person whom we know no more."""

    def act(world: World) -> None:
        world.google.receive(ADDRESSES[ADA], data(receipt()))

    return google(act)


def leaves() -> Act:
    """The person leaves, with all that we have of them."""

    def act(world: World) -> None:
        world.gone.add(ADA)
        store, queue, clock, ids = (world.ports[name] for name in ("store", "queue", "clock", "ids"))
        privacy.leave(ADA, store=store, queue=queue, clock=clock, ids=ids)

    return Act(act, asks=True)


def rotates() -> Act:
    """Whoever runs the service begins a new data key, by a process of its own; a run that died is started again."""

    def act(world: World) -> None:
        rotation.rotate(store=world.ports["store"], vault=Port("vault", KeptVault(world.keys), world.hit))
        world.names["rotated"] = str(len(world.keys))

    return Act(act, asks=True)


LIFE_SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="off_and_on",
        steps=[
            (MINUTE, comes("receipt", receipt())),
            (HOUR, chooses(Monitoring.OFF)),
            (5 * HOUR, comes("rejection", rejection())),
            (5 * HOUR + MINUTE, comes("private", PRIVATE)),
            (20 * HOUR, chooses(Monitoring.REAL_TIME)),
        ],
        mails={"receipt": LINKED, "rejection": LINKED, "private": PRIVATELY},
        applications=[REJECTED],
        notifications=2,
    ),
    Scenario(
        name="past_behind_live_mail",
        steps=[
            (MINUTE, comes("receipt", receipt())),
            (timedelta(hours=30), looks_back()),
            (timedelta(hours=30) + SECOND, comes("rejection", rejection())),
            (timedelta(hours=30) + MINUTE, comes("private", PRIVATE)),
        ],
        mails={"receipt": LINKED, "rejection": LINKED, "private": PRIVATELY},
        applications=[REJECTED],
        notifications=2,
    ),
    Scenario(
        name="past_called_off",
        # What the past has is known already: how far it was read decides nothing.
        steps=[
            (MINUTE, comes("receipt", receipt())),
            (DAY, faults(Fault(kind="error", status=503, method="messages.list", times=1))),
            (DAY, looks_back()),
            (DAY + 10 * SECOND, calls_it_off()),
            (DAY + HOUR, comes("rejection", rejection())),
        ],
        mails={"receipt": LINKED, "rejection": LINKED},
        applications=[REJECTED],
        notifications=2,
    ),
    Scenario(
        name="connected_again",
        steps=[
            (SECOND, prefers(backfill_days=DAYS)),
            (MINUTE, comes("receipt", receipt())),
            (HOUR, disconnects()),
            (HOUR + MINUTE, comes("rejection", rejection())),
            (DAY, connects()),
            (DAY + HOUR, comes("private", PRIVATE)),
        ],
        mails={"receipt": LINKED, "rejection": LINKED, "private": PRIVATELY},
        applications=[REJECTED],
        notifications=2,
    ),
    Scenario(
        name="watch_taken",
        steps=[
            (HOUR, watched_by_another()),
            (2 * HOUR, comes("receipt", receipt())),
            (2 * DAY, comes("rejection", rejection())),
        ],
        mails={"receipt": LINKED, "rejection": LINKED},
        applications=[REJECTED],
        notifications=2,
        fires={"renew_watches": 2 * DAY},
        # By a clock that is days off, the watch lasts.
        without=frozenset({"jumps"}),
    ),
    Scenario(
        name="swept_and_reconciled",
        steps=[
            (MINUTE, no_pushes(dropped=True)),
            (MINUTE, comes("receipt", receipt())),
            (HOUR, no_pushes(dropped=False)),
            # In a tab that is not opened, and the index shows it too late: the question is put for a day, then given
            # up. The second receipt finds it; the first one comes with whatever run is next after a day.
            (12 * HOUR, faults(Fault(kind="search_behind", seconds=26 * 3600))),
            (12 * HOUR, comes("rejection", rejection(), labels=("INBOX", "CATEGORY_PROMOTIONS"))),
            (DAY + 10 * MINUTE, comes("private", PRIVATE)),
            (DAY + 3 * HOUR, comes("newsletter", NEWSLETTER)),
            (40 * HOUR, no_faults()),
        ],
        mails={"receipt": LINKED, "rejection": LINKED, "private": PRIVATELY, "newsletter": PRIVATELY},
        applications=[REJECTED],
        notifications=2,
        fires={"reconcile_mailboxes": 3 * DAY, "scan_recent_applications": 20 * MINUTE},
        # A worker whose clock is days off asks too early, and sweeps too late.
        without=frozenset({"jumps"}),
    ),
    Scenario(
        name="set_aside",
        steps=[
            (MINUTE, comes("receipt", receipt())),
            (HOUR, crashes_over("gmail.history")),
            (HOUR, comes("rejection", rejection())),
            (HOUR + 20 * MINUTE, crashes_over("gmail.history", ends=True)),
        ],
        mails={"receipt": LINKED, "rejection": LINKED},
        applications=[REJECTED],
        notifications=2,
    ),
    Scenario(
        name="left",
        steps=[
            (SECOND, keeps_a_file()),
            (SECOND, leads_to(Channel.WEBHOOK, "https://hooks.example.com/ada")),
            (MINUTE, comes("receipt", receipt())),
            (HOUR, comes("invitation", interview())),
            (HOUR, leaves()),
            (DAY, comes_unheard()),
        ],
        mails={},
        applications=[],
        notifications=0,
    ),
    Scenario(
        name="rotated",
        steps=[
            (SECOND, leads_to(Channel.WEBHOOK, "https://hooks.example.com/ada")),
            (2 * HOUR, comes("receipt", receipt())),
            (2 * HOUR, rotates()),
            (DAY, comes("rejection", rejection())),
        ],
        mails={"receipt": LINKED, "rejection": LINKED},
        applications=[REJECTED],
        notifications=2,
    ),
)
