"""The demo: a job search, or your own mail, played through Hearback on this machine while you watch."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared import accounts, mailbox
from shared.errors import Rejected, TryAgain
from shared.local import mailfiles, samples
from shared.local.dev import end_on_sigterm
from shared.local.runner import Options, Runner
from shared.model import Event, MailRecord, MailStatus, Round
from shared.schema import APPLICATIONS, MAILS

PAUSE_SECONDS = 1.1
"""Between two mails of the story: Gmail pushes once a second at most and drops the rest."""

PATIENCE_SECONDS = 30.0
"""How long one mail may take to get its record before the demo says that something is wrong."""

PLAIN_WIDTH = 150
"""Columns of the tables when nobody says how wide the page is."""

SHOWN = 25
"""Applications in the closing table; an archive may have hundreds."""

SEARCHES = ("tech", "data-science")
"""The searches that everybody has."""

ARCHIVE_UNITS_PER_MINUTE = 1_000_000
"""Quota of the local Gmail while an archive is played: a person's real 6,000 would stretch it over an hour."""

WORDS = {
    MailStatus.LINKED: "an application's event",
    MailStatus.SUGGESTED: "a suggestion, waits for your yes",
    MailStatus.NOTED: "noted, concerns no application",
    MailStatus.PRIVATE: "private, body never fetched",
    MailStatus.REPLY: "your own reply",
    MailStatus.SENT: "your own, sent through us",
    MailStatus.PARKED: "parked, could not be read",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; 0 when every mail got its record."""
    options = _options(arguments)
    console = Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
    end_on_sigterm()
    # The functions write their structured log to standard error; the story is told on standard output.
    logging.disable(logging.CRITICAL)
    try:
        with Runner(
            Options(
                emulators=options.emulators,
                port=options.port,
                units_per_minute=ARCHIVE_UNITS_PER_MINUTE if options.mail else 0,
            )
        ) as runner:
            return _play(runner, options, console)
    except (Rejected, TryAgain) as e:
        console.print(f"[red]{e}[/red]")
        return 2
    except KeyboardInterrupt:
        return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument(
        "--mail", type=Path, metavar="FILE", help="play an .mbox, a folder of .eml, or a .jsonl instead"
    )
    parser.add_argument("--emulators", action="store_true", help="on Google's Firestore and Pub/Sub emulators")
    parser.add_argument("--exit", action="store_true", help="end after the story instead of staying up")
    parser.add_argument("--port", type=int, default=0, help="of the functions; a free one unless named")
    options = parser.parse_args(arguments)
    if options.mail and not options.mail.exists():
        parser.error(f"{options.mail} does not exist")
    return options


def _play(runner: Runner, options: argparse.Namespace, console: Console) -> int:
    person = Person(runner)
    where = "Google's emulators" if options.emulators else "the embedded SQLite"
    console.print(f"[bold]Hearback[/bold] on {where}, functions at {runner.url}, a Gmail at {runner.google.url}\n")
    complete = person.play_archive(options.mail, console) if options.mail else person.play_story(console)
    person.show_applications(console)
    complete = person.search_jobs(console) and complete
    if not options.exit:
        console.print(f"\nStill up at [bold]{runner.url}[/bold]; Ctrl-C ends it. Try:")
        console.print(
            f'  curl -H "Authorization: Bearer {person.bearer}" {runner.url}/api/v1/applications', soft_wrap=True
        )
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)
    return 0 if complete else 1


class Person:
    """The job seeker at the demo's Gmail, signed in at its API."""

    def __init__(self, runner: Runner) -> None:
        self.runner, self.services = runner, runner.services
        self.uid = "demo"
        self.bearer = runner.sign_in(self.uid)
        grant = runner.gmail.add_person(samples.PERSON)
        connected = accounts.connect(
            self.uid,
            refresh_token=grant,
            settings=self.services.settings,
            store=self.services.store,
            gmail=self.services.gmail,
            vault=self.services.vault,
            clock=self.services.clock,
        )
        self.mailbox_id = connected.id

    # --- The story ----------------------------------------------------------------------------------------------------

    def play_story(self, console: Console) -> bool:
        """Apply to a few jobs, then let the employers write; True when every mail got its record."""
        sent = {job.company: job.message_id for job in samples.JOBS}
        for job in samples.JOBS:
            self.runner.api(
                "POST",
                "/v1/applications",
                {"company": job.company, "role": job.role, "stage": "applied"},
                bearer=self.bearer,
            )
            self.runner.gmail.receive(samples.PERSON, samples.application_mail(job), labels=("SENT",))
            console.print(f"applied to [bold]{job.company}[/bold] as {job.role}")
        console.print()
        table = Table("mail", "read as", "belongs to", "status", "because it says", title="Every push as it arrives")
        complete = True
        with Live(table, console=console, refresh_per_second=8):
            for sample in samples.MAILS:
                time.sleep(PAUSE_SECONDS)
                before = {application["id"]: application["stage"] for application in self.applications()}
                data = samples.employers_mail(
                    sample, sent_message_id=sent.get(sample.replies_to, ""), now=datetime.now(UTC)
                )
                started = time.monotonic()
                message = self.runner.gmail.receive(samples.PERSON, data, labels=sample.labels)
                record = self.wait_for(message)
                complete = complete and record is not None
                milliseconds = (time.monotonic() - started) * 1000
                table.add_row(f"{sample.title}\n[dim]{milliseconds:.0f} ms[/dim]", *self.told(record, before))
        console.print()
        return self.play_quick_apply(console) and complete

    def play_quick_apply(self, console: Console) -> bool:
        """One click with a CV, one mail in Sent, and an answer that its thread leads home; True when all came."""
        job = samples.CLICKED
        file = {"Content-Type": "application/pdf", "Content-Disposition": 'attachment; filename="cv.pdf"'}
        cv = self.runner.api("POST", "/v1/documents", samples.CV, bearer=self.bearer, headers=file)
        order = {
            "company": job.company,
            "role": job.role,
            "recipient": job.recipient,
            "letter": samples.clicked_letter(),
            "attachments": [cv["id"]],
            "send_after": 0,
        }
        started = time.monotonic()
        click = {"Idempotency-Key": "one-click"}
        done = self.runner.api("POST", "/v1/applications/quick", order, bearer=self.bearer, headers=click)
        answered = (time.monotonic() - started) * 1000
        # Whoever clicks again gets the same answer, and nobody a second mail.
        again = self.runner.api("POST", "/v1/applications/quick", order, bearer=self.bearer, headers=click)
        send = self.wait_for_send(done["send"]["id"])
        if send["delivery"] != "sent" or again["send"]["id"] != send["id"]:
            console.print(f"[red]Quick Apply: the mail is {send['delivery']}[/red]")
            return False
        mails = [mail for mail in self.runner.gmail.sent(samples.PERSON) if job.recipient.encode() in mail]
        seconds = time.monotonic() - started
        console.print(f"Quick Apply at [bold]{job.company}[/bold], clicked twice: answered in {answered:.0f} ms;")
        console.print(f"{len(mails)} mail to {job.recipient} in Sent, with the CV, {seconds:.1f} s after the click")
        time.sleep(PAUSE_SECONDS)
        data = samples.employers_mail(samples.REPLY, sent_message_id=send["message_id"], now=datetime.now(UTC))
        before = {application["id"]: application["stage"] for application in self.applications()}
        record = self.wait_for(self.runner.gmail.receive(samples.PERSON, data))
        read_as, link, moved, _ = self.told(record, before)
        console.print(f"{samples.REPLY.title}: {read_as}; belongs to {link}; {moved}\n".replace("\n[dim]", " [dim]"))
        is_home = record is not None and record.application_id == done["application"]["id"]
        return len(mails) == 1 and is_home

    def wait_for_send(self, send_id: str) -> dict[str, Any]:
        """What became of a send, once it has left or come to its end."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            send: dict[str, Any] = self.runner.api("GET", f"/v1/sends/{send_id}", bearer=self.bearer)
            if send["delivery"] not in ("queued", "sending") or time.monotonic() > deadline:
                return send
            time.sleep(0.05)

    def told(self, record: MailRecord | None, before: dict[str, Any]) -> tuple[str, str, str, str]:
        """One mail's decision, in the columns of the table."""
        if record is None:
            return "[red]no record[/red]", "", "", ""
        verdict = record.verdict
        read_as = f"{verdict.signal}\n[dim]{verdict.confidence:.0%} sure[/dim]" if verdict else WORDS[record.status]
        if not record.application_id:
            return read_as, "-", WORDS[record.status], record.reason
        application = self.services.store.get(APPLICATIONS.key(self.uid, record.application_id))
        if application is None:
            return read_as, "[red]missing[/red]", "", ""
        value = application.value
        event = value.events[f"mail:{record.id}:1"]
        link = f"{value.company}\n[dim]by {event.link.rule}[/dim]" if event.link else value.company
        was = before.get(value.id, "new")
        moved = f"{was} -> [bold]{value.stage}[/bold]" if was != value.stage else str(value.stage)
        moved += "".join(f"\n{_meeting(each)}" for each in value.interviews if each.event == event.key)
        if not event.automatic:
            moved += f"\n[yellow]suggested only: {event.why_not}[/yellow]"
        return read_as, link, moved, _quotes(event)

    # --- An archive ---------------------------------------------------------------------------------------------------

    def play_archive(self, path: Path, console: Console) -> bool:
        """Play mail out of a file; True when every mail got its record."""
        total = mailfiles.count(path)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        messages: list[str] = []
        started = time.monotonic()
        with Progress(*columns, console=console) as progress:
            playing = progress.add_task("into the inbox", total=total)
            deciding = progress.add_task("decided", total=total)
            for filed in mailfiles.read(path):
                messages.append(self.runner.gmail.receive(samples.PERSON, filed.data, labels=filed.labels))
                progress.advance(playing)
            waiting, last = set(messages), time.monotonic()
            while waiting and time.monotonic() - last < PATIENCE_SECONDS:
                # Gmail drops all but one push a second; what the last push did not cover, a wake-up does.
                self.services.queue.publish(mailbox.SYNC_TOPIC, mailbox.MailboxDirty(mailbox_id=self.mailbox_id))
                time.sleep(PAUSE_SECONDS)
                decided = self.decided(waiting)
                if decided:
                    waiting -= decided
                    last = time.monotonic()
                    progress.update(deciding, completed=total - len(waiting))
        seconds = time.monotonic() - started
        self.show_archive(console, messages, waiting, seconds)
        return not waiting

    def decided(self, waiting: set[str]) -> set[str]:
        """Which of the messages have their record."""
        found = self.services.store.get_many([MAILS.key(self.uid, id_) for id_ in sorted(waiting)])
        return {record.key.id for record in found if record is not None}

    def show_archive(self, console: Console, messages: list[str], waiting: set[str], seconds: float) -> None:
        """What was understood, and what it did."""
        found = self.services.store.get_many([MAILS.key(self.uid, id_) for id_ in messages])
        counts: Counter[tuple[str, MailStatus]] = Counter()
        for snapshot in found:
            if snapshot is not None:
                verdict = snapshot.value.verdict
                counts[str(verdict.signal) if verdict else "(body not read)", snapshot.value.status] += 1
        statuses = [status for status in MailStatus if any(key[1] is status for key in counts)]
        table = Table("read as", *(WORDS[status] for status in statuses), "all", title="What was understood")
        for signal in sorted({key[0] for key in counts}):
            row = [counts[signal, status] for status in statuses]
            table.add_row(signal, *(str(number or "") for number in row), str(sum(row)))
        totals = [sum(counts[key] for key in counts if key[1] is status) for status in statuses]
        table.add_section()
        table.add_row("all", *map(str, totals), str(sum(totals)))
        console.print(table)
        rate = len(messages) / seconds if seconds else 0.0
        console.print(f"{len(messages)} mails, {sum(totals)} with a record, {len(waiting)} lost, {rate:.0f} a second")

    # --- What is there now --------------------------------------------------------------------------------------------

    def wait_for(self, message: str) -> MailRecord | None:
        """The record of a message, once the push has brought it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = self.services.store.get(MAILS.key(self.uid, message))
            if found is not None:
                return found.value
            time.sleep(0.02)
        return None

    def applications(self) -> list[dict[str, Any]]:
        """The person's applications, as the API lists them."""
        listed = self.runner.api("GET", "/v1/applications?limit=100", bearer=self.bearer)["applications"]
        return list(listed)

    def search_jobs(self, console: Console) -> bool:
        """Run the two searches that everybody has, as the clock would; True when both have found jobs."""
        for search in SEARCHES:
            self.runner.call("scrape_jobs", json.dumps({"search": search}).encode())
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            searches = self.runner.api("GET", "/v1/searches", bearer=self.bearer)["searches"]
            if len(searches) == len(SEARCHES) and not any(each["running"] for each in searches):
                break
            time.sleep(0.1)
        table = Table("company", "job", "where", "pays", title="\nWhat the two searches of everybody have found")
        for job in self.runner.api("GET", f"/v1/jobs?limit={SHOWN}", bearer=self.bearer)["jobs"]:
            pay = job.get("salary")
            pays = f"{pay['minimum']:,.0f} - {pay['maximum']:,.0f} {pay['currency']}" if pay else ""
            table.add_row(job["company"], job["title"], job["location"], pays)
        console.print(table)
        return len(searches) == len(SEARCHES) and all(each["found"] and not each["failures"] for each in searches)

    def show_applications(self, console: Console) -> None:
        """The applications as a front end sees them, and how many questions are open."""
        shown = self.applications()
        table = Table("company", "role", "stage", "attention", title="The applications, from the API")
        for application in shown[:SHOWN]:
            stage = " ".join(filter(None, (application["stage"], application.get("outcome"))))
            table.add_row(application["company"], application["role"], stage, application["attention"])
        console.print(table)
        if len(shown) > SHOWN:
            console.print("... and more; the API lists all of them")
        waiting = self.runner.api("GET", "/v1/suggestions?limit=100", bearer=self.bearer)["suggestions"]
        console.print(f"{len(waiting)} mails wait for your word on where they belong")


def _meeting(interview: Round) -> str:
    if interview.start is None:
        return "a time is still to be agreed"
    return f"{interview.start:%a %d %b %H:%M} UTC"


def _quotes(event: Event) -> str:
    return "\n".join(f'"{span.text}"' for span in event.evidence[:2])
