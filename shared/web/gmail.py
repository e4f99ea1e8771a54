"""A person's Gmail over HTTP: connect, confirm, look at, ask for a look, and disconnect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from shared import accounts, consent, leaving, sweeps
from shared.errors import RateLimited
from shared.mailbox import lookback
from shared.model import Backfill, Mailbox, Monitoring, Receipt
from shared.web.http import Call, Problem, Response, Route, json_response
from shared.web.ports import Ports

# --- What is shown ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RungView:
    """One step of what may be allowed."""

    name: str
    unlocks: str
    granted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillView:
    """How far the reading of the past has come."""

    since: datetime
    progress: float
    """0 to 1."""
    found: int
    ended_at: datetime | None
    cancelled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    """What the last daily look at Gmail's own list has shown."""

    at: datetime
    text: str
    after: datetime
    before: datetime
    hiring: int
    seen: int
    sampled: int
    sample_seen: int
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillOrder:
    """How many days of the past are to be read."""

    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GmailView:
    """The connection as it is; an offer that waits for a yes stands beside it."""

    connected: bool
    address: str | None = None
    health: str | None = None
    trouble: str | None = None
    monitoring: str | None = None
    rungs: tuple[RungView, ...]
    watch_expires_at: datetime | None = None
    last_sync_at: datetime | None = None
    last_push_at: datetime | None = None
    backfill: BackfillView | None = None
    receipt: ReceiptView | None = None
    waiting: OfferView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferView:
    """The account that was chosen at Google, before it is connected."""

    address: str
    rungs: tuple[RungView, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenView:
    """Where to send the browser, and until when its answer is good."""

    address: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A look has been asked for; what it finds appears by itself."""

    status: str = "queued"


def _rungs(scopes: tuple[str, ...]) -> tuple[RungView, ...]:
    granted = consent.rungs(scopes)
    return tuple(RungView(name=rung.name, unlocks=rung.unlocks, granted=rung in granted) for rung in consent.LADDER)


def _offer(offer: consent.Offer | None) -> OfferView | None:
    if offer is None:
        return None
    scopes = tuple(rung.scope for rung in offer.granted)
    return OfferView(address=offer.address, rungs=_rungs(scopes), expires_at=offer.expires_at)


def _view(mailbox: Mailbox | None, call: Call[Ports]) -> GmailView:
    p = call.ports
    waiting = _offer(consent.waiting(call.uid, store=p.store, vault=p.vault, clock=p.clock))
    if mailbox is None:
        return GmailView(connected=False, rungs=_rungs(()), waiting=waiting)
    address = p.vault.unseal(mailbox.sealed_address, user=call.uid, purpose=accounts.ADDRESS).decode()
    return GmailView(
        connected=True,
        address=address,
        health=_health(mailbox, p.clock.now()),
        trouble=mailbox.trouble or None,
        monitoring=mailbox.monitoring.value,
        rungs=_rungs(mailbox.scopes),
        watch_expires_at=mailbox.watch_expires_at,
        last_sync_at=mailbox.last_sync_at,
        last_push_at=mailbox.last_push_at,
        backfill=_backfill_view(mailbox.backfill) if mailbox.backfill is not None else None,
        receipt=_receipt_view(mailbox.receipt) if mailbox.receipt is not None else None,
        waiting=waiting,
    )


def _backfill_view(backfill: Backfill) -> BackfillView:
    return BackfillView(
        since=backfill.since,
        progress=round(lookback.progress(backfill), 3),
        found=backfill.found,
        ended_at=backfill.ended_at,
        cancelled=backfill.cancelled,
    )


def _receipt_view(receipt: Receipt) -> ReceiptView:
    repaired = receipt.hiring - receipt.seen + receipt.sampled - receipt.sample_seen
    told = f"{receipt.seen} of {receipt.hiring} hiring mails seen"
    return ReceiptView(
        at=receipt.at,
        text=f"{told}; {repaired} missed and read now" if repaired else told,
        after=receipt.after,
        before=receipt.before,
        hiring=receipt.hiring,
        seen=receipt.seen,
        sampled=receipt.sampled,
        sample_seen=receipt.sample_seen,
        whole=receipt.whole,
    )


def _health(mailbox: Mailbox, now: datetime) -> str:
    """A watch that has ended is seen the moment it has, whatever the last run wrote down."""
    lapsed = mailbox.watch_expires_at is None or mailbox.watch_expires_at <= now
    if mailbox.health == "ok" and mailbox.monitoring is Monitoring.REAL_TIME and lapsed:
        return "watch_lapsed"
    return mailbox.health


# --- The routes -------------------------------------------------------------------------------------------------------


def _get(call: Call[Ports]) -> Response:
    found = accounts.mailbox_of(call.uid, store=call.ports.store)
    return json_response(_view(found.value if found else None, call))


def _connect(call: Call[Ports]) -> Response:
    p, query = call.ports, call.request.query
    screen = consent.begin(
        call.uid,
        query.get("rung", consent.APPLIES.name),
        query.get("redirect_uri", ""),
        settings=p.settings,
        store=p.store,
        vault=p.vault,
        consent=p.consent,
        clock=p.clock,
        ids=p.ids,
    )
    return json_response(ScreenView(address=screen.address, expires_at=screen.expires_at))


def _callback(call: Call[Ports]) -> Response:
    p, query = call.ports, call.request.query
    answer = consent.Answer(
        state=query.get("state", ""),
        code=query.get("code", ""),
        error=query.get("error", ""),
        issuer=query.get("iss", ""),
    )
    offer = consent.come_back(
        call.uid,
        answer,
        settings=p.settings,
        store=p.store,
        gmail=p.gmail,
        vault=p.vault,
        consent=p.consent,
        clock=p.clock,
        ids=p.ids,
    )
    return json_response(_offer(offer))


def _confirm(call: Call[Ports]) -> Response:
    p = call.ports
    mailbox = consent.confirm(
        call.uid, settings=p.settings, store=p.store, queue=p.queue, gmail=p.gmail, vault=p.vault, clock=p.clock
    )
    return json_response(_view(mailbox, call), status=HTTPStatus.CREATED)


def _disconnect(call: Call[Ports]) -> Response:
    p = call.ports
    leaving.disconnect(call.uid, store=p.store, queue=p.queue, clock=p.clock, ids=p.ids)
    return Response(status=HTTPStatus.NO_CONTENT)


def _sync(call: Call[Ports]) -> Response:
    p = call.ports
    try:
        sweeps.ask(call.uid, store=p.store, queue=p.queue, clock=p.clock)
    except RateLimited as e:
        wait = max(1, round((e.after or sweeps.ASKED_AGAIN_AFTER).total_seconds()))
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, str(e), headers={"Retry-After": str(wait)}) from e
    return json_response(Asked(), status=HTTPStatus.ACCEPTED)


def _begin_backfill(call: Call[Ports]) -> Response:
    p, order = call.ports, call.body(BackfillOrder)
    begun = lookback.begin(call.uid, order.days, store=p.store, queue=p.queue, clock=p.clock)
    return json_response(_backfill_view(begun), status=HTTPStatus.ACCEPTED)


def _cancel_backfill(call: Call[Ports]) -> Response:
    lookback.cancel(call.uid, store=call.ports.store, clock=call.ports.clock)
    return Response(status=HTTPStatus.NO_CONTENT)


ROUTES: tuple[Route[Ports], ...] = (
    Route(method="GET", template="/v1/gmail", handle=_get),
    Route(method="DELETE", template="/v1/gmail", handle=_disconnect),
    Route(method="GET", template="/v1/gmail/connect", handle=_connect),
    Route(method="GET", template="/v1/gmail/callback", handle=_callback),
    Route(method="POST", template="/v1/gmail/confirm", handle=_confirm),
    Route(method="POST", template="/v1/gmail/sync", handle=_sync),
    Route(method="POST", template="/v1/gmail/backfill", handle=_begin_backfill),
    Route(method="DELETE", template="/v1/gmail/backfill", handle=_cancel_backfill),
)
