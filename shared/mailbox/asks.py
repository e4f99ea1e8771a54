"""A provisional "no" is asked again: Gmail's search index lags by minutes, in bad hours by much more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from shared.model import Ask

AGAIN = (timedelta(minutes=15), timedelta(hours=24))
"""How long after each "no" the question is put again; after the last one the answer stands."""

WINDOW = timedelta(minutes=5)
"""Questions of one window are put together, so that a busy mailbox is not searched for each newsletter."""

MOST_IDS = 500
"""How many messages may wait for a second answer by name; beyond it the search alone decides what is looked at."""


def later(asks: Iterable[Ask], ask: Ask, *, now: datetime) -> tuple[Ask, ...]:
    """The questions with one more, which has been answered "no" `ask.round` times before and just now again."""
    if ask.round >= len(AGAIN):
        return tuple(asks)
    seconds = (now + AGAIN[ask.round]).timestamp()
    window = WINDOW.total_seconds()
    at = datetime.fromtimestamp(seconds - seconds % window + window, tz=now.tzinfo)
    ask = replace(ask, at=at, round=ask.round + 1)
    others = []
    for other in asks:
        if (other.at, other.round) == (ask.at, ask.round):
            ids = tuple(dict.fromkeys((*other.ids, *ask.ids))) if other.ids and ask.ids else ()
            ask = replace(ask, after=min(other.after, ask.after), ids=ids)
        else:
            others.append(other)
    if sum(len(other.ids) for other in others) + len(ask.ids) > MOST_IDS:
        ask = replace(ask, ids=())
    return (*others, ask)
