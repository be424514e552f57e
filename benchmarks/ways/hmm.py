"""hmmlearn: a hidden Markov model whose states are the endpoints, each emitting itself."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from hmmlearn.hmm import CategoricalHMM  # type: ignore[import-not-found]

from benchmarks.contestant import Work

STEPS = 10_000


def walk(given: Mapping[str, Any]) -> Work:
    """Walk one endless session with `sample`. Unit: a step.

    given: start, the probabilities of the first endpoint; matrix, the transition probabilities, where an exit leads to
    an entry.
    """
    model = CategoricalHMM(n_components=len(given["start"]))
    model.startprob_ = np.array(given["start"])
    model.transmat_ = np.array(given["matrix"])
    model.emissionprob_ = np.eye(len(given["start"]))
    model.n_features = len(given["start"])

    def work(batch: int) -> int:
        _, states = model.sample(STEPS, random_state=batch)
        return len(states)

    return work
