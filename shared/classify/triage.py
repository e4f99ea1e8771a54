"""Which mail may be opened at all: the query that asks Gmail for it, and the look at headers and snippet."""

from __future__ import annotations

from shared.classify.phrases import Phrases, tokens_of
from shared.model import Mail

ATS_DOMAINS = (
    "greenhouse.io", "greenhouse-mail.io", "lever.co", "ashbyhq.com", "myworkday.com", "myworkdayjobs.com",
    "workdaymail.com", "smartrecruiters.com", "icims.com", "applytojob.com", "taleo.net", "successfactors.com",
    "jobvite.com", "teamtailor.com", "recruitee.com", "bamboohr.com", "workable.com", "workablemail.com",
    "eightfold.ai", "gem.com", "rippling.com", "wellfound.com", "otta.com", "personio.de", "pinpointhq.com",
    "breezy.hr", "jazzhr.com", "comeet-notifications.com", "softgarden.io", "phenompeople.com", "avature.net",
    "bullhorn.com", "hireology.com", "jobscore.com", "hackerrank.com", "codility.com", "codesignal.com",
    "hirevue.com", "calendly.com", "goodtime.io", "linkedin.com", "indeed.com",
)  # fmt: skip
"""Domains that carry hiring mail for many employers. They say "this is hiring mail", never "this is employer X"."""

_WORDS = """
    (application|applications|applying|applied|applicant|candidate|candidates|candidacy|candidature)
    (interview|interviews|interviewing|recruiter|recruiting|recruitment|hiring|talent|careers|career|vacancy)
    (job|jobs|position|role|employment|resume|cv|assessment|offer|internship)
    (phone|recruiter|initial) screen
    (availability|schedule a call|next steps|hackerrank|codility|calendly)
    bewerbung
    (unsubscribe me never)
"""


_PHRASES = Phrases([("hiring", _WORDS)])

HIRING_QUERY = (
    "{application applying interview recruiter hiring candidate position role job career offer resume assessment"
    " bewerbung candidature candidatura solicitud sollicitatie "
    + " ".join(f"from:{domain}" for domain in ATS_DOMAINS)
    + "}"
)
"""One Gmail `q` that finds hiring mail, never narrower than the classifier."""


def plausible(mail: Mail) -> bool:
    """Whether headers and snippet look like hiring mail, so that its body may be fetched."""
    domain = mail.from_address.rpartition("@")[2]
    if any(domain == ats or domain.endswith("." + ats) for ats in ATS_DOMAINS):
        return True
    text = f"{mail.from_name} \n {mail.from_address} \n {mail.subject} \n {mail.snippet}"
    return any(True for _ in _PHRASES.find(tokens_of(text)))
