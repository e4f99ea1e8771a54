"""A stand-in for what Google says of a project: number, topics, subscriptions, policies, consent screen, metrics."""

from __future__ import annotations

import json
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from shared import registry
from tests.support.kms_storage_servers import TOKEN, GoogleServer, Refusal

PROJECT = "hearback-example"
NUMBER = "123456789012"
CLIENT = f"{NUMBER}-abc.apps.googleusercontent.com"
GMAIL = "serviceAccount:gmail-api-push@system.gserviceaccount.com"
AGENT = f"serviceAccount:service-{NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
REDIRECT = "https://hearback.example.com/v1/gmail/callback"
PAGE = 7
"""Lists come in pages, so that whoever reads the first alone is found out."""


class Console(GoogleServer):
    """Everything as scripts/deploy leaves it; a test spoils what it wants to be found."""

    def __init__(self, table: registry.Table) -> None:
        super().__init__()
        self.number = NUMBER
        self.redirects = {REDIRECT}
        self.topics = list(registry.topics(table))
        self.subscriptions = {each.name: _resource(each) for each in registry.subscriptions(table)}
        self.members: dict[tuple[str, str], list[str]] = {("topics/gmail-push", "roles/pubsub.publisher"): [GMAIL]}
        self.metrics: dict[tuple[str, str], int] = {}
        """Newest value by metric and subscription."""
        for each in registry.subscriptions(table):
            if each.dead_letter:
                self.members[f"topics/{each.dead_letter}", "roles/pubsub.publisher"] = [AGENT]
                self.members[f"subscriptions/{each.name}", "roles/pubsub.subscriber"] = [AGENT]

    @staticmethod
    def _admit(request: BaseHTTPRequestHandler, fault: int | str) -> None:
        if isinstance(fault, int):
            raise Refusal(fault, "INJECTED")
        is_open = request.path.startswith("/o")  # the consent screen and the certificates are for everybody
        if not is_open and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refusal(401, "UNAUTHENTICATED")

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, str, bytes]:
        address = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path == "/oauth2/v1/certs":
            return _json({})
        if address.path == "/o/oauth2/v2/auth":
            if query["redirect_uri"] not in self.redirects:
                raise Refusal(400, "INVALID_ARGUMENT", "redirect_uri_mismatch")
            return 200, "text/html", b"<!doctype html><title>Choose an account</title>"
        if address.path == f"/v3/projects/{PROJECT}":
            return _json({"name": f"projects/{self.number}", "projectId": PROJECT})
        if address.path == f"/v3/projects/{PROJECT}/timeSeries":
            return self._series(query["filter"])
        return self._pubsub(address.path.removeprefix(f"/v1/projects/{PROJECT}/"), query)

    def _pubsub(self, place: str, query: dict[str, str]) -> tuple[int, str, bytes]:
        if place == "topics":
            return _page("topics", ({"name": f"projects/{PROJECT}/topics/{name}"} for name in self.topics), query)
        if place == "subscriptions":
            return _page("subscriptions", self.subscriptions.values(), query)
        if place.endswith(":getIamPolicy"):
            found = place.removesuffix(":getIamPolicy")
            bound = [{"role": role, "members": who} for (where, role), who in self.members.items() if where == found]
            return _json({"bindings": bound} if bound else {})
        raise Refusal(404, "NOT_FOUND", place)

    def _series(self, filter_: str) -> tuple[int, str, bytes]:
        metric = filter_.partition('metric.type = "')[2].partition('"')[0].rpartition("/")[2]
        series = [
            {
                "resource": {"labels": {"subscription_id": name}},
                "points": [
                    {"interval": {"endTime": "2026-01-05T09:00:00Z"}, "value": {"int64Value": str(value)}},
                    {"interval": {"endTime": "2026-01-05T08:59:00Z"}, "value": {"int64Value": "99"}},
                ],
            }
            for (kind, name), value in self.metrics.items()
            if kind == metric
        ]
        return _json({"timeSeries": series} if series else {})


def _resource(each: registry.Subscription) -> dict[str, Any]:
    dead = {
        "deadLetterTopic": f"projects/{PROJECT}/topics/{each.dead_letter}",
        "maxDeliveryAttempts": each.max_attempts,
    }
    return {
        "name": f"projects/{PROJECT}/subscriptions/{each.name}",
        "topic": f"projects/{PROJECT}/topics/{each.topic}",
        "pushConfig": {"pushEndpoint": "https://x", "oidcToken": {"serviceAccountEmail": "caller@x"}},
        "ackDeadlineSeconds": int(each.ack_deadline.total_seconds()),
        "retryPolicy": {"minimumBackoff": "10s", "maximumBackoff": "600s"},
        "expirationPolicy": {},
        **({"deadLetterPolicy": dead} if each.dead_letter else {}),
    }


def _page(kind: str, every: Iterable[dict[str, Any]], query: dict[str, str]) -> tuple[int, str, bytes]:
    items = list(every)
    start = int(query.get("pageToken") or 0)
    found: dict[str, Any] = {kind: items[start : start + PAGE]}
    if items[start + PAGE :]:
        found["nextPageToken"] = str(start + PAGE)
    return _json(found)


def _json(plain: Any) -> tuple[int, str, bytes]:
    return 200, "application/json", json.dumps(plain).encode()
