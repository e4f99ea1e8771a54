"""What a person is told: the history in the app, and the one place that decides what else is told where, and when.

A notification is created in the transaction that caused it, keyed by its cause, and due. `release` then decides for
each channel outside the app, by preference, quiet hours and digest, and makes a `Dispatch` for it; `deliver` claims,
tries and records one dispatch. In the app everything is told exactly once. Mail and chat are tried at most once where
a doubt could mean a second one; a webhook gets each at least once, under an id that stays.
"""

from __future__ import annotations

from shared.notifications.delivery import Delivered, deliver
from shared.notifications.inbox import Cleaned, cleanup, dispatched, listed, mark_read
from shared.notifications.targets import remove_target, set_target, targets
from shared.notifications.words import rendered

__all__ = [
    "Cleaned",
    "Delivered",
    "cleanup",
    "deliver",
    "dispatched",
    "listed",
    "mark_read",
    "remove_target",
    "rendered",
    "set_target",
    "targets",
]
