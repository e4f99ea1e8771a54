"""What a deployment needs and nobody sees from outside, looked at one by one; each failure says its fix."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import stat
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from google.auth.credentials import Credentials

from shared import accounts, consent, registry
from shared.adapters import consent as consent_adapter
from shared.adapters import google_api
from shared.deploy import gcloud, lock
from shared.errors import GrantRevoked, Rejected, TryAgain
from shared.model import Mailbox
from shared.ports import Clock
from shared.schema import MAILBOXES_ALL
from shared.services import GOOGLE_CERTIFICATES, Services
from shared.settings import Settings, read

CERTIFICATES = "https://www.googleapis.com/oauth2/v1/certs"
"""Answers anybody, and bears Google's time."""

MOST_SKEW = timedelta(seconds=10)
"""Google's tokens are refused by a clock that is further off; ours allow as much."""

MOST_MAILBOXES = 50
"""Whose tokens are tried: each costs a call, and what is wrong with all is wrong with fifty."""

PAGE = 100

PUBLISHER, SUBSCRIBER = "roles/pubsub.publisher", "roles/pubsub.subscriber"

GMAIL = f"serviceAccount:{gcloud.GMAIL}"

RECONNECT = "the person connects their Gmail again, in the app"
"""Nobody else can mend a grant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look has shown."""

    check: str
    fix: str = ""
    """Empty when all is well."""
    seen: str = ""


Check = Callable[[], Iterable[Finding]]


