"""The way without Terraform: the gcloud commands that bring a project to what the table says, in their order.

The plan is made of the table alone; nothing is asked of Google to make it. Each step says by which command it is seen
to be done already, so that running them all again changes nothing but what has changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared import registry
from shared.deploy import indexes, uses
from shared.errors import Rejected
from shared.registry import Row, Table

APIS = (
    "aiplatform",
    "artifactregistry",
    "cloudbuild",
    "cloudfunctions",
    "cloudkms",
    "cloudscheduler",
    "firestore",
    "gmail",
    "iam",
    "monitoring",
    "pubsub",
    "run",
    "secretmanager",
    "storage",
)
"""What must be switched on, without `.googleapis.com`. The rest of infra/project.tf's belongs to its options."""

GMAIL = "gmail-api-push@system.gserviceaccount.com"
"""Gmail publishes as this account, the same everywhere."""

GMAIL_TOPIC = "gmail-push"

BUILD_ROLES = ("roles/artifactregistry.writer", "roles/logging.logWriter", "roles/storage.objectViewer")

PLACES = {
    "project": ("projects", "add-iam-policy-binding", "{project}", "--condition=None"),
    "key": ("kms", "keys", "add-iam-policy-binding", "vault", "--keyring=hearback", "--location={region}"),
    "bucket": ("storage", "buckets", "add-iam-policy-binding", "gs://{project}-files"),
}
"""The command that grants a role, by what it is granted on."""

VERTEX = re.compile(r"\.googleapis\.com(/|$)")
"""An advisor on Google's own hosts is asked by the functions that read mail, as themselves."""

ALREADY = re.compile(r"ALREADY_EXISTS|already exists|already has", re.IGNORECASE)
"""What gcloud says of a thing that nothing can describe (an index by its fields) and that is there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to, and with what."""

    project: str
    number: str
    """The project's number: it stands in the addresses of services and in the names of Google's own accounts."""
    region: str
    settings: Mapping[str, str]
    """Settings by their variable, those of which Hearback makes the value itself excepted."""
    optional_secrets: frozenset[str] = frozenset()

    @property
    def caller(self) -> str:
        """The one account that calls private functions."""
        return self.account("hearback-caller")

    @property
    def pubsub_agent(self) -> str:
        """Pub/Sub's own account in this project."""
        return f"serviceAccount:service-{self.number}@gcp-sa-pubsub.iam.gserviceaccount.com"

    def account(self, name: str) -> str:
        """A service account's address."""
        return f"{name}@{self.project}.iam.gserviceaccount.com"

    def uri(self, row: Row) -> str:
        """The address of a function's service, which Cloud Run makes of names alone."""
        return f"https://{cloud_name(row.name)}-{self.number}.{self.region}.run.app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A call of Firestore's REST API, for what gcloud has no command for. It may be repeated."""

    path: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that must be there. All commands are without `gcloud` and without the project."""

    title: str
    command: tuple[str, ...] = ()
    patch: Patch | None = None
    """Instead of a command."""
    found_by: tuple[str, ...] = ()
    """It is there when this succeeds and prints something; empty: the command may be repeated."""
    update: tuple[str, ...] = ()
    """What to run when it is there; empty: nothing."""
    secret: str = ""
    """The secret that the command reads from its standard input."""
    lane: str = ""
    """Steps of different lanes may run at the same time: a function takes two minutes to deploy."""


def cloud_name(name: str) -> str:
    """A name of the table as Google's services take it."""
    return name.replace("_", "-")


def plan(table: Table, target: Target, digests: Mapping[str, str]) -> list[Step]:
    """Every step, in order. `digests` are those of the functions' zips. Raises Rejected for a setting without value."""
    rows = list(table)
    return [
        *_project(rows, target),
        *_kept(target),
        *_secrets(rows, target),
        *_grants(rows, target),
        *(step for row in rows for step in _function(row, target, digests[row.name])),
        *_topics(table, target),
        *_schedules(table, target),
    ]


