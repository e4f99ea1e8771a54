"""A message becomes a `Mail`: decoded, capped, its new text apart from what it quotes, its sender checked.

Pure and total: any JSON and any bytes give a Mail, within 2 s and 256 MiB, and no exception leaves. What could not be
read is named in `Mail.problem`; `unreadable` says when so little is left that the mail must be parked.

How a mail's parts appear:
- `text` is the new text of the best body: text/plain, or the HTML when the plain text is a stub or lost its links.
  Links of HTML stand behind their words (`View the role <https://jobs.example/1>`). A forwarded mail stays in `text`
  with its "From:" lines; `quoted` holds the history and the signature that were split off.
- `calendars` holds text/calendar parts and .ics files whose content came along; the others are in `attachments`, and
  `with_calendar` adds what was fetched for them.
- A bounce (DSN, RFC 3464) has its human part as `text`; what its machine-readable parts say stands at the end of
  `quoted`, a line each: "Final-Recipient:", "Action:", "Status:" and "Diagnostic-Code:" of the first failed recipient,
  and the "Message-ID:" of the mail that came back. `headers["content-type"]` says that it is a report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from shared.classify import history
from shared.classify.charsets import clean, decode_body, known
from shared.classify.headers import Address, Field, addresses, decode_words, first, message_ids, read_fields
from shared.classify.html_text import html_to_text
from shared.classify.mime import Message, Part, read_bytes, read_gmail
from shared.classify.sender import check
from shared.model import SNIPPET_CHARACTERS, Attachment, CalendarPart, Mail, SenderCheck
from shared.ports import MessageJson

TEXT_CHARACTERS = 40_000
"""How much of a mail's new text is kept: ten times a long letter."""

QUOTED_CHARACTERS = 10_000
"""How much of history and signature is kept, and how much of a delivery report."""

CALENDAR_CHARACTERS = 100_000
"""How much of one calendar part is kept; an invitation with a time zone's whole history has about 20,000."""

SUBJECT_CHARACTERS = 1_000
"""How much of the subject is kept; RFC 5322 allows 998 in a line."""

HEADER_VALUE_CHARACTERS = 500
"""How much of each field in `Mail.headers` is kept."""

CALENDARS = 5
ATTACHMENTS = 50
"""How many calendar parts and attachments of one mail are kept."""

DECODED_CHARACTERS = 500_000
"""How much text, HTML included, is decoded; two texts at the limit of what Gmail shows."""

BODY_CHARACTERS = 100_000
"""How much text is looked at before its history is split off."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""internal_date of a message whose own could not be read; `unreadable` names it."""

LAST_MILLISECOND = 253_402_300_799_999
"""The end of the year 9999, after which there are no datetimes."""

KEPT_HEADERS = (
    "auto-submitted",
    "content-type",
    "list-id",
    "list-unsubscribe",
    "precedence",
    "return-path",
    "x-auto-response-suppress",
    "x-autoreply",
    "x-autorespond",
    "x-failed-recipients",
    "x-hearback-notification",
)
"""Fields that rules read, kept in `Mail.headers` under these names (the first of each)."""

REPORT_FIELDS = ("Final-Recipient", "Action", "Status", "Diagnostic-Code")
"""Fields of a delivery report's recipient (RFC 3464) that are kept."""

STUB_CHARACTERS = 40
"""A plain text shorter than this beside an HTML one says nothing."""

SHORT_CHARACTERS = 400
"""A plain text shorter than this is looked at for being a stub ("please view the HTML version")."""

_STUB = re.compile(
    r"html[ -]?(?:version|format|e-?mail|message|mail|view|weergave|形式|格式)"
    r"|(?:support|enable|als|au format|en formato) html"
    r"|view (?:this |it |the )?(?:e-?mail |message )?(?:in (?:a|your) browser|in browser|online)|im browser|navigateur"
    r"|does(?: not|n't) support|can(?:not|'t) display",
    re.IGNORECASE,
)
_BLANK_LINES = re.compile(r"\n{3,}")
_LINK = re.compile(r" <https?://[^<>\s]{1,1000}>")
_METHOD = re.compile(r"^METHOD:([A-Za-z-]{1,20})", re.IGNORECASE | re.MULTILINE)
_PARAGRAPH = re.compile(r"\n\s{0,10}\n")


