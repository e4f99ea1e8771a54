"""The gcloud way: commands that gcloud knows, that bring everything about, and that may all be run again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared import registry, settings
from shared.deploy import deploy, gcloud, package
from shared.errors import Rejected
from shared.registry import Table
from tests.support import gcloud_lint

TABLE = registry.load()
FEW = Table({name: TABLE[name] for name in ("gmail_push", "sync_mailbox", "wake_due", "park_dead_letter", "api")})
"""Rows of every kind; the stand-in takes some milliseconds for each command."""

SETTINGS = {
    "HEARBACK_OAUTH_CLIENT_ID": "1-a.apps.googleusercontent.com",
    "HEARBACK_OAUTH_REDIRECT_URIS": "https://hearback.example.com/v1/gmail/callback",
}
TARGET = gcloud.Target(
    project="hearback-example",
    number="123456789012",
    region="europe-west1",
    settings=SETTINGS,
    optional_secrets=frozenset({"HEARBACK_ADVISOR_KEY"}),
)
DIGESTS = dict.fromkeys(TABLE.rows, "0123456789abcdef")
SECRETS = {"HEARBACK_OAUTH_CLIENT_SECRET": "planted-client-secret", "HEARBACK_ADVISOR_KEY": "planted-key"}

STAND_IN = r"""#!/bin/sh
# gcloud, as far as deploying needs it: what was made is found, what fails says so, everything is written down.
here=$(dirname "$0"); line="$*"
printf '%s\n' "$line" >> "$here/calls"
case "$line" in "auth print-access-token"*) echo planted-token; exit 0;; esac
n=$(grep -Fxn -e "$line" "$here/found_by" | head -1 | cut -d: -f1)
if [ -n "$n" ]; then
    grep -Fxq -e "$(sed -n "${n}p" "$here/commands")" "$here/done" && { echo there; exit 0; }
    echo NOT_FOUND >&2; exit 1
fi
if [ -s "$here/answers" ]; then
    answer=$(grep -F -e "$line	" "$here/answers" | cut -f2)
    [ -n "$answer" ] && { printf '%b\n' "$answer"; exit 0; }
fi
if [ -s "$here/fails" ] && printf '%s' "$line" | grep -Fq -f "$here/fails"; then
    echo "ERROR: PERMISSION_DENIED: not you" >&2; exit 1
fi
case "$line" in
    *data-file=-*) cat >> "$here/stdin"; echo >> "$here/stdin";;
    *"composite create"*) grep -Fxq -e "$line" "$here/done" && { echo "ALREADY_EXISTS: index" >&2; exit 1; };;
