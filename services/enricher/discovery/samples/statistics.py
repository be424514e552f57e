"""When sample rows are enough for a rule.

Two bounds stand against chance:

- Rows. The rows that a rule says something of must be at least ENOUGH. If all of so many independent rows keep a rule,
  it is false for at most 1 % of all rows with 95 % confidence: 0.99^300 < 0.05 (the exact form of the rule of three;
  Hanley and Lippman-Hand, JAMA 1983). An equality of computed numbers needs only FEW rows, because the second bound is
  then very far from its limit.
- Coincidence. `chance` is how likely a row keeps the rule if its columns had nothing to do with each other, measured by
  pairing every value with every other. The probability that all n rows keep it by coincidence is chance^n. It must be
  below ALPHA divided by the number of rules that were tried (Bonferroni).
"""

import math

import numpy as np
from numpy.typing import NDArray

ENOUGH = 300
FEW = 30
ALPHA = 1e-6


def coincidence(chance: float, rows: int, tried: int) -> bool:
    """True if all of so many rows may keep a rule by coincidence. tried: how many rules were tried."""
    if chance <= 0.0:
        return False
    return rows * math.log(min(chance, 1.0)) > math.log(ALPHA / max(tried, 1))


def meeting(counts: NDArray[np.int64]) -> float:
    """How likely two values drawn from a column are equal. counts: how often each distinct value occurs."""
    return float(((counts / counts.sum()) ** 2).sum())
