"""Google as Hearback meets it: several people's Gmail, the OAuth grants that open them, quotas, and pushes.

No sockets, no threads of its own, and every moment and number comes from outside, so that a run can be had again.
"""

from __future__ import annotations

import heapq
import json
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.adapters.gmail_errors import GoogleError
from shared.adapters.gmail_methods import UNITS
from shared.local.gmail import account, discovery, messages
from shared.local.gmail.errors import refusal
from shared.local.gmail.faults import CALL_KINDS, Fault, Faults, Kind
from shared.local.gmail.mailbox import Mailbox, StoredMessage
from shared.local.gmail.request import Request
from shared.local.gmail.rfc822 import parsed, with_headers
from shared.ports import Clock

READ_AND_COMPOSE: Final = (
    "https://www.googleapis.com/auth/gmail.readonly",
    "https://www.googleapis.com/auth/gmail.compose",
)
"""What Hearback asks a person for."""

ACCESS_TOKEN_SECONDS: Final = 3599
"""Lifetime of an access token, as Google states it."""

LIVE_GRANTS: Final = 100
"""Refresh tokens that one account may hold for one client; one more, and the oldest dies without a word."""

PUSH_INTERVAL: Final = timedelta(seconds=1)
"""Gmail pushes at most once in this time for each person, and drops the rest."""

HANDLERS: Final = {**messages.HANDLERS, **account.HANDLERS}
"""Every method that the model has; it answers 501 to the rest of Gmail's."""

_SILENT: Final = frozenset(name for name in HANDLERS if not discovery.methods()[name].response)
"""Methods that answer nothing, so that nothing can be cut off."""

Publish = Callable[[str, bytes], None]
"""Takes a topic by its full name and the message's data."""


class Disrupted(Exception):
    """A fault ends the connection instead of answering; only a transport can say what that looks like."""

    def __init__(self, fault: Fault, answer: Mapping[str, Any]) -> None:
        super().__init__(fault.kind)
        self.fault = fault
        self.answer = answer


@dataclass(slots=True)
class _Grant:
    """A person's consent: what a refresh token stands for."""

    address: str
    scopes: frozenset[str]
    revoked: bool = False


@dataclass(slots=True)
class _Access:
    grant: _Grant
    expires_at: datetime


