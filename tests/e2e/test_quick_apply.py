"""Quick Apply through every function on this machine: from the click to the mail in the local Gmail's Sent."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest

from shared import accounts
from shared.errors import Rejected
from shared.local.runner import Options, Runner
from tests.support.hostile import by_another, by_the_library

ADDRESS = "ada@example.com"
SECONDS = 30
QUICK = {"company": "Acme", "role": "Engineer", "recipient": "jobs@acme.example", "letter": "Dear Acme,\n\nhire me."}


class Person:
    """Ada, signed in, with her Gmail connected."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.bearer = runner.sign_in("ada")
        s = runner.services
        accounts.connect(
            "ada",
            refresh_token=runner.gmail.add_person(ADDRESS),
            settings=s.settings,
            store=s.store,
            gmail=s.gmail,
            vault=s.vault,
            clock=s.clock,
        )

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.runner.api(method, path, body, bearer=self.bearer, headers=given)

    def quick(self, key: str, **changes: Any) -> Any:
        return self.call("POST", "/v1/applications/quick", {**QUICK, **changes}, Idempotency_Key=key)

    def wait_for(self, send_id: str, delivery: str) -> Any:
        until = time.monotonic() + SECONDS
        while (send := self.call("GET", f"/v1/sends/{send_id}"))["delivery"] != delivery:
            assert time.monotonic() < until, send
            time.sleep(0.05)
        return send

    def sent_to(self, recipient: str) -> list[bytes]:
        line = f"\r\nTo: {recipient}\r\n".encode()
        return [mail for mail in self.runner.gmail.sent(ADDRESS) if line in mail]


@pytest.fixture(scope="module")
def person() -> Iterator[Person]:
    logging.disable(logging.CRITICAL)
    try:
        with Runner(Options(clock_runs=False)) as runner:
            yield Person(runner)
    finally:
        logging.disable(logging.NOTSET)


def test_one_click_is_one_mail_in_sent_with_its_attachments(person):
    pdf = b"%PDF-1.7\n" + bytes(range(256)) * 20_000
    file = {"Content_Type": "application/pdf", "Content_Disposition": "attachment; filename*=UTF-8''CV%20%C3%A9.pdf"}
    document = person.call("POST", "/v1/documents", pdf, **file)
    first = person.quick("click", attachments=[document["id"]], send_after=0)
    again = person.quick("click", attachments=[document["id"]], send_after=0)
    send = person.wait_for(first["send"]["id"], "sent")

    assert again["send"]["id"] == first["send"]["id"]
    [mail] = person.sent_to("jobs@acme.example")
    for seen in (by_the_library(mail), by_another(mail)):
        assert seen.subject == "Application: Engineer"
        assert seen.text == "Dear Acme,\n\nhire me.\n"
        assert "<p>hire me.</p>" in seen.html
        assert seen.attachments == (("CV é.pdf", "application/pdf", pdf),)
    assert f"Message-ID: {send['message_id']}\r\n".encode() in mail
    application = person.call("GET", f"/v1/applications/{first['application']['id']}")
    assert (application["application"]["stage"], application["application"]["delivery"]) == ("applied", "sent")
    assert [event["delivery"] for event in application["ledger"] if event["kind"] == "delivery"][:3] == [
        "queued",
        "sending",
        "sent",
    ]


def test_a_mail_that_is_called_back_in_time_never_leaves(person):
    done = person.quick("recalled", company="Globex", recipient="a@globex.example", letter="Dear Globex", send_after=2)
    assert person.call("POST", f"/v1/sends/{done['send']['id']}/cancel")["delivery"] == "cancelled"
    time.sleep(2.5)

    assert person.sent_to("a@globex.example") == []
    with pytest.raises(Rejected, match="409"):
        person.call("POST", f"/v1/sends/{done['send']['id']}/answer", {"answer": "send"})


def test_a_follow_up_lands_in_the_same_thread(person):
    done = person.quick("first", company="Hooli", recipient="a@hooli.example", letter="Dear Hooli", send_after=0)
    before = person.wait_for(done["send"]["id"], "sent")
    path = f"/v1/applications/{done['application']['id']}/follow-up"
    asked = person.call("POST", path, {"letter": "Any news?", "send_after": 0}, Idempotency_Key="again")
    after = person.wait_for(asked["send"]["id"], "sent")

    assert after["thread_id"] == before["thread_id"]
    first, second = person.sent_to("a@hooli.example")
    assert by_the_library(first).subject == "Application: Engineer"
    assert by_the_library(second).subject == "Re: Application: Engineer"
    assert f"In-Reply-To: {before['message_id']}\r\n".encode() in second
