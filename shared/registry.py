"""The functions table, read and checked: what wakes each function, its limits, and what is made from them.

For whoever deploys, runs or tests the functions; a deployed function never imports this module.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from shared.codec import from_plain
from shared.dead_letters import subscription_name
from shared.errors import Rejected

TABLE = Path(__file__).parent.parent / "functions" / "registry.yaml"
SCHEMA = TABLE.with_name("registry.schema.json")

DEAD_LETTER_RETENTION = timedelta(days=31)
"""What nobody could handle waits as long as Pub/Sub keeps anything: until somebody has seen the alert."""

RETENTION = timedelta(days=7)
"""Pub/Sub's default: an outage of ours may last a week before a wake-up is lost, and then the sweeps are left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One time at which a function is called, and with what."""

    cron: str
    """Minute, hour, day, month, weekday, in UTC."""
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """The wait between two deliveries; doubles from the least to the most."""

    minimum_seconds: int
    maximum_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One function. Exactly one of `topics`, `schedules` and `http` says what wakes it."""

    name: str
    """Also its folder, its entry point and its name in the log."""
    summary: str
    topics: tuple[str, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    http: Literal["", "public", "private"] = ""
    dead_letter: str = ""
    paths: tuple[str, ...] = ()
    """What of the project's own domain leads here; the public function without any gets the rest."""
    cpu: float
    memory: str
    concurrency: int
    max_instances: int
    work_budget_seconds: int
    timeout_seconds: int
    ack_deadline_seconds: int
    lease_seconds: int
    attempts: int
    backoff: Backoff
    units_per_minute: int
    groups: tuple[str, ...]
    uses: tuple[str, ...]

    @property
    def trigger(self) -> str:
        """What wakes it, in words: "topic gmail-push", "every minute", "HTTP, public"."""
        if self.http:
            return f"HTTP, {self.http}"
        if self.topics:
            return f"topic{'s' if len(self.topics) > 1 else ''} {', '.join(self.topics)}"
        crons = (schedule.cron for schedule in self.schedules)
        return ", ".join("every minute" if cron == "* * * * *" else f"`{cron}`" for cron in crons)


