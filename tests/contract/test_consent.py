"""Google's authorization server over HTTP: the screen, codes, ID tokens, and giving a grant back."""

from __future__ import annotations

import base64
import http.client
import json
import random
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from shared.adapters.consent import GoogleConsent, grant
from shared.adapters.gmail import GoogleGmail
from shared.errors import GrantRevoked, Rejected, TryAgain
from shared.local.clock import FakeClock
from shared.local.consent import ModelConsent
from shared.local.gmail.faults import Fault
from shared.local.gmail.model import GmailModel
from shared.local.google_oauth import CODE_LASTS, ISSUER, challenge_of
from shared.local.google_server import GoogleServer
from shared.ports import ConsentRequest

ADA = "ada@example.com"
READS = "https://www.googleapis.com/auth/gmail.readonly"
VERIFIER = "v" * 43
BACK = "https://app.example.com/gmail"
ASKED = ConsentRequest(
    scopes=("openid", "email", READS),
    redirect_uri=BACK,
    state="the state",
    nonce="the nonce",
    challenge=challenge_of(VERIFIER),
)


@pytest.fixture
def google():
    clock = FakeClock()
    model = GmailModel(clock, random.Random(3), project="p")
    model.add_person(ADA)
    with GoogleServer(model) as server:
        yield server


@pytest.fixture
def consent(google):
    made = GoogleConsent(google.url, "client", "secret", google.model.clock, timeout=2)
    yield made
    made.close()


