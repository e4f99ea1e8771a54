"""Phrases as a word trie: hundreds of them are looked for in one pass over a sentence, in linear time.

A table is text, one phrase a line, words in lower case and contractions written out ("will not"):

    (will|would) not be moving forward      one of the words in brackets; `(a|b|)` may also be absent
    invite you _ interview                  up to three words may stand in the gap; `__` allows up to eight
    # a comment says why the phrases below are there

Han and Kana are matched letter by letter, so their phrases need no spaces. Regular expressions are not used: an
alternation of this size backtracks, and a hostile mail would choose where.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

GAP = {"_": 3, "__": 8}
"""How many words a gap may span: one noun phrase, or most of a clause."""

_GAPS = tuple(GAP.values())
_DONE = ""
_ELSE = " "
"""Keys of a node that no token equals: under `_DONE` stand the phrases that end here, under `_ELSE` the nodes that
may be entered without a word, under a number of words the node behind a gap."""

_TREE_ITEMS = 2
"""The first items of all phrases share one tree, so that a word opens few phrases; what follows is each phrase's own
chain, in which an item's choices meet again (a full tree of all readings would have a quarter of a million leaves)."""

_HAN_OR_KANA = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff])")
_BASE = {code: base for code in range(0xC0, 0x180) if (base := unicodedata.normalize("NFD", chr(code))[0]) != chr(code)}
"""Accented Latin letters and what they are without: half of all people write mail without accents."""

_WORD = re.compile(r"\w+")
_ITEM = re.compile(r"\([^()]*\)|_+|[^\s()_]+")
_CONTRACTIONS = (
    ("can't", "can not"),
    ("cannot", "can not"),
    ("won't", "will not"),
    ("n't", " not"),
    ("'re", " are"),
    ("'ve", " have"),
    ("'ll", " will"),
    ("'d", " would"),
    ("'m", " am"),
    ("'s", ""),
)


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase found in a list of tokens: `name` as given to `compile_phrases`, token positions [start, end)."""

    name: Any
    start: int
    end: int


def tokens_of(text: str) -> list[str]:
    """The words of a text, lower-cased, contractions written out, Han and Kana letter by letter."""
    ascii_only = text.isascii()
    if not ascii_only:
        text = unicodedata.normalize("NFKC", text).replace("’", "'").translate(_BASE)
    text = text.lower()
    if "'" in text or "cannot" in text:
        for short, long in _CONTRACTIONS:
            text = text.replace(short, long)
    if not ascii_only:
        text = _HAN_OR_KANA.sub(r" \1 ", text)
    return _WORD.findall(text)


Node = dict[Any, list[Any]]
Item = list[list[str]] | int
"""The choices of one place in a phrase, each a list of words; or the length of a gap."""


class Phrases:
    """A set of named phrases, ready to be looked for."""

    def __init__(self, tables: Iterable[tuple[Any, str]]) -> None:
        self._root: Node = {}
        for name, table in tables:
            for line in table.splitlines():
                phrase = line.partition("#")[0].strip()
                if phrase:
                    self._add(name, _items(phrase))

    def _add(self, name: Any, items: Sequence[Item]) -> None:
        head = [item for item in items[:_TREE_ITEMS] if not isinstance(item, int)]
        if len(head) < min(len(items), _TREE_ITEMS):
            head = head[:1]
        rest = _chain(name, items[len(head) :])
        for choices in product(*head):
            node = self._root
            for word in (word for choice in choices for word in choice):
                node = node.setdefault(word, [{}])[0]
            node.setdefault(_ELSE, []).append(rest)

    def find(self, tokens: Sequence[str]) -> Iterator[Match]:
        """Every phrase in `tokens`, by its start."""
        count = len(tokens)
        for start, token in enumerate(tokens):
            opened = self._root.get(token)
            if opened is None:
                continue
            stack = [(opened[0], start + 1)]
            while stack:
                node, at = stack.pop()
                for name in node.get(_DONE, ()):
                    yield Match(name, start, at)
                for entered in node.get(_ELSE, ()):
                    stack.append((entered, at))
                if at == count:
                    continue
                for following in node.get(tokens[at], ()):
                    stack.append((following, at + 1))
                for gap in _GAPS:
                    for beyond in node.get(gap, ()):
                        stack.extend((beyond, after) for after in range(at, min(at + gap, count - 1) + 1))


def _chain(name: Any, items: Sequence[Item]) -> Node:
    """The nodes of one phrase from an item on; all choices of an item lead to the same next node."""
    if not items:
        return {_DONE: [name]}
    following = _chain(name, items[1:])
    first = items[0]
    if isinstance(first, int):
        return {first: [following]}
    node: Node = {}
    for choice in first:
        at = node
        for word in choice[:-1]:
            inner: Node = {}
            at.setdefault(word, []).append(inner)
            at = inner
        at.setdefault(choice[-1] if choice else _ELSE, []).append(following)
    return node


def _items(phrase: str) -> list[Item]:
    """One line of a table, place by place. Raises ValueError for a gap at either end, which would match anything."""
    items: list[Item] = []
    for item in _ITEM.findall(phrase):
        if item in GAP:
            items.append(GAP[item])
        elif item.startswith("("):
            items.append([tokens_of(choice) for choice in item[1:-1].split("|")])
        else:
            items.append([tokens_of(item)])
    if isinstance(items[0], int) or isinstance(items[-1], int):
        raise ValueError(f"a gap at the end of {phrase!r}")
    return items
