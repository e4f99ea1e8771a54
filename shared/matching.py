"""Which application a mail belongs to: the ordered rules, first deterministic one wins; otherwise ranked candidates.

Pure: applications in, a link or suggestions out. A link is given only by a rule that names exactly one application;
whatever could mean two of them is a question to the person. Names decide nothing alone that a role contradicts:
two roles at one employer never merge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from shared.classify.domains import organisational_domain
from shared.classify.facts import links
from shared.classify.facts.company import own_label, sender_company
from shared.hosts import HIRING_SYSTEMS, belongs_to
from shared.model import ApplicationSummary, Candidate, Facts, Link, Mail, Signal, Stage, Suggestions, Verdict
from shared.names import CJK, company_key, plain, roles_disagree, same_company, same_role, title

CANDIDATES = 5
"""How many applications one question offers."""

WORTH_ASKING = 0.3
"""A candidate below this score is noise in the question."""

BODY_CHARACTERS = 16_000
"""How much of a body is searched for links to postings."""

_NO_EFFECT = frozenset({Signal.RECRUITER_OUTREACH, Signal.JOB_ALERT, Signal.VERIFICATION_CODE, Signal.OTHER})
"""Signals that touch no application: only a thread of ours, or a meeting's UID, makes such a mail part of one."""

_NOT_LETTERS = re.compile(r"[\W_]+")


def match(
    mail: Mail,
    verdict: Verdict,
    applications: Sequence[ApplicationSummary],
    *,
    aliases: Mapping[str, str] | None = None,
) -> Link | Suggestions:
    """The application that `mail` belongs to, by the first rule that names exactly one; else what to ask.

    `aliases` are names that the person taught us: `company_key` of what mails say to the company's own name.
    """
    facts = verdict.facts
    live = [application for application in applications if not application.merged_into]
    certain = _by_reference(mail, facts, live) or _by_thread(mail, facts, live) or _by_calendar(facts, live)
    if isinstance(certain, (Link, Suggestions)):
        return certain
    if verdict.signal in _NO_EFFECT:
        return Suggestions()
    named = _Names(mail, facts, aliases or {})
    return (
        _by_requisition(mail, facts, live, named)
        or _by_posting(mail, facts, live)
        or _by_company(mail, verdict, live, named)
        or _suggestions(mail, verdict, live, named)
    )


# --- What needs no reading: threads, references, meetings, ids, addresses ---------------------------------------------


def _by_reference(mail: Mail, facts: Facts, applications: Iterable[ApplicationSummary]) -> Link | None:
    """In-Reply-To, References or a bounce's original names a Message-ID that is linked already; the nearest wins."""
    named = [facts.bounced_message_id, mail.in_reply_to, *reversed(mail.references[-50:])]
    wanted = {message_id for message_id in named if message_id}
    if not wanted:
        return None
    holders: dict[str, list[str]] = {}
    for application in applications:
        for message_id in wanted.intersection(application.message_ids):
            holders.setdefault(message_id, []).append(application.id)
    for message_id in named:
        ids = holders.get(message_id, [])
        if len(ids) == 1:
            what = "returns" if message_id == facts.bounced_message_id else "answers"
            return Link(
                application_id=ids[0], rule="reference", confidence=1.0, reason=f"It {what} a mail of this application."
            )
    return None


def _by_thread(mail: Mail, facts: Facts, applications: Iterable[ApplicationSummary]) -> Link | Suggestions | None:
    """The thread is an application's. Gmail may put two receipts of one employer into one thread, so roles count."""
    in_thread = [application for application in applications if mail.thread_id in application.thread_ids]
    fitting = [application for application in in_thread if not _contradicts(facts, application)]
    if len(fitting) == 1:
        return Link(
            application_id=fitting[0].id, rule="thread", confidence=1.0, reason="It is in this application's thread."
        )
    if len(fitting) > 1:
        return _ask(
            (application, "thread", 0.8, "It is in a thread that several applications share.")
            for application in fitting
        )
    return None


def _contradicts(facts: Facts, application: ApplicationSummary) -> bool:
    if facts.requisition and application.requisition:
        return _bare(facts.requisition) != _bare(application.requisition)
    return roles_disagree(facts.role, application.role)


def _by_calendar(facts: Facts, applications: Iterable[ApplicationSummary]) -> Link | None:
    uid = facts.interview.ics_uid if facts.interview else ""
    ids = [application.id for application in applications if uid and uid in application.ics_uids]
    if len(ids) != 1:
        return None
    return Link(application_id=ids[0], rule="ics", confidence=1.0, reason="It is about a meeting of this application.")


