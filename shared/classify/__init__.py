"""What one mail means: who really sent it, its signal, its facts."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

from shared.classify.signals import read
from shared.classify.triage import HIRING_QUERY, plausible
from shared.model import Mail, Verdict

__all__ = ["CLASSIFIER_VERSION", "HIRING_QUERY", "classify", "plausible"]

CLASSIFIER_VERSION = 1
"""Goes up when a mail may be read differently: mails are then read again and supersede their older events."""


def classify(mail: Mail) -> Verdict:
    """What a mail means. Total: every mail has a verdict, the unclear ones `other` with a low confidence."""
    verdict = read(mail)
    if importlib.util.find_spec("shared.classify.facts") is not None:
        from shared.classify.facts import extract

        verdict = replace(verdict, facts=extract(mail, verdict.signal))
    return replace(verdict, version=CLASSIFIER_VERSION)
