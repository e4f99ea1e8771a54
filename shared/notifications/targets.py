"""Where the channels outside the app lead: set, shown by a hint, removed, and opened only to send."""

from __future__ import annotations

from urllib.parse import urlsplit

from shared import accounts
from shared.errors import Rejected
from shared.lines import header_line
from shared.model import Channel, ChannelTarget
from shared.ports import Clock, Store, Vault
from shared.schema import CHANNEL_TARGETS

SETTABLE = (Channel.CHAT, Channel.WEBHOOK)
"""The channels whose target the person names."""

PURPOSE = "channel"
"""What a target is sealed for."""

ADDRESS_CHARACTERS = 1_000
"""Of an apprise or webhook address with its tokens."""

SECRET_CHARACTERS = range(16, 201)
"""Of the secret that signs a webhook: shorter ones can be guessed."""


def set_target(
    uid: str, channel: str, address: str, *, secret: str = "", store: Store, vault: Vault, clock: Clock
) -> ChannelTarget:
    """Where this channel leads from now on. Raises Rejected by field.

    chat: an address of apprise ("tgram://..."). webhook: an https address, and the `secret` that signs what it gets.
    The mail's address is not set: it is that of the connected Gmail account, which nobody has to believe.
    """
    address = header_line("address", address, ADDRESS_CHARACTERS)
    if channel == Channel.WEBHOOK:
        hint = _webhook_host(address)
        if len(secret) not in SECRET_CHARACTERS:
            raise Rejected(f"secret: must have {SECRET_CHARACTERS[0]} to {SECRET_CHARACTERS[-1]} characters")
        sealable = f"{secret}\n{address}"
    elif channel == Channel.CHAT:
        hint, sealable = _chat_service(address), address
    else:
        raise Rejected("channel: must be chat or webhook")
    target = ChannelTarget(
        uid=uid,
        channel=channel,
        sealed=vault.seal(sealable.encode(), user=uid, purpose=PURPOSE),
        hint=hint,
        updated_at=clock.now(),
    )
    store.transact(lambda tx: tx.put(CHANNEL_TARGETS.key(uid, channel), target))
    return target


def targets(uid: str, *, store: Store) -> tuple[ChannelTarget, ...]:
    """The channels that lead somewhere."""
    found = store.get_many([CHANNEL_TARGETS.key(uid, channel) for channel in SETTABLE])
    return tuple(snapshot.value for snapshot in found if snapshot is not None)


def remove_target(uid: str, channel: str, *, store: Store) -> None:
    """Let a channel lead nowhere. Raises Rejected for what is no channel."""
    if channel not in SETTABLE:
        raise Rejected("channel: must be chat or webhook")
    store.delete(CHANNEL_TARGETS.key(uid, channel))


def opened(uid: str, channel: str, *, store: Store, vault: Vault) -> str:
    """The target itself; of a webhook its secret, a line feed, its address. Raises Rejected when there is none."""
    if channel == Channel.EMAIL:
        mailbox = accounts.mailbox_of(uid, store=store)
        if mailbox is None or not mailbox.value.sealed_address:
            raise Rejected("no Gmail account is connected to write to")
        return vault.unseal(mailbox.value.sealed_address, user=uid, purpose=accounts.ADDRESS).decode()
    found = store.get(CHANNEL_TARGETS.key(uid, channel))
    if found is None:
        raise Rejected("no address is set for this channel")
    return vault.unseal(found.value.sealed, user=uid, purpose=PURPOSE).decode()


def _webhook_host(address: str) -> str:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as e:
        raise Rejected("address: not an address") from e
    if parts.scheme != "https" or not host or parts.username is not None or parts.fragment:
        raise Rejected("address: must be an https address without user name, password and fragment")
    return host if port is None else f"{host}:{port}"


def _chat_service(address: str) -> str:
    service, found, rest = address.partition("://")
    if not found or not rest or service.lower() not in CHAT_SERVICES:
        raise Rejected(f"address: must begin with one of {', '.join(sorted(CHAT_SERVICES))}, each followed by ://")
    return service.lower()


CHAT_SERVICES = frozenset({"discord", "gchat", "join", "pbul", "pover", "slack", "tgram"})
"""Apprise's services that have one home of their own. Those that lead to any host, in any network, are left out."""
