"""PyDTMC: a discrete-time Markov chain."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydtmc import MarkovChain  # type: ignore[import-not-found]

from benchmarks.contestant import Work

STEPS = 5_000


def walk(given: Mapping[str, Any]) -> Work:
    """Steps of one endless walk, drawn by `simulate`, as numbers and not as names.

    given: matrix, the probabilities of the next endpoint, where an exit leads to an entry.
    """
    chain = MarkovChain(np.array(given["matrix"]))

    def work(batch: int) -> int:
        return len(chain.simulate(STEPS, output_indices=True, seed=batch))

    return work