@dataclass(frozen=True, slots=True)
class Table:
    """All rows, by name, in the order of the file."""

    rows: Mapping[str, Row]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def __getitem__(self, name: str) -> Row:
        return self.rows[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Who gets the messages of a topic, and on what terms."""

    name: str
    topic: str
    function: str
    ack_deadline: timedelta
    minimum_backoff: timedelta
    maximum_backoff: timedelta
    max_attempts: int | None
    """Deliveries before the message goes to `dead_letter`; None together with it: for ever."""
    dead_letter: str | None
    retention: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job of the scheduler."""

    name: str
    function: str
    schedule: Schedule


def load(path: Path = TABLE) -> Table:
    """Read and check the table. Raises Rejected with every error, each naming its row and field."""
    import yaml  # noqa: PLC0415 - only whoever reads the table pays for the parser

    try:
        written = yaml.safe_load(path.read_text())
    except yaml.YAMLError as e:
        raise Rejected(f"{path.name}: {e}") from e
    _check(written)
    folded = {name: {**written["defaults"], **row} for name, row in written["functions"].items()}
    _check({**written, "functions": folded})
    table = Table({name: _row(name, row) for name, row in folded.items()})
    _check_topics(table)
    return table


def environment(row: Row) -> dict[str, str]:
    """The variables that carry a row's limits into its process, for us and for the functions framework."""
    return {
        "FUNCTION_TARGET": row.name,
        "THREADS": str(row.concurrency),
        # Cloud Run only stops waiting for a call that takes too long; its thread would be lost to the instance. With
        # these two the framework ends it by an exception, or kills its worker where there is one thread.
        "CLOUD_RUN_TIMEOUT_SECONDS": str(row.timeout_seconds),
        "THREADED_TIMEOUT_ENABLED": "true",
        "HEARBACK_USES": ",".join(row.uses),
        "HEARBACK_WORK_BUDGET_SECONDS": str(row.work_budget_seconds),
        "HEARBACK_LEASE_SECONDS": str(row.lease_seconds),
        "HEARBACK_UNITS_PER_MINUTE": str(row.units_per_minute),
    }


def topics(table: Table) -> tuple[str, ...]:
    """Every topic that the table names, dead letters included, each once."""
    named = [topic for row in table for topic in (*row.topics, row.dead_letter) if topic]
    return tuple(dict.fromkeys(named))


def subscriptions(table: Table) -> tuple[Subscription, ...]:
    """One subscription for each topic and the function that gets its messages."""
    return tuple(
        Subscription(
            name=subscription_name(topic, row.name),
            topic=topic,
            function=row.name,
            ack_deadline=timedelta(seconds=row.ack_deadline_seconds),
            minimum_backoff=timedelta(seconds=row.backoff.minimum_seconds),
            maximum_backoff=timedelta(seconds=row.backoff.maximum_seconds),
            max_attempts=row.attempts if row.dead_letter else None,
            dead_letter=row.dead_letter or None,
            retention=RETENTION if row.dead_letter else DEAD_LETTER_RETENTION,
        )
        for row in table
        for topic in row.topics
    )


def schedules(table: Table) -> tuple[Job, ...]:
    """One job for each schedule; the jobs of a function with several are numbered."""
    return tuple(
        Job(name=row.name if len(row.schedules) == 1 else f"{row.name}-{n}", function=row.name, schedule=schedule)
        for row in table
        for n, schedule in enumerate(row.schedules, start=1)
    )


def readme_table(table: Table) -> str:
    """The table of functions as Markdown."""
    lines = ["| function | woken by | what it does |", "|---|---|---|"]
    lines += [f"| [{row.name}](functions/{row.name}/main.py) | {row.trigger} | {row.summary} |" for row in table]
    return "\n".join(lines) + "\n"


def _row(name: str, plain: Mapping[str, Any]) -> Row:
    topics = [plain["topic"]] if "topic" in plain else plain.get("topics", ())
    try:
        return from_plain(Row, {**plain, "name": name, "topics": topics})
    except Rejected as e:
        raise Rejected(f"functions.{name}: {e}") from e


def _check(table: object) -> None:
    """Hold the table against its schema."""
    import jsonschema  # noqa: PLC0415 - only whoever reads the table pays for the validator

    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    found = [(".".join(map(str, e.absolute_path)), str(e.validator), _words(e)) for e in validator.iter_errors(table)]
    # A field counts as "unevaluated" as soon as any rule about it fails: then it only repeats the other error.
    others = [place for place, rule, _ in found if rule != "unevaluatedProperties"]
    errors = [
        f"{place or 'the table'}: {words}"
        for place, rule, words in found
        if rule != "unevaluatedProperties" or not any(other.startswith(place) for other in others)
    ]
    if errors:
        raise Rejected("\n".join(sorted(set(errors))))


def _words(error: Any) -> str:
    """The rule in the schema's own words where it has some: the validator's repeat the whole row."""
    described = error.schema.get("description", "") if isinstance(error.schema, Mapping) else ""
    return described if error.validator in ("oneOf", "not") else f"{error.message}. {described}".rstrip(" .")


def _check_topics(table: Table) -> None:
    """The rules between rows: every dead letter is looked after, and no topic wakes two functions."""
    readers: dict[str, list[str]] = {}
    for row in table:
        for topic in row.topics:
            readers.setdefault(topic, []).append(row.name)
    errors = [f"functions.{names[1]}.topic: {t} wakes {names[0]} already" for t, names in readers.items() if names[1:]]
    errors += [
        f"functions.{row.name}.dead_letter: no function reads {row.dead_letter}, so its messages would be lost"
        for row in table
        if row.dead_letter and row.dead_letter not in readers
    ]
    if errors:
        raise Rejected("\n".join(errors))
