"""What we have of the person who asks: handed out, taken in from a table, or deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from shared import accounts, moving, privacy
from shared.web.http import Call, Problem, Response, Route, json_response
from shared.web.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Everything is being deleted, whatever is written until it is gone, too."""

    status: str = "leaving"
    since: datetime


def _export(call: Call[Ports]) -> Response:
    p, form = call.ports, call.request.query.get("format", "json")
    if form == "json":
        return _file(
            privacy.export_json(call.uid, store=p.store, blobs=p.blobs, clock=p.clock),
            "application/json",
            "hearback.json",
        )
    if form == "csv":
        collection = call.request.query.get("collection", "applications")
        lines = privacy.export_csv(call.uid, collection, store=p.store)
        return _file(lines, "text/csv; charset=utf-8", f"{collection}.csv")
    raise Problem(HTTPStatus.BAD_REQUEST, "format: must be json or csv")


def _file(pieces: Iterator[bytes], media_type: str, name: str) -> Response:
    disposition = f'attachment; filename="{name}"'
    headers = {"Content-Type": media_type, "Content-Disposition": disposition}
    return Response(status=HTTPStatus.OK, pieces=pieces, headers=headers)


def _import(call: Call[Ports]) -> Response:
    media_type = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "text/csv":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content-type: not text/csv")
    dry_run = call.request.query.get("dry_run", "false")
    if dry_run not in ("true", "false"):
        raise Problem(HTTPStatus.BAD_REQUEST, "dry_run: must be true or false")
    table = call.content(moving.TABLE_BYTES)
    p = call.ports
    imported = moving.import_table(call.uid, table, dry_run=dry_run == "true", store=p.store, clock=p.clock)
    if imported.created and dry_run == "false":
        accounts.follow(call.uid, store=p.store, queue=p.queue, clock=p.clock)
    return json_response(imported)


def _leave(call: Call[Ports]) -> Response:
    p = call.ports
    erasure = privacy.leave(call.uid, store=p.store, queue=p.queue, clock=p.clock, ids=p.ids)
    return json_response(Leaving(since=erasure.since), status=HTTPStatus.ACCEPTED)


ROUTES: tuple[Route[Ports], ...] = (
    Route(method="GET", template="/v1/me/export", handle=_export),
    Route(method="POST", template="/v1/applications/import", handle=_import),
    Route(method="DELETE", template="/v1/me", handle=_leave),
)
