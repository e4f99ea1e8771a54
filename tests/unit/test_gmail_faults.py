"""Faults of the model strike where, as often and as hard as they are told."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from shared.adapters.gmail_errors import GoogleError
from shared.errors import Rejected
from shared.local.gmail import Fault, Faults
from shared.local.gmail.model import Disrupted
from tests.support.gmail_google import TOPIC, Google, added, encoded
from tests.support.gmail_mail import ADA, mail


@pytest.fixture
def google():
    return Google()


@pytest.fixture
def watched(google):
    google.call("watch", {"topicName": TOPIC})
    google.pushed.clear()
    google.clock.step(timedelta(seconds=5))
    return google


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        (Fault(kind="error"), 503, "backendError"),
        (Fault(kind="error", status=500), 500, "backendError"),
        (Fault(kind="error", status=401), 401, "authError"),
        (Fault(kind="error", status=403, reason="userRateLimitExceeded"), 403, "userRateLimitExceeded"),
        (Fault(kind="error", status=403, reason="domainPolicy"), 403, "domainPolicy"),
        (Fault(kind="error", status=429, retry_after=30), 429, "rateLimitExceeded"),
    ],
)
def test_an_error_is_raised_as_it_was_ordered(google, fault, status, reason):
    with google.model.faults.during(fault), pytest.raises(GoogleError) as caught:
        google.call("getProfile")
    assert (caught.value.status, caught.value.reason) == (status, reason)
    assert caught.value.retry_after == (timedelta(seconds=30) if fault.retry_after else None)
    assert google.call("getProfile")


def test_a_fault_strikes_its_method_and_mailbox_only(google):
    bob = google.open(google.model.add_person("bob@example.com"))
    google.model.faults.add(Fault(kind="error", method="messages.*", address=ADA))
    assert google.refused("messages.list")[0] == 503
    assert google.call("getProfile")
    assert google.call("messages.list", token=bob)


def test_a_fault_strikes_so_many_times_and_no_more(google):
    fault = Fault(kind="error", times=2)
    google.model.faults.add(fault)
    assert [google.refused("getProfile")[0] for _ in range(2)] == [503, 503]
    assert google.call("getProfile")
    assert google.model.faults.struck[fault] == 2


def test_a_rate_is_kept_on_average_and_repeats_with_its_seed():
    def struck(seed):
        faults = Faults(random.Random(seed))
        faults.add(Fault(kind="error", rate=0.1))
        return [faults.strike("error", method="getProfile", address=ADA) is not None for _ in range(2000)]

    assert struck(1) == struck(1)
    assert 150 < sum(struck(1)) < 250


def test_faults_are_listed_removed_and_cleared(google):
    first, second = Fault(kind="error"), Fault(kind="hang")
    google.model.faults.add(first, second)
    google.model.faults.remove(first)
    assert list(google.model.faults) == [second]
    google.model.faults.clear()
    assert list(google.model.faults) == []


@pytest.mark.parametrize("kind", ["hang", "reset", "truncated"])
def test_a_broken_connection_before_the_effect_sends_nothing(google, kind):
    with google.model.faults.during(Fault(kind=kind, method="messages.send")), pytest.raises(Disrupted, match=kind):
        google.call("messages.send", {"raw": encoded(mail(to="x@acme.com"))})
    assert google.model.sent(ADA) == []


@pytest.mark.parametrize("kind", ["hang", "reset", "truncated"])
def test_a_reply_lost_after_the_effect_has_sent(google, kind):
    fault = Fault(kind=kind, method="messages.send", after_effect=True)
    with google.model.faults.during(fault), pytest.raises(Disrupted):
        google.call("messages.send", {"raw": encoded(mail(to="x@acme.com"))})
    assert len(google.model.sent(ADA)) == 1


def test_an_error_after_the_effect_has_sent_too(google):
    google.model.faults.add(Fault(kind="error", status=503, method="messages.send", after_effect=True))
    assert google.refused("messages.send", {"raw": encoded(mail(to="x@acme.com"))})[0] == 503
    assert len(google.model.sent(ADA)) == 1


def test_a_grant_revoked_in_the_middle_stays_revoked(google):
    google.model.faults.add(Fault(kind="revoked", method="history.list", times=1))
    assert google.call("getProfile")
    assert google.refused("history.list", startHistoryId="1")[0] == 401
    with pytest.raises(GoogleError, match="invalid_grant"):
        google.open(google.refresh_token)


def test_the_token_endpoint_fails_on_its_own(google):
    with google.model.faults.during(Fault(kind="error", method="token")):
        with pytest.raises(GoogleError, match="503"):
            google.open(google.refresh_token)
        assert google.call("getProfile")


# --- lag --------------------------------------------------------------------------------------------------------------


def test_history_behind_shows_the_past_and_its_id(google):
    start = google.history_id
    google.receive()
    with google.model.faults.during(Fault(kind="history_behind", seconds=30)):
        assert google.history(start) == {"historyId": str(start)}
        google.clock.step(timedelta(seconds=30))
        assert added(google.history(start))


def test_history_empty_hides_the_news_but_names_the_present_id(google):
    start = google.history_id
    google.receive()
    with google.model.faults.during(Fault(kind="history_empty", seconds=30)):
        assert google.history(start) == {"historyId": str(google.history_id)}
        google.clock.step(timedelta(seconds=30))
        assert added(google.history(start))


def test_a_search_behind_finds_new_mail_later_while_a_plain_list_shows_it(google):
    google.receive()
    with google.model.faults.during(Fault(kind="search_behind", seconds=60)):
        assert "messages" not in google.call("messages.list", q="application")
        assert "messages" in google.call("messages.list")
        google.clock.step(timedelta(seconds=60))
        assert "messages" in google.call("messages.list", q="application")


# --- pushes -----------------------------------------------------------------------------------------------------------


def test_a_push_is_dropped(watched):
    with watched.model.faults.during(Fault(kind="push_dropped")):
        watched.receive()
    assert watched.pushed == []


def test_a_push_is_duplicated(watched):
    with watched.model.faults.during(Fault(kind="push_duplicated")):
        watched.receive()
    assert len(watched.pushed) == 2
    assert watched.pushed[0] == watched.pushed[1]


def test_a_push_is_late(watched):
    with watched.model.faults.during(Fault(kind="push_late", seconds=90)):
        watched.receive()
    assert watched.pushed == []
    assert watched.model.release_pushes() == watched.clock.now() + timedelta(seconds=90)
    watched.clock.step(timedelta(seconds=90))
    assert watched.model.release_pushes() is None
    assert watched.pushed_ids() == [watched.history_id]


def test_a_push_is_overtaken_by_the_next(watched):
    with watched.model.faults.during(Fault(kind="push_reordered", times=1)):
        watched.receive()
        watched.clock.step(timedelta(seconds=2))
        watched.receive()
    newer, older = watched.pushed_ids()
    assert newer > older


def test_an_overtaken_push_leaves_by_itself_when_no_other_comes(watched):
    with watched.model.faults.during(Fault(kind="push_reordered", seconds=10)):
        watched.receive()
    watched.clock.step(timedelta(seconds=10))
    watched.model.release_pushes()
    assert len(watched.pushed) == 1


# --- from JSON --------------------------------------------------------------------------------------------------------


def test_a_fault_is_read_from_json():
    assert Fault.parse({"kind": "error", "status": 429, "rate": 0.5}) == Fault(kind="error", status=429, rate=0.5)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({}, "kind"),
        ({"kind": "meteor"}, "kind"),
        ({"kind": "error", "rate": 2}, "rate"),
        ({"kind": "error", "rate": "often"}, "rate"),
        ({"kind": "error", "status": "bad"}, "status"),
        ({"kind": "error", "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_fault_is_refused_by_field(fields, name):
    with pytest.raises(Rejected, match=name):
        Fault.parse(fields)


@pytest.mark.parametrize("fields", [{"kind": "meteor"}, {"kind": "error", "rate": -0.1}])
def test_a_fault_that_makes_no_sense_cannot_be_made(fields):
    with pytest.raises(ValueError, match=next(reversed(fields))):
        Fault(**fields)
