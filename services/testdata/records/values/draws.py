"""Random numbers of a field as a pure function of (seed, entity, field, row), so that any rows alone give the same."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.tables import Rows
from services.testdata.traces.generation.jit import inlined, kernel
from services.testdata.traces.generation.philox_kernels import HALF, LOW, philox

Key: TypeAlias = tuple[np.uint64, np.uint64]
_ONE = np.uint64(1)
_FEISTEL_ROUNDS = 4


@dataclass(frozen=True)
class Draws:
    """The random numbers of one field. Those of different `lane`s are independent of each other."""

    seed: int
    entity: str
    field: str

    def beside(self, field: str) -> "Draws":
        """The random numbers of another field. Fields that belong together draw from the same."""
        return Draws(self.seed, self.entity, field)

    @cached_property
    def key(self) -> Key:
        """Philox's key."""
        hashed = blake2b(f"{self.seed}/{self.entity}/{self.field}".encode(), digest_size=8).digest()
        whole = int.from_bytes(hashed)
        return np.uint64(whole & 0xFFFFFFFF), np.uint64(whole >> 32)

    def below(self, rows: Rows, count: int, lane: int = 0) -> NDArray[np.int64]:
        """For each row one of the numbers 0 to count - 1, all equally likely. count: up to 2**63."""
        out = np.empty(len(rows), np.int64)
        if count <= 1 << 32:
            _below(*self.key, rows, np.uint64(lane), np.uint64(count), out)
        else:
            _wide_below(*self.key, rows, np.uint64(lane), np.uint64(count), out)
        return out

    def codes(self, rows: Rows, count: int, lane: int = 0) -> NDArray[np.int32]:
        """As `below`, as codes. count: up to 2**31."""
        out = np.empty(len(rows), np.int32)
        _below(*self.key, rows, np.uint64(lane), np.uint64(count), out)
        return out

    def units(self, rows: Rows, lane: int = 0) -> NDArray[np.float64]:
        """For each row a number in [0, 1) with 32 bits."""
        return self.below(rows, 1 << 32, lane).astype(np.float64) / 2**32

    def blocks(self, rows: Rows, lane: int = 0) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """For each row 128 bits."""
        high, low = np.empty((2, len(rows)), np.uint64)
        _blocks(*self.key, rows, np.uint64(lane), high, low)
        return high, low

    def permuted(self, rows: Rows, count: int) -> NDArray[np.int64]:
        """For each row another of the numbers 0 to count - 1. Every row must be below count, which is up to 2**62.

        A Feistel network whose domain is the next power of two; numbers outside go through it again (Black and Rogaway:
        Ciphers with Arbitrary Finite Domains, 2002).
        """
        assert not len(rows) or int(rows.max()) < count, "more rows than numbers"
        out = np.empty(len(rows), np.int64)
        _permute(*self.key, rows, np.uint64(count), max(2, (count - 1).bit_length()), out)
        return out


@kernel
def _below(key0, key1, rows, lane, count, out):  # type: ignore[no-untyped-def]
    """One 32-bit word a row; a block serves four rows."""
    last = np.int64(-1)
    w0 = w1 = w2 = w3 = np.uint64(0)
    for i in range(len(rows)):
        block = rows[i] >> 2
        if block != last:
            number = np.uint64(block)
            w0, w1, w2, w3 = philox(key0, key1, number & LOW, number >> HALF, lane, np.uint64(0))
            last = block
        place = rows[i] & 3
        word = w0 if place == 0 else w1 if place == 1 else w2 if place == 2 else w3
        out[i] = (word * count) >> HALF


@inlined
def _high(a, b):  # type: ignore[no-untyped-def]
    """The high 64 bits of the product of two 64-bit numbers."""
    a0, a1, b0, b1 = a & LOW, a >> HALF, b & LOW, b >> HALF
    middle = a1 * b0 + ((a0 * b0) >> HALF)
    return a1 * b1 + (middle >> HALF) + ((a0 * b1 + (middle & LOW)) >> HALF)


@kernel
def _wide_below(key0, key1, rows, lane, count, out):  # type: ignore[no-untyped-def]
    """Two words a row. Purpose 1 keeps them apart from `_below`."""
    for i in range(len(rows)):
        number = np.uint64(rows[i])
        w0, w1, _, _ = philox(key0, key1, number & LOW, number >> HALF, lane, np.uint64(1))
        out[i] = np.int64(_high(w0 << HALF | w1, count))


@kernel
def _blocks(key0, key1, rows, lane, high, low):  # type: ignore[no-untyped-def]
    for i in range(len(rows)):
        number = np.uint64(rows[i])
        w0, w1, w2, w3 = philox(key0, key1, number & LOW, number >> HALF, lane, np.uint64(2))
        high[i], low[i] = w0 << HALF | w1, w2 << HALF | w3


@inlined
def _mixed(value, key):  # type: ignore[no-untyped-def]
    """SplitMix64's finaliser."""
    mixed = value + key
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@kernel
def _permute(key0, key1, rows, count, bits, out):  # type: ignore[no-untyped-def]
    low_bits = np.uint64(bits - bits // 2)
    low_mask, high_mask = (_ONE << low_bits) - _ONE, (_ONE << np.uint64(bits // 2)) - _ONE
    keys = np.empty(_FEISTEL_ROUNDS, np.uint64)
    for turn in range(_FEISTEL_ROUNDS):
        w0, w1, _, _ = philox(key0, key1, np.uint64(turn), np.uint64(0), np.uint64(0), np.uint64(3))
        keys[turn] = w0 << HALF | w1
    for i in range(len(rows)):
        number = np.uint64(rows[i])
        while True:
            high, low = number >> low_bits, number & low_mask
            for turn in range(0, _FEISTEL_ROUNDS, 2):
                high ^= _mixed(low, keys[turn]) & high_mask
                low ^= _mixed(high, keys[turn + 1]) & low_mask
            number = high << low_bits | low
            if number < count:
                break
        out[i] = np.int64(number)
