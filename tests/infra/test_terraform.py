"""What Terraform would make of the table, tried with the true schemas of two major versions of its provider."""

from __future__ import annotations

import functools
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from shared import settings
from tests.support import deployment, terraform

pytestmark = pytest.mark.terraform


class Runs:
    """tfcheck's outcomes over the tree, over it with an older provider, and over a copy with every mutant at once."""

    def __init__(self, place: Path, workers: ThreadPoolExecutor) -> None:
        self._started: dict[str, Future[tuple[terraform.Applied | None, str]]] = {}
        self.plan = place / "plan.json"
        good = terraform.copy(place / "good")
        bad = terraform.copy(place / "bad")
        deployment.broken(bad, *(mutant for _, mutant in deployment.CHECKS.values()))
        self._started["8"] = workers.submit(terraform.check, good, f"--plan-json={self.plan}")
        self._started["broken"] = workers.submit(terraform.check, bad)
        self._started["7"] = workers.submit(terraform.check, good, *terraform.SEVEN)

    def __getitem__(self, name: str) -> terraform.Applied:
        applied, said = self._started[name].result()
        assert applied is not None, said
        return applied

    def said(self, name: str) -> str:
        return str(self._started[name].result()[1])


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    with ThreadPoolExecutor(2) as workers:
        yield Runs(tmp_path_factory.mktemp("infra"), workers)


@pytest.mark.parametrize(("name", "major"), [("8", 8), ("7", 7)])
def test_terraform_takes_it_with_both_majors_of_the_provider_and_a_second_plan_is_empty(runs, name, major):
    assert runs[name].resources
    assert f"hashicorp/google {major}." in runs.said(name)
    assert "ok   second plan" in runs.said(name)


@pytest.mark.parametrize("name", deployment.CHECKS)
def test_what_must_hold_holds(runs, name):
    function, _ = deployment.CHECKS[name]
    function(runs["8"])
    function(runs["7"])


def test_every_check_fails_when_its_line_is_broken(runs):
    assert set(deployment.CHECKS) - deployment.failures(runs["broken"]) == set()


@functools.cache
def registry_tests() -> subprocess.CompletedProcess[str]:
    infra = terraform.ROOT / "infra" / "registry"
    subprocess.run(["terraform", "init", "-input=false", "-backend=false"], cwd=infra, capture_output=True, check=True)
    return subprocess.run(["terraform", "test", "-no-color"], cwd=infra, capture_output=True, text=True, check=False)


def test_the_maps_that_are_made_of_the_table_pass_their_own_tests():
    done = registry_tests()

    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 failed" in done.stdout


def test_every_word_of_the_code_has_its_roles_and_every_role_its_word():
    assert set(deployment.USES) == set(settings.USES)


def test_checkov_finds_nothing_but_what_is_excused_with_a_reason(runs):
    assert runs["8"]
    text = (terraform.ROOT / "infra" / "checkov.yaml").read_text()
    excused = yaml.safe_load(text)["skip-check"]
    reasons = [line.partition(" # ")[2] for line in text.splitlines() if line.lstrip().startswith("- CKV")]
    done = terraform.checkov(runs.plan)
    found = {line.split(":")[1].strip() for line in done.stdout.splitlines() if line.startswith("Check: ")}

    assert "Passed checks: " in done.stdout, done.stdout + done.stderr
    assert found == set(excused)
    assert len(excused) <= 15
    assert len(reasons) == len(excused)
    assert all(reason.endswith(".") for reason in reasons)
