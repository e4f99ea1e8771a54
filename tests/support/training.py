"""How the weights of the signal classifier are learnt, from templates and licensed mail, and how they are judged.

Everything is seeded: the same input, on the same version of scikit-learn, gives the same file.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from shared.classify import weights
from shared.classify.labels import CORPUS_LABEL
from shared.classify.signals import (
    NO_APPLICATION,
    counts_of,
    decide,
    glimpse,
    rule_features,
    sentences_of,
    weigh,
    word_features,
)
from shared.model import Mail, Signal
from tests.support.mailgen import TEMPLATES, Example, generate, licensed

SEED = 20261101

ENGLISH_MAILS = 1_200
"""Mails made for each signal of the English templates; English has the most wordings to choose from."""

OTHER_LANGUAGES_MAILS = 120
"""Mails made for each signal in every other language."""

OTHER_TIMES = 2
"""How many times as many are made of `other`: most mail of a mailbox is about no application."""

LICENSED_WEIGHT = 3.0
"""A mail somebody else wrote counts as three of our own: it is what unseen mail looks like."""

REGULARISATION = 1.0
"""Inverse strength of the L2 penalty; between 0.3 and 3, mail held aside scores much the same."""

WORDS_SCALE = 8.0
"""How much the words weigh against the phrases: a row of words has length one, phrases are ones and zeros."""

FOLDS = 5
"""Parts for the judgement of wordings not seen."""

STEPS = 20
"""Steps of the calibration."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Mail made ready for fitting."""

    examples: Sequence[Example]
    labels: np.ndarray
    importance: np.ndarray
    wordings: np.ndarray
    """Where each mail's wording comes from: a template, or the repository of a licensed mail."""
    whole: sparse.csr_matrix
    seen: sparse.csr_matrix
    """The same mails, seen by their headers and snippets alone: what the gate learns from."""

    @property
    def about_application(self) -> np.ndarray:
        """What the gate learns."""
        return ~np.isin(self.labels, sorted(NO_APPLICATION))


def training_mail() -> list[Example]:
    """All mail that may be fitted: templates but those held aside, and licensed samples."""
    rng = random.Random(SEED)
    examples: list[Example] = []
    for path in sorted((TEMPLATES / "train").glob("*.txt")):
        count = ENGLISH_MAILS if path.stem == "en" else OTHER_LANGUAGES_MAILS
        examples += generate(path, count, rng, more={Signal.OTHER: OTHER_TIMES})
    examples += licensed(LICENSED_WEIGHT)
    return examples


def corpus(examples: Sequence[Example]) -> Corpus:
    """The features of some mail."""
    return Corpus(
        examples=examples,
        labels=np.array([example.signal.value for example in examples]),
        importance=np.array([example.weight for example in examples]),
        wordings=np.array([example.source for example in examples]),
        whole=_matrix([example.mail for example in examples]),
        seen=_matrix([glimpse(replace(example.mail, snippet="")) for example in examples]),
    )


def _matrix(mails: Sequence[Mail]) -> sparse.csr_matrix:
    """One row a mail: the phrases' features, then the words', as `Weights` weighs them."""
    rules: list[list[float]] = []
    values: list[float] = []
    columns: list[int] = []
    ends = [0]
    for mail in mails:
        sentences = sentences_of(mail)
        rules.append(rule_features(sentences))
        buckets = sorted(word_features(mail, sentences))
        columns += buckets
        values += [WORDS_SCALE / max(len(buckets), 1) ** 0.5] * len(buckets)
        ends.append(len(columns))
    words = sparse.csr_matrix((values, columns, ends), shape=(len(mails), weights.BUCKETS))
    return sparse.hstack([sparse.csr_matrix(rules), words]).tocsr()


