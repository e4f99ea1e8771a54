"""Which application a mail belongs to: the ordered rules, first deterministic one wins; otherwise ranked candidates.

Pure: applications in, a link or suggestions out. A link is given only by a rule that names exactly one application;
whatever could mean two of them is a question to the person. Names decide nothing that a role contradicts: two roles
at one employer never merge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.classify.domains import organisational_domain, readable, same_organisation
from shared.classify.facts import links
from shared.classify.facts.sender_name import own_label, sender_company
from shared.hosts import HIRING_SYSTEMS, belongs_to
from shared.ledger import NO_EFFECT
from shared.model import (
    BY_PUBLIC_WORDS,
    ApplicationSummary,
    Candidate,
    Facts,
    Link,
    Mail,
    Signal,
    Stage,
    Suggestions,
    Verdict,
)
from shared.names import (
    CJK,
    company_key,
    narrowed_role,
    other_work,
    plain,
    roles_disagree,
    same_company,
    same_role,
    short_company_key,
)

CANDIDATES = 5
"""How many applications one question offers."""

WORTH_ASKING = 0.3
"""A candidate below this score is noise in the question."""

BODY_CHARACTERS = 16_000
"""How much of a body is searched for links and names."""

REFERENCES = 50
"""How many of the last References are looked up; a longer chain is a loop."""

SHORT_NAME = 3
"""Names of so few letters are words of every language: a subject that contains one proves nothing."""

INITIALS = 3
"""From so many words on, a company's initials are a domain that it may have: ibm.com."""

REQUISITION_DIGITS = 5
"""From so many digits on, a number without its letters ("0044871" for R0044871) is still one job's."""

_NOT_LETTERS = re.compile(r"[\W_]+")
_REPOSTED = re.compile(r"[-_]\d{1,2}$")
"""Workday counts a job's postings: R12345-1 is R12345."""


def match(mail: Mail, verdict: Verdict, applications: Sequence[ApplicationSummary]) -> Link | Suggestions:
    """The application that `mail` belongs to, by the first rule that names exactly one; else what to ask."""
    facts = verdict.facts
    live = [each for each in applications if not (each.merged_into or each.dismissed)]
    certain = _by_reference(mail, facts, live) or _by_thread(mail, facts, live) or _by_calendar(facts, live)
    if certain:
        return certain
    if verdict.signal in NO_EFFECT:
        return Suggestions()  # Only a thread of ours, or a meeting's UID, makes such a mail part of an application.
    named = _Names.of(mail, facts, live)
    if verdict.signal is Signal.DELIVERY_FAILURE:
        # Anybody can write a report that names a company; only one about a mail of ours knows its Message-ID or thread.
        return _suggestions(mail, verdict, live, named)
    return (
        _by_requisition(mail, facts, live, named)
        or _by_posting(mail, facts, live)
        or _by_company(mail, verdict, live, named)
        or _suggestions(mail, verdict, live, named)
    )


# --- What needs no reading: threads, references, meetings, ids, addresses ---------------------------------------------


def _by_reference(mail: Mail, facts: Facts, applications: Iterable[ApplicationSummary]) -> Link | None:
    """In-Reply-To, References or a bounce's original names a Message-ID that is linked already; the nearest wins."""
    nearest_first = [facts.bounced_message_id, mail.in_reply_to, *reversed(mail.references[-REFERENCES:])]
    wanted = {message_id for message_id in nearest_first if message_id}
    if not wanted:
        return None
    holders: dict[str, list[str]] = {}
    for application in applications:
        for message_id in wanted.intersection(application.message_ids):
            holders.setdefault(message_id, []).append(application.id)
    for message_id in nearest_first:
        if len(holders.get(message_id, ())) == 1:
            what = "returns" if message_id == facts.bounced_message_id else "answers"
            return _link(holders[message_id][0], "reference", 1.0, f"It {what} a mail of this application.")
    return None


def _by_thread(mail: Mail, facts: Facts, applications: Iterable[ApplicationSummary]) -> Link | Suggestions | None:
    """The thread is an application's. Gmail may put two receipts of one employer into one thread, so roles count.

    What answers a mail that we sent is linked before, by its references, whatever role it speaks of.
    """
    there = [application for application in applications if mail.thread_id in application.thread_ids]
    fitting = [application for application in there if not _contradicts(facts, application)]
    if len(fitting) == 1:
        return _link(fitting[0].id, "thread", 1.0, "It is in this application's thread.")
    shared = "It is in a thread that several applications share."
    return _ask([_Scored(application, "thread", 0.8, shared) for application in fitting]) if fitting else None


