"""What the discovery document that google-api-python-client ships says of Gmail: paths, parameters, scopes, fields."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from googleapiclient.discovery_cache import get_static_doc

from shared.local.gmail.errors import invalid

Selection = Mapping[str, "Selection | None"]
"""Chosen fields; None under a name means everything below it."""

_FIELDS_DEPTH = 16
"""Parentheses within each other; deeper than any schema of Gmail, shallow enough for the stack."""

_TOKEN = re.compile(r"[A-Za-z0-9_$*]+|[(),/]")


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the API, as the document describes it."""

    name: str
    """Below users: "messages.get"."""
    verb: str
    path: re.Pattern[str]
    """The path from the root on, with a group for each path parameter."""
    parameters: Mapping[str, Mapping[str, Any]]
    scopes: frozenset[str]
    response: str
    """Name of the answer's schema, empty when the method answers nothing."""
    takes_media: bool


@cache
def document() -> Mapping[str, Any]:
    """The whole document."""
    loaded: dict[str, Any] = json.loads(get_static_doc("gmail", "v1"))
    return loaded


@cache
def methods() -> Mapping[str, Method]:
    """Every method below users, by its name."""
    found: dict[str, Method] = {}

    def walk(resource: Mapping[str, Any], prefix: str) -> None:
        for name, said in resource.get("methods", {}).items():
            found[prefix + name] = Method(
                name=prefix + name,
                verb=said["httpMethod"],
                path=re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", "/" + said["path"])),
                parameters=said["parameters"],
                scopes=frozenset(said["scopes"]),
                response=said.get("response", {}).get("$ref", ""),
                takes_media="mediaUpload" in said,
            )
        for name, below in resource.get("resources", {}).items():
            walk(below, f"{prefix}{name}.")

    walk(document()["resources"]["users"], "")
    return found


@lru_cache(maxsize=256)
def selection(fields: str, response: str) -> Selection | None:
    """A `fields` parameter (`a,b/c,d(e,f)`), checked against the answer's schema.

    None when everything was asked for. Raises GoogleError 400 for a field that the answer does not have.
    """
    if not fields or not response:
        return None
    tokens = _TOKEN.findall(fields)
    if "".join(tokens) != re.sub(r"\s", "", fields):
        raise invalid(f"Invalid field selection {fields[:100]}")
    chosen, rest = _group(tokens, {"$ref": response}, 0)
    if rest:
        raise invalid(f"Invalid field selection {fields[:100]}")
    return chosen


def _group(tokens: list[str], schema: Mapping[str, Any], depth: int) -> tuple[dict[str, Selection | None], list[str]]:
    """Names up to the closing parenthesis, and the tokens from there on."""
    if depth > _FIELDS_DEPTH:
        raise invalid("Invalid field selection: too deep")
    chosen: dict[str, Selection | None] = {}
    while True:
        name, tokens = (tokens[0], tokens[1:]) if tokens else ("", [])
        below = _property(schema, name)
        inner: Selection | None = None
        if tokens[:1] == ["/"]:
            # a/b is a(b): the rest of the path is one more group of a single name.
            end = _path_end(tokens)
            inner, left = _group(tokens[1:end], below, depth + 1)
            tokens = left + tokens[end:]
        elif tokens[:1] == ["("]:
            inner, tokens = _group(tokens[1:], below, depth + 1)
            if tokens[:1] != [")"]:
                raise invalid("Invalid field selection: unbalanced parenthesis")
            tokens = tokens[1:]
        known = chosen.get(name, {})
        chosen[name] = None if inner is None or known is None else {**known, **inner}
        if tokens[:1] != [","]:
            return chosen, tokens
        tokens = tokens[1:]


def _path_end(tokens: list[str]) -> int:
    """Where the item that begins with these tokens ends: at a comma or parenthesis of its own level."""
    depth = 0
    for at, piece in enumerate(tokens):
        depth += (piece == "(") - (piece == ")")
        if depth < 0 or (depth == 0 and piece == ","):
            return at
    return len(tokens)


def _property(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The schema of one field. Arrays are transparent, as they are to Google."""
    while "$ref" in schema or "items" in schema:
        schema = document()["schemas"][schema["$ref"]] if "$ref" in schema else schema["items"]
    if name == "*":
        return schema
    found = schema.get("properties", {}).get(name)
    if not isinstance(found, dict):
        raise invalid(f"Invalid field selection {name}")
    return found


def select(chosen: Selection | None, answer: Any) -> Any:
    """Only the chosen fields of an answer."""
    if chosen is None:
        return answer
    if isinstance(answer, list):
        return [select(chosen, each) for each in answer]
    if not isinstance(answer, dict):
        return answer
    if "*" in chosen:
        return {name: select(chosen["*"], value) for name, value in answer.items()}
    return {name: select(below, answer[name]) for name, below in chosen.items() if name in answer}
