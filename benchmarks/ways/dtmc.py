"""PyDTMC: a discrete-time Markov chain."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydtmc import MarkovChain  # type: ignore[import-not-found]

from benchmarks.contestant import Work

STEPS = 5_000


def walk(given: Mapping[str, Any]) -> Work:
    """Walk one endless session with `simulate`, as numbers, not names. Unit: a step.

    given: matrix, the transition probabilities, where an exit leads to an entry.
    """
    chain = MarkovChain(np.array(given["matrix"]))

    def work(batch: int) -> int:
        return len(chain.simulate(STEPS, output_indices=True, seed=batch))

    return work
