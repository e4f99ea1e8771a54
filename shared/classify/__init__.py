"""What one mail means: who really sent it, its signal, its facts."""

from __future__ import annotations

from dataclasses import replace

from shared.classify.signals import read
from shared.classify.triage import HIRING_QUERY, plausible
from shared.model import Mail, Verdict

__all__ = ["CLASSIFIER_VERSION", "HIRING_QUERY", "classify", "plausible"]

CLASSIFIER_VERSION = 1
"""Goes up when a mail may be read differently: mails are then read again and supersede their older events."""


def classify(mail: Mail) -> Verdict:
    """What a mail means. Total: every mail has a verdict, an unclear one `other` with little confidence."""
    from shared.classify.facts import extract  # noqa: PLC0415 - private mail needs none of its many expressions

    verdict = read(mail)
    return replace(verdict, facts=extract(mail, verdict.signal), version=CLASSIFIER_VERSION)