def _by_requisition(mail: Mail, facts: Facts, applications: Iterable[ApplicationSummary], named: _Names) -> Link | None:
    """Equal requisition ids; since small numbers repeat between employers, company or hiring system must agree."""
    wanted = _bare(facts.requisition)
    if not wanted:
        return None
    system = _system(mail.from_address)
    ids = [
        application.id
        for application in applications
        if _bare(application.requisition) == wanted
        and (named.name(application) or (not facts.company and system and system == _system_of(application.job_url)))
    ]
    if len(ids) != 1:
        return None
    return Link(
        application_id=ids[0],
        rule="requisition",
        confidence=0.98,
        reason=f"It names the job's number {facts.requisition}.",
    )


def _by_posting(mail: Mail, facts: Facts, applications: Sequence[ApplicationSummary]) -> Link | None:
    """A link in the mail shows the very posting of one application."""
    pages = [facts.job_url] if facts.job_url else []
    pages += [link.text for link in links.find(mail.text[:BODY_CHARACTERS]) if links.is_posting(link)]
    postings = {links.posting_id(page) for page in pages} - {""}
    addresses = {links.canonical(page) for page in pages} - {""}
    if not addresses:
        return None
    ids = {
        application.id
        for application in applications
        if application.job_url
        and (links.canonical(application.job_url) in addresses or links.posting_id(application.job_url) in postings)
    }
    if len(ids) != 1:
        return None
    return Link(application_id=ids.pop(), rule="job_url", confidence=0.97, reason="It links to this job's posting.")


# --- What is read: names and roles ------------------------------------------------------------------------------------


class _Names:
    """The names by which one mail calls the employer."""

    def __init__(self, mail: Mail, facts: Facts, aliases: Mapping[str, str]) -> None:
        self.stated = facts.company
        self.sender = sender_company(mail.from_name)
        self.alias = aliases.get(company_key(facts.company), "") or aliases.get(company_key(self.sender), "")
        self.subject = f" {plain(mail.subject)} "
        self.domain_label = own_label(mail.from_address)

    def name(self, application: ApplicationSummary) -> bool:
        """Whether the mail names the application's company, by stated name, sender or (if neither) subject."""
        if self.stated or self.sender:
            return same_company(self.stated, application.company) or (
                not self.stated and same_company(self.sender, application.company)
            )
        return self.in_subject(application.company)

    def exactly(self, application: ApplicationSummary) -> bool:
        """Whether it does so to the word, generic words included."""
        return company_key(self.stated or self.sender) == company_key(application.company)

    def in_subject(self, company: str) -> bool:
        """Whether the subject holds the name as whole words; Han and Kana have no words to be whole."""
        key = company_key(company)
        if CJK.search(key):
            return key.replace(" ", "") in self.subject.replace(" ", "")
        return len(key) > 3 and f" {key} " in self.subject  # noqa: PLR2004 - three letters prove nothing in a subject

    def supported(self, company: str) -> bool:
        """Whether the sender's own domain or Workday tenant is the company's name. Support only, never a link."""
        joined = company_key(company).replace(" ", "")
        return bool(joined) and joined == self.domain_label.replace("-", "")


def _by_company(
    mail: Mail, verdict: Verdict, applications: Sequence[ApplicationSummary], named: _Names
) -> Link | Suggestions | None:
    """Company, with or without a role: exactly one application must fit, open ones first."""
    facts = verdict.facts
    there = [application for application in applications if named.name(application)]
    exact = [application for application in there if named.exactly(application)]
    there = exact or there
    fitting = [application for application in there if not _contradicts(facts, application)]
    opened = [application for application in fitting if application.stage is not Stage.CLOSED]
    same = [application for application in fitting if same_role(facts.role, application.role)]
    same_open = [application for application in same if application.stage is not Stage.CLOSED]
    company = facts.company or named.sender
    if len(same_open) == 1:
        return Link(
            application_id=same_open[0].id,
            rule="company_role",
            confidence=0.95,
            reason=f"It names {same_open[0].company} and the role {facts.role}.",
        )
    if len(opened) == 1 and not same_open:
        return Link(
            application_id=opened[0].id,
            rule="company",
            confidence=0.9,
            reason=f"It names {opened[0].company}, where this is the only open application.",
        )
    if not opened and len(same) == 1 and not _begins_anew(mail, verdict, same[0]):
        return Link(
            application_id=same[0].id,
            rule="company_role",
            confidence=0.9,
            reason=f"It names {same[0].company} and the role {facts.role}.",
        )
    aliased = [
        application
        for application in applications
        if named.alias and same_company(named.alias, application.company) and same_role(facts.role, application.role)
    ]
    if not there and len(aliased) == 1:
        return Link(
            application_id=aliased[0].id,
            rule="company_role",
            confidence=0.9,
            reason=f"You said that {company} is {named.alias}, and it names the role {facts.role}.",
        )
    return None


