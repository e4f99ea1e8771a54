"""What of a mail's text is new: quoted history and signatures split off, in the languages that the classifier reads.

Nothing is thrown away (what is split off is returned too), and in doubt a line counts as new: a decisive sentence that
was taken for history would be a lost answer, while history that stays costs a little accuracy. What a forwarded mail
holds is what its sender wants read, so it stays, with its "From:" lines.
"""

from __future__ import annotations

import re

ATTRIBUTION_CHARACTERS = 300
ATTRIBUTION_LINES = 3
"""The longest "On ... wrote:", and over how many lines mailers wrap it."""

FIELD_LINES = 10
"""Within how many lines "From:", "Sent:", "To:" and "Subject:" of a quoted mail stand, blank ones counted."""

SIGNATURE_LINES = 12
SIGNATURE_CHARACTERS = 800
"""What stands behind "-- " and is longer than this is no signature: some mails use the sign as a ruler."""

_WROTE = re.compile(
    r"\b(?:wrote|schrieb|geschrieben|a écrit|escribió|escreveu|ha scritto|schreef|geschreven)\b"
    r"|写道|寫道|書きました|のメール"
)
_STARTS = re.compile(r"(?:On|Am|Le|El|Em|Il|Op|在|于|於|20\d\d\s?[年/-])(?=.{0,80}\d)")
_WHEN = re.compile(r"\d{1,2}[:.h]\d{2}|\b(?:19|20)\d\d\b|20\d\d年")
_ADDRESS = re.compile(r"<[^<>\s@]{1,100}@[^<>\s]{3,200}>")
_JAPANESE = re.compile(r"20\d\d\s?[年/-].{0,100}<[^<>\s@]{1,100}@[^<>\s]{3,200}>\s?[:：]")
"""Gmail in Japanese: "2026年3月4日(水) 10:00 Aoi Sato <aoi@example.jp>:", without a verb."""

_ORIGINAL = {
    "original message",
    "original",
    "originale nachricht",
    "ursprüngliche nachricht",
    "original-nachricht",
    "originalnachricht",
    "message d'origine",
    "message d’origine",
    "message original",
    "mensaje original",
    "mensagem original",
    "messaggio originale",
    "oorspronkelijk bericht",
    "原始邮件",
    "原始郵件",
    "原邮件",
    "元のメッセージ",
    "original appointment",
    "reply message",
    "antwort nachricht",
}
"""Between dashes: history follows."""

_FORWARDED = {
    "forwarded message",
    "forwarded by",
    "begin forwarded message",
    "weitergeleitete nachricht",
    "anfang der weitergeleiteten nachricht",
    "message transféré",
    "message transmis",
    "début du message transféré",
    "début du message réexpédié",
    "mensaje reenviado",
    "inicio del mensaje reenviado",
    "mensagem encaminhada",
    "mensagem reencaminhada",
    "início da mensagem reenviada",
    "messaggio inoltrato",
    "inizio messaggio inoltrato",
    "doorgestuurd bericht",
    "begin doorgestuurd bericht",
    "转发的邮件",
    "转发邮件",
    "轉寄郵件",
    "已转发邮件",
    "転送されたメッセージ",
    "転送メッセージ",
}
"""Between dashes, or before a colon: what follows was forwarded."""

_FROM = {"from", "von", "de", "da", "van", "发件人", "寄件者", "差出人", "送信者"}
_SUBJECT = {"subject", "betreff", "objet", "asunto", "assunto", "oggetto", "onderwerp", "主题", "主旨", "件名"}
_OTHER_FIELDS = _SUBJECT | {
    *("sent", "date", "to", "cc", "gesendet", "datum", "an", "envoyé", "envoyé le", "à"),
    *("enviado", "enviado el", "enviado em", "enviada em", "fecha", "data", "para", "inviato", "a"),
    *("verzonden", "aan", "发送时间", "收件人", "抄送", "日期", "寄件日期", "收件者", "送信日時", "宛先", "日時"),
}
_FORWARD_SUBJECT = re.compile(r"\s*(?:fwd?|wg|tr|rv|enc|i|doorst|转发|轉寄|転送)\s?[:：]", re.IGNORECASE)
_REPLY_SUBJECT = re.compile(
    r"\s*(?:re|aw|antw|sv|r|rif|res|回复|回覆|答复|返信)\s?(?:\[\d{1,3}\])?[:：]", re.IGNORECASE
)

