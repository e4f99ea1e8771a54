"""What the API's handlers work with, whatever the resource."""

from __future__ import annotations

from typing import Protocol

from shared.ports import Clock, Ids, SignIn, Store
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
    def sign_in(self) -> SignIn | None:
        """The embedded wiring's own; no other wiring has one."""
        ...
