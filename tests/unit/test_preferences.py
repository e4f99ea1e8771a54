"""What a person may choose, field by field."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared import preferences
from shared.errors import Rejected
from shared.ledger import SilenceThresholds
from shared.model import Channel, FollowUps, Monitoring, Preferences, QuietHours, User
from shared.schema import USERS
from tests.support.made import made_services

DEFAULTS = Preferences()


@pytest.fixture
def world():
    with made_services() as world:
        yield world


def test_the_defaults_are_within_their_bounds_and_are_what_the_service_promises():
    assert preferences.checked(DEFAULTS) is DEFAULTS
    assert (DEFAULTS.recall_seconds, DEFAULTS.backfill_days, DEFAULTS.monitoring) == (10, 90, Monitoring.REAL_TIME)
    assert [timedelta(minutes=each) for each in DEFAULTS.reminder_minutes] == [
        timedelta(days=7),
        timedelta(hours=24),
        timedelta(hours=2),
        timedelta(minutes=15),
    ]
    assert DEFAULTS.mode_of("rejection") == "automatic"
    assert DEFAULTS.channels_of("status_changed") == (Channel.IN_APP,)
    assert preferences.silence_thresholds(DEFAULTS) == SilenceThresholds()


@pytest.mark.parametrize(
    ("field", "right", "wrong"),
    [
        ("language", ["en", "ja"], ["", "xx", "EN", "english"]),
        (
            "time_zone",
            ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"],
            [
                "",
                "Berlin",
                "Europe/Nowhere",
                "/etc/localtime",
                "../UTC",
                "Europe/",
                "localtime",
                "a\0b/c",
                "é/ü",
                "x" * 5_000,
            ],
        ),
        ("recall_seconds", [0, 120], [-1, 121]),
        ("daily_cap", [1, 2_000], [0, 2_001]),
        ("cool_down_days", [0, 365], [-1, 366]),
        ("backfill_days", [0, 365], [-1, 366]),
        ("retention_days", [30, 3_650], [29, 3_651]),
        ("monitoring", list(Monitoring), []),
        ("signals", [{}, {"rejection": "confirm", "offer": "automatic"}], [{"applause": "confirm"}]),
        (
            "channels",
            [{}, {"status_changed": (Channel.IN_APP, Channel.EMAIL)}],
            [
                {"applause": (Channel.IN_APP,)},
                {"status_changed": ()},
                {"status_changed": (Channel.EMAIL,)},
                {"status_changed": (Channel.IN_APP, Channel.IN_APP)},
            ],
        ),
        (
            "quiet_hours",
            [None, QuietHours(), QuietHours(start="00:00", end="23:59")],
            [
                QuietHours(start="24:00"),
                QuietHours(start="7:00"),
                QuietHours(end="07:60"),
                QuietHours(end="07:00\n"),
                QuietHours(start="07:00", end="07:00"),
            ],
        ),
        ("gentle_hour", [None, 0, 23], [-1, 24]),
        (
            "reminder_minutes",
            [(), (60,), (60, 5), (6, 5)],
            [(5, 60), (60, 60), (4,), (20_161,), (9, 8, 7, 6, 5, 10, 11)],
        ),
        (
            "follow_ups",
            [FollowUps(after_days=(), after_reply_days=(), thank_you_days=0), FollowUps(after_days=(1, 60))],
            [
                FollowUps(after_days=(1, 1, 1)),
                FollowUps(after_days=(0,)),
                FollowUps(after_reply_days=(61,)),
                FollowUps(thank_you_days=15),
            ],
        ),
        ("silence_days", [{}, {"applied": 1, "offer": 90}], [{"applied": 0}, {"offer": 91}, {"closed": 5}]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_field_has_its_bounds_and_is_named_when_it_is_beyond_them(field, right, wrong):
    for value in right:
        preferences.checked(replace(DEFAULTS, **{field: value}))
    for value in wrong:
        with pytest.raises(Rejected, match=f"^{field}"):
            preferences.checked(replace(DEFAULTS, **{field: value}))


def test_every_field_is_stored_and_read_back(world):
    chosen = Preferences(
        language="de",
        time_zone="Asia/Kathmandu",
        recall_seconds=60,
        daily_cap=5,
        cool_down_days=1,
        monitoring=Monitoring.DAILY,
        signals={"rejection": "confirm"},
        backfill_days=0,
        retention_days=30,
        channels={"interview_changed": (Channel.IN_APP, Channel.CHAT)},
        quiet_hours=QuietHours(start="21:30"),
        gentle_hour=18,
        weekly_summary=False,
        monthly_report=False,
        reminder_minutes=(60,),
        follow_ups=FollowUps(after_days=(3,)),
        silence_days={"applied": 7},
    )
    preferences.put("ada", lambda _: chosen, store=world.store, clock=world.clock)

    assert preferences.get("ada", store=world.store) == chosen
    assert preferences.get("bob", store=world.store) == DEFAULTS
    assert preferences.silence_thresholds(chosen).applied == timedelta(days=7)
    assert chosen.mode_of("rejection") == "confirm"


def test_the_rest_of_the_person_stays_and_what_is_wrong_changes_nothing(world):
    world.store.create(USERS.key("ada"), User(uid="ada", applications_rev=7, mailbox_id="mb"))
    preferences.put("ada", lambda p: replace(p, daily_cap=3), store=world.store, clock=world.clock)
    with pytest.raises(Rejected, match="daily_cap: must be 1 to 2000"):
        preferences.put("ada", lambda p: replace(p, daily_cap=0), store=world.store, clock=world.clock)

    user = world.store.get(USERS.key("ada")).value
    assert (user.applications_rev, user.mailbox_id, user.preferences.daily_cap) == (7, "mb", 3)


def test_another_zone_moves_what_is_planned_for_the_person(world):
    preferences.put("ada", lambda p: p, store=world.store, clock=world.clock)
    before = world.store.get(USERS.key("ada")).value
    preferences.put("ada", lambda p: replace(p, time_zone="Asia/Tokyo"), store=world.store, clock=world.clock)
    after = world.store.get(USERS.key("ada")).value

    assert after.weekly_at == before.weekly_at - timedelta(hours=9)
