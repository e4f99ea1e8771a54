"""Hearback on this machine, kept up: every function of the table, its clock, and a Gmail that you can write to."""

from __future__ import annotations

import argparse
import base64
import json
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path

from shared import accounts, registry
from shared.errors import Rejected, TryAgain
from shared.local.runner import Options, Runner
from shared.local.samples import PERSON
from shared.settings import LOCAL_CLIENT_ID

DATA_DIR = registry.TABLE.parent.parent / ".hearback"
"""Where the embedded wiring keeps its files between two starts."""

ADDRESS = DATA_DIR / "dev.json"
"""How `scripts/fire` finds the functions that are up."""

UID = "dev"

FIRE_SECONDS = 600.0
"""Longer than any function may take."""


def main(arguments: list[str] | None = None) -> int:
    """Run until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="dev", description=__doc__)
    parser.add_argument("--emulators", action="store_true", help="on Google's Firestore and Pub/Sub emulators")
    parser.add_argument("--port", type=int, default=8080, help="of the functions (default 8080; 0: a free one)")
    parser.add_argument("--memory", action="store_true", help="keep nothing between two starts")
    parser.add_argument("--data", type=Path, default=DATA_DIR, metavar="DIR", help="where to keep it otherwise")
    options = parser.parse_args(arguments)
    end_on_sigterm()
    data_dir = None if options.memory or options.emulators else options.data
    try:
        with Runner(Options(data_dir=data_dir, emulators=options.emulators, port=options.port)) as runner:
            _connect(runner)
            DATA_DIR.mkdir(exist_ok=True)
            ADDRESS.write_text(json.dumps({"url": runner.url, "google": runner.google.url}))
            try:
                print(_welcome(runner), flush=True)
                while True:
                    time.sleep(3600)
            finally:
                ADDRESS.unlink(missing_ok=True)
    except (Rejected, TryAgain) as e:
        print(f"dev: {e}")
        return 2
    except KeyboardInterrupt:
        return 0


def end_on_sigterm() -> None:
    """Let a polite kill end the program as Ctrl-C does, so that it stops what it started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _connect(runner: Runner) -> None:
    """A person to play with. The Gmail is new at each start: its history goes on from the time of day."""
    s = runner.services
    accounts.connect(
        UID,
        refresh_token=runner.gmail.add_person(PERSON, history_id=int(time.time())),
        settings=s.settings,
        store=s.store,
        gmail=s.gmail,
        vault=s.vault,
        clock=s.clock,
    )


def _welcome(runner: Runner) -> str:
    bearer = runner.sign_in(UID)
    names = ", ".join(row.name for row in runner.table)
    return f"""functions   {runner.url}/NAME/  ({names})
API         {runner.url}/api/v1/health
Gmail       {runner.google.url}  with one mailbox, {PERSON}
our mail    {runner.services.mail_folder}  (none leaves this machine)
bearer      {bearer}

See your applications:
  curl -H 'Authorization: Bearer {bearer}' {runner.url}/api/v1/applications
Let an employer write (a file with an RFC 5322 message):
  curl --data-binary @FILE.eml {runner.google.url}/local/mailboxes/{PERSON}/mail
Run a function now:
  ./scripts/fire wake_due
Ctrl-C ends it."""


def fire(arguments: list[str] | None = None) -> int:
    """Run one function of a running `scripts/dev` now; 0 when it answered that the work is done."""
    table = registry.load()
    parser = argparse.ArgumentParser(
        prog="fire",
        description="Run one function of a running scripts/dev now, or look at one person's mailbox (scan).",
    )
    parser.add_argument("name", choices=["scan", *(row.name for row in table if not row.http)], metavar="NAME")
    parser.add_argument("--payload", default="", help="JSON: the message of a topic, or the payload of a schedule")
    parser.add_argument("--user", metavar="ID", help="whose mailbox scan looks at")
    options = parser.parse_args(arguments)
    if options.name == "scan":
        if not options.user or not ADDRESS.exists():
            parser.error("scan needs --user" if ADDRESS.exists() else "scripts/dev is not up")
        return _scan(options.user, json.loads(ADDRESS.read_text()))
    row = table[options.name]
    payload = options.payload or json.dumps(row.schedules[0].payload if row.schedules else {})
    if not ADDRESS.exists():
        parser.error("scripts/dev is not up")
    body = payload.encode()
    if row.topics:
        body = json.dumps({"message": {"data": base64.b64encode(body).decode(), "messageId": "fire"}}).encode()
    url = f"{json.loads(ADDRESS.read_text())['url']}/{row.name}/"
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"}, method="POST")  # noqa: S310 - the address that dev wrote
    try:
        with urllib.request.urlopen(request, timeout=FIRE_SECONDS) as answer:  # noqa: S310 - the same
            status = answer.status
    except urllib.error.HTTPError as e:
        with e:
            status = e.code
    except OSError as e:
        parser.error(f"scripts/dev does not answer at {url}: {e}")
    done = status in (200, 204)
    print(f"{row.name}: {'done' if done else f'failed with {status}; the log of scripts/dev says why'}")
    return 0 if done else 1


def _scan(uid: str, places: dict[str, str]) -> int:
    """Ask the API for a look at this person's mailbox, as their front end does; 0 when one is queued."""
    try:
        token = _answer(f"{places['url']}/api/v1/local/sign-in", {"uid": uid})["token"]
    except urllib.error.HTTPError as e:
        # On the emulators there is no sign-in of ours, but Google's own, and its stand-in signs for anybody.
        e.close()
        asked = {"subject": uid, "audience": LOCAL_CLIENT_ID}
        token = _answer(f"{places['google']}/local/id-token", asked)["id_token"]
    try:
        _answer(f"{places['url']}/api/v1/gmail/sync", {}, bearer=str(token))
    except urllib.error.HTTPError as e:
        with e:
            print(f"scan: {json.loads(e.read())['detail']}")
        return 1
    print("scan: queued")
    return 0


def _answer(url: str, body: object, *, bearer: str = "") -> dict[str, object]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers, method="POST")  # noqa: S310 - the address that dev wrote
    with urllib.request.urlopen(request, timeout=FIRE_SECONDS) as answer:  # noqa: S310 - the same
        answered: dict[str, object] = json.loads(answer.read())
        return answered
