"""Applying over HTTP: what each route takes and answers, and that one person's mails and files are another's 404."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.documents import DOCUMENT_BYTES
from shared.model import Delivery, Mailbox, Notification, NotificationKind, Posting, SendQuestion, User
from shared.schema import MAILBOXES, NOTIFICATIONS, POSTINGS, SENDS, USERS
from shared.sending.moves import move
from shared.web.api import respond
from shared.web.http import BODY_BYTES, Request
from shared.web.sends import BULK_BYTES, LETTER_BYTES
from tests.support.applying import LETTER, made_desk

QUICK = {"company": "Acme", "role": "Engineer", "recipient": "jobs@acme.example", "letter": LETTER}
PDF = b"%PDF-1.7\nhello"


@pytest.fixture
def world():
    with made_desk() as world:
        yield world


@pytest.fixture
def send(world):
    def send(method, path, body=None, *, uid="ada", key="k1", headers=None, raw=None, **query):
        given = {"host": "localhost", "content-type": "application/json", "idempotency-key": key} | (headers or {})
        given["authorization"] = f"Bearer {world.sign_in.token(uid)}"
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        fits = len(data) <= BODY_BYTES
        request = Request(
            method=method,
            path=path,
            query=query,
            headers=given,
            body=data if fits else None,
            long_body=lambda most: data if len(data) <= most else None,
        )
        response = respond(request, world)
        return response, json.loads(response.body) if response.body else None

    return send


def upload(
    send: Any, content: bytes = PDF, *, name: str = "cv.pdf", media_type: str = "application/pdf", **more: Any
) -> Any:
    headers = {"content-type": media_type, "content-disposition": f'attachment; filename="{name}"'}
    return send("POST", "/v1/documents", raw=content, headers={**headers, **more.pop("headers", {})}, **more)


def change(world: Any, send_id: str, **fields: Any) -> None:
    """What the sender has recorded of a send."""
    found = world.store.get(SENDS.key(send_id)).value
    move(found, lambda s: replace(s, **fields), store=world.store, clock=world.clock)


# --- Quick ------------------------------------------------------------------------------------------------------------


def test_one_click_is_answered_202_with_application_and_send(send):
    response, body = send("POST", "/v1/applications/quick", QUICK)

    assert response.status == 202
    assert response.headers["Location"] == f"/v1/sends/{body['send']['id']}"
    assert (body["application"]["company"], body["application"]["delivery"]) == ("Acme", "queued")
    assert body["application"]["stage"] == "saved"
    assert (body["send"]["delivery"], body["send"]["subject"]) == ("queued", "Application: Engineer")
    assert body["send"]["recipient"] == "jobs@acme.example"
    assert "question" not in body["send"]


def test_the_same_click_gives_the_same_answer_and_another_409(send):
    first = send("POST", "/v1/applications/quick", QUICK)
    again = send("POST", "/v1/applications/quick", QUICK)
    other = send("POST", "/v1/applications/quick", QUICK | {"role": "Pilot"})

    assert (again[0].status, again[1]) == (202, first[1])
    assert (other[0].status, other[1]["detail"]) == (409, "idempotency-key: it stood for another request")
    assert len(send("GET", "/v1/applications")[1]["applications"]) == 1


def test_what_should_be_seen_first_is_a_problem_with_the_names_to_confirm(send):
    wrong = QUICK | {"recipient": "jobs@other.example", "letter": "Dear team"}
    response, problem = send("POST", "/v1/applications/quick", wrong)

    assert response.status == 409
    assert response.headers["Content-Type"] == "application/problem+json"
    assert [each["check"] for each in problem["checks"]] == ["company_missing", "recipient_domain"]
    assert problem["detail"] == "confirm: company_missing, recipient_domain"
    confirmed = wrong | {"confirm": [each["check"] for each in problem["checks"]]}
    assert send("POST", "/v1/applications/quick", confirmed)[0].status == 202


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"recipient": "x"}, "recipient"),
        ({"recipient": "a@acme.example\r\nBcc: b@evil.example"}, "recipient"),
        ({"subject": "a\u2028b"}, "subject"),
        ({"letter": None}, "letter"),
        ({"letter": 7}, "letter"),
        ({"attachments": "cv"}, "attachments"),
        ({"bcc": "x@evil.example"}, "bcc: no such field"),
        ({"send_after": "now"}, "send_after"),
    ],
    ids=str,
)
def test_a_wrong_field_is_400_and_named(send, change, field):
    response, problem = send("POST", "/v1/applications/quick", QUICK | change)

    assert response.status == 400
    assert field in problem["detail"]


def test_a_click_without_a_key_is_400(send):
    response, problem = send("POST", "/v1/applications/quick", QUICK, key="")
    assert (response.status, problem["detail"]) == (400, "idempotency-key: is missing")


def test_the_longest_letter_is_taken_and_a_longer_body_is_413(send):
    letter = "Dear Acme " + "\u2603" * 19_000
    assert send("POST", "/v1/applications/quick", QUICK | {"letter": letter})[0].status == 202
    assert send("POST", "/v1/applications/quick", raw=b"x" * (LETTER_BYTES + 1))[0].status == 413
    assert send("POST", "/v1/applications/bulk", raw=b"x" * (BULK_BYTES + 1))[0].status == 413


def test_the_mailbox_is_looked_at_as_a_fresh_application_deserves(send, world):
    mailbox = Mailbox(id="mb", uid="ada", history_id="1".zfill(20), pace="daily")
    world.store.create(MAILBOXES.key("mb"), mailbox)
    world.store.create(USERS.key("ada"), User(uid="ada", mailbox_id="mb"))
    send("POST", "/v1/applications/quick", QUICK)

    assert world.store.get(MAILBOXES.key("mb")).value.pace == "15"


# --- Bulk -------------------------------------------------------------------------------------------------------------


def test_many_are_answered_one_by_one(send):
    orders = [
        QUICK,
        QUICK | {"company": "Globex", "recipient": "nobody"},
        QUICK | {"company": "Initech", "letter": "Dear Initech", "recipient": "a@other.example"},
        QUICK | {"colour": "red"},
        {"company": 7},
        QUICK | {"company": "Hooli", "letter": "Dear Hooli", "recipient": "a@hooli.example"},
    ]
    response, body = send("POST", "/v1/applications/bulk", {"applications": orders})

    assert response.status == 202
    assert [each["status"] for each in body["results"]] == [202, 400, 409, 400, 400, 202]
    assert "recipient" in body["results"][1]["detail"]
    assert [each["check"] for each in body["results"][2]["checks"]] == ["recipient_domain"]
    assert body["results"][3]["detail"] == "colour: no such field"
    assert body["results"][5]["send"]["recipient"] == "a@hooli.example"
    assert send("POST", "/v1/applications/bulk", {"applications": orders})[1] == body


@pytest.mark.parametrize("orders", [[], [QUICK] * 51, "all", [7]])
def test_a_list_that_is_none_is_400(send, orders):
    assert send("POST", "/v1/applications/bulk", {"applications": orders})[0].status == 400


# --- What becomes of it -----------------------------------------------------------------------------------------------


@pytest.fixture
def queued(send):
    """A send that waits; its id."""
    return send("POST", "/v1/applications/quick", QUICK)[1]["send"]["id"]


def test_a_send_is_its_owners(send, queued):
    assert send("GET", f"/v1/sends/{queued}")[1]["delivery"] == "queued"
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/answer")):
        response, _ = send(method, f"/v1/sends/{queued}{path}", {"answer": "drop"}, uid="bob")
        assert response.status == 404
    assert send("GET", "/v1/sends/nothing")[0].status == 404


def test_a_mail_is_called_back_while_it_waits(send, queued):
    response, body = send("POST", f"/v1/sends/{queued}/cancel")

    assert (response.status, body["delivery"]) == (200, "cancelled")
    assert send("POST", f"/v1/sends/{queued}/cancel")[1]["delivery"] == "cancelled"
    assert send("GET", "/v1/applications")[1]["applications"][0]["delivery"] == "cancelled"


def test_a_mail_that_is_leaving_is_not_called_back(send, world, queued):
    change(world, queued, delivery=Delivery.SENDING)
    response, problem = send("POST", f"/v1/sends/{queued}/cancel")

    assert (response.status, problem["detail"]) == (409, "delivery: it is leaving just now")


@pytest.mark.parametrize(("said", "delivery"), [("sent", "sent"), ("send", "queued"), ("drop", "cancelled")])
def test_a_question_shows_what_is_known_and_is_answered(send, world, queued, said, delivery):
    change(world, queued, delivery=Delivery.SENDING)
    change(
        world,
        queued,
        delivery=Delivery.UNSURE,
        question=SendQuestion.DID_IT_LEAVE,
        reason="Neither the draft nor a sent mail is in your Gmail. Did it leave?",
        draft_id="d1",
        thread_id="t1",
        due_at=None,
        unsure_at=world.clock.now(),
    )
    question = send("GET", f"/v1/sends/{queued}")[1]["question"]
    assert question == {
        "question": "did_it_leave",
        "answers": ["sent", "send", "drop"],
        "known": "Neither the draft nor a sent mail is in your Gmail. Did it leave?",
        "draft_id": "d1",
        "thread_id": "t1",
        "since": world.clock.now().isoformat().replace("+00:00", "Z"),
    }
    response, body = send("POST", f"/v1/sends/{queued}/answer", {"answer": said})

    assert (response.status, body["delivery"]) == (200, delivery)
    assert "question" not in body


def test_a_mail_that_came_back_shows_where_it_may_go_instead(send, world):
    now = world.clock.now()
    posting = Posting(
        id="p1",
        company="Acme",
        title="Engineer",
        apply_address="careers@acme.example",
        found_at=now,
        updated_at=now,
    )
    world.store.create(POSTINGS.key("p1"), posting)
    body = send("POST", "/v1/applications/quick", {**QUICK, "posting": "p1"})[1]
    came_back = body["send"]["id"]
    change(world, came_back, delivery=Delivery.SENDING)
    change(world, came_back, delivery=Delivery.SENT, sent_to=QUICK["recipient"], letter=None, due_at=None)
    change(world, came_back, delivery=Delivery.BOUNCED, reason="The address does not exist.")

    shown = send("GET", f"/v1/sends/{came_back}")[1]
    assert (shown["reason"], shown["next_addresses"]) == ("The address does not exist.", ["careers@acme.example"])


def test_an_answer_to_nothing_is_409_and_a_wrong_one_400(send, queued):
    assert send("POST", f"/v1/sends/{queued}/answer", {"answer": "send"})[0].status == 409
    assert send("POST", f"/v1/sends/{queued}/answer", {"answer": "maybe"})[0].status == 400


def test_a_follow_up_goes_on_in_the_thread_of_what_has_left(send, world, queued):
    application = send("GET", f"/v1/sends/{queued}")[1]["application_id"]
    path = f"/v1/applications/{application}/follow-up"
    assert send("POST", path, {"letter": "Any news?"}, key="f0")[0].status == 409
    change(world, queued, delivery=Delivery.SENDING)
    left = {"sent_to": "jobs@acme.example", "thread_id": "t1", "gmail_id": "g1", "message_id": "<a@mail.gmail.com>"}
    change(world, queued, delivery=Delivery.SENT, letter=None, **left)
    response, body = send("POST", path, {"letter": "Any news?"}, key="f1")

    assert response.status == 202
    assert (body["send"]["kind"], body["send"]["subject"]) == ("follow_up", "Re: Application: Engineer")


# --- Templates --------------------------------------------------------------------------------------------------------


def test_a_template_is_shown_changed_and_used(send):
    assert set(send("GET", "/v1/templates")[1]["templates"]) == {"application", "follow_up"}
    mine = {"subject": "{{ role }}!", "text": "{{ letter }}", "html": ""}
    assert send("PUT", "/v1/templates/application", mine)[1] == mine
    assert send("GET", "/v1/templates")[1]["templates"]["application"] == mine
    assert send("POST", "/v1/applications/quick", QUICK)[1]["send"]["subject"] == "Engineer!"

    response, problem = send("PUT", "/v1/templates/application", mine | {"html": "{{ letter.x }}"})
    assert (response.status, problem["detail"].split(":")[0]) == (400, "html")
    assert send("PUT", "/v1/templates/other", mine)[0].status == 404


# --- Documents --------------------------------------------------------------------------------------------------------


def test_a_file_is_uploaded_listed_attached_and_deleted(send):
    response, document = upload(send)
    assert (response.status, document["name"], document["size"]) == (201, "cv.pdf", len(PDF))
    assert send("GET", "/v1/documents")[1]["documents"] == [document]
    assert send("GET", "/v1/documents", uid="bob")[1]["documents"] == []

    body = send("POST", "/v1/applications/quick", QUICK | {"attachments": [document["id"]]})[1]
    assert [each["name"] for each in body["send"]["attachments"]] == ["cv.pdf"]

    assert send("DELETE", f"/v1/documents/{document['id']}", uid="bob")[0].status == 404
    assert send("DELETE", f"/v1/documents/{document['id']}")[0].status == 204
    assert send("GET", "/v1/documents")[1]["documents"] == []


def test_a_files_name_may_be_of_any_script(send):
    disposition = "attachment; filename*=UTF-8''Lebenslauf%20%C3%A9%20%E7%94%B0.pdf"
    assert upload(send, headers={"content-disposition": disposition})[1]["name"] == "Lebenslauf é 田.pdf"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/html"}, 415),
        ({"content-type": ""}, 415),
        ({"content-disposition": ""}, 400),
        ({"content-disposition": "attachment"}, 400),
        ({"content-disposition": 'attachment; filename="cv.exe"'}, 400),
        ({"content-disposition": 'attachment; filename="../cv.pdf"'}, 400),
        ({"content-disposition": "attachment; filename*=UTF-8''a%0d%0ab.pdf"}, 400),
        ({"content-disposition": "a\r\nb"}, 400),
        ({"content-disposition": "x" * 10_000}, 400),
        ({"content-disposition": "attachment; filename=" + "(" * 1_500}, 400),
        ({"content-disposition": "attachment" + "; a*0*=x" * 200}, 400),
        ({"content-disposition": "attachment; filename*=nowhere''%ff.exe"}, 400),
        ({"content-disposition": "attachment; filename=cv.pdf" + ";" * 1_990}, 400),
        ({"content-type": "image/png", "content-disposition": 'attachment; filename="cv.png"'}, 400),
    ],
    ids=str,
)
def test_an_upload_that_is_not_what_it_says_is_refused(send, headers, status):
    assert upload(send, headers=headers)[0].status == status


def test_an_upload_has_ten_megabytes(send):
    assert upload(send, PDF + bytes(DOCUMENT_BYTES - len(PDF)))[0].status == 201
    assert upload(send, PDF + bytes(DOCUMENT_BYTES))[0].status == 413


def test_a_long_body_is_not_read_before_the_caller_is_known(world):
    def long_body(most):
        raise AssertionError("read")

    request = Request(
        method="POST", path="/v1/documents", headers={"authorization": "Bearer x"}, body=None, long_body=long_body
    )
    assert respond(request, world).status == 401


# --- Preferences and notifications ------------------------------------------------------------------------------------


def test_preferences_are_shown_patched_and_replaced(send):
    _, defaults = send("GET", "/v1/preferences")
    assert (defaults["recall_seconds"], defaults["backfill_days"], defaults["monitoring"]) == (10, 90, "real_time")

    _, patched = send("PATCH", "/v1/preferences", {"recall_seconds": 0, "quiet_hours": {"start": "21:00"}})
    assert patched == defaults | {"recall_seconds": 0, "quiet_hours": {"start": "21:00", "end": "07:00"}}
    assert send("PATCH", "/v1/preferences", {"quiet_hours": None})[1] == defaults | {"recall_seconds": 0}
    assert send("GET", "/v1/preferences")[1]["recall_seconds"] == 0
    assert send("GET", "/v1/preferences", uid="bob")[1] == defaults

    _, replaced = send("PUT", "/v1/preferences", {"time_zone": "Europe/Berlin"})
    assert replaced == defaults | {"time_zone": "Europe/Berlin"}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"recall_seconds": 121}, "recall_seconds: must be 0 to 120"),
        ({"recall_seconds": "ten"}, "recall_seconds"),
        ({"colour": 1}, "colour: no such field"),
        ({"monitoring": "hourly"}, "monitoring"),
        ({"signals": {"offer": "never"}}, "signals"),
        ({"channels": {"digest": ["pigeon"]}}, "channels"),
        ({"quiet_hours": {"start": "25:00"}}, "quiet_hours.start: must be HH:MM"),
    ],
    ids=str,
)
def test_a_preference_out_of_bounds_is_400_and_named(send, method, body, words):
    response, problem = send(method, "/v1/preferences", body)
    assert response.status == 400
    assert words in problem["detail"]
    assert send("PATCH", "/v1/preferences", {})[0].status == 400


def test_a_preference_decides_how_long_a_mail_waits(send, world):
    send("PATCH", "/v1/preferences", {"recall_seconds": 90})
    body = send("POST", "/v1/applications/quick", QUICK)[1]["send"]

    assert body["send_after"] == (world.clock.now() + timedelta(seconds=90)).isoformat().replace("+00:00", "Z")


def test_what_the_person_was_told_is_listed_and_read_once(send, world):
    for number in range(3):
        notice = Notification(
            key=f"a1:mail:m{number}:1",
            uid="ada",
            kind=NotificationKind.STATUS_CHANGED,
            created_at=world.clock.step(timedelta(minutes=1)),
            application_id="a1",
            event=f"mail:m{number}:1",
        )
        world.store.create(NOTIFICATIONS.key("ada", notice.key), notice)
    _, page = send("GET", "/v1/notifications", limit="2")
    _, rest = send("GET", "/v1/notifications", limit="2", cursor=page["next"])

    assert [each["event"] for each in page["notifications"]] == ["mail:m2:1", "mail:m1:1"]
    assert [each["event"] for each in rest["notifications"]] == ["mail:m0:1"]
    path = "/v1/notifications/a1:mail:m1:1/read"
    first = send("POST", path)[1]["read_at"]
    world.clock.step(timedelta(minutes=1))
    assert send("POST", path)[1]["read_at"] == first
    assert send("POST", path, uid="bob")[0].status == 404
    assert "read_at" not in rest["notifications"][0]


def test_no_route_of_sending_touches_gmail(send, world, queued):
    send("GET", f"/v1/sends/{queued}")
    send("POST", f"/v1/sends/{queued}/cancel")
    send("GET", "/v1/templates")
    send("POST", "/v1/applications/bulk", {"applications": [QUICK | {"confirm": ["cool_down"]}]}, key="b")

    assert not {"gmail", "vault", "consent"} & set(world.__dict__)
