"""requirements.lock: every package that any of ours needs, each with the hashes of its files; read, cut and made."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import Rejected
from shared.registry import TABLE

ROOT = TABLE.parent.parent
REQUIREMENTS = ROOT / "requirements.txt"
LOCK = ROOT / "requirements.lock"

OLDEST_PYTHON = "3.11"
"""The lock holds for this Python and every later one, on any platform."""

STALE = "requirements.lock is older than requirements.txt; run scripts/lock"

_GROUP = re.compile(r"# group: ([a-z]+)\b")
_PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[A-Za-z0-9,._-]+\])?==([^ ;\\]+)(?: ; ([^\\]+?))? \\")
_HASH = re.compile(r"    --hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"    #   (?:via )?(\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package of the lock."""

    name: str
    """As PyPI compares names: lower case, with hyphens."""
    version: str
    hashes: tuple[str, ...]
    """SHA-256 of each of its files, in hexadecimal."""
    needed_by: tuple[str, ...]
    """The packages that ask for it; empty when we alone do."""
    text: str
    """Its lines in the lock, without the comment."""


def groups(text: str) -> dict[str, dict[str, str]]:
    """The packages of requirements.txt by group: name and pinned version."""
    found: dict[str, dict[str, str]] = {}
    group = ""
    for line in text.splitlines():
        if opened := _GROUP.match(line):
            group = opened[1]
        elif line and not line.startswith("#"):
            name, _, version = line.partition("==")
            found.setdefault(group, {})[normal(name.partition("[")[0])] = version.strip()
    return found


def read(text: str) -> dict[str, Package]:
    """The packages of a lock, by name. Raises Rejected at a line that it does not know, or a package without hash."""
    packages: dict[str, Package] = {}
    for block in re.split(r"\n(?=\S)", text.strip()):
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        if not lines:
            continue
        pin = _PIN.fullmatch(lines[0])
        hashes = tuple(found[1] for line in lines[1:] if (found := _HASH.match(line)))
        if not pin or not hashes:
            raise Rejected(f"{LOCK.name}: not a pinned package with its hashes: {lines[0]}")
        comment = [line.replace("# via ", "#   ") for line in lines if line.lstrip().startswith("#")]
        via = [found[1] for line in comment if (found := _VIA.fullmatch(line))]
        name = normal(pin[1])
        packages[name] = Package(
            name=name,
            version=pin[2],
            hashes=hashes,
            needed_by=tuple(normal(each) for each in via if not each.startswith("-")),
            text="\n".join(line for line in lines if not line.lstrip().startswith("#")) + "\n",
        )
    return packages


def cut(wanted: Iterable[str], *, requirements: str, lock: str) -> list[Package]:
    """What the named groups need, down to the last package, by name. Raises Rejected for a stale lock."""
    of_group = groups(requirements)
    packages = read(lock)
    unknown = sorted(set(wanted) - of_group.keys())
    if unknown:
        raise Rejected(f"{REQUIREMENTS.name} has no group {', '.join(unknown)}")
    _check_fresh(of_group, packages)
    needed = {name for group in wanted for name in of_group[group]}
    while more := {p.name for p in packages.values() if p.name not in needed and needed & set(p.needed_by)}:
        needed |= more
    return [packages[name] for name in sorted(needed)]


def make() -> str:
    """The text of a fresh lock. Asks the package index; raises Rejected when the pins can't go together."""
    command = [sys.executable, "-m", "uv", "pip", "compile", REQUIREMENTS.name, "--generate-hashes", "--universal"]
    # What is locked already stays, unless the pins have moved: a lock changes only when somebody means it to.
    command += ["--python-version", OLDEST_PYTHON, "--no-header", "--quiet", "--output-file", LOCK.name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise Rejected(f"uv pip compile: {done.stderr.strip()}")
    return LOCK.read_text()


def bill_of_materials(packages: Iterable[Package], *, name: str, version: str) -> dict[str, Any]:
    """The packages as a CycloneDX 1.6 document. It bears no time, so that equal content gives an equal document."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": name, "version": version}},
        "components": [
            {
                "type": "library",
                "bom-ref": f"pkg:pypi/{each.name}@{each.version}",
                "name": each.name,
                "version": each.version,
                "purl": f"pkg:pypi/{each.name}@{each.version}",
                # The lock names every file of a release; which one is installed depends on the platform.
                "externalReferences": [
                    {
                        "type": "distribution",
                        "url": f"pkg:pypi/{each.name}@{each.version}",
                        "hashes": [{"alg": "SHA-256", "content": digest} for digest in each.hashes],
                    }
                ],
            }
            for each in packages
        ],
    }


def normal(name: str) -> str:
    """A package's name as the index compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _check_fresh(of_group: Mapping[str, Mapping[str, str]], packages: Mapping[str, Package]) -> None:
    pinned = {name: version for group in of_group.values() for name, version in group.items()}
    wrong = sorted(n for n, version in pinned.items() if n not in packages or packages[n].version != version)
    if wrong:
        raise Rejected(f"{STALE} ({', '.join(wrong)})")
