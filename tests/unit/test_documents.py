"""What the documents name is there, and the commands that they show can be run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = [path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")] if path.is_file()]
COMMANDS = sorted(path.name for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_that_a_document_shows_is_there(document):
    for name in re.findall(r"(?:\./)?scripts/([a-z-]+)\b", document.read_text()):
        assert name in COMMANDS or (ROOT / "scripts" / f"{name}.py").exists(), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_and_path_in_a_document_leads_somewhere(document):
    text = document.read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (document.parent / target).exists(), target
    for path in re.findall(r"`((?:shared|tests|functions|docs|scripts|infra)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_run_by_its_name_and_explains_itself(name):
    path = ROOT / "scripts" / name
    assert os.access(path, os.X_OK)
    environ = os.environ | {"HEARBACK_VENV": sys.prefix}
    shown = subprocess.run(
        [sys.executable, str(path), "--help"], capture_output=True, text=True, env=environ, timeout=60, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert "usage:" in shown.stdout


def test_the_readme_is_short_and_names_the_two_commands():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) < 120
    assert "./scripts/demo" in text
    assert "./scripts/test" in text


SMALL = {"codec", "errors", "hosts", "lines", "names", "registry", "settings"}
"""Modules that are what they are called."""


def test_the_map_of_the_architecture_names_every_part():
    text = (ROOT / "docs" / "architecture.md").read_text().partition("```\n")[2].partition("```")[0]
    parts = {
        path.stem for path in (ROOT / "shared").iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert {part for part in parts - SMALL if not re.search(rf"\b{part}\b", text)} == {"__init__"}


def test_no_document_or_source_names_a_path_of_one_machine():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    for name in filter(None, listed):
        path = ROOT / name
        if path.suffix not in {".bin", ".png"} and path.is_file():
            assert "/" + "work/" not in path.read_text(errors="replace"), name
