"""Bring a Google Cloud project to what the functions table says, by gcloud or by Terraform; or one release back."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from shared import registry, settings
from shared.deploy import gcloud, package, uses
from shared.errors import Rejected

ROOT = registry.TABLE.parent.parent
INFRA = ROOT / "infra"

LANES = 6
"""Functions that are deployed at the same time; Cloud Build runs ten builds at once for a new project."""

FIRESTORE = "https://firestore.googleapis.com/"

FIRESTORE_ELSEWHERE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_FIRESTORE"
"""gcloud's own variable for another address of Firestore; what is sent to it beside gcloud goes there, too."""

CALL_SECONDS = 60.0

DRY_NUMBER = "123456789012"
"""Stands for the project's number where nobody is asked for it."""


class Cloud:
    """Runs gcloud commands in one project, or only says them."""

    def __init__(self, project: str, *, dry: bool, environ: Mapping[str, str]) -> None:
        self.project = project
        self.firestore = f"{environ.get(FIRESTORE_ELSEWHERE) or FIRESTORE}v1/"
        self.dry = dry
        self._environ = environ
        found = shutil.which("gcloud")
        if not found and not dry:
            raise Rejected("gcloud is not installed: https://cloud.google.com/sdk/docs/install")
        self._gcloud = found or "gcloud"

    def apply(self, step: gcloud.Step) -> None:
        """Bring one step about. Raises Rejected with what gcloud has said."""
        if self.dry:
            print(
                f"curl -X PATCH {self.firestore}{step.patch.path}" if step.patch else shell(step.command, self.project)
            )
            return
        if step.patch:
            self._patch(step.patch)
            print(f"{'done':9} {step.title}", flush=True)
            return
        if step.found_by and self.ask(step.found_by):
            if step.update:
                self.run(step.update)
            print(f"{'updated' if step.update else 'there':9} {step.title}", flush=True)
            return
        self.run(step.command, self._value(step.secret) if step.secret else "")
        print(f"{'done':9} {step.title}", flush=True)

    def ask(self, command: Sequence[str]) -> str:
        """What a command prints; empty when it fails, as a description of what is not there does."""
        done = self._call(command)
        return done.stdout.strip() if done.returncode == 0 else ""

    def run(self, command: Sequence[str], stdin: str = "") -> None:
        """Run a command that changes something. What is there already is no failure."""
        done = self._call(command, stdin)
        if done.returncode and not gcloud.ALREADY.search(done.stderr):
            raise Rejected(f"{shell(command, self.project)}\n{done.stderr.strip()}")

    def _call(self, command: Sequence[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
        line = [self._gcloud, *command, f"--project={self.project}", "--quiet"]
        return subprocess.run(line, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False)  # noqa: S603 - our own

    def _patch(self, patch: gcloud.Patch) -> None:
        """Raises Rejected with what Firestore has answered."""
        request = urllib.request.Request(  # noqa: S310 - Firestore's address, or a stand-in's
            self.firestore + patch.path,
            data=json.dumps(patch.body).encode(),
            headers={
                "Authorization": f"Bearer {self.ask(('auth', 'print-access-token'))}",
                "Content-Type": "application/json",
            },
            method="PATCH",
        )
        try:
            with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:  # noqa: S310 - the same
                answer.read()
        except urllib.error.HTTPError as e:
            with e:
                raise Rejected(f"PATCH {patch.path}: {e.code} {e.read(500).decode(errors='replace')}") from e
        except OSError as e:
            raise Rejected(f"PATCH {patch.path}: {e}") from e

    def _value(self, name: str) -> str:
        """A secret from the environment. The key of the mailbox ids is nobody's choice: it is drawn."""
        if name == "HEARBACK_MAILBOX_SECRET":
            return self._environ.get(name) or secrets.token_urlsafe(settings.SECRET_BYTES)
        if not self._environ.get(name):
            raise Rejected(f"{name} is missing: its first value comes from the environment")
        return self._environ[name]


def shell(command: Sequence[str], project: str) -> str:
    """A command as a person types it."""
    return shlex.join(["gcloud", *command, f"--project={project}", "--quiet"])


def apply(steps: Sequence[gcloud.Step], cloud: Cloud) -> None:
    """Bring all steps about: in order, but those of different lanes beside each other."""
    for in_lanes, group in itertools.groupby(steps, key=lambda step: bool(step.lane)):
        if not in_lanes or cloud.dry:
            for step in group:
                cloud.apply(step)
            continue
        lanes: dict[str, list[gcloud.Step]] = {}
        for step in group:
            lanes.setdefault(step.lane, []).append(step)
        with ThreadPoolExecutor(LANES) as workers:
            for done in [workers.submit(_in_order, lane, cloud) for lane in lanes.values()]:
                done.result()


def _in_order(steps: Sequence[gcloud.Step], cloud: Cloud) -> None:
    for step in steps:
        cloud.apply(step)


def target(arguments: argparse.Namespace, environ: Mapping[str, str], number: str) -> gcloud.Target:
    """Where to deploy, with the settings that this environment names."""
    grants = [uses.of(row) for row in registry.load()]
    names = {name for grant in grants for name in (*grant.settings, *grant.optional_settings)}
    optional = {name for grant in grants for name in grant.optional_secrets}
    return gcloud.Target(
        project=arguments.project,
        number=number,
        region=arguments.region,
        settings={name: environ[name] for name in sorted(names) if environ.get(name)},
        optional_secrets=frozenset(name for name in optional if environ.get(name)),
    )


def roll_back(table: registry.Table, where: gcloud.Target, cloud: Cloud, names: Sequence[str]) -> None:
    """Send the calls of functions to the revision before the one that serves. Raises Rejected for one that has none."""
    for row in table:
        if names and row.name not in names:
            continue
        serving_by, revisions_by = gcloud.roll_back(row, where)
        if cloud.dry:
            print(shell(gcloud.serve(row, "THE-ONE-BEFORE", where), cloud.project))
            continue
        serving, revisions = cloud.ask(serving_by), cloud.ask(revisions_by).split()
        if serving not in revisions[:-1]:
            raise Rejected(f"{row.name}: no revision before {serving or 'the present one'}")
        before = revisions[revisions.index(serving) + 1]
        cloud.run(gcloud.serve(row, before, where))
        print(f"{row.name}: {serving} -> {before}", flush=True)


def terraform(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Plan or apply infra/ for one environment; Terraform itself asks before it changes anything."""
    program = shutil.which("terraform")
    if not program:
        raise Rejected("terraform is not installed: https://developer.hashicorp.com/terraform/install")
    names = {name for row in registry.load() for name in (*uses.of(row).secrets, *uses.of(row).optional_secrets)}
    given = {name: environ[name] for name in sorted(names) if environ.get(name)}
    prepared = {**environ, "TF_VAR_secrets": json.dumps(given)}
    init = ["init", "-input=false", f"-backend-config=bucket={arguments.project}-terraform", "-reconfigure"]
    act = ["plan"] if arguments.dry_run else ["apply", *(["-auto-approve"] if arguments.yes else [])]
    variables = [f"-var-file=environments/{arguments.environment}.tfvars", f"-var=project_id={arguments.project}"]
    for command in (init, [*act, *variables]):
        done = subprocess.run([program, f"-chdir={INFRA}", *command], env=prepared, check=False)  # noqa: S603 - our own
        if done.returncode:
            return done.returncode
    return 0


def main(arguments: list[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Deploy, or roll back."""
    parser = argparse.ArgumentParser(prog="deploy", description=__doc__)
    parser.add_argument("--project", default=environ.get("GOOGLE_CLOUD_PROJECT", ""), help="or GOOGLE_CLOUD_PROJECT")
    parser.add_argument("--region", default="europe-west1", help="for the gcloud way (default europe-west1)")
    parser.add_argument(
        "--dry-run", action="store_true", help="change nothing: print the commands, or Terraform's plan"
    )
    parser.add_argument("--terraform", action="store_true", help="by Terraform instead of gcloud")
    parser.add_argument("--environment", default="production", help="with --terraform: infra/environments/NAME.tfvars")
    parser.add_argument("--yes", action="store_true", help="with --terraform: apply without asking")
    parser.add_argument(
        "--roll-back", nargs="*", metavar="FUNCTION", help="send the calls of these, or all, to the revision before"
    )
    options = parser.parse_args(arguments)
    if not options.project:
        parser.error("--project or GOOGLE_CLOUD_PROJECT says where to")
    try:
        return _deploy(options, environ)
    except Rejected as e:
        print(f"deploy: {e}", file=sys.stderr)
        return 1


def _deploy(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    table = registry.load()
    if options.roll_back is None:
        digests = {row.name: package.digest(package.write(row, package.ZIPS).read_bytes()) for row in table}
        if options.terraform:
            return terraform(options, environ)
    elif unknown := sorted(set(options.roll_back) - table.rows.keys()):
        raise Rejected(f"not in the table: {', '.join(unknown)}")
    cloud = Cloud(options.project, dry=options.dry_run, environ=environ)
    describe = ("projects", "describe", options.project, "--format=value(projectNumber)")
    number = DRY_NUMBER if options.dry_run else cloud.ask(describe)
    if not number:
        raise Rejected(f"gcloud knows no project {options.project}: gcloud auth login, and gcloud projects list")
    where = target(options, environ, number)
    if options.roll_back is not None:
        roll_back(table, where, cloud, options.roll_back)
    else:
        apply(gcloud.plan(table, where, digests), cloud)
    return 0