_SENT_FROM = (
    *("sent from my ", "sent from outlook", "sent from yahoo", "get outlook for ", "sent with proton mail"),
    *("von meinem ", "gesendet von meinem ", "gesendet mit der ", "diese nachricht wurde von meinem "),
    *("envoyé de mon ", "envoyé depuis mon ", "enviado desde mi ", "enviado do meu ", "enviado a partir do "),
    *("inviato da ", "verzonden vanaf mijn ", "verstuurd vanaf mijn ", "发自我的", "從我的", "iphoneから送信"),
)
_PHONE = re.compile(
    r"(?:tel|phone|mobile|mob|cell|telefon|mobil|fax|tél|teléfono|telefone|direct|[tmpf])[.:]?\s?\+?[\d(][\d\s()./-]{6,25}"
    r"|\+\d[\d\s()./-]{7,25}",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:(?:kind|best|warm|many)?\s?regards|best(?: wishes)?|sincerely|yours (?:sincerely|faithfully|truly)|thanks|"
    r"thank you|cheers|mit freundlichen grüßen|(?:viele|beste|liebe) grüße|cordialement|bien cordialement|"
    r"saludos(?: cordiales)?|un saludo|atentamente|atenciosamente|cordiali saluti|distinti saluti|"
    r"(?:met )?vriendelijke groet(?:en)?)[,.!]?",
    re.IGNORECASE,
)


def is_forward(subject: str) -> bool:
    """Whether the subject says that the mail was forwarded ("Fwd:", "WG:", "TR:", "转发:" ...)."""
    return _FORWARD_SUBJECT.match(subject) is not None


def is_reply(subject: str) -> bool:
    """Whether the subject says that the mail is an answer ("Re:", "AW:", "回复:" ...)."""
    return _REPLY_SUBJECT.match(subject) is not None


def split(text: str, *, reply: bool, forward: bool) -> tuple[str, str]:
    """(what is new, what is quoted or a signature); together they hold all lines of `text`.

    `reply`: single "> " lines are quotations too. `forward`: the first "From: ... Subject: ..." block begins what was
    forwarded and stays. When nothing would remain as new, all of it is.
    """
    lines = text.split("\n")
    quoted = _history(lines, reply=reply, forward=forward)
    new = [line for line, old in zip(lines, quoted, strict=True) if not old]
    if not any(line.strip() for line in new):
        return text.strip(), ""
    new, signature = _signature(new)
    old = [line for line, is_old in zip(lines, quoted, strict=True) if is_old]
    parts = ("\n".join(signature).strip(), "\n".join(old).strip())
    return "\n".join(new).strip(), "\n\n".join(part for part in parts if part)


def _history(lines: list[str], *, reply: bool, forward: bool) -> list[bool]:
    """For each line, whether it is history."""
    quoted = [False] * len(lines)
    anything_new = False
    at = 0
    while at < len(lines):
        if lines[at].startswith(">"):
            end = _quotation_end(lines, at)
            if reply or end - at > 1:
                quoted[at:end] = [True] * (end - at)
            else:
                anything_new = True
            at = end
            continue
        marker = _marker(lines, at)
        if marker is None:
            anything_new |= bool(lines[at].strip())
            at += 1
            continue
        forwarded, end = marker
        following = _next_line(lines, end)
        quotation_follows = following < len(lines) and lines[following].startswith(">")
        if forwarded or (forward and not quotation_follows):
            # What was forwarded is news to the reader; the earlier mails inside it are not.
            forward, anything_new, at = False, True, end
        elif quotation_follows:
            quoted[at:following] = [True] * (following - at)
            reply, at = True, following
        elif anything_new:
            quoted[at:] = [True] * (len(lines) - at)
            break
        else:
            anything_new, at = True, end
    return quoted


def _quotation_end(lines: list[str], at: int) -> int:
    """Where the lines that begin with ">" end; a blank line between two of them is part of them."""
    end = at + 1
    while end < len(lines):
        following = _next_line(lines, end)
        if following - end > 1 or following == len(lines) or not lines[following].startswith(">"):
            break
        end = following + 1
    return end


