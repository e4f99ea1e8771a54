"""Every function's zip, as the platform takes it: its packages resolved and installed anew, started, and asked.

Each subset of the packages is downloaded for the platform's Python, with its hashes and as wheels, and installed into
an environment that has nothing else. Where this machine has no Python of that version its own stands in.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from shared import registry
from shared.deploy import lock, package
from tests.proofs.outcome import Outcome, tell
from tests.support import zips

BAR = (
    "every function's zip: its packages resolve for Python 3.13 with their hashes, to wheels but for one, install "
    "into a clean environment, and the entry answers under the functions framework; gmail_push below 250 MB installed, "
    "without pandas or anything for PDF"
)

MOST_BYTES = 250_000_000
"""Of gmail_push's zip and packages, installed."""

UNWANTED = {"pandas", "numpy", "pypdf", "pdfminer-six", "pymupdf", "reportlab", "weasyprint"}
"""Distributions that the hot path must not bring."""


def run() -> Outcome:
    """Take every zip of the table."""
    figures, failures = [], []
    python = zips.runtime()
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory(prefix="hearback-package-") as place:
        environments: dict[str, tuple[str, int, set[str]]] = {}
        for row in registry.load():
            requirements = package.requirements(row)
            if requirements not in environments:
                environments[requirements] = _installed(requirements, Path(place) / str(len(environments)), python)
            interpreter, installed, names = environments[requirements]
            data = package.write(row, Path(place))
            folder = zips.unpack(data, Path(place) / row.name)
            status, wanted = zips.answer(row, folder, interpreter), zips.expected(row)[1]
            size = installed + data.stat().st_size
            tell(f"{row.name}: {size / 1e6:.0f} MB installed, answers {status}")
            figures.append(f"{row.name} {size / 1e6:.0f} MB")
            if status != wanted:
                failures.append(f"{row.name} answered {status}, not {wanted}")
            if row.name == "gmail_push":
                if size >= MOST_BYTES:
                    failures.append(f"gmail_push has {size / 1e6:.0f} MB installed")
                if names & UNWANTED:
                    failures.append(f"gmail_push brings {', '.join(sorted(names & UNWANTED))}")
    figures.append(f"{len(environments)} sets of packages, all under {version}")
    return Outcome(figures=tuple(figures), failures=tuple(failures))


def _installed(requirements: str, folder: Path, python: str) -> tuple[str, int, set[str]]:
    """A fresh environment with these packages: its Python, their bytes, their names. Raises RuntimeError."""
    folder.mkdir()
    (folder / "requirements.txt").write_text(requirements)
    _pip("download", *zips.PLATFORM, "--dest", "files", "--requirement", "requirements.txt", folder=folder)
    subprocess.run([python, "-m", "venv", str(folder / "venv")], check=True)
    interpreter = str(folder / "venv" / "bin" / "python")
    before = _size(folder / "venv")
    _pip("install", *zips.WHEELS, "--requirement", "requirements.txt", folder=folder, python=interpreter)
    _pip("check", folder=folder, python=interpreter)
    return interpreter, _size(folder / "venv") - before, set(lock.read(requirements))


def _size(folder: Path) -> int:
    """Bytes of all files below, but what Python compiles of them."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file() and f.suffix != ".pyc")


def _pip(command: str, *arguments: str, folder: Path, python: str = "") -> None:
    done = zips.pip(command, "--quiet", *arguments, folder=folder, **({"python": python} if python else {}))
    if done.returncode:
        raise RuntimeError(f"pip {command}: {(done.stderr or done.stdout).strip()[-600:]}")
