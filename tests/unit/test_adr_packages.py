"""docs/adr/0002 is true: every pinned package has its place and its proof, and nothing else is listed."""

from __future__ import annotations

import re
from importlib.metadata import requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ADR = ROOT / "docs" / "adr" / "0002-what-each-package-is-for.md"
ROWS = re.findall(r"^\| ([A-Za-z0-9-]+) \| (\S+) \| (\S+) \|$", ADR.read_text(), flags=re.MULTILINE)
COMING_WITH = re.findall(
    r"^\| (?!package)([A-Za-z0-9_-]+) \| ([A-Za-z0-9_-]+) \|$", ADR.read_text(), flags=re.MULTILINE
)
MODULES = {
    "functions-framework": "functions_framework",
    "google-auth": "google.auth|google.oauth2",
    "python-jobspy": "jobspy",
    "Protego": "protego",
    "google-cloud-firestore": "google.cloud import firestore|google.cloud.firestore",
    "google-cloud-pubsub": "google.pubsub_v1|google.cloud.pubsub_v1|google.cloud import pubsub_v1",
    "google-api-python-client": "googleapiclient",
    "google-auth-httplib2": "google_auth_httplib2",
    "google-cloud-testutils": "test_utils",
    "PyYAML": "yaml",
    "Jinja2": "jinja2",
    "email-validator": "email_validator",
    "fast-mail-parser": "fast_mail_parser",
    "tzdata": "zoneinfo",
    "scikit-learn": "sklearn",
}


def pinned() -> set[str]:
    lines = [
        *(ROOT / "requirements.txt").read_text().splitlines(),
        *(ROOT / "requirements-dev.txt").read_text().splitlines(),
    ]
    names = [line.split("==")[0].strip() for line in lines if line.strip() and not line.startswith("#")]
    return {name for name in names if not name.startswith("types-")}


def test_every_pinned_package_has_its_row_and_every_row_its_package():
    assert {name for name, _, _ in ROWS} | {name for name, _ in COMING_WITH} == pinned()


@pytest.mark.parametrize(("name", "owner"), COMING_WITH, ids=[row[0] for row in COMING_WITH])
def test_a_package_that_comes_with_another_is_really_required_by_it(name, owner):
    required = {re.split(r"[^A-Za-z0-9._-]", each)[0] for each in requires(owner) or ()}

    assert re.sub("[-_.]+", "-", name).lower() in {re.sub("[-_.]+", "-", each).lower() for each in required}


def test_every_package_is_pinned_to_one_version():
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            assert not line.strip() or line.startswith("#") or re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][^ ]*", line), line


@pytest.mark.parametrize(("name", "place", "proof"), ROWS, ids=[row[0] for row in ROWS])
def test_a_package_is_used_where_its_row_says_and_the_proof_is_there(name, place, proof):
    where = ROOT / place
    files = sorted(where.rglob("*.py")) if where.is_dir() else [where]
    module = MODULES.get(name, name)
    assert any(re.search(rf"\b({module})\b", file.read_text()) for file in files), place
    assert (ROOT / proof).exists()
