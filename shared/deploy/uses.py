"""What the words in a row's `uses` give to a function: infra/registry/uses.yaml, as Terraform reads it too."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field

import yaml

from shared.codec import from_plain
from shared.registry import TABLE, Row

PLACE = TABLE.parent.parent / "infra" / "registry" / "uses.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one word gives, or all words of a row together."""

    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By what they are granted on: project, topics, key, bucket."""
    settings: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    optional_settings: tuple[str, ...] = ()
    """Given where the deployment has a value for them."""
    optional_secrets: tuple[str, ...] = ()


def of(row: Row) -> Grant:
    """All that a function is given, each once. Raises KeyError for a word that the file does not know."""
    words = _words()
    given = [words[word] for word in row.uses]
    places = dict.fromkeys(place for grant in given for place in grant.roles)
    return Grant(
        roles={place: _once(grant.roles.get(place, ()) for grant in given) for place in places},
        settings=_once(grant.settings for grant in given),
        secrets=_once(grant.secrets for grant in given),
        optional_settings=_once(grant.optional_settings for grant in given),
        optional_secrets=_once(grant.optional_secrets for grant in given),
    )


@functools.cache
def _words() -> dict[str, Grant]:
    return {word: from_plain(Grant, plain) for word, plain in yaml.safe_load(PLACE.read_text()).items()}


def _once(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for names in lists for each in names))