def _contradicts(facts: Facts, application: ApplicationSummary) -> bool:
    """Whether the mail names another job than the application's: another number, else another role."""
    if facts.requisition and application.requisition:
        return not _same_requisition(facts.requisition, application.requisition)
    return roles_disagree(facts.role, application.role)


def _by_calendar(facts: Facts, applications: Iterable[ApplicationSummary]) -> Link | None:
    uid = facts.interview.ics_uid if facts.interview else ""
    ids = [application.id for application in applications if uid and uid in application.ics_uids]
    return _link(ids[0], "ics", 1.0, "It is about a meeting of this application.") if len(ids) == 1 else None


def _by_requisition(mail: Mail, facts: Facts, applications: Iterable[ApplicationSummary], named: _Names) -> Link | None:
    """Equal requisition ids; since small numbers repeat between employers, company or hiring system must agree."""
    if not facts.requisition:
        return None
    system = _system(mail.from_address)
    ids = [
        application.id
        for application in applications
        if _same_requisition(facts.requisition, application.requisition)
        and (named.name(application) or (not named.stated and system and system == _system_of(application.job_url)))
    ]
    reason = f"It names the job's number {facts.requisition}."
    return _link(ids[0], "requisition", 0.98, reason) if len(ids) == 1 else None


def _by_posting(mail: Mail, facts: Facts, applications: Sequence[ApplicationSummary]) -> Link | None:
    """A link in the mail shows the very posting of one application.

    A rejection may list other jobs to look at: of several postings one must be the role that the mail names.
    """
    pages = [facts.job_url] if facts.job_url else []
    pages += [link.text for link in links.find(mail.text[:BODY_CHARACTERS]) if links.is_posting(link)]
    addresses = {links.canonical(page) for page in pages} - {""}
    postings = {links.posting_id(page) for page in pages} - {""}
    if not addresses:
        return None
    shown = [
        application
        for application in applications
        if application.job_url
        and (links.canonical(application.job_url) in addresses or links.posting_id(application.job_url) in postings)
        and not _contradicts(facts, application)
        and (not facts.company or same_company(facts.company, application.company))
        and (len(addresses) == 1 or same_role(facts.role, application.role))
    ]
    return _link(shown[0].id, "job_url", 0.97, "It links to this job's posting.") if len(shown) == 1 else None


# --- Whether a link may end an application ----------------------------------------------------------------------------

_GRAVE = frozenset({Signal.OFFER, Signal.REJECTION, Signal.POSITION_CLOSED, Signal.WITHDRAWAL_CONFIRMED})
"""Signals that end an application, or seem to crown it: what a stranger who knows two names would like to send."""


def stranger(mail: Mail, verdict: Verdict, link: Link, applications: Iterable[ApplicationSummary]) -> str:
    """Why a mail may only suggest the end that it names, in words for the person; empty when its sender may say so.

    That the domain is the sender's own is proven elsewhere (`doubt`). This asks whose domain it is: once somebody has
    written in an application, its end comes from them, from a hiring system, or from the employer's own domain.
    """
    application = next((each for each in applications if each.id == link.application_id), None)
    if application is None or verdict.signal not in _GRAVE or link.rule not in BY_PUBLIC_WORDS:
        return ""
    domain = mail.from_address.rpartition("@")[2]
    if (
        not application.sender_domains
        or belongs_to(domain, HIRING_SYSTEMS)
        or any(same_organisation(domain, known) for known in application.sender_domains)
        or _is_named_for(own_label(mail.from_address), application.company)
    ):
        return ""
    return f"{readable(domain)} has not written in this application before, and is not {application.company} by name"


def _is_named_for(label: str, company: str) -> bool:
    """Whether a domain's name is a company's: in full, in short, by its first word or by its initials, nothing added.

    "acme-careers.com" is anybody's who has ten dollars.
    """
    bare = label.replace("-", "")
    words = company_key(company).split()
    names = {"".join(words), short_company_key(company).replace(" ", "")}
    if len(words) > 1 and len(words[0]) > SHORT_NAME:
        names.add(words[0])
    if len(words) >= INITIALS:
        names.add("".join(word[0] for word in words))
    return bool(bare) and bare in names


