"""One delivery has one draft for life: what Gmail shows of it says whether the mail has left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from shared.model import Send
from shared.ports import Draft, MessageJson
from shared.sending.account import Account
from shared.sending.content import content_hash, header_of
from shared.sending.letter import SEND_HEADER

MOST_LOOKED_AT = 5
"""Drafts opened to find one of ours, the newest first: it was made minutes ago."""

MOST_SENT = 3
"""Sent mails opened to find one of ours, the newest first: few write more than one to an employer in some days."""

SEARCHED = timedelta(days=2)
"""How far before our first try a mail is looked for that bears our header: an instance's clock may be days ahead."""

CLOCK_SLACK = timedelta(minutes=2)
"""How far our clock may be ahead of Gmail's when a mail is to be younger than our first try."""


class Where(Enum):
    """Where the mail is."""

    LEFT = "left"
    UNCHANGED = "unchanged"
    """The draft is there, as we made it."""
    EDITED = "edited"
    """The draft is there, and the person has changed it."""
    GONE = "gone"
    """Neither a draft nor a sent mail is to be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What Gmail shows of a send."""

    where: Where
    gmail_id: str = ""
    thread_id: str = ""
    message_id: str = ""
    """The real Message-ID of the mail that left."""
    draft: Draft | None = None


def look(send: Send, account: Account) -> Found:
    """Where the mail of a send with a draft is. A sent mail in its thread is proof; only then the draft speaks.

    Raises what Gmail's calls raise.
    """
    messages = account.ask(lambda session: session.thread(send.thread_id)) or ()
    for message in messages:
        if "SENT" in message.get("labelIds", ()) and _is_ours(message, send):
            return Found(
                where=Where.LEFT,
                gmail_id=str(message["id"]),
                thread_id=str(message["threadId"]),
                message_id=message_id_of(message),
            )
    draft = account.ask(lambda session: session.get_draft(send.draft_id))
    if draft is None and send.kind == "application" and any("DRAFT" in m.get("labelIds", ()) for m in messages):
        # An edit elsewhere may have given the draft another id. A follow-up's thread may hold a draft of the person's.
        draft = _in_thread(send.thread_id, account)
    if draft is None or draft.raw is None:
        return Found(where=Where.GONE)
    is_wanted = not send.content_hash or content_hash(draft.raw) == send.content_hash
    return Found(where=Where.UNCHANGED if is_wanted else Where.EDITED, draft=draft)


def adopted(send: Send, account: Account) -> Draft | None:
    """The draft that an earlier try has made and not recorded: the one that bears our header with this send's id."""
    return next(iter(_drafts_of(send, account)), None)


def sent_by_hand(send: Send, account: Account) -> Found | None:
    """The mail that left as a draft which an earlier try had made and not recorded: the person has sent it themselves.

    The search index may be some seconds behind; there is no other way to it.
    """
    if send.letter is None or not send.attempts:
        return None
    since = int((send.attempts[0].started_at - SEARCHED).timestamp())
    query = f"in:sent to:{send.letter.recipient} after:{since}"
    page = account.ask(lambda session: session.search(query, limit=MOST_SENT))
    for id_, thread_id in page.messages:
        message = account.ask(lambda session, id_=id_: session.message(id_, form="metadata"))  # type: ignore[misc]  # a default
        if message is not None and _header(message, SEND_HEADER) == send.id:
            return Found(where=Where.LEFT, gmail_id=id_, thread_id=thread_id, message_id=message_id_of(message))
    return None


def delete_strays(send: Send, account: Account) -> None:
    """Delete the drafts that bear this send's header and are not the one that is on record. Nobody else's."""
    for draft in _drafts_of(send, account):
        if draft.id != send.draft_id:
            account.ask(lambda session, id_=draft.id: session.delete_draft(id_))  # type: ignore[misc]  # a default


def message_id_of(message: MessageJson) -> str:
    """The Message-ID of one of Gmail's messages; empty when it shows none."""
    return _header(message, "Message-ID")


def _header(message: MessageJson, name: str) -> str:
    """One header of one of Gmail's messages; empty when it shows none."""
    payload: Mapping[str, Any] = message.get("payload") or {}
    for header in payload.get("headers", ()):
        if str(header.get("name", "")).lower() == name.lower():
            return str(header.get("value", "")).strip()
    return ""


def _is_ours(message: MessageJson, send: Send) -> bool:
    """A new thread has nothing but our mail. In an older one, what was sent before our first try is something else."""
    if send.kind == "application":
        return True
    at = datetime.fromtimestamp(int(message.get("internalDate", 0)) / 1000, UTC)
    return not send.attempts or at >= send.attempts[0].started_at - CLOCK_SLACK


def _in_thread(thread_id: str, account: Account) -> Draft | None:
    """The draft of a thread, whatever its id is now."""
    page = account.ask(lambda session: session.list_drafts())
    ids = [draft.id for draft in page.drafts if draft.thread_id == thread_id]
    return account.ask(lambda session: session.get_draft(ids[0])) if ids else None


def _drafts_of(send: Send, account: Account) -> list[Draft]:
    """The newest drafts that bear our header with this send's id. No search: its index lags behind."""
    page = account.ask(lambda session: session.list_drafts())
    found = []
    for named in page.drafts[:MOST_LOOKED_AT]:
        draft = account.ask(lambda session, id_=named.id: session.get_draft(id_))  # type: ignore[misc]  # a default
        if draft is not None and draft.raw is not None and header_of(draft.raw, SEND_HEADER) == send.id:
            found.append(draft)
    return found
