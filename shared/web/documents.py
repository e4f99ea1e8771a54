"""A person's files over HTTP: upload, list, delete."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from http import HTTPStatus

from shared import documents
from shared.model import Document
from shared.web.http import Call, Problem, Response, Route, json_response
from shared.web.ports import Ports

DISPOSITION_CHARACTERS = 2_000
"""The longest Content-Disposition: the longest name, every character four bytes in percent-encoding, has 1,500."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    """A file of the person's."""

    id: str
    name: str
    media_type: str
    size: int
    sha256: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPage:
    """Some documents, newest first."""

    documents: tuple[DocumentView, ...]
    next: str | None


def _upload(call: Call[Ports]) -> Response:
    p, headers = call.ports, call.request.headers
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    name = _file_name(headers.get("content-disposition", ""))
    if media_type not in documents.KINDS:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"content-type: not one of {', '.join(documents.KINDS)}")
    kept = documents.add(
        call.uid,
        name,
        media_type,
        call.content(documents.DOCUMENT_BYTES),
        request_id=call.request_id(),
        store=p.store,
        blobs=p.blobs,
        clock=p.clock,
        ids=p.ids,
    )
    return json_response(_view(kept), status=HTTPStatus.CREATED)


def _list(call: Call[Ports]) -> Response:
    page = documents.listed(call.uid, limit=call.limit(), cursor=call.cursor(), store=call.ports.store)
    shown = tuple(_view(item.value) for item in page.items)
    return json_response(DocumentPage(documents=shown, next=page.next or None))


def _delete(call: Call[Ports]) -> Response:
    documents.delete(call.uid, call.parts["id"], store=call.ports.store, blobs=call.ports.blobs)
    return Response(status=HTTPStatus.NO_CONTENT)


def _file_name(disposition: str) -> str:
    """The name in a Content-Disposition (RFC 6266). It stands there, and not in the address: addresses are logged."""
    if "\r" in disposition or "\n" in disposition or len(disposition) > DISPOSITION_CHARACTERS:
        raise Problem(HTTPStatus.BAD_REQUEST, "content-disposition: not a header")
    # The older of the library's parsers: the newer one ends in RecursionError on some hundred brackets.
    message = Message()
    message["Content-Disposition"] = disposition or "attachment"
    name = message.get_filename()
    if not name:
        raise Problem(HTTPStatus.BAD_REQUEST, "content-disposition: names no file")
    return name


def _view(document: Document) -> DocumentView:
    return DocumentView(
        id=document.id,
        name=document.name,
        media_type=document.media_type,
        size=document.size,
        sha256=document.sha256,
        created_at=document.created_at,
    )


ROUTES: tuple[Route[Ports], ...] = (
    Route(method="POST", template="/v1/documents", handle=_upload),
    Route(method="GET", template="/v1/documents", handle=_list),
    Route(method="DELETE", template="/v1/documents/{id}", handle=_delete),
)
