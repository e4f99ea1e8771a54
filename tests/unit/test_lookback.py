"""The past: the backfill at connect, the daily receipt, the watch that is kept, and mailboxes that rest."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from shared import accounts, mailbox, registry
from shared.adapters.log import JsonLines
from shared.applications import listed
from shared.due import wake
from shared.errors import Rejected, TryAgain
from shared.local.clock import FakeClock
from shared.local.gmail.faults import Fault
from shared.local.mailfiles import wrap
from shared.mailbox import lookback, page
from shared.mailbox.lease import MOST_CRASHES, QUARANTINE
from shared.mailbox.taking import CRASHES, MESSAGE_UNITS
from shared.model import MailStatus, Monitoring
from shared.schema import MAILBOXES, MAILS, MAILS_OF_USER
from tests.support.connecting import ADA, connecting

RECEIPT = (
    "Thank you for applying to {0}",
    "Hi Ada,\n\nThank you for applying for the Engineer position at {0}. We have received your application.\n\n{0}\n",
)


@pytest.fixture
def world():
    with connecting() as world:
        yield world


def arrive(world, company, *, at=None, labels=("INBOX",), subject="", body=""):
    """A receipt of a company, or any other mail."""
    data = wrap(
        f"{company} <jobs@{company.lower()}.example>",
        subject or RECEIPT[0].format(company),
        body or RECEIPT[1].format(company),
    )
    return world.google.receive(ADA, data, labels=labels, at=at)


def private(world, **more):
    return arrive(world, "Mum", subject="Sunday lunch", body="See you on Sunday at one. Love, Mum\n", **more)


def sync(world, mailbox_id=""):
    s = world.services
    return mailbox.sync(
        mailbox.MailboxDirty(mailbox_id=mailbox_id or world.mailbox().id),
        settings=s.settings,
        store=s.store,
        queue=s.queue,
        gmail=s.gmail,
        vault=s.vault,
        clock=s.clock,
    )


def settle(world, *, until=None, most=400):
    """Jump from one due time to the next."""
    for _ in range(most):
        due_at = world.mailbox().due_at
        if due_at is None or (until is not None and due_at > until):
            return
        world.clock.set(max(world.clock.now(), due_at))
        sync(world)
    raise AssertionError(f"still due: {world.mailbox()}")


def companies(world):
    return sorted(item.value.company for item in listed("ada", limit=100, store=world.services.store).items)


def rewrite(world, **changes):
    made = replace(world.mailbox(), **changes)
    world.services.store.transact(lambda tx: tx.put(MAILBOXES.key(made.id), made))


# --- Backfill ---------------------------------------------------------------------------------------------------------


def test_connecting_reads_the_last_ninety_days_and_makes_applications_of_their_receipts(world):
    now = world.clock.now()
    for days, company in [(100, "Toolong"), (80, "Acme"), (40, "Globex"), (1, "Initech")]:
        arrive(world, company, at=now - timedelta(days=days))
    private(world, at=now - timedelta(days=3))
    world.connect()

    settle(world)

    assert companies(world) == ["Acme", "Globex", "Initech"]
    shown = world.send("GET", "/v1/gmail")[1]["backfill"]
    assert (shown["progress"], shown["found"], shown["cancelled"]) == (1.0, 3, False)
    assert shown["ended_at"]


def test_a_private_mail_of_the_past_is_not_even_looked_at(world):
    id_ = private(world, at=world.clock.now() - timedelta(days=3))
    world.connect()

    settle(world)

    assert world.services.store.get(MAILS.key("ada", id_)) is None


@pytest.mark.parametrize(("days", "found"), [(0, []), (30, ["Initech"]), (365, ["Acme", "Initech"])])
def test_how_far_back_is_the_persons_choice(world, days, found):
    arrive(world, "Acme", at=world.clock.now() - timedelta(days=200))
    arrive(world, "Initech", at=world.clock.now() - timedelta(days=20))
    world.send("PATCH", "/v1/preferences", {"backfill_days": days})
    world.connect()

    settle(world)

    assert companies(world) == found


def test_one_page_is_read_under_a_lease(world):
    for days in (85, 50, 10):
        arrive(world, f"C{days}", at=world.clock.now() - timedelta(days=days))
    world.connect()

    sync(world)

    assert companies(world) == ["C85"]
    assert 0 < world.send("GET", "/v1/gmail")[1]["backfill"]["progress"] < 0.2


def test_a_cancelled_backfill_stops_and_keeps_what_it_found(world):
    for days in (85, 10):
        arrive(world, f"C{days}", at=world.clock.now() - timedelta(days=days))
    world.connect()
    sync(world)

    assert world.send("DELETE", "/v1/gmail/backfill")[0] == 204
    settle(world)

    assert companies(world) == ["C85"]
    assert world.send("GET", "/v1/gmail")[1]["backfill"]["cancelled"] is True


def test_a_cancel_while_a_page_is_read_holds(world):
    arrive(world, "Acme", at=world.clock.now() - timedelta(days=85))
    world.connect()
    s = world.services
    open_ = s.gmail.mailbox
    cancelled: list[bool] = []

    def cancel_and_open(token):
        if not cancelled:
            cancelled.append(True)
            lookback.cancel("ada", store=s.store, clock=s.clock)
        return open_(token)

    s.gmail.mailbox = cancel_and_open
    sync(world)

    assert world.mailbox().backfill.cancelled
    assert world.mailbox().backfill.span is None


def test_it_can_be_begun_anew(world):
    world.connect()
    settle(world)
    arrive(world, "Acme", at=world.clock.now() - timedelta(days=200))

    assert world.send("POST", "/v1/gmail/backfill", {"days": 365})[0] == 202
    settle(world)

    assert companies(world) == ["Acme"]


@pytest.mark.parametrize("days", [-1, 366, 10**9])
def test_a_span_nobody_can_want_is_refused(world, days):
    world.connect()

    assert world.send("POST", "/v1/gmail/backfill", {"days": days})[0] == 400


def test_without_a_mailbox_there_is_no_past(world):
    assert world.send("POST", "/v1/gmail/backfill", {"days": 1})[0] == 404
    assert world.send("DELETE", "/v1/gmail/backfill")[0] == 404


def test_live_mail_is_read_before_the_past(world):
    arrive(world, "Acme", at=world.clock.now() - timedelta(days=85))
    world.connect()
    world.clock.step(timedelta(minutes=2))
    live = arrive(world, "Globex")

    with world.google.faults.during(Fault(kind="error", method="messages.list", status=503)):
        sync(world)

    assert world.services.store.get(MAILS.key("ada", live)) is not None
    assert companies(world) == ["Globex"]


def test_a_quarter_of_the_quota_is_kept_for_live_mail_and_every_kill_is_survived(world):
    """Sixty mails, a run killed at every other try: everything once, and within the quota."""
    now = world.clock.now()
    for number in range(60):
        arrive(world, f"Firm{number}", at=now - timedelta(days=80, minutes=-number))
    world.connect()
    s = world.services
    s.settings = replace(s.settings, units_per_minute=1_200)
    write = s.store.put
    kills = 20
    spent: list[int] = []
    for turn in range(400):
        if world.mailbox().backfill.span is None:
            break
        due_at = world.mailbox().due_at
        world.clock.set(max(world.clock.now(), due_at))
        before = world.google.units(ADA)
        killed = kills and turn % 2
        if killed:
            kills -= 1
            count = iter(range(3))

            def dying(*args, count=count, **more):
                if next(count, None) == 1:
                    raise KeyboardInterrupt
                return write(*args, **more)

            s.store.put = dying
        try:
            sync(world)
        except KeyboardInterrupt:
            # The holder is dead: another comes when its lease has ended.
            world.clock.set(max(world.clock.now(), world.mailbox().due_at))
        s.store.put = write
        spent.append(world.google.units(ADA) - before)

    assert world.mailbox().backfill.span is None
    assert len(companies(world)) == 60
    records = s.store.count(MAILS_OF_USER, parent="ada")
    assert records == 60
    assert max(spent) <= s.settings.units_per_minute * (1 - page.KEPT_FOR_LIVE_WORK) + MESSAGE_UNITS


# --- The receipt ------------------------------------------------------------------------------------------------------


def a_day_later(world):
    settle(world)
    world.clock.step(timedelta(hours=25))


def test_a_day_without_a_miss_is_told_so(world):
    world.connect()
    settle(world)
    for company in ("Acme", "Globex"):
        arrive(world, company)
    private(world)
    sync(world)
    a_day_later(world)

    sync(world)

    receipt = world.send("GET", "/v1/gmail")[1]["receipt"]
    assert receipt["text"] == "2 of 2 hiring mails seen"
    assert (receipt["sampled"], receipt["sample_seen"]) == (1, 1)


def test_what_was_missed_is_read_and_counted(world, caplog):
    world.connect()
    settle(world)
    arrive(world, "Acme")
    sync(world)
    world.clock.step(timedelta(minutes=5))
    missed = arrive(world, "Globex")
    quiet = private(world)
    reached = (
        world.services.gmail.mailbox(
            world.services.vault.unseal(
                world.mailbox().sealed_access_token, user="ada", purpose=accounts.ACCESS_TOKEN
            ).decode()
        )
        .profile()
        .history_id
    )
    # As if a bug of ours had moved the cursor past them.
    rewrite(world, history_id=accounts.padded(reached))
    a_day_later(world)

    sync(world)

    receipt = world.send("GET", "/v1/gmail")[1]["receipt"]
    assert receipt["text"] == "1 of 2 hiring mails seen; 2 missed and read now"
    assert companies(world) == ["Acme", "Globex"]
    assert world.services.store.get(MAILS.key("ada", missed)).value.status is MailStatus.LINKED
    assert world.services.store.get(MAILS.key("ada", quiet)).value.status is MailStatus.PRIVATE
    assert [record.message for record in caplog.records if record.message == "coverage gap"]


def skip(world):
    """As if a bug of ours had moved the cursor past what has just come."""
    rewrite(world, history_id=accounts.padded(world.google.mailbox(ADA).history_id))


def gaps(caplog):
    """What the log says of gaps: hiring mails, and mails of the sample."""
    return [(each.missed, each.missed_in_sample) for each in caplog.records if each.message == lookback.GAP]


def test_every_hiring_mail_of_the_day_is_counted_in_whatever_tab_it_lies(world, caplog):
    world.connect()
    settle(world)
    for number in range(147):
        world.clock.step(timedelta(minutes=1))
        arrive(world, f"Firm{number}", labels=("INBOX", "CATEGORY_PROMOTIONS") if number % 3 == 0 else ("INBOX",))
        if number % 20 == 0:
            sync(world)
    sync(world)
    a_day_later(world)

    sync(world)

    assert world.send("GET", "/v1/gmail")[1]["receipt"]["text"] == "147 of 147 hiring mails seen"
    assert gaps(caplog) == []


def test_a_miss_outside_the_query_shows_in_the_sample_alone(world, caplog):
    world.connect()
    settle(world)
    arrive(world, "Acme")
    sync(world)
    world.clock.step(timedelta(minutes=5))
    quiet = private(world)
    skip(world)
    a_day_later(world)

    sync(world)

    receipt = world.send("GET", "/v1/gmail")[1]["receipt"]
    assert receipt["text"] == "1 of 1 hiring mails seen; 1 missed and read now"
    assert (receipt["hiring"], receipt["seen"], receipt["sampled"], receipt["sample_seen"]) == (1, 1, 1, 0)
    assert world.services.store.get(MAILS.key("ada", quiet)).value.status is MailStatus.PRIVATE
    assert gaps(caplog) == [(0, 1)]


def test_a_repair_that_is_cut_short_is_told_whole_when_it_is_done_and_once(world, caplog):
    world.connect()
    settle(world)
    first, *_ = [arrive(world, company) for company in ("Acme", "Globex", "Initech")]
    skip(world)
    a_day_later(world)
    s = world.services
    open_ = s.gmail.mailbox

    def opened(token):
        session = open_(token)
        read = session.message

        def message(id_, **more):
            if id_ == first:
                raise TryAgain("messages.get: 503")
            return read(id_, **more)

        session.message = message
        return session

    s.gmail.mailbox = opened
    sync(world)
    assert companies(world) == ["Globex", "Initech"]
    assert world.mailbox().receipt is None
    assert gaps(caplog) == []
    s.gmail.mailbox = open_

    settle(world)

    assert companies(world) == ["Acme", "Globex", "Initech"]
    assert world.send("GET", "/v1/gmail")[1]["receipt"]["text"] == "0 of 3 hiring mails seen; 3 missed and read now"
    assert gaps(caplog) == [(3, 0)]
    world.clock.step(timedelta(hours=49))
    sync(world)
    assert world.send("GET", "/v1/gmail")[1]["receipt"]["text"] == "0 of 0 hiring mails seen"
    assert len(gaps(caplog)) == 1


def test_the_metric_counts_the_line_that_tells_of_a_gap():
    record = logging.LogRecord(lookback.__name__, logging.WARNING, __file__, 1, lookback.GAP, (), None)
    written = json.loads(JsonLines().format(record))
    terraform = (registry.TABLE.parent.parent / "infra" / "watch.tf").read_text()

    assert f'jsonPayload.message = \\"{written["message"]}\\"' in terraform


def test_the_receipt_counts_the_applications_for_the_pace(world):
    world.connect()
    a_day_later(world)
    assert world.mailbox().pace == "15"

    sync(world)

    assert world.mailbox().pace == "daily"


def test_hiring_mail_quickens_the_pace_again(world):
    world.connect()
    a_day_later(world)
    sync(world)
    arrive(world, "Acme")

    sync(world)

    assert world.mailbox().pace == "15"


# --- The watch --------------------------------------------------------------------------------------------------------


def test_a_watch_is_renewed_once_a_day(world):
    world.connect()
    settle(world)
    first = world.mailbox().watch_expires_at
    world.clock.step(timedelta(hours=20))
    sync(world)
    assert world.mailbox().watch_expires_at == first
    world.clock.step(timedelta(hours=5))

    sync(world)

    assert world.mailbox().watch_expires_at == world.clock.now() + timedelta(days=7)


def test_a_lapse_is_seen_the_moment_it_is_there_and_heals(world):
    world.connect()
    settle(world)
    with world.google.faults.during(Fault(kind="error", method="watch", status=403, reason="forbidden")):
        world.clock.step(timedelta(days=7, minutes=1))
        assert world.send("GET", "/v1/gmail")[1]["health"] == "watch_lapsed"
        sync(world)
        shown = world.send("GET", "/v1/gmail")[1]
        assert (shown["health"], bool(shown["trouble"])) == ("watch_lapsed", True)
        mail = arrive(world, "Acme")
        sync(world)
        assert world.services.store.get(MAILS.key("ada", mail)) is not None

    sync(world)

    assert world.send("GET", "/v1/gmail")[1]["health"] == "ok"


@pytest.mark.parametrize("chosen", ["15", "30", "60", "daily", "off"])
def test_whoever_does_not_want_real_time_has_no_watch(world, chosen):
    world.connect()
    settle(world)
    world.send("PATCH", "/v1/preferences", {"monitoring": chosen})

    sync(world)

    assert world.google.mailbox(ADA).subscription is None
    assert world.mailbox().watch_expires_at is None


def test_back_in_real_time_there_is_one_again(world):
    world.connect()
    world.send("PATCH", "/v1/preferences", {"monitoring": "60"})
    sync(world)
    world.send("PATCH", "/v1/preferences", {"monitoring": "real_time"})

    sync(world)

    assert world.google.mailbox(ADA).subscription is not None


# --- Off --------------------------------------------------------------------------------------------------------------


def test_off_reads_nothing_whoever_asks_and_leaves_nothing_due(world):
    world.connect()
    settle(world)
    world.send("PATCH", "/v1/preferences", {"monitoring": "off"})
    sync(world)
    mail = arrive(world, "Acme")
    s = world.services

    assert sync(world).outcome == "monitoring_off"
    rewrite(world, due_at=world.clock.now())
    assert sync(world).outcome == "monitoring_off"

    assert world.services.store.get(MAILS.key("ada", mail)) is None
    assert world.mailbox().due_at is None
    world.clock.step(timedelta(days=30))
    assert wake(store=s.store, queue=s.queue, clock=s.clock).queued == 0


def test_on_again_reads_what_came_meanwhile(world):
    world.connect()
    settle(world)
    world.send("PATCH", "/v1/preferences", {"monitoring": "off"})
    sync(world)
    arrive(world, "Acme")
    world.send("PATCH", "/v1/preferences", {"monitoring": "real_time"})

    sync(world)
    settle(world)

    assert companies(world) == ["Acme"]


# --- Quarantine -------------------------------------------------------------------------------------------------------


def crash(world, *, at=""):
    """A run that ends without a word, perhaps at a call of Gmail's; the next may come when its lease has ended."""
    s = world.services
    open_ = s.gmail.mailbox

    def dying(*_, **__):
        raise KeyboardInterrupt

    def opened(token):
        session = open_(token)
        setattr(session, at, dying)
        return session

    s.gmail.mailbox = opened if at else dying
    try:
        with pytest.raises(KeyboardInterrupt):
            sync(world)
    finally:
        s.gmail.mailbox = open_
    world.clock.step(s.settings.lease)


