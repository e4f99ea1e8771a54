"""Terraform tried without a cloud: the real program against stand-in providers with the true schema (tfcheck)."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared import registry
from shared.deploy import package

ROOT = registry.TABLE.parent.parent
VARIABLES = "environments/example.tfvars"
SECONDS = 300
"""A run takes 10 s on two idle cores, and half a minute more when a schema is read for the first time."""

SEVEN = (
    "--provider=hashicorp/google=cdktn-provider-google==20.3.1",
    "--provider=hashicorp/google-beta=cdktn-provider-google-beta==20.3.1",
)
"""The last schemas of the provider's major version before the present one."""


def tfcheck() -> Path:
    """Where the checker lies: beside the repository, unless TFCHECK says otherwise."""
    return Path(os.environ.get("TFCHECK") or ROOT.parent / "shared" / "tfcheck" / "tfcheck")


def why_missing() -> str:
    """Why the Terraform tests can't run here; empty when they can."""
    if not shutil.which("terraform"):
        return "terraform is not on the PATH"
    return "" if tfcheck().exists() else "tfcheck is not there; TFCHECK may say where"


@dataclass(frozen=True)
class Applied:
    """What tfcheck's throwaway state holds after an apply."""

    resources: Sequence[Mapping[str, Any]]

    def of(self, kind: str, address: str = "") -> Iterator[Mapping[str, Any]]:
        """The values of all resources of a type whose address has a text in it."""
        for each in self.resources:
            if each["type"] == kind and address in each["address"]:
                yield each["values"]

    def index(self, kind: str, name: str) -> dict[str, Mapping[str, Any]]:
        """The values of all resources of a type, by one of their attributes."""
        return {str(values[name]): values for values in self.of(kind)}

    def one(self, kind: str, address: str = "") -> Mapping[str, Any]:
        (values,) = self.of(kind, address)
        return values

    @functools.cached_property
    def functions(self) -> dict[str, Mapping[str, Any]]:
        """Every function by its entry point."""
        kind = "google_cloudfunctions2_function"
        return {values["build_config"][0]["entry_point"]: values for values in self.of(kind)}

    def uri(self, function: str) -> str:
        return str(self.functions[function]["service_config"][0]["uri"])


def copy(place: Path) -> Path:
    """A tree with all that Terraform reads, with a stand-in for each zip; returns its infra folder."""
    shutil.copytree(ROOT / "infra", place / "infra", ignore=shutil.ignore_patterns(".terraform*"))
    (place / "functions").mkdir()
    shutil.copy(registry.TABLE, place / "functions")
    zips = place / "build" / "zips"
    zips.mkdir(parents=True)
    for row in registry.load():
        (zips / f"{row.name}.zip").write_bytes(package.zipped({"main.py": row.name.encode()}))
    return place / "infra"


def check(infra: Path, *more: str) -> tuple[Applied | None, str]:
    """Run tfcheck over a tree of `copy`: what was applied, or None, and what it said."""
    command = [str(tfcheck()), str(infra), f"--root={infra.parent}", "--values"]
    # A user's own configuration of Terraform might bring other providers.
    environ = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull}
    done = subprocess.run(
        [*command, f"--var-file={infra / VARIABLES}", *more],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=environ,
    )
    applied = Applied(json.loads(done.stdout)["resources"]) if done.returncode == 0 else None
    return applied, re.sub(r"\x1b\[[0-9;]*m", "", done.stderr)


CHECKOV = "checkov==3.3.30"
"""Runs in an environment of its own, which uv keeps: it pins other releases of packages that are ours, too."""


def checkov(plan: Path) -> subprocess.CompletedProcess[str]:
    """Run checkov over a plan with nothing excused. The first time uv fetches it from the package index."""
    command = [sys.executable, "-m", "uv", "tool", "run", "--quiet", "--python", sys.executable, "--from", CHECKOV]
    command += ["checkov", "--file", str(plan), "--framework=terraform_plan", "--skip-download", "--compact", "--quiet"]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
