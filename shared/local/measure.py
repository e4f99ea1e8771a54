"""How well the mail is understood: the shipped pipeline over a file of labelled mail, in figures only.

Each row becomes the RFC 5322 message that Gmail would have got and goes the whole way: parsed, sender checked,
classified, facts extracted. No text of a row is ever printed, so that mail kept for measuring stays unseen.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.applications.mail import doubt
from shared.classify import HIRING_QUERY, classify, plausible
from shared.classify.facts import zones
from shared.classify.labels import CORPUS_LABEL
from shared.classify.mail import from_bytes
from shared.classify.signals import glimpse
from shared.errors import Rejected
from shared.ledger import EFFECTS
from shared.local.gmail.rfc822 import parsed
from shared.local.gmail.search import Searcher, query
from shared.local.mailfiles import LINE_BYTES, wrap
from shared.matching import match, stranger
from shared.model import ApplicationSummary, InterviewFacts, Link, Mail, Outcome, Stage, Verdict
from shared.names import other_work, plain, same_company, same_role

MANY = 20
"""From so many rows on, a label's figures say something; `macro_f1` is over these labels."""

FAILING_EVERY = 10
"""With `wrap`, every tenth mail fails its sender's authentication."""

USD_PER_SECOND = 0.000024 + 0.5 * 0.0000025
"""What Cloud Run takes for one vCPU and 512 MiB (cloud.google.com/run/pricing, request-based, tier 1)."""

NO_APPLICATION = frozenset({"unrelated", "job_alert_or_marketing"})
"""Labels of mail that triage may leave closed."""

BASELINE = (
    (r"\boffer\b|congratulations", "offer"),
    (r"unfortunately|regret", "rejection"),
    (r"other candidates|not (?:be )?moving forward|not selected", "rejection"),
    (r"reschedul|postpone", "interview_change"),
    (r"interview|schedule|availability", "interview_invitation"),
    (r"assessment|challenge|\btest\b", "assessment"),
    (r"on hold|position (?:has been )?(?:filled|closed)", "on_hold_or_closed"),
    (r"action required|incomplete|missing", "action_required"),
    (r"job alert|new jobs|newsletter|unsubscribe", "job_alert_or_marketing"),
    (r"recruiter|opportunity|your profile", "recruiter_outreach"),
    (r"thank you for applying|received your application", "application_received"),
    (r"application|applied", "application_received"),
)
"""What a keyword list makes of the same mail, as trackers keep one: twelve patterns, the gravest first, and the first
that is found names the label."""

