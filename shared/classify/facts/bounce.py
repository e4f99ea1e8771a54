"""Which of our mails came back, and why, in plain words (delivery status notifications, RFC 3464 and RFC 3463)."""

from __future__ import annotations

import re

from shared.model import Mail

TEXT_CHARACTERS = 40_000
"""How much of a notification is read: its report and the headers of the mail that came back."""

_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_STATUS_FIELD = re.compile(r"^\s{0,4}status:\s{0,4}([245]\.\d{1,3}\.\d{1,3})", re.IGNORECASE | re.MULTILINE)
_SMTP = re.compile(r"\b(4\d\d|5\d\d)[ -](?:(\d\.\d{1,3}\.\d{1,3})\b)?")
_MESSAGE_ID = re.compile(
    r"^[ \t>]{0,8}(?:X-)?(?:Original-)?Message-ID:\s{0,4}(<[^<>\s]{3,250}>)", re.IGNORECASE | re.MULTILINE
)

_MEANINGS: tuple[tuple[str, str], ...] = (
    # RFC 3463 codes without their class, most special first.
    ("1.1", "The address does not exist."),
    ("1.2", "The domain of the address does not exist."),
    ("1.3", "The address is not written as an address."),
    ("1.6", "The mailbox has moved and left no new address."),
    ("1.10", "The domain accepts no mail."),
    ("2.1", "The mailbox is disabled."),
    ("2.2", "The mailbox is full."),
    ("2.3", "The message is too large for the recipient."),
    ("3.4", "The message is too large for the recipient's server."),
    ("4.1", "The recipient's server did not answer."),
    ("4.2", "The connection to the recipient's server broke off."),
    ("4.4", "The recipient's server could not be found."),
    ("4.7", "The recipient's server could not be reached for too long."),
    ("7.1", "The recipient's server refused the message by its rules."),
    ("7.26", "The recipient's server could not verify the sender (SPF, DKIM)."),
    ("7.", "The recipient's server refused the message by its rules."),
    ("6.", "The message could not be converted for the recipient's server."),
    ("5.", "The two mail servers did not understand each other."),
    ("4.", "The network on the way to the recipient failed."),
    ("3.", "The recipient's mail system cannot take messages."),
    ("2.", "The recipient's mailbox cannot take messages."),
    ("1.", "The address is wrong."),
)

_WORDS: tuple[tuple[str, str], ...] = (
    # What servers write when they give no code.
    ("address not found", "The address does not exist."),
    ("user unknown", "The address does not exist."),
    ("no such user", "The address does not exist."),
    ("does not exist", "The address does not exist."),
    ("unknown user", "The address does not exist."),
    ("recipient not found", "The address does not exist."),
    ("couldn't be found", "The address does not exist."),
    ("mailbox unavailable", "The mailbox is not available."),
    ("mailbox full", "The mailbox is full."),
    ("over quota", "The mailbox is full."),
    ("inbox full", "The mailbox is full."),
    ("domain not found", "The domain of the address does not exist."),
    ("host unknown", "The domain of the address does not exist."),
    ("too large", "The message is too large for the recipient."),
    ("blocked", "The recipient's server refused the message by its rules."),
    ("spam", "The recipient's server refused the message as spam."),
    ("timed out", "The recipient's server did not answer."),
)


def original_message_id(mail: Mail) -> str:
    """The Message-ID of the mail that came back: what the report names, else what the notification answers."""
    for text in (mail.text, mail.quoted):
        found = [match for match in _MESSAGE_ID.findall(text[:TEXT_CHARACTERS]) if match != mail.message_id]
        if found:
            # The report of Gmail quotes its own header block first, the returned mail's last.
            return str(found[-1])
    return mail.in_reply_to or (mail.references[-1] if mail.references else "")


def diagnosis(mail: Mail) -> tuple[str, str]:
    """Why the mail came back, in plain words, and the words that say so; ("", "") when the notification does not."""
    text = f"{mail.subject}\n{mail.text}\n{mail.quoted}"[:TEXT_CHARACTERS]
    status = _STATUS_FIELD.search(text) or _STATUS.search(text)
    if status:
        code = status.group(1) if status.re is _STATUS_FIELD else status.group()
        detail = code.partition(".")[2]
        for prefix, meaning in _MEANINGS:
            if detail == prefix or (prefix.endswith(".") and detail.startswith(prefix)):
                return _temporary(code, meaning), _line(text, status.start())
        return _temporary(code, "The message could not be delivered."), _line(text, status.start())
    lowered = text.lower()
    for words, meaning in _WORDS:
        at = lowered.find(words)
        if at >= 0:
            return meaning, _line(text, min(at, len(text) - 1))
    smtp = _SMTP.search(text)
    if smtp:
        return _temporary(smtp.group(1), "The recipient's server refused the message."), _line(text, smtp.start())
    return "", ""


def _temporary(code: str, meaning: str) -> str:
    return f"{meaning} The server may try again." if code.startswith("4") else meaning


def _line(text: str, at: int) -> str:
    start = text.rfind("\n", 0, at + 1) + 1
    end = text.find("\n", at + 1)
    return text[start : end if end >= 0 else len(text)].strip()[:160]
