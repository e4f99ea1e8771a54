"""Gmail's refusals in Google's own words, and the JSON in which they travel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.adapters.gmail_errors import GoogleError

_STATUS: Final[Mapping[int, str]] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}
"""google.rpc.Code for each HTTP status (google/rpc/code.proto)."""

_USAGE_LIMITS: Final = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "accessNotConfigured"}
)
"""Reasons that a 403 reports in the domain usageLimits; everything else is global."""

_PER_MINUTE = (
    "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of service "
    "'gmail.googleapis.com' for consumer 'project_number:100000000001'."
)

_USUAL: Final[Mapping[int, tuple[str, str]]] = {
    400: ("invalidArgument", "Request contains an invalid argument."),
    401: ("authError", "Request had invalid authentication credentials."),
    403: ("rateLimitExceeded", _PER_MINUTE),
    404: ("notFound", "Requested entity was not found."),
    409: ("aborted", "The operation was aborted."),
    429: ("rateLimitExceeded", "Resource has been exhausted (e.g. check quota)."),
    500: ("backendError", "Internal error encountered."),
    503: ("backendError", "The service is currently unavailable."),
}
"""Reason and message that a status comes with when nothing else is said."""

_MESSAGES: Final[Mapping[str, str]] = {
    "userRateLimitExceeded": "User Rate Limit Exceeded",
    "quotaExceeded": "Quota exceeded",
    "dailyLimitExceeded": "Daily Limit Exceeded",
    "insufficientPermissions": "Request had insufficient authentication scopes.",
    "domainPolicy": "The domain administrators have disabled Gmail apps.",
    "accessNotConfigured": "Gmail API has not been used in project 100000000001 before or it is disabled.",
    "failedPrecondition": "Precondition check failed.",
}
"""What Google says for a reason that one status shares with others."""


def refusal(status: int, reason: str = "", message: str = "") -> GoogleError:
    """A refusal of this status; reason and message are Google's usual ones unless given."""
    usual_reason, usual_message = _USUAL.get(status, ("backendError", "Unknown error."))
    reason = reason or usual_reason
    if not message:
        message = usual_message if reason == usual_reason else _MESSAGES.get(reason, reason)
    return GoogleError(status, reason, message)


def invalid(message: str) -> GoogleError:
    """400: an argument that Gmail will never accept."""
    return GoogleError(400, "invalidArgument", message)


def not_found() -> GoogleError:
    """404 for a message, draft, thread, label or history that is not there."""
    return refusal(404)


def body(error: GoogleError) -> dict[str, Any]:
    """The error as Google's JSON."""
    limited = error.status == 403 and error.reason in _USAGE_LIMITS  # noqa: PLR2004 - HTTP's number
    detail = {
        "message": error.message,
        "domain": "usageLimits" if limited else "global",
        "reason": error.reason,
    }
    if error.status == 401:  # noqa: PLR2004 - HTTP's number
        detail |= {"location": "Authorization", "locationType": "header"}
    failed = error.reason == "failedPrecondition"
    status = "FAILED_PRECONDITION" if failed else _STATUS.get(error.status, "UNKNOWN")
    return {
        "error": {"code": error.status, "message": error.message, "errors": [detail], "status": status},
    }
