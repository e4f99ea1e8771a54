"""The small linear model beside the phrases: hashed words, word pairs and word beginnings, one row of weights each.

It says what the phrases leave open: how a mail sounds as a whole. `scripts/train` writes `weights.bin`; reading it
needs nothing but the standard library. A mail's score is one addition of a large integer per feature: a row's weights
stand in lanes of `LANE_BYTES`, so that all signals are summed at once.
"""

from __future__ import annotations

import json
import math
import zlib
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BUCKETS = 1 << 16
"""Rows of hashed features: few collisions that matter (half as many rows cost a point of accuracy), in some 200 KiB."""

SUREST = 7.0
"""The gate's score is kept between this and its negative (odds of a thousand to one): it weighs, it never forbids."""

LANE_BYTES = 3
"""Room for the sum of 65,000 features' bytes; `READ_TOKENS` keeps a mail far below."""

READ_TOKENS = 1_500
"""How many words of a mail are weighed: what it wants stands at its beginning."""

STEM = 5
"""Letters of a word's beginning: "bewerb-ung" and "bewerb-en" share them, most English inflections too."""

LONGEST_WORD = 24
"""Longer words are parts of links and codes, which no other mail has."""

_FILE = Path(__file__).with_name("weights.bin")


def text_features(subject: Sequence[str], body: Sequence[str], sender: Iterable[str]) -> set[int]:
    """Buckets of a mail's words, word pairs, word beginnings, subject words and sender words."""
    found: set[int] = set()
    crc32 = zlib.crc32
    mask = BUCKETS - 1
    for prefix, tokens in ((b"s", subject), (b"b", body)):
        seed = crc32(prefix)
        before = seed
        for token in tokens[:READ_TOKENS]:
            if len(token) > LONGEST_WORD:
                continue
            word = b"0" if token.isdigit() else token.encode()
            alone = crc32(word)
            found.add(alone & mask)
            found.add(crc32(word, before) & mask)
            if len(word) > STEM + 1:
                found.add(crc32(word[:STEM] + b"*") & mask)
            if prefix == b"s":
                found.add(crc32(word, seed) & mask)
            before = alone
    for token in sender:
        found.add(crc32(b"f " + token.encode()) & mask)
    return found


@dataclass(frozen=True, slots=True)
class Weights:
    """What `scripts/train` has learnt."""

    signals: tuple[str, ...]
    bias: tuple[float, ...]
    """One number a signal, and as the last one that of the gate, which only asks: is this about an application?"""
    rules: tuple[tuple[float, ...], ...]
    """One row for each rule feature, as wide as `bias`."""
    rows: bytes
    """BUCKETS rows of one byte a column, 128 standing for zero."""
    scale: float
    calibration: tuple[tuple[float, float], ...]
    """Rising steps of (raw probability, how often such a verdict was right on mail held aside)."""
    lanes: dict[int, int]

    def probabilities(self, rules: Sequence[float], text: Collection[int]) -> dict[str, float]:
        """How probable each signal is, before calibration."""
        scores = self._scores(rules, text)[:-1]
        highest = max(scores)
        powers = [math.exp(score - highest) for score in scores]
        whole = sum(powers)
        return {signal: power / whole for signal, power in zip(self.signals, powers, strict=True)}

    def hiring(self, rules: Sequence[float], text: Collection[int]) -> float:
        """How probable it is that a mail, seen by its headers and snippet alone, is about an application."""
        score = self._scores(rules, text)[-1]
        return 1 / (1 + math.exp(-max(-SUREST, min(score, SUREST))))

    def _scores(self, rules: Sequence[float], text: Collection[int]) -> list[float]:
        width = len(self.bias)
        total = sum(map(self._lane, text)).to_bytes(width * LANE_BYTES, "little")
        factor = self.scale / math.sqrt(len(text)) if text else 0.0
        present = [(value, self.rules[at]) for at, value in enumerate(rules) if value]
        scores = []
        for at in range(width):
            lane = int.from_bytes(total[at * LANE_BYTES : (at + 1) * LANE_BYTES], "little") - 128 * len(text)
            scores.append(self.bias[at] + factor * lane + sum(value * row[at] for value, row in present))
        return scores

    def _lane(self, bucket: int) -> int:
        lane = self.lanes.get(bucket)
        if lane is None:
            width = len(self.bias)
            spread = bytearray(width * LANE_BYTES)
            spread[::LANE_BYTES] = self.rows[bucket * width : (bucket + 1) * width]
            lane = self.lanes[bucket] = int.from_bytes(spread, "little")
        return lane

    def calibrated(self, probability: float) -> float:
        """How often a verdict of this raw probability is right."""
        at = bisect_right(self.calibration, (probability, 2.0)) - 1
        return self.calibration[max(at, 0)][1]


@cache
def weights() -> Weights:
    """The shipped weights, read once."""
    return unpack(_FILE.read_bytes())


def pack(head: dict[str, object], rows: bytes) -> bytes:
    """The file: a line of JSON (everything but the rows), then the rows, together deflated. Same input, same bytes."""
    return zlib.compress(json.dumps(head, sort_keys=True, separators=(",", ":")).encode() + b"\n" + rows, 9)


def unpack(content: bytes) -> Weights:
    """What `pack` made."""
    line, _, rows = zlib.decompress(content).partition(b"\n")
    head = json.loads(line)
    return Weights(
        signals=tuple(head["signals"]),
        bias=tuple(head["bias"]),
        rules=tuple(tuple(row) for row in head["rules"]),
        rows=rows,
        scale=head["scale"],
        calibration=tuple((low, share) for low, share in head["calibration"]),
        lanes={},
    )