def fit(features: sparse.csr_matrix, labels: np.ndarray, importance: np.ndarray) -> LogisticRegression:
    """Logistic regression, multinomial where there are more than two labels."""
    return LogisticRegression(C=REGULARISATION, max_iter=500).fit(features, labels, sample_weight=importance)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Verdicts on wordings that the model had not seen: how sure each was, and whether it was right."""

    sure: np.ndarray
    right: np.ndarray
    importance: np.ndarray

    @property
    def accuracy(self) -> float:
        """Share of right verdicts."""
        return float(np.average(self.right, weights=self.importance))

    def calibration(self) -> list[tuple[float, float]]:
        """Rising steps of (raw probability, share of right verdicts), by isotonic regression."""
        fitted = IsotonicRegression(out_of_bounds="clip").fit(self.sure, self.right, self.importance)
        lows = np.linspace(0, 1, STEPS, endpoint=False)
        shares = fitted.predict(lows + 0.5 / STEPS)
        return [(round(float(low), 3), round(float(share), 3)) for low, share in zip(lows, shares, strict=True)]

    def calibration_error(self) -> float:
        """Expected calibration error (ten bins), on the half that the isotonic fit has not seen."""
        half = np.arange(len(self.sure)) % 2 == 0
        fitted = IsotonicRegression(out_of_bounds="clip").fit(self.sure[half], self.right[half], self.importance[half])
        promised, right, importance = fitted.predict(self.sure[~half]), self.right[~half], self.importance[~half]
        bins = np.minimum((promised * 10).astype(int), 9)
        missed = sum(abs(float(((promised - right) * importance)[bins == number].sum())) for number in range(10))
        return missed / float(importance.sum())


def judge(mail: Corpus) -> Judgement:
    """Fit on four fifths of the wordings, decide on the fifth, five times."""
    sure, right = np.zeros(len(mail.labels)), np.zeros(len(mail.labels))
    counts = [counts_of(sentences_of(example.mail)) for example in mail.examples]
    for known, unknown in GroupKFold(FOLDS).split(mail.whole, mail.labels, mail.wordings):
        model = fit(mail.whole[known], mail.labels[known], mail.importance[known])
        gate = fit(mail.seen[known], mail.about_application[known], mail.importance[known])
        shares = model.predict_proba(mail.whole[unknown]).tolist()
        hiring = gate.predict_proba(mail.seen[unknown])[:, 1].tolist()
        for at, share, about in zip(unknown, shares, hiring, strict=True):
            probabilities = weigh(dict(zip(model.classes_, share, strict=True)), about)
            signal = decide(probabilities, counts[at])
            sure[at] = probabilities[signal]
            right[at] = CORPUS_LABEL[signal] == CORPUS_LABEL[mail.examples[at].signal]
    return Judgement(sure, right, mail.importance)


def learn(mail: Corpus, calibration: Sequence[tuple[float, float]]) -> bytes:
    """The weights' file: the phrases' weights as they are, the words' rounded to bytes, the gate as last column."""
    model = fit(mail.whole, mail.labels, mail.importance)
    gate = fit(mail.seen, mail.about_application, mail.importance)
    columns = np.vstack([model.coef_, gate.coef_])
    rules = columns.shape[1] - weights.BUCKETS
    words = columns[:, rules:].T * WORDS_SCALE
    scale = float(np.abs(words).max()) / 127
    head: dict[str, object] = {
        "signals": model.classes_.tolist(),
        "bias": np.round([*model.intercept_, *gate.intercept_], 4).tolist(),
        "rules": np.round(columns[:, :rules].T, 4).tolist(),
        "scale": round(scale, 7),
        "calibration": list(calibration),
    }
    return weights.pack(head, (np.rint(words / scale) + 128).astype(np.uint8).tobytes())


def held_aside(model: weights.Weights) -> Iterator[tuple[str, float, dict[str, float]]]:
    """For each language: how the weights do on the templates held aside, altogether and by signal."""
    for path in sorted((TEMPLATES / "held").glob("*.txt")):
        right: Counter[str] = Counter()
        total: Counter[str] = Counter()
        for example in generate(path, 40, random.Random(SEED), plain=True):
            whole, seen = sentences_of(example.mail), sentences_of(glimpse(example.mail))
            probabilities = weigh(
                model.probabilities(rule_features(whole), word_features(example.mail, whole)),
                model.hiring(rule_features(seen), word_features(example.mail, seen)),
            )
            signal = decide(probabilities, counts_of(whole))
            total[example.signal] += 1
            right[example.signal] += CORPUS_LABEL[signal] == CORPUS_LABEL[example.signal]
        yield path.stem, right.total() / total.total(), {signal: right[signal] / total[signal] for signal in total}
