"""The local Google over HTTP, asked by Google's own client: schemas, uploads, batches, OAuth, ID tokens."""

from __future__ import annotations

import http.client
import io
import json
import random
import urllib.parse
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta

import google.auth.transport.requests
import google_auth_httplib2
import httplib2
import pytest
import requests
from google.oauth2 import id_token
from google.oauth2.credentials import Credentials
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload, MediaIoBaseUpload, build_http

from shared.adapters import google_api
from shared.adapters.clock import SystemClock
from shared.local.gmail import Fault, GmailModel, discovery
from shared.local.gmail.model import HANDLERS, READ_AND_COMPOSE
from shared.local.google_server import GoogleServer
from tests.support.gmail_mail import ADA, mail
from tests.support.gmail_schema import violations

TOPIC = "projects/p/topics/gmail-push"
SCOPES = (*READ_AND_COMPOSE, "https://www.googleapis.com/auth/gmail.modify")
OUTGOING = mail("Application", sender=ADA, to="jobs@acme.com")


@pytest.fixture(scope="module")
def server() -> Iterator[GoogleServer]:
    with GoogleServer(GmailModel(SystemClock(), random.Random(0))) as server:
        yield server


@pytest.fixture
def model(server):
    server.model = GmailModel(SystemClock(), random.Random(3), project="p", units_per_minute=10**6)
    return server.model


