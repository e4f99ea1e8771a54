"""Gmail's methods as Hearback uses them: what each asks for, what it costs, and what its answer says.

Nothing here knows how a call travels. `shared.adapters.gmail` sends it over HTTP, `shared.local.gmail` hands it to the
model of Gmail, and both read the answer by the same lines.
"""

from __future__ import annotations

import html
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol, TypeVar

from shared.adapters.gmail_errors import SENDS, GoogleError, Missing, NoAnswer, failure
from shared.errors import Rejected, TryAgain, Unsure
from shared.ports import (
    AccessToken,
    Clock,
    Draft,
    DraftPage,
    HistoryMessage,
    HistoryPage,
    MessageJson,
    MessagePage,
    Profile,
    SentMail,
    Watch,
)

T = TypeVar("T")

SNIPPET_MARKUP: Final = 2_000
"""Characters of a snippet with its HTML escapes: 200 of text, each at most ten of markup."""

UNITS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "drafts.create": 10,
        "drafts.delete": 10,
        "drafts.get": 20,
        "drafts.list": 5,
        "drafts.send": 100,
        "drafts.update": 15,
        "getProfile": 1,
        "history.list": 2,
        "labels.get": 1,
        "labels.list": 1,
        "messages.attachments.get": 20,
        "messages.get": 20,
        "messages.list": 5,
        "messages.modify": 5,
        "messages.send": 100,
        "stop": 50,
        "threads.get": 40,
        "watch": 100,
    }
)
"""Quota units of one call, for projects made since May 2026 (Gmail API usage limits). `format` changes no price."""

METADATA_HEADERS: Final = (
    "From",
    "To",
    "Cc",
    "Reply-To",
    "Subject",
    "Message-ID",
    "In-Reply-To",
    "References",
    "List-Id",
    "List-Unsubscribe",
    "Auto-Submitted",
    "Precedence",
    "Authentication-Results",
    "ARC-Authentication-Results",
    "Return-Path",
    "Content-Type",
    "X-Failed-Recipients",
    "X-Hearback-Send",
    "X-Hearback-Notification",
    "Date",
)
"""The headers that triage, matching and the sender check read; nothing else of a mail leaves Gmail at first."""

UPLOAD_BYTES: Final = 3 << 20
"""Above this a mail goes to the upload endpoint: the JSON one ends at about 5 MB, and base64 adds a third."""

MEDIA_BYTES: Final = 36_700_160
"""The largest upload that Gmail takes (`maxSize` of messages.send and drafts.create in the discovery document)."""

HISTORY_PAGE: Final = 500
"""The most that history.list gives: a page costs the same whatever its length."""

_MESSAGE = "id,threadId,labelIds,internalDate,snippet,sizeEstimate"
_METADATA_FIELDS = f"{_MESSAGE},payload(mimeType,headers)"
_FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "metadata": _METADATA_FIELDS,
        "full": f"{_MESSAGE},payload",
    }
)
_HISTORY_MESSAGE = "message(id,threadId,labelIds)"
_HISTORY_FIELDS = (
    f"historyId,nextPageToken,history(messagesAdded/{_HISTORY_MESSAGE},labelsRemoved({_HISTORY_MESSAGE},labelIds))"
)
_PUSH_CLIENT = "only one user push notification client"


class Call(Protocol):
    """One call of a Gmail method for one mailbox. Raises GoogleError or NoAnswer and nothing else."""

    def __call__(
        self, method: str, params: Mapping[str, Any], body: Mapping[str, Any] | None, media: bytes | None
    ) -> Mapping[str, Any]:
        """The decoded answer; empty when the method has none."""
        ...


