"""A person's files: stored as they are, checked for being what they say, and theirs alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from shared.applications import stable_id
from shared.errors import NotFound, Refused, Rejected
from shared.lines import header_line
from shared.model import Document
from shared.ports import Blobs, Clock, Ids, Page, Store, Transaction
from shared.schema import DOCUMENTS, DOCUMENTS_OF_USER
from shared.sending.letter import NAME_CHARACTERS, NOT_IN_FILE_NAMES

DOCUMENT_BYTES = 10 * 1024 * 1024
"""One file. CVs have some hundred kilobytes and portfolios some megabytes; two such and a letter still fit one mail,
and the twenty uploads that an instance of the API takes at a time fit its memory."""

MOST_DOCUMENTS = 200
"""Files of one person; what is older can be deleted."""

MOST_LISTED = 100
"""Documents in one page."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a media type's files are called, and how their content begins."""

    endings: tuple[str, ...]
    begins: bytes = b""
    within: tuple[bytes, ...] = ()
    """What occurs somewhere in the file as well."""


_ZIP = b"PK\x03\x04"

KINDS = {
    "application/pdf": _Kind((".pdf",), b"%PDF-"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": _Kind(
        (".docx",), _ZIP, (b"[Content_Types].xml", b"word/")
    ),
    "application/vnd.oasis.opendocument.text": _Kind(
        (".odt",), _ZIP, (b"mimetypeapplication/vnd.oasis.opendocument.text",)
    ),
    "application/msword": _Kind((".doc",), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    "application/rtf": _Kind((".rtf",), b"{\\rtf"),
    "image/jpeg": _Kind((".jpg", ".jpeg"), b"\xff\xd8\xff"),
    "image/png": _Kind((".png",), b"\x89PNG\r\n\x1a\n"),
    "text/markdown": _Kind((".md",)),
    "text/plain": _Kind((".txt",)),
}
"""What employers open without a second thought; nothing in it runs by itself."""

MACROS = b"vbaProject.bin"
"""The part of an Office file that holds its macros; names in a zip are not compressed."""


def add(
    uid: str,
    name: str,
    media_type: str,
    content: bytes,
    *,
    request_id: str = "",
    store: Store,
    blobs: Blobs,
    clock: Clock,
    ids: Ids,
) -> Document:
    """Keep a file; the same file under the same `request_id` once. Raises Rejected, naming the fault, and Refused."""
    name = _name(name, media_type)
    _check(media_type, content)
    digest = hashlib.sha256(content).hexdigest()
    # The content is part of the id, so that two uploads under one key never write into the same file.
    document_id = stable_id("document", uid, request_id, name, media_type, digest) if request_id else ids.new()
    document = Document(
        id=document_id,
        uid=uid,
        name=name,
        media_type=media_type,
        size=len(content),
        sha256=digest,
        created_at=clock.now(),
    )
    key = DOCUMENTS.key(uid, document_id)
    known = store.get(key) if request_id else None
    if known is not None:
        return known.value
    if store.count(DOCUMENTS_OF_USER, parent=uid) >= MOST_DOCUMENTS:
        raise Refused(f"documents: there are {MOST_DOCUMENTS} already; delete one first")
    # The bytes first: a record without them would promise what is not there.
    blobs.put(document.blob, content, media_type=media_type)

    def work(tx: Transaction) -> Document:
        before = tx.get(key)
        if before is None:
            tx.create(key, document)
        return before or document

    return store.transact(work, reads=[key])


def listed(uid: str, *, limit: int, cursor: str = "", store: Store) -> Page[Document]:
    """The person's documents, newest first. Raises Rejected for limit and cursor."""
    if not 1 <= limit <= MOST_LISTED:
        raise Rejected(f"limit: must be 1 to {MOST_LISTED}")
    return store.find(DOCUMENTS_OF_USER, parent=uid, limit=limit, cursor=cursor)


def delete(uid: str, document_id: str, *, store: Store, blobs: Blobs) -> None:
    """Forget a file. Raises NotFound, also for somebody else's.

    A mail that is still to leave with it fails, and says so.
    """
    try:
        key = DOCUMENTS.key(uid, document_id)
    except ValueError as e:
        raise NotFound("documents: there is nothing by that id") from e
    found = store.get(key)
    if found is None:
        raise NotFound("documents: there is nothing by that id")
    # The bytes first: while the record is there, the same request can be made again.
    blobs.delete(found.value.blob)
    store.delete(key)


def _name(name: str, media_type: str) -> str:
    kind = KINDS.get(media_type)
    if kind is None:
        raise Rejected(f"media_type: not one of {', '.join(KINDS)}")
    line = header_line("name", name, NAME_CHARACTERS)
    if set(line) & NOT_IN_FILE_NAMES or line.startswith("."):
        raise Rejected(f"name: begins with a dot or has one of {' '.join(sorted(NOT_IN_FILE_NAMES))}")
    if not line.lower().endswith(kind.endings):
        raise Rejected(f"name: must end in {' or '.join(kind.endings)}")
    return line


def _check(media_type: str, content: bytes) -> None:
    """Whether the content is of the type that it is said to be."""
    if not content:
        raise Rejected("content: is empty")
    if len(content) > DOCUMENT_BYTES:
        raise Rejected(f"content: longer than {DOCUMENT_BYTES} bytes")
    kind = KINDS[media_type]
    if not content.startswith(kind.begins) or not all(part in content for part in kind.within):
        raise Rejected(f"content: is no {media_type}")
    if MACROS in content:
        raise Rejected("content: has macros")
    if media_type.startswith("text/"):
        try:
            text = content.decode()
        except UnicodeDecodeError as e:
            raise Rejected("content: is no text in UTF-8") from e
        if "\0" in text:
            raise Rejected("content: is no text")
