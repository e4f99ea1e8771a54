"""Notifications: where and when a thing is told, exactly once in the app, and never twice where a doubt is."""

from __future__ import annotations

from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta

import pytest

from shared import notifications
from shared.due import DeliverNotification
from shared.errors import NotFound, Rejected, TryAgain, Unsure
from shared.model import Channel, DispatchState, Notification, NotificationKind, QuietHours, Signal
from shared.notifications import delivery
from shared.schema import NOTIFICATIONS
from tests.support.telling import DAY, HOUR, LEASE, MINUTE, Telling

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
EMAIL = (Channel.IN_APP, Channel.EMAIL)
REJECTED, NEWS = NotificationKind.STATUS_CHANGED, NotificationKind.NEEDS_ACTION


@pytest.fixture
def world():
    with closing(Telling(MONDAY)) as made:
        yield made


def everywhere(*channels: Channel) -> dict[str, tuple[Channel, ...]]:
    return dict.fromkeys(NotificationKind, (Channel.IN_APP, *channels))


# --- Where ------------------------------------------------------------------------------------------------------------


def test_a_change_is_told_in_the_app_at_once_and_nowhere_else_unless_chosen(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.REJECTION)
    assert [n.kind for n in world.told("ada")] == [REJECTED]
    world.sweep()
    assert world.sent == []
    assert world.dispatches("ada") == []


def test_a_chosen_channel_gets_it_once_however_often_everything_comes(world):
    world.person("ada", channels=everywhere(Channel.EMAIL))
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.REJECTION)
    for _ in range(3):
        world.sweep(again=True)
        world.clock.step(10 * MINUTE)
    (sent,) = world.sent
    assert (sent.channel, sent.target) == ("email", "ada@example.com")
    assert sent.message.subject == "Baker at Acme: rejected"
    assert '"their very words"' in sent.message.text
    (dispatch,) = world.dispatches("ada")
    assert (dispatch.state, dispatch.attempts, dispatch.due_at) == (DispatchState.SENT, 1, None)


def test_a_chosen_channel_that_leads_nowhere_is_shown_as_failed(world):
    world.person("ada", mailbox=False, channels={REJECTED: EMAIL})
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.REJECTION)
    world.sweep()
    (dispatch,) = world.dispatches("ada")
    assert (dispatch.state, dispatch.reason) == (DispatchState.FAILED, "no address is set for this channel")


def test_chat_and_webhook_lead_where_the_person_said_and_their_targets_are_sealed(world):
    ports = {"store": world.store, "vault": world.vault, "clock": world.clock}
    world.person("ada", channels=everywhere(Channel.CHAT, Channel.WEBHOOK))
    notifications.set_target("ada", "chat", "tgram://123456789:abcdefghij/99", **ports)
    notifications.set_target("ada", "webhook", "https://hooks.example.com/x?k=1", secret="s" * 20, **ports)
    kept = notifications.targets("ada", store=world.store)
    assert [(each.channel, each.hint) for each in kept] == [("chat", "tgram"), ("webhook", "hooks.example.com")]
    assert all(b"example" not in each.sealed and b"tgram" not in each.sealed for each in kept)
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.REJECTION)
    world.sweep()
    assert {each.channel: each.target for each in world.sent} == {
        "chat": "tgram://123456789:abcdefghij/99",
        "webhook": f"{'s' * 20}\nhttps://hooks.example.com/x?k=1",
    }
    notifications.remove_target("ada", "chat", store=world.store)
    assert [each.channel for each in notifications.targets("ada", store=world.store)] == ["webhook"]


@pytest.mark.parametrize(
    ("channel", "address", "secret", "field"),
    [
        ("email", "ada@example.com", "", "channel"),
        ("in_app", "x", "", "channel"),
        ("chat", "json://10.0.0.1/", "", "address"),
        ("chat", "file:///etc/passwd", "", "address"),
        ("chat", "tgram", "", "address"),
        ("webhook", "http://hooks.example.com/", "s" * 20, "address"),
        ("webhook", "https://u:p@hooks.example.com/", "s" * 20, "address"),
        ("webhook", "https://[::1", "s" * 20, "address"),
        ("webhook", "https://hooks.example.com/\r\nX: y", "s" * 20, "address"),
        ("webhook", "https://hooks.example.com/", "short", "secret"),
    ],
)
def test_a_target_that_is_none_is_refused_by_field(world, channel, address, secret, field):
    with pytest.raises(Rejected, match=f"^{field}: "):
        notifications.set_target(
            "ada", channel, address, secret=secret, store=world.store, vault=world.vault, clock=world.clock
        )


# --- When -------------------------------------------------------------------------------------------------------------


