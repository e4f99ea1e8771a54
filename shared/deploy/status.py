"""How it goes: each function's trigger, its next and last run, what is under way and waiting, mailboxes in trouble."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from croniter import croniter
from google.auth.credentials import Credentials

from shared import registry
from shared.adapters import google_api
from shared.adapters.local_queue import LocalQueue
from shared.deploy import doctor
from shared.errors import Rejected, TryAgain
from shared.model import Mailbox
from shared.registry import Row, Table
from shared.schema import DEAD_LETTERS_NEWEST, MAILBOXES_ALL, RUNS_OF_FUNCTION
from shared.services import Services
from shared.settings import Settings

METRIC = "pubsub.googleapis.com/subscription"
WINDOW = timedelta(minutes=10)
"""How far back the newest point of a metric is looked for; Pub/Sub writes one a minute, some minutes late."""

OVERDUE = timedelta(minutes=10)
"""wake_due runs every minute, so that nothing waits so long unless something is wrong."""

PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One function. Empty words and None: not known, or not a thing of its trigger."""

    function: str
    trigger: str
    next_run: datetime | None = None
    last_run: datetime | None = None
    outcome: str = ""
    in_flight: int | None = None
    waiting: int | None = None


class Depths(Protocol):
    """How many messages each subscription has, and how many of them somebody is at work on."""

    def depth(self) -> Mapping[str, int]:
        """Unacknowledged, by subscription."""
        ...

    def in_flight(self) -> Mapping[str, int]:
        """Of these, the delivered ones that nobody has answered yet."""
        ...


class GoogleDepths:
    """Pub/Sub's depths, from Cloud Monitoring: a minute or two old."""

    def __init__(self, settings: Settings, credentials: Credentials, now: datetime) -> None:
        self._settings, self._credentials, self._now = settings, credentials, now

    def depth(self) -> Mapping[str, int]:
        """Unacknowledged, by subscription. Raises Rejected, TryAgain."""
        return self._newest("num_undelivered_messages")

    def in_flight(self) -> Mapping[str, int]:
        """Delivered and unanswered, by subscription. Raises Rejected, TryAgain."""
        return self._newest("num_outstanding_messages")

    def _newest(self, metric: str) -> dict[str, int]:
        api = google_api.build("monitoring", "v3", self._settings.google_root).projects().timeSeries()
        request = api.list(
            name=f"projects/{self._settings.project}",
            filter=f'metric.type = "{METRIC}/{metric}"',
            interval_startTime=f"{self._now - WINDOW:%Y-%m-%dT%H:%M:%SZ}",
            interval_endTime=f"{self._now:%Y-%m-%dT%H:%M:%SZ}",
        )
        answer = google_api.execute(request, self._credentials, dict) or {}
        # The points of a series are the newest first.
        return {
            each["resource"]["labels"]["subscription_id"]: int(each["points"][0]["value"]["int64Value"])
            for each in answer.get("timeSeries", ())
        }


def lines(table: Table, services: Services, depths: Depths) -> Iterator[Line]:
    """Every function, in the order of the table. Raises TryAgain when something does not answer."""
    now = services.clock.now()
    waiting, in_flight = depths.depth(), depths.in_flight()
    for row in table:
        subscriptions = [each.name for each in registry.subscriptions(table) if each.function == row.name]
        last, outcome = _last(row, services)
        yield Line(
            function=row.name,
            trigger=row.trigger,
            next_run=min((croniter(each.cron, now).get_next(datetime) for each in row.schedules), default=None),
            last_run=last,
            outcome=outcome,
            in_flight=sum(in_flight.get(name, 0) for name in subscriptions) if subscriptions else None,
            waiting=sum(waiting.get(name, 0) for name in subscriptions) if subscriptions else None,
        )


