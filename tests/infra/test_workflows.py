"""GitHub's workflows: every action pinned to a commit, no permission without need, no key, and our own commands."""

from __future__ import annotations

import re

import pytest
import yaml

from shared import registry

WORKFLOWS = sorted((registry.TABLE.parent.parent / ".github" / "workflows").glob("*.yml"))


def steps(workflow):
    return [step for job in yaml.safe_load(workflow.read_text())["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_to_a_commit(workflow):
    used = [step["uses"] for step in steps(workflow) if "uses" in step]

    assert used
    assert [each for each in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", each)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_read_and_a_job_takes_what_it_needs_by_itself(workflow):
    written = yaml.safe_load(workflow.read_text())

    assert written["permissions"] == {"contents": "read"}
    for name, job in written["jobs"].items():
        expected = {"contents": "read", "id-token": "write"} if name == "deploy" else {"contents": "read"}
        assert job.get("permissions", written["permissions"]) == expected


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_no_key_is_handed_to_a_workflow(workflow):
    assert "secrets." not in workflow.read_text()


def test_the_workflows_run_the_commands_that_people_run():
    commands = {path.stem: [step["run"] for step in steps(path) if "run" in step] for path in WORKFLOWS}

    assert commands["test"] == ["./scripts/test"]
    assert commands["deploy"][-1] == "./scripts/deploy --terraform --yes"


def test_only_jobs_of_the_protected_environment_become_the_deployer():
    (workflow,) = [path for path in WORKFLOWS if path.stem == "deploy"]
    trusted = (registry.TABLE.parent.parent / "infra" / "github.tf").read_text()

    assert yaml.safe_load(workflow.read_text())["jobs"]["deploy"]["environment"] == "production"
    assert ":environment:production'" in trusted
