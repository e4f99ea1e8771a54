"""Connecting a Gmail: the consent screen, the way back, the person's yes, and everybody who tries to cut in."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from shared import accounts, consent, leaving
from shared.due import RevocationDue
from shared.errors import Rejected
from shared.local.gmail.faults import Fault
from shared.local.google_oauth import challenge_of
from shared.schema import CONSENTS, OF_PERSON, REVOCATIONS
from tests.support.connecting import ADA, BOB, REDIRECT_URI, connecting

READS, WRITES = consent.HEARS.scope, consent.APPLIES.scope


@pytest.fixture
def world():
    with connecting() as world:
        yield world


def asked(screen: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(screen).query).items()}


def revocations(world):
    (query,) = (each for each in OF_PERSON if each.collection is REVOCATIONS)
    return [item.value for item in world.services.store.find(query, equal={"uid": "ada"}, limit=10).items]


def give_back(world, revocation):
    s = world.services
    due = RevocationDue(revocation_id=revocation.id)
    return leaving.give_back(
        due,
        settings=s.settings,
        store=s.store,
        gmail=s.gmail,
        vault=s.vault,
        consent=world.consent,
        clock=world.clock,
    ).outcome


def refresh_token(world, revocation):
    sealed = revocation.sealed_refresh_token
    return world.services.vault.unseal(sealed, user="ada", purpose=accounts.REFRESH_TOKEN).decode()


# --- The screen -------------------------------------------------------------------------------------------------------


def test_the_screen_asks_for_a_code_with_pkce_offline_access_and_what_was_granted_before(world):
    params = asked(world.screen())

    assert params["response_type"] == "code"
    assert params["code_challenge_method"] == "S256"
    assert params["access_type"] == "offline"
    assert params["prompt"] == "consent"
    assert params["include_granted_scopes"] == "true"
    assert params["redirect_uri"] == REDIRECT_URI
    assert {"state", "nonce", "code_challenge"} <= params.keys()


@pytest.mark.parametrize(("rung", "scopes"), [("hears", {READS}), ("applies", {READS, WRITES})])
def test_each_rung_asks_for_its_scopes_and_those_below(world, rung, scopes):
    params = asked(world.screen(rung=rung))

    assert set(params["scope"].split()) - {"openid", "email"} == scopes


def test_two_screens_share_nothing(world):
    first, second = asked(world.screen()), asked(world.screen())

    assert all(first[name] != second[name] for name in ("state", "nonce", "code_challenge"))


def test_nothing_that_is_stored_opens_the_screen_again(world):
    params = asked(world.screen())
    kept = world.services.store.get(CONSENTS.key("ada", "gmail")).value
    verifier = world.services.vault.unseal(kept.sealed_verifier, user="ada", purpose=consent.VERIFIER)

    assert params["state"] not in repr(kept)
    assert verifier not in kept.sealed_verifier
    assert challenge_of(verifier.decode()) == params["code_challenge"]


@pytest.mark.parametrize(
    "where",
    [
        "https://evil.example/gmail",
        "https://app.example.com/gmail/",
        "https://app.example.com/gmail?x=1",
        "https://app.example.com.evil.example/gmail",
        "http://app.example.com/gmail",
        "HTTPS://app.example.com/gmail",
        "https://app.example.com/gmail#x",
    ],
)
def test_only_the_very_addresses_of_the_settings_are_sent_back_to(world, where):
    assert world.send("GET", "/v1/gmail/connect", redirect_uri=where)[0] == 400


def test_each_address_of_the_settings_can_be_sent_back_to(world):
    assert asked(world.screen(redirect_uri="https://app.example.com/other"))["redirect_uri"].endswith("/other")


def test_a_rung_that_does_not_exist_is_refused(world):
    assert world.send("GET", "/v1/gmail/connect", rung="owns")[0] == 400


# --- The way back -----------------------------------------------------------------------------------------------------


def test_the_account_is_shown_and_nothing_is_connected_before_the_yes(world):
    back = world.agree(world.screen())

    status, offer, _ = world.send("GET", "/v1/gmail/callback", **back)

    assert (status, offer["address"]) == (200, ADA)
    assert [rung["granted"] for rung in offer["rungs"]] == [True, True]
    assert world.mailbox() is None
    assert world.send("GET", "/v1/gmail")[1]["waiting"]["address"] == ADA


def test_the_yes_connects_and_says_what_is_unlocked(world):
    mailbox = world.connect()
    _, shown, _ = world.send("GET", "/v1/gmail")

    assert (shown["connected"], shown["address"], shown["health"]) == (True, ADA, "ok")
    assert {rung["name"]: rung["granted"] for rung in shown["rungs"]} == {"hears": True, "applies": True}
    assert all(rung["unlocks"] for rung in shown["rungs"])
    assert "waiting" not in shown
    assert mailbox.due_at is not None
    assert not revocations(world)


def test_a_person_who_unticks_writing_hears_and_cannot_apply(world):
    world.connect(granted={READS})

    rungs = world.send("GET", "/v1/gmail")[1]["rungs"]

    assert {rung["name"]: rung["granted"] for rung in rungs} == {"hears": True, "applies": False}


def test_a_later_consent_adds_to_what_was_granted_before(world):
    world.connect(granted={READS})
    world.connect(granted={WRITES})

    assert {READS, WRITES} <= set(world.mailbox().scopes)


def test_a_person_who_unticks_reading_is_told_so_and_the_grant_goes_back(world):
    back = world.agree(world.screen(), granted={WRITES})

    status, body, _ = world.send("GET", "/v1/gmail/callback", **back)

    assert status == 400
    assert "reading" in body["detail"]
    (revocation,) = revocations(world)
    token = refresh_token(world, revocation)
    assert give_back(world, revocation) == "returned"
    with pytest.raises(Rejected):
        world.services.gmail.refresh(token)


def test_a_grant_whose_account_gmail_does_not_name_goes_back(world):
    back = world.agree(world.screen())
    with world.google.faults.during(Fault(kind="error", method="getProfile", status=503)):
        assert world.send("GET", "/v1/gmail/callback", **back)[0] == 503

    assert world.send("POST", "/v1/gmail/confirm")[0] == 404
    (revocation,) = revocations(world)
    token = refresh_token(world, revocation)
    assert world.services.gmail.refresh(token)
    assert give_back(world, revocation) == "not_yet"
    world.clock.step(consent.LASTS)
    assert give_back(world, revocation) == "returned"
    with pytest.raises(Rejected):
        world.services.gmail.refresh(token)
    assert not revocations(world)


@pytest.mark.parametrize("reason", ["failedPrecondition", "domainPolicy"])
def test_a_grant_that_opens_no_gmail_at_all_goes_back_within_a_day(world, reason):
    """Of the first Gmail says what it says in a bad hour, too; the second it says for good."""
    status = 400 if reason == "failedPrecondition" else 403
    back = world.agree(world.screen())
    begun, outcomes = world.clock.now(), []
    with world.google.faults.during(Fault(kind="error", method="getProfile", status=status, reason=reason)):
        assert world.send("GET", "/v1/gmail/callback", **back)[0] in (400, 503)
        token = refresh_token(world, revocations(world)[0])
        while waiting := revocations(world):
            world.clock.set(waiting[0].due_at)
            outcomes.append(give_back(world, waiting[0]))

    assert outcomes[-1] == "returned"
    assert set(outcomes[:-1]) <= {"put_off"}
    assert bool(outcomes[:-1]) == (reason == "failedPrecondition")
    assert world.clock.now() - begun < leaving.GIVEN_UP_AFTER + leaving.LONGEST_BACK_OFF
    with pytest.raises(Rejected):
        world.services.gmail.refresh(token)


@pytest.mark.parametrize("owner", ["ada", "bob"])
def test_a_grant_whose_account_gmail_did_not_name_does_not_end_the_grant_of_a_connected_mailbox(world, owner):
    """Google ends every grant of an account together: also the one that somebody else here has connected."""
    mailbox = world.connect(owner, ADA)
    back = world.agree(world.screen())
    with world.google.faults.during(Fault(kind="error", method="getProfile", status=503)):
        world.send("GET", "/v1/gmail/callback", **back)
    (revocation,) = revocations(world)
    world.clock.step(consent.LASTS)

    assert give_back(world, revocation) == "in_use"
    assert not revocations(world)
    token = world.services.vault.unseal(mailbox.sealed_refresh_token, user=owner, purpose=accounts.REFRESH_TOKEN)
    assert world.services.gmail.refresh(token.decode())


def test_a_grant_is_not_given_back_before_anybody_knows_whose_it_is(world):
    back = world.agree(world.screen())
    with world.google.faults.during(Fault(kind="error", method="getProfile", status=503)):
        world.send("GET", "/v1/gmail/callback", **back)
        (revocation,) = revocations(world)
        world.clock.step(consent.LASTS)
        assert give_back(world, revocation) == "put_off"
    (later,) = revocations(world)
    world.clock.set(later.due_at)
    assert give_back(world, later) == "returned"


def test_a_person_who_says_no_is_told_so(world):
    back = world.consent.agree(world.screen(), "")

    assert back["error"] == "access_denied"
    assert world.send("GET", "/v1/gmail/callback", **back)[0] == 400
    assert world.mailbox() is None


def test_a_yes_without_an_offer_is_refused(world):
    assert world.send("POST", "/v1/gmail/confirm")[0] == 404


def test_a_yes_that_comes_too_late_is_refused_and_the_grant_goes_back(world):
    world.send("GET", "/v1/gmail/callback", **world.agree(world.screen()))
    world.clock.step(consent.LASTS)

    assert world.send("POST", "/v1/gmail/confirm")[0] == 404
    (revocation,) = revocations(world)
    assert give_back(world, revocation) == "returned"
    assert not revocations(world)


def test_a_yes_that_is_slower_than_its_offer_connects_no_grant_that_went_back(world):
    world.send("GET", "/v1/gmail/callback", **world.agree(world.screen()))
    (revocation,) = revocations(world)

    class Slow:
        """While this seals, the offer ends and its grant goes back to Google."""

        def __init__(self, vault):
            self.vault, self.unseal = vault, vault.unseal

        def seal(self, secret, *, user, purpose):
            if revocations(world):
                world.clock.step(consent.LASTS)
                assert give_back(world, revocation) == "returned"
            return self.vault.seal(secret, user=user, purpose=purpose)

    world.services.__dict__["vault"] = Slow(world.services.vault)

    assert world.send("POST", "/v1/gmail/confirm")[0] == 404
    assert world.mailbox() is None


def test_a_yes_whose_answer_was_lost_may_be_said_again(world):
    world.send("GET", "/v1/gmail/callback", **world.agree(world.screen()))
    (revocation,) = revocations(world)
    held = world.services.store.get(CONSENTS.key("ada", consent.THE_ONE)).value
    assert world.send("POST", "/v1/gmail/confirm")[0] == 201
    # The process died between the two writes.
    world.services.store.create(CONSENTS.key("ada", consent.THE_ONE), held)

    assert world.send("POST", "/v1/gmail/confirm")[0] == 201
    assert world.mailbox().health == "ok"
    assert give_back(world, revocation) == "done_before"
    assert world.services.store.get(CONSENTS.key("ada", consent.THE_ONE)) is None


def test_an_offer_that_may_still_be_confirmed_is_not_taken_back(world):
    world.send("GET", "/v1/gmail/callback", **world.agree(world.screen()))
    (revocation,) = revocations(world)

    assert give_back(world, revocation) == "not_yet"
    assert world.send("POST", "/v1/gmail/confirm")[0] == 201


def test_an_offer_nobody_confirmed_does_not_end_the_grant_of_the_connected_mailbox(world):
    world.connect()
    world.send("GET", "/v1/gmail/callback", **world.agree(world.screen()))
    world.clock.step(consent.LASTS)
    (revocation,) = revocations(world)

    assert give_back(world, revocation) == "in_use"
    assert world.mailbox() is not None


# --- Attacks ----------------------------------------------------------------------------------------------------------


def test_a_state_is_good_once(world):
    back = world.agree(world.screen())

    assert world.send("GET", "/v1/gmail/callback", **back)[0] == 200
    assert world.send("GET", "/v1/gmail/callback", **back)[0] == 400


def test_a_state_is_used_up_even_when_the_code_was_not_good(world):
    back = world.agree(world.screen())

    assert world.send("GET", "/v1/gmail/callback", **{**back, "code": "4/0guessed"})[0] == 400
    assert world.send("GET", "/v1/gmail/callback", **back)[0] == 400


def test_a_state_ends_after_ten_minutes(world):
    back = world.agree(world.screen())
    world.clock.step(timedelta(minutes=10))

    status, body, _ = world.send("GET", "/v1/gmail/callback", **back)

    assert (status, "ten minutes" in body["detail"]) == (400, True)


@pytest.mark.parametrize("state", ["", "guessed", "x" * 5_000])
def test_a_state_that_we_never_gave_is_refused(world, state):
    back = world.agree(world.screen())

    assert world.send("GET", "/v1/gmail/callback", **{**back, "state": state})[0] == 400


def test_nobody_finishes_what_another_began(world):
    """The victim is lured into agreeing on the attacker's screen: the grant must not reach the attacker."""
    back = world.agree(world.screen("eve"), ADA)

    assert world.send("GET", "/v1/gmail/callback", uid="ada", **back)[0] == 400
    assert world.send("POST", "/v1/gmail/confirm", uid="eve")[0] == 404


