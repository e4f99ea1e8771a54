"""docs/deploy.md and docs/verify.md: every command in them is run here, or checked by gcloud itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from shared import consent, registry
from shared.deploy import deploy
from shared.local import dev
from shared.local.runner import Runner
from tests.support import gcloud_lint, terraform

ROOT = registry.TABLE.parent.parent
SECONDS = 120
PERSON = "ada@example.com"
SECOND = "second@example.com"
FENCE = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
REPLY = (
    "Thank you for your application for Engineer. Unfortunately we have decided to move forward with other candidates."
)

STAND_IN = r"""#!/bin/sh
# A gcloud or terraform that is well: it writes down how it was called, and says what is asked for.
printf '%s %s\n' "$(basename "$0")" "$*" >> "$(dirname "$0")/calls"
case "$*" in
    *projectNumber*) echo 123456789012;;
    *"run services describe"*) echo new-2;;
    *"run revisions list"*) printf 'new-2\nold-1\n';;
    *describe*|*list*|*" ls "*|"storage ls"*|"auth print-access-token"*) echo there;;
esac
"""


def commands(name: str) -> list[str]:
    """Every command line of a guide, in order."""
    text = (ROOT / "docs" / name).read_text()
    return [line for block in FENCE.findall(text) for line in block.splitlines() if line.strip()]


DEPLOY = commands("deploy.md")
VERIFY = commands("verify.md")
EXPORTS = [line for line in DEPLOY if line.startswith("export ")]
OURS = [line for line in DEPLOY if line.startswith("./scripts/")]
ASKS_GOOGLE = ("./scripts/doctor --google", "./scripts/status --google")
"""They need a project; here they are run without one, and say which rights they lack."""


def test_every_command_of_the_guides_is_of_a_kind_that_is_tested_here():
    kinds = ("export ", "gcloud ", "./scripts/", "cp infra/environments/example.tfvars ")

    assert [line for line in DEPLOY if not line.startswith(kinds)] == []
    assert [line for line in VERIFY if not line.startswith("curl -sS ")] == []
    assert len(DEPLOY) > 15
    assert len(VERIFY) == 6


@pytest.mark.gcloud
def test_gcloud_knows_every_command_of_the_guide(tmp_path):
    lines = [line.replace("$GOOGLE_CLOUD_PROJECT", "hearback-example") for line in DEPLOY if line.startswith("gcloud ")]

    assert lines
    assert gcloud_lint.errors(lines, tmp_path) == []


@pytest.fixture
def machine(tmp_path, firestore):
    """Runs lines of a guide one after the other in one shell, with the stand-ins before the real programs."""
    place = tmp_path / "bin"
    place.mkdir()
    for name in ("gcloud", "terraform"):
        (place / name).write_text(STAND_IN)
        (place / name).chmod(0o755)

    def run(*lines, **environ):
        script = "set -e\n" + "\n".join(line.replace("./scripts/", f"{sys.executable} ./scripts/") for line in lines)
        return subprocess.run(
            ["/bin/sh", "-c", script],
            cwd=ROOT,
            env={
                "PATH": f"{place}:{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "HEARBACK_VENV": sys.prefix,
                # Google's library looks for a server of the platform that would lend an identity; there is none.
                "NO_GCE_CHECK": "true",
                deploy.FIRESTORE_ELSEWHERE: firestore[0],
                **environ,
            },
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    return run


@pytest.fixture
def calls(tmp_path):
    """Where the stand-ins write down how they were called."""
    return tmp_path / "bin" / "calls"


@pytest.mark.parametrize("line", [line for line in OURS if line not in ASKS_GOOGLE])
def test_every_script_of_the_guide_does_what_it_says(machine, calls, line):
    done = machine(*EXPORTS, line)

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stdout or calls.exists()


@pytest.mark.parametrize("line", ASKS_GOOGLE)
def test_without_rights_the_looks_at_google_say_so(machine, line):
    assert line in OURS
    done = machine(*EXPORTS, line)

    assert done.returncode == 1, done.stderr[-2000:]
    assert re.search(r"credentials|application-default", done.stdout), done.stdout + done.stderr[-2000:]


def test_terraform_is_given_the_environments_file_and_the_secrets_outside_its_command(machine, calls):
    done = machine(*EXPORTS, "./scripts/deploy --terraform")
    called = calls.read_text()

    assert done.returncode == 0, done.stderr
    assert "-backend-config=bucket=hearback-example-terraform" in called
    assert "apply -var-file=environments/production.tfvars" in called
    assert "the-secret-that-the-console-shows" not in called


def test_the_example_that_the_guide_copies_is_what_terraform_was_tried_with():
    (line,) = [line for line in DEPLOY if line.startswith("cp ")]

    assert line.split()[1] == f"infra/{terraform.VARIABLES}"


def test_verifying_from_the_consent_screen_to_the_answer(tmp_path):
    """Against the embedded wiring: the browser's and the employer's part is played by the local Google."""
    connect, callback, confirm, look, apply, applications = VERIFY
    with Runner() as runner:
        runner.gmail.add_person(PERSON)
        runner.gmail.add_person(SECOND)
        environ = {"API": f"{runner.url}/api", "TOKEN": runner.sign_in(dev.UID), "SECOND": SECOND}

        def run(line):
            done = subprocess.run(
                ["/bin/sh", "-c", line],
                env={"PATH": os.environ["PATH"], **environ},
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=True,
            )
            return json.loads(done.stdout)

        environ |= consented(run(connect)["address"])
        run(callback)
        run(confirm)
        assert run(look)["connected"] is True
        assert run(apply)["send"]["id"] == run(apply)["send"]["id"]

        def sent():
            return [raw for raw in runner.gmail.sent(PERSON) if SECOND.encode() in raw]

        wait_for(lambda: len(sent()) == 1)
        # Gmail drops what would be a second notification within a second, and connecting has just caused the first.
        time.sleep(1.1)
        runner.gmail.receive(PERSON, answer(sent()[0]), ["INBOX"])
        wait_for(lambda: any(each.get("outcome") for each in run(applications)["applications"]))
        assert len(sent()) == 1


def consented(screen: str) -> dict[str, str]:
    """What a browser brings back when the person has ticked everything."""
    place, _, query = screen.partition("?")
    asked = dict(urllib.parse.parse_qsl(query))
    form = [*asked.items(), ("address", PERSON), *(("granted", rung.scope) for rung in consent.LADDER)]
    opener = urllib.request.build_opener(
        type("Stay", (urllib.request.HTTPRedirectHandler,), {"redirect_request": lambda *_: None})
    )
    with pytest.raises(urllib.error.HTTPError) as found:
        opener.open(urllib.request.Request(place, data=urllib.parse.urlencode(form).encode()))
    with found.value as back:
        brought = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back.headers["Location"]).query))
    return {"STATE": brought["state"], "CODE": brought["code"]}


def answer(mail: bytes) -> bytes:
    """The employer's reply to a mail, from where it went to."""
    (message_id,) = re.findall(rb"(?mi)^message-id: *(\S+)", mail)
    head = [
        f"From: Hiring <{SECOND}>",
        f"To: {PERSON}",
        "Subject: Re: Application: Engineer",
        "Message-ID: <reply-1@example.com>",
        f"In-Reply-To: {message_id.decode()}",
        f"References: {message_id.decode()}",
        "Date: Mon, 05 Jan 2026 09:00:00 +0000",
        "Authentication-Results: mx.google.com; dkim=pass header.d=example.com; dmarc=pass header.from=example.com",
    ]
    return "\r\n".join([*head, "", REPLY, ""]).encode()


def wait_for(happened) -> None:
    limit = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < limit
        time.sleep(0.1)
