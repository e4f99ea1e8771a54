"""The last look at an application before it goes: what people regret a minute later, and may still confirm."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from shared.hosts import HIRING_SYSTEMS, WEBMAIL, belongs_to
from shared.model import ApplicationSummary, Delivery, Posting, Stage
from shared.names import CJK, NAME_CHARACTERS, company_key, plain, same_company, same_role, short_company_key


class Check(StrEnum):
    """What was looked at; a person confirms a finding by this name."""

    COMPANY_MISSING = "company_missing"
    OTHER_COMPANY = "other_company"
    DUPLICATE = "duplicate"
    COOL_DOWN = "cool_down"
    RECIPIENT_DOMAIN = "recipient_domain"
    DAILY_CAP = "daily_cap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that the person should see before the mail goes."""

    check: Check
    detail: str
    """In plain words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended:
    """The application that is about to be made."""

    company: str
    role: str
    recipient: str
    words: str
    """Subject and letter."""
    job_url: str = ""
    posting: Posting | None = None


def look(
    intended: Intended, tracked: Sequence[ApplicationSummary], *, cool_down_days: int, now: datetime
) -> tuple[Finding, ...]:
    """What speaks against sending it just so, given what the person has applied for already."""
    live = [each for each in tracked if not (each.merged_into or each.dismissed or _came_to_nothing(each))]
    found = [_company(intended, live), _duplicate(intended, live)]
    found += [_cool_down(intended, live, timedelta(days=cool_down_days), now), _recipient(intended)]
    return tuple(finding for finding in found if finding is not None)


# --- The letter -------------------------------------------------------------------------------------------------------


def _company(intended: Intended, tracked: Sequence[ApplicationSummary]) -> Finding | None:
    """A letter that was written for somebody else: the classic among regrets."""
    words = _Words(intended.words)
    own = intended.company
    others = {each.company for each in tracked if not same_company(each.company, own)}
    # "Google" stands in every letter to Google DeepMind.
    named = sorted(other for other in others if words.name_as_written(other) and not _Words(own).name(other))
    if named:
        return Finding(
            check=Check.OTHER_COMPANY,
            detail=f"The letter names {named[0]}, and this application is for {own}.",
        )
    if not words.name(own):
        return Finding(check=Check.COMPANY_MISSING, detail=f"Neither subject nor letter names {own}.")
    return None


class _Words:
    """A text in which names are looked for as whole words, whatever their case and accents."""

    def __init__(self, text: str) -> None:
        self._raw = text
        self._plain = f" {' '.join(map(plain, _chunks(text)))} "

    def name(self, company: str) -> bool:
        """Whether the text names the company, in full or without one generic word."""
        return any(self._has(key) for key in {company_key(company), short_company_key(company)} if key)

    def name_as_written(self, company: str) -> bool:
        """The same, for a name that may be a common word, too ("Target", "Indeed"): it must be written as a name."""
        is_written = _first_word(company) in self._raw or company.upper() in self._raw
        return (is_written or company == company.lower()) and self.name(company)

    def _has(self, key: str) -> bool:
        # Han and Kana put no spaces between words.
        return key in self._plain if CJK.search(key) else f" {key} " in self._plain


def _chunks(text: str) -> Iterable[str]:
    """The text in pieces of whole words, each short enough to be made comparable."""
    chunk = ""
    for word in text.split():
        if chunk and len(chunk) + 1 + len(word) > NAME_CHARACTERS:
            yield chunk
            chunk = ""
        chunk = f"{chunk} {word}" if chunk else word
    yield chunk


def _first_word(company: str) -> str:
    found = re.search(r"\w+", company)
    return found[0] if found else company


# --- Other applications -----------------------------------------------------------------------------------------------


def _came_to_nothing(application: ApplicationSummary) -> bool:
    """Whether it never reached the employer: only noted, called back, or failed."""
    return application.stage is Stage.SAVED and application.delivery in (
        None,
        Delivery.CANCELLED,
        Delivery.FAILED,
        Delivery.BOUNCED,
    )


def _duplicate(intended: Intended, tracked: Sequence[ApplicationSummary]) -> Finding | None:
    for each in tracked:
        same = same_company(each.company, intended.company) and _same_role(each.role, intended.role)
        if same and each.stage is not Stage.CLOSED:
            what = f"{each.role} at {each.company}" if each.role else each.company
            return Finding(check=Check.DUPLICATE, detail=f"There is an open application for {what} already.")
    return None


def _same_role(one: str, other: str) -> bool:
    return same_role(one, other) if one and other else one == other


def _cool_down(
    intended: Intended, tracked: Sequence[ApplicationSummary], span: timedelta, now: datetime
) -> Finding | None:
    last = max(
        (each.applied_at or each.created_at for each in tracked if same_company(each.company, intended.company)),
        default=None,
    )
    if last is None or now - last >= span:
        return None
    days = (now - last).days
    when = "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"
    return Finding(check=Check.COOL_DOWN, detail=f"The last application to {intended.company} was {when}.")


# --- The recipient ----------------------------------------------------------------------------------------------------


def _recipient(intended: Intended) -> Finding | None:
    """The recipient's domain is the employer's, or one that the posting itself names."""
    from shared.classify.domains import (  # noqa: PLC0415 - the mail's reader comes with it, and few routes need it
        organisational_domain,
        readable,
        same_organisation,
    )

    local, _, domain = intended.recipient.rpartition("@")
    posting = intended.posting
    if posting is not None and posting.apply_address.lower() == intended.recipient.lower():
        return None
    hosts = [intended.job_url, *((posting.apply_url, *(s.url for s in posting.sources)) if posting else ())]
    named = [host for url in hosts if (host := _host(url)) and not belongs_to(host, HIRING_SYSTEMS)]
    if posting is not None and "@" in posting.apply_address:
        named.append(posting.apply_address.rpartition("@")[2])
    if any(same_organisation(domain, host) for host in named if not belongs_to(host, WEBMAIL)):
        return None
    shown = readable(domain)
    # A hiring system gives each employer a name of its own, before or below its domain.
    labels = (
        f"{local}.{shown}" if belongs_to(domain, HIRING_SYSTEMS) else organisational_domain(shown).partition(".")[0]
    )
    if not belongs_to(domain, WEBMAIL) and _bears_name(labels, intended.company):
        return None
    return Finding(check=Check.RECIPIENT_DOMAIN, detail=f"{domain} is not known to be a domain of {intended.company}.")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


SHORTEST_PART = 4
"""Letters of a name that may stand inside a longer label; of a shorter one the label is the whole."""


def _bears_name(labels: str, company: str) -> bool:
    names = {re.sub(r"\W", "", key) for key in (company_key(company), short_company_key(company))} - {""}
    pieces = {re.sub(r"[\W_]", "", plain(label)) for label in re.split(r"[.@+]", labels)}
    return any(name == piece or (len(name) >= SHORTEST_PART and name in piece) for name in names for piece in pieces)