esac
printf '%s\n' "$line" >> "$here/done"
"""


def line(command):
    return " ".join([*command, "--project=hearback-example", "--quiet"])


@pytest.fixture
def steps():
    return gcloud.plan(FEW, TARGET, DIGESTS)


@pytest.fixture
def sdk(tmp_path, monkeypatch, steps):
    """A folder with the stand-in, first on the PATH."""
    place = tmp_path / "sdk"
    place.mkdir()
    for name in ("calls", "done", "stdin", "fails", "answers"):
        (place / name).touch()
    found = [step for step in steps if step.found_by]
    (place / "found_by").write_text("".join(line(step.found_by) + "\n" for step in found))
    (place / "commands").write_text("".join(line(step.command) + "\n" for step in found))
    (place / "gcloud").write_text(STAND_IN)
    (place / "gcloud").chmod(0o755)
    monkeypatch.setenv("PATH", str(place), prepend=":")
    return place


def calls(sdk):
    return (sdk / "calls").read_text().splitlines()


def every_command(steps):
    return [command for step in steps for command in (step.found_by, step.command, step.update) if command]


# --- The commands -----------------------------------------------------------------------------------------------------


VERBS = {
    "add",
    "add-iam-policy-binding",
    "cp",
    "create",
    "deploy",
    "describe",
    "enable",
    "http",
    "list",
    "ls",
    "update",
}


def kind(command):
    """A command without its names and values."""
    last = max(n for n, word in enumerate(command) if word in {*VERBS, "update-traffic"})
    return command[: last + 1], *sorted({word.partition("=")[0] for word in command if word.startswith("--")})


@pytest.mark.gcloud
def test_gcloud_knows_every_kind_of_command_that_a_deploy_may_run(tmp_path):
    """One of each kind: the same words and flags. `scripts/prove deploy` has every single command checked."""
    commands = every_command(gcloud.plan(TABLE, TARGET, DIGESTS))
    commands += [*gcloud.roll_back(TABLE["api"], TARGET), gcloud.serve(TABLE["api"], "api-00001-abc", TARGET)]
    kinds = {kind(command): command for command in commands}
    lines = [deploy.shell(command, TARGET.project) for command in kinds.values()]

    assert len(lines) > 30
    assert gcloud_lint.errors(lines, tmp_path) == []


@pytest.mark.gcloud
def test_the_check_of_commands_finds_a_wrong_one(tmp_path):
    commands = ["gcloud pubsub topics create t", "gcloud pubsub topics create t --no-such-flag", "gcloud pubsub shout"]

    assert len(gcloud_lint.errors(commands, tmp_path)) == 2


@pytest.mark.parametrize("row", list(TABLE), ids=lambda row: row.name)
def test_a_function_starts_with_what_the_commands_give_it(row):
    (step,) = [
        each
        for each in gcloud.plan(Table({row.name: row}), TARGET, DIGESTS)
        if each.command[:2] == ("functions", "deploy")
    ]
    flags = dict(word.partition("=")[::2] for word in step.command if word.startswith("--"))
    environ = dict(pair.split("=", 1) for pair in flags["--set-env-vars"].removeprefix("^|^").split("|"))
    names = [pair.split("=")[0] for pair in flags.get("--set-secrets", "").split(",") if pair]
    environ |= dict.fromkeys(names, "s" * settings.SECRET_BYTES)

    started = settings.read(environ | {"K_SERVICE": "x", "FUNCTION_TARGET": row.name})

    assert started.wiring == "google"
    assert started.project == TARGET.project
    assert flags["--ingress-settings"] == ("all" if row.http == "public" else "internal-only")
    assert ("--allow-unauthenticated" in step.command) == (row.http == "public")


def test_every_subscription_and_every_schedule_of_the_table_has_its_step():
    titles = {step.title for step in gcloud.plan(TABLE, TARGET, DIGESTS)}

    assert {f"subscription {each.name}" for each in registry.subscriptions(TABLE)} <= titles
    assert {f"job {job.name.replace('_', '-')}" for job in registry.schedules(TABLE)} <= titles
    assert {f"topic {topic}" for topic in registry.topics(TABLE)} <= titles


def test_a_topic_is_there_before_a_subscription_names_it():
    commands = [step.command for step in gcloud.plan(TABLE, TARGET, DIGESTS) if step.command[:1] == ("pubsub",)]
    made = [command[3] for command in commands if command[1:3] == ("topics", "create")]
    first = next(n for n, command in enumerate(commands) if command[1:3] == ("subscriptions", "create"))

    assert set(made) == set(registry.topics(TABLE))
    assert all(command[1:3] != ("topics", "create") for command in commands[first:])


def test_an_advisor_at_google_is_asked_by_the_functions_that_read_mail_alone():
    url = {"HEARBACK_ADVISOR_URL": "https://europe-west1-aiplatform.googleapis.com/v1/x", "HEARBACK_ADVISOR_MODEL": "m"}
    target = replace(TARGET, settings={**SETTINGS, **url})
    commands = [step.command for step in gcloud.plan(TABLE, target, DIGESTS)]
    asking = {word for command in commands if "--role=roles/aiplatform.user" in command for word in command}

    members = {f"--member={gcloud.member(row, TARGET)}" for row in TABLE if "gmail" in row.uses}
    assert {word for word in asking if word.startswith("--member=")} == members


def test_a_setting_without_a_value_is_named():
    bare = gcloud.Target(project="p", number="1", region="r", settings={})

    with pytest.raises(Rejected, match="HEARBACK_OAUTH_CLIENT_ID is missing: "):
        gcloud.plan(TABLE, bare, DIGESTS)


# --- Running them -----------------------------------------------------------------------------------------------------


def test_the_first_run_makes_everything_and_the_second_only_renews(sdk, steps, firestore, capsys):
    cloud = deploy.Cloud(TARGET.project, dry=False, environ=SECRETS | {deploy.FIRESTORE_ELSEWHERE: firestore[0]})
    deploy.apply(steps, cloud)
    first = (sdk / "done").read_text().splitlines()
    assert sorted(first) == sorted({line(step.command) for step in steps if step.command})

    (sdk / "calls").write_text("")
    deploy.apply(steps, cloud)
    again = set(calls(sdk))
    assert {line(step.update) for step in steps if step.update} <= again
    assert not {line(step.command) for step in steps if step.found_by} & again


def test_a_field_across_a_group_is_told_over_rest_with_the_accounts_own_token(sdk, steps, firestore):
    root, taken = firestore
    cloud = deploy.Cloud(TARGET.project, dry=False, environ={deploy.FIRESTORE_ELSEWHERE: root})
    patches = [step for step in steps if step.patch]
    deploy.apply(patches, cloud)

    assert len(taken) == len(patches)
    for (path, token, body), step in zip(taken, patches, strict=True):
        assert path == f"/v1/{step.patch.path}"
        assert token == "Bearer planted-token"
        assert any(index["queryScope"] == "COLLECTION_GROUP" for index in body["indexConfig"]["indexes"])


def test_a_secret_goes_through_standard_input_alone(sdk, steps, capsys):
    cloud = deploy.Cloud(TARGET.project, dry=False, environ=SECRETS)
    deploy.apply([step for step in steps if step.secret], cloud)
    taken = (sdk / "stdin").read_text().split()

    assert set(SECRETS.values()) < set(taken)
    drawn = (set(taken) - set(SECRETS.values())).pop()
    assert len(drawn) >= settings.SECRET_BYTES
    shown = capsys.readouterr().out + "".join(calls(sdk))
    assert not [secret for secret in taken if secret in shown]


def test_a_secret_without_a_value_is_named(sdk, steps):
    cloud = deploy.Cloud(TARGET.project, dry=False, environ={})

    with pytest.raises(Rejected, match="HEARBACK_OAUTH_CLIENT_SECRET is missing"):
        deploy.apply([step for step in steps if step.secret], cloud)


def test_a_command_that_fails_ends_the_run_with_what_gcloud_said(sdk, steps):
    (sdk / "fails").write_text("functions deploy api\n")
    cloud = deploy.Cloud(TARGET.project, dry=False, environ=SECRETS)
    before = next(n for n, step in enumerate(steps) if step.lane)
    after = next(n for n, step in enumerate(steps) if n > before and not step.lane)

    with pytest.raises(Rejected, match="PERMISSION_DENIED: not you"):
        deploy.apply(steps[before : after + 1], cloud)
    assert line(steps[after].command) not in calls(sdk)


def test_a_dry_run_prints_every_command_and_runs_none(sdk, monkeypatch, capsys):
    monkeypatch.setattr(package, "ZIPS", sdk / "zips")
    environ = {**SETTINGS, "GOOGLE_CLOUD_PROJECT": TARGET.project}

    assert deploy.main(["--dry-run"], environ) == 0
    printed = capsys.readouterr().out.splitlines()
    assert calls(sdk) == []
    assert len([each for each in printed if each.startswith("gcloud functions deploy ")]) == len(TABLE.rows)


def test_deploying_nowhere_is_refused(capsys):
    with pytest.raises(SystemExit):
        deploy.main(["--dry-run"], {})
    assert "says where to" in capsys.readouterr().err


# --- Back -------------------------------------------------------------------------------------------------------------


def answers(sdk, row, serving, revisions):
    """What the stand-in says is there; it turns the two characters of a line break into one."""
    serving_by, revisions_by = gcloud.roll_back(row, TARGET)
    told = {line(serving_by): serving, line(revisions_by): "\\n".join(revisions)}
    (sdk / "answers").write_text("".join(f"{command}\t{answer}\n" for command, answer in told.items()))


def test_rolling_back_serves_the_revision_before_the_one_that_serves(sdk):
    answers(sdk, TABLE["api"], "api-2", ["api-3", "api-2", "api-1"])
    cloud = deploy.Cloud(TARGET.project, dry=False, environ={})
    deploy.roll_back(TABLE, TARGET, cloud, ["api"])

    assert calls(sdk)[-1] == line(gcloud.serve(TABLE["api"], "api-1", TARGET))


def test_there_is_nothing_before_the_first_revision(sdk):
    answers(sdk, TABLE["api"], "api-1", ["api-2", "api-1"])
    cloud = deploy.Cloud(TARGET.project, dry=False, environ={})

    with pytest.raises(Rejected, match="api: no revision before api-1"):
        deploy.roll_back(TABLE, TARGET, cloud, ["api"])


def test_a_roll_back_of_what_is_not_in_the_table_is_refused(capsys):
    environ = {"GOOGLE_CLOUD_PROJECT": "p"}

    assert deploy.main(["--dry-run", "--roll-back", "nothing"], environ) == 1
    assert "not in the table: nothing" in capsys.readouterr().err
