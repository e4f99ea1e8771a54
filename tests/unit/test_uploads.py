"""A person's files: what is taken, what is not what it says, and that the same upload is kept once."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest

from shared import documents, registry
from shared.documents import DOCUMENT_BYTES, KINDS, MOST_DOCUMENTS
from shared.errors import NotFound, Refused, Rejected
from shared.schema import DOCUMENTS
from tests.support.hostile import STRINGS
from tests.support.made import made_services

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"
MIB = 1024 * 1024


def zipped(*names: str, content: bytes = b"<x/>") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ODT = "application/vnd.oasis.opendocument.text"
SAMPLES = {
    "application/pdf": ("cv.pdf", PDF),
    DOCX: ("cv.docx", zipped("[Content_Types].xml", "word/document.xml")),
    ODT: ("cv.odt", zipped("mimetype", content=ODT.encode())),
    "application/msword": ("cv.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100)),
    "application/rtf": ("cv.rtf", b"{\\rtf1 hello}"),
    "image/jpeg": ("me.JPG", b"\xff\xd8\xff\xe0" + bytes(100)),
    "image/png": ("me.png", b"\x89PNG\r\n\x1a\n" + bytes(100)),
    "text/markdown": ("cv.md", "# Ådå".encode()),
    "text/plain": ("cv.txt", "Ådå\n".encode()),
}


@pytest.fixture
def world():
    with made_services() as world:
        yield world


def add(
    world: Any, name: str = "cv.pdf", media_type: str = "application/pdf", content: bytes = PDF, **more: Any
) -> Any:
    uid = more.pop("uid", "ada")
    return documents.add(
        uid, name, media_type, content, store=world.store, blobs=world.blobs, clock=world.clock, ids=world.ids, **more
    )


def test_there_is_a_sample_of_every_kind():
    assert set(SAMPLES) == set(KINDS)


@pytest.mark.parametrize("media_type", SAMPLES)
def test_a_file_of_each_kind_is_kept_with_its_bytes(world, media_type):
    name, content = SAMPLES[media_type]
    kept = add(world, name, media_type, content)

    assert (kept.name, kept.media_type, kept.size) == (name, media_type, len(content))
    assert kept.sha256 == hashlib.sha256(content).hexdigest()
    assert world.blobs.get(f"ada/{kept.id}") == content
    assert world.blobs.media_type(kept.blob) == media_type
    assert [item.value for item in documents.listed("ada", limit=10, store=world.store).items] == [kept]


TEXTS = {"text/plain", "text/markdown", "application/rtf"}
"""Of these one may well be the other."""


@pytest.mark.parametrize(
    ("declared", "actual"), [(a, b) for a in SAMPLES for b in SAMPLES if a != b and not {a, b} <= TEXTS]
)
def test_a_file_that_is_not_what_it_says_is_refused(world, declared, actual):
    name = SAMPLES[declared][0]
    with pytest.raises(Rejected, match="content: is no"):
        add(world, name, declared, SAMPLES[actual][1])
    assert world.blobs.names("ada/") == ()


@pytest.mark.parametrize(
    ("name", "media_type", "content", "words"),
    [
        ("cv.pdf", "application/pdf", b"", "content: is empty"),
        ("cv.pdf", "application/pdf", PDF + bytes(DOCUMENT_BYTES), "content: longer than"),
        ("cv.pdf", "application/pdf", b"MZ\x90" + PDF, "content: is no application/pdf"),
        ("cv.exe", "application/pdf", PDF, "name: must end in .pdf"),
        ("cv", "application/pdf", PDF, "name: must end in .pdf"),
        ("", "application/pdf", PDF, "name: must end in .pdf"),
        (".pdf", "application/pdf", PDF, "name: begins with a dot"),
        ("a/b.pdf", "application/pdf", PDF, "name: begins with a dot or has one of"),
        ("..\\cv.pdf", "application/pdf", PDF, "name: begins with a dot or has one of"),
        ("cv\u202efdp.exe.pdf", "application/pdf", PDF, "name: contains the control character U\\+202E"),
        ("cv\r\nX: y.pdf", "application/pdf", PDF, "name: contains the control character U\\+000D"),
        ("x" * 120 + ".pdf", "application/pdf", PDF, "name: more than 120"),
        ("cv.html", "text/html", b"<script>", "media_type: not one of"),
        ("cv.svg", "image/svg+xml", b"<svg/>", "media_type: not one of"),
        ("cv.zip", "application/zip", zipped("a"), "media_type: not one of"),
        ("cv.docx", DOCX, zipped("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), "has macros"),
        ("cv.doc", "application/msword", SAMPLES["application/msword"][1] + b"vbaProject.bin", "has macros"),
        ("cv.txt", "text/plain", b"\xff\xfe", "content: is no text in UTF-8"),
        ("cv.txt", "text/plain", b"a\0b", "content: is no text"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_cannot_be_kept_says_why_and_leaves_nothing(world, name, media_type, content, words):
    with pytest.raises(Rejected, match=words):
        add(world, name, media_type, content)
    assert world.blobs.names("ada/") == ()
    assert documents.listed("ada", limit=10, store=world.store).items == ()


def test_a_hostile_name_is_refused_or_kept_as_it_is(world):
    for text in STRINGS[:: len(STRINGS) // 60]:
        try:
            kept = add(world, f"{text}.pdf")
        except Rejected:
            continue
        assert kept.name == " ".join(f"{text}.pdf".split())


def test_the_same_upload_is_kept_once(world):
    first = add(world, request_id="r1")
    world.clock.step(timedelta(minutes=1))
    assert add(world, request_id="r1") == first
    assert len(documents.listed("ada", limit=10, store=world.store).items) == 1
    assert add(world, request_id="r1", content=PDF + b"more").id != first.id
    assert world.blobs.get(first.blob) == PDF
    assert add(world, request_id="r1", uid="bob").id != first.id


def test_a_file_is_deleted_with_its_bytes_and_by_its_owner_alone(world):
    kept = add(world)
    for uid, id_ in (("bob", kept.id), ("ada", "nothing"), ("ada", "a/b")):
        with pytest.raises(NotFound):
            documents.delete(uid, id_, store=world.store, blobs=world.blobs)
    documents.delete("ada", kept.id, store=world.store, blobs=world.blobs)

    assert world.store.get(DOCUMENTS.key("ada", kept.id)) is None
    assert world.blobs.names("ada/") == ()


def test_a_person_keeps_so_many(world, monkeypatch):
    monkeypatch.setattr(documents, "MOST_DOCUMENTS", 2)
    add(world)
    add(world)
    with pytest.raises(Refused, match="2 already"):
        add(world)
    assert len(world.blobs.names("ada/")) == 2
    assert MOST_DOCUMENTS == 200


def test_the_uploads_that_an_instance_takes_at_a_time_fit_its_memory():
    row = registry.load()["api"]
    memory = {"512Mi": 512 * MIB, "1Gi": 1024 * MIB, "2Gi": 2048 * MIB}[row.memory]

    # Its chunks, the body that they are joined to, and the request to the storage.
    assert row.concurrency * 3 * DOCUMENT_BYTES + 256 * MIB <= memory