_BASELINE = tuple((re.compile(pattern, re.IGNORECASE), label) for pattern, label in BASELINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One labelled mail of the corpus format, and the message made of it."""

    id: str
    sender: str
    subject: str
    body: str
    label: str
    also: frozenset[str]
    quality: str
    language: str
    source: str
    licence: str
    gold: Mapping[str, Any]
    sent: datetime


def read_rows(path: Path, *, licence: str = "all") -> list[Row]:
    """The rows of a corpus; `licence` mit or other keeps one part. Raises Rejected naming a line that is none."""
    rows = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if len(line) > LINE_BYTES:
                raise Rejected(f"{path.name}:{number}: line longer than {LINE_BYTES} bytes")
            if line.strip():
                try:
                    row = _row(json.loads(line))
                except (ValueError, KeyError, TypeError, AttributeError) as e:
                    raise Rejected(f"{path.name}:{number}: no row of a corpus ({type(e).__name__})") from e
                if licence == "all" or row.licence.startswith("MIT") == (licence == "mit"):
                    rows.append(row)
    if not rows:
        raise Rejected(f"{path.name}: no rows")
    return rows


def _row(fields: dict[str, Any]) -> Row:
    quality, _, language = fields.get("notes", "").partition(";")
    sent = str(fields.get("sent", ""))
    try:
        when = datetime.fromisoformat(sent)
    except ValueError:
        when = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
    return Row(
        id=fields["id"],
        sender=fields.get("from", ""),
        subject=fields.get("subject", ""),
        body=fields.get("body", ""),
        label=fields["label"],
        also=frozenset(fields.get("alt_labels") or ()),
        quality=quality.strip(),
        language=language.strip()[:2],
        source=fields.get("source_repo", ""),
        licence=fields.get("licence", ""),
        gold={name: fields[name] for name in GOLD if fields.get(name) not in (None, "")},
        sent=when if when.tzinfo else when.replace(tzinfo=UTC),
    )


@dataclass(frozen=True, slots=True)
class Read:
    """A row as the pipeline has read it."""

    row: Row
    mail: Mail
    verdict: Verdict
    label: str
    seconds: float

    @property
    def right(self) -> bool:
        """Whether the label is the row's, or one that also counts."""
        return self.label == self.row.label or self.label in self.row.also


def measure(rows: Sequence[Row], *, baseline: bool = False, wrapped: bool = False) -> dict[str, Any]:
    """All figures over `rows`; with `wrapped`, also those of matching against a person's applications."""
    messages = [wrap(row.sender, row.subject, row.body) for row in rows]
    _read(rows[0], messages[0])  # The first mail also loads tables and weights.
    started = time.process_time()
    reads = [_read(row, message) for row, message in zip(rows, messages, strict=True)]
    cpu_seconds = time.process_time() - started
    figures = scores((read.row, read.label) for read in reads)
    figures |= {
        "rows": len(rows),
        "by_quality": _by(reads, lambda read: read.row.quality),
        "by_language": _by(reads, lambda read: read.row.language),
        "by_source": _by(reads, lambda read: read.row.source),
        "calibration_error": _calibration_error(reads),
        **_triage(reads, messages),
        "facts": _facts(reads),
        **_speed(reads, cpu_seconds),
    }
    if baseline:
        compared = scores((row, keyword_label(row)) for row in rows)
        figures["baseline"] = compared
        figures["macro_f1_above_baseline"] = round(figures["macro_f1"] - compared["macro_f1"], 4)
    if wrapped:
        figures["wrap"] = links(rows)
    return figures


def keyword_label(row: Row) -> str:
    """The label that the keyword list gives."""
    text = f"{row.subject}\n{row.body}"
    return next((label for pattern, label in _BASELINE if pattern.search(text)), "unrelated")


def _read(row: Row, message: bytes) -> Read:
    started = time.perf_counter()
    mail = from_bytes(message, id=row.id, thread_id=row.id, internal_date=row.sent, labels=("INBOX",))
    verdict = classify(mail)
    seconds = time.perf_counter() - started
    return Read(row, mail, verdict, CORPUS_LABEL[verdict.signal], seconds)


# --- Labels -----------------------------------------------------------------------------------------------------------


def scores(labelled: Iterable[tuple[Row, str]]) -> dict[str, Any]:
    """Accuracy, F1 and confusion of (row, label given); a label among a row's `alt_labels` counts as right."""
    confusion: Counter[tuple[str, str]] = Counter()
    for row, given in labelled:
        confusion[row.label, row.label if given in row.also else given] += 1
    total = sum(confusion.values())
    per_label: dict[str, dict[str, Any]] = {}
    for label in sorted({label for label, _ in confusion}):
        right = confusion[label, label]
        rows = sum(count for (true, _), count in confusion.items() if true == label)
        given_it = sum(count for (_, said), count in confusion.items() if said == label)
        per_label[label] = {
            "rows": rows,
            "precision": _share(right, given_it),
            "recall": _share(right, rows),
            "f1": _share(2 * right, rows + given_it),
        }
    macro = [figures["f1"] for figures in per_label.values()]
    large = [figures["f1"] for figures in per_label.values() if figures["rows"] >= MANY]
    return {
        "accuracy": _share(sum(confusion[label, label] for label in per_label), total),
        "macro_f1": _share(sum(large), len(large)),
        "macro_f1_all": _share(sum(macro), len(macro)),
        "per_label": per_label,
        "confusion": {
            label: {said: n for (true, said), n in sorted(confusion.items()) if true == label} for label in per_label
        },
        **_false(confusion, "rejection"),
        **_false(confusion, "offer"),
    }


def _false(confusion: Counter[tuple[str, str]], label: str) -> dict[str, Any]:
    count = sum(n for (true, said), n in confusion.items() if said == label != true)
    others = sum(n for (true, _), n in confusion.items() if true != label)
    return {f"false_{label}s": count, f"false_{label}_rate": _share(count, others)}


def _by(reads: Sequence[Read], key: Callable[[Read], str]) -> dict[str, dict[str, float]]:
    groups: dict[str, list[Read]] = defaultdict(list)
    for read in reads:
        groups[key(read)].append(read)
    return {
        name: {"rows": len(group), "accuracy": _share(sum(read.right for read in group), len(group))}
        for name, group in sorted(groups.items(), key=lambda item: -len(item[1]))
    }


def _calibration_error(reads: Sequence[Read]) -> float:
    """By how much, on average, a verdict's confidence misses the share of right ones among the tenth it falls into."""
    bins: dict[int, list[Read]] = defaultdict(list)
    for read in reads:
        bins[min(int(read.verdict.confidence * 10), 9)].append(read)
    return _share(
        sum(abs(sum(r.verdict.confidence for r in group) - sum(r.right for r in group)) for group in bins.values()),
        len(reads),
    )


def _share(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0


# --- Triage, speed ----------------------------------------------------------------------------------------------------


def _triage(reads: Sequence[Read], messages: Sequence[bytes]) -> dict[str, Any]:
    """What the query and the look at headers and snippet let through: of hiring mail all, of the rest little."""
    asked = query(HIRING_QUERY).matches
    person = Searcher("me@example.com", datetime(2026, 6, 1, tzinfo=UTC), {})
    kinds: dict[bool, list[tuple[bool, bool]]] = {True: [], False: []}
    for read, message in zip(reads, messages, strict=True):
        found = asked(_Filed(message), person)
        opened = plausible(glimpse(read.mail))
        kinds[read.row.label not in NO_APPLICATION].append((found, opened))
    hiring, other = kinds[True], kinds[False]
    return {
        "hiring_rows": len(hiring),
        "hiring_recall": _share(sum(found and opened for found, opened in hiring), len(hiring)),
        "hiring_recall_query": _share(sum(found for found, _ in hiring), len(hiring)),
        "hiring_recall_prefilter": _share(sum(opened for _, opened in hiring), len(hiring)),
        "private_opened": _share(sum(opened for _, opened in other), len(other)),
    }


class _Filed:
    """A message as the local Gmail's search sees it, outside any mailbox."""

    labels: Mapping[str, None] = {"INBOX": None}
    internal_ms = 0

    def __init__(self, message: bytes) -> None:
        self.mail = parsed(message)


def _speed(reads: Sequence[Read], cpu_seconds: float) -> dict[str, Any]:
    each = sorted(read.seconds for read in reads)
    return {
        "mails_per_second": round(len(reads) / cpu_seconds, 1) if cpu_seconds else 0.0,
        "us_per_mail": {
            f"p{percent}": round(each[min(len(each) * percent // 100, len(each) - 1)] * 1e6) for percent in (50, 95, 99)
        },
        "usd_per_1000": round(cpu_seconds / len(reads) * 1000 * USD_PER_SECOND, 6),
    }


# --- Facts ------------------------------------------------------------------------------------------------------------

GOLD = (
    "company",
    "role",
    "interview_start",
    "interview_tz",
    "interview_start_partial",
    "meeting_url",
    "salary_min",
    "salary_max",
    "currency",
    "period",
)
"""Gold fields of the corpus that the facts are compared with."""

_PARTIAL = re.compile(r"(.*?)\s*(?:T(\d\d:\d\d).*)?", re.DOTALL)
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


def _facts(reads: Sequence[Read]) -> dict[str, dict[str, Any]]:
    """For each gold field: how many are right, wrong, or left open (nothing stated, which asks the person)."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for read in reads:
        for name, gold in read.row.gold.items():
            found[name][_compared(name, gold, read.verdict)] += 1
    return {
        name: {
            "gold": sum(counts.values()),
            "right": counts["right"],
            "open": counts["open"],
            "wrong": counts["wrong"],
            "accuracy": _share(counts["right"], sum(counts.values())),
            "right_or_open": _share(counts["right"] + counts["open"], sum(counts.values())),
        }
        for name, counts in sorted(found.items(), key=lambda item: GOLD.index(item[0]))
    }


def _compared(name: str, gold: Any, verdict: Verdict) -> str:  # noqa: C901 - a table of fields
    facts = verdict.facts
    meeting = facts.interview or InterviewFacts()
    salary = facts.salary
    stated: Any
    right: Callable[[Any, Any], bool]
    match name:
        case "company":
            stated, right = facts.company, same_company
        case "role":
            stated, right = facts.role, lambda one, other: same_role(one, other) or plain(one) == plain(other)
        case "interview_start":
            stated, right = meeting.start_local, lambda one, other: one.startswith(other[:16])
        case "interview_start_partial":
            stated, right = meeting.start_local, _same_moment
        case "interview_tz":
            stated, right = meeting.zone, _same_zone
        case "meeting_url":
            stated, right = meeting.link, lambda one, other: _bare(one) == _bare(other)
        case "salary_min":
            stated, right = salary and salary.minimum, _same_number
        case "salary_max":
            stated, right = salary and salary.maximum, _same_number
        case "currency":
            stated, right = salary and salary.currency, lambda one, other: bool(one == other)
        case _:
            stated, right = salary and salary.period, lambda one, other: bool(one == other)
    if stated in (None, ""):
        return "open"
    return "right" if right(stated, gold) else "wrong"


def _same_zone(stated: str, gold: str) -> bool:
    """`gold` is written as mails write zones: "EST" is America/New_York."""
    meant = zones.at(gold, 0, gold.lower())
    return stated.casefold() == gold.casefold() or (meant is not None and stated == str(meant[0].zone))


def _same_number(one: Any, other: Any) -> bool:
    return float(one) == float(other)


def _bare(url: str) -> str:
    return url.strip().removeprefix("https://").removeprefix("http://").rstrip("/.,").casefold()


def _same_moment(stated: str, partial: str) -> bool:
    """`--03-05T11:00` leaves the year open, `MON T10:00` all but the weekday."""
    day, _, clock = stated.partition("T")
    wanted, time_of_day = _PARTIAL.fullmatch(partial.strip()).groups()  # type: ignore[union-attr]  # it matches anything
    if time_of_day and clock[:5] != time_of_day:
        return False
    if wanted.startswith("--"):
        return day[5:10] == wanted[2:7]
    return _WEEKDAYS[datetime.fromisoformat(day).weekday()] == wanted[:3].upper() if wanted else True


# --- Links to applications --------------------------------------------------------------------------------------------


def links(rows: Sequence[Row]) -> dict[str, Any]:
    """What would move by itself, for a person with four applications that are easily mistaken for each other.

    For each row that names its company: that application, another role there, an employer with a similar name, and a
    closed application there. Every tenth mail fails its sender's authentication. A row is linkable when its gold
    names the role, too: with two open roles at one employer, the company alone proves nothing.
    """
    counts: Counter[str] = Counter()
    for number, row in enumerate(rows):
        company, role = str(row.gold.get("company", "")), str(row.gold.get("role", ""))
        passing = number % FAILING_EVERY != 0
        message = wrap(row.sender, row.subject, row.body, passing=passing)
        read = _read(row, message)
        person = _person(company, role, row.sent)
        link = match(read.mail, read.verdict, person)
        linked = isinstance(link, Link)
        right_link = isinstance(link, Link) and link.application_id == "right"
        acts = (
            isinstance(link, Link)
            and not doubt(read.verdict, read.mail.sender)
            and not stranger(read.mail, read.verdict, link, person)
        )
        moves = row.label in _MOVING and bool(company and role)
        counts["wrong_links"] += linked and not right_link
        counts["linkable"] += moves and passing
        counts["linkable_automatic"] += moves and passing and acts and right_link and read.right
        if acts and read.verdict.signal in _MOVING_SIGNALS:
            counts["automatic"] += 1
            counts["automatic_right"] += right_link and read.right
            counts["automatic_from_failing"] += not passing
        counts["failing"] += not passing
    return {
        "automatic_moves": counts["automatic"],
        "automatic_precision": _share(counts["automatic_right"], counts["automatic"]),
        "linkable_moves": counts["linkable"],
        "automatic_coverage": _share(counts["linkable_automatic"], counts["linkable"]),
        "wrong_links": counts["wrong_links"],
        "failing_mails": counts["failing"],
        "automatic_from_failing": counts["automatic_from_failing"],
    }


_MOVING_SIGNALS = frozenset(signal for signal, effect in EFFECTS.items() if effect.stage is not None)
_MOVING = frozenset(CORPUS_LABEL[signal] for signal in _MOVING_SIGNALS) - {"unrelated"}
"""Labels of mail that moves a status."""

_OTHER_ROLES = ("Warehouse Supervisor", "Registered Nurse", "Tax Accountant")
"""Roles for the other applications; for each row those that are other work than its own."""


def _person(company: str, role: str, sent: datetime) -> list[ApplicationSummary]:
    elsewhere = [other for other in _OTHER_ROLES if not role or other_work(role, other)]
    company = company or "Quillfeather Works"
    role = role or "Glass Blower"

    def application(id_: str, employer: str, title: str, *, closed: bool = False) -> ApplicationSummary:
        return ApplicationSummary(
            id=id_,
            uid="person",
            created_at=sent,
            updated_at=sent,
            company=employer,
            role=title,
            stage=Stage.CLOSED if closed else Stage.APPLIED,
            outcome=Outcome.REJECTED if closed else None,
            applied_at=sent,
        )

    return [
        application("right", company, role),
        application("second role", company, elsewhere[0]),
        application("similar name", f"{company} Harvest", role),
        application("closed", company, elsewhere[1], closed=True),
    ]


# --- The report -------------------------------------------------------------------------------------------------------


def report(figures: Mapping[str, Any]) -> str:
    """The figures as text."""
    f = figures
    summary = (
        f"rows {f['rows']}   accuracy {f['accuracy']:.3f}   macro-F1 {f['macro_f1']:.3f}   "
        f"all labels {f['macro_f1_all']:.3f}   calibration error {f['calibration_error']:.3f}\n"
        f"false rejections {f['false_rejections']}   false offers {f['false_offers']}\n"
        f"hiring recall {f['hiring_recall']:.3f} of {f['hiring_rows']} (query {f['hiring_recall_query']:.3f}, "
        f"prefilter {f['hiring_recall_prefilter']:.3f})   private mail opened {f['private_opened']:.3f}\n"
        f"{f['mails_per_second']} mails/s/core   us per mail {f['us_per_mail']}   USD per 1,000 {f['usd_per_1000']}"
    )
    parts = [
        summary,
        _table(("label", "rows", "precision", "recall", "f1"), f["per_label"]),
        "\n".join(_mistakes(f["confusion"])),
        *(_table((name, "rows", "accuracy"), f[name]) for name in ("by_quality", "by_language", "by_source")),
        _table(("fact", "gold", "right", "open", "wrong", "accuracy", "right_or_open"), f["facts"]),
    ]
    if "baseline" in f:
        parts.append(
            f"keyword baseline: macro-F1 {f['baseline']['macro_f1']:.3f}, accuracy {f['baseline']['accuracy']:.3f}; "
            f"above it {f['macro_f1_above_baseline']:+.3f}"
        )
    if "wrap" in f:
        parts.append("\n".join(f"{name:24}{value}" for name, value in f["wrap"].items()))
    return "\n\n".join(part for part in parts if part)


def _table(columns: Sequence[str], rows: Mapping[str, Mapping[str, Any]]) -> str:
    first, *others = columns
    lines = [f"{first:48}" + "".join(f"{name:>14}" for name in others)]
    lines += [f"{name or '-':48}" + "".join(f"{figures[key]:>14}" for key in others) for name, figures in rows.items()]
    return "\n".join(lines)


def _mistakes(confusion: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    for true, said in confusion.items():
        wrong = ", ".join(f"{label} {count}" for label, count in said.items() if label != true)
        if wrong:
            yield f"{true} taken for: {wrong}"