def zip_name(row: Row, digest: str) -> str:
    """What a function's zip is called in the bucket: one of equal content is there already."""
    return f"{cloud_name(row.name)}-{digest}.zip"


def roll_back(row: Row, target: Target) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The commands that say which revision serves, and which there are, the newest first."""
    name, region = cloud_name(row.name), f"--region={target.region}"
    serving = "--format=value(status.traffic[0].revisionName)"
    revisions = ("--sort-by=~metadata.creationTimestamp", "--format=value(metadata.name)")
    return (
        ("run", "services", "describe", name, region, serving),
        ("run", "revisions", "list", f"--service={name}", region, *revisions),
    )


def serve(row: Row, revision: str, target: Target) -> tuple[str, ...]:
    """The command that sends all calls of a function to one revision."""
    name, region = cloud_name(row.name), f"--region={target.region}"
    return ("run", "services", "update-traffic", name, region, f"--to-revisions={revision}=100")


# --- Before the functions ---------------------------------------------------------------------------------------------


def _project(rows: list[Row], target: Target) -> Iterator[Step]:
    names = tuple(f"{api}.googleapis.com" for api in APIS)
    yield Step(title="APIs", command=("services", "enable", *names))
    agent = ("beta", "services", "identity", "create", "--service=pubsub.googleapis.com")
    yield Step(title="Pub/Sub's own account", command=agent)
    for name in ("hearback-caller", "hearback-build", *(f"fn-{cloud_name(row.name)}" for row in rows)):
        yield Step(
            title=f"account {name}",
            found_by=("iam", "service-accounts", "describe", target.account(name)),
            command=("iam", "service-accounts", "create", name),
        )
    for role in BUILD_ROLES:
        yield _bound("project", role, f"serviceAccount:{target.account('hearback-build')}", target)
    yield Step(
        title="Pub/Sub signs in the caller's name",
        command=(
            "iam",
            "service-accounts",
            "add-iam-policy-binding",
            target.caller,
            f"--member={target.pubsub_agent}",
            "--role=roles/iam.serviceAccountTokenCreator",
        ),
    )


def _kept(target: Target) -> Iterator[Step]:
    safe = ("--enable-pitr", "--delete-protection")
    database = ("--database=(default)",)
    yield Step(
        title="Firestore",
        found_by=("firestore", "databases", "describe", *database),
        command=(
            "firestore",
            "databases",
            "create",
            *database,
            f"--location={target.region}",
            "--type=firestore-native",
            *safe,
        ),
        update=("firestore", "databases", "update", *database, *safe),
    )
    for recurrence, *more in (("daily", "--retention=7d"), ("weekly", "--retention=14w", "--day-of-week=SUN")):
        listed = ("firestore", "backups", "schedules", "list", *database)
        yield Step(
            title=f"{recurrence} backup",
            found_by=(*listed, f"--filter={recurrence}Recurrence:*", "--format=value(name)"),
            command=(
                "firestore",
                "backups",
                "schedules",
                "create",
                *database,
                f"--recurrence={recurrence}",
                *more,
            ),
        )
    document = json.loads(indexes.text())
    for index in document["composites"]:
        fields = tuple(f"--field-config=field-path={each['field']},{_how(each['how'])}" for each in index["fields"])
        yield Step(
            title=f"index on {index['collection']}",
            command=(
                "firestore",
                "indexes",
                "composite",
                "create",
                *database,
                f"--collection-group={index['collection']}",
                f"--query-scope={index['scope'].lower().replace('_', '-')}",
                *fields,
                "--async",
            ),
        )
    for each in document["fields"]:
        group = f"--collection-group={each['collection']}"
        yield _field(each, group, database, target)
        if each["expires"]:
            yield Step(
                title=f"time to live of {each['collection']}",
                command=(
                    "firestore",
                    "fields",
                    "ttls",
                    "update",
                    each["field"],
                    *database,
                    group,
                    "--enable-ttl",
                    "--async",
                ),
            )
    for name, *more in (("files", "--soft-delete-duration=7d"), ("functions",)):
        bucket = f"gs://{target.project}-{name}"
        closed = ("--uniform-bucket-level-access", "--public-access-prevention")
        yield Step(
            title=f"bucket {bucket}",
            found_by=("storage", "buckets", "describe", bucket, "--format=value(name)"),
            command=("storage", "buckets", "create", bucket, f"--location={target.region}", *closed, *more),
            update=("storage", "buckets", "update", bucket, *closed, *more),
        )


def _field(field: Mapping[str, Any], group: str, database: tuple[str, ...], target: Target) -> Step:
    """One field's own indexes. gcloud knows none that reach over a group of collections."""
    title = f"field {field['collection']}.{field['field']}"
    if all(index["scope"] == "COLLECTION" for index in field["indexes"]):
        how = tuple(f"--index={_how(index['how'])}" for index in field["indexes"]) or ("--disable-indexes",)
        update = ("firestore", "indexes", "fields", "update", field["field"], *database, group, *how, "--async")
        return Step(title=title, command=update)
    path = (
        f"projects/{target.project}/databases/(default)/collectionGroups/{field['collection']}/fields/{field['field']}"
    )
    config = [
        {
            "queryScope": index["scope"],
            "fields": [
                {"fieldPath": field["field"], "arrayConfig": "CONTAINS"}
                if index["how"] == "CONTAINS"
                else {"fieldPath": field["field"], "order": index["how"]}
            ],
        }
        for index in field["indexes"]
    ]
    body = {"indexConfig": {"indexes": config}}
    return Step(title=title, patch=Patch(path=f"{path}?updateMask.fieldPaths=indexConfig", body=body))


