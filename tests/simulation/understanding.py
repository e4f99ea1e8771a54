"""Mail that is easily misunderstood, and who sends it: whatever fails, each is understood once and moves once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache

from shared import services as wiring
from shared.classify import classify
from shared.classify.mail import from_bytes
from shared.errors import TryAgain
from shared.local.clock import START
from shared.local.mailfiles import wrap
from shared.model import MailStatus, Outcome, Stage
from shared.ports import Question
from tests.simulation.outside import Port
from tests.simulation.scenarios import (
    DAY,
    FERNHILL,
    MINUTE,
    PRIVATE,
    SECOND,
    Scenario,
    Text,
    comes,
    data,
    google,
    interview,
    receipt,
    rejection,
)
from tests.simulation.world import ADA, ADDRESSES, Act, World

ROLE = "Senior Python Developer"
APPLIED = (ROLE, Stage.APPLIED, None)
INTERVIEW = (ROLE, Stage.INTERVIEW, None)
REJECTED = (ROLE, Stage.CLOSED, Outcome.REJECTED)

LINKED, REPLY = MailStatus.LINKED, MailStatus.REPLY

MURKY = Text(
    FERNHILL,
    "Senior Python Developer at Fernhill",
    "Hi Ada,\n\nthe panel for the Senior Python Developer position at Fernhill met yesterday, and opinions were"
    " divided. The minutes are attached.\n\nThe Fernhill Team\n",
)
"""Nobody can say what it says, so a model is asked."""

STRANGER = replace(rejection(), sender="Fernhill Careers <hr@fernhill-careers.example>")
"""Signed by a domain that anybody could have registered."""

SENT = "<ada-1@example.com>"
"""The Message-ID of what Ada wrote."""

REPLIED = Text("Ada <ada@example.com>", "Re: Fernhill", "Here are my papers.\n")


# --- A model ----------------------------------------------------------------------------------------------------------


@cache
def own_reading() -> str:
    """What we make of the murky mail ourselves, whatever the weights of the day."""
    mail = from_bytes(data(MURKY), id="murky", thread_id="murky", internal_date=START, labels=("INBOX",))
    return classify(mail).signal.value


class Model:
    """Says always the same; every `silent`th question finds it silent. Outlives every process of ours.

    Without a signal of its own it is of our own opinion.
    """

    def __init__(self, signal: str = "", *, silent: int = 0) -> None:
        self._signal, self._silent, self._asked = signal, silent, 0

    def ask(self, question: Question) -> str:
        """Its opinion on whatever it is asked."""
        self._asked += 1
        if self._silent and self._asked % self._silent == 0:
            raise TryAgain("the advisor says nothing")
        return json.dumps({"signal": self._signal or own_reading()})


def advised_by(signal: str = "", *, silent: int = 0) -> Act:
    """From now on unclear mail is put to a model; each question is a call that may be hit like any other."""

    def act(world: World) -> None:
        wiring.services().__dict__["advisor"] = Port("advisor", Model(signal, silent=silent), world.hit)

    return Act(act)


# --- Mails that come back ---------------------------------------------------------------------------------------------


@cache
def report(action: str, status: str) -> bytes:
    """A delivery report (RFC 3464) on what Ada wrote."""
    fields = f"Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; hr@fernhill.example\nAction: {action}\n"
    parts: Mapping[str, str] = {
        "text/plain": f"Your message to hr@fernhill.example: {action}.\n",
        "message/delivery-status": f"{fields}Status: {status}\n",
        "text/rfc822-headers": f"From: Ada <ada@example.com>\nMessage-ID: {SENT}\nSubject: Re: Fernhill\n",
    }
    lines = [
        "Authentication-Results: mx.google.com; spf=pass smtp.mailfrom=example.com; dmarc=pass header.from=example.com",
        "From: Mail Delivery System <mailer-daemon@example.com>",
        f"To: {ADDRESSES[ADA]}",
        "Subject: Delivery Status Notification",
        f"In-Reply-To: {SENT}",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="part"',
        "",
        *(line for kind, text in parts.items() for line in ("--part", f"Content-Type: {kind}", "", text)),
        "--part--",
        "",
    ]
    return "\n".join(lines).encode()


@cache
def written() -> bytes:
    """What Ada wrote, as Gmail keeps it."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = REPLIED.sender, "hr@fernhill.example", REPLIED.subject
    message["Message-ID"] = SENT
    message.set_content(REPLIED.body)
    return message.as_bytes()