# --- What is read: names and roles ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Names:
    """The names by which one mail calls the employer."""

    stated: str
    """From its text, else from its sender's display name."""
    alias: str
    """The company that the person said `stated` is. It supports a link that the role proves, and never makes one."""
    subject: str
    text: str
    label: str
    """What the sender's own domain, or its Workday tenant, is called. Support only, never a link."""

    @classmethod
    def of(cls, mail: Mail, facts: Facts, applications: Iterable[ApplicationSummary]) -> _Names:
        stated = facts.company or sender_company(mail.from_name)
        return cls(
            stated=stated,
            alias=_taught(stated, applications),
            subject=f" {plain(mail.subject)} ",
            text=f"{mail.subject}\n{mail.from_name}\n{mail.text[:BODY_CHARACTERS]}".casefold(),
            label=own_label(mail.from_address).replace("-", ""),
        )

    def name(self, application: ApplicationSummary) -> bool:
        """Whether the mail names the application's company: by a stated name or, without any, in its subject."""
        if self.stated:
            return same_company(self.stated, application.company)
        return self.in_subject(application.company)

    def exactly(self, application: ApplicationSummary) -> bool:
        """Whether it does so to the word, generic words included."""
        return not self.stated or company_key(self.stated) == company_key(application.company)

    def says_more(self, application: ApplicationSummary) -> bool:
        """Whether the mail contains the application's name, of which the stated one is only the beginning.

        "Stripe Partners" in a mail whose stated name was read as "Stripe".
        """
        begins = company_key(application.company).startswith(company_key(self.stated) + " ")
        return bool(self.stated) and begins and application.company.casefold() in self.text

    def in_subject(self, company: str) -> bool:
        """Whether the subject holds the name as whole words; Han and Kana have no words to be whole."""
        key = company_key(company)
        if CJK.search(key):
            return key.replace(" ", "") in self.subject.replace(" ", "")
        return len(key) > SHORT_NAME and f" {key} " in self.subject

    def supported(self, application: ApplicationSummary) -> bool:
        """Whether the sender's own domain or Workday tenant is the company's name."""
        names = {company_key(application.company), short_company_key(application.company)}
        return bool(self.label) and self.label in {name.replace(" ", "") for name in names}


def _taught(stated: str, applications: Iterable[ApplicationSummary]) -> str:
    """The one company whose applications are known under the stated name; an agency writes for many, and is none."""
    key = company_key(stated)
    companies = {
        company_key(application.company): application.company
        for application in applications
        if key and key in map(company_key, application.known_as)
    }
    return next(iter(companies.values())) if len(companies) == 1 else ""


def _by_company(mail: Mail, verdict: Verdict, applications: Sequence[ApplicationSummary], named: _Names) -> Link | None:
    """Company, with or without a role: exactly one application must fit, open ones before closed ones."""
    facts = verdict.facts
    there = _at_company(applications, named)
    fitting = [application for application in there if not _contradicts(facts, application)]
    same = [application for application in fitting if same_role(facts.role, application.role)]
    opened, open_fitting, open_same = _open(there), _open(fitting), _open(same)
    if len(open_same) == 1:
        return _link(open_same[0].id, "company_role", 0.95, _names_both(open_same[0]))
    only = open_fitting[0] if len(open_fitting) == 1 else None
    if only and narrowed_role(facts.role, only.role):
        return _link(only.id, "company_role", 0.9, _names_both(only))
    if only and opened == [only] and _sure_of_company(only, applications, named):
        return _link(only.id, "company", 0.9, f"It names {only.company}, where this is the only open application.")
    if not opened and len(same) == 1 and not _begins_anew(mail, verdict, same[0]):
        return _link(same[0].id, "company_role", 0.9, _names_both(same[0]))
    aliased = [
        application
        for application in applications
        if named.alias and same_company(named.alias, application.company) and same_role(facts.role, application.role)
    ]
    if not there and len(aliased) == 1:
        said = f"You said that {named.stated} is {named.alias}, and it names the role {facts.role}."
        return _link(aliased[0].id, "company_role", 0.9, said)
    return None


def _open(applications: Iterable[ApplicationSummary]) -> list[ApplicationSummary]:
    return [application for application in applications if application.stage is not Stage.CLOSED]


def _names_both(application: ApplicationSummary) -> str:
    return f"It names {application.company} and the role {application.role}."


def _at_company(applications: Sequence[ApplicationSummary], named: _Names) -> list[ApplicationSummary]:
    """The applications at the company that the mail names: the longest name that it contains, to the word if any is."""
    longer = [application for application in applications if named.says_more(application)]
    there = longer or [application for application in applications if named.name(application)]
    return [application for application in there if named.exactly(application)] or there


def _sure_of_company(
    application: ApplicationSummary, applications: Sequence[ApplicationSummary], named: _Names
) -> bool:
    """Whether the name alone is enough: it is the company's to the word, or the sender's domain says so too.

    "Acme" may be Acme Technologies, but with an application at Acme Solutions beside it, it may be that as well.
    """
    if named.exactly(application) or named.says_more(application):
        return True
    short = short_company_key(named.stated)
    rivals = {company_key(other.company) for other in applications if short_company_key(other.company) == short}
    return named.supported(application) and len(rivals) == 1


