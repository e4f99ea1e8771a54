"""This process's adapters: the one place that chooses between local and Google, and builds them.

Nothing is built, or even imported, before it is asked for: a function pays only for what it uses.
"""

# ruff: noqa: PLC0415 - see above; an import at the top would load every client library into every function

from __future__ import annotations

import atexit
import gc
import importlib
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

from shared.errors import TryAgain
from shared.ports import (
    Advisor,
    Blobs,
    Clock,
    Consent,
    Gmail,
    Identity,
    Ids,
    JobBoards,
    Outside,
    Queue,
    Store,
    Vault,
    Wait,
    Web,
)
from shared.settings import Settings, read

if TYPE_CHECKING:
    from shared.adapters.identity import LocalIdentity

T = TypeVar("T")

GOOGLE_ADAPTERS = {"firestore": "firestore_store", "gmail": "gmail", "vault": "vault"}
"""Adapters that nearly every call of a function with this word among its `uses` needs. Most publish nothing."""

GOOGLE_CERTIFICATES = "/oauth2/v1/certs"
"""Where a stand-in for Google serves its certificates, as Google itself does."""


@contextmanager
def _kept_for_good() -> Iterator[None]:
    """Load modules without searching them for garbage, then or ever: that would be a tenth of a cold start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class _Built(Generic[T]):
    """An attribute that is built when it is first asked for, once, also when two threads ask together.

    functools.cached_property has had no lock since Python 3.12, and two in-memory stores would be two worlds.
    """

    def __init__(self, word: str, build: Callable[[Any], T]) -> None:
        self._word = word
        self._build = build

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name
        self.__doc__ = self._build.__doc__

    @overload
    def __get__(self, services: None, owner: type) -> Self: ...

    @overload
    def __get__(self, services: Services, owner: type) -> T: ...

    def __get__(self, services: Services | None, owner: type) -> Self | T:
        if services is None:
            return self
        with services.building:
            # Python comes here only while the instance has no such attribute of its own; the other thread may have
            # given it one meanwhile.
            if self._name not in services.__dict__:
                services.needs(self._word)
                services.__dict__[self._name] = port = self._build(services)
                services.built.append(port)
            built: T = services.__dict__[self._name]
            return built


def _built(word: str = "") -> Callable[[Callable[[Any], T]], _Built[T]]:
    """Makes a method such an attribute; `word` must be among the `uses` of the function's row."""
    return lambda build: _Built(word, build)