def test_nobody_slips_their_own_account_under_anothers(world):
    """The attacker's code with the victim's state: without the victim's verifier and nonce it is worth nothing."""
    eves = world.agree(world.screen("eve"), BOB)
    adas = world.agree(world.screen("ada"), ADA)

    status, _, _ = world.send("GET", "/v1/gmail/callback", uid="ada", state=adas["state"], code=eves["code"])

    assert status == 400
    assert world.mailbox() is None


def test_a_new_screen_ends_the_old_one(world):
    old = world.agree(world.screen())
    world.screen()

    assert world.send("GET", "/v1/gmail/callback", **old)[0] == 400


def test_an_answer_of_another_server_is_refused_and_uses_nothing_up(world):
    back = world.agree(world.screen())

    assert world.send("GET", "/v1/gmail/callback", **{**back, "iss": "https://evil.example"})[0] == 400
    assert world.send("GET", "/v1/gmail/callback", **back)[0] == 200


def test_a_screen_without_pkce_brings_no_code_that_is_worth_anything(world):
    """Downgrade: somebody strips the challenge from the address; the nonce still binds the answer to our screen."""
    params = asked(world.screen())
    stripped = {name: value for name, value in params.items() if not name.startswith("code_challenge")} | {"nonce": "n"}
    query = "&".join(f"{name}={value}" for name, value in stripped.items())
    back = world.agree(f"https://accounts.example/?{query}".replace(" ", "+"))

    assert world.send("GET", "/v1/gmail/callback", **back)[0] == 400


