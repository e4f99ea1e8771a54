"""The fuzzer of the mail reader: a short run finds nothing, and what it looks for it would find."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest

from shared.classify.mail import from_bytes
from shared.model import SenderCheck
from tests.fuzz import mail as fuzzer

MAIL = from_bytes(b"Subject: a\n\nb", id="1", thread_id="1", internal_date=datetime(2026, 3, 2, tzinfo=UTC))


def test_a_short_run_finds_nothing():
    report = fuzzer.fuzz(1_500, seed=20261122)
    assert report.runs == 1_500
    assert report.failures == []


@pytest.mark.parametrize(
    "broken",
    [
        replace(MAIL, text="x" * 50_000),
        replace(MAIL, snippet="x" * 201),
        replace(MAIL, subject="a\0b"),
        replace(MAIL, from_name="a\u200bb"),
        replace(MAIL, sender=SenderCheck(passed=True, reason="x")),
        replace(MAIL, sender=SenderCheck(passed=False, reason="")),
    ],
)
def test_a_broken_promise_is_noticed(broken):
    assert fuzzer._breach(MAIL) == ""
    assert fuzzer._breach(broken) != ""


def test_whatever_leaves_the_reader_is_a_failure_that_can_be_repeated(monkeypatch):
    def crash(*_, **__):
        raise RecursionError("deep")

    monkeypatch.setattr(fuzzer, "from_bytes", crash)
    monkeypatch.setattr(fuzzer, "from_gmail", crash)
    report = fuzzer.fuzz(3, seed=7, start=40)
    assert report.failures[1] == "--seed 7 --start 41 --runs 1: RecursionError: deep"
    assert len(report.failures) == 3


def test_one_run_of_a_seed_is_always_the_same_input():
    messages = [b"Subject: a\n\nhello", b"From: b@c.example\n\nworld"]
    assert fuzzer._broken(Random(5), messages) == fuzzer._broken(Random(5), messages)
