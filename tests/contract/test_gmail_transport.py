"""Google's client on a bad line: nothing that may have had an effect is ever sent again."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading

import httplib2
import pytest

from shared.adapters.gmail import RESPONSE_BYTES, GoogleGmail
from shared.adapters.gmail_methods import MEDIA_BYTES
from shared.errors import Rejected, TryAgain, Unsure
from shared.local.clock import FakeClock
from tests.support.gmail_mail import mail
from tests.support.gmail_raw_server import HANG_UP, RawServer, answer

TOPIC = "projects/p/topics/gmail-push"
PROFILE = answer(b'{"emailAddress": "ada@example.com", "historyId": "7"}')
SENT = answer(b'{"id": "1", "threadId": "1"}')
RAW = mail(to="jobs@acme.com")

POSTS = {
    "messages.send": (lambda box: box.send(RAW), Unsure),
    "messages.send by upload": (lambda box: box.send(RAW + b"x" * (3 << 20)), Unsure),
    "drafts.send": (lambda box: box.send_draft("r1"), Unsure),
    "drafts.create": (lambda box: box.create_draft(RAW), TryAgain),
    "watch": (lambda box: box.watch(TOPIC), TryAgain),
    "stop": (lambda box: box.stop(), TryAgain),
}


@pytest.fixture
def opened():
    """Makes adapters and closes them in the end."""
    made = []

    def open_gmail(url, **options):
        made.append(GoogleGmail(url, "client", "secret", FakeClock(), **{"timeout": 2.0, **options}))
        return made[-1]

    yield open_gmail
    for gmail in made:
        gmail.close()


def get_answered_post_not(verb):
    return PROFILE if verb == "GET" else HANG_UP


def test_httplib2_itself_sends_an_unanswered_post_twice():
    """The reason for all this: if it ever stops, the adapter can be simpler."""
    with RawServer(lambda _: HANG_UP) as server:
        plain = httplib2.Http(timeout=2, proxy_info=None)
        with pytest.raises(ConnectionError):
            plain.request(f"{server.url}/gmail/v1/users/me/messages/send", "POST", b"{}")
        plain.close()
        assert server.posts() == 2


@pytest.mark.parametrize("name", POSTS)
def test_a_post_that_gets_no_answer_is_sent_exactly_once(opened, name):
    call, kind = POSTS[name]
    with RawServer(get_answered_post_not) as server:
        box = opened(server.url).mailbox("token")
        with pytest.raises(kind) as caught:
            call(box)
        assert server.posts() == 1
        assert type(caught.value) is kind


@pytest.mark.parametrize("name", POSTS)
def test_it_is_sent_exactly_once_on_a_connection_that_was_kept_too(opened, name):
    call, kind = POSTS[name]
    with RawServer(get_answered_post_not) as server:
        box = opened(server.url).mailbox("token")
        box.profile()
        with pytest.raises(kind):
            call(box)
        box.profile()
        with pytest.raises(kind):
            call(box)
        assert server.posts() == 2  # two calls, one each


def test_a_refresh_that_gets_no_answer_is_sent_exactly_once(opened):
    with RawServer(lambda _: HANG_UP) as server:
        gmail = opened(server.url)
        with pytest.raises(TryAgain):
            gmail.refresh("1//0refresh")
        assert server.requests == [("POST", "/token")]


def test_a_draft_is_deleted_by_one_request(opened):
    with RawServer(lambda _: HANG_UP) as server:
        box = opened(server.url).mailbox("token")
        with pytest.raises(TryAgain):
            box.delete_draft("r1")
        assert len(server.requests) == 1


@pytest.mark.parametrize("piece", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 2", SENT[:-5], b"garbage\r\n\r\n"])
def test_half_an_answer_is_no_reason_to_send_again(opened, piece):
    with RawServer(lambda _: piece, close_after=True) as server:
        box = opened(server.url).mailbox("token")
        with pytest.raises(Unsure):
            box.send(RAW)
        assert server.posts() == 1


def test_a_connection_that_went_stale_unnoticed_does_not_make_a_send_unsure(opened):
    def script(verb):
        return PROFILE if verb == "GET" else SENT

    with RawServer(script, close_after=True) as server:
        box = opened(server.url).mailbox("token")
        box.profile()
        assert box.send(RAW).id == "1"
        assert server.posts() == 1


def test_a_get_on_a_stale_connection_is_asked_again(opened):
    with RawServer(lambda _: PROFILE, close_after=True) as server:
        box = opened(server.url).mailbox("token")
        box.profile()
        assert box.profile().history_id == 7
        assert len(server.requests) == 2


@pytest.mark.parametrize("name", POSTS)
def test_a_refused_connection_has_sent_nothing(opened, name):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    box = opened(f"http://127.0.0.1:{port}").mailbox("token")
    with pytest.raises(TryAgain, match="not connected"):
        POSTS[name][0](box)


def test_an_unanswered_send_is_given_up_after_the_timeout(opened):
    asked, given_up = threading.Event(), threading.Event()

    def script(_):
        asked.set()
        given_up.wait(10)
        return HANG_UP

    with RawServer(script) as server:
        box = opened(server.url, timeout=0.2).mailbox("token")
        with pytest.raises(Unsure, match="TimeoutError"):
            box.send(RAW)
        assert asked.wait(10)
        given_up.set()
        assert server.posts() == 1


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_is_not_followed(opened, status):
    with RawServer(lambda _: answer(b"", status, "Location: /elsewhere")) as server:
        box = opened(server.url).mailbox("token")
        with pytest.raises(Unsure):
            box.send(RAW)
        with pytest.raises(TryAgain):
            box.profile()
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"text"', b"{}", b"<html>", b'{"emailAddress": 5}',
     b'{"emailAddress": "a@b", "historyId": "x"}', b"\xff\xfe", b"[" * 100_000],
)  # fmt: skip
def test_an_answer_that_is_none_is_tried_again(opened, body):
    with RawServer(lambda _: answer(body)) as server:
        box = opened(server.url).mailbox("token")
        with pytest.raises(TryAgain):
            box.profile()
        with pytest.raises(Unsure):
            box.send(RAW)


def test_an_answer_beyond_all_measure_is_rejected(opened):
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {RESPONSE_BYTES + 1}\r\n\r\n".encode()
    with RawServer(lambda _: head, close_after=True) as server:
        with pytest.raises(Rejected, match="answerTooLong"):
            opened(server.url).mailbox("token").message("18c0ffee18c0ffee", form="full")
        assert len(server.requests) == 1


@pytest.mark.parametrize("zeros", [20 << 20, RESPONSE_BYTES + 1])
def test_a_compressed_answer_is_measured_unpacked(opened, zeros):
    body = gzip.compress(json.dumps({"data": "A" * zeros}).encode())
    with RawServer(lambda _: answer(body, "200 OK", "Content-Encoding: gzip")) as server:
        box = opened(server.url).mailbox("token")
        if zeros > RESPONSE_BYTES:
            with pytest.raises(Rejected, match="answerTooLong"):
                box.attachment("18c0ffee18c0ffee", "a")
        else:
            assert box.attachment("18c0ffee18c0ffee", "a") == bytes(zeros * 3 // 4)


def test_a_mail_larger_than_gmail_takes_is_refused_before_it_leaves(opened):
    with RawServer(lambda _: SENT) as server:
        with pytest.raises(Rejected, match="uploadTooLarge"):
            opened(server.url).mailbox("token").send(bytes(MEDIA_BYTES + 1))
        assert server.requests == []


def test_every_call_names_the_fields_that_it_wants(opened):
    calls = [call for call, _ in POSTS.values()]
    calls += [
        lambda box: box.profile(),
        lambda box: box.history(7),
        lambda box: box.message("18c0ffee18c0ffee", form="metadata"),
        lambda box: box.message("18c0ffee18c0ffee", form="full"),
        lambda box: box.attachment("18c0ffee18c0ffee", "a"),
        lambda box: box.search("x"),
        lambda box: box.get_draft("r1"),
        lambda box: box.list_drafts(),
        lambda box: box.delete_draft("r1"),
        lambda box: box.thread("18c0ffee18c0ffee"),
    ]
    with RawServer(lambda _: answer(b"", "404 Not Found")) as server:
        box = opened(server.url).mailbox("token")
        for call in calls:
            with contextlib.suppress(Rejected):
                call(box)
        asked = [target for _, target in server.requests]
    assert len(asked) == len(calls)
    silent = [target for target in asked if "fields=" not in target]
    assert silent == ["/gmail/v1/users/me/stop", "/gmail/v1/users/me/drafts/r1"]  # they answer nothing


def test_each_thread_has_its_own_connection(opened):
    with RawServer(lambda _: PROFILE) as server:
        box = opened(server.url).mailbox("token")
        threads = [threading.Thread(target=box.profile) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.requests) == 4


def test_without_another_root_everything_goes_to_google_itself(opened):
    gmail = opened("")
    for call in (lambda: gmail.mailbox("token").profile(), lambda: gmail.refresh("1//0refresh")):
        # The guard of the tests refuses the stranger by name, before any packet.
        with pytest.raises(AssertionError, match=r"(gmail|oauth2)\.googleapis\.com"):
            call()