def test_a_mailbox_whose_runs_crash_is_set_aside_with_a_reason_and_tried_again_later(world):
    world.connect()
    settle(world)
    for _ in range(MOST_CRASHES):
        crash(world)

    assert sync(world).outcome == "quarantined"
    shown = world.send("GET", "/v1/gmail")[1]
    assert (shown["health"], shown["trouble"]) == ("quarantined", "3 runs in a row crashed")
    assert sync(world).outcome == "quarantined"

    world.clock.step(QUARANTINE)
    crash(world)
    assert sync(world).outcome == "quarantined"

    world.clock.step(QUARANTINE)
    assert sync(world).outcome == "synced"
    assert (world.mailbox().health, world.mailbox().crashes) == ("ok", 0)


def test_a_mail_that_crashes_the_runs_is_parked_even_when_the_mailbox_was_set_aside_before(world):
    world.connect()
    settle(world)
    for _ in range(MOST_CRASHES):
        crash(world)
    assert sync(world).outcome == "quarantined"
    arrive(world, "Acme")
    for _ in range(CRASHES):
        world.clock.step(QUARANTINE)
        crash(world, at="message")

    world.clock.step(QUARANTINE)
    assert sync(world).outcome == "synced"
    page = world.services.store.find(MAILS_OF_USER, parent="ada", limit=10)
    assert [item.value.status for item in page.items] == [MailStatus.PARKED]