def _secrets(rows: list[Row], target: Target) -> Iterator[Step]:
    location = f"--location={target.region}"
    yield Step(
        title="key ring",
        found_by=("kms", "keyrings", "describe", "hearback", location),
        command=("kms", "keyrings", "create", "hearback", location),
    )
    yield Step(
        title="the vault's key",
        found_by=("kms", "keys", "describe", "vault", "--keyring=hearback", location),
        command=(
            "kms",
            "keys",
            "create",
            "vault",
            "--keyring=hearback",
            location,
            "--purpose=encryption",
            "--rotation-period=90d",
            "--next-rotation-time=P90D",
        ),
    )
    for variable, readers in _readers(rows, target).items():
        name = secret_id(variable)
        yield Step(
            title=f"secret {name}",
            found_by=("secrets", "describe", name),
            command=(
                "secrets",
                "create",
                name,
                "--replication-policy=user-managed",
                f"--locations={target.region}",
            ),
        )
        newest = ("--filter=state=ENABLED", "--limit=1", "--format=value(name)")
        yield Step(
            title=f"value of {name}",
            found_by=("secrets", "versions", "list", name, *newest),
            command=("secrets", "versions", "add", name, "--data-file=-"),
            secret=variable,
        )
        for row in readers:
            yield Step(
                title=f"{row.name} reads {name}",
                command=(
                    "secrets",
                    "add-iam-policy-binding",
                    name,
                    f"--member={member(row, target)}",
                    "--role=roles/secretmanager.secretAccessor",
                ),
            )


def _grants(rows: list[Row], target: Target) -> Iterator[Step]:
    for row in rows:
        for place, roles in uses.of(row).roles.items():
            if place in PLACES:
                yield from (_bound(place, role, member(row, target), target) for role in roles)
        if "gmail" in row.uses and VERTEX.search(target.settings.get("HEARBACK_ADVISOR_URL", "")):
            yield _bound("project", "roles/aiplatform.user", member(row, target), target)


