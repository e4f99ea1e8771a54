"""Throw broken mails at the reader: `python -m tests.fuzz.mail --runs 1000000 --seed 1`.

Each run takes a message of tests/data/mail, breaks it by what mail is made of (lines, header fields, boundaries,
encoded words, tags, JSON nodes), reads it, and checks what every Mail must keep. Run N of a seed is always the same
input, so `--start N --runs 1` repeats a failure alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from shared.classify.mail import QUOTED_CHARACTERS, TEXT_CHARACTERS, from_bytes, from_gmail, unreadable, with_calendar
from shared.model import Mail

DATA = Path(__file__).parents[1] / "data" / "mail"
NOW = datetime(2026, 3, 2, tzinfo=UTC)

SECONDS = 2.0
"""A run that takes longer is a failure."""

LARGEST = 6_000
"""Bytes that a broken message may have; most stay below 2,000, where a million of them can be tried."""

TOKENS = [
    *(b"\n\n", b"\r\n\r\n", b"\n", b"\r", b"\n ", b"\n\t", b"\0", b" ", b"\xff", b"\xc3"),
    *(b"\xe2\x80\x8b", b"\xed\xa0\x80", b"\xe2\x80\xae"),
    *(b"From: a@b.example\n", b"\nFrom: x <c@d.example>, e@f.example\n", b"\nReply-To: x@outlook.com\n", b"Subject: "),
    *(b"\nAuthentication-Results: mx.google.com; dmarc=pass header.from=stripe.com\n", b"; dkim=pass header.i=@a.b"),
    *(b"\nContent-Type: multipart/mixed; boundary=x\n\n--x\n", b"\n--x--\n", b"\n--", b"--b1\n", b"boundary=", b"--"),
    *(b"\nContent-Type: message/rfc822\n\n", b"\nContent-Type: text/html; charset=utf-16\n\n", b"text/calendar"),
    *(b"multipart/report", b"message/delivery-status", b"multipart/digest", b"multipart/alternative"),
    *(b"text/plain; format=flowed; delsp=yes", b"charset=iso-2022-jp", b"charset=gb18030", b"\x1b$B"),
    *(b"\nContent-Transfer-Encoding: base64\n", b"\nContent-Transfer-Encoding: quoted-printable\n"),
    *(b"=?utf-8?q?", b"=?gb2312?b?yMvKwg==", b"?=", b"=?", b"=C3", b"=\n", b"====", b"QUJD"),
    *(b'"', b"\\", b"(", b")", b"<", b">", b",", b";", b"@", b"=", b"*0*=utf-8''%C3", b"name*1=x", b"[1.2.3.4]"),
    *(b"<a href='", b"<p hidden>", b"<div style=display:none>", b"<!--", b"-->", b"<script>", b"</", b"<pre>"),
    *(b"&amp", b"&#xD800;", b"&#9999999;", b"<blockquote type=cite>", b"<img alt='", b"\n> ", b"\n-- \n"),
    *(
        b"On 2 Mar 2026 at 10:00 A <a@b.example> wrote:\n",
        b"-----Original Message-----\n",
        b"Begin forwarded message:\n",
    ),
    *(b"From: A\nSent: B\nTo: C\nSubject: D\n", b"BEGIN:VCALENDAR\nMETHOD:X\n", b"Action: failed\n"),
]
"""What mail is made of."""

ODD_VALUES = [
    *("null", "true", "0", "-1", "1.5", "1000000000000000000", '""', '"x"', r'"\ud800"', "[]", "{}", "[[]]"),
    *('{"name": "From", "value": "a@b.c"}', '["text/plain"]', '{"data": "QUJD"}'),
]
"""What may stand in JSON where something else belongs."""


@dataclass(slots=True)
class Report:
    """What a number of runs found."""

    runs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)


def fuzz(runs: int, *, seed: int, start: int = 0, tell: Callable[[Report], None] = lambda _: None) -> Report:
    """Read `runs` broken mails and report; the first ten failures are kept, each with how to repeat it."""
    report = Report()
    messages = [path.read_bytes() for path in sorted(DATA.glob("*.eml"))]
    texts = [path.read_text(encoding="utf-8") for path in sorted(DATA.glob("*.json"))]
    begun = time.perf_counter()
    for run in range(start, start + runs):
        rng = Random(seed * 1_000_000_007 + run)
        before = time.perf_counter()
        failure = _failure(rng, messages, texts)
        taken = time.perf_counter() - before
        report.runs += 1
        report.slowest = max(report.slowest, taken)
        if taken > SECONDS:
            failure = failure or f"took {taken:.1f} s"
        if failure and len(report.failures) < 10:
            report.failures.append(f"--seed {seed} --start {run} --runs 1: {failure}")
        if report.runs % 100_000 == 0:
            report.seconds = time.perf_counter() - begun
            tell(report)
    report.seconds = time.perf_counter() - begun
    return report


def _failure(rng: Random, messages: list[bytes], texts: list[str]) -> str:
    """Read one broken mail; says what was wrong with the reading, nothing when it was right."""
    try:
        if rng.random() < 0.25:
            mail = from_gmail(_broken_json(rng, json.loads(rng.choice(texts))))
        else:
            data = _broken(rng, messages)
            mail = from_bytes(data, id="1", thread_id="1", internal_date=NOW)
            if rng.random() < 0.1:
                mail = with_calendar(mail, data[:500])
        return _breach(mail)
    except Exception as error:  # noqa: BLE001 - whatever leaves the reader is what this program looks for
        return f"{type(error).__name__}: {error}"


def _breach(mail: Mail) -> str:
    """Which promise a mail breaks."""
    if len(mail.text) > TEXT_CHARACTERS or len(mail.quoted) > 2 * QUOTED_CHARACTERS or len(mail.snippet) > 200:
        return "a text is longer than promised"
    for text in (mail.text, mail.quoted, mail.subject, mail.from_name, mail.snippet, mail.problem, mail.sender.reason):
        # A lone surrogate raises here.
        text.encode("utf-8")
        if "\0" in text or "\u200b" in text:
            return "an invisible character came through"
    if mail.sender.passed and not mail.from_address:
        return "a sender passed who is not there"
    if not mail.sender.reason or not isinstance(unreadable(mail), str):
        return "a reason is missing"
    return ""


def _broken(rng: Random, messages: list[bytes]) -> bytes:
    data = rng.choice(messages)
    if rng.random() < 0.5:
        start = 0 if rng.random() < 0.5 else rng.randrange(len(data))
        data = data[start : start + rng.randrange(900)]
    for _ in range(rng.randint(1, 5)):
        data = rng.choice(BREAKS)(rng, data, messages)
    return data[:LARGEST]


def _insert(rng: Random, data: bytes, _: list[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.choice(TOKENS) + data[at:]


def _repeat(rng: Random, data: bytes, _: list[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.choice(TOKENS) * rng.randint(2, 60) + data[at:]


def _delete(rng: Random, data: bytes, _: list[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + data[at + rng.randint(1, 80) :]


def _duplicate(rng: Random, data: bytes, _: list[bytes]) -> bytes:
    start = rng.randint(0, len(data))
    at = rng.randint(0, len(data))
    return data[:at] + data[start : start + rng.randint(1, 300)] + data[at:]


def _replace(rng: Random, data: bytes, _: list[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + bytes((rng.randrange(256),)) + data[at + 1 :]


def _splice(rng: Random, data: bytes, messages: list[bytes]) -> bytes:
    other = rng.choice(messages)
    start = rng.randrange(len(other))
    return data[: rng.randint(0, len(data))] + other[start : start + 600]


def _swap_lines(rng: Random, data: bytes, _: list[bytes]) -> bytes:
    lines = data.split(b"\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _truncate(rng: Random, data: bytes, _: list[bytes]) -> bytes:
    return data[: rng.randint(0, len(data))]


BREAKS = (_insert, _insert, _repeat, _delete, _duplicate, _replace, _splice, _swap_lines, _truncate)


def _broken_json(rng: Random, message: Any) -> Any:
    """The message with one to four of its nodes replaced, broken, doubled or nested in themselves."""
    for _ in range(rng.randint(1, 4)):
        node = message
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(node[key], dict | list) and node[key] and rng.random() < 0.8:
                node = node[key]
                continue
            node[key] = _broken_value(rng, node[key])
            break
    return message


def _broken_value(rng: Random, value: Any) -> Any:
    way = rng.random()
    if way < 0.3:
        return json.loads(rng.choice(ODD_VALUES))
    if isinstance(value, str) and value:
        at = rng.randrange(len(value))
        token = rng.choice(TOKENS).decode("utf-8", "surrogateescape")
        return value[:at] + token * (1 if way < 0.8 else rng.randint(2, 40)) + value[at + rng.randint(0, 3) :]
    return [value, value] if way < 0.6 else {"parts": [value], "headers": [value], "body": value}


def main() -> int:
    """Run from the command line; 1 when something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100_000, help="how many broken mails to read")
    parser.add_argument("--seed", type=int, default=1, help="which broken mails")
    parser.add_argument("--start", type=int, default=0, help="the number of the first run")
    arguments = parser.parse_args()
    report = fuzz(arguments.runs, seed=arguments.seed, start=arguments.start, tell=_tell)
    _tell(report)
    for failure in report.failures:
        sys.stdout.write(f"  {failure}\n")
    return 1 if report.failures else 0


def _tell(report: Report) -> None:
    rate = report.runs / report.seconds if report.seconds else 0.0
    sys.stdout.write(
        f"{report.runs:,} runs in {report.seconds:.0f} s ({rate:,.0f} a second), "
        f"slowest {report.slowest * 1000:.0f} ms, {len(report.failures)} failures\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
