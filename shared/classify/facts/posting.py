"""Which posting a mail is about: the job's number, and the page that shows it."""

from __future__ import annotations

import re

from shared.classify.domains import same_organisation
from shared.classify.facts import links
from shared.classify.facts.reading import Reading

_NUMBER = r"[A-Z]{0,8}[-_]?\d{2,14}(?:[-_/]\d{1,8})?"
_REQUISITION = re.compile(
    r"\b(?:job|req(?:uisition)?|position|posting|vacancy|reference|ref|stellen|kennziffer|referenz)\.?[ -]?"
    rf"(?:(?:id|no|number|nr|nummer|code|ref|reference|#)\.?)?\s?[:#]\s?\(?({_NUMBER})\b"
    rf"|\b(?:job|req|requisition|position|posting) ?(?:id|no\.?|number|#) ?({_NUMBER})\b"
    r"|(?<![\w/=.-])((?:R|JR|REQ|RQ|JOB|VN|REF)[-_]?\d{4,14}(?:[-_]\d{1,6})?)(?![\w/])"
    rf"|(?:职位编号|岗位编号|求人番号|求人id)\s?[:#]?\s?({_NUMBER})",
    re.IGNORECASE,
)
"""A number that a label or its own form shows to be a job's: "Job ID: 43683", R260013984, JR12352, REQ-2026-114."""


def requisition(reading: Reading) -> tuple[str, str]:
    """The job's number as written and the words around it; ("", "") when the mail gives none."""
    for part in (reading.subject, reading.body):
        found = _REQUISITION.search(part.text)
        if found:
            return next(group for group in found.groups() if group), part.quote(found.start(), found.end())
    return "", ""


def page(reading: Reading, address: str) -> tuple[str, str]:
    """The one posting that the mail links to, without tracking parameters, and the words around the link.

    A mail with several is a digest and about none of them. Beside the pages of known hiring systems only those on
    the sender's own site count, since any page may have "jobs" in its path.
    """
    body = reading.body
    shown = {links.canonical(link.text): link for link in links.find(body.text) if links.is_posting(link)}
    known = {canonical: link for canonical, link in shown.items() if links.posting_id(link.text)}
    own = {
        canonical: link for canonical, link in shown.items() if same_organisation(link.host, address.rpartition("@")[2])
    }
    pages = known or own
    if len(pages) != 1:
        return "", ""
    link = next(iter(pages.values()))
    return links.cleaned(link.text), body.quote(link.start, link.start + len(link.text))