def test_one_gmail_on_two_accounts_is_refused_clearly(world):
    world.connect("ada", ADA)
    back = world.agree(world.screen("bob"), ADA)

    status, body, _ = world.send("GET", "/v1/gmail/callback", uid="bob", **back)

    assert (status, body["detail"]) == (409, accounts.TAKEN)
    assert world.send("POST", "/v1/gmail/confirm", uid="bob")[0] == 409
    assert world.mailbox("ada").health == "ok"


def test_of_two_who_connect_one_gmail_at_the_same_moment_one_is_refused(world, monkeypatch):
    for uid in ("ada", "bob"):
        assert world.send("GET", "/v1/gmail/callback", uid=uid, **world.agree(world.screen(uid), ADA))[0] == 200
    seal = world.services.vault.seal

    def interrupted(secret, *, user, purpose):
        # Nobody has it when Ada's record is looked for, and Bob has it when hers is written.
        monkeypatch.undo()
        assert world.send("POST", "/v1/gmail/confirm", uid="bob")[0] == 201
        return seal(secret, user=user, purpose=purpose)

    monkeypatch.setattr(world.services.vault, "seal", interrupted)
    status, body, _ = world.send("POST", "/v1/gmail/confirm", uid="ada")

    assert (status, body["detail"]) == (409, accounts.TAKEN)
    assert world.mailbox("ada") is None
    mailbox = world.mailbox("bob")
    assert mailbox.uid == "bob"
    assert world.services.vault.unseal(mailbox.sealed_address, user="bob", purpose=accounts.ADDRESS).decode() == ADA


