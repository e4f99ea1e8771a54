"""One line of JSON for each log record, as Cloud Logging reads it, and nothing in it that a stranger wrote.

Code logs an event in plain words and fields beside it: `log.info("mail taken", extra={"mail_id": ..., "units": 40})`.
Numbers pass under any name, words only under a name of `WORDS` and in the shape of an id. Messages of exceptions and
of other people's packages may quote an address, a subject or a token: of those only the type and the place are kept.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds `shared/`: places in our own code are named from here."""

EVENT = re.compile(r"[a-z][a-z0-9 _-]{0,79}")
"""An event is a few plain words. A message that is none may have been put together from somebody's text."""

WORD = re.compile(r"[A-Za-z0-9_:./{}-]{0,128}")
"""What a word field may hold: an id, a name of ours, a route. No @ and no space."""

WORDS = frozenset(
    {
        "application_id",
        "dead_letter_id",
        "event",
        "function",
        "health",
        "kind",
        "mail_id",
        "mailbox_id",
        "method",
        "outcome",
        "pubsub_message_id",
        "result",
        "route",
        "rule",
        "signal",
        "stage",
        "subscription",
        "suggestion_id",
        "thread_id",
        "topic",
        "uid",
    }
)
"""The fields that may hold words: ids, and words of our own vocabulary. A subject, a name, a text is none of them."""

FRAMES = 12
"""Innermost frames of a trace that are logged."""

CAUSES = 4
"""Types of a chain of exceptions that are logged."""

TRACE = re.compile(r"(?P<trace>[0-9a-f]{32})(?:/(?P<span>[0-9]{1,20}))?(?:;o=(?P<sampled>[01]))?")
"""X-Cloud-Trace-Context: TRACE/SPAN;o=SAMPLED."""

TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-[0-9a-f]{2}")
"""W3C's traceparent: version-trace-span-flags."""

EXECUTION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""What every record has: the rest is what the caller put beside the event."""


@dataclass(slots=True)
class Call:
    """One call of a function, while it lasts: every line that is logged meanwhile says which one."""

    function: str
    execution_id: str = ""
    trace: str = ""
    """projects/P/traces/T."""
    span: str = ""
    outcome: str = "running"
    error: BaseException | None = None
    """What ended it, for the last line."""
    fields: dict[str, Any] = field(default_factory=dict)
    """What the last line says beside outcome and duration."""


_call: ContextVar[Call | None] = ContextVar("call", default=None)

log = logging.getLogger(__name__)

LEVELS = {"done": logging.INFO, "refused": logging.INFO, "rejected": logging.WARNING, "try_again": logging.WARNING}
"""How loud an outcome is; one that is not here is an error of ours."""


def install() -> None:
    """Send every record of this process through `JsonLines` to standard output. Doing it again changes nothing."""
    root = logging.getLogger()
    if any(isinstance(handler, _StandardOutput) for handler in root.handlers):
        return
    # The functions framework puts a plain handler there, which would print what is kept back here.
    for handler in [handler for handler in root.handlers if type(handler) is logging.StreamHandler]:
        root.removeHandler(handler)
    root.addHandler(_StandardOutput())
    root.setLevel(logging.INFO)


@contextmanager
def call(
    function: str, *, project: str, execution_id: str = "", trace: str = "", traceparent: str = ""
) -> Iterator[Call]:
    """One call of a function, logged when it ends. Strangers write headers: what has not their shape is dropped."""
    found = TRACE.fullmatch(trace) or TRACEPARENT.fullmatch(traceparent)
    span = (found["span"] or "") if found else ""
    this = Call(
        function=function,
        execution_id=execution_id if EXECUTION_ID.fullmatch(execution_id) else "",
        trace=f"projects/{project}/traces/{found['trace']}" if found else "",
        # Cloud Trace writes a span in decimal, the log wants W3C's 16 hexadecimal digits.
        span=f"{int(span) % 2**64:016x}" if span and found and found.re is TRACE else span,
    )
    token = _call.set(this)
    started = time.perf_counter()
    try:
        yield this
    finally:
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        log.log(
            LEVELS.get(this.outcome, logging.ERROR),
            "call ended",
            extra={**this.fields, "outcome": this.outcome, "duration_ms": milliseconds},
            exc_info=this.error,
        )
        _call.reset(token)


class JsonLines(logging.Formatter):
    """A record as one JSON object in the fields that Cloud Logging knows."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "severity": record.levelname,
            "message": _event(record),
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(),
            "logger": record.name,
        }
        line.update(_fields(record))
        if record.exc_info and record.exc_info[1] is not None:
            line.update(_error(record.exc_info[1]))
        this = _call.get()
        if this is not None:
            labels = {"function": this.function, "execution_id": this.execution_id, "outcome": line.get("outcome", "")}
            line["logging.googleapis.com/labels"] = {name: value for name, value in labels.items() if value}
            if this.trace:
                line["logging.googleapis.com/trace"] = this.trace
            if this.span:
                line["logging.googleapis.com/spanId"] = this.span
        return json.dumps(line)


class _StandardOutput(logging.Handler):
    """Writes to whatever is standard output at that moment: the framework wraps it during a call."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stdout.write(self.format(record) + "\n")
            sys.stdout.flush()
        except (OSError, ValueError):
            # A closed pipe must not end the work. logging's own handleError would print the record's arguments.
            sys.stderr.write(f"a log line of {record.module} line {record.lineno} could not be written\n")


def _event(record: logging.LogRecord) -> str:
    """The record's words. Never with its arguments, and another package's not at all: they may be anything."""
    ours = record.name.startswith("shared.") or record.name == "shared"
    if ours and isinstance(record.msg, str) and EVENT.fullmatch(record.msg):
        return record.msg
    return f"{record.module} line {record.lineno}"


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    withheld: list[str] = []
    for name, value in record.__dict__.items():
        if name in _STANDARD:
            continue
        if isinstance(value, bool | int | float) or (
            name in WORDS and isinstance(value, str) and WORD.fullmatch(value) is not None
        ):
            fields[name] = value
        elif value is not None:
            withheld.append(name)
    if withheld:
        fields["withheld"] = sorted(withheld)
    return fields


def _error(error: BaseException) -> dict[str, Any]:
    """The types of an exception and its causes, and where it was raised."""
    types: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(types) < CAUSES:
        types.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    return {"error": types[0], "caused_by": types[1:], "stack": _stack(error.__traceback__)}


def _stack(trace: TracebackType | None) -> list[str]:
    """Where each frame stands: file, line, function. Never a line of the file, never a value."""
    frames = []
    while trace is not None:
        code = trace.tb_frame.f_code
        path = Path(code.co_filename)
        place = path.relative_to(ROOT) if path.is_relative_to(ROOT) else Path(path.parent.name, path.name)
        frames.append(f"{place}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return frames[-FRAMES:]
