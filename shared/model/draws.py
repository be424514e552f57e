"""Random draws as hashes of (seed, index, seq, purpose), so that the order of work does not change them."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def draw(seed: int, index: int, seq: int, purpose: str) -> float:
    """A uniform number in [0, 1) with 53 bits.

    index: of the conversation in its batch. seq: of the event in the conversation. purpose: names the decision.
    """
    key = f"{seed}/{index}/{seq}/{purpose}".encode()
    return (int.from_bytes(blake2b(key, digest_size=8).digest()) >> 11) / (1 << 53)


def pick(options: Sequence[T], seed: int, index: int, seq: int, purpose: str) -> T:
    """One of the options, all equally likely. There must be at least one."""
    return options[int(draw(seed, index, seq, purpose) * len(options))]


def shuffled(count: int, seed: int, purpose: str) -> list[int]:
    """The numbers 0 to count - 1 in random order."""
    return sorted(range(count), key=lambda number: (draw(seed, number, 0, purpose), number))
