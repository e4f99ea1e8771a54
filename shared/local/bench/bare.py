"""What Hearback's push is measured against: a function that does the unavoidable I/O of a push, and nothing else.

One history.list, then for each message one messages.get and one Firestore transaction that reads and writes one
document, which keeps the mail's headers and snippet: what is learnt has to be written down. By Google's own client
libraries as their documentation tells it, with the two habits that spare them most: the `messages` resource is kept,
and so is each thread's connection. Token and cursor come in the message.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from typing import Any

import httplib2
from google.cloud import firestore
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc

_document = json.loads(get_static_doc("gmail", "v1"))
if os.environ.get("HEARBACK_GOOGLE_ROOT"):
    _document["rootUrl"] = os.environ["HEARBACK_GOOGLE_ROOT"] + "/"
_users = build_from_document(_document, http=httplib2.Http()).users()
_history, _messages = _users.history(), _users.messages()
_store = firestore.Client(project=os.environ["GOOGLE_CLOUD_PROJECT"])
_threads = threading.local()


def bare(request: Any) -> tuple[str, int]:
    """Take one push. The entry point is a plain function: the framework is told by its command that it serves HTTP."""
    push = json.loads(base64.b64decode(request.get_json()["message"]["data"]))
    if "start" in push:
        listed = _call(_history.list(userId="me", startHistoryId=push["start"]), push["token"])
        for record in listed.get("history", ()):
            for added in record.get("messagesAdded", ()):
                mail = _call(_messages.get(userId="me", id=added["message"]["id"], format="full"), push["token"])
                headers = {header["name"]: header["value"] for header in mail["payload"]["headers"]}
                kept = {"headers": headers, "snippet": mail["snippet"], "labels": mail["labelIds"]}
                _record(_store.transaction(), _store.document("bare", mail["id"]), kept)
    else:
        _store.document("bare", "nobody").get()
    print("done", flush=True)
    return "", 204


def _call(request: Any, token: str) -> Any:
    if not hasattr(_threads, "http"):
        _threads.http = httplib2.Http(timeout=15)
    request.headers["authorization"] = f"Bearer {token}"
    return request.execute(http=_threads.http)


@firestore.transactional
def _record(transaction: Any, place: Any, kept: dict[str, Any]) -> None:
    known = place.get(transaction=transaction)
    transaction.set(place, {**kept, "again": known.exists})
