"""What the clock brings: jobs and their end, reminders, reports, and whatever people are told at its hour."""

from __future__ import annotations

import json
from datetime import timedelta

from shared.adapters.local_queue import ACKNOWLEDGED
from shared.due import NOTIFY_TOPIC
from shared.errors import TryAgain, Unsure
from shared.jobs import ats
from shared.local.clock import START
from shared.model import Channel, QuietHours
from tests.simulation.life import leads_to, prefers
from tests.simulation.scenarios import (
    APPLIED,
    DAY,
    HOUR,
    LINKED,
    MINUTE,
    OTHER_ROLE,
    REJECTED,
    ROLE,
    SECOND,
    Scenario,
    comes,
    creates,
    interview,
    receipt,
    rejection,
)
from tests.simulation.world import ADA, BOB, EMPLOYERS, Act, World

WEBHOOK = "https://hooks.example.com/ada"
CHAT = "tgram://123456789:abcdefg_hijklmnop/12315544/"

IN_APP, EMAIL = Channel.IN_APP, Channel.EMAIL


def fires(function: str, **payload: str) -> Act:
    """The scheduler fires, and once more when it gets no answer."""

    def act(world: World) -> None:
        if world.call(function, json.dumps(payload).encode()) not in ACKNOWLEDGED:
            raise TryAgain(f"{function} is fired again")

    return Act(act, asks=True)


def shows(*jobs: tuple[int, str, timedelta | None]) -> Act:
    """The employer's board has these jobs: number, title, and how long they stay open."""
    body = {
        "jobs": [
            {
                "id": number,
                "title": title,
                "absolute_url": f"https://boards.greenhouse.io/fernhill/jobs/{number}",
                "location": {"name": "San Francisco, CA"},
                "first_published": (START - DAY).isoformat(),
                "application_deadline": (START + closes).isoformat() if closes else None,
                "content": "Write software.",
            }
            for number, title, closes in jobs
        ],
        "meta": {"total": len(jobs)},
    }

    def act(world: World) -> None:
        world.web.pages[ats.board_url(EMPLOYERS[0])] = json.dumps(body).encode()

    return Act(act)


def fails(channel: Channel, *troubles: Exception) -> Act:
    """The next tries on a channel fail."""
    return Act(lambda world: world.channels[channel].troubles.extend(troubles))


def publishes(topic: str, payload: bytes) -> Act:
    """Somebody publishes what no function of ours has written."""
    return Act(lambda world: world.broker.send(topic, payload))


ENGINEER, LEAD, INTERN = (
    (1, "Software Engineer", None),
    (2, "Senior Software Engineer", 36 * HOUR),
    (3, "Software Engineer Intern", None),
)

CLOCK_SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="scraped",
        steps=[
            (SECOND, shows(ENGINEER, LEAD)),
            (MINUTE, fires("scrape_jobs", search="tech")),
            (MINUTE, fires("scrape_jobs", search="tech")),
            (6 * HOUR, fires("scrape_jobs", search="tech")),
            (12 * HOUR, shows(ENGINEER, LEAD, INTERN)),
            (12 * HOUR, fires("scrape_jobs", search="tech")),
        ],
        mails={},
        applications=[],
        notifications=0,
        fires={"expire_old_jobs": None, "clean_expired_cache": None},
    ),
    Scenario(
        name="reminded",
        steps=[
            (SECOND, prefers(reminder_minutes=(24 * 60, 120))),
            (SECOND, creates(request="r1")),
            (HOUR, comes("invitation", interview())),
            # After the reminder of the day before: each takes back what was said of the round as it had been.
            (2 * DAY + 11 * HOUR, comes("moved", interview(sequence=1, day=10))),
            (4 * DAY + 11 * HOUR, comes("cancelled", interview(sequence=2, day=10, cancelled=True))),
        ],
        mails={"invitation": LINKED, "moved": LINKED, "cancelled": LINKED},
        applications=[(ROLE, APPLIED[1].INTERVIEW, None)],
        notifications=5,
        fires={"release_notifications": None, "send_interview_reminders": None},
        without=frozenset({"jumps"}),
    ),
    Scenario(
        name="week_reported",
        steps=[
            (2 * HOUR, comes("hers", receipt())),
            (2 * HOUR, comes("his", receipt(OTHER_ROLE), to=BOB)),
        ],
        people=(ADA, BOB),
        mails={"hers": LINKED, "his": LINKED},
        applications=[APPLIED, (OTHER_ROLE, APPLIED[1], None)],
        notifications=4,
        fires={"send_weekly_summaries": 8 * DAY, "release_notifications": None},
        without=frozenset({"jumps"}),
    ),
    Scenario(
        name="month_reported",
        steps=[(MINUTE, comes("receipt", receipt()))],
        mails={"receipt": LINKED},
        applications=[APPLIED],
        notifications=2,
        fires={"send_monthly_reports": 28 * DAY, "release_notifications": None},
        without=frozenset({"jumps"}),
    ),
    Scenario(
        name="followed_up",
        steps=[
            (SECOND, prefers(channels={"follow_up": (IN_APP, Channel.WEBHOOK)})),
            (SECOND, leads_to(Channel.WEBHOOK, WEBHOOK)),
            (HOUR, comes("receipt", receipt(), at=START - 6 * DAY - 12 * HOUR)),
            (DAY + 12 * HOUR, comes("rejection", rejection())),
        ],
        mails={"receipt": LINKED, "rejection": LINKED},
        applications=[REJECTED],
        notifications=3,
        fires={"send_follow_up_reminders": 2 * DAY + 12 * HOUR, "release_notifications": None},
        without=frozenset({"jumps"}),
    ),
    Scenario(
        name="told_outside",
        steps=[
            (
                SECOND,
                prefers(
                    channels={"application_found": (IN_APP, EMAIL, Channel.CHAT, Channel.WEBHOOK)},
                    quiet_hours=QuietHours(start="08:00", end="12:00"),
                ),
            ),
            (SECOND, leads_to(Channel.CHAT, CHAT)),
            (SECOND, leads_to(Channel.WEBHOOK, WEBHOOK)),
            (SECOND, fails(EMAIL, TryAgain("451 try again later"))),
            (SECOND, fails(Channel.CHAT, Unsure("no answer"))),
            (SECOND, fails(Channel.WEBHOOK, Unsure("no answer"))),
            (HOUR, comes("receipt", receipt())),
            (4 * HOUR, publishes(NOTIFY_TOPIC, b'{"uid":"ada","notification_id":"x","channel":"pigeon"}')),
        ],
        mails={"receipt": LINKED},
        applications=[APPLIED],
        notifications=1,
        dead_letters=1,
        fires={"release_notifications": None},
    ),
    Scenario(
        name="told_gently",
        steps=[
            (SECOND, prefers(gentle_hour=18, channels={"status_changed": (IN_APP, EMAIL)})),
            (HOUR, comes("receipt", receipt())),
            (2 * HOUR, comes("rejection", rejection())),
        ],
        mails={"receipt": LINKED, "rejection": LINKED},
        applications=[REJECTED],
        notifications=2,
        fires={"release_notifications": None},
    ),
    Scenario(
        name="told_and_forgotten",
        steps=[
            (SECOND, prefers(digest_hour=20, channels={"application_found": (IN_APP, EMAIL)})),
            (HOUR, comes("receipt", receipt())),
        ],
        mails={"receipt": LINKED},
        applications=[APPLIED],
        notifications=0,
        fires={"release_notifications": None, "cleanup_old_notifications": None},
    ),
)
