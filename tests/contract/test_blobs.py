"""What both homes of people's files promise, and what each does when it fails."""

from __future__ import annotations

import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.oauth2.credentials import Credentials

from shared.adapters import google_api
from shared.adapters.blobs import BLOB_BYTES, CloudStorageBlobs, FolderBlobs
from shared.errors import Rejected, TryAgain
from tests.support.kms_storage_servers import BUCKET, TOKEN, StorageServer

PDF = "application/pdf"


@pytest.fixture
def storage():
    with StorageServer() as server:
        yield server


@pytest.fixture(params=["folder", "cloud storage"])
def blobs(request, tmp_path):
    if request.param == "folder":
        return FolderBlobs(tmp_path / "files")
    return cloud(request.getfixturevalue("storage"))


def cloud(server, bucket=BUCKET, token=TOKEN):
    return CloudStorageBlobs(bucket, root=server.root, credentials=Credentials(token))


@pytest.mark.parametrize("content", [b"%PDF-1.7 a CV", b"", bytes(range(256)) * 5000, b"\r\n--boundary--\r\n"])
def test_what_is_put_is_got(blobs, content):
    blobs.put("u1/cv", content, media_type=PDF)
    assert blobs.get("u1/cv") == content


def test_the_media_type_is_kept(blobs):
    blobs.put("u1/letter", "Grüße".encode(), media_type="text/plain; charset=utf-8")
    assert blobs.media_type("u1/letter") == "text/plain; charset=utf-8"


def test_a_second_put_replaces_content_and_type(blobs):
    blobs.put("u1/cv", b"old and longer", media_type=PDF)
    blobs.put("u1/cv", b"new", media_type="text/plain")
    assert (blobs.get("u1/cv"), blobs.media_type("u1/cv")) == (b"new", "text/plain")


def test_a_missing_file_is_none(blobs):
    assert blobs.get("u1/none") is None
    assert blobs.media_type("u1/none") is None


def test_a_deleted_file_is_gone_and_deleting_it_again_is_no_error(blobs):
    blobs.put("u1/cv", b"x", media_type=PDF)
    blobs.delete("u1/cv")
    blobs.delete("u1/cv")
    assert blobs.get("u1/cv") is None
    assert blobs.media_type("u1/cv") is None
    assert blobs.names("") == ()


def test_names_are_all_those_with_the_prefix_sorted(blobs):
    kept = ["u1/b", "u1/a", "u1/c.pdf", "u10/a", "u2/a", "u1/A"]
    for name in kept:
        blobs.put(name, b"x", media_type=PDF)
    assert blobs.names("u1/") == ("u1/A", "u1/a", "u1/b", "u1/c.pdf")
    assert blobs.names("u1") == ("u1/A", "u1/a", "u1/b", "u1/c.pdf", "u10/a")
    assert blobs.names("u1/c") == ("u1/c.pdf",)
    assert blobs.names("") == tuple(sorted(kept))


@pytest.mark.parametrize("prefix", ["u9/", "../", "/", "u1/../", "u1//", "\0/"])
def test_a_prefix_that_no_name_has_finds_nothing(blobs, prefix):
    blobs.put("u1/a", b"x", media_type=PDF)
    assert blobs.names(prefix) == ()


BAD_NAMES = [
    *["", "cv", "/cv", "u1/", "/u1/cv", "u1//cv", "u1/a/b", "../u1/cv", "u1/..", "u1/.", "./cv", "u1/../../etc/passwd"],
    *["u1\\cv", "u1/a\\b", "u1/a\0b", "u1/cv\n", "u1/.cv.type", ".hidden/cv", "C:/cv", "u1/a:b", "u1/a b", "u1/é"],
    *["u1/" + "x" * 201, "u1/%2e%2e", "u1/a\u2215b", "u1/\uff0e\uff0e"],
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_not_ours_is_rejected_by_every_method(blobs, tmp_path, name):
    before = sorted(tmp_path.rglob("*"))
    for call in (
        lambda: blobs.put(name, b"x", media_type=PDF),
        lambda: blobs.get(name),
        lambda: blobs.media_type(name),
        lambda: blobs.delete(name),
    ):
        with pytest.raises(Rejected):
            call()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("media_type", ["", "pdf", "a/b\r\nX-Evil: 1", "a/b\n", "text/plain; a=\0", "tëxt/plain"])
def test_a_media_type_that_is_none_is_rejected(blobs, media_type):
    with pytest.raises(Rejected):
        blobs.put("u1/cv", b"x", media_type=media_type)
    assert blobs.names("") == ()


def test_a_file_that_is_too_large_is_rejected(blobs):
    with pytest.raises(Rejected, match=str(BLOB_BYTES)):
        blobs.put("u1/cv", bytes(BLOB_BYTES + 1), media_type=PDF)
    assert blobs.names("") == ()


def test_threads_may_share_it(blobs):
    def use(number):
        blobs.put(f"u1/{number}", f"{number}".encode(), media_type=PDF)
        return blobs.get(f"u1/{number}")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(use, range(40))) == [f"{number}".encode() for number in range(40)]


