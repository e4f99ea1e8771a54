"""The commands of the README, run as a person runs them."""

from __future__ import annotations

import base64
import json
import mailbox
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shared.local.mailfiles import wrap
from shared.local.samples import MAILS

ROOT = Path(__file__).parent.parent.parent
LICENSED_MAIL = ROOT / "tests" / "data" / "licensed_mail.jsonl"
SECONDS = 180
WIRINGS = [pytest.param((), id="embedded"), pytest.param(("--emulators",), id="emulators", marks=pytest.mark.emulators)]


def command(name: str, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "scripts" / name), *arguments]


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"HEARBACK_VENV": sys.prefix}
    return subprocess.run(
        command(name, *arguments), capture_output=True, text=True, timeout=SECONDS, env=environ, check=False
    )


@pytest.mark.parametrize("wiring", WIRINGS)
def test_the_demo_shows_how_each_push_becomes_a_status_with_its_evidence(wiring):
    shown = run("demo", "--exit", *wiring)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    for sample in MAILS:
        assert sample.title.split()[-1] in shown.stdout
    for told in ("applied -> assessment", "interview", "closed rejected", "offer", "suggested only", "private"):
        assert told in shown.stdout, told
    assert "We are delighted" in shown.stdout
    assert "1 mail to jobs@saltmarsh-mapping.example in Sent, with the CV" in shown.stdout
    assert "belongs to Saltmarsh Mapping by reference" in shown.stdout


@pytest.mark.parametrize("wiring", WIRINGS)
def test_an_archive_is_played_whole_and_every_mail_has_a_record(tmp_path, wiring):
    lines = LICENSED_MAIL.read_text().splitlines()[:120]
    archive = tmp_path / "mail.jsonl"
    archive.write_text("\n".join(lines))
    shown = run("demo", "--exit", "--mail", str(archive), *wiring)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "120 mails, 120 with a record, 0 lost" in shown.stdout


def test_takeouts_mbox_and_a_folder_of_eml_are_played_too(tmp_path):
    data = [wrap(m.sender, m.subject, m.text) for m in MAILS]
    box = mailbox.mbox(tmp_path / "takeout.mbox")
    for each in data:
        box.add(each)
    box.close()
    folder = tmp_path / "mails"
    folder.mkdir()
    for number, each in enumerate(data):
        (folder / f"{number}.eml").write_bytes(each)
    for archive in (tmp_path / "takeout.mbox", folder):
        shown = run("demo", "--exit", "--mail", str(archive))
        assert shown.returncode == 0, shown.stdout + shown.stderr
        assert f"{len(data)} mails, {len(data)} with a record, 0 lost" in shown.stdout


@pytest.mark.parametrize("content", ["{", "[]", '{"from": 7}'])
def test_an_archive_that_is_none_is_refused_by_file_and_line(tmp_path, content):
    archive = tmp_path / "mail.jsonl"
    archive.write_text(content)
    shown = run("demo", "--exit", "--mail", str(archive))
    assert shown.returncode == 2
    assert "mail.jsonl:1" in shown.stdout


@contextmanager
def dev(*arguments: str) -> Iterator[dict[str, Any]]:
    """A running scripts/dev: the addresses that it prints."""
    process = subprocess.Popen(
        command("dev", "--port", "0", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"HEARBACK_VENV": sys.prefix},
    )
    try:
        assert process.stdout is not None
        told: dict[str, Any] = {"pid": process.pid}
        for line in process.stdout:
            words = line.split()
            if words and words[0] in ("functions", "API", "Gmail", "bearer"):
                told[words[0]] = words[1]
            if line.startswith("Ctrl-C"):
                break
        yield told
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


