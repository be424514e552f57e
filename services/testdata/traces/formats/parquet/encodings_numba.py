"""The encodings of Parquet as kernels.

Source: Encodings.md of Apache Parquet, whose sections are named below. All write to `out`, which has to have room for
`shapes.room` of the values, and return how many bytes they wrote.
"""

import numpy as np

from services.testdata.traces.formats.parquet.bits_numba import (
    EIGHT,
    FIVE,
    FOUR,
    ONE,
    SEVEN,
    SIX,
    THREE,
    TWO,
    bit_length,
    put_bytes,
    put_eights,
    put_varint,
)
from services.testdata.traces.formats.parquet.shapes import BLOCK, HASH, MINIBLOCK, MINIBLOCKS
from services.testdata.traces.generation.jit import inlined, kernel

SIGN = np.int64(63)
MULTIPLIER, HASHED = np.uint64(HASH), np.uint64(32)


@inlined
def _zigzag(value):  # type: ignore[no-untyped-def]
    return np.uint64((value << np.int64(1)) ^ (value >> SIGN))


@kernel
def delta(values, out):  # type: ignore[no-untyped-def]
    """Whole numbers by their differences ("Delta Encoding", DELTA_BINARY_PACKED = 5), which wrap at 64 bits."""
    at = put_varint(out, put_varint(out, 0, np.uint64(BLOCK)), np.uint64(MINIBLOCKS))
    at = put_varint(out, at, np.uint64(len(values)))
    at = put_varint(out, at, _zigzag(values[0] if len(values) else np.int64(0)))
    steps, above = np.empty(BLOCK, np.int64), np.zeros(BLOCK, np.uint64)
    for start in range(1, len(values), BLOCK):
        before, after = values[start - 1 : start - 1 + BLOCK], values[start : start + BLOCK]
        least = after[0] - before[0]
        for i in range(len(after)):
            steps[i] = after[i] - before[i]
            least = min(least, steps[i])
        for i in range(len(after)):
            above[i] = np.uint64(steps[i] - least)
        above[len(after) :] = 0
        at = put_varint(out, at, _zigzag(least))
        widths = out[at : at + MINIBLOCKS]
        at += MINIBLOCKS
        for j in range(MINIBLOCKS):
            part = above[j * MINIBLOCK : (j + 1) * MINIBLOCK]
            used = np.uint64(0)
            for i in range(MINIBLOCK):
                used |= part[i]
            width = bit_length(used)
            widths[j] = width
            if width:
                at = put_eights(out, at, part, MINIBLOCK // 8, width)
    return at


@kernel
def hybrid(codes, width, out):  # type: ignore[no-untyped-def]
    """Places in a dictionary, of 1 to 32 bits ("Run Length Encoding / Bit-Packing Hybrid", RLE = 3).

    Eight or more that are equal from a place on are a run; otherwise the next eight are packed.
    """
    size = np.uint64(len(codes))
    at, begin = 0, np.uint64(0)
    while begin < size:
        run = begin
        while run + EIGHT <= size and _differ(codes, run):
            run += EIGHT
        if run + EIGHT > size:
            run = end = size
        else:
            code, end = codes[run], run + EIGHT
            while end < size and codes[end] == code:
                end += ONE
        if begin < run:
            at = _packed(codes[begin:run], width, out, at)
        if run < end:
            at = put_varint(out, at, (end - run) << ONE)
            at = put_bytes(out, at, np.uint64(codes[run]), (width + 7) // 8)
        begin = end
    return at


@inlined
def _differ(codes, i):  # type: ignore[no-untyped-def]
    """Whether not all of eight codes are equal."""
    code = codes[i]
    first = (code ^ codes[i + ONE]) | (code ^ codes[i + TWO]) | (code ^ codes[i + THREE])
    second = (code ^ codes[i + FIVE]) | (code ^ codes[i + SIX]) | (code ^ codes[i + SEVEN])
    return (first | second | (code ^ codes[i + FOUR])) != 0


@kernel
def _packed(codes, width, out, at):  # type: ignore[no-untyped-def]
    """Codes in groups of eight, the last filled up with zeros."""
    groups, rest = divmod(len(codes), 8)
    at = put_varint(out, at, np.uint64(groups + (rest > 0)) << ONE | ONE)
    at = put_eights(out, at, codes, groups, width)
    if rest:
        out[at : at + width] = 0
        for i in range(rest * width):
            bit = (np.uint64(codes[groups * 8 + i // width]) >> np.uint64(i % width)) & ONE
            out[at + i // 8] |= bit << np.uint64(i % 8)
        at += width
    return at


@kernel
def look_up(table, codes, places):  # type: ignore[no-untyped-def]
    """The places of codes, from a table of them."""
    for i in range(len(codes)):
        places[i] = table[codes[i]]


@kernel
def number(values, dictionary, size, slots, codes):  # type: ignore[no-untyped-def]
    """The places of values in a dictionary, to which new ones are added in the order of their first appearance.

    values: whole numbers. dictionary: of the same type, of which `size` are taken. codes: uint32, the places.
    slots: int32, a power of two of them and more than are ever taken: the places by hash, -1 where there is none.
    Returns the new size.
    """
    last = np.uint64(len(slots) - 1)
    for i in range(len(values)):
        value = values[i]
        slot = ((np.uint64(value) * MULTIPLIER) >> HASHED) & last
        place = slots[slot]
        while place >= 0 and dictionary[np.uint64(place)] != value:
            slot = (slot + ONE) & last
            place = slots[slot]
        if place < 0:
            slots[slot] = place = size
            dictionary[size] = value
            size += 1
        codes[i] = place
    return size