class Google:
    """The looks at a deployment on Google Cloud, with the rights of whoever runs them."""

    def __init__(self, services: Services, credentials: Credentials, table: registry.Table) -> None:
        self.services = services
        self.settings: Settings = services.settings
        self._credentials = credentials
        self._table = table

    def checks(self) -> tuple[Check, ...]:
        """All of them, in the order in which one builds on another."""
        return (
            self.clock,
            self.oauth_project,
            self.publisher_grant,
            self.one_watch,
            self.subscriptions,
            self.dead_letter_bindings,
            self.redirect_uris,
            self.mailboxes,
        )

    def clock(self) -> Iterator[Finding]:
        """This machine's clock against Google's."""
        root = self.settings.google_root
        yield from _clock(f"{root}{GOOGLE_CERTIFICATES}" if root else CERTIFICATES, self.services.clock)

    def oauth_project(self) -> Iterator[Finding]:
        """Gmail's watch takes a topic of the OAuth client's own project alone; its number begins the client's id."""
        check = "the topic's project is that of the OAuth client"
        owner = self.settings.oauth_client_id.partition("-")[0]
        if owner == self._number():
            yield Finding(check=check, seen=self.settings.project)
        else:
            fix = (
                f"create an OAuth client in {self.settings.project} (https://console.cloud.google.com/apis/credentials"
                f"?project={self.settings.project}) and set HEARBACK_OAUTH_CLIENT_ID; the present one is of project "
                f"number {owner}"
            )
            yield Finding(check=check, fix=fix)

    def publisher_grant(self) -> Iterator[Finding]:
        """Gmail publishes as an account of its own."""
        check = "Gmail may publish to gmail-push"
        if GMAIL in self._members(f"topics/{gcloud.GMAIL_TOPIC}", PUBLISHER):
            yield Finding(check=check)
        else:
            fix = (
                f"gcloud pubsub topics add-iam-policy-binding {gcloud.GMAIL_TOPIC} --member={GMAIL} --role={PUBLISHER} "
                f"--project={self.settings.project}; an organisation's policy on shared domains may have to allow it"
            )
            yield Finding(check=check, fix=fix)

    def one_watch(self) -> Iterator[Finding]:
        """A mailbox can be watched through one topic of a project; a second makes Gmail refuse the first."""
        check = "one topic takes Gmail's notifications, for one subscription"
        others = [
            topic
            for topic in self._names("topics")
            if topic != gcloud.GMAIL_TOPIC and GMAIL in self._members(f"topics/{topic}", PUBLISHER)
        ]
        readers = [
            each["name"].rpartition("/")[2]
            for each in self._listed("subscriptions")
            if each["topic"].endswith(f"/topics/{gcloud.GMAIL_TOPIC}")
        ]
        if others:
            remove = f"gcloud pubsub topics remove-iam-policy-binding {others[0]} --member={GMAIL} --role={PUBLISHER}"
            yield Finding(check=check, fix=f"{remove} --project={self.settings.project}", seen=", ".join(others))
        elif len(readers) != 1:
            yield Finding(
                check=check, fix="delete the subscriptions that scripts/deploy has not made", seen=str(readers)
            )
        else:
            yield Finding(check=check)

    def subscriptions(self) -> Iterator[Finding]:
        """Each subscription as the table has it."""
        found = {each["name"].rpartition("/")[2]: each for each in self._listed("subscriptions")}
        for each in registry.subscriptions(self._table):
            check = f"subscription {each.name}"
            wrong = "it is missing" if each.name not in found else _wrong(found[each.name], each)
            yield Finding(check=check, seen=wrong, fix="scripts/deploy" if wrong else "")

    def dead_letter_bindings(self) -> Iterator[Finding]:
        """Pub/Sub forwards with its own account's rights: without them a message is tried for ever, in silence."""
        agent = f"serviceAccount:service-{self._number()}@gcp-sa-pubsub.iam.gserviceaccount.com"
        for each in registry.subscriptions(self._table):
            if not each.dead_letter:
                continue
            for place, role in ((f"topics/{each.dead_letter}", PUBLISHER), (f"subscriptions/{each.name}", SUBSCRIBER)):
                kind, _, name = place.partition("/")
                add = f"gcloud pubsub {kind} add-iam-policy-binding {name} --member={agent} --role={role}"
                bound = agent in self._members(place, role)
                fix = "" if bound else f"{add} --project={self.settings.project}"
                yield Finding(check=f"Pub/Sub forwards: {role} on {name}", fix=fix)

    def redirect_uris(self) -> Iterator[Finding]:
        """Google says at once when it does not know an address; what it answers otherwise is its sign-in page."""
        if not self.settings.redirect_uris:
            yield Finding(check="redirect URI", fix="set HEARBACK_OAUTH_REDIRECT_URIS to where people come back to")
        root = self.settings.google_root
        page = f"{root}/o/oauth2/v2/auth" if root else consent_adapter.CONSENT_URL
        for uri in self.settings.redirect_uris:
            asked = {
                "client_id": self.settings.oauth_client_id,
                "redirect_uri": uri,
                "response_type": "code",
                "scope": " ".join(consent.IDENTITY_SCOPES),
            }
            refused = _refused(f"{page}?{urllib.parse.urlencode(asked)}")
            credentials = f"https://console.cloud.google.com/apis/credentials?project={self.settings.project}"
            fix = f"add it to the OAuth client's authorised redirect URIs, word for word: {credentials}"
            yield Finding(check=f"redirect URI {uri}", seen=refused, fix=fix if refused else "")

    def mailboxes(self) -> Iterator[Finding]:
        """Scopes, grant and watch of each connected mailbox. A mailbox is named by its id, never by its address."""
        page = self.services.store.find(MAILBOXES_ALL, limit=MOST_MAILBOXES)
        for snapshot in page.items:
            mailbox = snapshot.value
            yield from _health(mailbox, self.services.clock.now())
            if mailbox.health != "needs_reauth":
                yield self._refreshed(mailbox)

    def _refreshed(self, mailbox: Mailbox) -> Finding:
        check = f"mailbox {mailbox.id[:12]}: its token is renewed"
        try:
            token = self.services.vault.unseal(
                mailbox.sealed_refresh_token, user=mailbox.uid, purpose=accounts.REFRESH_TOKEN
            )
            self.services.gmail.refresh(token.decode())
        except GrantRevoked:
            why = f"{RECONNECT}; an OAuth app in Testing has its grants for 7 days only"
            return Finding(check=check, fix=why, seen="the grant is dead")
        return Finding(check=check)

    def _number(self) -> str:
        project = self._get("cloudresourcemanager", "v3", lambda api: api.projects(), self.settings.project)
        return str(project.get("name", "")).rpartition("/")[2]

    def _members(self, place: str, role: str) -> set[str]:
        kind = place.partition("/")[0]
        api = google_api.build("pubsub", "v1", self.settings.google_root).projects()
        resource = f"projects/{self.settings.project}/{place}"
        request = getattr(api, kind)().getIamPolicy(resource=resource)
        policy = google_api.execute(request, self._credentials, dict) or {}
        return {who for each in policy.get("bindings", ()) if each["role"] == role for who in each["members"]}

    def _names(self, kind: str) -> list[str]:
        return [each["name"].rpartition("/")[2] for each in self._listed(kind)]

    def _listed(self, kind: str) -> list[dict[str, Any]]:
        """All topics or subscriptions of the project."""
        api = getattr(google_api.build("pubsub", "v1", self.settings.google_root).projects(), kind)()
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            request = api.list(project=f"projects/{self.settings.project}", pageSize=PAGE, pageToken=token)
            answer = google_api.execute(request, self._credentials, dict) or {}
            found += answer.get(kind, [])
            token = answer.get("nextPageToken", "")
            if not token:
                return found

    def _get(self, service: str, version: str, resource: Callable[[Any], Any], name: str) -> dict[str, Any]:
        api = resource(google_api.build(service, version, self.settings.google_root))
        return google_api.execute(api.get(name=f"projects/{name}"), self._credentials, dict) or {}


