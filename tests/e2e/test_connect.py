"""The whole way of a person on this machine, over HTTP: connect, read the past, export, disconnect, leave."""

from __future__ import annotations

import http.client
import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from shared.errors import Rejected
from shared.local.mailfiles import wrap
from shared.local.runner import Options, Runner

PATIENCE = 60.0
ADA = "ada@example.com"


@pytest.fixture(scope="module")
def runner():
    with Runner(Options(clock_runs=False)) as runner:
        yield runner


def until(condition):
    """Wait for what functions do by themselves."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def submit(screen):
    """Press Continue on Google's page, with every box ticked; the parameters that the browser brings back."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(screen).query).items()}
    form = urlencode([*asked.items(), ("address", ADA), *(("granted", scope) for scope in asked["scope"].split())])
    connection = http.client.HTTPConnection(urlsplit(screen).netloc, timeout=10)
    try:
        connection.request("POST", "/o/oauth2/v2/auth", form, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        answer.read()
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    finally:
        connection.close()


def test_a_person_connects_finds_their_past_takes_it_along_and_leaves(runner):
    runner.gmail.add_person(ADA)
    receipt = wrap(
        "Acme <jobs@acme.example>",
        "Thank you for applying to Acme",
        "Hi,\n\nThank you for applying for the Engineer position at Acme. We have received your application.\n",
    )
    runner.gmail.receive(ADA, receipt, at=datetime.now(UTC) - timedelta(days=30))
    bearer = runner.sign_in("ada")

    screen = runner.api("GET", "/v1/gmail/connect", bearer=bearer)["address"]
    offer = runner.api("GET", f"/v1/gmail/callback?{urlencode(submit(screen))}", bearer=bearer)
    assert (offer["address"], [rung["granted"] for rung in offer["rungs"]]) == (ADA, [True, True])
    connected = runner.api("POST", "/v1/gmail/confirm", bearer=bearer)
    assert (connected["address"], connected["health"]) == (ADA, "ok")

    found = until(lambda: runner.api("GET", "/v1/applications", bearer=bearer)["applications"])
    assert [each["company"] for each in found] == ["Acme"]

    request = urllib.request.Request(f"{runner.url}/api/v1/me/export", headers={"Authorization": f"Bearer {bearer}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        told = json.loads(answer.read())
    assert [each["company"] for each in told["documents"]["applications"]] == ["Acme"]

    runner.api("DELETE", "/v1/gmail", bearer=bearer)
    until(lambda: runner.gmail.mailbox(ADA).subscription is None)
    with pytest.raises(Rejected, match="404"):
        runner.api("POST", "/v1/gmail/sync", {}, bearer=bearer)

    assert runner.api("DELETE", "/v1/me", bearer=bearer)["status"] == "leaving"
    until(lambda: not runner.api("GET", "/v1/applications", bearer=bearer)["applications"])
