"""The functions table: what its schema refuses, what is made from it, and that rows, folders and README agree."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys

import jsonschema
import pytest
import yaml

from shared import registry, settings
from shared.errors import Rejected

ROOT = registry.TABLE.parent.parent
ROW = {"summary": "One more function for a test."}


@pytest.fixture
def written():
    return yaml.safe_load(registry.TABLE.read_text())


@pytest.fixture
def load(tmp_path):
    def load(table):
        path = tmp_path / "registry.yaml"
        path.write_text(yaml.safe_dump(table, sort_keys=False))
        return registry.load(path)

    return load


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(json.loads(registry.SCHEMA.read_text()))


def test_the_schema_knows_the_same_words_as_the_settings():
    schema = json.loads(registry.SCHEMA.read_text())

    assert schema["$defs"]["limits"]["properties"]["uses"]["items"]["enum"] == list(settings.USES)


def test_the_defaults_stand_under_every_row(written):
    table = registry.load()

    assert {row.timeout_seconds for row in table} == {written["defaults"]["timeout_seconds"]}
    assert table["gmail_push"].concurrency == written["functions"]["gmail_push"]["concurrency"]


CHAIN = ["work_budget_seconds", "timeout_seconds", "ack_deadline_seconds", "lease_seconds"]


@pytest.mark.parametrize("where", ["row", "defaults"])
@pytest.mark.parametrize(("earlier", "later"), list(itertools.pairwise(CHAIN)))
def test_no_limit_reaches_the_next_one(written, load, where, earlier, later):
    place = written["defaults"] if where == "defaults" else written["functions"]["sync_mailbox"]
    place[earlier] = written["defaults"][later]

    with pytest.raises(Rejected, match=rf"{earlier}: .*maximum"):
        load(written)


@pytest.mark.parametrize(("earlier", "later"), list(itertools.pairwise(CHAIN)))
def test_no_two_allowed_values_are_out_of_order(earlier, later):
    limits = json.loads(registry.SCHEMA.read_text())["$defs"]["limits"]["properties"]

    assert limits[earlier]["maximum"] < limits[later]["minimum"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"http": "public"}, "sync_mailbox: A row has exactly one trigger"),
        ({"schedules": [{"cron": "* * * * *"}]}, "sync_mailbox: A row has exactly one trigger"),
        ({"topic": None}, "sync_mailbox.topic"),
        ({"topic": "Mailbox_Sync"}, "sync_mailbox.topic"),
        ({"dead_letter": "mailbox-sync"}, "sync_mailbox.dead_letter"),
        ({"dead_letter": "nobody-reads-dead"}, "sync_mailbox.dead_letter: no function reads nobody-reads-dead"),
        ({"topic": "mailbox-sync-dead"}, "sync_mailbox.dead_letter"),
        ({"attempts": 4}, "sync_mailbox.attempts"),
        ({"attempts": 101}, "sync_mailbox.attempts"),
        ({"backoff": {"minimum_seconds": 10}}, "sync_mailbox.backoff"),
        ({"backoff": {"minimum_seconds": 10, "maximum_seconds": 601}}, "sync_mailbox.backoff.maximum_seconds"),
        ({"cpu": 0.5}, "sync_mailbox.cpu"),
        ({"groups": ["gmail"]}, "sync_mailbox.groups"),
        ({"uses": ["mongo"]}, "sync_mailbox.uses.0"),
        ({"summary": "No full stop"}, "sync_mailbox.summary"),
        ({"timeout": 60}, "sync_mailbox: .*timeout"),
    ],
)
def test_an_error_names_its_row_and_field(written, load, change, complaint):
    written["functions"]["sync_mailbox"] |= change

    with pytest.raises(Rejected, match=complaint):
        load(written)


@pytest.mark.parametrize("field", ["dead_letter", "topic", "summary"])
def test_a_topic_row_cannot_do_without(written, load, field):
    del written["functions"]["sync_mailbox"][field]

    with pytest.raises(Rejected, match="sync_mailbox"):
        load(written)


@pytest.mark.parametrize("name", ["wake_due", "park_dead_letter", "api"])
def test_only_a_topic_has_a_dead_letter(written, load, name):
    written["functions"][name]["dead_letter"] = "mailbox-sync-dead"

    with pytest.raises(Rejected, match=f"{name}.dead_letter: Only a function with a topic"):
        load(written)


def test_concurrency_is_held_against_the_cpu_of_the_defaults(written, load):
    written["defaults"]["cpu"] = 0.5

    with pytest.raises(Rejected, match=r"gmail_push\.cpu"):
        load(written)


def test_a_limit_without_default_must_be_in_the_row(written, load):
    del written["defaults"]["memory"]

    with pytest.raises(Rejected, match=r"wake_due: .*memory"):
        load(written)


def test_one_error_is_told_once_and_every_error_is_told(written, load):
    written["functions"]["sync_mailbox"]["attempts"] = 1
    written["functions"]["api"]["uses"] = ["mongo"]

    with pytest.raises(Rejected) as refused:
        load(written)

    lines = str(refused.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["functions.api.uses.0", "functions.sync_mailbox.attempts"]


def test_a_topic_wakes_one_function(written, load):
    written["functions"]["again"] = ROW | {"topic": "gmail-push", "dead_letter": "gmail-push-dead"}

    with pytest.raises(Rejected, match="gmail-push wakes gmail_push already"):
        load(written)


def test_what_is_no_yaml_is_rejected(tmp_path):
    path = tmp_path / "registry.yaml"
    path.write_text("functions: [")

    with pytest.raises(Rejected, match=r"registry\.yaml"):
        registry.load(path)


# --- What is made from it ---------------------------------------------------------------------------------------------


def test_every_topic_has_its_subscription():
    table = registry.load()
    subscriptions = {each.name: each for each in registry.subscriptions(table)}

    assert {each.topic for each in subscriptions.values()} == set(registry.topics(table))
    push = subscriptions["gmail-push.gmail_push"]
    assert (push.function, push.dead_letter, push.max_attempts) == ("gmail_push", "gmail-push-dead", 20)
    parked = subscriptions["gmail-push-dead.park_dead_letter"]
    assert (parked.function, parked.dead_letter, parked.max_attempts) == ("park_dead_letter", None, None)
    assert parked.retention > push.retention


def test_several_schedules_of_a_function_are_numbered_jobs(written, load):
    crons = [{"cron": "0 */6 * * *", "payload": {"term": "engineer"}}, {"cron": "15 */6 * * *"}]
    written["functions"]["scrape_jobs"] = ROW | {"schedules": crons}

    jobs = {job.name: job for job in registry.schedules(load(written))}

    assert [name for name in jobs if name.startswith(("wake_due", "scrape_jobs"))] == [
        "wake_due",
        "scrape_jobs-1",
        "scrape_jobs-2",
    ]
    assert jobs["scrape_jobs-1"].schedule.payload == {"term": "engineer"}
    assert jobs["scrape_jobs-2"].schedule.payload == {}


def test_the_groups_exist():
    opened = {
        line.split()[2] for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("# group: ")
    }

    assert {group for row in registry.load() for group in row.groups} <= opened - {"local"}


# --- Rows, folders, README --------------------------------------------------------------------------------------------


def test_every_row_has_its_folder_and_every_folder_its_row():
    folders = {path.parent.name for path in registry.TABLE.parent.glob("*/main.py")}

    assert folders == set(registry.load().rows)


def test_the_readme_shows_the_table():
    assert registry.readme_table(registry.load()) in (ROOT / "README.md").read_text()


@pytest.fixture
def docs(tmp_path):
    """scripts/docs in a copy of the project, with a README of its own."""
    (tmp_path / "scripts").mkdir()
    for name in ("scripts/docs", "scripts/bootstrap.py", "requirements.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    for name in ("shared", "functions"):
        (tmp_path / name).symlink_to(ROOT / name)

    def docs(*arguments):
        return subprocess.run(
            [sys.executable, str(tmp_path / "scripts" / "docs"), *arguments],
            env={"HEARBACK_VENV": sys.prefix, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )

    return docs


def test_docs_writes_the_table_and_check_notices_an_old_one(docs, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("# Title\n\n<!-- functions -->\n| old |\n<!-- /functions -->\n\nThe end.\n")

    assert docs("--check").returncode == 1
    assert "| old |" in readme.read_text()
    assert docs().returncode == 0
    table = registry.readme_table(registry.load())
    assert readme.read_text() == f"# Title\n\n<!-- functions -->\n{table}<!-- /functions -->\n\nThe end.\n"
    assert docs("--check").returncode == 0


def test_docs_says_when_the_markers_are_missing(docs, tmp_path):
    (tmp_path / "README.md").write_text("# Title\n")

    refused = docs()

    assert refused.returncode == 1
    assert "markers" in refused.stderr