def _next_line(lines: list[str], at: int) -> int:
    while at < len(lines) and not lines[at].strip():
        at += 1
    return at


def _marker(lines: list[str], at: int) -> tuple[bool, int] | None:
    """If an earlier mail begins here: whether it was forwarded, and the line behind the marker."""
    line = lines[at].strip()
    if not line or len(line) > ATTRIBUTION_CHARACTERS:
        return None
    words = line.strip("-_*=: ：").casefold()
    if words in _FORWARDED:
        following = _next_line(lines, at + 1)
        return True, _fields_end(lines, following) or at + 1
    if words in _ORIGINAL and line[0] in "-_*=":
        following = _next_line(lines, at + 1)
        return False, _fields_end(lines, following) or at + 1
    end = _fields_end(lines, at) or _attribution_end(lines, at)
    return (False, end) if end else None


def _fields_end(lines: list[str], at: int) -> int:
    """Where a block "From: ... Sent: ... To: ... Subject: ..." that begins here ends; 0 when none does."""
    if at >= len(lines) or _label(lines[at]) not in _FROM:
        return 0
    found = set()
    end = at + 1
    for index in range(at + 1, min(at + FIELD_LINES, len(lines))):
        label = _label(lines[index])
        if label in _OTHER_FIELDS:
            found.add(label)
            end = index + 1
        elif label and lines[index].strip():
            break
    # "From: 10:00, To: 11:00" is the time of a meeting, not the head of a mail.
    return end if len(found) > 1 and (found & _SUBJECT or "@" in lines[at]) else 0


def _label(line: str) -> str:
    """The name before the colon of "Subject: ..." or "*Subject:* ...", in lower case; empty when there is none."""
    name, colon, _ = line[:60].replace("：", ":").partition(":")
    return name.strip("* \t").lower() if colon else ""


def _attribution_end(lines: list[str], at: int) -> int:
    """Where an "On ... wrote:" that begins here ends; 0 when none does."""
    starts = _STARTS.match(lines[at].lstrip()) is not None
    candidate = ""
    for end in range(at, min(at + ATTRIBUTION_LINES, len(lines))):
        line = lines[end].strip()
        if end > at and (not starts or _STARTS.match(line)):
            return 0
        candidate = f"{candidate} {line}".lstrip()
        if len(candidate) > ATTRIBUTION_CHARACTERS:
            return 0
        if candidate.endswith((":", "：")):
            verb = _WROTE.search(candidate) is not None
            named = _ADDRESS.search(candidate) is not None
            dated = _WHEN.search(candidate) is not None
            is_one = (verb and dated and (starts or named)) or _JAPANESE.search(candidate) is not None
            return end + 1 if is_one else 0
    return 0


def _signature(lines: list[str]) -> tuple[list[str], list[str]]:
    """(the lines without a signature, the signature): behind "-- ", "Sent from my ...", or a block of phone numbers."""
    last = len(lines)
    while last and not lines[last - 1].strip():
        last -= 1
    at = max(last - SIGNATURE_LINES, 1)
    tail = range(at, last)
    sign = next((index for index in tail if lines[index].rstrip() == "--"), 0)
    if not sign and last > 1 and lines[last - 1].strip().lower().startswith(_SENT_FROM):
        sign = last - 1
    if not sign:
        sign = _phone_block(lines, tail)
    signature = lines[sign:last] if sign else []
    if not signature or sum(map(len, signature)) > SIGNATURE_CHARACTERS or not any(map(str.strip, lines[:sign])):
        return lines, []
    return lines[:sign], signature


def _phone_block(lines: list[str], tail: range) -> int:
    """Where, behind a closing ("Kind regards"), lines of phone numbers and addresses begin; 0 when none do."""
    closing = next((index for index in tail if _CLOSING.fullmatch(lines[index].strip()[:60])), 0)
    if not closing:
        return 0
    phone = next((index for index in range(closing + 1, tail.stop) if _PHONE.match(lines[index].strip())), 0)
    # A sentence behind the numbers (a postscript) keeps the whole block.
    if any(len(line) > 100 or line.rstrip().endswith((".", "!", "?")) for line in lines[phone : tail.stop]):  # noqa: PLR2004 - longer than a line of an address
        return 0
    return phone
