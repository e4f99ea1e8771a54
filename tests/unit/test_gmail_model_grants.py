"""The model of Gmail: grants, scopes, quota, and what it has at all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.adapters.gmail_errors import GoogleError
from shared.adapters.gmail_methods import UNITS
from shared.local.gmail.model import HANDLERS
from tests.support.gmail_google import SCOPE, TOPIC, Google, encoded
from tests.support.gmail_mail import ADA, mail


@pytest.fixture
def google():
    return Google()


def test_every_method_with_a_price_is_modelled():
    assert set(HANDLERS) == set(UNITS)


def test_an_access_token_lives_an_hour(google):
    google.clock.step(timedelta(minutes=59))
    assert google.call("getProfile")
    google.clock.step(timedelta(minutes=1))
    assert google.refused("getProfile") == (401, "authError")


def test_an_unknown_token_is_401(google):
    with pytest.raises(GoogleError, match="401"):
        google.call("getProfile", token="ya29.guess")


def test_a_revoked_grant_ends_both_kinds_of_token(google):
    google.model.revoke(ADA)
    assert google.refused("getProfile")[0] == 401
    with pytest.raises(GoogleError, match="400 invalid_grant"):
        google.open(google.refresh_token)


@pytest.mark.parametrize("which", ["refresh_token", "token"])
def test_a_token_is_revoked_once(google, which):
    google.model.revoke_token(getattr(google, which))
    assert google.refused("getProfile")[0] == 401
    with pytest.raises(GoogleError, match="400 invalid_token"):
        google.model.revoke_token(getattr(google, which))


def test_another_consent_leaves_the_first_alive_until_there_are_too_many(google):
    for _ in range(99):
        google.model.add_person(ADA)
    assert google.call("getProfile")
    google.model.add_person(ADA)
    assert google.refused("getProfile")[0] == 401


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_client"),
        (
            {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "c", "client_secret": "s"},
            "invalid_grant",
        ),
    ],
)
def test_the_token_endpoint_refuses_in_oauths_words(google, form, reason):
    with pytest.raises(GoogleError) as caught:
        google.model.token(form)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("scopes", "method", "params", "allowed"),
    [
        (["send"], "messages.list", {}, False),
        (["send"], "watch", {}, False),
        (["readonly"], "messages.list", {"q": "x"}, True),
        (["readonly"], "drafts.create", {}, False),
        (["metadata"], "messages.list", {}, True),
        (["metadata"], "messages.list", {"q": "x"}, False),
        (["metadata", "compose"], "messages.list", {"q": "x"}, False),
        (["metadata", "readonly"], "messages.list", {"q": "x"}, True),
    ],
)
def test_a_scope_opens_its_own_methods(google, scopes, method, params, allowed):
    google.token = google.open(google.model.add_person(ADA, scopes=[SCOPE + scope for scope in scopes]))
    if allowed:
        assert google.call(method, **params)
    else:
        assert google.refused(method, **params)[0] == 403


def test_under_the_metadata_scope_bodies_stay_closed(google):
    message_id = google.receive()
    google.token = google.open(google.model.add_person(ADA, scopes=[f"{SCOPE}metadata"]))
    assert google.call("messages.get", id=message_id, format="metadata")
    assert google.refused("messages.get", id=message_id, format="full") == (403, "forbidden")
    assert google.refused("messages.get", id=message_id, format="raw") == (403, "forbidden")


def test_nobody_reads_anothers_mailbox(google):
    google.model.add_person("bob@example.com")
    assert google.refused("getProfile", userId="bob@example.com")[0] == 403
    assert google.call("getProfile", userId=ADA)


def test_units_are_charged_by_the_price_list(google):
    message_id = google.receive()
    before = google.model.units(ADA)
    google.call("messages.get", id=message_id)
    google.call("messages.list")
    assert google.model.units(ADA) - before == 25


def test_a_minutes_units_spent_every_call_is_refused_in_one_of_three_ways():
    google = Google(units_per_minute=10)
    for _ in range(5):
        google.history(google.model.mailbox(ADA).history_id)
    refusals = {google.refused("history.list", startHistoryId="1") for _ in range(40)}
    assert refusals == {(403, "rateLimitExceeded"), (403, "userRateLimitExceeded"), (429, "rateLimitExceeded")}
    assert google.model.units(ADA) == 10
    google.clock.step(timedelta(minutes=1))
    assert google.call("getProfile")


def test_one_persons_units_are_not_anothers():
    google = Google(units_per_minute=1)
    google.call("getProfile")
    bob = google.open(google.model.add_person("bob@example.com"))
    assert google.call("getProfile", token=bob)["emailAddress"] == "bob@example.com"


def test_what_is_not_modelled_says_so(google):
    assert google.refused("threads.list") == (501, "notImplemented")


def test_the_same_seed_plays_the_same_again():
    def played():
        google = Google()
        google.call("watch", {"topicName": TOPIC})
        google.clock.step(timedelta(seconds=2))
        message_id = google.receive()
        sent = google.call("messages.send", {"raw": encoded(mail(to="jobs@acme.com"))})
        return message_id, sent, google.history_id, google.pushed, google.token

    assert played() == played()