def _bound(place: str, role: str, who: str, target: Target) -> Step:
    command = tuple(part.format(project=target.project, region=target.region) for part in PLACES[place])
    return Step(title=f"{role} for {who}", command=(*command, f"--member={who}", f"--role={role}"))


# --- Functions --------------------------------------------------------------------------------------------------------


def _function(row: Row, target: Target, digest: str) -> Iterator[Step]:
    public = row.http == "public"
    name = cloud_name(row.name)
    bucket = f"gs://{target.project}-functions"
    source = f"{bucket}/{zip_name(row, digest)}"
    secrets = [each for each, readers in _readers([row], target).items() if readers]
    yield Step(
        title=f"zip of {row.name}",
        lane=row.name,
        found_by=("storage", "ls", source),
        command=("storage", "cp", f"build/zips/{row.name}.zip", source),
    )
    yield Step(
        title=f"function {row.name}",
        lane=row.name,
        command=(
            "functions",
            "deploy",
            name,
            "--gen2",
            f"--region={target.region}",
            "--runtime=python313",
            f"--entry-point={row.name}",
            f"--source={source}",
            "--trigger-http",
            "--allow-unauthenticated" if public else "--no-allow-unauthenticated",
            f"--ingress-settings={'all' if public else 'internal-only'}",
            f"--service-account={target.account(f'fn-{name}')}",
            f"--build-service-account=projects/{target.project}/serviceAccounts/{target.account('hearback-build')}",
            f"--cpu={row.cpu:g}",
            f"--memory={row.memory}",
            f"--concurrency={row.concurrency}",
            f"--max-instances={row.max_instances}",
            f"--timeout={row.timeout_seconds}s",
            # Values have commas in them: another separator, by gcloud's own way of naming one.
            "--set-env-vars=^|^" + "|".join(f"{k}={v}" for k, v in environment(row, target, digest).items()),
            *((f"--set-secrets={','.join(f'{v}={secret_id(v)}:latest' for v in secrets)}",) if secrets else ()),
            "--serve-all-traffic-latest-revision",
        ),
    )
    yield Step(
        title=f"who calls {row.name}",
        lane=row.name,
        command=(
            "run",
            "services",
            "add-iam-policy-binding",
            name,
            f"--region={target.region}",
            f"--member={'allUsers' if public else f'serviceAccount:{target.caller}'}",
            "--role=roles/run.invoker",
        ),
    )


def environment(row: Row, target: Target, digest: str) -> dict[str, str]:
    """A function's variables. Raises Rejected when one that it needs has no value."""
    own = {
        "HEARBACK_KMS_KEY": f"projects/{target.project}/locations/{target.region}/keyRings/hearback/cryptoKeys/vault",
        "HEARBACK_BUCKET": f"{target.project}-files",
    }
    values = {**target.settings, **own}
    grant = uses.of(row)
    if missing := [name for name in grant.settings if not values.get(name)]:
        raise Rejected(f"{missing[0]} is missing: {row.name} needs it")
    environ = registry.environment(row)
    # The platform sets it from the entry point, and takes no other word for it.
    del environ["FUNCTION_TARGET"]
    given = [*grant.settings, *(name for name in grant.optional_settings if values.get(name))]
    environ |= {name: values[name] for name in given}
    return environ | {"GOOGLE_CLOUD_PROJECT": target.project, "HEARBACK_VERSION": digest}


def _readers(rows: list[Row], target: Target) -> dict[str, list[Row]]:
    """Every secret of these functions, and which of them read it."""
    readers: dict[str, list[Row]] = {}
    for row in rows:
        grant = uses.of(row)
        for name in (*grant.secrets, *(each for each in grant.optional_secrets if each in target.optional_secrets)):
            readers.setdefault(name, []).append(row)
    return readers


# --- What wakes them --------------------------------------------------------------------------------------------------


