"""The probabilities of cascades of failures.

Word 1 of a session decides whether it has a cascade, word 2 where the cascade begins. For each step after that, word 0
decides what happens to it, word 1 how much slower it is, word 2 whether it is retried.
"""

TIMEOUT_MS = 30_000.0
"""The latency of a call that ends with 504."""


def _threshold(share: float) -> int:
    return round(share * 2**32)


SLOW_BELOW, TIMEOUT_BELOW, UNAVAILABLE_BELOW = _threshold(0.60), _threshold(0.80), _threshold(0.95)
"""A word below the first bound means slow, below the second timeout, below the third unavailable, otherwise nothing."""
RETRY_BELOW = _threshold(0.30)
"""A word below this bound means that a failed call is retried."""
