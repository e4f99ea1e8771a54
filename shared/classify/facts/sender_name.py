"""Which company a sender's display name and address state."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shared.classify.domains import organisational_domain
from shared.classify.facts.company_cjk import strip_cjk_noise
from shared.classify.facts.company_words import DEPARTMENTS, NOT_COMPANIES, SENDER_NOISE
from shared.classify.facts.proper_names import WINDOW
from shared.classify.facts.reading import Guess, Part
from shared.classify.facts.role_words import TITLE_HEADS
from shared.hosts import HIRING_SYSTEMS, WEBMAIL, belongs_to
from shared.names import company_key, plain

_NOISE = tuple(SENDER_NOISE)

_JOINT = re.compile(r" (?:at|@|-|\|) ")

_ADDRESS = re.compile(r"\S@\S")

_VIA = re.compile(r"^(.{2,60}?)\s(?:via|through|über|par|vía)\s\S", re.IGNORECASE)

_PERSON_OF = re.compile(
    r"^.{2,40}?(?:\s(?:from|at|of|@|von|bei|chez|de chez|-|–|—)\s|\s?[|,(/]\s?)(.{2,60}?)\)?$", re.IGNORECASE
)


def own_label(address: str) -> str:
    """The name that a sender's domain is called by: "stripe" of a@careers.stripe.com; Workday's tenant before the @.

    Empty for hosts that serve many employers or anybody.
    """
    local, _, domain = address.rpartition("@")
    owner = organisational_domain(domain)
    if owner == "myworkday.com":
        return local.partition(".")[0]
    if "." not in owner or belongs_to(domain, HIRING_SYSTEMS) or belongs_to(domain, WEBMAIL):
        return ""
    label = owner.partition(".")[0]
    return "" if label in NOT_COMPANIES else label


def strip_noise(name: str) -> str:
    """A sender's name without "Hiring Team", "Careers", "- Workday" and the like."""
    bare = name.strip(" \"'")
    for _ in range(4):
        lowered = bare.lower()
        ending = (
            next((noise for noise in SENDER_NOISE if _ends_with(lowered, noise)), "")
            if lowered.endswith(_NOISE)
            else ""
        )
        leading = (
            next((noise for noise in SENDER_NOISE if lowered.startswith(noise)), "") if _JOINT.search(lowered) else ""
        )
        if ending:
            bare = bare[: -len(ending)]
        elif leading and lowered.startswith((leading + " at ", leading + " @ ", leading + " - ", leading + " | ")):
            bare = bare[len(leading) + 3 :]
        else:
            break
        bare = bare.strip(" -–—|,:·•/@\"'(_")
    return bare


def _ends_with(name: str, noise: str) -> bool:
    """Whether the name ends with the noise as a word of its own and is more than it; Han and Kana need no space."""
    return name.endswith(noise) and len(name) > len(noise) and not (noise.isascii() and name[-len(noise) - 1].isalnum())


def sender_company(name: str) -> str:
    """The company that a display name states ("Acme Careers", "Jane from Acme", "Acme via Lever"), or ""."""
    whole = name[:WINDOW].strip(" \"'")
    shown = strip_cjk_noise(whole) or whole
    via = _VIA.match(shown)
    bare = strip_noise(via.group(1) if via else shown)
    if bare != whole:
        bare = bare.rpartition("|")[2].strip()  # "Jane | Acme Recruiting"
        return bare if is_name(bare) else ""
    of = _PERSON_OF.match(whole)
    bare = strip_noise(of.group(1)) if of else ""
    return bare if is_name(bare) else ""


def is_name(bare: str) -> bool:
    """Whether words that are left of a display name may be a company or a person."""
    key = plain(bare)
    return (
        bool(key) and key not in NOT_COMPANIES and key not in DEPARTMENTS and not TITLE_HEADS.intersection(key.split())
    )


def person(sender: Part, address: str) -> str:
    """The comparable form of a display name that is a person's, as the address before the @ tells, else ""."""
    local = address.partition("@")[0]
    name = plain(sender.text)
    personal = bool(set(name.split()) & set(re.split(r"[._+-]", local)))
    return name if personal and name.replace(" ", "") != own_label(address) else ""


def guesses(sender: Part, address: str, label: str) -> Iterator[Guess]:
    """The name that a display name is or holds; `label` is what the sender's own domain is called."""
    local, _, domain = address.partition("@")
    if not sender.text or _ADDRESS.search(sender.text):
        return
    quote = sender.text[:WINDOW]
    stated = sender_company(sender.text)
    if stated:
        yield Guess(stated, 4, quote)
    elif label and company_key(sender.text).replace(" ", "") == label:
        yield Guess(quote, 4, quote)
    elif belongs_to(domain, HIRING_SYSTEMS) and re.search(r"reply|notif|jobs|career|^hr$|recruit|talent", local):
        yield Guess(quote, 3, quote)  # An automatic address of a hiring system is shown under its customer's name.
    else:
        yield Guess(quote, 1, quote)
