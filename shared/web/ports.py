"""What the API's handlers work with, whatever the resource."""

from __future__ import annotations

from typing import Protocol

from shared.ports import Blobs, Clock, Consent, Gmail, Ids, Queue, SignIn, Store, Vault
from shared.web import http


class Ports(http.Ports, Protocol):
    """The adapters of this process, as far as the API needs them."""

    @property
    def store(self) -> Store:
        """Where applications are."""
        ...

    @property
    def clock(self) -> Clock:
        """The time of what a person does."""
        ...

    @property
    def ids(self) -> Ids:
        """Ids of what a person makes."""
        ...

    @property
    def queue(self) -> Queue:
        """Wakes whoever does what a person asked for."""
        ...

    @property
    def gmail(self) -> Gmail:
        """Asked while a person connects theirs."""
        ...

    @property
    def consent(self) -> Consent:
        """Google's consent screen."""
        ...

    @property
    def vault(self) -> Vault:
        """Opens what is shown of a connection."""
        ...

    @property
    def blobs(self) -> Blobs:
        """People's files."""
        ...

    @property
    def sign_in(self) -> SignIn | None:
        """The embedded wiring's own; no other wiring has one."""
        ...