def test_a_quarantined_mailbox_costs_a_push_one_read_and_nothing_else(world):
    world.connect()
    rewrite(world, health="quarantined", due_at=world.clock.now() + timedelta(minutes=30), lease_until=None)
    before = world.mailbox()

    assert sync(world).outcome == "quarantined"

    assert world.mailbox() == before


def test_a_grant_that_cannot_be_opened_quarantines_after_three_tries(world):
    world.connect()
    settle(world)
    rewrite(world, sealed_refresh_token=b"x" * 60, access_token_expires_at=None)
    for _ in range(3):
        sync(world)
        health = world.mailbox().health
        world.clock.set(world.mailbox().due_at)

    assert health == "quarantined"


def test_a_dead_grant_costs_no_further_call_until_reconnected_and_then_everything_is_read(world):
    world.connect()
    settle(world)
    world.google.revoke(ADA)
    assert sync(world).outcome == "needs_reauth"
    missed = arrive(world, "Acme")
    world.clock.step(timedelta(days=20))
    world.google.forget_history(ADA)
    spent = world.google.units(ADA)
    for _ in range(5):
        assert sync(world).outcome == "needs_reauth"
    assert world.google.units(ADA) == spent
    assert world.send("POST", "/v1/gmail/sync")[0] == 409

    world.connect()
    settle(world)

    assert world.services.store.get(MAILS.key("ada", missed)) is not None
    assert world.mailbox().health == "ok"


def test_an_unknown_choice_of_days_is_refused_by_name():
    with pytest.raises(Rejected, match="days"):
        lookback.begun(400, now=FakeClock().now())


def test_monitoring_stands_on_the_mailbox(world):
    world.send("PATCH", "/v1/preferences", {"monitoring": "60"})

    assert world.connect().monitoring is Monitoring.EVERY_60_MINUTES
    assert world.google.mailbox(ADA).subscription is None
