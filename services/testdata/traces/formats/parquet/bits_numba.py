"""Numbers as bits, for the kernels of encodings: eight values of a width are as many bytes as the width has bits.

What is written begins at any byte, least byte first. Whole words are written, so that up to eight bytes behind the end
are overwritten. Indices are without a sign, as a negative one would have to be looked for each time.
"""

from typing import cast

import numpy as np
from numba import types
from numba.extending import intrinsic

from services.testdata.traces.generation.jit import Kernel, inlined, kernel

ONE, TWO, FOUR, SIX, SEVEN, EIGHT, WORD = (np.uint64(number) for number in (1, 2, 4, 6, 7, 8, 64))
THREE, FIVE, LAST = np.uint64(3), np.uint64(5), np.uint64(63)
LOW_7, LOW_8, MORE = np.uint64(0x7F), np.uint64(0xFF), np.uint64(0x80)


def _instruction(function: Kernel) -> Kernel:
    """What NumPy has no word for. Numba gives the first argument."""
    return cast(Kernel, intrinsic(function))


@_instruction
def put_word(typingctx, out, at, word):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """Write 64 bits; a view of the bytes as words would have to be aligned."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = context.get_value_type(types.uint64).as_pointer()
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), pointer)
        builder.store(arguments[2], place, align=1)
        return context.get_dummy_value()

    return types.void(out, types.intp, types.uint64), generate


@_instruction
def bit_length(typingctx, word):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """How many bits a word needs; 0 for 0."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]  # noqa: ARG001
        leading = builder.ctlz(arguments[0], context.get_constant(types.boolean, False))
        return builder.sub(context.get_constant(types.uint64, 64), leading)

    return types.int64(types.uint64), generate


@kernel
def put_varint(out, at, value):  # type: ignore[no-untyped-def]
    """A number from 0 on, seven bits a byte (ULEB128); returns the place behind it."""
    while value >= MORE:
        out[at] = (value & LOW_7) | MORE
        value >>= SEVEN
        at += 1
    out[at] = value
    return at + 1


@kernel
def put_bytes(out, at, value, size):  # type: ignore[no-untyped-def]
    """The lowest bytes of a number; returns the place behind them."""
    for i in range(size):
        out[at + i] = (value >> (EIGHT * np.uint64(i))) & LOW_8
    return at + size


@inlined
def _two(values, i, width):  # type: ignore[no-untyped-def]
    return np.uint64(values[i]) | np.uint64(values[i + ONE]) << width


@inlined
def _four(values, i, width):  # type: ignore[no-untyped-def]
    return _two(values, i, width) | _two(values, i + TWO, width) << (TWO * width)


@kernel
def put_eights(out, at, values, groups, width):  # type: ignore[no-untyped-def]
    """Eight values a group, of which the lowest `width` bits, 0 to 64, are written; returns the place behind them."""
    size = np.uint64(width)
    first = np.uint64(0)
    if width <= 8:
        for _ in range(groups):
            put_word(out, at, _four(values, first, size) | _four(values, first + FOUR, size) << (FOUR * size))
            at += width
            first += EIGHT
    elif width < 16:
        bits = FOUR * size
        for _ in range(groups):
            high = _four(values, first + FOUR, size)
            put_word(out, at, _four(values, first, size) | high << bits)
            put_word(out, at + 8, high >> (WORD - bits))
            at += width
            first += EIGHT
    else:
        for _ in range(groups):
            _put_wide(out, at, values, first, size)
            at += width
            first += EIGHT
    return at


@kernel
def _put_wide(out, at, values, first, width):  # type: ignore[no-untyped-def]
    """Eight values of 16 bits or more, in pieces of one or two, each of which ends at most one word."""
    double = width <= EIGHT * FOUR
    step = width + width if double else width
    word, used = np.uint64(0), np.uint64(0)
    for _ in range(4 if double else 8):
        piece = _two(values, first, width) if double else np.uint64(values[first])
        first += TWO if double else ONE
        word |= piece << used
        used += step
        if used >= WORD:
            put_word(out, at, word)
            at += 8
            used -= WORD
            # What did not fit. In two steps, as there is no shift by 64.
            word = piece >> (step - used - ONE) >> ONE
    put_word(out, at, word)