def test_quiet_hours_hold_what_goes_outside_until_they_end(world):
    world.person("ada", "Asia/Kathmandu", channels={NEWS: EMAIL}, quiet_hours=QuietHours(start="17:00", end="07:00"))
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.INFO_REQUEST)
    world.sweep()
    (dispatch,) = world.dispatches("ada")
    # Noon in London is 17:45 in Kathmandu, whose next 07:00 is 01:15 UTC.
    assert dispatch.due_at == datetime(2026, 3, 3, 1, 15, tzinfo=UTC)
    assert [n.kind for n in world.told("ada")] == [NEWS]
    world.clock.set(dispatch.due_at - MINUTE)
    world.sweep()
    assert world.sent == []
    world.clock.set(dispatch.due_at + 3 * MINUTE)
    world.sweep()
    assert len(world.sent) == 1


def test_an_interview_about_to_begin_is_told_in_quiet_hours(world):
    world.person("ada", quiet_hours=QuietHours(start="00:00", end="23:59"))
    world.applied("ada", "a1")
    world.invited("ada", "a1", MONDAY + 2 * HOUR)
    world.sweep()
    world.clock.step(2 * HOUR - 15 * MINUTE)
    world.sweep()
    assert [each.message.kind for each in world.sent] == ["interview_reminder"]


def test_a_rejection_waits_for_the_persons_hour_also_in_the_app(world):
    world.person("ada", "America/New_York", gentle_hour=18, channels={REJECTED: EMAIL})
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.REJECTION)
    world.sweep()

    def shown():
        return notifications.listed("ada", limit=10, store=world.store, clock=world.clock).items

    assert (shown(), world.sent) == ((), [])
    world.clock.set(datetime(2026, 3, 2, 23, 0, 30, tzinfo=UTC))
    world.sweep()
    assert [each.message.kind for each in world.sent] == [REJECTED]
    assert [item.value.kind for item in shown()] == [REJECTED]


def test_a_wake_up_before_the_hour_tells_nothing(world):
    world.person("ada", gentle_hour=18, channels={REJECTED: EMAIL})
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.REJECTION)
    (told,) = world.told("ada")
    assert world.deliver(DeliverNotification(uid="ada", notification_id=told.key)).outcome == "early"
    assert world.dispatches("ada") == []


@pytest.mark.parametrize("kind", [NotificationKind.NEEDS_REAUTH, NotificationKind.DELIVERY_TROUBLE])
def test_no_digest_holds_back_what_stops_the_search(world, kind):
    world.person("ada", digest_hour=18, channels=everywhere(Channel.EMAIL))
    now = world.clock.now()
    world.store.create(
        NOTIFICATIONS.key("ada", "k1"), Notification(key="k1", uid="ada", kind=kind, created_at=now, due_at=now)
    )
    world.sweep()
    assert [each.message.kind for each in world.sent] == [kind]


def test_good_news_do_not_wait_for_the_gentle_hour(world):
    world.person("ada", gentle_hour=18, channels={REJECTED: EMAIL})
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.OFFER, reply_by="2026-03-09")
    world.sweep()
    (sent,) = world.sent
    assert sent.message.subject == "Baker at Acme: offer"
    assert "Answer by Mon 9 Mar: 7 days left." in sent.message.text


def test_a_digest_gathers_what_can_wait_into_one_mail_of_the_day(world):
    world.person("ada", digest_hour=18, channels=everywhere(Channel.EMAIL))
    for number in range(3):
        world.applied("ada", f"a{number}", company=f"Firm {number}")
        world.mail("ada", f"a{number}", Signal.REJECTION)
        world.sweep()
        world.clock.step(HOUR)
    assert world.sent == []
    world.clock.set(datetime(2026, 3, 2, 18, 0, tzinfo=UTC))
    world.sweep(again=True)
    (sent,) = world.sent
    assert sent.message.subject == "3 things since yesterday"
    assert "- Baker at Firm 1: rejected" in sent.message.text
    listed = notifications.listed("ada", limit=10, store=world.store, clock=world.clock)
    assert [item.value.kind for item in listed.items] == [REJECTED] * 3
    world.mail("ada", "a0", Signal.OFFER)
    world.sweep()
    world.clock.step(DAY)
    world.sweep()
    assert len(world.sent) == 2


def test_what_comes_at_its_own_hour_comes_in_quiet_hours_too(world):
    world.person("ada", quiet_hours=QuietHours(start="08:00", end="20:00"))
    world.applied("ada", "a1")
    world.run_until(MONDAY + 7 * DAY)
    (weekly,) = world.mailed("ada", NotificationKind.WEEKLY_SUMMARY)
    assert weekly.at == datetime(2026, 3, 9, 10, 15, tzinfo=UTC)


