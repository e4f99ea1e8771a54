"""Records and plain data: nothing is lost on the way, and what does not fit is named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from shared import codec
from shared.errors import Rejected
from shared.model import Event, EventKind, Mailbox, Signal, Span

NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
EVENT = Event(
    key="mail:1:1",
    kind=EventKind.MAIL,
    occurred_at=NOW,
    recorded_at=NOW,
    by="mail",
    signal=Signal.OFFER,
    evidence=(Span(where="body", text="We are delighted"),),
)
MAILBOX = Mailbox(id="m", uid="u", history_id="1", tries={"a": 2}, sealed_refresh_token=b"\x00\xff", due_at=NOW)


@pytest.mark.parametrize("record", [EVENT, MAILBOX], ids=["event", "mailbox"])
def test_a_record_survives_both_ways(record):
    assert codec.from_plain(type(record), codec.to_plain(record)) == record
    assert codec.from_json(type(record), codec.to_json(record)) == record


def test_what_is_none_is_not_stored():
    assert "lease_until" not in codec.to_plain(MAILBOX)
    assert b"lease_until" not in codec.to_json(MAILBOX)


def test_times_and_bytes_stay_what_they_are_for_a_store():
    plain = codec.to_plain(MAILBOX)
    assert plain["due_at"] == NOW
    assert plain["sealed_refresh_token"] == b"\x00\xff"


def test_a_reader_ignores_what_a_later_release_has_added():
    assert codec.from_plain(Mailbox, codec.to_plain(MAILBOX) | {"invented_next_year": 1}) == MAILBOX


def test_a_reader_fills_in_what_an_earlier_release_did_not_know():
    assert codec.from_plain(Mailbox, {"id": "m", "uid": "u", "history_id": "1"}).health == "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    mailbox_id: str
    count: int = 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b'{"mailbox_id": 7}', "mailbox_id"),
        (b'{"mailbox_id": "m", "count": "many"}', "count"),
        (b"{}", "mailbox_id"),
        (b"[]", "array"),
        (b"{", "Message"),
        (b"\xff", "Message"),
        (b"[" * 100_000, "Message"),
    ],
)
def test_json_that_does_not_fit_is_rejected_and_the_place_is_named(text, named):
    with pytest.raises(Rejected, match=named):
        codec.from_json(Message, text)
