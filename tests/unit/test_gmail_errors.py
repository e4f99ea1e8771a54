"""What Google's refusals mean for us: one table."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.gmail_errors import GoogleError, failure, google_error, token_failure
from shared.adapters.gmail_methods import access_token
from shared.errors import GrantRevoked, RateLimited, Rejected, TryAgain, Unsure

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PER_MINUTE = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user'"


@pytest.mark.parametrize(
    ("status", "reason", "message", "kind", "after"),
    [
        (400, "badRequest", "Invalid To header", Rejected, None),
        (400, "invalidArgument", "Recipient address required", Rejected, None),
        (400, "failedPrecondition", "Precondition check failed.", TryAgain, None),
        (400, "failedPrecondition", "Mail service not enabled", Rejected, None),
        (400, "failedPrecondition", "Only one user push notification client allowed per developer", Rejected, None),
        (401, "authError", "Invalid Credentials", GrantRevoked, None),
        (401, "", "", GrantRevoked, None),
        (403, "rateLimitExceeded", PER_MINUTE, RateLimited, None),
        (403, "userRateLimitExceeded", "User Rate Limit Exceeded", RateLimited, None),
        (403, "quotaExceeded", "", RateLimited, None),
        (403, "RATE_LIMIT_EXCEEDED", "", RateLimited, None),
        (403, "PERMISSION_DENIED", PER_MINUTE, RateLimited, None),
        (403, "dailyLimitExceeded", "Daily Limit Exceeded", RateLimited, DAY),
        (403, "domainPolicy", "The domain administrators have disabled Gmail apps.", Rejected, None),
        (403, "insufficientPermissions", "Insufficient Permission", Rejected, None),
        (403, "accessNotConfigured", "Gmail API has not been used in project 1", Rejected, None),
        (403, "forbidden", "Delegation denied for ada@example.com", Rejected, None),
        (404, "notFound", "Requested entity was not found.", Rejected, None),
        (409, "aborted", "", TryAgain, None),
        (413, "uploadTooLarge", "", Rejected, None),
        (429, "rateLimitExceeded", "Resource has been exhausted (e.g. check quota).", RateLimited, None),
        (429, "rateLimitExceeded", "Too many concurrent requests for user", RateLimited, None),
        (429, "rateLimitExceeded", "User-rate limit exceeded (Mail sending)", RateLimited, DAY),
        (429, "x", "User-rate limit exceeded.  Retry after 2026-01-05T10:00:00.000Z (Mail sending)", RateLimited, HOUR),
        (429, "x", "User-rate limit exceeded.  Retry after 2026-01-05T08:00:00.000Z", RateLimited, timedelta()),
        (429, "x", "Retry after 2036-01-05T08:00:00.000Z", RateLimited, DAY),
        (429, "x", "Retry after 2026-99-99T08:00:00.000Z", RateLimited, None),
    ],
)
def test_a_refusal_has_one_meaning(status, reason, message, kind, after):
    for method in ("messages.get", "messages.send"):  # nothing was done, so sending makes no difference
        error = failure(GoogleError(status, reason, message), method, now=NOW)
        assert isinstance(error, kind)
        assert (error.after if isinstance(error, TryAgain) else None) == after
        assert isinstance(error, RateLimited) == (kind is RateLimited)
        assert isinstance(error, GrantRevoked) == (kind is GrantRevoked)


@pytest.mark.parametrize("status", [302, 408, 500, 502, 503, 504, 599])
def test_an_uncertain_answer_may_pass_for_a_reader_and_may_have_sent_for_a_sender(status):
    assert isinstance(failure(GoogleError(status, ""), "messages.get", now=NOW), TryAgain)
    assert isinstance(failure(GoogleError(status, ""), "drafts.create", now=NOW), TryAgain)
    assert isinstance(failure(GoogleError(status, ""), "drafts.send", now=NOW), Unsure)
    assert isinstance(failure(GoogleError(status, ""), "messages.send", now=NOW), Unsure)


def test_the_header_says_the_wait_before_the_text_does():
    error = GoogleError(429, "x", "Retry after 2026-01-05T10:00:00.000Z", retry_after=timedelta(seconds=5))
    refused = failure(error, "messages.get", now=NOW)
    assert isinstance(refused, TryAgain)
    assert refused.after == timedelta(seconds=5)


def test_an_error_names_no_address():
    error = failure(GoogleError(403, "forbidden", "Delegation denied for <ada@example.com>."), "getProfile", now=NOW)
    assert str(error) == "getProfile: 403 forbidden Delegation denied for …"


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("30", timedelta(seconds=30)),
        ("0", timedelta()),
        ("999999999999", DAY),
        ("Mon, 05 Jan 2026 10:00:00 GMT", HOUR),
        ("Mon, 05 Jan 2026 08:00:00 -0000", timedelta()),
        ("", None),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header, wait):
    assert google_error(429, b"", retry_after=header, now=NOW).retry_after == wait


@pytest.mark.parametrize(
    ("body", "reason", "message"),
    [
        ({"error": {"errors": [{"reason": "notFound"}], "status": "NOT_FOUND", "message": "m"}}, "notFound", "m"),
        ({"error": {"errors": [], "status": "NOT_FOUND", "message": "m"}}, "NOT_FOUND", "m"),
        ({"error": {"errors": "odd", "message": "m"}}, "", "m"),
        ({"error": {"errors": ["odd", {"reason": "r"}]}}, "r", ""),
        ({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, "invalid_grant", None),
        ({"error": None}, "", ""),
        ([], "", ""),
    ],
)
def test_googles_json_is_read_in_all_its_shapes(body, reason, message):
    error = google_error(400, json.dumps(body).encode(), retry_after="", now=NOW)
    assert error.reason == reason
    assert message is None or error.message == message


@pytest.mark.parametrize("content", [b"", b"<html>Bad gateway</html>", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_leaves_the_status(content):
    error = google_error(502, content, retry_after="", now=NOW)
    assert (error.status, error.reason) == (502, "")


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (400, "invalid_grant", GrantRevoked),
        (400, "invalid_request", TryAgain),
        (401, "invalid_client", TryAgain),
        (401, "unauthorized_client", TryAgain),
        (429, "rateLimitExceeded", RateLimited),
        (500, "", TryAgain),
        (503, "", TryAgain),
    ],
)
def test_only_a_dead_grant_is_the_persons(status, reason, kind):
    assert type(token_failure(GoogleError(status, reason), now=NOW)) is kind


@pytest.mark.parametrize(
    "answer",
    [{}, {"access_token": "t"}, {"access_token": "t", "expires_in": "soon"}, {"access_token": "t", "expires_in": 1e30}],
)
def test_a_token_answer_without_token_or_lifetime_is_tried_again(answer):
    with pytest.raises(TryAgain):
        access_token(answer, now=NOW)