class Embedded:
    """The looks at this machine, for the embedded wiring."""

    def __init__(self, services: Services | None, data_dir: Path) -> None:
        self.services = services
        """None as long as nothing was ever kept here."""
        self.data_dir = data_dir

    def checks(self) -> tuple[Check, ...]:
        """All of them."""
        return (self.python, self.packages, self.table, self.secrets, self.mailboxes)

    def python(self) -> Iterator[Finding]:
        """Whether this Python is new enough."""
        is_new = sys.version_info >= tuple(map(int, lock.OLDEST_PYTHON.split(".")))
        fix = "" if is_new else f"install Python {lock.OLDEST_PYTHON} or newer and delete .venv"
        yield Finding(check="Python", seen=sys.version.split()[0], fix=fix)

    def packages(self) -> Iterator[Finding]:
        """Whether what is installed is what is pinned."""
        for packages in lock.groups(lock.REQUIREMENTS.read_text()).values():
            for name, version in packages.items():
                found = _installed(name)
                if found != version:
                    fix = "delete .venv/requirements.txt.installed; the next command installs what is pinned"
                    yield Finding(check=f"package {name} {version}", seen=found or "missing", fix=fix)
        yield Finding(check="packages")

    def table(self) -> Iterator[Finding]:
        """Whether the functions table is one, and has a folder for each row."""
        for row in registry.load():
            if not (registry.TABLE.parent / row.name / "main.py").exists():
                yield Finding(check="functions table", fix=f"write functions/{row.name}/main.py, or drop the row")
        yield Finding(check="functions table")

    def secrets(self) -> Iterator[Finding]:
        """What was drawn here is its owner's alone."""
        check = "secrets are their owner's alone"
        for place in sorted(self.data_dir.glob("secrets/*")) + sorted(self.data_dir.glob("vault.keys")):
            if stat.S_IMODE(place.stat().st_mode) & 0o077:
                yield Finding(check=check, seen=place.name, fix=f"chmod 600 {place}")
        yield Finding(check=check)

    def mailboxes(self) -> Iterator[Finding]:
        """What the records say of each connected mailbox."""
        if self.services is None:
            yield Finding(check="mailboxes", seen="none yet: scripts/dev makes one to play with")
            return
        now = self.services.clock.now()
        for snapshot in self.services.store.find(MAILBOXES_ALL, limit=MOST_MAILBOXES).items:
            yield from _health(snapshot.value, now)


def examine(checks: Iterable[Check]) -> Iterator[Finding]:
    """Every finding. A look that cannot be had is one, too: the others are still taken."""
    for check in checks:
        try:
            yield from check()
        except (Rejected, TryAgain) as e:
            name = getattr(check, "__name__", "look")
            yield Finding(
                check=name.replace("_", " "),
                seen=str(e),
                fix="gcloud auth application-default login, with an account that may look at this project",
            )


