"""The model of Gmail: history, watches and pushes."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise

import pytest

from shared.adapters.gmail_errors import GoogleError
from shared.local.gmail.account import WATCH_LASTS
from tests.support.gmail_google import TOPIC, Google, added
from tests.support.gmail_mail import ADA, mail


@pytest.fixture
def google():
    return Google()


def test_history_ids_are_strings_that_grow_with_gaps(google):
    start = google.history_id
    for _ in range(20):
        google.receive()
    records = google.history(start)["history"]
    ids = [int(record["id"]) for record in records]
    assert ids == sorted(set(ids))
    assert any(later - earlier > 1 for earlier, later in pairwise(ids))
    assert all(isinstance(record["id"], str) for record in records)


def test_every_mailbox_has_its_own_history(google):
    google.model.add_person("bob@example.com")
    before = google.model.mailbox("bob@example.com").history_id
    google.receive()
    assert google.model.mailbox("bob@example.com").history_id == before


def test_an_arrival_stands_in_history_sometimes_twice_and_sometimes_without_labels(google):
    start = google.history_id
    ids = [google.receive() for _ in range(60)]
    answer = google.history(start, maxResults=500)
    messages = [change["message"] for record in answer["history"] for change in record["messagesAdded"]]
    assert {message["id"] for message in messages} == set(ids)
    assert len(messages) > len(ids)
    assert {"labelIds" in message for message in messages} == {True, False}


def test_history_from_now_is_empty_and_names_the_present_id(google):
    assert google.history(google.history_id) == {"historyId": str(google.history_id)}


def test_history_pages_keep_their_start_and_show_everything_once(google):
    start = google.history_id
    ids = [google.receive() for _ in range(30)]
    seen, token = [], None
    while True:
        answer = google.history(start, maxResults=4, **({"pageToken": token} if token else {}))
        seen += added(answer)
        token = answer.get("nextPageToken")
        if not token:
            break
    assert list(dict.fromkeys(seen)) == ids


def test_a_page_token_serves_its_own_start_only(google):
    start = google.history_id
    for _ in range(5):
        google.receive()
    answer = google.history(start, maxResults=2)
    later = answer["history"][0]["id"]
    assert google.refused("history.list", startHistoryId=later, pageToken=answer["nextPageToken"]) == (
        400,
        "invalidArgument",
    )


@pytest.mark.parametrize("nonsense", ["", "abc", "-5", "0", "1.5", str(2**64), "9" * 100])
def test_a_nonsensical_start_is_refused_with_400(google, nonsense):
    assert google.refused("history.list", startHistoryId=nonsense) == (400, "invalidArgument")


def test_a_start_that_gmail_has_forgotten_is_404(google):
    start = google.history_id
    google.receive()
    google.model.forget_history(ADA)
    assert google.refused("history.list", startHistoryId=str(start)) == (404, "notFound")
    assert google.history(google.history_id) == {"historyId": str(google.history_id)}


def test_history_older_than_a_week_is_forgotten(google):
    start = google.history_id
    google.receive()
    google.wait(days=7, minutes=1)
    youngest = google.history_id
    google.receive()
    assert google.refused("history.list", startHistoryId=str(start))[0] == 404
    assert len(set(added(google.history(youngest)))) == 1


def test_a_start_that_never_was_is_404(google):
    assert google.refused("history.list", startHistoryId=str(google.history_id + 10**6))[0] == 404


def test_history_types_choose_the_records(google):
    message_id = google.receive(mail(), "SPAM")
    start = google.history_id
    google.model.move_from_spam(ADA, message_id)
    google.model.mark_read(ADA, message_id)
    google.model.delete_message(ADA, message_id)
    kinds = {
        "labelRemoved": ["labelsRemoved", "labelsRemoved"],
        "labelAdded": ["labelsAdded"],
        "messageDeleted": ["messagesDeleted"],
        "messageAdded": [],
    }
    for kind, expected in kinds.items():
        records = google.history(start, historyTypes=[kind]).get("history", [])
        assert [name for record in records for name in record if name not in ("id", "messages")] == expected
    assert google.refused("history.list", startHistoryId=str(start), historyTypes=["other"])[0] == 400


def test_a_label_change_names_the_labels_and_the_message(google):
    message_id = google.receive(mail(), "SPAM")
    start = google.history_id
    google.model.move_from_spam(ADA, message_id)
    removed, put = google.history(start)["history"]
    assert removed["labelsRemoved"][0]["labelIds"] == ["SPAM"]
    assert put["labelsAdded"][0]["labelIds"] == ["INBOX"]
    assert removed["messages"] == put["messages"] == [{"id": message_id, "threadId": message_id}]


def test_reading_a_read_mail_again_leaves_no_history(google):
    message_id = google.receive()
    google.model.mark_read(ADA, message_id)
    start = google.history_id
    google.model.mark_read(ADA, message_id)
    assert google.history_id == start


def watch(google, topic=TOPIC, **body):
    return google.call("watch", {"topicName": topic, **body})


def test_a_watch_lasts_a_week_and_pushes_at_once(google):
    answer = watch(google)
    lasts = int(answer["expiration"]) - google.clock.now().timestamp() * 1000
    assert lasts == WATCH_LASTS.total_seconds() * 1000
    [(topic, data)] = google.pushed
    assert topic == TOPIC
    assert json.loads(data)["emailAddress"] == ADA
    assert int(json.loads(data)["historyId"]) == int(answer["historyId"])


def test_a_push_names_the_history_id_as_number_or_as_string(google):
    watch(google)
    for _ in range(30):
        google.clock.step(timedelta(seconds=2))
        google.receive()
    assert {type(json.loads(data)["historyId"]) for _, data in google.pushed} == {int, str}


def test_after_a_week_nothing_is_pushed_any_more(google):
    watch(google)
    google.clock.step(WATCH_LASTS)
    google.receive()
    assert len(google.pushed) == 1


def test_pushes_beyond_one_a_second_are_dropped(google):
    watch(google)
    google.clock.step(timedelta(seconds=5))
    for _ in range(4):
        google.receive()
    assert len(google.pushed) == 2
    assert google.model.pushes_dropped == 3
    google.clock.step(timedelta(seconds=1))
    google.receive()
    assert google.pushed_ids()[-1] == google.history_id


@pytest.mark.parametrize(
    ("body", "labels", "pushes"),
    [
        ({"labelIds": ["INBOX"]}, ("INBOX",), True),
        ({"labelIds": ["INBOX"]}, ("INBOX", "CATEGORY_PROMOTIONS"), True),
        ({"labelIds": ["INBOX"]}, ("SPAM",), False),
        ({"labelIds": ["INBOX"], "labelFilterBehavior": "exclude"}, ("INBOX",), False),
        ({"labelIds": ["INBOX"], "labelFilterBehavior": "exclude"}, ("SPAM",), True),
        ({}, ("SPAM",), True),
    ],
)
def test_a_watch_pushes_what_its_label_filter_lets_through(google, body, labels, pushes):
    watch(google, **body)
    google.clock.step(timedelta(seconds=5))
    google.receive(mail(), *labels)
    assert (len(google.pushed) == 2) is pushes


def test_a_mail_rescued_from_spam_is_pushed(google):
    watch(google, labelIds=["INBOX"])
    message_id = google.receive(mail(), "SPAM")
    google.clock.step(timedelta(seconds=5))
    google.model.move_from_spam(ADA, message_id)
    assert len(google.pushed) == 2


def test_stop_ends_the_pushes(google):
    watch(google)
    google.clock.step(timedelta(seconds=5))
    assert google.call("stop") == {}
    google.receive()
    assert len(google.pushed) == 1


def test_a_topic_of_another_project_is_refused(google):
    with pytest.raises(GoogleError, match="400") as caught:
        watch(google, "projects/other/topics/gmail-push")
    assert "Invalid topicName does not match projects/p/topics/*" in caught.value.message


def test_a_second_topic_is_refused_until_the_first_is_stopped(google):
    watch(google)
    with pytest.raises(GoogleError, match="400 failedPrecondition") as caught:
        watch(google, "projects/p/topics/other")
    assert "Only one user push notification client allowed per developer" in caught.value.message
    google.call("stop")
    assert watch(google, "projects/p/topics/other")


def test_renewing_the_same_watch_is_allowed(google):
    first = watch(google)
    google.wait(days=1)
    assert int(watch(google)["expiration"]) > int(first["expiration"])


@pytest.mark.parametrize(
    "body", [{}, {"topicName": "gmail-push"}, {"topicName": TOPIC, "labelIds": ["NOPE"]}, {"topicName": 5}]
)
def test_a_wrong_watch_is_refused(google, body):
    assert google.refused("watch", body)[0] == 400
