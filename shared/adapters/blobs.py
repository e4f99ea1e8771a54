"""People's files: a folder of this machine, or a Cloud Storage bucket."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from shared.errors import Rejected, TryAgain

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

T = TypeVar("T")

BLOB_BYTES = 32 * 1024 * 1024
"""More than any CV or letter: Gmail itself takes attachments of 25 MB."""

PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
"""One half of a name. It cannot begin with a dot, so it is never "..", and never one of our own temporary files."""

MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,100}/[A-Za-z0-9.+-]{1,100}(; ?[A-Za-z0-9.=+-]{1,100})?")
"""A type, a subtype, and at most one parameter: it becomes an HTTP header."""

PAGE = 1000
"""The most that Cloud Storage lists at once."""


class FolderBlobs:
    """ports.Blobs in a folder: one file for each blob, with its media type in a hidden file beside it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, content: bytes, *, media_type: str) -> None:
        """Write or replace; whoever reads meanwhile sees the old content or the new, never a part."""
        place = self._place(name)
        _check(content, media_type)
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(_type_of(place), media_type.encode())
            _replace(place, content)
        except OSError as e:
            raise TryAgain(f"cannot write a file: {e.strerror}") from e

    def get(self, name: str) -> bytes | None:
        """Its content, or None."""
        return _read(self._place(name))

    def media_type(self, name: str) -> str | None:
        """Its media type, or None."""
        place = self._place(name)
        found = _read(_type_of(place)) if place.is_file() else None
        return None if found is None else found.decode()

    def delete(self, name: str) -> None:
        """Remove it; a missing one is no error."""
        place = self._place(name)
        try:
            place.unlink(missing_ok=True)
            _type_of(place).unlink(missing_ok=True)
        except OSError as e:
            raise TryAgain(f"cannot delete a file: {e.strerror}") from e

    def names(self, prefix: str) -> tuple[str, ...]:
        """All names that begin with `prefix`, sorted."""
        owner, slash, _ = prefix.partition("/")
        if slash and not PART.fullmatch(owner):
            return ()
        try:
            owners = [self._root / owner] if slash else self._root.iterdir() if self._root.is_dir() else []
            files = [f"{folder.name}/{file.name}" for folder in owners if folder.is_dir() for file in folder.iterdir()]
        except OSError as e:
            raise TryAgain(f"cannot list files: {e.strerror}") from e
        return tuple(sorted(name for name in files if name.startswith(prefix) and _is_name(name)))

    def _place(self, name: str) -> Path:
        return self._root / _checked(name)


class CloudStorageBlobs:
    """ports.Blobs in a Cloud Storage bucket, by its JSON API.

    `root` replaces Google's root URL; without `credentials` those of the process are used.
    """

    def __init__(self, bucket: str, *, root: str = "", credentials: Credentials | None = None) -> None:
        self._bucket = bucket
        self._root = root
        self._credentials = credentials
        self._objects: Any = None

    def put(self, name: str, content: bytes, *, media_type: str) -> None:
        """Write or replace, in one request."""
        from googleapiclient.http import MediaInMemoryUpload  # noqa: PLC0415 - only who has files pays for the client

        _checked(name)
        _check(content, media_type)
        upload = MediaInMemoryUpload(content, mimetype=media_type, resumable=False)
        answer = self._call(dict, "insert", name=name, media_body=upload, fields="name")
        if answer is None:
            raise TryAgain(f"there is no bucket {self._bucket}")

    def get(self, name: str) -> bytes | None:
        """Its content, or None."""
        return self._call(bytes, "get_media", object=_checked(name))

    def media_type(self, name: str) -> str | None:
        """Its media type, or None."""
        found = self._call(dict, "get", object=_checked(name), fields="contentType")
        return None if found is None else str(found["contentType"])

    def delete(self, name: str) -> None:
        """Remove it; a missing one is no error."""
        self._call(object, "delete", object=_checked(name))

    def names(self, prefix: str) -> tuple[str, ...]:
        """All names that begin with `prefix`, sorted."""
        names: list[str] = []
        asked: dict[str, Any] = {"prefix": prefix, "maxResults": PAGE, "fields": "items(name),nextPageToken"}
        while True:
            page = self._call(dict, "list", **asked)
            if page is None:
                raise TryAgain(f"there is no bucket {self._bucket}")
            names += [item["name"] for item in page.get("items", ())]
            if not page.get("nextPageToken"):
                return tuple(sorted(names))
            asked["pageToken"] = page["nextPageToken"]

    def _call(self, kind: type[T], method: str, **parameters: Any) -> T | None:
        from shared.adapters import google_api  # noqa: PLC0415 - only who has files pays for the client

        if self._credentials is None:
            self._credentials = google_api.default_credentials()
        if self._objects is None:
            service: Any = google_api.build("storage", "v1", self._root)
            self._objects = service.objects()
        request = getattr(self._objects, method)(bucket=self._bucket, **parameters)
        return google_api.execute(request, self._credentials, kind)


def _is_name(name: str) -> bool:
    parts = name.split("/")
    return len(parts) == 2 and all(PART.fullmatch(part) for part in parts)  # noqa: PLR2004 - owner and id


def _checked(name: str) -> str:
    """The name, if it is `{uid}/{id}`: it can point neither out of the folder nor at a folder."""
    if not _is_name(name):
        raise Rejected("not the name of a file")
    return name


def _check(content: bytes, media_type: str) -> None:
    if not MEDIA_TYPE.fullmatch(media_type):
        raise Rejected("not a media type")
    if len(content) > BLOB_BYTES:
        raise Rejected(f"a file may have {BLOB_BYTES} bytes, this one has {len(content)}")


def _type_of(place: Path) -> Path:
    return place.with_name(f".{place.name}.type")


def _read(place: Path) -> bytes | None:
    try:
        return place.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as e:
        raise TryAgain(f"cannot read a file: {e.strerror}") from e


def _replace(place: Path, content: bytes) -> None:
    draft = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