def arrives(name: str, raw: bytes, *, labels: tuple[str, ...] = ("INBOX",), thread_of: str = "") -> Act:
    """A message of given bytes arrives, or leaves."""

    def act(world: World) -> None:
        box = world.google.mailbox(ADDRESSES[ADA])
        thread_id = box.messages[world.names[thread_of]].thread_id if thread_of else None
        id_ = world.google.receive(ADDRESSES[ADA], raw, labels=labels, thread_id=thread_id)
        world.names[name] = id_
        world.arrived[id_] = (ADA, box.history_id)

    return google(act)


UNDERSTANDING_SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="advised",
        # The model says what the mail seems to say: with it, without it, and in the middle of it, the end is the same.
        steps=[
            (SECOND, advised_by()),
            (MINUTE, comes("receipt", receipt())),
            (DAY, comes("murky", MURKY)),
            (2 * DAY, comes("murky again", MURKY)),
        ],
        mails={"receipt": LINKED, "murky": LINKED, "murky again": LINKED},
        applications=[APPLIED],
        notifications=3,
    ),
    Scenario(
        name="misadvised",
        # Whether the model's word or our own stands in the record depends on who was asked; the stage never does.
        racing="all",
        steps=[
            (SECOND, advised_by("rejection", silent=3)),
            (MINUTE, comes("receipt", receipt())),
            (DAY, comes("murky", MURKY)),
            (2 * DAY, comes("murky again", MURKY)),
        ],
        mails={"receipt": LINKED, "murky": LINKED, "murky again": LINKED},
        applications=[APPLIED],
        notifications=3,
    ),
    Scenario(
        name="bounced",
        steps=[
            (MINUTE, comes("receipt", receipt())),
            (DAY, arrives("written", written(), labels=("SENT",), thread_of="receipt")),
            # Gmail pushes no mail of the person's own: it is read with the next one that comes.
            (DAY + MINUTE, comes("private", PRIVATE)),
            (2 * DAY, arrives("delayed", report("delayed", "4.4.1"), thread_of="receipt")),
            (3 * DAY, arrives("failed", report("failed", "5.1.1"), thread_of="receipt")),
        ],
        mails={"receipt": LINKED, "written": REPLY, "private": MailStatus.PRIVATE, "delayed": LINKED, "failed": LINKED},
        applications=[APPLIED],
        notifications=2,
    ),
    Scenario(
        name="called_off",
        # The calendar's cancellation comes outside the thread, and its words are those of a closed position.
        steps=[
            (MINUTE, comes("receipt", receipt())),
            (DAY, comes("invitation", interview(), thread_of="receipt")),
            (2 * DAY, comes("cancelled", interview(sequence=1, cancelled=True))),
        ],
        mails={"receipt": LINKED, "invitation": LINKED, "cancelled": LINKED},
        applications=[INTERVIEW],
        notifications=3,
    ),
    Scenario(
        name="forged",
        steps=[
            (MINUTE, comes("receipt", receipt())),
            (DAY, comes("forged", rejection(passing=False))),
            (2 * DAY, comes("strange", STRANGER)),
        ],
        mails={"receipt": LINKED, "forged": LINKED, "strange": LINKED},
        applications=[APPLIED],
        notifications=3,
    ),
    Scenario(
        name="said_twice",
        steps=[
            # Of two receipts within a second either may give birth, and the application's id tells which: a day apart
            # it is the first.
            (MINUTE, comes("receipt", receipt())),
            (DAY, arrives("receipt again", wrap(FERNHILL, receipt().subject, receipt().body))),
            (2 * DAY, comes("rejection", rejection())),
            (3 * DAY, arrives("rejection again", wrap(FERNHILL, rejection().subject, rejection().body))),
        ],
        mails={"receipt": LINKED, "receipt again": LINKED, "rejection": LINKED, "rejection again": LINKED},
        applications=[REJECTED],
        notifications=2,
    ),
)
