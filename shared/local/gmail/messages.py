"""Gmail's methods on messages, threads and drafts: parameters and body in, the documented resource out."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final

from shared.local.gmail import search
from shared.local.gmail.errors import invalid, not_found, refusal
from shared.local.gmail.mailbox import StoredMessage
from shared.local.gmail.request import Handler, Json, Request, string, strings

FORMATS: Final = ("minimal", "full", "raw", "metadata")

_UNMOVABLE: Final = frozenset({"SENT", "DRAFT", "CHAT"})
"""Labels that say what a message is; nobody may set or clear them."""


# --- Messages and threads ---------------------------------------------------------------------------------------------


def _message_resource(stored: StoredMessage, form: str, names: tuple[str, ...] = ()) -> Json:
    """A Message in one of Gmail's formats; `names` are the headers that format=metadata was asked for."""
    mail = stored.mail
    shown: Json = {
        "id": stored.id,
        "threadId": stored.thread_id,
        "labelIds": list(stored.labels),
        "snippet": mail.snippet,
        "historyId": str(stored.history_id),
        "internalDate": str(stored.internal_ms),
        "sizeEstimate": len(mail.raw),
    }
    if form == "metadata":
        shown["payload"] = {"mimeType": mail.mime_type, "headers": mail.picked(names) if names else mail.headers}
    elif form == "full":
        shown["payload"] = mail.payload
    elif form == "raw":
        shown["raw"] = mail.raw_base64
    return shown


def _named(stored: StoredMessage) -> Json:
    return {"id": stored.id, "threadId": stored.thread_id}


def _labelled(stored: StoredMessage) -> Json:
    return {**_named(stored), "labelIds": list(stored.labels)}


def _form(r: Request, allowed: tuple[str, ...] = FORMATS) -> str:
    form = r.text("format", "full")
    if form not in allowed:
        raise invalid(f"Invalid value at 'format', {form[:50]!r}")
    if form in ("full", "raw") and r.metadata_only():
        raise refusal(403, "forbidden", f"Metadata scope doesn't allow format {form.upper()}")
    return form


def messages_get(r: Request) -> Json:
    """users.messages.get."""
    stored = r.mailbox.message(r.text("id"))
    return _message_resource(stored, _form(r), r.texts("metadataHeaders"))


def _page(r: Request, wanted: Callable[[StoredMessage], bool]) -> tuple[list[StoredMessage], str]:
    """One page of the mailbox's messages, newest first, and the token of the next."""
    before: tuple[int, str] | None = None
    if token := r.text("pageToken"):
        if not token.isdecimal() or len(token) > 40:  # noqa: PLR2004 - more digits than date and id can have
            raise invalid("Invalid pageToken")
        milliseconds, message = divmod(int(token), 2**64)
        before = (milliseconds, f"{message:016x}")
    limit = r.limit()
    found = list(islice(filter(wanted, r.mailbox.newest_first(before)), limit + 1))
    if len(found) <= limit:
        return found, ""
    last = found[limit - 1]
    return found[:limit], str(last.internal_ms * 2**64 + int(last.id, 16))


def _wanted(r: Request) -> Callable[[StoredMessage], bool]:
    """What q, labelIds and includeSpamTrash let through."""
    text, labels = r.text("q"), r.texts("labelIds")
    r.mailbox.check_labels(labels)
    if text and r.metadata_only():
        raise refusal(403, "forbidden", "Metadata scope does not support 'q' parameter")
    hidden = {"SPAM", "TRASH"}.difference(labels)
    if r.flag("includeSpamTrash"):
        hidden.clear()
    matches: search.Match | None = None
    unseen: datetime | None = None
    if text:
        query = search.query(text)
        matches = query.matches
        if query.everywhere:
            hidden.clear()
        lag = r.lag("search_behind")
        unseen = r.now - lag if lag is not None else None
    own = {name.lower().replace(" ", "-"): label for label, name in r.mailbox.labels.items()}
    searcher = search.Searcher(r.mailbox.address, r.now, own)

    def wanted(stored: StoredMessage) -> bool:
        if not hidden.isdisjoint(stored.labels) or not all(label in stored.labels for label in labels):
            return False
        if unseen is not None and stored.came_at > unseen:
            return False
        return matches is None or matches(stored, searcher)

    return wanted


def _listed(name: str, items: list[Json], token: str) -> Json:
    """A list's answer. Gmail leaves out empty lists, and its estimate is 201 whenever there is more."""
    answer: Json = {name: items} if items else {}
    if token:
        answer["nextPageToken"] = token
    return {**answer, "resultSizeEstimate": 201 if token else len(items)}


def messages_list(r: Request) -> Json:
    """users.messages.list."""
    found, token = _page(r, _wanted(r))
    return _listed("messages", [_named(stored) for stored in found], token)


