"""Each check over the deployed whole notices the loss of its own line, tried in a copy that is broken there alone."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared import registry
from shared.deploy import deploy, gcloud
from tests.proofs.outcome import Outcome, tell
from tests.support import deployment, gcloud_lint, terraform

BAR = (
    "Terraform's outcome passes every check with two majors of the provider, its second plan is empty; each check "
    "fails on a copy in which its own line alone is broken; gcloud's linter finds nothing in any command"
)

WORKERS = 2
"""Terraform and its stand-in providers fill a core each."""


def run() -> Outcome:
    """Apply the good tree twice, and every broken one."""
    if missing := terraform.why_missing():
        return Outcome(figures=(), failures=(f"not run: {missing}",))
    with tempfile.TemporaryDirectory(prefix="hearback-deploy-") as place, ThreadPoolExecutor(WORKERS) as workers:
        good = terraform.copy(Path(place) / "good")
        applied = {
            "8.x": workers.submit(terraform.check, good),
            "7.x": workers.submit(terraform.check, good, *terraform.SEVEN),
        }
        mutants = {name: workers.submit(_escaped, name, Path(place) / name) for name in deployment.CHECKS}
        failures = []
        resources = 0
        for version, outcome in applied.items():
            state, said = outcome.result()
            wrong = deployment.failures(state) if state else {said.strip()[-300:]}
            resources = len(state.resources) if state else 0
            failures += [f"google {version}: {each}" for each in sorted(wrong)]
        escaped = [name for name, outcome in mutants.items() if outcome.result()]
    failures += [f"not noticed: {name}" for name in escaped]
    linted, wrong_commands = _linted()
    failures += wrong_commands
    checks = len(deployment.CHECKS)
    figures = (
        f"{resources} resources",
        f"{checks} checks",
        f"{checks - len(escaped)} of {checks} broken lines noticed",
        linted,
    )
    return Outcome(figures=figures, failures=tuple(failures))


def _linted() -> tuple[str, list[str]]:
    """Every command of the gcloud way, looked at by gcloud: a figure, and what is wrong."""
    if missing := gcloud_lint.why_missing():
        return "no gcloud", [f"not linted: {missing}"]
    table = registry.load()
    settings = {"HEARBACK_OAUTH_CLIENT_ID": "1-a.apps.googleusercontent.com"}
    target = gcloud.Target(project="hearback-example", number="1", region="europe-west1", settings=settings)
    steps = gcloud.plan(table, target, dict.fromkeys(table.rows, "0" * 16))
    commands = [command for step in steps for command in (step.found_by, step.command, step.update) if command]
    for row in table:
        commands += [*gcloud.roll_back(row, target), gcloud.serve(row, "x-00001-abc", target)]
    with tempfile.TemporaryDirectory(prefix="hearback-lint-") as place:
        wrong = gcloud_lint.errors([deploy.shell(command, target.project) for command in commands], Path(place))
    return f"{len(commands)} gcloud commands linted, {len(wrong)} wrong", wrong


def _escaped(name: str, place: Path) -> bool:
    """Whether a check passes although its line is broken. A copy that Terraform refuses has been noticed, too."""
    infra = terraform.copy(place)
    deployment.broken(infra, deployment.CHECKS[name][1])
    applied, _ = terraform.check(infra)
    escaped = applied is not None and name not in deployment.failures(applied)
    tell(f"{name}: {'NOT NOTICED' if escaped else 'noticed'}")
    return escaped