def test_whoever_flies_back_into_a_day_whose_digest_has_left_gets_the_next_days(world):
    world.person("ada", "Pacific/Auckland", digest_hour=18, channels={REJECTED: EMAIL})
    for id_ in ("a1", "a2"):
        world.applied("ada", id_)
    world.mail("ada", "a1", Signal.REJECTION)
    world.run_until(datetime(2026, 3, 3, 6, tzinfo=UTC))
    assert len(world.sent) == 1  # at 18:00 on the third
    world.choose("ada", time_zone="Pacific/Honolulu")  # where it is still the second
    world.run_until(datetime(2026, 3, 3, 12, tzinfo=UTC))  # and now the third again
    world.mail("ada", "a2", Signal.REJECTION)
    world.run_until(datetime(2026, 3, 6, tzinfo=UTC))
    assert [each.at.replace(minute=0) for each in world.sent[1:]] == [datetime(2026, 3, 5, 4, tzinfo=UTC)]


# --- Claim, act, record -----------------------------------------------------------------------------------------------


def rejection(world, *channels):
    ports = {"store": world.store, "vault": world.vault, "clock": world.clock}
    world.person("ada", channels=everywhere(*channels))
    notifications.set_target("ada", "webhook", "https://hooks.example.com/", secret="s" * 20, **ports)
    notifications.set_target("ada", "chat", "tgram://123456789:abcdefghij/99", **ports)
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.REJECTION)


def test_what_certainly_did_not_leave_is_tried_again_with_growing_waits(world):
    rejection(world, Channel.EMAIL)
    world.outside["email"].troubles = [TryAgain("the relay is down")] * 3
    waits = []
    for _ in range(4):
        world.sweep()
        (dispatch,) = world.dispatches("ada")
        if dispatch.due_at is not None:
            waits.append(dispatch.due_at - world.clock.now())
            world.clock.set(dispatch.due_at + timedelta(seconds=1))
    assert waits == [MINUTE, 2 * MINUTE, 4 * MINUTE]
    assert (dispatch.state, len(world.sent)) == (DispatchState.SENT, 1)


def test_what_is_not_so_any_more_when_its_next_try_comes_is_not_told(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.invited("ada", "a1", MONDAY + 2 * HOUR)
    world.sweep()
    world.clock.step(2 * HOUR - 15 * MINUTE)
    world.outside["email"].troubles = [TryAgain("the relay is down")]
    world.sweep()
    world.invited("ada", "a1", MONDAY + 2 * HOUR, ics_sequence=1, cancelled=True)
    world.clock.step(2 * MINUTE)
    # Before anybody has looked at the interview again.
    (waiting,) = world.dispatches("ada")
    again = DeliverNotification(uid="ada", notification_id=waiting.notification, channel="email")
    assert world.deliver(again).outcome == "withdrawn"
    (dispatch,) = world.dispatches("ada")
    (told,) = world.told("ada", NotificationKind.INTERVIEW_REMINDER)
    assert (dispatch.state, dispatch.due_at, world.sent) == (DispatchState.WITHDRAWN, None, [])
    assert told.withdrawn_at == world.clock.now()


def test_spent_tries_end_as_failed_with_the_reason(world):
    rejection(world, Channel.EMAIL)
    world.outside["email"].troubles = [TryAgain("the relay is down")] * 99
    for _ in range(20):
        world.sweep()
        world.clock.step(3 * HOUR)
    (dispatch,) = world.dispatches("ada")
    assert (dispatch.state, dispatch.reason) == (DispatchState.FAILED, "the relay is down")
    assert sum(world.outside["email"].tries.values()) == delivery.MOST_ATTEMPTS


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.CHAT])
def test_a_doubt_on_mail_or_chat_ends_as_unsure_and_nobody_tries_again(world, channel):
    rejection(world, channel)
    world.outside[channel].troubles = [Unsure("no answer")]
    for _ in range(5):
        world.sweep(again=True)
        world.clock.step(HOUR)
    (dispatch,) = world.dispatches("ada")
    assert (dispatch.state, dispatch.due_at, dispatch.reason) == (DispatchState.UNSURE, None, delivery.DOUBT)
    assert sum(world.outside[channel].tries.values()) == 1


def test_a_doubt_on_a_webhook_is_tried_again_under_the_same_id(world):
    rejection(world, Channel.WEBHOOK)
    world.outside["webhook"].troubles = [Unsure("no answer")]
    world.sweep()
    world.clock.step(2 * MINUTE)
    world.sweep()
    assert list(world.outside["webhook"].tries.values()) == [2]
    assert len(world.sent) == 1


