"""The book of proofs: what a run writes down is what the next one reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.proofs import book

EMPTY = f"Before.\n\n{book.BEGIN}{book.END}\n\nAfter.\n"


def test_every_proof_is_listed_with_its_bar_before_it_was_ever_run():
    entries = book.read(EMPTY)
    assert tuple(entries) == book.PROOFS
    assert all(entry.bar and entry.outcome == "never run" for entry in entries.values())


def test_what_is_written_is_read_again_and_the_rest_of_the_page_stays():
    entries = book.read(EMPTY)
    figures = "2,000 mails; p95 60.0 s"
    entries["storm"] = replace(
        entries["storm"],
        outcome="held",
        figures=figures,
        seconds="300",
        date="2026-11-22",
        commit="abc1234+",
        cores="2",
    )
    page = book.written(EMPTY, entries)
    assert book.read(page) == entries
    assert book.written(page, book.read(page)) == page
    assert page.startswith("Before.\n\n")
    assert page.endswith("\n\nAfter.\n")


def test_a_failure_cannot_break_the_table():
    entries = book.read(EMPTY)
    entries["storm"] = replace(entries["storm"], outcome="MISSED: a | b\nc", date="2026-11-22")
    assert book.read(book.written(EMPTY, entries))["storm"].outcome == "MISSED: a / b c"


def test_a_proof_that_breaks_has_missed_its_bar(monkeypatch):
    def broken():
        raise FileNotFoundError("scripts/bench")

    monkeypatch.setattr("tests.proofs.bench.run", broken)
    outcome, _ = book.timed("bench")
    assert outcome.failures == ("FileNotFoundError: scripts/bench",)


def test_a_page_without_the_markers_is_refused():
    with pytest.raises(ValueError, match="markers"):
        book.read("Nothing here.\n")
