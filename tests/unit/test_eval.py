"""The measuring of the classifier: figures only, right ones, and never a mail's text."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shared.classify.labels import CORPUS_LABEL
from shared.errors import Rejected
from shared.local import measure

ROOT = Path(__file__).parents[2]
CANARY = "Zugspitzplatt"


def row(number: int, label: str, subject: str, body: str, **more: object) -> dict[str, object]:
    return {
        "id": f"r{number}",
        "licence": "MIT",
        "source_repo": "somebody/something",
        "from": "hr@acme.example",
        "subject": subject,
        "body": f"{body} {CANARY}",
        "label": label,
        "notes": "synthetic; en",
        **more,
    }


ROWS = [
    row(1, "rejection", "Your application", "Unfortunately, we have decided to move forward with other candidates.",
        company="Acme", role="Data Analyst"),
    row(2, "interview_invitation", "Interview for Data Analyst at Acme",
        "We would like to invite you to an interview for the Data Analyst role on March 5, 2026 "
        "at 10:00 AM EST.",
        company="Acme", role="Data Analyst", interview_start="2026-03-05T10:00", interview_tz="EST",
        sent="2026-02-20T08:00:00+00:00"),
    row(3, "unrelated", "Dinner on Saturday?", "Shall we cook something? Bring the kids.", notes="real; en"),
    row(4, "recruiter_outreach", "Your application", "Thank you for applying. We have received your application.",
        alt_labels=["application_received"], licence="none stated"),
    row(5, "offer", "Your application", "Unfortunately, we are not moving forward with your application."),
]  # fmt: skip


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text("".join(json.dumps(fields) + "\n" for fields in ROWS), encoding="utf-8")
    return path


def test_the_figures_say_what_happened(corpus):
    figures = measure.measure(measure.read_rows(corpus), baseline=True, wrapped=True)
    assert figures["rows"] == 5
    assert figures["accuracy"] == 0.8
    assert figures["false_rejections"] == 1
    assert figures["false_rejection_rate"] == 0.25
    assert figures["false_offers"] == 0
    assert figures["confusion"]["offer"] == {"rejection": 1}
    assert figures["per_label"]["rejection"] == {"rows": 1, "precision": 0.5, "recall": 1.0, "f1": 0.6667}
    assert figures["macro_f1"] == 0.0  # No label has enough rows.
    assert figures["macro_f1_all"] == pytest.approx((0.6667 + 1 + 1 + 1 + 0) / 5, abs=1e-3)
    assert figures["by_quality"] == {
        "synthetic": {"rows": 4, "accuracy": 0.75},
        "real": {"rows": 1, "accuracy": 1.0},
    }
    assert figures["by_language"]["en"]["rows"] == 5
    assert figures["by_source"]["somebody/something"]["rows"] == 5
    assert figures["hiring_recall"] == 1.0
    assert figures["private_opened"] == 0.0
    assert figures["mails_per_second"] > 0
    assert list(figures["us_per_mail"]) == ["p50", "p95", "p99"]
    assert figures["usd_per_1000"] < 0.01
    assert figures["facts"]["role"]["gold"] == 2
    assert figures["facts"]["interview_start"] == {
        "gold": 1, "right": 1, "open": 0, "wrong": 0, "accuracy": 1.0, "right_or_open": 1.0,
    }  # fmt: skip


def test_a_label_among_the_alternatives_counts_as_right():
    rows = [measure._row(ROWS[3])]
    assert measure.scores([(rows[0], "application_received")])["accuracy"] == 1.0
    assert measure.scores([(rows[0], "offer")])["accuracy"] == 0.0


def test_macro_f1_is_over_labels_with_enough_rows():
    rejected, private = measure._row(ROWS[0]), measure._row(ROWS[2])
    labelled = [(rejected, "rejection")] * 20 + [(private, "offer")] * 3
    figures = measure.scores(labelled)
    assert figures["macro_f1"] == 1.0
    assert figures["macro_f1_all"] == 0.5


def test_rows_are_chosen_by_their_licence(corpus):
    assert [row.id for row in measure.read_rows(corpus, licence="other")] == ["r4"]
    assert len(measure.read_rows(corpus, licence="mit")) == 4


@pytest.mark.parametrize("line", ["no json", "[]", '{"id": "x"}', '{"id": "x", "label": 5, "notes": 7}', ""])
def test_a_file_that_is_no_corpus_is_refused_without_its_text(tmp_path, line):
    path = tmp_path / "corpus.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(Rejected, match=r"corpus\.jsonl") as refused:
        measure.read_rows(path)
    assert "no json" not in str(refused.value)


def test_the_keyword_baseline_has_twelve_patterns_with_labels_of_the_corpus():
    assert len(measure.BASELINE) == 12
    assert {label for _, label in measure.BASELINE} <= set(CORPUS_LABEL.values())


def test_the_baseline_falls_for_what_keywords_fall_for():
    tips = row(6, "job_alert_or_marketing", "Interview tips", "Our newsletter.")
    assert measure.keyword_label(measure._row(tips)) == "interview_invitation"
    assert measure.keyword_label(measure._row(ROWS[2])) == "unrelated"


def test_mail_that_fails_its_senders_check_moves_nothing(corpus):
    rows = measure.read_rows(corpus)
    linked = measure.links(rows)
    assert linked["failing_mails"] == 1
    assert linked["automatic_from_failing"] == 0
    assert linked["wrong_links"] == 0
    # The second row names company and role and passes; the first is the one in ten that fails.
    assert linked["linkable_moves"] == 1
    assert linked["automatic_coverage"] == 1.0
    assert linked["automatic_precision"] == 1.0


def test_the_other_applications_are_other_work():
    for role in ("Registered Nurse", "Tax Accountant", "Warehouse Supervisor", "Data Analyst", ""):
        person = measure._person("Acme", role, measure._row(ROWS[0]).sent)
        assert len({application.id for application in person}) == 4
        assert person[0].role not in {person[1].role, person[3].role}


@pytest.mark.parametrize(
    ("stated", "partial", "same"),
    [
        ("2026-03-05T11:00", "--03-05T11:00", True),
        ("2026-03-06T11:00", "--03-05T11:00", False),
        ("2026-03-05T12:00", "--03-05T11:00", False),
        ("2026-03-02T10:00", "MON T10:00", True),
        ("2026-03-03T10:00", "MON T10:00", False),
        ("2026-03-03T10:00", "TUE T10:00", True),
        ("2026-03-05T10:30", "THU T10:30", True),
        ("2026-03-02", "MON", True),
    ],
)
def test_a_partial_start_is_compared_by_what_it_says(stated, partial, same):
    assert measure._same_moment(stated, partial) == same


@pytest.mark.parametrize(
    ("stated", "gold", "same"),
    [
        ("America/New_York", "EST", True),
        ("America/Los_Angeles", "PT", True),
        ("Europe/Berlin", "EST", False),
        ("Europe/Berlin", "Europe/Berlin", True),
        ("Europe/Berlin", "nowhere", False),
    ],
)
def test_a_zone_is_compared_by_what_its_name_means(stated, gold, same):
    assert measure._same_zone(stated, gold) == same


@pytest.mark.parametrize("options", [[], ["--json", "--baseline", "--wrap"]])
def test_the_command_prints_figures_and_no_text(corpus, options):
    command = [sys.executable, str(ROOT / "scripts" / "eval"), str(corpus), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert CANARY not in done.stdout + done.stderr
    assert "Dinner" not in done.stdout
    if options:
        figures = json.loads(done.stdout)
        assert {"accuracy", "macro_f1", "baseline", "wrap", "us_per_mail", "facts", "confusion"} <= figures.keys()
    else:
        assert "false rejections 1" in done.stdout


def test_the_command_refuses_a_missing_file(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "eval"), str(tmp_path / "none.jsonl")], capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"none.jsonl" in done.stderr
