"""The proof of the understanding can fail, says when it has no corpus, and holds on a slice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.proofs import fuzz, understanding
from tests.support.mailgen import LICENSED

NOWHERE = Path("/nowhere/dev.jsonl")


@pytest.fixture
def corpus(tmp_path):
    """Thirty licensed mails, as if their licence kept them out of the training."""
    path = tmp_path / "dev.jsonl"
    lines = LICENSED.read_text(encoding="utf-8").splitlines()[:300:10]
    path.write_text("".join(json.dumps(json.loads(line) | {"licence": "none stated"}) + "\n" for line in lines))
    return path


def test_without_a_corpus_the_proof_says_so_aloud(capsys):
    outcome = understanding.judged([], NOWHERE)
    assert outcome.figures[0].startswith("NOT MEASURED")
    assert "NOT MEASURED" in capsys.readouterr().out


def test_a_corpus_adds_its_figures_and_none_of_its_text(corpus, capsys):
    outcome = understanding.judged([], corpus)
    shown = " ".join((*outcome.figures, *outcome.failures)) + capsys.readouterr().out
    assert "macro-F1" in shown
    assert "linkable moves automatic" in shown
    for line in corpus.read_text().splitlines():
        row = json.loads(line)
        assert not row["body"] or row["body"] not in shown


def test_a_fact_of_which_no_row_states_the_truth_is_said_aloud(tmp_path):
    path = tmp_path / "dev.jsonl"
    path.write_text(json.dumps({"id": "1", "label": "unrelated", "subject": "Dinner?", "body": "On Saturday."}))
    [said] = [line for line in understanding.judged([], path).figures if line.startswith("NOT MEASURED")]
    assert all(fact in said for fact in understanding.FACTS)


@pytest.mark.parametrize(("figure", "more", "held"), [(0.9, True, True), (0.8, True, False), (3, False, False)])
def test_a_bar_that_is_missed_is_a_failure(figure, more, held):
    outcome = understanding.judged([("what is measured", figure, 0.85, more)], NOWHERE)
    assert any("what is measured" in line for line in (outcome.figures if held else outcome.failures))


def test_the_templates_held_aside_hold_in_a_slice():
    for what, share, bar, _ in understanding.held_aside(mails=4):
        assert share >= bar, what


def test_the_decorated_mail_is_as_large_as_it_says_and_is_understood():
    message = understanding.html_mail()
    assert b"text/html" in message
    assert len(message) > understanding.HTML_BYTES


def test_the_fuzzers_parts_are_all_its_runs():
    outcome = fuzz.run(runs=40)
    assert not outcome.failures
    assert sum(int(figure.split()[0]) for figure in outcome.figures) == 40
