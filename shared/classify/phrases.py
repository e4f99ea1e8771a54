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

_DONE = ""
_GAP = " "
"""Keys of a node that no token equals: under `_DONE` stand the phrases that end here, under `_GAP` the nodes behind a
gap, each with its length. Every other key is a word, and under it stand the nodes that follow.
"""

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


Node = dict[str, list[Any]]
Item = list[list[str]] | int
"""The choices of one place in a phrase, each a list of words; or the length of a gap."""


class Phrases:
    """A set of named phrases, ready to be looked for."""

    def __init__(self, tables: Iterable[tuple[Any, str]]) -> None:
        self._root: Node = {}
        ends: list[tuple[Node, Node]] = []
        for name, table in tables:
            for line in table.splitlines():
                phrase = line.partition("#")[0].strip()
                if phrase:
                    ends += self._open(name, _items(phrase))
        # Only now, as a chain's nodes are shared and must not be taken for nodes of the tree.
        for end, rest in ends:
            _enter(end, rest)

    def _open(self, name: Any, items: Sequence[Item]) -> Iterator[tuple[Node, Node]]:
        """Grow the tree by the first items of a phrase; where they end, and the chain that goes on from there."""
        head = [item for item in items[:_TREE_ITEMS] if not isinstance(item, int)]
        if len(head) < min(len(items), _TREE_ITEMS):
            head = head[:1]
        rest = _chain(name, items[len(head) :])
        for choices in product(*head):
            node = self._root
            for word in (word for choice in choices for word in choice):
                node = node.setdefault(word, [{}])[0]
            yield node, rest

    def find(self, tokens: Sequence[str]) -> list[Match]:  # noqa: C901 - the inner loop of all reading; calls would slow it
        """Every phrase in `tokens`, by its start."""
        found: list[Match] = []
        count = len(tokens)
        root = self._root
        for start, token in enumerate(tokens):
            opened = root.get(token)
            if opened is None:
                continue
            stack = [(opened[0], start + 1)]
            while stack:
                node, at = stack.pop()
                if _DONE in node:
                    found.extend(Match(name, start, at) for name in node[_DONE])
                if at == count:
                    continue
                following = node.get(tokens[at])
                if following is not None:
                    stack += [(entered, at + 1) for entered in following]
                if _GAP in node:
                    for length, beyond in node[_GAP]:
                        for after in range(at, min(at + length + 1, count)):
                            following = beyond.get(tokens[after])
                            if following is not None:
                                stack += [(entered, after + 1) for entered in following]
        return found


def _enter(node: Node, other: Node) -> None:
    """Make everything that may follow `other` follow `node`, too."""
    for key, following in other.items():
        node.setdefault(key, []).extend(following)


def _chain(name: Any, items: Sequence[Item]) -> Node:
    """The nodes of one phrase from an item on; all choices of an item lead to the same next node."""
    if not items:
        return {_DONE: [name]}
    following = _chain(name, items[1:])
    first = items[0]
    if isinstance(first, int):
        return {_GAP: [(first, following)]}
    node: Node = {}
    for choice in first:
        if not choice:
            _enter(node, following)
            continue
        at = node
        for word in choice[:-1]:
            inner: Node = {}
            at.setdefault(word, []).append(inner)
            at = inner
        at.setdefault(choice[-1], []).append(following)
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
        raise ValueError(  # noqa: TRY004 - the line is wrong, not a type
            f"a gap at the end of {phrase!r}"
        )
    return items