class Services:
    """The ports of this process. What is handed in ready-made is used as it is."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Store | None = None,
        queue: Queue | None = None,
        gmail: Gmail | None = None,
        consent: Consent | None = None,
        vault: Vault | None = None,
        blobs: Blobs | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        wait: Wait | None = None,
        identity: Identity | None = None,
        outside: Mapping[str, Outside] | None = None,
        web: Web | None = None,
        boards: JobBoards | None = None,
    ) -> None:
        self.settings = settings
        self.building = threading.RLock()
        """Held while an attribute is built; building one may ask for another."""
        self.built: list[object] = []
        """Oldest first."""
        ready = {
            "store": store,
            "queue": queue,
            "gmail": gmail,
            "consent": consent,
            "vault": vault,
            "blobs": blobs,
            "clock": clock,
            "ids": ids,
            "wait": wait,
            "identity": identity,
            "outside": outside,
            "web": web,
            "boards": boards,
        }
        self.__dict__.update({name: port for name, port in ready.items() if port is not None})

    def needs(self, word: str) -> None:
        """Raises TryAgain unless the row's `uses` has the word: in production the permission would be missing, too."""
        if word and word not in self.settings.uses:
            raise TryAgain(
                f"{self.settings.function} is not allowed {word}: its row in the functions table must say so"
            )

    def load(self) -> None:
        """Import Google's libraries that the row uses; a connection is made only when it is needed.

        The framework imports a function before it forks its worker and takes requests: what is loaded by then is
        shared, and paid for while the platform still lends a starting instance more CPU.
        """
        if self.settings.wiring == "google":
            with _kept_for_good():
                for word, module in GOOGLE_ADAPTERS.items():
                    if word in self.settings.uses:
                        importlib.import_module(f"shared.adapters.{module}")

    def close(self) -> None:
        """Close what was built here, the newest first; what was handed in is its owner's."""
        with self.building:
            while self.built:
                close = getattr(self.built.pop(), "close", None)
                if close is not None:
                    close()

    @_built()
    def clock(self) -> Clock:
        """The machine's time."""
        from shared.adapters.clock import SystemClock

        return SystemClock()

    @_built()
    def ids(self) -> Ids:
        """Fresh identifiers."""
        from shared.adapters.clock import SystemIds

        return SystemIds()

    @_built()
    def wait(self) -> Wait:
        """Waiting, in the machine's time."""
        from shared.adapters.clock import system_wait

        return system_wait

    @_built("firestore")
    def store(self) -> Store:
        """Firestore, its emulator, or a SQLite file."""
        if self.settings.wiring == "google":
            from shared.adapters.firestore_store import FirestoreStore

            return FirestoreStore(self.settings.project)
        from shared.adapters.sqlite_store import SqliteStore

        return SqliteStore(self._file("store.sqlite"))

    @_built("queue")
    def queue(self) -> Queue:
        """Pub/Sub, its emulator, or a SQLite file with the subscriptions of the functions table."""
        if self.settings.wiring == "google":
            from shared.adapters.pubsub_queue import PubSubQueue

            return PubSubQueue(self.settings.project)
        from shared import registry
        from shared.adapters.local_queue import LocalQueue

        subscriptions = registry.subscriptions(registry.load())
        return LocalQueue(self._file("queue.sqlite"), subscriptions, clock=self.clock, project=self.settings.project)

    @_built("gmail")
    def gmail(self) -> Gmail:
        """Gmail and Google's token endpoint, or the stand-in at `google_root`."""
        from shared.adapters.gmail import GoogleGmail

        s = self.settings
        return GoogleGmail(s.google_root, s.oauth_client_id, s.oauth_client_secret, clock=self.clock)

    @_built("gmail")
    def consent(self) -> Consent:
        """Google's authorization server, or the stand-in at `google_root`."""
        from shared.adapters.consent import GoogleConsent

        s = self.settings
        return GoogleConsent(s.google_root, s.oauth_client_id, s.oauth_client_secret, clock=self.clock)

    @_built()
    def advisor(self) -> Advisor | None:
        """A model that is asked about unclear mail; None, unless the settings name one."""
        s = self.settings
        if not s.advisor_url:
            return None
        from shared.adapters.advisor import ChatAdvisor, GoogleBearer

        return ChatAdvisor(s.advisor_url, s.advisor_model, (lambda: s.advisor_key) if s.advisor_key else GoogleBearer())

    @_built("mail")
    def outside(self) -> Mapping[str, Outside]:
        """The channels outside the app, by the words of `Channel`; where nothing is real, mail is put into a folder."""
        from shared.adapters.channels import AppriseChat, MailFolder, NoRelay, SmtpRelay, Webhook

        s = self.settings
        mail: Outside = NoRelay()
        if s.smtp_url:
            mail = SmtpRelay(s.smtp_url, s.mail_from, clock=self.clock)
        elif s.wiring == "local" or s.emulated:
            mail = MailFolder(self.mail_folder, s.mail_from, clock=self.clock)
        return {"email": mail, "chat": AppriseChat(), "webhook": Webhook(clock=self.clock)}

    @_built()
    def mail_folder(self) -> Path:
        """Where mail goes that does not leave this machine; without a directory it goes with the process."""
        if self.settings.data_dir:
            return self.settings.data_dir / "mail"
        folder = tempfile.mkdtemp(prefix="hearback-mail-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    @_built("vault")
    def vault(self) -> Vault:
        """Keys wrapped by Cloud KMS; a key file, or a key in memory, where there is none: KMS has no emulator."""
        s = self.settings
        if s.kms_key:
            from shared.adapters.vault import KmsVault

            return KmsVault(self.store, s.kms_key, clock=self.clock, root=s.google_root)
        from shared.adapters.vault import KEY_BYTES, LocalVault

        return LocalVault(s.data_dir / "vault.keys" if s.data_dir else secrets.token_bytes(KEY_BYTES))

    @_built("blobs")
    def blobs(self) -> Blobs:
        """Cloud Storage; a folder where there is none, which goes with the process when nothing else is kept."""
        s = self.settings
        if s.bucket:
            from shared.adapters.blobs import CloudStorageBlobs

            return CloudStorageBlobs(s.bucket, root=s.google_root)
        from shared.adapters.blobs import FolderBlobs

        if s.data_dir:
            return FolderBlobs(s.data_dir / "blobs")
        folder = tempfile.mkdtemp(prefix="hearback-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return FolderBlobs(Path(folder))

    @_built("identity")
    def identity(self) -> Identity:
        """Google's ID tokens; the embedded wiring takes its own tokens instead."""
        if self.sign_in is not None:
            return self.sign_in
        from shared.adapters.identity import GoogleIdentity

        s = self.settings
        certificates = f"{s.google_root}{GOOGLE_CERTIFICATES}" if s.google_root else ""
        return GoogleIdentity(s.oauth_client_id, certificates_url=certificates, clock=self.clock)

    @_built("identity")
    def sign_in(self) -> LocalIdentity | None:
        """The embedded wiring's own sign-in. Nothing else has the key that it is made from."""
        if self.settings.wiring != "local" or not self.settings.sign_in_secret:
            return None
        from shared.adapters.identity import LocalIdentity

        return LocalIdentity(self.settings.sign_in_secret, clock=self.clock)

    @_built("web")
    def web(self) -> Web:
        """Public web servers, and nothing else; a stand-in is handed in ready-made."""
        from shared.adapters.web import SafeWeb

        return SafeWeb(clock=self.clock)

    @_built("web")
    def boards(self) -> JobBoards:
        """The employers whose boards are read, and the big boards."""
        from shared.adapters.job_boards import PublicJobBoards

        return PublicJobBoards(clock=self.clock)

    def _file(self, name: str) -> Path | str:
        """A file of the local wiring, or SQLite's word for memory."""
        if self.settings.data_dir is None:
            return ":memory:"
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        return self.settings.data_dir / name


_installed: list[Services] = []
"""The services in force are the last ones: those of the environment, below those that `use` has put there."""

_installing = threading.Lock()


def services() -> Services:
    """The services of this process, from its environment. Raises Rejected, naming what the environment lacks."""
    with _installing:
        if not _installed:
            _installed.append(Services(read(os.environ)))
        return _installed[-1]


@contextmanager
def use(prepared: Services) -> Iterator[Services]:
    """Let `services()` answer these while the block lasts, in every thread: for the local runner, and for tests."""
    with _installing:
        _installed.append(prepared)
    try:
        yield prepared
    finally:
        with _installing:
            _installed.remove(prepared)