def test_a_second_gmail_of_one_person_is_refused_clearly(world):
    world.connect("ada", ADA)
    world.send("GET", "/v1/gmail/callback", **world.agree(world.screen(), BOB))

    status, body, _ = world.send("POST", "/v1/gmail/confirm")

    assert (status, body["detail"]) == (409, accounts.ANOTHER)


@pytest.mark.parametrize("path", ["/v1/gmail", "/v1/gmail/connect", "/v1/gmail/callback"])
def test_a_stranger_gets_nothing(world, path):
    from shared.web.api import respond  # noqa: PLC0415 - the one test that asks without a token
    from shared.web.http import Request  # noqa: PLC0415

    assert respond(Request(method="GET", path=path), world.services).status == 401


# --- Tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["sealed_refresh_token", "sealed_access_token", "sealed_address"])
def test_one_flipped_bit_anywhere_and_a_token_does_not_open(world, field):
    sealed = getattr(world.connect(), field)
    purpose = field.removeprefix("sealed_")
    assert world.services.vault.unseal(sealed, user="ada", purpose=purpose)

    for place in range(len(sealed)):
        flipped = sealed[:place] + bytes([sealed[place] ^ 1 << place % 8]) + sealed[place + 1 :]
        with pytest.raises(Rejected):
            world.services.vault.unseal(flipped, user="ada", purpose=purpose)


def test_a_token_in_another_persons_record_does_not_open(world):
    ada, bob = world.connect("ada", ADA), world.connect("bob", BOB)

    for sealed, user, purpose in [
        (ada.sealed_refresh_token, "bob", accounts.REFRESH_TOKEN),
        (bob.sealed_refresh_token, "ada", accounts.REFRESH_TOKEN),
        (ada.sealed_refresh_token, "ada", accounts.ACCESS_TOKEN),
        (ada.sealed_access_token, "ada", accounts.REFRESH_TOKEN),
    ]:
        with pytest.raises(Rejected):
            world.services.vault.unseal(sealed, user=user, purpose=purpose)


def test_no_token_and_no_address_is_kept_in_the_open(world):
    mailbox = world.connect()
    access = world.services.vault.unseal(mailbox.sealed_access_token, user="ada", purpose=accounts.ACCESS_TOKEN)

    assert access.decode() not in repr(mailbox)
    assert ADA not in repr(mailbox)
