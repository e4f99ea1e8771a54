"""One zip for each function: its own files at the root, `shared`, and the packages that its row asks for.

Equal content gives an equal zip, byte for byte, on any machine: its hash names what is deployed.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from shared import registry
from shared.deploy import lock
from shared.errors import Rejected

ROOT = registry.TABLE.parent.parent
ZIPS = ROOT / "build" / "zips"

NOT_SHIPPED = ("shared/local/", "shared/deploy/")
"""The stand-ins, and this. A test forbids what is shipped to import them."""

TIMESTAMP = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can say. What a file's time is differs between two checkouts."""

FILE_MODE = 0o100644
"""A regular file that all may read: whatever umask the checkout was made under."""

UNIX = 3
"""Where the zip says that it was made; Python would write another number on Windows."""


def contents(row: registry.Row) -> dict[str, bytes]:
    """What a function's zip holds, by path."""
    folder = registry.TABLE.parent / row.name
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}
    for path in _files(ROOT / "shared"):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(NOT_SHIPPED):
            files[name] = path.read_bytes()
    files["requirements.txt"] = requirements(row).encode()
    if "main.py" not in files:
        raise Rejected(f"functions/{row.name}/main.py is missing")
    return files


def requirements(row: registry.Row) -> str:
    """The function's requirements.txt: the packages of its groups and all that they need, pinned, with hashes."""
    packages = lock.cut(row.groups, requirements=lock.REQUIREMENTS.read_text(), lock=lock.LOCK.read_text())
    return "".join(each.text for each in packages)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The files as a zip, stored as they are: compressors of different releases give different bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, TIMESTAMP)
            entry.create_system = UNIX
            entry.external_attr = FILE_MODE << 16
            archive.writestr(entry, files[name])
    return target.getvalue()


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal, cut to 16 digits: enough to tell one deployment's zips from another's."""
    return hashlib.sha256(data).hexdigest()[:16]


def write(row: registry.Row, folder: Path) -> Path:
    """The zip of a function, in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{row.name}.zip"
    place.write_bytes(zipped(contents(row)))
    return place


def main(arguments: list[str] | None = None) -> int:
    """Make the zips that are named, or all."""
    table = registry.load()
    parser = argparse.ArgumentParser(prog="package", description=__doc__)
    parser.add_argument("name", nargs="*", metavar="FUNCTION", help="functions of the table (default: all)")
    parser.add_argument("--out", type=Path, default=ZIPS, metavar="DIR", help="where to put them (default build/zips)")
    parser.add_argument("--sbom", type=Path, metavar="FILE", help="also write a CycloneDX bill of all their packages")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.name) - table.rows.keys())
    if unknown:
        parser.error(f"not in the table: {', '.join(unknown)}")
    rows = [row for row in table if not options.name or row.name in options.name]
    try:
        for row in rows:
            place = write(row, options.out)
            data = place.read_bytes()
            print(f"{row.name:28} {len(data) // 1024:6} KiB  {digest(data)}  {', '.join(row.groups)}")
        if options.sbom:
            wanted = sorted({group for row in rows for group in row.groups})
            packages = lock.cut(wanted, requirements=lock.REQUIREMENTS.read_text(), lock=lock.LOCK.read_text())
            bill = lock.bill_of_materials(packages, name="hearback", version=_version())
            options.sbom.write_text(json.dumps(bill, indent=2) + "\n")
    except Rejected as e:
        print(f"package: {e}")
        return 1
    return 0


def _version() -> str:
    import tomllib  # noqa: PLC0415 - only the bill of materials needs it

    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)
        if path.is_file() and not hidden and "__pycache__" not in parts:
            yield path
