"""What can go wrong between Gmail and us, switched on by method and rate."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Literal, get_args

from shared.codec import from_plain
from shared.errors import Rejected

Kind = Literal[
    "error",
    "hang",
    "reset",
    "truncated",
    "revoked",
    "history_behind",
    "history_empty",
    "search_behind",
    "push_dropped",
    "push_duplicated",
    "push_reordered",
    "push_late",
]

CALL_KINDS: Final[tuple[Kind, ...]] = ("error", "hang", "reset", "truncated", "revoked")
"""Faults of one call; `method` chooses which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to fail.

    - error: answer `status` with `reason`, `message` and, if given, Retry-After (`retry_after`, seconds).
    - hang: no answer for `seconds`, then the connection ends. reset: it is reset at once. truncated: half the JSON.
    - revoked: the person has revoked the grant; from now on it is dead.
    - history_behind: history.list answers as it would have `seconds` ago, its historyId too. history_empty: it hides
      the records of the last `seconds`, but names the present historyId.
    - search_behind: a query does not find mail of the last `seconds`.
    - push_dropped, push_duplicated; push_reordered: the next notification overtakes it; push_late: by `seconds`.
    """

    kind: Kind
    method: str = "*"
    """Which calls: "messages.get", "drafts.*", "token" for the token endpoint. Push faults ignore it."""
    address: str = ""
    """Which mailbox; empty means every one."""
    rate: float = 1.0
    """How likely it is each time, 0 to 1."""
    times: int | None = None
    """How often it strikes at most; None means no end."""
    status: int = 503
    reason: str = ""
    message: str = ""
    retry_after: int | None = None
    seconds: float = 60.0
    after_effect: bool = False
    """The method has done its work before this strikes: the reply is lost, not the request."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind: {self.kind!r} is no fault")
        if not 0 <= self.rate <= 1:
            raise ValueError(f"rate: {self.rate!r} is no probability")

    @classmethod
    def parse(cls, fields: Mapping[str, object]) -> Fault:
        """From JSON. Raises Rejected, naming the field; also one that no fault has, for it would be a mistyped one."""
        for name in fields.keys() - set(cls.__slots__):
            raise Rejected(f"Fault: {name} is none of its fields")
        return from_plain(cls, fields)


class Faults:
    """The faults that are switched on. Seeded, so that a run can be had again."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._faults: list[Fault] = []
        self.struck: Counter[Fault] = Counter()
        """How often each one has struck."""

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._faults))

    def add(self, *faults: Fault) -> None:
        """Switch on."""
        self._faults.extend(faults)

    def remove(self, fault: Fault) -> None:
        """Switch off. Raises ValueError when it is not on."""
        self._faults.remove(fault)

    def clear(self) -> None:
        """Switch all of them off."""
        self._faults.clear()

    @contextmanager
    def during(self, *faults: Fault) -> Iterator[None]:
        """Switched on while the block runs."""
        self.add(*faults)
        try:
            yield
        finally:
            for fault in faults:
                self.remove(fault)

    def strike(self, *kinds: Kind, method: str = "*", address: str, after_effect: bool = False) -> Fault | None:
        """The first fault of these kinds that strikes now, if one does."""
        if not self._faults:
            return None
        for fault in self._faults:
            if (
                fault.kind in kinds
                and fault.after_effect == after_effect
                and fault.address in ("", address)
                and (method == "*" or fnmatchcase(method, fault.method))
                and (fault.times is None or self.struck[fault] < fault.times)
                and (fault.rate >= 1 or self._rng.random() < fault.rate)
            ):
                self.struck[fault] += 1
                return fault
        return None