class MailboxMethods:
    """One mailbox over any way of calling Gmail; fulfils `shared.ports.GmailMailbox`."""

    def __init__(self, call: Call, clock: Clock) -> None:
        self._call = call
        self._clock = clock
        self._units = 0

    @property
    def units(self) -> int:
        """Quota units asked for so far. A refused call counts too: better to spend too few than too many."""
        return self._units

    def profile(self) -> Profile:
        """users.getProfile."""
        return self._ask(
            "getProfile",
            lambda a: Profile(email_address=a["emailAddress"].lower(), history_id=int(a["historyId"])),
            fields="emailAddress,historyId",
        )

    def history(self, start: int, *, page: str = "") -> HistoryPage | None:
        """users.history.list, without a label filter: a filter of the person's may have moved the mail at once."""
        try:
            return self._ask(
                "history.list",
                _history_page,
                startHistoryId=str(start),
                historyTypes=["messageAdded", "labelRemoved"],
                maxResults=HISTORY_PAGE,
                pageToken=page or None,
                fields=_HISTORY_FIELDS,
            )
        except Missing:
            return None

    def message(self, message_id: str, *, form: Literal["metadata", "full"]) -> MessageJson | None:
        """users.messages.get; the snippet, which Gmail escapes for HTML, comes as plain text."""
        try:
            return self._ask(
                "messages.get",
                _plain_snippet,
                id=message_id,
                format=form,
                metadataHeaders=list(METADATA_HEADERS) if form == "metadata" else None,
                fields=_FIELDS[form],
            )
        except Missing:
            return None

    def raw(self, message_id: str) -> bytes | None:
        """users.messages.get with the whole mail as it is."""
        try:
            return self._ask("messages.get", lambda a: _bytes(a["raw"]), id=message_id, format="raw", fields="raw")
        except Missing:
            return None

    def attachment(self, message_id: str, attachment_id: str) -> bytes | None:
        """users.messages.attachments.get."""
        try:
            return self._ask(
                "messages.attachments.get",
                lambda a: _bytes(a.get("data", "")),
                messageId=message_id,
                id=attachment_id,
                fields="data",
            )
        except Missing:
            return None

    def search(self, query: str, *, page: str = "", limit: int = 100) -> MessagePage:
        """users.messages.list."""
        return self._ask(
            "messages.list",
            lambda a: MessagePage(
                messages=tuple((m["id"], m["threadId"]) for m in a.get("messages", ())),
                next_page=a.get("nextPageToken", ""),
            ),
            q=query,
            maxResults=limit,
            pageToken=page or None,
            fields="nextPageToken,messages(id,threadId)",
        )

    def watch(self, topic: str) -> Watch:
        """users.watch. Gmail allows one topic a project and mailbox: a watch on another one is stopped and replaced."""
        try:
            return self._watch(topic)
        except Rejected as e:
            if _PUSH_CLIENT not in str(e).lower():
                raise
        self.stop()
        return self._watch(topic)

    def _watch(self, topic: str) -> Watch:
        return self._ask(
            "watch",
            lambda a: Watch(history_id=int(a["historyId"]), expires_at=_instant(a["expiration"])),
            body={"topicName": topic, "labelIds": ["INBOX"], "labelFilterBehavior": "include"},
            fields="historyId,expiration",
        )

    def stop(self) -> None:
        """users.stop."""
        self._ask("stop", lambda _: None)

    def create_draft(self, raw: bytes, *, thread_id: str = "") -> Draft:
        """users.drafts.create."""
        message, media = _outgoing(raw, thread_id)
        body = {"message": message} if message else None
        return self._ask("drafts.create", _draft, body=body, media=media, fields="id,message(id,threadId)")

    def get_draft(self, draft_id: str) -> Draft | None:
        """users.drafts.get with the whole mail."""
        try:
            return self._ask("drafts.get", _draft, id=draft_id, format="raw", fields="id,message(id,threadId,raw)")
        except Missing:
            return None

    def list_drafts(self, query: str = "", *, page: str = "", limit: int = 100) -> DraftPage:
        """users.drafts.list."""
        return self._ask(
            "drafts.list",
            lambda a: DraftPage(
                drafts=tuple(_draft(d) for d in a.get("drafts", ())), next_page=a.get("nextPageToken", "")
            ),
            q=query or None,
            maxResults=limit,
            pageToken=page or None,
            fields="nextPageToken,drafts(id,message(id,threadId))",
        )

    def send_draft(self, draft_id: str) -> SentMail | None:
        """users.drafts.send."""
        try:
            return self._ask("drafts.send", _sent, body={"id": draft_id}, fields="id,threadId")
        except Missing:
            return None

    def delete_draft(self, draft_id: str) -> None:
        """users.drafts.delete."""
        with suppress(Missing):
            self._ask("drafts.delete", lambda _: None, id=draft_id)

    def send(self, raw: bytes, *, thread_id: str = "") -> SentMail:
        """users.messages.send."""
        message, media = _outgoing(raw, thread_id)
        return self._ask("messages.send", _sent, body=message or None, media=media, fields="id,threadId")

    def thread(self, thread_id: str) -> tuple[MessageJson, ...] | None:
        """users.threads.get with the headers of `METADATA_HEADERS`."""
        try:
            return self._ask(
                "threads.get",
                lambda a: tuple(_plain_snippet(m) for m in a.get("messages", ())),
                id=thread_id,
                format="metadata",
                metadataHeaders=list(METADATA_HEADERS),
                fields=f"messages({_METADATA_FIELDS})",
            )
        except Missing:
            return None

    def _ask(
        self,
        method: str,
        read: Callable[[Mapping[str, Any]], T],
        *,
        body: Mapping[str, Any] | None = None,
        media: bytes | None = None,
        **params: Any,
    ) -> T:
        self._units += UNITS[method]
        given = {name: value for name, value in params.items() if value is not None}
        try:
            answer = self._call(method, given, body, media)
        except GoogleError as e:
            raise failure(e, method, now=self._clock.now()) from e
        except NoAnswer as e:
            if e.left and method in SENDS:
                raise Unsure(f"{method}: {e}") from e
            raise TryAgain(f"{method}: {e}") from e
        try:
            return read(answer)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as e:
            # The call itself succeeded, so a send has happened; only what came back cannot be read.
            kind = Unsure if method in SENDS else TryAgain
            raise kind(f"{method}: unreadable answer ({type(e).__name__})") from e