@dataclass(slots=True)
class _Body:
    """One text of a mail, in the forms in which it came."""

    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Found:
    """What a walk over the parts finds besides the text."""

    problems: list[str]
    decoded: int = 0
    """Characters of text so far."""
    is_report: bool = False
    """The mail is, or holds, a delivery report."""
    calendars: list[CalendarPart] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    messages: list[Part] = field(default_factory=list)
    """Whole mails inside: returned, or forwarded as attachments."""
    report: list[str] = field(default_factory=list)

    def problem(self, text: str) -> None:
        if text not in self.problems:
            self.problems.append(text)


def from_gmail(message: MessageJson) -> Mail:
    """A Mail from Gmail's Message resource in format metadata or full; any field may be missing or of a wrong type."""
    payload = message.get("payload")
    labels = message.get("labelIds")
    snippet = message.get("snippet")
    return _mail(
        read_gmail(payload if isinstance(payload, Mapping) else {}),
        id=_id(message.get("id")),
        thread_id=_id(message.get("threadId")),
        internal_date=_date(message.get("internalDate")),
        labels=[label for label in labels[:100] if isinstance(label, str)] if isinstance(labels, list) else [],
        snippet=snippet if isinstance(snippet, str) else "",
    )


def from_bytes(
    data: bytes,
    *,
    id: str,  # noqa: A002 - the name of Mail's field
    thread_id: str,
    internal_date: datetime,
    labels: Iterable[str] = (),
) -> Mail:
    """A Mail from RFC 5322 bytes; what a mailbox adds to them is given."""
    return _mail(read_bytes(data), id=id, thread_id=thread_id, internal_date=internal_date, labels=labels, snippet="")


def with_calendar(mail: Mail, content: bytes) -> Mail:
    """The mail with the content of an .ics attachment added, unless it is none or is there already."""
    calendar = _calendar(decode_body(content[: CALENDAR_CHARACTERS * 4], ""), "")
    if calendar is None or calendar in mail.calendars or len(mail.calendars) >= CALENDARS:
        return mail
    return replace(mail, calendars=(*mail.calendars, calendar))


def unreadable(mail: Mail) -> str:
    """Why this mail must be parked instead of classified; empty when it can be read.

    Parked is what has no id or date of Gmail's, and what has neither a sender nor a subject nor any text. A mail with
    some unreadable parts is classified by the others (`Mail.problem` names them).
    """
    if not mail.id or not mail.thread_id:
        return "Gmail's id is missing"
    if mail.internal_date <= EPOCH:
        return "Gmail's date is missing"
    if mail.from_address or mail.subject or mail.text or mail.snippet or mail.calendars:
        return ""
    return mail.problem or "the message is empty"


def _mail(
    message: Message,
    *,
    id: str,  # noqa: A002 - the name of Mail's field
    thread_id: str,
    internal_date: datetime,
    labels: Iterable[str],
    snippet: str,
) -> Mail:
    fields = message.root.fields
    firsts: dict[str, str] = {}
    for name, value in fields:
        firsts.setdefault(name, value)
    found = _Found(message.problems)
    text = _text(message.root, found)
    subject = decode_words(firsts.get("subject", ""))[:SUBJECT_CHARACTERS]
    in_reply_to = message_ids(firsts.get("in-reply-to", ""))
    new, quoted = history.split(
        text, reply=bool(in_reply_to) or history.is_reply(subject), forward=history.is_forward(subject)
    )
    author = next(iter(addresses(firsts.get("from", ""))), Address("", ""))
    replies = (reply.address for reply in addresses(firsts.get("reply-to", "")) if reply.address)
    kept = ((name, decode_words(firsts[name])[:HEADER_VALUE_CHARACTERS]) for name in KEPT_HEADERS if name in firsts)
    report = "\n".join(found.report)[:QUOTED_CHARACTERS]
    return Mail(
        id=id,
        thread_id=thread_id,
        internal_date=internal_date,
        labels=tuple(labels),
        from_name=author.name,
        from_address=author.address,
        reply_to=next(replies, ""),
        to=tuple(recipient.address for recipient in addresses(firsts.get("to", "")) if recipient.address),
        subject=subject,
        message_id=next(iter(message_ids(firsts.get("message-id", ""))), ""),
        in_reply_to=next(iter(in_reply_to), ""),
        references=message_ids(firsts.get("references", "")),
        headers={name: value for name, value in kept if value},
        text=new[:TEXT_CHARACTERS],
        quoted="\n\n".join(part for part in (quoted[:QUOTED_CHARACTERS], report) if part),
        snippet=_snippet(snippet) if snippet else _snippet(_LINK.sub("", new[: SNIPPET_CHARACTERS * 10])),
        calendars=tuple(found.calendars),
        attachments=tuple(found.attachments[:ATTACHMENTS]),
        sender=_sender(message),
        problem="; ".join(found.problems),
    )


