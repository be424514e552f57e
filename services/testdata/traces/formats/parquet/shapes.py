"""The numbers that both kernels of the encodings share, so that they write the same bytes."""

BLOCK, MINIBLOCKS = 256, 4
"""Differences in a block of the delta encoding, and the parts of it that have widths of their own; as in pyarrow."""
MINIBLOCK = BLOCK // MINIBLOCKS
GROUP = 8
"""Codes that are packed together. As many equal ones, or more, are a run instead."""
HASH = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio: Fibonacci hashing, Knuth, The Art of Computer Programming, vol. 3, 6.4."""


def room(values: int) -> int:
    """The bytes that so many values of 64 bits take in any encoding, at most: with the heads of blocks and runs, the
    values that fill up the last block, and what is overwritten behind the end."""
    return 9 * values + 2_048
