"""The log: JSON as Cloud Logging reads it, and nothing in it that a stranger wrote."""

from __future__ import annotations

import json
import logging

import pytest

from shared.adapters import log as log_adapter

ADDRESS = "canary.person@example.com"
SUBJECT = "Canary subject about a job"
TOKEN = "ya29.canary-token-canary-token"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def lines(capsys):
    """What has been logged since the last call, as objects."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    log_adapter.install()

    def lines():
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    yield lines
    root.handlers[:] = before
    root.setLevel(level)


ours = logging.getLogger("shared.mailbox")
theirs = logging.getLogger("googleapiclient.http")


def test_a_line_has_the_fields_that_cloud_logging_knows(lines):
    with log_adapter.call("gmail_push", project="p", execution_id="e1", trace=f"{TRACE}/26;o=1") as call:
        ours.info("mail taken", extra={"mail_id": "m1", "units": 40})
        call.outcome = "done"

    taken, ended = lines()
    assert taken["severity"] == "INFO"
    assert taken["message"] == "mail taken"
    assert (taken["mail_id"], taken["units"]) == ("m1", 40)
    assert taken["logging.googleapis.com/trace"] == f"projects/p/traces/{TRACE}"
    assert taken["logging.googleapis.com/spanId"] == "000000000000001a"
    assert taken["logging.googleapis.com/labels"] == {"function": "gmail_push", "execution_id": "e1"}
    assert ended["message"] == "call ended"
    assert ended["logging.googleapis.com/labels"]["outcome"] == "done"
    assert ended["duration_ms"] >= 0


def test_the_trace_of_w3c_is_understood_too(lines):
    with log_adapter.call("api", project="p", traceparent=f"00-{TRACE}-b7ad6b7169203331-01"):
        ours.info("event")

    assert lines()[0]["logging.googleapis.com/spanId"] == "b7ad6b7169203331"


@pytest.mark.parametrize("header", ["", "x" * 5000, f"{TRACE}/26;o=1\n", f'{TRACE}"/1', f"{ADDRESS}/1;o=1"])
def test_a_header_out_of_shape_is_dropped(lines, header):
    with log_adapter.call("api", project="p", execution_id=header, trace=header, traceparent=header):
        ours.info("event")

    line = lines()[0]
    assert "logging.googleapis.com/trace" not in line
    assert line["logging.googleapis.com/labels"] == {"function": "api"}


def test_a_line_outside_any_call_has_no_labels(lines):
    ours.warning("event")

    assert "logging.googleapis.com/labels" not in lines()[0]


def test_an_outcome_that_nobody_foresaw_is_an_error(lines):
    with log_adapter.call("api", project="p") as call:
        call.outcome = "crashed"

    assert lines()[0]["severity"] == "ERROR"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subject", SUBJECT),
        ("address", ADDRESS),
        ("mail_id", ADDRESS),
        ("mail_id", SUBJECT),
        ("mail_id", "x" * 129),
        ("token", TOKEN),
        ("uid", ["a"]),
        ("anything", {"nested": ADDRESS}),
    ],
)
def test_a_field_that_may_be_somebodys_text_is_withheld_by_name(lines, name, value):
    ours.info("event", extra={name: value})

    (line,) = lines()
    assert line["withheld"] == [name]
    assert name not in line
    assert "anary" not in json.dumps(line)


def test_numbers_pass_under_any_name(lines):
    ours.info("event", extra={"read": 3, "seconds": 0.5, "full": True, "nothing": None})

    (line,) = lines()
    assert (line["read"], line["seconds"], line["full"]) == (3, 0.5, True)
    assert "withheld" not in line


def test_an_event_is_never_put_together_from_values(lines):
    ours.info("mail from %s", ADDRESS)
    ours.info(f"mail from {ADDRESS}")
    ours.info(SUBJECT)

    assert [line["message"].split()[0] for line in lines()] == ["test_log"] * 3


def test_other_packages_say_only_where_they_spoke(lines):
    theirs.warning("Encountered 403 for %s", ADDRESS)
    theirs.error("plain words of theirs")

    first, second = lines()
    assert first["logger"] == "googleapiclient.http"
    assert {line["message"].split()[0] for line in (first, second)} == {"test_log"}
    assert "anary" not in json.dumps([first, second])


def raise_chain() -> None:
    try:
        int(f"{ADDRESS} {SUBJECT} {TOKEN}")
    except ValueError as e:
        raise KeyError(SUBJECT) from e


def test_an_exception_leaves_its_types_and_places_alone(lines):
    try:
        raise_chain()
    except KeyError:
        ours.exception("message failed")

    (line,) = lines()
    assert (line["error"], line["caused_by"]) == ("KeyError", ["ValueError"])
    assert line["stack"][-1].startswith("tests/unit/test_log.py:")
    assert line["stack"][-1].endswith(" raise_chain")
    assert "anary" not in json.dumps(line)


def test_a_chain_that_bites_its_tail_ends(lines):
    first, second = ValueError("a"), KeyError("b")
    first.__cause__, second.__cause__ = second, first

    ours.error("message failed", exc_info=first)

    assert len(lines()[0]["caused_by"]) == log_adapter.CAUSES - 1


def test_installing_twice_writes_once_and_replaces_the_frameworks_handler(lines, capsys):
    plain = logging.StreamHandler()
    logging.getLogger().handlers.insert(0, plain)
    logging.getLogger().handlers[:] = [plain]
    log_adapter.install()
    log_adapter.install()

    ours.info("event")

    assert len(lines()) == 1
    assert plain not in logging.getLogger().handlers


def test_a_closed_output_does_not_end_the_work(lines, monkeypatch, capsys):
    class Closed:
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Closed())
    ours.info("event", extra={"subject": SUBJECT})
    monkeypatch.undo()

    said = capsys.readouterr().err
    assert "could not be written" in said
    assert "anary" not in said


def test_nested_calls_keep_their_own_labels(lines):
    with log_adapter.call("outer", project="p") as outer:
        with log_adapter.call("inner", project="p") as inner:
            inner.outcome = "done"
        outer.outcome = "done"

    assert [line["logging.googleapis.com/labels"]["function"] for line in lines()] == ["inner", "outer"]