class Client:
    """Plain HTTP, one connection."""

    def __init__(self, url):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=5)

    def ask(self, verb, target, body=None, **headers):
        self.connection.request(verb, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = self.connection.getresponse()
        return answer, answer.read()

    def json(self, verb, target, body=None, **headers):
        answer, content = self.ask(verb, target, body, **headers)
        return answer.status, json.loads(content)


@pytest.fixture
def client(server, model):
    client = Client(server.url)
    yield client
    client.connection.close()


@pytest.fixture
def token(model):
    refresh_token = model.add_person(ADA, scopes=SCOPES)
    form = {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": refresh_token}
    return model.token(form)["access_token"]


@pytest.fixture
def users(server, token):
    """Google's client as its documentation shows it, at another root."""
    resource = google_api.build("gmail", "v1", server.url)
    http_ = google_auth_httplib2.AuthorizedHttp(Credentials(token), http=build_http())
    resource._http = http_
    yield resource.users()
    http_.http.close()
    resource.close()


@pytest.fixture
def service(server, token):
    resource = google_api.build("gmail", "v1", server.url)
    resource._http = google_auth_httplib2.AuthorizedHttp(Credentials(token), http=build_http())
    yield resource
    resource.close()


def encoded(raw):
    return urlsafe_b64encode(raw).decode()


# --- every answer against the discovery document ----------------------------------------------------------------------


def walk_through(users, model):
    """(method, answer) of every method and format that the model has."""
    users_messages, drafts, labels = users.messages(), users.drafts(), users.labels()
    start = users.getProfile(userId="me").execute()["historyId"]
    spam = model.receive(ADA, mail(), ("SPAM",))
    with_pdf = model.receive(
        ADA, mail(html="<p>Hello</p>", attachment=("CV.pdf", b"%PDF"), message_id="<1@acme.com>"), ("INBOX",)
    )
    model.add_label(ADA, "Job hunt")
    yield "getProfile", users.getProfile(userId="me").execute()
    yield "watch", users.watch(userId="me", body={"topicName": TOPIC, "labelIds": ["INBOX"]}).execute()
    for form in ("minimal", "metadata", "full", "raw"):
        message = users_messages.get(userId="me", id=with_pdf, format=form).execute()
        yield "messages.get", message
        if form == "full":
            attachment = message["payload"]["parts"][1]["body"]["attachmentId"]
            fetched = users_messages.attachments().get(userId="me", messageId=with_pdf, id=attachment).execute()
            yield "messages.attachments.get", fetched
        if form != "raw":
            yield "threads.get", users.threads().get(userId="me", id=with_pdf, format=form).execute()
    yield "messages.list", users_messages.list(userId="me", maxResults=1).execute()
    yield "messages.list", users_messages.list(userId="me", q="nothing").execute()
    yield "messages.modify", users_messages.modify(userId="me", id=spam, body={"removeLabelIds": ["SPAM"]}).execute()
    yield "messages.send", users_messages.send(userId="me", body={"raw": encoded(OUTGOING)}).execute()
    draft = drafts.create(userId="me", body={"message": {"raw": encoded(OUTGOING)}}).execute()
    yield "drafts.create", draft
    updated = drafts.update(userId="me", id=draft["id"], body={"message": {"raw": encoded(OUTGOING)}}).execute()
    yield "drafts.update", updated
    yield "drafts.get", drafts.get(userId="me", id=draft["id"]).execute()
    yield "drafts.list", drafts.list(userId="me").execute()
    yield "drafts.send", drafts.send(userId="me", body={"id": draft["id"]}).execute()
    other = drafts.create(userId="me", body={"message": {"raw": encoded(OUTGOING)}}).execute()
    yield "drafts.delete", drafts.delete(userId="me", id=other["id"]).execute()
    yield "labels.list", labels.list(userId="me").execute()
    yield "labels.get", labels.get(userId="me", id="INBOX").execute()
    model.delete_message(ADA, spam)
    yield "history.list", users.history().list(userId="me", startHistoryId=start, maxResults=3).execute()
    yield "history.list", users.history().list(userId="me", startHistoryId=start).execute()
    yield "stop", users.stop(userId="me").execute()


def test_every_answer_is_as_googles_schema_says(users, model):
    seen = set()
    for method, answer in walk_through(users, model):
        seen.add(method)
        schema = discovery.methods()[method].response
        assert (violations(answer, schema) if schema else [answer] if answer else []) == []
    assert seen == set(HANDLERS)


@pytest.mark.parametrize(
    ("wrong", "schema"),
    [
        ({"historyId": 5}, "Profile"),
        ({"historyId": "x"}, "Profile"),
        ({"messagesTotal": "5"}, "Profile"),
        ({"messagesTotal": 2**31}, "Profile"),
        ({"subject": "x"}, "Message"),
        ({"raw": "a+b/"}, "Message"),
        ({"labelIds": "INBOX"}, "Message"),
        ({"payload": {"parts": [{"body": {"size": -(2**40)}}]}}, "Message"),
        ([], "Message"),
        ({"type": "own"}, "Label"),
    ],
)
def test_the_check_of_schemas_finds_what_is_wrong(wrong, schema):
    assert violations(wrong, schema)


def test_history_holds_every_kind_of_change(users, model):
    start = users.getProfile(userId="me").execute()["historyId"]
    for _ in walk_through(users, model):
        pass
    records = users.history().list(userId="me", startHistoryId=start).execute()["history"]
    kinds = {name for record in records for name in record}
    assert kinds == {"id", "messages", "messagesAdded", "messagesDeleted", "labelsRemoved"}


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_a_refusal_is_googles_json(client, token, model):
    status, answer = client.json("GET", "/gmail/v1/users/me/messages/18c0ffee18c0ffee", Authorization=f"Bearer {token}")
    assert status == 404
    assert answer == {
        "error": {
            "code": 404,
            "message": "Requested entity was not found.",
            "errors": [{"message": "Requested entity was not found.", "domain": "global", "reason": "notFound"}],
            "status": "NOT_FOUND",
        }
    }
    model.units_per_minute = 0
    statuses = {client.json("GET", "/gmail/v1/users/me/profile", Authorization=f"Bearer {token}")[0] for _ in range(30)}
    assert statuses == {403, 429}


def test_the_clients_own_reading_of_a_refusal_works(users, model):
    model.faults.add(Fault(kind="error", status=403, reason="userRateLimitExceeded"))
    with pytest.raises(HttpError) as caught:
        users.getProfile(userId="me").execute()
    assert caught.value.error_details[0]["reason"] == "userRateLimitExceeded"
    assert caught.value.error_details[0]["domain"] == "usageLimits"


def test_retry_after_is_a_header(client, token, model):
    model.faults.add(Fault(kind="error", status=429, retry_after=17))
    answer, _ = client.ask("GET", "/gmail/v1/users/me/profile", Authorization=f"Bearer {token}")
    assert (answer.status, answer.getheader("Retry-After")) == (429, "17")


def test_without_a_token_the_answer_is_401_and_says_how(client):
    answer, content = client.ask("GET", "/gmail/v1/users/me/profile")
    assert answer.status == 401
    assert "Bearer" in answer.getheader("WWW-Authenticate")
    assert json.loads(content)["error"]["status"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("verb", "target", "body", "status"),
    [
        ("GET", "/nowhere", None, 404),
        ("GET", "/", None, 404),
        ("DELETE", "/gmail/v1/users/me/profile", None, 404),
        ("GET", "/gmail/v1/users/me/messages?colour=red", None, 400),
        ("GET", "/gmail/v1/users/me/messages?fields=subject", None, 400),
        ("GET", "/gmail/v1/users/me/messages?maxResults=many", None, 400),
        ("GET", "/gmail/v1/users/me/history", None, 400),
        ("GET", "/gmail/v1/users/me/threads", None, 501),
        ("POST", "/gmail/v1/users/me/messages/send", b"{", 400),
        ("POST", "/gmail/v1/users/me/messages/send", b"[]", 400),
        ("POST", "/gmail/v1/users/me/watch", b"\xff", 400),
        ("POST", "/upload/gmail/v1/users/me/messages/send", b"", 400),
        ("POST", "/upload/gmail/v1/users/me/watch?uploadType=media", b"x", 400),
        ("POST", "/upload/gmail/v1/users/me/messages/send?uploadType=multipart", b"x", 400),
        ("PUT", "/upload/gmail/v1/users/me/messages/send?uploadType=resumable&upload_id=none", b"x", 404),
        ("POST", "/batch/gmail/v1", b"x", 400),
        ("GET", "/token", None, 404),
    ],
)
def test_a_wrong_request_is_refused_and_the_connection_lives_on(client, token, verb, target, body, status):
    authorization = f"Bearer {token}"
    assert client.json(verb, target, body, Authorization=authorization)[0] == status
    assert client.json("GET", "/gmail/v1/users/me/profile", Authorization=authorization)[0] == 200


def test_a_token_may_stand_in_the_url(client, token):
    assert client.json("GET", f"/gmail/v1/users/me/profile?access_token={token}")[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example:80"])
def test_a_request_that_names_another_host_is_refused(client, host):
    assert client.json("GET", "/local/mailboxes", Host=host)[0] == 403


def test_a_body_beyond_all_measure_is_refused_unread(client):
    answer, _ = client.ask("POST", "/token", None, Content_Length=str(10**12))
    assert answer.status == 413


# --- uploads ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resumable", [False, True])
@pytest.mark.parametrize("thread", [False, True])
def test_googles_own_uploads_arrive_byte_for_byte(users, model, resumable, thread):
    first = users.messages().send(userId="me", body={"raw": encoded(OUTGOING)}).execute()
    media = MediaInMemoryUpload(OUTGOING, mimetype="message/rfc822", resumable=resumable)
    body = {"threadId": first["threadId"]} if thread else None
    users.messages().send(userId="me", body=body, media_body=media).execute()
    media = MediaInMemoryUpload(OUTGOING, mimetype="message/rfc822", resumable=resumable)
    draft = users.drafts().create(userId="me", body={"message": body or {}}, media_body=media).execute()
    read = users.drafts().get(userId="me", id=draft["id"], format="raw").execute()
    assert urlsafe_b64decode(read["message"]["raw"]) == OUTGOING
    assert model.sent(ADA)[1].endswith(OUTGOING.partition(b"\n\n")[2])


def test_a_resumable_upload_may_come_in_pieces(users, model):
    raw = OUTGOING + b"x\xff\r\n" * 300_000
    media = MediaIoBaseUpload(io.BytesIO(raw), "message/rfc822", chunksize=256 * 1024, resumable=True)
    request = users.messages().send(userId="me", media_body=media)
    steps, answer = 0, None
    while answer is None:
        _, answer = request.next_chunk()
        steps += 1
    assert steps == 5
    assert answer["labelIds"] == ["SENT"]
    assert model.sent(ADA)[0].endswith(raw.partition(b"\n\n")[2])


def test_a_finished_upload_cannot_send_again(users, server, token, client, model):
    media = MediaInMemoryUpload(OUTGOING, mimetype="message/rfc822", resumable=True)
    request = users.messages().send(userId="me", media_body=media)
    request.execute()
    target = request.resumable_uri.removeprefix(server.url)
    span = f"bytes 0-{len(OUTGOING) - 1}/{len(OUTGOING)}"
    status, _ = client.json("PUT", target, OUTGOING, Content_Range=span, Authorization=f"Bearer {token}")
    assert status == 404
    assert len(model.sent(ADA)) == 1


# --- batches ----------------------------------------------------------------------------------------------------------


def batch_of(service, *requests):
    answers = {}
    batch = service.new_batch_http_request(callback=lambda key, answer, error: answers.update({key: answer or error}))
    for n, request in enumerate(requests):
        batch.add(request, request_id=str(n))
    batch.execute()
    return answers


def test_a_batch_goes_to_the_same_root_and_each_call_is_answered_by_itself(service, model):
    users = service.users()
    message_id = model.receive(ADA, mail("Über – 面接"))
    before = model.units(ADA)
    answers = batch_of(
        service,
        users.messages().get(userId="me", id=message_id),
        users.messages().get(userId="me", id="18c0ffee18c0ffee"),
        users.getProfile(userId="me"),
        users.messages().send(userId="me", body={"raw": encoded(OUTGOING)}),
        users.stop(userId="me"),
    )
    assert answers["0"]["id"] == message_id
    assert answers["1"].status_code == 404
    assert answers["2"]["emailAddress"] == ADA
    assert answers["3"]["labelIds"] == ["SENT"]
    assert len(answers) == 5
    assert len(model.sent(ADA)) == 1
    assert model.units(ADA) - before == 20 + 20 + 1 + 100 + 50


def test_a_batch_of_more_than_a_hundred_calls_is_refused(service):
    with pytest.raises(HttpError) as caught:
        batch_of(service, *(service.users().getProfile(userId="me") for _ in range(101)))
    assert caught.value.status_code == 400


def test_a_batch_reaches_gmail_only(client, token):
    part = "--b\r\nContent-Type: application/http\r\n\r\nGET /local/mailboxes HTTP/1.1\r\n\r\n\r\n--b--"
    kind = {"Content_Type": "multipart/mixed; boundary=b", "Authorization": f"Bearer {token}"}
    assert client.json("POST", "/batch/gmail/v1", part, **kind)[0] == 400


# --- OAuth and ID tokens ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/token", "/oauth2/v4/token"])
def test_google_auth_refreshes_its_credentials_here(server, model, path):
    refresh_token = model.add_person(ADA)
    credentials = Credentials(
        None, refresh_token=refresh_token, token_uri=f"{server.url}{path}", client_id="c", client_secret="s"
    )
    with requests.Session() as session:
        credentials.refresh(google.auth.transport.requests.Request(session))
        assert credentials.valid
        model.revoke(ADA)
        with pytest.raises(google.auth.exceptions.RefreshError, match="invalid_grant"):
            credentials.refresh(google.auth.transport.requests.Request(session))


def test_a_token_is_revoked_by_its_url_or_by_a_form(client, model):
    first, second = model.add_person(ADA), model.add_person(ADA)
    assert client.json("POST", f"/revoke?token={urllib.parse.quote(first)}")[0] == 200
    form = urllib.parse.urlencode({"token": second})
    assert client.json("POST", "/revoke", form, Content_Type="application/x-www-form-urlencoded")[0] == 200
    assert client.json("POST", "/revoke", form) == (
        400,
        {"error": "invalid_token", "error_description": "Token expired or revoked"},
    )


def verified(server, token, audience):
    with requests.Session() as session:
        request = google.auth.transport.requests.Request(session)
        return id_token.verify_token(token, request, audience, f"{server.url}/oauth2/v1/certs")


def test_google_auth_accepts_an_id_token_from_here(server, model):
    token = server.id_token(subject="42", audience="client", email=ADA)
    claims = verified(server, token, "client")
    assert (claims["sub"], claims["email"], claims["iss"]) == ("42", ADA, "https://accounts.google.com")


def test_google_auth_refuses_one_for_somebody_else_or_changed_on_the_way(server, model):
    token = server.id_token(subject="42", audience="client")
    with pytest.raises(ValueError, match="audience"):
        verified(server, token, "other")
    head, claims, signature = token.split(".")
    forged = encoded(urlsafe_b64decode(claims + "==").replace(b'"42"', b'"43"')).rstrip("=")
    with pytest.raises(ValueError, match="signature"):
        verified(server, f"{head}.{forged}.{signature}", "client")


# --- /local -----------------------------------------------------------------------------------------------------------


def test_a_play_is_directed_over_http(client, model):
    refresh_token = client.json("POST", "/local/mailboxes", json.dumps({"address": ADA}))[1]["refresh_token"]
    assert refresh_token.startswith("1//0")
    assert client.json("GET", "/local/mailboxes") == (200, {"addresses": [ADA]})
    mailbox = f"/local/mailboxes/{ADA}"
    target = f"{mailbox}/mail?labels=SPAM,CATEGORY_PROMOTIONS&at=2026-01-02T03:04:05%2B00:00"
    message_id = client.json("POST", target, mail())[1]["id"]
    stored = model.mailbox(ADA).messages[message_id]
    assert set(stored.labels) == {"UNREAD", "SPAM", "CATEGORY_PROMOTIONS"}
    assert stored.internal_ms == 1767323045000
    change = json.dumps({"add": ["INBOX"], "remove": ["SPAM"]})
    assert client.json("POST", f"{mailbox}/mail/{message_id}/labels", change)[0] == 200
    assert set(stored.labels) == {"UNREAD", "CATEGORY_PROMOTIONS", "INBOX"}
    thread = client.json("POST", f"{mailbox}/mail?thread_id={message_id}", mail("Other"))[1]["id"]
    assert model.mailbox(ADA).messages[thread].thread_id == message_id
    assert client.json("DELETE", f"{mailbox}/mail/{message_id}")[0] == 200
    assert message_id not in model.mailbox(ADA).messages
    draft_id = model.mailbox(ADA).create_draft(OUTGOING, "").draft_id
    assert client.json("PUT", f"{mailbox}/drafts/{draft_id}", mail("Edited"))[0] == 200
    assert model.mailbox(ADA).draft(draft_id).mail.header("Subject") == "Edited"
    assert client.json("DELETE", f"{mailbox}/drafts/{draft_id}")[0] == 200
    assert model.mailbox(ADA).drafts == {}
    assert client.json("POST", f"{mailbox}/forget-history")[0] == 200
    assert model.mailbox(ADA).history == []
    model.receive(ADA, OUTGOING, ("SENT",))
    [sent] = client.json("GET", f"{mailbox}/sent")[1]["messages"]
    assert urlsafe_b64decode(sent["raw"]) == OUTGOING
    assert client.json("POST", f"{mailbox}/revoke")[0] == 200
    form = {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": refresh_token}
    assert client.json("POST", "/token", urllib.parse.urlencode(form))[1]["error"] == "invalid_grant"


def test_faults_are_switched_over_http(client, token, model):
    fault = {"kind": "error", "method": "getProfile", "status": 503}
    assert client.json("POST", "/local/faults", json.dumps(fault))[0] == 200
    [listed] = client.json("GET", "/local/faults")[1]["faults"]
    assert listed | fault == listed
    assert client.json("GET", "/gmail/v1/users/me/profile", Authorization=f"Bearer {token}")[0] == 503
    assert client.json("DELETE", "/local/faults")[0] == 200
    assert client.json("GET", "/gmail/v1/users/me/profile", Authorization=f"Bearer {token}")[0] == 200


def test_an_id_token_is_made_over_http(server, client):
    said = json.dumps({"subject": "7", "audience": "client"})
    token = client.json("POST", "/local/id-token", said)[1]["id_token"]
    assert verified(server, token, "client")["sub"] == "7"


@pytest.mark.parametrize(
    ("verb", "target", "body", "status"),
    [
        ("POST", "/local/faults", {"kind": "meteor"}, 400),
        ("POST", "/local/faults", {"colour": "red"}, 400),
        ("POST", "/local/mailboxes", {}, 404),
        ("POST", "/local/id-token", {}, 404),
        ("GET", "/local/mailboxes/nobody@example.com/sent", None, 404),
        ("POST", f"/local/mailboxes/{ADA}/mail?labels=NOPE", None, 400),
        ("POST", f"/local/mailboxes/{ADA}/mail?at=yesterday", None, 400),
        ("GET", f"/local/mailboxes/{ADA}/elsewhere", None, 404),
        ("GET", "/local/", None, 404),
    ],
)
def test_a_wrong_direction_is_refused(client, token, verb, target, body, status):
    assert client.json(verb, target, json.dumps(body) if body is not None else None)[0] == status


# --- the connection itself --------------------------------------------------------------------------------------------


def test_held_back_pushes_leave_by_themselves(server):
    pushed = []
    model = server.model = GmailModel(SystemClock(), random.Random(3), lambda *push: pushed.append(push), project="p")
    refresh_token = model.add_person(ADA)
    form = {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": refresh_token}
    token = model.token(form)["access_token"]
    model.faults.add(Fault(kind="push_late", seconds=0.5))
    model.call(token, "watch", {}, {"topicName": TOPIC})
    assert pushed == []
    deadline = SystemClock().now() + timedelta(seconds=5)
    while not pushed and SystemClock().now() < deadline:
        server._server.stopping.wait(0.01)
    assert len(pushed) == 1


@pytest.mark.parametrize(("kind", "error"), [("reset", ConnectionResetError), ("hang", ConnectionResetError)])
def test_a_broken_connection_is_really_broken(client, token, model, kind, error):
    model.faults.add(Fault(kind=kind, seconds=0.01))
    with pytest.raises(error):
        client.ask("GET", "/gmail/v1/users/me/profile", Authorization=f"Bearer {token}")


def test_a_truncated_answer_is_half_the_json_in_an_honest_length(client, token, model):
    whole = client.ask("GET", "/gmail/v1/users/me/profile", Authorization=f"Bearer {token}")[1]
    model.faults.add(Fault(kind="truncated", after_effect=True))
    answer, content = client.ask("GET", "/gmail/v1/users/me/profile", Authorization=f"Bearer {token}")
    assert answer.status == 200
    assert content == whole[: len(whole) // 2]


def test_a_server_stops_although_clients_keep_their_connections_open():
    server = GoogleServer(GmailModel(SystemClock(), random.Random(0)))
    server.start()
    idle = Client(server.url)
    assert idle.json("GET", "/local/mailboxes")[0] == 200
    server.stop()
    with pytest.raises(OSError, match=r"."):
        Client(server.url).ask("GET", "/local/mailboxes")
    idle.connection.close()


def test_a_server_that_never_started_can_be_stopped():
    GoogleServer(GmailModel(SystemClock(), random.Random(0))).stop()


def test_a_long_get_comes_as_a_post_and_is_a_get(users, model):
    model.receive(ADA, mail())
    query = "{" + " ".join(f"word{n}" for n in range(400)) + " application}"
    request = users.messages().list(userId="me", q=query)
    assert len(request.execute()["messages"]) == 1
    assert request.method == "POST"


def test_httplib2_is_what_the_client_uses(users):
    """The other tests stand on this: they prove the library that runs in production."""
    assert isinstance(users._http.http, httplib2.Http)