@pytest.mark.parametrize(
    ("channel", "state", "tries"),
    [(Channel.EMAIL, DispatchState.UNSURE, 1), (Channel.WEBHOOK, DispatchState.SENT, 2)],
)
def test_a_holder_that_died_is_taken_over_only_where_twice_is_better_than_never(world, channel, state, tries):
    rejection(world, channel)

    class Killed(BaseException):
        pass

    world.outside[channel].troubles = [Killed()]
    with pytest.raises(Killed):
        world.sweep()
    (held,) = world.dispatches("ada")
    assert (held.state, held.due_at) == (DispatchState.SENDING, world.clock.now() + LEASE)
    again = DeliverNotification(uid="ada", notification_id=held.notification, channel=channel)
    assert world.deliver(again).outcome == "held"
    world.clock.step(LEASE + MINUTE)
    world.sweep()
    (ended,) = world.dispatches("ada")
    assert (ended.state, sum(world.outside[channel].tries.values())) == (state, tries)


def test_a_holder_that_comes_back_after_its_time_changes_nothing(world):
    rejection(world, Channel.WEBHOOK)
    quick, tries = world.outside["webhook"], []

    class Slow:
        def send(self, target, message):
            tries.append(message.id)
            if len(tries) > 1:
                return quick.send(target, message)
            # Meanwhile its lease runs out, and another one takes over.
            world.clock.step(LEASE + MINUTE)
            assert world.deliver(again).outcome == "sent"
            raise TryAgain("too late")

    world.sweep()
    world.outside["webhook"] = Slow()
    world.sent.clear()
    world.mail("ada", "a1", Signal.OFFER)
    told = world.told("ada")[-1]
    again = DeliverNotification(uid="ada", notification_id=told.key, channel="webhook")
    world.sweep()
    (dispatch,) = [each for each in world.dispatches("ada") if each.notification == told.key]
    assert (dispatch.state, dispatch.due_at, len(tries)) == (DispatchState.SENT, None, 2)
    world.clock.step(HOUR)
    world.sweep()
    assert len(world.sent) == 1


def test_a_message_that_kills_every_holder_ends_as_failed(world):
    rejection(world, Channel.WEBHOOK)

    class Killed(BaseException):
        pass

    world.outside["webhook"].troubles = [Killed() for _ in range(99)]
    for _ in range(20):
        with suppress(Killed):
            world.sweep()
        world.clock.step(LEASE + MINUTE)
    (dispatch,) = world.dispatches("ada")
    assert (dispatch.state, dispatch.due_at) == (DispatchState.FAILED, None)
    assert sum(world.outside["webhook"].tries.values()) == delivery.MOST_ATTEMPTS


def test_what_will_never_work_is_failed_at_once(world):
    rejection(world, Channel.EMAIL)
    world.outside["email"].troubles = [Rejected("no such address")]
    world.sweep()
    (dispatch,) = world.dispatches("ada")
    assert (dispatch.state, dispatch.reason, dispatch.due_at) == (DispatchState.FAILED, "no such address", None)


@pytest.mark.parametrize(("id_", "channel"), [("a/b", ""), ("x", "carrier_pigeon"), ("", "")])
def test_a_message_that_names_nothing_is_rejected(world, id_, channel):
    with pytest.raises(Rejected):
        world.deliver(DeliverNotification(uid="ada", notification_id=id_, channel=channel))


# --- The history ------------------------------------------------------------------------------------------------------


def test_what_was_read_stays_read_since_the_first_time(world):
    world.person("ada")
    world.applied("ada", "a1")
    world.mail("ada", "a1", Signal.REJECTION)
    (told,) = world.told("ada")
    ports = {"store": world.store, "clock": world.clock}
    first = notifications.mark_read("ada", told.key, **ports)
    world.clock.step(HOUR)
    assert notifications.mark_read("ada", told.key, **ports) == first
    for uid, key in (("bob", told.key), ("ada", "none"), ("ada", "a/b")):
        with pytest.raises(NotFound):
            notifications.mark_read(uid, key, **ports)


def test_only_what_is_older_than_ninety_days_is_deleted_with_its_dispatches(world):
    world.person("ada", channels=everywhere(Channel.EMAIL))
    for number in range(120):
        world.applied("ada", f"a{number}")
        world.mail("ada", f"a{number}", Signal.REJECTION)
    world.sweep()
    world.clock.step(91 * DAY)
    world.mail("ada", "a0", Signal.OFFER)
    cleaned = notifications.cleanup(store=world.store, clock=world.clock)
    assert (cleaned.scanned, cleaned.updated) == (120, 120)
    assert [n.kind for n in world.told("ada")] == [NotificationKind.MOVE_SUGGESTED]
    assert world.dispatches("ada") == []
    assert notifications.cleanup(store=world.store, clock=world.clock).scanned == 0


def test_a_later_releases_kind_is_still_told(world):
    world.person("ada", channels={"moon_landing": EMAIL})
    now = world.clock.now()
    told = Notification(key="k1", uid="ada", kind="moon_landing", created_at=now, due_at=now)
    world.store.create(NOTIFICATIONS.key("ada", "k1"), told)
    world.clock.step(MINUTE)
    world.sweep()
    assert [each.message.subject for each in world.sent] == ["News: your job search"]