def access_token(answer: Mapping[str, Any], *, now: datetime) -> AccessToken:
    """The token endpoint's answer. Raises TryAgain when it is none."""
    try:
        return AccessToken(
            token=str(answer["access_token"]), expires_at=now + timedelta(seconds=int(answer["expires_in"]))
        )
    except (KeyError, TypeError, ValueError, OverflowError) as e:
        raise TryAgain("token: an answer without token or lifetime") from e


def _outgoing(raw: bytes, thread_id: str) -> tuple[dict[str, str], bytes | None]:
    """A mail as JSON, or, when it is too large for that, as the media of an upload."""
    message = {"threadId": thread_id} if thread_id else {}
    if len(raw) > UPLOAD_BYTES:
        return message, raw
    return message | {"raw": urlsafe_b64encode(raw).decode()}, None


def _history_page(answer: Mapping[str, Any]) -> HistoryPage:
    """What is new in a page, each message once. Of the removed labels only SPAM makes a message new to us."""
    found: dict[str, HistoryMessage] = {}
    for record in answer.get("history", ()):
        rescues = [change for change in record.get("labelsRemoved", ()) if "SPAM" in change.get("labelIds", ())]
        for change in [*record.get("messagesAdded", ()), *rescues]:
            message = change["message"]
            labels = message.get("labelIds")
            known = found.get(message["id"])
            found[message["id"]] = HistoryMessage(
                id=message["id"],
                thread_id=message["threadId"],
                labels=tuple(labels) if labels is not None else known.labels if known else None,
                rescued=change in rescues or (known is not None and known.rescued),
            )
    return HistoryPage(
        history_id=int(answer["historyId"]),
        messages=tuple(found.values()),
        next_page=answer.get("nextPageToken", ""),
    )


def _plain_snippet(message: Mapping[str, Any]) -> MessageJson:
    # Cut first: a reference of more than 4,300 digits is a ValueError of Python's own.
    return {**message, "snippet": html.unescape(message.get("snippet", "")[:SNIPPET_MARKUP])}


def _draft(answer: Mapping[str, Any]) -> Draft:
    message = answer["message"]
    raw = message.get("raw")
    return Draft(
        id=answer["id"],
        message_id=message["id"],
        thread_id=message["threadId"],
        raw=_bytes(raw) if raw is not None else None,
    )


def _sent(answer: Mapping[str, Any]) -> SentMail:
    return SentMail(id=answer["id"], thread_id=answer["threadId"])


def _bytes(data: str) -> bytes:
    """base64url, which comes with and without its padding; Python refuses too little and ignores too much."""
    return urlsafe_b64decode(data + "==")


def _instant(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