def _topics(table: Table, target: Target) -> Iterator[Step]:
    writers = [row for row in table if uses.of(row).roles.get("topics")]
    subscriptions = registry.subscriptions(table)
    # The topics first: a subscription names its dead letter's.
    for each in subscriptions:
        yield Step(
            title=f"topic {each.topic}",
            found_by=("pubsub", "topics", "describe", each.topic),
            command=(
                "pubsub",
                "topics",
                "create",
                each.topic,
                f"--message-storage-policy-allowed-regions={target.region}",
            ),
        )
        publishers = [member(row, target) for row in writers]
        if each.topic == GMAIL_TOPIC:
            publishers = [f"serviceAccount:{GMAIL}"]
        elif each.dead_letter is None:
            publishers = [target.pubsub_agent]
        for who in publishers:
            command = ("pubsub", "topics", "add-iam-policy-binding", each.topic, f"--member={who}")
            yield Step(title=f"{who} publishes", command=(*command, "--role=roles/pubsub.publisher"))
    for each in subscriptions:
        uri = target.uri(table[each.function])
        terms = (
            f"--push-endpoint={uri}",
            f"--push-auth-service-account={target.caller}",
            f"--push-auth-token-audience={uri}",
            f"--ack-deadline={int(each.ack_deadline.total_seconds())}",
            f"--min-retry-delay={int(each.minimum_backoff.total_seconds())}s",
            f"--max-retry-delay={int(each.maximum_backoff.total_seconds())}s",
            f"--message-retention-duration={int(each.retention.total_seconds())}s",
            "--expiration-period=never",
            *(
                (f"--dead-letter-topic={each.dead_letter}", f"--max-delivery-attempts={each.max_attempts}")
                if each.dead_letter
                else ()
            ),
        )
        yield Step(
            title=f"subscription {each.name}",
            found_by=("pubsub", "subscriptions", "describe", each.name),
            command=("pubsub", "subscriptions", "create", each.name, f"--topic={each.topic}", *terms),
            update=("pubsub", "subscriptions", "update", each.name, *terms),
        )
        if each.dead_letter:
            yield Step(
                title=f"forwarding from {each.name}",
                command=(
                    "pubsub",
                    "subscriptions",
                    "add-iam-policy-binding",
                    each.name,
                    f"--member={target.pubsub_agent}",
                    "--role=roles/pubsub.subscriber",
                ),
            )


def _schedules(table: Table, target: Target) -> Iterator[Step]:
    for job in registry.schedules(table):
        row = table[job.function]
        name = cloud_name(job.name)
        location = f"--location={target.region}"
        terms = (
            location,
            f"--schedule={job.schedule.cron}",
            "--time-zone=Etc/UTC",
            f"--uri={target.uri(row)}",
            "--http-method=POST",
            f"--message-body={json.dumps(job.schedule.payload)}",
            f"--oidc-service-account-email={target.caller}",
            f"--oidc-token-audience={target.uri(row)}",
            # A call that takes its full time has answered before the scheduler gives it up.
            f"--attempt-deadline={row.timeout_seconds + 30}s",
            "--max-retry-attempts=3",
            "--min-backoff=10s",
            "--max-backoff=300s",
        )
        kind = "Content-Type=application/json"
        yield Step(
            title=f"job {name}",
            found_by=("scheduler", "jobs", "describe", name, location),
            command=("scheduler", "jobs", "create", "http", name, *terms, f"--headers={kind}"),
            update=("scheduler", "jobs", "update", "http", name, *terms, f"--update-headers={kind}"),
        )


def secret_id(variable: str) -> str:
    """Secret Manager's name of a secret."""
    return cloud_name(variable).lower()


def member(row: Row, target: Target) -> str:
    """A function's service account, as policies name it."""
    return f"serviceAccount:{target.account(f'fn-{cloud_name(row.name)}')}"


def _how(word: str) -> str:
    return "array-config=contains" if word == "CONTAINS" else f"order={word.lower()}"
