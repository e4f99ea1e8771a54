"""Who really sent a mail: what our own receiver says about it (RFC 8601), and whether its names tell the truth.

Only the topmost Authentication-Results counts, and only when it is Gmail's own: a sender can write any header, but
the receiver puts its result above everything that came with the mail. ARC (RFC 8617) never counts by itself: it says
what an earlier hop believed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from shared.classify.domains import (
    brand_in,
    domains_in,
    imitation,
    readable,
    same_organisation,
)
from shared.classify.headers import FIELD_CHARACTERS, Address, Lexeme, addresses, lexemes
from shared.hosts import HIRING_SYSTEMS, WEBMAIL, belongs_to
from shared.model import SenderCheck

RECEIVER = "mx.google.com"
"""The authserv-id that Gmail signs its results with."""

_TOKEN = re.compile(r"[^\s=]+|=")
_WORDS_FOR = {
    "none": "is missing",
    "neutral": "says nothing",
    "policy": "was refused",
    "fail": "failed",
    "hardfail": "failed",
    "softfail": "probably failed",
    "temperror": "could not be checked",
    "permerror": "could not be checked because its record is broken",
}
"""Results of RFC 8601 and 7208 in plain words; any other is named as it stands."""


class Result(NamedTuple):
    """What the receiver found by one method: "dkim=pass header.i=@stripe.com"."""

    method: str
    result: str
    properties: dict[str, str]

    def domain(self, *names: str) -> str:
        """The domain of the first property that is there: "bounces@em.stripe.com" -> "em.stripe.com"."""
        value = next((self.properties[name] for name in names if self.properties.get(name)), "")
        return value.rpartition("@")[2].strip("<> ").rstrip(".").lower()


def check(headers: Sequence[tuple[str, str]]) -> SenderCheck:
    """Whether the From: domain is proven, from all header fields in the order in which they stand in the message.

    Total. A mail that does not pass changes no status by itself; `reason` tells the person why.
    """
    fields = [(name.strip().lower(), value[:FIELD_CHARACTERS]) for name, value in headers]
    authors = [value for name, value in fields if name == "from"]
    if len(authors) != 1:
        count = f"{len(authors)} From: lines, so it" if authors else "no From: line, so it"
        return SenderCheck(passed=False, reason=f"The mail has {count} does not say who sent it")
    mailboxes = addresses(authors[0])
    if len(mailboxes) != 1:
        problem = "names several senders" if mailboxes else "has no sender's address"
        return SenderCheck(passed=False, reason=f"The mail {problem}")
    author = mailboxes[0]
    domain = author.address.rpartition("@")[2]
    if not domain:
        return SenderCheck(passed=False, reason="The sender's address cannot be read")
    proof, doubt = _authenticated(fields, domain)
    if not doubt:
        replies = [reply for name, value in fields if name == "reply-to" for reply in addresses(value)]
        doubt = _false_name(author, domain) or _reply_swap(replies, domain)
    shown = readable(domain)
    reason = f"The mail says it is from {shown}, but {doubt}" if doubt else proof
    return SenderCheck(passed=not doubt, reason=reason, domain=domain)


# --- What the receiver says -------------------------------------------------------------------------------------------


def _authenticated(fields: list[tuple[str, str]], domain: str) -> tuple[str, str]:
    """(the proof that the mail is from `domain`, the doubt): one of them is empty."""
    topmost = next((value for name, value in fields if name == "authentication-results"), None)
    if topmost is None:
        return "", "Gmail added no check of the sender"
    statement = read_results(topmost)
    if statement is None:
        return "", "the check of the sender cannot be read"
    server, results = statement
    if server != RECEIVER:
        return "", "the check of the sender is not Gmail's own"
    return _judged(results, domain)


def _judged(results: list[Result], domain: str) -> tuple[str, str]:
    by_method: dict[str, list[Result]] = {}
    for result in results:
        by_method.setdefault(result.method, []).append(result)
    dmarc = by_method.get("dmarc", [])
    if len(dmarc) > 1 or len(by_method.get("spf", [])) > 1:
        # Gmail states each once. Two may mean that words of the sender's slipped into the header.
        return "", "the check of the sender contradicts itself"
    proof, doubt = _by_policy(dmarc[0], domain) if dmarc else ("", "")
    if not proof and not doubt:
        proof, doubt = _by_alignment(by_method, domain)
    return proof, doubt + _forwarded(by_method) if doubt else ""


def _by_policy(dmarc: Result, domain: str) -> tuple[str, str]:
    """What DMARC says; nothing when the domain has no policy or it could not be read."""
    checked = dmarc.domain("header.from")
    if checked and not same_organisation(checked, domain):
        return "", f"the check of the sender is about {readable(checked)[:100]}"
    if dmarc.result == "pass" and checked:
        return f"DMARC passed for {readable(domain)}", ""
    return "", "it failed that domain's own check (DMARC)" if dmarc.result == "fail" else ""


def _by_alignment(by_method: dict[str, list[Result]], domain: str) -> tuple[str, str]:
    """What a signature (DKIM) or the sending server (SPF) of the domain itself says, as DMARC would compare them."""
    dkim, spf = by_method.get("dkim", []), by_method.get("spf", [])
    signers = [_signer(result) for result in dkim if result.result == "pass"]
    if any(same_organisation(signer, domain) for signer in signers):
        return f"Signed by {readable(domain)} (DKIM)", ""
    servers = [result.domain("smtp.mailfrom") for result in spf if result.result == "pass"]
    if any(same_organisation(server, domain) for server in servers):
        return f"Sent by a server of {readable(domain)} (SPF)", ""
    if any(signers):
        return "", f"it is signed by {readable(next(filter(None, signers)))[:100]}"
    if any(servers):
        return "", f"a server of {readable(servers[0])[:100]} sent it"
    found = [
        f"{result.method.upper()} {_WORDS_FOR.get(result.result, result.result[:20])}"
        for result in (*by_method.get("dmarc", []), *dkim, *spf)
        if result.result != "pass"
    ]
    return "", ", ".join(found[:4]) or "nothing proves it"


def _forwarded(by_method: dict[str, list[Result]]) -> str:
    passed = any(result.result == "pass" for result in by_method.get("arc", []))
    return "; that another server vouches for it (ARC) is not enough" if passed else ""


def _signer(result: Result) -> str:
    """The signing domain of a DKIM result; empty when its two properties do not belong together."""
    signing, identity = result.domain("header.d"), result.domain("header.i")
    if signing and identity and identity != signing and not identity.endswith(f".{signing}"):
        return ""
    return signing or identity


def read_results(value: str) -> tuple[str, list[Result]] | None:
    """(authserv-id, results) of an Authentication-Results field; None when it does not follow RFC 8601's grammar.

    Strict where a sender might have slipped words in: Gmail repeats the envelope sender inside a comment, and only a
    quoted local part can hold a bracket that ends it. So a quotation mark in a comment, an unclosed comment or a
    statement that is none makes the whole field unreadable.
    """
    if len(value) >= FIELD_CHARACTERS:
        return None
    statements: list[list[str]] = [[]]
    for lexeme in lexemes(value):
        if lexeme.kind == "unclosed" or (lexeme.kind == "comment" and '"' in lexeme.text):
            return None
        if lexeme == Lexeme("sign", ";"):
            statements.append([])
        elif lexeme.kind == "quoted":
            statements[-1].append(f'"{lexeme.text}"')
        elif lexeme.kind != "comment":
            tokens = _TOKEN.findall(lexeme.text)
            if lexeme.text.startswith("@") and statements[-1] and statements[-1][-1].endswith('"'):
                # The local part of an address may be quoted, its domain follows.
                statements[-1][-1] += tokens.pop(0)
            statements[-1].extend(tokens)
    server = statements[0]
    if not server or len(server) > 2 or "=" in server or server[1:] not in ([], ["1"]):  # noqa: PLR2004 - id and version
        return None
    stated = [tokens for tokens in statements[1:] if tokens]
    results = [] if stated == [["none"]] else [_result(tokens) for tokens in stated]
    read = [result for result in results if result is not None]
    return (server[0].strip('"').lower(), read) if len(read) == len(results) else None


def _result(tokens: list[str]) -> Result | None:
    """One statement: method [/version] = result, then reason = value or ptype.property = value, each at most once."""
    tokens = _joined(tokens)
    if not "".join(tokens).isprintable():
        return None
    if len(tokens) % 3 or tokens[1::3] != ["="] * (len(tokens) // 3) or "=" in tokens[::3] + tokens[2::3]:
        return None
    names = [name.lower() for name in tokens[::3]]
    values = [value.strip('"') for value in tokens[2::3]]
    properties = dict(zip(names[1:], values[1:], strict=True))
    if len(properties) != len(names) - 1:
        return None
    return Result(names[0].partition("/")[0], values[0].lower(), properties)


def _joined(tokens: list[str]) -> list[str]:
    """White space is allowed around the "." of "header.from" and the "/" of a version; take it out."""
    joined: list[str] = []
    open_end = False
    for piece in tokens:
        if joined and (open_end or piece[0] in "./"):
            joined[-1] += piece
        else:
            joined.append(piece)
        open_end = piece[-1] in "./"
    return joined


# --- Whether the names tell the truth ---------------------------------------------------------------------------------


def _false_name(author: Address, domain: str) -> str:
    """Why the author's names mislead, as the end of a sentence; empty when they do not."""
    pretence = imitation(domain)
    if pretence:
        return f"that domain {pretence}"
    shown = next((shown for shown in domains_in(author.name) if not same_organisation(shown, domain)), "")
    # Employers named like a domain ("Booking.com Careers") write through their hiring service; no address does.
    if shown and ("@" in author.name or not belongs_to(domain, HIRING_SYSTEMS)):
        return f"its name shows {shown}"
    brand = brand_in(author.name) if belongs_to(domain, WEBMAIL) else ""
    return f"it calls itself {brand} and writes from a private address" if brand else ""


def _reply_swap(replies: list[Address], domain: str) -> str:
    """Why answers would go to somebody else, as the end of a sentence; empty when they would not."""
    for reply in replies:
        target = reply.address.rpartition("@")[2]
        if not target or same_organisation(target, domain):
            continue
        # A hiring service writes for an employer and an employer through one; neither answers from a private address.
        if belongs_to(target, WEBMAIL):
            return f"answers would go to a private address at {target}"
        if not belongs_to(domain, HIRING_SYSTEMS) and not belongs_to(target, HIRING_SYSTEMS):
            return f"answers would go to {readable(target)[:100]}"
        pretence = imitation(target)
        if pretence:
            return f"answers would go to {readable(target)[:100]}, which {pretence}"
    return ""