def _sender(message: Message) -> SenderCheck:
    if message.fields_cut:
        return SenderCheck(passed=False, reason="The mail's header is too long for the sender to be checked")
    return check(message.root.fields)


def _snippet(text: str) -> str:
    return " ".join(clean(text[: SNIPPET_CHARACTERS * 10]).split())[:SNIPPET_CHARACTERS]


def _id(value: object) -> str:
    return clean(value) if isinstance(value, str) and len(value) <= 100 else ""  # noqa: PLR2004 - Gmail's have 16


def _date(value: object) -> datetime:
    if isinstance(value, str) and value.isdecimal() and len(value) <= len(str(LAST_MILLISECOND)):
        value = int(value)
    if isinstance(value, int) and 0 <= value <= LAST_MILLISECOND:
        return EPOCH + timedelta(milliseconds=value)
    return EPOCH


# --- The text ---------------------------------------------------------------------------------------------------------


def _text(root: Part, found: _Found) -> str:
    """The mail's text, history included; that of a mail forwarded as an attachment when it has none of its own."""
    bodies = _bodies(root, found)
    if not any(body.plain or body.html for body in bodies) and found.messages and not found.is_report:
        bodies = [body for inner in found.messages[0].parts for body in _bodies(inner, found)]
    return "\n\n".join(text for text in map(_best, bodies) if text)[:BODY_CHARACTERS]


def _bodies(part: Part, found: _Found) -> list[_Body]:
    """The texts below a part; whatever else is there goes to `found`."""
    if part.media_type.startswith("multipart/"):
        found.is_report |= part.media_type == "multipart/report"
        if part.media_type == "multipart/encrypted":
            found.problem("the text is encrypted")
        bodies = [body for child in part.parts for body in _bodies(child, found)]
        if part.media_type != "multipart/alternative":
            return bodies
        plain = [text for body in bodies for text in body.plain]
        return [_Body(plain, [text for body in bodies for text in body.html])]
    if part.media_type in {"text/plain", "text/html"} and not _is_file(part):
        return [_body(part, found)]
    _other(part, found)
    return []


def _is_file(part: Part) -> bool:
    return part.attached or part.name.lower().endswith((".ics", ".txt", ".html", ".htm", ".csv", ".md", ".log"))


def _body(part: Part, found: _Found) -> _Body:
    if found.decoded >= DECODED_CHARACTERS:
        found.problem("there is more text than is read")
        return _Body()
    if not part.raw and part.attachment_id:
        found.problem("a text is too large to come along")
    if not known(part.parameters.get("charset", "")):
        found.problem("a text is in an unknown charset")
    text = part.text
    found.decoded += len(text)
    if part.media_type == "text/html":
        return _Body(html=[text])
    text = text[:BODY_CHARACTERS]
    if part.parameters.get("format", "").lower() == "flowed":
        text = _unflowed(text, delete_space=part.parameters.get("delsp", "").lower() == "yes")
    lines = "\n".join([line.rstrip() for line in text.split("\n")])
    return _Body(plain=[_BLANK_LINES.sub("\n\n", lines).strip("\n")])


