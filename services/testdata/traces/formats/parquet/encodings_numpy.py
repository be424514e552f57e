"""The encodings of Parquet: the twins of `encodings_numba`, which write the same bytes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.testdata.traces.formats.parquet.shapes import BLOCK, GROUP, MINIBLOCK, MINIBLOCKS
from services.testdata.traces.formats.parquet.thrift import zigzag
from services.testdata.traces.formats.wire import varint
from services.testdata.traces.generation.arrays import Whole

Bytes = NDArray[np.uint8]
Places = NDArray[np.uint32]


def delta(values: Whole, out: Bytes) -> int:
    """Whole numbers by their differences."""
    data = bytearray(varint(BLOCK) + varint(MINIBLOCKS) + varint(len(values)))
    data += varint(zigzag(int(values[0]) if len(values) else 0))
    steps = np.diff(values)
    for start in range(0, len(steps), BLOCK):
        block = steps[start : start + BLOCK]
        least = block.min()
        above = np.zeros((MINIBLOCKS, MINIBLOCK), np.uint64)
        above.reshape(-1)[: len(block)] = (block - least).view(np.uint64)
        widths = [int(used).bit_length() for used in np.bitwise_or.reduce(above, axis=1)]
        data += varint(zigzag(int(least))) + bytes(widths)
        for width, part in zip(widths, above, strict=True):
            data += _bits(part, width)
    return _put(data, out)


def hybrid(codes: Places, width: int, out: Bytes) -> int:
    """Places in a dictionary, of 1 to 32 bits."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1, [len(codes)]])
    long = np.flatnonzero(np.diff(starts) >= GROUP)
    data, begin = bytearray(), 0
    for start, stop in zip(starts[long].tolist(), starts[long + 1].tolist(), strict=True):
        # Groups go on until one begins within the run.
        at = begin + -(-max(0, start - begin) // GROUP) * GROUP
        if stop - at >= GROUP:
            data += _packed(codes[begin:at], width)
            data += varint((stop - at) << 1) + int(codes[at]).to_bytes((width + 7) // 8, "little")
            begin = stop
    data += _packed(codes[begin:], width)
    return _put(data, out)


def look_up(table: Places, codes: NDArray[Any], places: Places) -> None:
    """The places of codes, from a table of them."""
    table.take(codes, out=places)


def number(values: NDArray[Any], dictionary: NDArray[Any], size: int, slots: NDArray[np.int32], codes: Places) -> int:  # noqa: ARG001
    """The places of values in a dictionary, to which new ones are added in the order of their first appearance."""
    found, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    places = {value: place for place, value in enumerate(dictionary[:size].tolist())}
    for value in found[first.argsort()].tolist():
        places.setdefault(value, len(places))
    dictionary[size : len(places)] = list(places)[size:]
    codes[:] = np.array([places[value] for value in found.tolist()], np.uint32)[inverse]
    return len(places)


def _packed(codes: Places, width: int) -> bytes:
    if not len(codes):
        return b""
    groups = -(-len(codes) // GROUP)
    filled = np.zeros(groups * GROUP, np.uint64)
    filled[: len(codes)] = codes
    return varint(groups << 1 | 1) + _bits(filled, width)


def _bits(values: NDArray[np.uint64], width: int) -> bytes:
    bits = np.unpackbits(values.astype("<u8").view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    return np.packbits(bits[:, :width], bitorder="little").tobytes()


def _put(data: bytes | bytearray, out: NDArray[Any]) -> int:
    out[: len(data)] = np.frombuffer(data, np.uint8)
    return len(data)