class GmailModel:
    """One Google with some people in it.

    `publish(topic, data)` carries notifications away, `project` is the project of the OAuth client, and
    `units_per_minute` is what one person's mailbox may spend.
    """

    def __init__(
        self,
        clock: Clock,
        rng: random.Random,
        publish: Publish | None = None,
        project: str = "hearback-local",
        units_per_minute: int = 6000,
    ) -> None:
        self.clock = clock
        self._rng = rng
        self._publish: Publish = publish or (lambda _topic, _data: None)
        self.project = project
        self.units_per_minute = units_per_minute
        self.faults = Faults(random.Random(rng.getrandbits(64)))
        self.pushes_dropped = 0
        """Notifications beyond one a second, which Gmail throws away."""
        self._mailboxes: dict[str, Mailbox] = {}
        self._grants: dict[str, _Grant] = {}
        self._access: dict[str, _Access] = {}
        self._outbox: deque[tuple[str, bytes]] = deque()
        self._held: list[tuple[datetime, int, str, str, bytes]] = []
        """Notifications that a fault holds back: when due, in which order, whose, where to, what."""
        self._held_count = 0
        self._lock = threading.RLock()

    # --- what Gmail does for a caller ---

    def call(
        self,
        access_token: str,
        method: str,
        params: Mapping[str, Any],
        body: Mapping[str, Any] | None = None,
        media: bytes | None = None,
    ) -> Mapping[str, Any]:
        """One call of a method by its name below users ("messages.get"). Nobody may change the answer.

        Raises GoogleError as Gmail would, and Disrupted when a fault leaves no answer.
        """
        with self._changing():
            access = self._access.get(access_token)
            now = self.clock.now()
            if access is None or access.grant.revoked or access.expires_at <= now:
                raise refusal(401)
            mailbox = self._mailboxes[access.grant.address]
            self._strike(method, access.grant)
            handler = HANDLERS.get(method)
            if handler is None:
                raise GoogleError(501, "notImplemented", f"The model of Gmail does not have {method}")
            described = discovery.methods()[method]
            scopes = access.grant.scopes & described.scopes
            if not scopes:
                raise refusal(403, "insufficientPermissions")
            if params.get("userId", "me") not in ("me", mailbox.address):
                raise refusal(403, "forbidden", f"Delegation denied for {mailbox.address}")
            chosen = discovery.selection(str(params.get("fields", "")), described.response)
            self._spend(mailbox, UNITS[method], now)

            def lag(kind: Kind) -> timedelta | None:
                fault = self.faults.strike(kind, method=method, address=mailbox.address)
                return timedelta(seconds=fault.seconds) if fault else None

            answer = handler(Request(mailbox, params, body or {}, media, now, scopes, self.project, lag))
            if method == "watch":
                self._notify(mailbox)
            elif method in ("messages.send", "drafts.send"):
                self._deliver(mailbox, mailbox.messages[answer["id"]])
            shown: Mapping[str, Any] = discovery.select(chosen, answer)
            self._strike(method, access.grant, after=shown)
            return shown

    def token(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """The token endpoint: a new access token for a refresh token. Raises GoogleError and Disrupted."""
        with self._changing():
            if form.get("grant_type") != "refresh_token":
                raise GoogleError(400, "unsupported_grant_type", "Invalid grant_type")
            if not form.get("client_id") or not form.get("client_secret"):
                raise GoogleError(401, "invalid_client", "The OAuth client was not found.")
            grant = self._grants.get(form.get("refresh_token", ""))
            if grant is not None:
                self._strike("token", grant)
            if grant is None or grant.revoked:
                raise GoogleError(400, "invalid_grant", "Token has been expired or revoked.")
            now = self.clock.now()
            self._access = {token: access for token, access in self._access.items() if access.expires_at > now}
            token = f"ya29.{self._rng.getrandbits(320):080x}"
            self._access[token] = _Access(grant, now + timedelta(seconds=ACCESS_TOKEN_SECONDS))
            answer = {
                "access_token": token,
                "expires_in": ACCESS_TOKEN_SECONDS,
                "scope": " ".join(sorted(grant.scopes)),
                "token_type": "Bearer",
            }
            self._strike("token", grant, after=answer)
            return answer

    def revoke_token(self, token: str) -> None:
        """The revocation endpoint, for either kind of token. Raises GoogleError for one that is none."""
        with self._changing():
            access = self._access.get(token)
            grant = access.grant if access else self._grants.get(token)
            if grant is None or grant.revoked:
                raise GoogleError(400, "invalid_token", "Token expired or revoked")
            grant.revoked = True

    # --- what people do ---

    @property
    def people(self) -> tuple[str, ...]:
        """The addresses of everybody here."""
        return tuple(self._mailboxes)

    def add_person(
        self, address: str, *, scopes: Iterable[str] = READ_AND_COMPOSE, history_id: int | None = None
    ) -> str:
        """Somebody consents: the refresh token of a new grant, and a mailbox if there was none yet."""
        with self._changing():
            address = address.lower()
            if address not in self._mailboxes:
                self._mailboxes[address] = Mailbox(
                    address=address,
                    rng=self._rng,
                    now=self.clock.now,
                    changed=self._changed,
                    history_id=history_id or self._rng.randrange(1_000, 10_000_000),
                )
                self._mailboxes[address].forgotten = self._mailboxes[address].history_id
            live = [grant for grant in self._grants.values() if grant.address == address and not grant.revoked]
            if len(live) >= LIVE_GRANTS:
                live[0].revoked = True
            token = f"1//0{self._rng.getrandbits(240):060x}"
            self._grants[token] = _Grant(address, frozenset(scopes))
            return token

    def receive(
        self,
        address: str,
        rfc822: bytes,
        labels: Iterable[str] = ("INBOX",),
        thread_id: str | None = None,
        *,
        at: datetime | None = None,
    ) -> str:
        """Mail arrives, filed by Gmail's classifier under `labels` (UNREAD is added); returns the message's id.

        `at` is an internalDate other than now, for mail that was there before. SENT means that the person wrote it.
        """
        with self._changing():
            return self.mailbox(address).receive(rfc822, labels, thread_id=thread_id, at=at).id

    def sent(self, address: str) -> list[bytes]:
        """Every mail that has left this mailbox, oldest first, whether or not its copy is still in Sent."""
        with self._lock:
            return list(self.mailbox(address).sent)

    def delete_message(self, address: str, message_id: str) -> None:
        """The person deletes a message for good."""
        with self._changing():
            self.mailbox(address).remove(message_id)

    def move_from_spam(self, address: str, message_id: str) -> None:
        """The person says that it is no spam."""
        self.relabel(address, message_id, add=("INBOX",), remove=("SPAM",))

    def mark_read(self, address: str, message_id: str) -> None:
        """The person reads a message."""
        self.relabel(address, message_id, remove=("UNREAD",))

    def relabel(self, address: str, message_id: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """The person moves a message: archive, trash, star, another tab."""
        with self._changing():
            self.mailbox(address).relabel(message_id, add=add, remove=remove)

    def add_label(self, address: str, name: str) -> str:
        """The person makes a label; returns its id."""
        with self._changing():
            own = self.mailbox(address).labels
            label_id = f"Label_{len(own) + 1}"
            own[label_id] = name
            return label_id

    def edit_draft(self, address: str, draft_id: str, rfc822: bytes) -> None:
        """The person rewrites a draft."""
        with self._changing():
            box = self.mailbox(address)
            box.create_draft(rfc822, "", box.draft(draft_id).draft_id)

    def delete_draft(self, address: str, draft_id: str) -> None:
        """The person throws a draft away."""
        with self._changing():
            box = self.mailbox(address)
            box.remove(box.draft(draft_id).id)

    def send_draft(self, address: str, draft_id: str) -> None:
        """The person presses Send on a draft."""
        with self._changing():
            box = self.mailbox(address)
            self._deliver(box, box.send_draft(draft_id))

    def revoke(self, address: str) -> None:
        """The person withdraws every grant: access tokens end at once, refresh tokens answer invalid_grant."""
        with self._changing():
            for grant in self._grants.values():
                grant.revoked = grant.revoked or grant.address == self.mailbox(address).address

    # --- what the test decides ---

    def mailbox(self, address: str) -> Mailbox:
        """A person's mailbox, to look into. Raises KeyError for nobody."""
        return self._mailboxes[address.lower()]

    def units(self, address: str) -> int:
        """Quota units that this mailbox has been charged so far."""
        return self.mailbox(address).spent.total

    def forget_history(self, address: str) -> None:
        """Every history id handed out so far becomes too old: history.list answers 404 until it is read anew."""
        with self._changing():
            box = self.mailbox(address)
            box.history_id += 1
            box.forgotten = box.history_id
            box.history.clear()

    def release_pushes(self) -> datetime | None:
        """Publish held-back notifications that are due; says when the next one is."""
        with self._changing():
            now = self.clock.now()
            while self._held and self._held[0][0] <= now:
                *_, topic, data = heapq.heappop(self._held)
                self._outbox.append((topic, data))
            return self._held[0][0] if self._held else None

    # --- inside ---

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One at a time; what this publishes leaves after the lock is free, for a publisher may come back in."""
        try:
            with self._lock:
                yield
        finally:
            while (push := self._next_push()) is not None:
                self._publish(*push)

    def _next_push(self) -> tuple[str, bytes] | None:
        with self._lock:
            return self._outbox.popleft() if self._outbox else None

    def _strike(self, method: str, grant: _Grant, *, after: Mapping[str, Any] | None = None) -> None:
        kinds = CALL_KINDS if method not in _SILENT else tuple(kind for kind in CALL_KINDS if kind != "truncated")
        fault = self.faults.strike(*kinds, method=method, address=grant.address, after_effect=after is not None)
        if fault is None:
            return
        if fault.kind == "revoked":
            grant.revoked = True
            raise refusal(401) if method != "token" else GoogleError(400, "invalid_grant", "Token has been revoked.")
        if fault.kind != "error":
            raise Disrupted(fault, after or {})
        error = refusal(fault.status, fault.reason, fault.message)
        error.retry_after = timedelta(seconds=fault.retry_after) if fault.retry_after is not None else None
        raise error

    def _spend(self, mailbox: Mailbox, units: int, now: datetime) -> None:
        spent, minute = mailbox.spent, int(now.timestamp() // 60)
        if spent.minute != minute:
            spent.minute, spent.units = minute, 0
        if spent.units + units > self.units_per_minute:
            # Gmail words the same refusal in three ways; nobody knows when it takes which.
            raise self._rng.choice((refusal(403), refusal(403, "userRateLimitExceeded"), refusal(429)))
        spent.units += units
        spent.total += units

    def _changed(self, mailbox: Mailbox, labels: frozenset[str]) -> None:
        if mailbox.subscription is not None and mailbox.subscription.wants(labels):
            self._notify(mailbox)

    def _notify(self, mailbox: Mailbox) -> None:
        now = self.clock.now()
        watch = mailbox.subscription
        if watch is None or watch.expires_at <= now:
            return
        if mailbox.notified_at is not None and abs(now - mailbox.notified_at) < PUSH_INTERVAL:
            self.pushes_dropped += 1
            return
        mailbox.notified_at = now
        # The id comes as a number mostly and as a string at times; both have been seen.
        history_id = mailbox.history_id if self._rng.randrange(4) else str(mailbox.history_id)
        data = json.dumps({"emailAddress": mailbox.address, "historyId": history_id}).encode()
        fault = self.faults.strike(
            "push_dropped", "push_duplicated", "push_reordered", "push_late", address=mailbox.address
        )
        kind = fault.kind if fault else ""
        if fault and kind in ("push_late", "push_reordered"):
            self._held_count += 1
            due = now + timedelta(seconds=fault.seconds)
            owner = mailbox.address if kind == "push_reordered" else ""
            heapq.heappush(self._held, (due, self._held_count, owner, watch.topic, data))
            return
        if kind != "push_dropped":
            self._outbox.extend([(watch.topic, data)] * (2 if kind == "push_duplicated" else 1))
        # Now that a later one has gone, the overtaken follow.
        overtaken = [held for held in self._held if held[2] == mailbox.address]
        for held in overtaken:
            self._held.remove(held)
            self._outbox.append((held[3], held[4]))
        heapq.heapify(self._held)

    def _deliver(self, sender: Mailbox, message: StoredMessage) -> None:
        """A sent mail reaches those of its recipients who are here, vouched for as Gmail vouches for its own."""
        domain = sender.address.partition("@")[2]
        vouched = (
            f"mx.google.com; dkim=pass header.i=@{domain}; spf=pass smtp.mailfrom={sender.address}; "
            f"dmarc=pass header.from={domain}"
        )
        raw = with_headers(message.mail.raw, {"Authentication-Results": vouched, "Bcc": None})
        for address in dict.fromkeys(parsed(message.mail.raw).recipients):
            if address in self._mailboxes and address != sender.address:
                self._mailboxes[address].receive(raw, ("INBOX",), thread_id=None, at=None)
