"""The three ways in which work can fail. Everything that handles a failure asks only which of them it is."""

from __future__ import annotations

from datetime import timedelta


class Rejected(Exception):
    """This input never works: acknowledge it and record why.

    The real case: a push whose `historyId` is a word. Retrying it for a week would not make it a number.
    """


class TryAgain(Exception):
    """This may work later: Firestore is down, Gmail answers 503, another worker was faster.

    `after` is how long whoever refused asked us to wait, when it said so (Gmail's Retry-After).
    """

    def __init__(self, message: str, *, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class Unsure(Exception):
    """The effect may have happened: a time-out after the bytes of a mail had left. Never repeat it; find out.

    Only sending raises it, and the sending use case parks it; it never reaches an entry.
    """


class Conflict(TryAgain):
    """A conditional write found another revision, or a create found the document already there."""


class RateLimited(TryAgain):
    """Gmail refused for quota (403 or 429): nothing was done, and nothing may be tried before `after` has passed."""


class GrantRevoked(Rejected):
    """The person's grant is dead (`invalid_grant`): no call with it works until they connect again."""


class NotFound(Rejected):
    """The person has no such thing. Somebody else's id gives the same answer: nobody may learn that it exists."""


class Refused(Rejected):
    """What is on record speaks against it: a cancel while the mail is leaving, a key that named another request."""
