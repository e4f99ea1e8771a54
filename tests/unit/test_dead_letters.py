"""Dead letters: one record for one failure, and never more of the message than ids and numbers."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from shared import accounts, dead_letters
from shared.adapters.sqlite_store import SqliteStore
from shared.dead_letters import FIELDS, REASON_CHARACTERS, Undelivered
from shared.local.clock import FakeClock
from shared.model import DeadLetter
from shared.ports import Store
from shared.schema import DEAD_LETTERS_NEWEST

ADDRESS = "canary.person@example.com"
SECRET = b"s" * 32


@pytest.fixture
def store():
    store = SqliteStore()
    yield store
    store.close()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def record(store, clock):
    def record(payload, *, reason="historyId: not a uint64", **more):
        given = {"function": "gmail_push", "topic": "gmail-push", "mailbox_secret": SECRET} | more
        dead_letters.record(payload, reason=reason, store=store, clock=clock, **given)

    return record


def letters(store: Store) -> list[DeadLetter]:
    return [item.value for item in store.find(DEAD_LETTERS_NEWEST, limit=100).items]


def test_a_letter_says_what_failed_where_and_why(record, store, clock):
    record({"mailbox_id": "m1", "uid": "ada"}, function="sync_mailbox", topic="mailbox-sync", attempts=3)

    (letter,) = letters(store)
    assert (letter.function, letter.topic, letter.uid, letter.attempts) == ("sync_mailbox", "mailbox-sync", "ada", 3)
    assert letter.reason == "historyId: not a uint64"
    assert json.loads(letter.payload) == {"mailbox_id": "m1", "uid": "ada"}
    assert letter.recorded_at == clock.now()


def test_the_same_failure_is_one_letter(record, store, clock):
    record({"mailbox_id": "m1"}, attempts=2)
    clock.step(timedelta(hours=1))
    record({"mailbox_id": "m1"}, attempts=1)

    (letter,) = letters(store)
    assert letter.attempts == 2
    assert letter.recorded_at == clock.now()


def test_another_message_function_topic_or_reason_is_another_letter(record, store):
    record({"mailbox_id": "m1"})
    record({"mailbox_id": "m2"})
    record({"mailbox_id": "m1"}, function="sync_mailbox")
    record({"mailbox_id": "m1"}, topic="mailbox-sync")
    record({"mailbox_id": "m1"}, reason="emailAddress: not an address")

    assert len(letters(store)) == 5


def test_an_address_becomes_its_mailbox_id(record, store):
    record({"emailAddress": ADDRESS.upper(), "historyId": "12"})

    (letter,) = letters(store)
    assert "canary" not in repr(letter).lower()
    assert json.loads(letter.payload) == {
        "historyId": "12",
        "mailbox_id": accounts.mailbox_id(ADDRESS, secret=SECRET),
    }


def test_without_the_key_an_address_becomes_nothing(record, store):
    record({"emailAddress": ADDRESS, "historyId": 12}, mailbox_secret=b"")

    assert json.loads(letters(store)[0].payload) == {"historyId": 12}


@pytest.mark.parametrize(
    ("payload", "kept"),
    [
        ({"mailbox_id": "m1", "page": 3, "full": True}, {"mailbox_id": "m1", "page": 3, "full": True}),
        ({"token": "ya29.planted", "subject": "Offer", "body": "planted"}, {}),
        ({"mailbox_id": ADDRESS}, {}),
        ({"mailbox_id": "two words"}, {}),
        ({"mailbox_id": "x" * 129}, {}),
        ({"mailbox_id": {"id": "nested"}}, {}),
        ({"historyId": 2**64}, {}),
        ({ADDRESS: 1, "a b": 1}, {}),
        ({f"n{'x' * i}": i for i in range(100)}, {f"n{'x' * i}": i for i in range(FIELDS)}),
    ],
)
def test_only_ids_and_numbers_are_kept(record, store, payload, kept):
    record(payload)

    assert json.loads(letters(store)[0].payload) == kept


def test_the_largest_payload_stays_small(record, store):
    record({f"{chr(97 + i) * 37}_id": "v" * 128 for i in range(26)})

    (letter,) = letters(store)
    assert len(json.loads(letter.payload)) == FIELDS
    assert len(letter.payload) <= 4_000


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        (
            "_Push: Expected `int`, got `str` - at `$.historyId`",
            "_Push: Expected `int`, got `str` - at `$.historyId`",
        ),
        (f"Invalid enum value '{ADDRESS}'", "Invalid enum value ..."),
        (f"no mailbox for {ADDRESS}", "no mailbox for ..."),
        ('the subject "An offer from Acme" is odd', "the subject ... is odd"),
        ("see https://x.example/?token=planted now", "see ... now"),
        ("token ya29.a0AfH6SMBplantedplantedplanted expired", "token ... expired"),
    ],
)
def test_a_reason_quotes_nothing(record, store, reason, kept):
    record({}, reason=reason)

    assert letters(store)[0].reason == kept


def test_a_reason_is_short(record, store):
    record({}, reason="word " * 10_000)

    assert len(letters(store)[0].reason) == REASON_CHARACTERS


def test_a_spent_message_is_parked_under_the_function_that_gave_up(store, clock):
    message = Undelivered(payload={"mailbox_id": "m1"}, subscription="mailbox-sync.sync_mailbox", attempts=20)
    for _ in range(2):
        dead_letters.park(message, mailbox_secret=SECRET, store=store, clock=clock)

    (letter,) = letters(store)
    assert (letter.function, letter.topic, letter.attempts) == ("sync_mailbox", "mailbox-sync", 20)


def test_a_spent_message_of_unknown_origin_is_parked_too(store, clock):
    dead_letters.park(
        Undelivered(payload={}, subscription="", attempts=1), mailbox_secret=b"", store=store, clock=clock
    )

    assert letters(store)[0].function == "unknown"