def _begins_anew(mail: Mail, verdict: Verdict, closed: ApplicationSummary) -> bool:
    """Whether a receipt is later than all that was heard of a closed application: the person applied again."""
    if verdict.signal is not Signal.ACKNOWLEDGEMENT:
        return False
    last = closed.last_heard_at or closed.applied_at
    return last is None or mail.internal_date > last


def _suggestions(
    mail: Mail, verdict: Verdict, applications: Sequence[ApplicationSummary], named: _Names
) -> Suggestions:
    """Candidates by score: company, role, the sender's domain, open before closed."""
    facts = verdict.facts
    scored: list[tuple[ApplicationSummary, str, float, str]] = []
    fits = False
    for application in applications:
        name = named.name(application) or bool(named.alias and same_company(named.alias, application.company))
        support = named.supported(application.company)
        if not name and not support and not same_role(facts.role, application.role):
            continue
        other = _contradicts(facts, application)
        score = 0.5 * name + 0.25 * (support and not name) + 0.1 * (support and name)
        reasons = [f"names {application.company}"] if name else [f"comes from {named.domain_label}"] if support else []
        if facts.role and not other and same_role(facts.role, application.role):
            score += 0.3 if name or support else 0.1
            reasons.append(f"names the role {application.role}")
        elif other:
            score -= 0.25
            reasons.append(f"names another role ({facts.role})" if facts.role else "names another job number")
        if application.stage is Stage.CLOSED:
            score -= 0.1
            reasons.append("the application is closed")
        fits = fits or (name and not _is_other_job(mail, verdict, application))
        if score >= WORTH_ASKING:
            scored.append(
                (application, "company_role" if facts.role else "company", score, f"It {', '.join(reasons)}.")
            )
    birth = verdict.signal is Signal.ACKNOWLEDGEMENT and bool(facts.company) and not fits
    return _ask(scored, birth=birth)


def _is_other_job(mail: Mail, verdict: Verdict, application: ApplicationSummary) -> bool:
    """Whether a receipt that names this application's company is surely for another job, or for a new try."""
    facts = verdict.facts
    if application.stage is Stage.CLOSED:
        return _begins_anew(mail, verdict, application) or _contradicts(facts, application)
    if facts.requisition and application.requisition:
        return _bare(facts.requisition) != _bare(application.requisition)
    # A grade alone is often left out or rounded by whoever wrote the mail: that is a question, not another job.
    one, other = title(facts.role).words, title(application.role).words
    return bool(one and other) and not (one <= other or other <= one)


def _ask(scored: Iterable[tuple[ApplicationSummary, str, float, str]], *, birth: bool = False) -> Suggestions:
    ranked = sorted(scored, key=lambda row: (-row[2], row[0].stage is Stage.CLOSED, row[0].id))[:CANDIDATES]
    return Suggestions(
        candidates=tuple(
            Candidate(application_id=application.id, rule=rule, score=round(min(score, 1.0), 3), reason=reason)
            for application, rule, score, reason in ranked
        ),
        birth=birth,
    )


def _bare(requisition: str) -> str:
    """A requisition id without case and punctuation: "jr-12352" is "JR12352"."""
    return _NOT_LETTERS.sub("", requisition).upper()


def _system(address: str) -> str:
    owner = organisational_domain(address.rpartition("@")[2])
    return _family(owner) if belongs_to(owner, HIRING_SYSTEMS) else ""


def _system_of(job_url: str) -> str:
    return links.posting_id(job_url).partition(":")[0] if job_url else ""


def _family(domain: str) -> str:
    """The hiring system behind one of its mail domains: "workday" for myworkday.com."""
    for system in (
        "greenhouse",
        "lever",
        "ashby",
        "workday",
        "smartrecruiters",
        "workable",
        "jobvite",
        "icims",
        "recruitee",
    ):
        if system in domain:
            return system
    return domain.rsplit(".", 2)[-2] if "." in domain else domain
