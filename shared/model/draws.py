"""Every draw is a keyed hash of (seed, index, seq, purpose): no shared generator, so no order of work changes it."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def draw(seed: int, index: int, seq: int, purpose: str) -> float:
    """A uniform number in [0, 1) with 53 bits.

    seed: the batch's or conversation's; index: the conversation's place in its batch; seq: the event's place in the
    conversation; purpose: what is decided by it.
    """
    key = f"{seed}/{index}/{seq}/{purpose}".encode()
    return (int.from_bytes(blake2b(key, digest_size=8).digest()) >> 11) / (1 << 53)


def pick(options: Sequence[T], seed: int, index: int, seq: int, purpose: str) -> T:
    """One of the options, each as likely as the others. The options must not be empty."""
    return options[int(draw(seed, index, seq, purpose) * len(options))]


def shuffled(count: int, seed: int, purpose: str) -> list[int]:
    """The numbers 0 … count-1 in an order drawn by the seed."""
    return sorted(range(count), key=lambda number: (draw(seed, number, 0, purpose), number))