# --- The folder -------------------------------------------------------------------------------------------------------


def test_a_reader_sees_the_old_content_or_the_new_never_a_part(tmp_path):
    blobs = FolderBlobs(tmp_path)
    versions = [bytes([number]) * 200_000 for number in range(2)]
    blobs.put("u1/cv", versions[0], media_type=PDF)
    done = threading.Event()

    def write():
        for number in range(60):
            blobs.put("u1/cv", versions[number % 2], media_type=PDF)
        done.set()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(write)
        while not done.is_set():
            assert blobs.get("u1/cv") in versions
    assert blobs.names("") == ("u1/cv",)


def test_the_folder_is_its_owners_alone(tmp_path):
    FolderBlobs(tmp_path / "files").put("u1/cv", b"x", media_type=PDF)
    assert stat.S_IMODE((tmp_path / "files" / "u1").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "files" / "u1" / "cv").stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_used_is_try_again_and_leaves_nothing(tmp_path):
    (tmp_path / "u1").write_text("a file where a folder should be")
    blobs = FolderBlobs(tmp_path)
    with pytest.raises(TryAgain):
        blobs.put("u1/cv", b"x", media_type=PDF)
    with pytest.raises(TryAgain):
        blobs.get("u1/cv")
    assert [path.name for path in tmp_path.rglob("*")] == ["u1"]


# --- Cloud Storage ----------------------------------------------------------------------------------------------------

CALLS = {
    "put": lambda blobs: blobs.put("u1/cv", b"new", media_type=PDF),
    "get": lambda blobs: blobs.get("u1/cv"),
    "media_type": lambda blobs: blobs.media_type("u1/cv"),
    "delete": lambda blobs: blobs.delete("u1/cv"),
    "names": lambda blobs: blobs.names("u1/"),
}


FAULTS = [429, 500, 503, 403, "hang", "cut", "half"]
UNSEEN = {("delete", "cut"), ("delete", "half"), ("get", "half")}
"""The answer to a delete is empty, and half a file that says it is whole looks like a file."""


@pytest.mark.parametrize(("call", "fault"), [(c, f) for c in CALLS for f in FAULTS if (c, f) not in UNSEEN])
def test_what_may_pass_is_try_again_and_the_next_call_works(storage, monkeypatch, call, fault):
    if fault == "hang":
        monkeypatch.setattr(google_api, "TIMEOUT_SECONDS", 1.0)
    blobs = cloud(storage)
    blobs.put("u1/cv", b"old", media_type=PDF)
    storage.faults.append(fault)
    with pytest.raises(TryAgain):
        CALLS[call](blobs)
    CALLS[call](blobs)


@pytest.mark.parametrize("call", CALLS)
def test_a_connection_that_breaks_twice_is_try_again(storage, call):
    # Once is not enough: httplib2 sends again by itself. Each of these calls may be repeated.
    storage.faults.extend(["reset", "reset"])
    with pytest.raises(TryAgain):
        CALLS[call](cloud(storage))


@pytest.mark.parametrize("call", CALLS)
def test_a_server_that_is_down_is_try_again(call):
    with StorageServer() as server:
        blobs = cloud(server)
    with pytest.raises(TryAgain):
        CALLS[call](blobs)


@pytest.mark.parametrize("call", CALLS)
def test_a_refused_request_is_rejected(storage, call):
    storage.faults.append(400)
    with pytest.raises(Rejected):
        CALLS[call](cloud(storage))


@pytest.mark.parametrize("call", CALLS)
def test_a_token_that_nobody_accepts_is_try_again(storage, call):
    with pytest.raises(TryAgain):
        CALLS[call](cloud(storage, token="stale"))


def test_a_process_without_credentials_is_try_again(storage, monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(TryAgain, match="credentials"):
        CloudStorageBlobs(BUCKET, root=storage.root).get("u1/cv")


@pytest.mark.parametrize("call", ["put", "names"])
def test_a_missing_bucket_is_try_again(storage, call):
    with pytest.raises(TryAgain, match="no bucket"):
        CALLS[call](cloud(storage, bucket="not-made-yet"))


def test_an_upload_is_one_request(storage):
    cloud(storage).put("u1/cv", b"x", media_type=PDF)
    assert storage.calls == ["POST upload u1/cv"]
    assert storage.objects == {"u1/cv": (PDF, b"x")}
