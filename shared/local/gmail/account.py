"""Gmail's methods on a mailbox as a whole: its history, its watch, its profile and labels."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from shared.adapters.gmail_errors import GoogleError
from shared.local.gmail.errors import invalid, not_found
from shared.local.gmail.mailbox import SYSTEM_LABELS, Mailbox, Subscription
from shared.local.gmail.request import Handler, Json, Request, string, strings

WATCH_LASTS: Final = timedelta(days=7)
"""After this a watch ends without a word."""

_HISTORY_TYPES: Final[Mapping[str, str]] = {
    "messageAdded": "messagesAdded",
    "messageDeleted": "messagesDeleted",
    "labelAdded": "labelsAdded",
    "labelRemoved": "labelsRemoved",
}
_TOPIC = re.compile(r"projects/([^/]+)/topics/[^/]+")


def history_list(r: Request) -> Json:
    """users.history.list."""
    start = _uint64(r.text("startHistoryId"), "start_history_id")
    kinds = r.texts("historyTypes")
    if unknown := [kind for kind in kinds if kind not in _HISTORY_TYPES]:
        raise invalid(f"Invalid value at 'history_types', {unknown[0][:50]!r}")
    shown_kinds = {_HISTORY_TYPES[kind] for kind in kinds}
    after = _history_position(r.text("pageToken"), start)
    label = r.text("labelId")
    records = list(r.mailbox.history_since(start))
    reached = r.mailbox.history_id
    for kind in ("history_behind", "history_empty"):
        lag = r.lag(kind)
        if lag is not None:
            seen = [record for record in records if record.at <= r.now - lag]
            if kind == "history_behind" and len(seen) < len(records):
                reached = seen[-1].id if seen else start
            records = seen
    found = [
        record.shown
        for record in records
        if record.id > after
        and (not shown_kinds or record.kind in shown_kinds)
        and (not label or label in record.labels)
    ]
    limit = r.limit()
    answer: Json = {"historyId": str(reached)}
    if found:
        answer["history"] = found[:limit]
    if len(found) > limit:
        token = f"{start}:{found[limit - 1]['id']}"
        answer["nextPageToken"] = urlsafe_b64encode(token.encode()).decode()
    return answer


def _uint64(value: str, name: str) -> int:
    if not value.isdecimal() or not 0 < int(value[:25]) < 2**64:
        raise invalid(f"Invalid value at '{name}' (TYPE_UINT64), {value[:50]!r}")
    return int(value)


def _history_position(token: str, start: int) -> int:
    """The last record that the pages before have shown. A token serves the start that it was given for, no other."""
    if not token:
        return start
    try:
        given_for, _, last = urlsafe_b64decode(token + "==").decode().partition(":")
        position = int(last)
    except ValueError:
        raise invalid("Invalid pageToken") from None
    if given_for != str(start):
        raise invalid("Invalid pageToken")
    return position


def watch(r: Request) -> Json:
    """users.watch."""
    topic = string(r.body, "topicName")
    named = _TOPIC.fullmatch(topic)
    if not named:
        raise invalid("Invalid topicName: must be projects/<project>/topics/<topic>")
    if named[1] != r.project:
        raise invalid(f"Invalid topicName does not match projects/{r.project}/topics/*")
    labels = strings(r.body, "labelIds")
    r.mailbox.check_labels(labels)
    behavior = string(r.body, "labelFilterBehavior") or string(r.body, "labelFilterAction") or "include"
    if behavior.lower() not in ("include", "exclude"):
        raise invalid(f"Invalid value at 'label_filter_behavior', {behavior[:50]!r}")
    held = r.mailbox.subscription
    if held and held.expires_at > r.now and held.topic != topic:
        raise GoogleError(
            400,
            "failedPrecondition",
            "Only one user push notification client allowed per developer (call /stop then try again)",
        )
    expires_at = r.now + WATCH_LASTS
    r.mailbox.subscription = Subscription(topic, frozenset(labels), behavior.lower() == "exclude", expires_at)
    return {"historyId": str(r.mailbox.history_id), "expiration": str(int(expires_at.timestamp() * 1000))}


def stop(r: Request) -> Json:
    """users.stop."""
    r.mailbox.subscription = None
    return {}


def get_profile(r: Request) -> Json:
    """users.getProfile."""
    box = r.mailbox
    return {
        "emailAddress": box.address,
        "messagesTotal": len(box.messages),
        "threadsTotal": len(box.threads),
        "historyId": str(box.history_id),
    }


def _label(box: Mailbox, label_id: str) -> Json:
    own = box.labels.get(label_id)
    return {
        "id": label_id,
        "name": own or label_id,
        "messageListVisibility": "show" if own else "hide",
        "labelListVisibility": "labelShow" if own else "labelHide",
        "type": "user" if own else "system",
    }


def labels_list(r: Request) -> Json:
    """users.labels.list."""
    return {"labels": [_label(r.mailbox, label_id) for label_id in r.mailbox.label_ids()]}


def labels_get(r: Request) -> Json:
    """users.labels.get, with its counts."""
    label_id = r.text("id")
    if label_id not in SYSTEM_LABELS and label_id not in r.mailbox.labels:
        raise not_found()
    under = [stored for stored in r.mailbox.messages.values() if label_id in stored.labels]
    unread = [stored for stored in under if "UNREAD" in stored.labels]
    return {
        **_label(r.mailbox, label_id),
        "messagesTotal": len(under),
        "messagesUnread": len(unread),
        "threadsTotal": len({stored.thread_id for stored in under}),
        "threadsUnread": len({stored.thread_id for stored in unread}),
    }


HANDLERS: Final[Mapping[str, Handler]] = {
    "getProfile": get_profile,
    "history.list": history_list,
    "labels.get": labels_get,
    "labels.list": labels_list,
    "stop": stop,
    "watch": watch,
}
"""What is here, by the method's name below users."""