def troubles(services: Services) -> Iterator[str]:
    """Each mailbox that somebody should look at, by its id: why, and since when. Raises TryAgain."""
    now = services.clock.now()
    cursor = ""
    while True:
        page = services.store.find(MAILBOXES_ALL, limit=PAGE, cursor=cursor)
        for snapshot in page.items:
            if why := "; ".join(_troubles(snapshot.value, now)):
                yield f"{snapshot.value.id[:12]}: {why}"
        cursor = page.next
        if not cursor:
            return


def report(table: Table, services: Services, depths: Depths) -> str:
    """All of it, as it is printed."""
    rows = [("function", "woken by", "next", "last", "outcome", "in flight", "waiting")]
    rows += [
        (
            each.function,
            each.trigger,
            _moment(each.next_run),
            _moment(each.last_run),
            each.outcome,
            _count(each.in_flight),
            _count(each.waiting),
        )
        for each in lines(table, services, depths)
    ]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    said = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    letters = services.store.find(DEAD_LETTERS_NEWEST, limit=PAGE).items
    open_letters = [each.value for each in letters if each.value.redriven_at is None]
    said += ["", f"dead letters: {len(open_letters)}{' or more' if len(letters) == PAGE else ''}"]
    said += [f"  {each.recorded_at:%Y-%m-%d %H:%M} {each.function}: {each.reason}" for each in open_letters[:5]]
    found = list(troubles(services))
    said += [f"mailboxes in trouble: {len(found)}", *(f"  {each}" for each in found)]
    return "\n".join(said)


def main(arguments: list[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Print the report; 1 when it cannot be had."""
    parser = argparse.ArgumentParser(prog="status", description=__doc__)
    parser.add_argument("--google", action="store_true", help="a deployment on Google Cloud, by GOOGLE_CLOUD_PROJECT")
    parser.add_argument("--region", default="europe-west1", help="where it was deployed (default europe-west1)")
    default = registry.TABLE.parent.parent / ".hearback"
    parser.add_argument("--data", type=Path, default=default, metavar="DIR", help="where scripts/dev keeps its files")
    options = parser.parse_args(arguments)
    services: Services | None = None
    try:
        depths: Depths
        if options.google:
            services = doctor.of_google(environ, options.region, uses="firestore")
            depths = GoogleDepths(services.settings, google_api.default_credentials(), services.clock.now())
        else:
            services = doctor.of_this_machine(options.data)
            if services is None:
                print(f"status: nothing is kept in {options.data}; start scripts/dev, or ask with --google")
                return 1
            queue = services.queue
            assert isinstance(queue, LocalQueue)  # noqa: S101 - the local wiring has no other
            depths = queue
        print(report(registry.load(), services, depths))
    except (Rejected, TryAgain) as e:
        print(f"status: {e}; scripts/doctor says what to mend")
        return 1
    finally:
        if services is not None:
            services.close()
    return 0


def _last(row: Row, services: Services) -> tuple[datetime | None, str]:
    """When a scheduled function ran last, and what came of it. The others leave no record of their own."""
    found = services.store.find(RUNS_OF_FUNCTION, limit=1, equal={"function": row.name}).items
    if not found:
        return None, "never" if row.schedules else ""
    run = found[0].value
    counts = {"scanned": run.scanned, "queued": run.queued, "updated": run.updated, "failed": run.failed}
    return run.started_at, ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing to do"


def _troubles(mailbox: Mailbox, now: datetime) -> Iterator[str]:
    if mailbox.health != "ok":
        yield mailbox.health
    if mailbox.trouble:
        yield mailbox.trouble
    if mailbox.watch_expires_at is not None and mailbox.watch_expires_at <= now:
        yield f"not watched since {_moment(mailbox.watch_expires_at)}"
    if mailbox.due_at is not None and mailbox.due_at < now - OVERDUE:
        yield f"due since {_moment(mailbox.due_at)}"


def _moment(at: datetime | None) -> str:
    return f"{at:%m-%d %H:%M}" if at else ""


def _count(number: int | None) -> str:
    return "" if number is None else str(number)