def _unflowed(text: str, *, delete_space: bool) -> str:
    """Lines that end in a space joined with the next, as RFC 3676 has it; quotations keep one "> " a line."""
    lines: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        flows = content.endswith(" ") and content != "-- "
        words = content[:-1] if flows and delete_space else content
        if depth == open_depth and content != "-- ":
            lines[-1] += words
        else:
            lines.append(f"> {words}" if depth else words)
        open_depth = depth if flows else -1
    return "\n".join(lines)


def _best(body: _Body) -> str:
    """The plain text, or that of the HTML when the plain one is a stub, markup, or has lost the links."""
    plain = "\n\n".join(body.plain).strip()
    html = "\n".join(body.html)
    if not html:
        return plain
    start = plain[:SHORT_CHARACTERS]
    stub = (
        len(plain) < STUB_CHARACTERS
        or (len(plain) < SHORT_CHARACTERS and _STUB.search(plain) is not None)
        or (start.startswith("<") and "</" in plain)
        or start.count("{") > 1
    )
    lost_links = "http" not in plain and ('href="http' in html or "href='http" in html)
    if not stub and not lost_links:
        return plain
    text = html_to_text(html)
    # A text that lost more than its links is another text; the plain one is what its sender wrote.
    return text if text and (stub or len(text) * 2 > len(plain)) else plain


# --- What else is in a mail -------------------------------------------------------------------------------------------


def _other(part: Part, found: _Found) -> None:
    """Keep what a part that is no text is worth: a calendar, a report, a message, an attachment."""
    kind = part.media_type
    if kind in {"message/delivery-status", "message/global-delivery-status"}:
        found.report.extend(_report(part))
    elif kind in {"message/rfc822", "message/global"}:
        found.messages.append(part)
        if found.is_report:
            found.report.extend(_returned([part.fields, *(inner.fields for inner in part.parts)]))
    elif kind in {"text/rfc822-headers", "message/global-headers"}:
        found.report.extend(_returned([read_fields(part.content)[0]]))
    elif kind in {"text/calendar", "application/ics"} or part.name.lower().endswith(".ics"):
        calendar = _calendar(part.text, part.parameters.get("method", ""))
        if calendar is not None and calendar not in found.calendars and len(found.calendars) < CALENDARS:
            found.calendars.append(calendar)
    elif kind in {"application/pkcs7-mime", "application/x-pkcs7-mime"}:
        found.problem("the text is encrypted")
    if part.name or part.attached or part.attachment_id:
        found.attachments.append(
            Attachment(name=part.name, media_type=kind, size=part.size, attachment_id=part.attachment_id)
        )


def _calendar(text: str, method: str) -> CalendarPart | None:
    if "BEGIN:VCALENDAR" not in text:
        return None
    text = clean(text)[:CALENDAR_CHARACTERS]
    stated = _METHOD.search(text)
    return CalendarPart(text=text, method=(method[:20] or (stated[1] if stated else "")).upper())


def _report(part: Part) -> list[str]:
    """The lines of a delivery report about its first failed recipient, else about its first one."""
    if part.parts:
        # Gmail's API shows the report's blocks as parts with nothing but header fields.
        blocks: list[list[Field]] = [inner.fields for inner in part.parts]
    else:
        blocks = [read_fields(block.encode())[0] for block in _PARAGRAPH.split(part.text)[:50]]
    recipients = [block for block in blocks if first(block, "action") or first(block, "final-recipient")] or blocks
    failed = [block for block in recipients if first(block, "action").lower().startswith("failed")]
    for block in failed or recipients:
        values = ((name, decode_words(first(block, name.lower()))[:HEADER_VALUE_CHARACTERS]) for name in REPORT_FIELDS)
        return [f"{name}: {value}" for name, value in values if value]
    return []


def _returned(headers: list[list[Field]]) -> list[str]:
    """The line that names the mail that came back, from its own header."""
    for fields in headers:
        for message_id in message_ids(first(fields, "message-id")):
            return [f"Message-ID: {message_id}"]
    return []
