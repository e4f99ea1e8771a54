"""What must hold of the deployed whole, each a check over Terraform's outcome; and a line whose loss breaks it."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from shared import registry, settings
from shared.deploy import indexes
from shared.mailbox.lookback import GAP
from tests.support.terraform import ROOT, Applied

TABLE = registry.load()
USES = yaml.safe_load((ROOT / "infra" / "registry" / "uses.yaml").read_text())
PROJECT = "hearback-example"
CALLER = f"hearback-caller@{PROJECT}.iam.gserviceaccount.com"
GMAIL = "serviceAccount:gmail-api-push@system.gserviceaccount.com"
MOST_PUBLIC = 2
"""The API and the pages."""


@dataclass(frozen=True)
class Mutant:
    """A text of a file of infra, and what stands there in the broken copy."""

    file: str
    old: str
    new: str = ""


CHECKS: dict[str, tuple[Callable[[Applied], None], Mutant]] = {}
"""Every check by its name, with the change that it must notice."""


def check(file: str, old: str, new: str = "") -> Callable[[Callable[[Applied], None]], Callable[[Applied], None]]:
    def register(function: Callable[[Applied], None]) -> Callable[[Applied], None]:
        CHECKS[function.__name__] = function, Mutant(file, old, new)
        return function

    return register


def member(name: str) -> str:
    return f"serviceAccount:fn-{name.replace('_', '-')}@{PROJECT}.iam.gserviceaccount.com"


def seconds(length: timedelta) -> str:
    return f"{int(length.total_seconds())}s"


def rows_with(place: str, role: str) -> set[str]:
    return {
        member(row.name)
        for row in TABLE
        if any(role in USES[word].get("roles", {}).get(place, ()) for word in row.uses)
    }


def roles_on(place: str) -> set[str]:
    return {role for word in USES.values() for role in word.get("roles", {}).get(place, ())}


def secrets_of(row: registry.Row) -> set[str]:
    return {secret for word in row.uses for secret in USES[word].get("secrets", ())}


# --- Functions --------------------------------------------------------------------------------------------------------


@check("function/main.tf", "    timeout_seconds                  = var.function.timeout_seconds\n")
def every_row_is_a_function_with_its_limits(applied: Applied) -> None:
    assert set(applied.functions) == set(TABLE.rows)
    for row in TABLE:
        values = applied.functions[row.name]
        service = values["service_config"][0]
        assert values["name"] == row.name.replace("_", "-")
        assert values["build_config"][0]["runtime"] == "python313"
        assert float(service["available_cpu"]) == row.cpu
        assert service["available_memory"] == row.memory
        assert service["timeout_seconds"] == row.timeout_seconds
        assert service["max_instance_count"] == row.max_instances
        assert service["max_instance_request_concurrency"] == row.concurrency


@check("registry/main.tf", '      THREADED_TIMEOUT_ENABLED     = "true"\n')
def the_environment_is_that_of_the_local_runner(applied: Applied) -> None:
    for row in TABLE:
        expected = registry.environment(row)
        del expected["FUNCTION_TARGET"]
        given = applied.functions[row.name]["service_config"][0]["environment_variables"]
        assert expected.items() <= given.items()


@check("function/main.tf", "GOOGLE_CLOUD_PROJECT = var.project, ")
def every_function_starts_with_what_it_is_given(applied: Applied) -> None:
    for row in TABLE:
        service = applied.functions[row.name]["service_config"][0]
        given = {each["key"]: "s" * settings.SECRET_BYTES for each in service["secret_environment_variables"]}
        environ = service["environment_variables"] | given | {"K_SERVICE": "x", "FUNCTION_TARGET": row.name}
        assert settings.read(environ).wiring == "google"


@check("function/main.tf", "toset(concat(var.function.secrets, ", "toset(concat(keys(var.secrets), ")
def a_function_has_no_secret_but_its_own(applied: Applied) -> None:
    for row in TABLE:
        service = applied.functions[row.name]["service_config"][0]
        assert {each["key"] for each in service["secret_environment_variables"]} == secrets_of(row)


@check("function/main.tf", "account_id   = var.function.service_account", 'account_id   = "fn-everybody"')
def every_function_is_its_own_account(applied: Applied) -> None:
    accounts = [values["service_config"][0]["service_account_email"] for values in applied.functions.values()]
    assert len(set(accounts)) == len(accounts)
    assert not set(accounts) & {CALLER}


@check("function/main.tf", ' : "ALLOW_INTERNAL_ONLY"', ' : "ALLOW_ALL"')
def a_private_function_is_not_reached_from_outside(applied: Applied) -> None:
    for row in TABLE:
        ingress = applied.functions[row.name]["service_config"][0]["ingress_settings"]
        assert (ingress == "ALLOW_INTERNAL_ONLY") == (row.http != "public"), row.name


@check("function/main.tf", 'var.function.public ? "allUsers" : "serviceAccount:${var.caller}"', '"allUsers"')
def nobody_calls_a_private_function_but_the_caller(applied: Applied) -> None:
    invokers = applied.index("google_cloud_run_service_iam_binding", "service")
    public = {row.name for row in TABLE if row.http == "public"}
    assert len(public) <= MOST_PUBLIC
    assert len(invokers) == len(TABLE.rows)
    for row in TABLE:
        binding = invokers[row.name.replace("_", "-")]
        assert binding["role"] == "roles/run.invoker"
        assert binding["members"] == ["allUsers" if row.name in public else f"serviceAccount:{CALLER}"]


# --- Topics -----------------------------------------------------------------------------------------------------------


def subscriptions(applied: Applied) -> Mapping[str, Mapping[str, Any]]:
    return applied.index("google_pubsub_subscription", "name")


@check("delivery/main.tf", "      service_account_email = var.caller\n", '      service_account_email = "a@b.c"\n')
def every_push_is_signed_by_the_caller_for_its_function(applied: Applied) -> None:
    found = subscriptions(applied)
    assert set(found) == {each.name for each in registry.subscriptions(TABLE)}
    for each in registry.subscriptions(TABLE):
        (push,) = found[each.name]["push_config"]
        (token,) = push["oidc_token"]
        assert push["push_endpoint"] == token["audience"] == applied.uri(each.function)
        assert token["service_account_email"] == CALLER


@check("delivery/main.tf", "    minimum_backoff = var.delivery.minimum_backoff\n")
def every_subscription_has_the_tables_retry_policy(applied: Applied) -> None:
    for each in registry.subscriptions(TABLE):
        (policy,) = subscriptions(applied)[each.name]["retry_policy"]
        assert policy["minimum_backoff"] == seconds(each.minimum_backoff)
        assert policy["maximum_backoff"] == seconds(each.maximum_backoff)


@check("delivery/main.tf", "  ack_deadline_seconds       = var.delivery.ack_deadline_seconds\n")
def every_subscription_waits_for_its_function(applied: Applied) -> None:
    for each in registry.subscriptions(TABLE):
        assert subscriptions(applied)[each.name]["ack_deadline_seconds"] == each.ack_deadline.total_seconds()


@check("delivery/main.tf", "  message_retention_duration = var.delivery.retention\n")
def every_subscription_keeps_messages_as_long_as_the_table_says(applied: Applied) -> None:
    for each in registry.subscriptions(TABLE):
        assert subscriptions(applied)[each.name]["message_retention_duration"] == seconds(each.retention)


@check("delivery/main.tf", '  expiration_policy {\n    ttl = ""\n  }\n')
def no_subscription_expires(applied: Applied) -> None:
    for values in subscriptions(applied).values():
        assert [policy["ttl"] for policy in values["expiration_policy"]] == [""]


@check("delivery/main.tf", "      max_delivery_attempts = dead_letter_policy.value\n")
def every_topic_function_has_a_dead_letter_but_the_readers_of_dead_letters(applied: Applied) -> None:
    for each in registry.subscriptions(TABLE):
        policies = subscriptions(applied)[each.name]["dead_letter_policy"]
        if each.dead_letter is None:
            assert not policies
        else:
            (policy,) = policies
            assert policy["dead_letter_topic"].endswith(f"/topics/{each.dead_letter}")
            assert policy["max_delivery_attempts"] == each.max_attempts


@check("delivery/main.tf", "  name = var.topic\n", '  name = "another-${var.topic}"\n')
def every_dead_letter_has_a_topic_and_a_subscription(applied: Applied) -> None:
    assert set(applied.index("google_pubsub_topic", "name")) == set(registry.topics(TABLE))
    read = {values["topic"].rpartition("/")[2] for values in subscriptions(applied).values()}
    assert {row.dead_letter for row in TABLE if row.dead_letter} <= read


def publishers(applied: Applied) -> dict[str, set[str]]:
    bindings = applied.of("google_pubsub_topic_iam_binding")
    return {values["topic"].rpartition("/")[2]: set(values["members"]) for values in bindings}


@check("topics.tf", "  publishers   = [local.pubsub_agent]\n", "  publishers   = []\n")
def pubsub_may_publish_to_every_dead_letter(applied: Applied) -> None:
    for topic in (row.dead_letter for row in TABLE if row.dead_letter):
        (agent,) = publishers(applied)[topic]
        assert agent.startswith("serviceAccount:")
        assert agent not in {member(row.name) for row in TABLE}


@check("delivery/main.tf", "count        = var.delivery.dead_letter == null ? 0 : 1", "count        = 0")
def pubsub_may_take_from_every_subscription_with_a_dead_letter(applied: Applied) -> None:
    found = applied.of("google_pubsub_subscription_iam_binding")
    forwarded = {v["subscription"].rpartition("/")[2]: (v["role"], len(v["members"])) for v in found}
    expected = {each.name for each in registry.subscriptions(TABLE) if each.dead_letter}
    assert forwarded == dict.fromkeys(expected, ("roles/pubsub.subscriber", 1))


@check("topics.tf", "gmail-api-push@system.gserviceaccount.com", "somebody@example.com")
def gmail_alone_publishes_to_its_topic(applied: Applied) -> None:
    watched = settings.read(registry.environment(TABLE["gmail_push"])).gmail_topic.rpartition("/")[2]
    assert publishers(applied)[watched] == {GMAIL}


@check("topics.tf", 'lookup(module.registry.members.topics, "roles/pubsub.publisher", [])', "keys(local.members)")
def only_functions_with_the_queue_publish_to_our_topics(applied: Applied) -> None:
    dead = {row.dead_letter for row in TABLE}
    for topic in set(registry.topics(TABLE)) - dead - {"gmail-push"}:
        assert publishers(applied)[topic] == rows_with("topics", "roles/pubsub.publisher")


# --- Schedules --------------------------------------------------------------------------------------------------------


@check("schedules.tf", '  time_zone        = "Etc/UTC"\n')
def every_schedule_of_the_table_is_a_job_in_utc(applied: Applied) -> None:
    jobs = applied.index("google_cloud_scheduler_job", "name")
    assert set(jobs) == {job.name.replace("_", "-") for job in registry.schedules(TABLE)}
    for job in registry.schedules(TABLE):
        values = jobs[job.name.replace("_", "-")]
        (target,) = values["http_target"]
        assert values["schedule"] == job.schedule.cron
        assert values["time_zone"] == "Etc/UTC"
        assert json.loads(base64.b64decode(target["body"])) == job.schedule.payload
        assert (target["http_method"], target["uri"]) == ("POST", applied.uri(job.function))


@check("schedules.tf", "  attempt_deadline = each.value.attempt_deadline\n")
def the_scheduler_waits_for_the_function(applied: Applied) -> None:
    for job in registry.schedules(TABLE):
        values = applied.index("google_cloud_scheduler_job", "name")[job.name.replace("_", "-")]
        assert int(values["attempt_deadline"].removesuffix("s")) >= TABLE[job.function].timeout_seconds


@check("schedules.tf", "      audience              = module.function[each.value.function].uri\n")
def every_job_is_signed_by_the_caller(applied: Applied) -> None:
    for values in applied.of("google_cloud_scheduler_job"):
        (target,) = values["http_target"]
        (token,) = target["oidc_token"]
        assert (token["service_account_email"], token["audience"]) == (CALLER, target["uri"])


# --- Roles ------------------------------------------------------------------------------------------------------------


@check("functions.tf", "  role     = each.value.role\n", '  role     = "roles/editor"\n')
def roles_on_the_project_are_those_of_what_a_row_uses(applied: Applied) -> None:
    found = {(v["member"], v["role"]) for v in applied.of("google_project_iam_member", ".function[")}
    found |= {(v["member"], v["role"]) for v in applied.of("google_project_iam_member") if ":fn-" in v["member"]}
    expected = {(who, role) for role in roles_on("project") for who in rows_with("project", role)}
    # The example's advisor is Google's own: who reads mail may ask it.
    expected |= {(member(row.name), "roles/aiplatform.user") for row in TABLE if "gmail" in row.uses}
    assert found == expected


@check(
    "secrets.tf",
    "  members       = [for name in each.value : local.members[name]]\n",
    "  members       = values(local.members)\n",
)
def only_functions_with_the_vault_use_its_key(applied: Applied) -> None:
    found = {v["role"]: set(v["members"]) for v in applied.of("google_kms_crypto_key_iam_binding")}
    assert found == {role: rows_with("key", role) for role in roles_on("key") if rows_with("key", role)}


@check(
    "files.tf",
    "  for_each = module.registry.members.bucket\n  bucket   = google_storage_bucket.files.name\n",
    '  for_each = { "roles/storage.admin" = [] }\n  bucket   = google_storage_bucket.files.name\n',
)
def only_functions_with_blobs_reach_the_files(applied: Applied) -> None:
    found = {v["role"]: set(v["members"]) for v in applied.of("google_storage_bucket_iam_binding")}
    assert found == {role: rows_with("bucket", role) for role in roles_on("bucket") if rows_with("bucket", role)}


@check(
    "secrets.tf",
    "  members   = [for name in each.value : local.members[name]]\n",
    "  members   = values(local.members)\n",
)
def a_secret_is_read_by_the_functions_that_use_it(applied: Applied) -> None:
    found = {
        v["secret_id"].rpartition("/")[2]: (v["role"], set(v["members"]))
        for v in applied.of("google_secret_manager_secret_iam_binding")
    }
    secrets = {secret for row in TABLE for secret in secrets_of(row)}
    assert found == {
        secret.lower().replace("_", "-"): (
            "roles/secretmanager.secretAccessor",
            {member(row.name) for row in TABLE if secret in secrets_of(row)},
        )
        for secret in secrets
    }


# --- What is kept -----------------------------------------------------------------------------------------------------


@check("firestore.tf", '      order        = fields.value.how == "CONTAINS" ? null : fields.value.how\n')
def the_indexes_are_those_of_the_declared_queries(applied: Applied) -> None:
    expected = json.loads(indexes.PLACE.read_text())
    built = [
        {
            "collection": v["collection"],
            "scope": v["query_scope"],
            "fields": [{"field": f["field_path"], "how": f["order"] or f["array_config"]} for f in v["fields"]],
        }
        for v in applied.of("google_firestore_index")
    ]
    assert sorted(built, key=str) == sorted(expected["composites"], key=str)


@check(
    "firestore.tf",
    '    dynamic "indexes" {\n      for_each = each.value.indexes\n',
    '    dynamic "indexes" {\n      for_each = [{ scope = "COLLECTION", how = "ASCENDING" }]\n',
)
def the_exemptions_are_those_of_the_declared_collections(applied: Applied) -> None:
    built = [
        {
            "collection": v["collection"],
            "field": v["field"],
            "expires": bool(v["ttl_config"]),
            # A set to Terraform: it has no order of its own.
            "indexes": sorted(
                (i["query_scope"], i["order"] or i["array_config"])
                for config in v["index_config"]
                for i in config["indexes"] or ()
            ),
        }
        for v in applied.of("google_firestore_field")
    ]
    expected = [
        {**field, "indexes": sorted((i["scope"], i["how"]) for i in field["indexes"])}
        for field in json.loads(indexes.PLACE.read_text())["fields"]
    ]
    assert sorted(built, key=str) == sorted(expected, key=str)


@check("firestore.tf", '  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"\n')
def the_database_can_go_back_in_time_and_is_not_deleted(applied: Applied) -> None:
    database = applied.one("google_firestore_database")
    assert database["point_in_time_recovery_enablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    assert database["delete_protection_state"] == "DELETE_PROTECTION_ENABLED"


@check("firestore.tf", "  daily_recurrence {}\n", "")
def the_database_is_backed_up_daily_and_weekly(applied: Applied) -> None:
    schedules = list(applied.of("google_firestore_backup_schedule"))
    assert sum(bool(v["daily_recurrence"]) for v in schedules) == 1
    assert sum(bool(v["weekly_recurrence"]) for v in schedules) == 1


@check("firestore.rules", "if false", "if true")
def no_client_reads_the_database(applied: Applied) -> None:
    (source,) = applied.one("google_firebaserules_ruleset")["source"]
    (file,) = source["files"]
    assert [line.strip() for line in file["content"].splitlines() if "allow" in line] == [
        "allow read, write: if false;"
    ]
    assert applied.one("google_firebaserules_release")["name"].endswith("cloud.firestore")


@check("files.tf", '  public_access_prevention    = "enforced"\n')
def no_bucket_is_public(applied: Applied) -> None:
    buckets = list(applied.of("google_storage_bucket"))
    assert buckets
    assert all(v["uniform_bucket_level_access"] and v["public_access_prevention"] == "enforced" for v in buckets)


@check("secrets.tf", '  rotation_period = "7776000s"\n')
def the_key_of_the_vault_is_renewed(applied: Applied) -> None:
    assert applied.one("google_kms_crypto_key")["rotation_period"] == "7776000s"


@check(
    "secrets.tf",
    "secret_data_wo         = lookup(var.secrets, each.key, null)",
    'secret_data            = "in-the-state"',
)
def no_secret_is_in_the_state(applied: Applied) -> None:
    versions = list(applied.of("google_secret_manager_secret_version"))
    assert versions
    assert all(v["secret_data"] is None for v in versions)


@check("domain.tf", "        paths   = path_rule.value\n", '        paths   = ["/elsewhere/*"]\n')
def the_domain_leads_to_the_public_functions(applied: Applied) -> None:
    (matcher,) = applied.one("google_compute_url_map", "https")["path_matcher"]
    paths = [path for rule in matcher["path_rule"] or () for path in rule["paths"]]
    assert sorted(paths) == sorted(path for row in TABLE if row.http == "public" for path in row.paths)


@check("watch.tf", "dead_letter_message_count", "num_undelivered_messages")
def a_dead_letter_is_told(applied: Applied) -> None:
    (condition,) = applied.one("google_monitoring_alert_policy", "dead_letter")["conditions"]
    (threshold,) = condition["condition_threshold"]
    assert threshold["threshold_value"] == 0
    assert "dead_letter_message_count" in threshold["filter"]


@check("watch.tf", 'jsonPayload.message = \\"coverage gap\\"', 'jsonPayload.message = \\"gap\\"')
def mail_that_was_missed_is_counted_and_told(applied: Applied) -> None:
    metric = applied.one("google_logging_metric")
    assert metric["filter"].endswith(f'jsonPayload.message = "{GAP}"')
    (condition,) = applied.one("google_monitoring_alert_policy", "coverage_gap")["conditions"]
    (threshold,) = condition["condition_threshold"]
    assert threshold["threshold_value"] == 0
    assert f"logging.googleapis.com/user/{metric['name']}" in threshold["filter"]


@check("watch.tf", "    for_each = [0.5, 0.9, 1.0]\n", "    for_each = [5.0]\n")
def the_budget_warns_before_it_is_spent(applied: Applied) -> None:
    rules = applied.one("google_billing_budget")["threshold_rules"]
    assert min(rule["threshold_percent"] for rule in rules) < 1


def broken(infra: Path, *mutants: Mutant) -> None:
    """Break a copy of infra. Raises AssertionError for a mutant whose text is not there once."""
    for mutant in mutants:
        place = infra / mutant.file
        text = place.read_text()
        assert mutant.old in text, mutant
        place.write_text(text.replace(mutant.old, mutant.new))
    subprocess.run(["terraform", "fmt", "-recursive", str(infra)], capture_output=True, check=True)


def failures(applied: Applied) -> set[str]:
    """The checks that fail."""
    found = set()
    for name, (function, _) in CHECKS.items():
        try:
            function(applied)
        except Exception:  # noqa: BLE001 - what is broken may be missing, or anything else
            found.add(name)
    return found