def main(arguments: list[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Look at everything; 1 when something has a fix."""
    parser = argparse.ArgumentParser(prog="doctor", description=__doc__)
    parser.add_argument("--google", action="store_true", help="a deployment on Google Cloud, by GOOGLE_CLOUD_PROJECT")
    parser.add_argument("--region", default="europe-west1", help="where it was deployed (default europe-west1)")
    default = registry.TABLE.parent.parent / ".hearback"
    parser.add_argument("--data", type=Path, default=default, metavar="DIR", help="where scripts/dev keeps its files")
    options = parser.parse_args(arguments)
    try:
        services = of_google(environ, options.region) if options.google else of_this_machine(options.data)
        checks = _checks(options, services)
    except (Rejected, TryAgain) as e:
        _show(Finding(check="settings", seen=str(e), fix="docs/deploy.md says where each value is from"))
        return 1
    findings = list(examine(checks))
    for finding in findings:
        _show(finding)
    failed = sum(bool(finding.fix) for finding in findings)
    print(f"\n{len(findings) - failed} well, {failed} to mend")
    if services is not None:
        services.close()
    return 1 if failed else 0


def of_google(environ: Mapping[str, str], region: str, uses: str = "firestore,gmail,vault") -> Services:
    """The ports of a deployment that `uses` names, opened from here. Raises Rejected for a setting that is missing."""
    project = environ.get("GOOGLE_CLOUD_PROJECT", "")
    row = registry.load()["sync_mailbox"]
    given = {
        **registry.environment(row),
        "HEARBACK_WIRING": "google",
        "HEARBACK_USES": uses,
        "HEARBACK_KMS_KEY": f"projects/{project}/locations/{region}/keyRings/hearback/cryptoKeys/vault",
    }
    return Services(read({**given, **environ}))


def of_this_machine(data_dir: Path) -> Services | None:
    """The ports of what scripts/dev has kept; None when it has kept nothing."""
    if not (data_dir / "store.sqlite").exists():
        return None
    given = {"HEARBACK_USES": "firestore,queue", "HEARBACK_DATA_DIR": str(data_dir)}
    return Services(read({**registry.environment(registry.load()["sync_mailbox"]), **given}))


def _checks(options: argparse.Namespace, services: Services | None) -> tuple[Check, ...]:
    if options.google and services is not None:
        return Google(services, google_api.default_credentials(), registry.load()).checks()
    return Embedded(services, options.data).checks()


def _show(finding: Finding) -> None:
    seen = f": {finding.seen}" if finding.seen else ""
    print(f"{'MEND' if finding.fix else 'well'}  {finding.check}{seen}")
    if finding.fix:
        print(f"      -> {finding.fix}")


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _health(mailbox: Mailbox, now: datetime) -> Iterator[Finding]:
    """What a mailbox's record says."""
    name = f"mailbox {mailbox.id[:12]}"
    if mailbox.health == "needs_reauth":
        yield Finding(check=f"{name}: Gmail takes its grant", seen=mailbox.trouble, fix=RECONNECT)
    elif mailbox.scopes and consent.HEARS.scope not in mailbox.scopes:
        yield Finding(check=f"{name}: its grant allows to read", fix=f"{RECONNECT}, and ticks reading")
    else:
        yield Finding(check=f"{name}: its grant", seen=mailbox.trouble)
    if mailbox.watch_expires_at is not None and mailbox.watch_expires_at <= now:
        fix = "scripts/status shows when renew_watches last ran; the grants above may stop it"
        yield Finding(check=f"{name}: Gmail watches it", seen=f"until {mailbox.watch_expires_at:%Y-%m-%d}", fix=fix)


def _wrong(found: Mapping[str, Any], wanted: registry.Subscription) -> str:
    """What of a subscription is not as the table has it; empty when nothing is."""
    push = found.get("pushConfig", {})
    policy = found.get("deadLetterPolicy", {})
    wanted_dead = wanted.dead_letter or ""
    wrongs = {
        "nobody is pushed to": not push.get("pushEndpoint"),
        "its pushes are not signed": not push.get("oidcToken", {}).get("serviceAccountEmail"),
        "another ack deadline": found.get("ackDeadlineSeconds") != wanted.ack_deadline.total_seconds(),
        "no retry policy": "retryPolicy" not in found,
        "it expires": bool(found.get("expirationPolicy", {"ttl": "2678400s"}).get("ttl")),
        "another dead letter": policy.get("deadLetterTopic", "").rpartition("/")[2] != wanted_dead,
        "another number of attempts": policy.get("maxDeliveryAttempts") != wanted.max_attempts,
    }
    return ", ".join(wrong for wrong, is_so in wrongs.items() if is_so)


def _clock(url: str, clock: Clock) -> Iterator[Finding]:
    check = "clock"
    request = urllib.request.Request(url, method="GET")  # noqa: S310 - Google's address, or a stand-in's
    before = clock.now()
    try:
        with urllib.request.urlopen(request, timeout=google_api.TIMEOUT_SECONDS) as answer:  # noqa: S310 - the same
            date = answer.headers.get("Date", "")
    except OSError as e:
        yield Finding(check=check, seen=f"Google does not answer: {e}", fix="see to this machine's way to the internet")
        return
    # The header has whole seconds, and was written between our two looks.
    theirs = parsedate_to_datetime(date)
    skew = max(before - theirs - timedelta(seconds=1), theirs - clock.now(), timedelta())
    fix = "let the system keep time: timedatectl set-ntp true" if skew > MOST_SKEW else ""
    yield Finding(check=check, seen=f"{skew.total_seconds():.0f} s off", fix=fix)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Where Google leads is the answer."""


def _refused(url: str) -> str:
    """Why Google's consent screen refuses a request; empty when it leads to a sign-in, or shows one."""
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(url, timeout=google_api.TIMEOUT_SECONDS):
            return ""
    except urllib.error.HTTPError as e:
        with e:
            where = e.headers.get("Location", "")
            if HTTPStatus.MULTIPLE_CHOICES <= e.code < HTTPStatus.BAD_REQUEST and "/oauth/error" not in where:
                return ""
            return f"Google answers {e.code}" + (", by its error page" if where else "")
    except OSError as e:
        return f"Google does not answer: {e}"