def _begins_anew(mail: Mail, verdict: Verdict, closed: ApplicationSummary) -> bool:
    """Whether a receipt is later than all that was heard of a closed application: the person applied again."""
    if verdict.signal is not Signal.ACKNOWLEDGEMENT:
        return False
    last = closed.last_heard_at or closed.applied_at
    return last is None or mail.internal_date > last


@dataclass(frozen=True, slots=True)
class _Scored:
    application: ApplicationSummary
    rule: str
    score: float
    reason: str


def _suggestions(
    mail: Mail, verdict: Verdict, applications: Sequence[ApplicationSummary], named: _Names
) -> Suggestions:
    """Candidates by score, and whether a receipt proves an application that is none of them."""
    scored = [_score(verdict.facts, application, named) for application in applications]
    fits = any(
        named.name(application) and not _is_other_job(mail, verdict, application) for application in applications
    )
    proves = verdict.signal is Signal.ACKNOWLEDGEMENT and bool(verdict.facts.company)
    return _ask([row for row in scored if row.score >= WORTH_ASKING], birth=proves and not fits)


def _score(facts: Facts, application: ApplicationSummary, named: _Names) -> _Scored:
    """How well an application fits a mail that no rule links: company, role, the sender's domain, open or closed."""
    says = named.name(application) or bool(named.alias and same_company(named.alias, application.company))
    supported = named.supported(application)
    score = (0.5 if says else 0.0) + (0.1 if says and supported else 0.25 if supported else 0.0)
    reasons = [f"names {application.company}"] if says else [f"comes from {named.label}"] if supported else []
    if _contradicts(facts, application):
        score -= 0.2
        reasons.append(f"names another role ({facts.role})" if facts.role else f"names the job {facts.requisition}")
    elif same_role(facts.role, application.role):
        score += 0.3 if says or supported else 0.1
        reasons.append(f"names the role {application.role}")
    if application.stage is Stage.CLOSED:
        score -= 0.1
        reasons.append("finds the application closed")
    rule = "company_role" if facts.role else "company"
    return _Scored(application, rule, score, f"It {', '.join(reasons)}." if reasons else "")


def _is_other_job(mail: Mail, verdict: Verdict, application: ApplicationSummary) -> bool:
    """Whether a receipt that names this application's company is surely for another job, or for a new try.

    A grade alone is often left out by whoever writes the mail: that is a question, not another job.
    """
    facts = verdict.facts
    if application.stage is Stage.CLOSED and _begins_anew(mail, verdict, application):
        return True
    if facts.requisition and application.requisition:
        return not _same_requisition(facts.requisition, application.requisition)
    return other_work(facts.role, application.role)


def _ask(scored: Sequence[_Scored], *, birth: bool = False) -> Suggestions:
    """The best candidates, best first; open before closed, then by id, so that the same question reads the same."""
    ranked = sorted(scored, key=lambda row: (-row.score, row.application.stage is Stage.CLOSED, row.application.id))
    return Suggestions(
        candidates=tuple(
            Candidate(application_id=row.application.id, rule=row.rule, score=round(row.score, 2), reason=row.reason)
            for row in ranked[:CANDIDATES]
        ),
        birth=birth,
    )


def _link(application_id: str, rule: str, confidence: float, reason: str) -> Link:
    return Link(application_id=application_id, rule=rule, confidence=confidence, reason=reason)


# --- Ids and hiring systems -------------------------------------------------------------------------------------------


def _same_requisition(one: str, other: str) -> bool:
    """Whether two requisition ids are one job's, whatever their case, punctuation and posting counter."""
    first, second = (_NOT_LETTERS.sub("", _REPOSTED.sub("", text.strip())).upper() for text in (one, other))
    if not first or not second:
        return False
    digits = first.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    lettered = first != digits and second != second.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    if first == second or lettered or len(digits) < REQUISITION_DIGITS:
        return first == second
    return digits == second.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def _system(address: str) -> str:
    """The hiring system that sends for many employers, by the name that `links.posting_id` gives it, else ""."""
    domain = address.rpartition("@")[2]
    if not belongs_to(domain, HIRING_SYSTEMS):
        return ""
    label = organisational_domain(domain).partition(".")[0]
    return next((system for system in links.SYSTEMS if system in label), label)


def _system_of(job_url: str) -> str:
    return links.posting_id(job_url).partition(":")[0]