def fetch(url: str, *, bearer: str = "", data: bytes | None = None) -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    request = urllib.request.Request(url, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


@pytest.mark.parametrize("wiring", [pytest.param(("--memory",), id="embedded"), *WIRINGS[1:]])
def test_dev_keeps_every_function_up_and_fire_runs_one_now(wiring):
    with dev(*wiring) as told:
        assert fetch(told["API"])["wiring"] == ("local" if "--memory" in wiring else "emulators")
        receipt = next(mail for mail in MAILS if mail.title.startswith("receipt of"))
        data = wrap(receipt.sender, receipt.subject, receipt.text)
        fetch(f"{told['Gmail']}/local/mailboxes/ada@example.com/mail", data=data)
        applications = told["API"].replace("health", "applications")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = fetch(applications, bearer=told["bearer"])["applications"]
            if found:
                break
            fired = run("fire", "wake_due")
            assert fired.returncode == 0, fired.stdout + fired.stderr
            time.sleep(1)
        [application] = found
        assert (application["company"], application["stage"]) == ("Fernhill Systems", "applied")
        scanned = run("fire", "scan", "--user", "dev")
        assert (scanned.returncode, scanned.stdout) == (0, "scan: queued\n"), scanned.stderr


def test_the_readmes_click_is_answered_and_is_one_mail_though_it_is_clicked_twice():
    block = (ROOT / "README.md").read_text().partition("<!-- quick apply -->\n```sh\n")[2].partition("```")[0]
    with dev("--memory") as told:
        environ = os.environ | {"API": told["API"].removesuffix("/v1/health"), "TOKEN": told["bearer"]}
        clicks = [
            subprocess.run(["sh", "-c", block], capture_output=True, text=True, env=environ, timeout=60, check=True)
            for _ in range(2)
        ]
        first, second = (json.loads(click.stdout) for click in clicks)
        assert first["send"]["id"] == second["send"]["id"]
        sent = f"{told['Gmail']}/local/mailboxes/ada@example.com/sent"
        deadline = time.monotonic() + 60
        while not (mails := fetch(sent)["messages"]) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert len(mails) == 1
        assert b"To: jobs@acme.example" in base64.urlsafe_b64decode(mails[0]["raw"])


def test_what_dev_has_recorded_survives_a_kill(tmp_path):
    with dev("--data", str(tmp_path)) as told:
        body = json.dumps({"company": "Stripe", "role": "Engineer"}).encode()
        applications = told["API"].replace("health", "applications")
        made = fetch(applications, bearer=told["bearer"], data=body)
        os.kill(told["pid"], signal.SIGKILL)
    with dev("--data", str(tmp_path)) as told:
        applications = told["API"].replace("health", "applications")
        found = fetch(f"{applications}/{made['application']['id']}", bearer=told["bearer"])
        assert found["application"]["company"] == "Stripe"
        assert fetch(told["API"])["wiring"] == "local"


def test_fire_says_so_when_nothing_is_up():
    fired = run("fire", "wake_due")
    assert fired.returncode == 2
    assert "not up" in fired.stderr


def test_fire_refuses_a_name_that_is_not_in_the_table():
    fired = run("fire", "make_coffee")
    assert fired.returncode == 2


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)], ids=["here", "in CI"])
def test_without_the_emulators_the_tests_say_so_and_in_ci_they_fail(tmp_path, ci, code):
    """A machine without Java: nothing on the path but what the command itself needs."""
    environ = {name: value for name, value in os.environ.items() if name not in ("CI", "HEARBACK_REQUIRE_EMULATORS")}
    environ |= {"HEARBACK_VENV": sys.prefix, "PATH": str(tmp_path), "JAVA_HOME": str(tmp_path)} | (
        {"CI": ci} if ci else {}
    )
    shown = subprocess.run(
        command("test", "docs"), capture_output=True, text=True, timeout=SECONDS, env=environ, check=False
    )
    assert shown.returncode == code, shown.stdout + shown.stderr
    assert "NOT RUN: everything that needs Google's emulators" in shown.stdout
    assert "suites: 1 passed, 0 failed" in shown.stdout


def test_ci_runs_the_same_command_and_demands_the_emulators():
    script = (ROOT / ".ci" / "run").read_text()
    assert "exec ./scripts/test" in script
    assert "CI=true" in script
    assert "HEARBACK_REQUIRE_EMULATORS=1" in script
