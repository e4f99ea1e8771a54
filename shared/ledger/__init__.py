"""What an application is, worked out from the ledger of what happened to it."""

from __future__ import annotations

from shared.ledger.folding import (
    EFFECTS,
    FOLD_VERSION,
    MOVES_A_STATUS,
    NO_EFFECT,
    UNDOABLE,
    Effect,
    counted,
    effect_of,
    fold,
)
from shared.ledger.silence import SilenceThresholds, attention, longest_silence, silent_since
from shared.model import Application, Event

__all__ = [
    "EFFECTS",
    "FOLD_VERSION",
    "MOVES_A_STATUS",
    "NO_EFFECT",
    "UNDOABLE",
    "Effect",
    "SilenceThresholds",
    "attention",
    "counted",
    "effect_of",
    "evidence_of",
    "fold",
    "longest_silence",
    "silent_since",
]


def evidence_of(application: Application) -> Event | None:
    """The event that names the present stage."""
    return application.events.get(application.stage_event)