def messages_modify(r: Request) -> Json:
    """users.messages.modify, labels only."""
    adding, removing = (strings(r.body, name) for name in ("addLabelIds", "removeLabelIds"))
    r.mailbox.check_labels((*adding, *removing))
    if fixed := _UNMOVABLE.intersection((*adding, *removing)):
        raise invalid(f"Cannot modify label: {min(fixed)}")
    return _labelled(r.mailbox.relabel(r.text("id"), add=adding, remove=removing))


def messages_send(r: Request) -> Json:
    """users.messages.send."""
    return _labelled(r.mailbox.send(_content(r.body, r.media), string(r.body, "threadId")))


def attachments_get(r: Request) -> Json:
    """users.messages.attachments.get."""
    if r.metadata_only():
        raise refusal(403, "forbidden", "Metadata scope doesn't allow attachments")
    content = r.mailbox.message(r.text("messageId")).mail.attachments.get(r.text("id"))
    if content is None:
        raise invalid("Invalid attachment token")
    return {"size": len(content), "data": urlsafe_b64encode(content).decode()}


def threads_get(r: Request) -> Json:
    """users.threads.get."""
    form = _form(r, ("minimal", "full", "metadata"))
    thread_id = r.text("id")
    if thread_id not in r.mailbox.threads:
        raise not_found()
    stored = [r.mailbox.messages[each] for each in r.mailbox.threads[thread_id]]
    names = r.texts("metadataHeaders")
    return {
        "id": thread_id,
        "historyId": str(max(each.history_id for each in stored)),
        "messages": [_message_resource(each, form, names) for each in stored],
    }


# --- Drafts -----------------------------------------------------------------------------------------------------------


def _content(body: Mapping[str, Any], media: bytes | None) -> bytes:
    """The mail in a request: uploaded as it is, or as base64url in the JSON."""
    if media is not None:
        return media
    raw = string(body, "raw")
    if not raw:
        raise invalid("'raw' RFC822 payload message string or uploading message via /upload/* URL required")
    try:
        return b64decode(raw.replace("-", "+").replace("_", "/") + "=" * (-len(raw) % 4), validate=True)
    except ValueError:
        raise invalid("Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed") from None


def _inner(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The Message inside a Draft."""
    message = body.get("message", {})
    if not isinstance(message, Mapping):
        raise invalid("Invalid value at 'draft.message'")
    return message


def drafts_create(r: Request) -> Json:
    """users.drafts.create."""
    message = _inner(r.body)
    stored = r.mailbox.create_draft(_content(message, r.media), string(message, "threadId"))
    return {"id": stored.draft_id, "message": _labelled(stored)}


def drafts_update(r: Request) -> Json:
    """users.drafts.update: other content in another message of the same draft."""
    draft_id = r.mailbox.draft(r.text("id")).draft_id
    stored = r.mailbox.create_draft(_content(_inner(r.body), r.media), "", draft_id)
    return {"id": stored.draft_id, "message": _labelled(stored)}


def drafts_get(r: Request) -> Json:
    """users.drafts.get."""
    stored = r.mailbox.draft(r.text("id"))
    return {"id": stored.draft_id, "message": _message_resource(stored, _form(r))}


def drafts_list(r: Request) -> Json:
    """users.drafts.list."""
    wanted = _wanted(r)
    found, token = _page(r, lambda stored: bool(stored.draft_id) and wanted(stored))
    return _listed("drafts", [{"id": stored.draft_id, "message": _named(stored)} for stored in found], token)


def drafts_delete(r: Request) -> Json:
    """users.drafts.delete."""
    r.mailbox.remove(r.mailbox.draft(r.text("id")).id)
    return {}


def drafts_send(r: Request) -> Json:
    """users.drafts.send; new content in the request replaces the draft's first."""
    draft_id = string(r.body, "id")
    message = _inner(r.body)
    if not draft_id:
        return _labelled(r.mailbox.send(_content(message, r.media), string(message, "threadId")))
    r.mailbox.draft(draft_id)
    if r.media is not None or "raw" in message:
        r.mailbox.create_draft(_content(message, r.media), "", draft_id)
    return _labelled(r.mailbox.send_draft(draft_id))


HANDLERS: Final[Mapping[str, Handler]] = {
    "drafts.create": drafts_create,
    "drafts.delete": drafts_delete,
    "drafts.get": drafts_get,
    "drafts.list": drafts_list,
    "drafts.send": drafts_send,
    "drafts.update": drafts_update,
    "messages.attachments.get": attachments_get,
    "messages.get": messages_get,
    "messages.list": messages_list,
    "messages.modify": messages_modify,
    "messages.send": messages_send,
    "threads.get": threads_get,
}
"""What is here, by the method's name below users."""