def submit(google, screen, *, address=ADA, granted=(READS,), **changed):
    """Send the screen's form; the address that the browser is sent back to."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(screen).query).items()} | changed
    form = urlencode([*asked.items(), ("address", address), *(("granted", scope) for scope in granted)])
    connection = http.client.HTTPConnection(urlsplit(google.url).netloc, timeout=5)
    try:
        connection.request("POST", "/o/oauth2/v2/auth", form, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("Location", "")
    finally:
        connection.close()


def agree(google, consent, **changed):
    status, where = submit(google, consent.address(ASKED), **changed)
    assert status == 303
    return dict(parse_qsl(urlsplit(where).query))


def redeem(consent, code, **changed):
    return consent.redeem(code, **{"verifier": VERIFIER, "redirect_uri": BACK, "nonce": "the nonce"} | changed)


def test_the_screen_shows_every_account_and_every_scope_to_untick(google, consent):
    google.model.add_person("bob@example.com")
    connection = http.client.HTTPConnection(urlsplit(google.url).netloc, timeout=5)
    parts = urlsplit(consent.address(ASKED))
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        page = connection.getresponse().read().decode()
    finally:
        connection.close()

    assert ADA in page
    assert "bob@example.com" in page
    assert page.count('type="checkbox"') == 2
    assert "the state" in page


def test_the_browser_is_sent_back_with_a_code_the_state_and_the_issuer(google, consent):
    back = agree(google, consent)

    assert (back["state"], back["iss"]) == ("the state", consent.issuer)
    assert back["code"]


def test_a_code_brings_a_lasting_grant_with_what_was_ticked(google, consent):
    made = redeem(consent, agree(google, consent)["code"])

    assert READS in made.scopes
    gmail = GoogleGmail(google.url, "client", "secret", google.model.clock)
    assert gmail.mailbox(made.access.token).profile().email_address == ADA
    assert gmail.mailbox(gmail.refresh(made.refresh_token).token).profile().email_address == ADA
    gmail.close()


def test_what_was_unticked_is_not_granted(google, consent):
    assert READS not in redeem(consent, agree(google, consent, granted=())["code"]).scopes


def test_a_refusal_brings_no_code(google, consent):
    back = agree(google, consent, address="")

    assert (back["error"], back["state"]) == ("access_denied", "the state")


def test_a_code_is_worth_something_once(google, consent):
    code = agree(google, consent)["code"]
    redeem(consent, code)

    with pytest.raises(Rejected, match="no more"):
        redeem(consent, code)


@pytest.mark.parametrize(
    "changed",
    [{"verifier": "w" * 43}, {"verifier": ""}, {"redirect_uri": "https://evil.example"}, {"nonce": "another"}],
)
def test_a_stolen_code_is_worth_nothing(google, consent, changed):
    code = agree(google, consent)["code"]

    with pytest.raises(Rejected):
        redeem(consent, code, **changed)


def test_a_code_ends(google, consent):
    code = agree(google, consent)["code"]
    google.model.clock.step(CODE_LASTS)

    with pytest.raises(Rejected):
        redeem(consent, code)


def test_a_code_of_another_client_is_worth_nothing(google, consent):
    code = agree(google, consent, client_id="other")["code"]

    with pytest.raises((Rejected, TryAgain)):
        redeem(consent, code)


@pytest.mark.parametrize(
    "changed",
    [
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
        {"redirect_uri": "javascript:alert(1)"},
        {"scope": ""},
        {"client_id": ""},
        {"address": "nobody@example.com"},
    ],
)
def test_google_refuses_a_broken_request_on_its_own_page(google, consent, changed):
    assert submit(google, consent.address(ASKED), **changed)[0] in (400, 401)


def test_a_repeated_consent_without_the_prompt_brings_no_lasting_grant(google, consent):
    agree(google, consent)
    code = agree(google, consent, prompt="")["code"]

    with pytest.raises(Rejected, match="lasting"):
        redeem(consent, code)


def test_online_access_brings_no_lasting_grant(google, consent):
    with pytest.raises(Rejected, match="lasting"):
        redeem(consent, agree(google, consent, access_type="online")["code"])


def test_a_grant_is_given_back_and_twice_is_once(google, consent):
    made = redeem(consent, agree(google, consent)["code"])
    gmail = GoogleGmail(google.url, "client", "secret", google.model.clock)

    consent.revoke(made.refresh_token)
    consent.revoke(made.refresh_token)

    with pytest.raises(GrantRevoked):
        gmail.refresh(made.refresh_token)
    gmail.close()


@pytest.mark.parametrize(
    "fault", [Fault(kind="error", method="token", status=503), Fault(kind="reset", method="token")]
)
def test_a_google_that_is_ill_may_be_asked_again_later(google, consent, fault):
    code = agree(google, consent)["code"]

    with google.model.faults.during(fault), pytest.raises(TryAgain):
        redeem(consent, code)


def test_the_model_without_sockets_asks_for_the_same(google, consent):
    said = [dict(parse_qsl(urlsplit(each.address(ASKED)).query)) for each in (consent, ModelConsent(google.model))]

    assert {name: value for name, value in said[0].items() if name != "client_id"} == {
        name: value for name, value in said[1].items() if name != "client_id"
    }


# --- ID tokens --------------------------------------------------------------------------------------------------------


def answered(now, **changed):
    claims = {"iss": ISSUER, "aud": "client", "exp": int(now.timestamp()) + 60, "nonce": "n"} | changed
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return {
        "id_token": f"h.{payload}.s",
        "refresh_token": "r",
        "access_token": "a",
        "expires_in": 3599,
        "scope": READS,
    }


def test_an_id_token_that_answers_our_question_is_taken():
    now = FakeClock().now()

    assert grant(answered(now), client_id="client", nonce="n", now=now).scopes == {READS}


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1},
        {"exp": "soon"},
    ],
)
def test_any_other_id_token_is_refused(changed):
    now = FakeClock().now()

    with pytest.raises(Rejected):
        grant(answered(now, **changed), client_id="client", nonce="n", now=now)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "a.%%%.c", "a.W10.c", "." * 9_000])
def test_what_is_no_id_token_is_refused(token):
    now = FakeClock().now()

    with pytest.raises(Rejected):
        grant({**answered(now), "id_token": token}, client_id="client", nonce="n", now=now)
