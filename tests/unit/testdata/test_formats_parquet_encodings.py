"""The encodings of Parquet are the same bytes from the compiled kernels and from NumPy, and readers read them."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.testdata.traces.formats.columns import COLUMNS
from services.testdata.traces.formats.parquet import ROW_GROUP, write_parquet
from services.testdata.traces.formats.parquet.kernels import NUMPY, load
from services.testdata.traces.formats.parquet.shapes import room
from services.testdata.traces.generation import FAULT_KINDS, Calls, compile_chain, generate, session_count
from services.testdata.traces.generation.kernels import KernelName
from services.testdata.traces.parameters import Parameters
from tests.unit.testdata.chains import SHOP

Column = npt.NDArray[Any]

CHAIN = compile_chain(SHOP, Parameters(users=100))
LENGTHS = st.sampled_from([1, 2, 7, 8, 9, 63, 64, 65, 127, 128, 129, 255, 256, 257, 258, 513])
BEHIND = 0xA5


def columns(draw: st.DrawFn, n: int, kind: str, least: int, most: int) -> Column:
    """A column of n numbers: all the same, two in turn, in runs, or anything."""
    few = st.lists(st.integers(least, most), min_size=1, max_size=5)
    shapes: dict[str, Callable[[], Column]] = {
        "one": lambda: np.full(n, draw(st.integers(least, most)), kind),
        "extremes": lambda: np.resize(np.array([least, most], kind), n),
        "few in turn": lambda: np.resize(np.array(draw(few), kind), n),
        "runs": lambda: np.resize(np.array(draw(few), kind).repeat(draw(st.integers(1, 40))), n),
        "anything": lambda: draw(arrays(kind, n, elements=st.integers(least, most))),
    }
    return shapes[draw(st.sampled_from(sorted(shapes)))]()


@st.composite
def whole_numbers(draw: st.DrawFn) -> Column:
    """Numbers of 64 bits, whose differences may need 65."""
    return columns(draw, draw(LENGTHS | st.just(0)), "i8", -(2**63), 2**63 - 1)


@st.composite
def places(draw: st.DrawFn) -> tuple[Column, int]:
    """Places in a dictionary, and the bits that they have."""
    width = draw(st.integers(1, 32))
    return columns(draw, draw(LENGTHS | st.just(0)), "u4", 0, 2**width - 1), width


@st.composite
def any_calls(draw: st.DrawFn) -> Calls:
    """Calls of CHAIN such as none would be generated."""
    n = draw(LENGTHS)
    signed, of = (-(2**63), 2**63 - 1), ("endpoints", "params", "user_types")
    endpoints, params, types = (len(getattr(CHAIN, name)) - 1 for name in of)
    return Calls(
        timestamp=columns(draw, n, "i8", *signed),
        user=columns(draw, n, "i8", *signed),
        user_type=columns(draw, n, "u1", 0, types),
        session=columns(draw, n, "i8", *signed),
        endpoint=columns(draw, n, "u2", 0, endpoints),
        status=columns(draw, n, "i2", -(2**15), 2**15 - 1),
        # Of any bits but those of numbers that are none, which are not equal to themselves.
        latency=columns(draw, n, "i4", 0, 0x7F800000).view(np.float32),
        params=columns(draw, n, "u2", 0, params),
        fault_id=columns(draw, n, "i8", *signed),
        fault_kind=columns(draw, n, "u1", 0, len(FAULT_KINDS) - 1),
    )


def written(calls: Calls, kernel: KernelName) -> bytes:
    sink = io.BytesIO()
    write_parquet(CHAIN, [calls], sink, {}, kernel)
    return sink.getvalue()


def encoded(encode: Callable[..., int], *given: Any, values: int) -> bytes:
    """What an encoding writes into no more room than it may take."""
    out = np.full(room(values) + 64, BEHIND, np.uint8)
    size = encode(*given, out[: room(values)])
    assert set(out[room(values) :]) == {BEHIND}
    return out[:size].tobytes()


def unpacked(data: bytes, width: int) -> Iterator[int]:
    """Places as Encodings.md says that they are read, bit by bit; more than were packed, for the last eight."""
    at = 0
    while at < len(data):
        head, at = varint(data, at)
        if head & 1:
            size = (head >> 1) * width
            bits = int.from_bytes(data[at : at + size], "little")
            yield from (bits >> i * width & (1 << width) - 1 for i in range((head >> 1) * 8))
        else:
            size = (width + 7) // 8
            yield from [int.from_bytes(data[at : at + size], "little")] * (head >> 1)
        at += size


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, and the place behind it."""
    end = next(i for i in range(at, len(data)) if data[i] < 128) + 1
    return sum((byte & 127) << 7 * i for i, byte in enumerate(data[at:end])), end


@given(whole_numbers())
@settings(max_examples=300, deadline=None)
def test_differences_are_the_same_bytes_from_either_kernel(values: Column) -> None:
    assert encoded(load("numba").delta, values, values=len(values)) == encoded(NUMPY.delta, values, values=len(values))


@given(places())
@settings(max_examples=300, deadline=None)
def test_places_are_the_same_bytes_from_either_kernel_and_are_read_back(given: tuple[Column, int]) -> None:
    codes, width = given

    data = encoded(load("numba").hybrid, codes, width, values=len(codes))

    assert data == encoded(NUMPY.hybrid, codes, width, values=len(codes))
    found = list(unpacked(data, width))
    assert found[: len(codes)] == codes.tolist()
    assert len(found) - len(codes) < 8


@given(st.lists(whole_numbers(), min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_a_dictionary_has_each_number_once_in_the_order_of_first_appearance(pages: list[Column]) -> None:
    found = []
    for kernel in (load("numba"), NUMPY):
        dictionary, slots = np.zeros(2_048, np.int64), np.full(2_048, -1, np.int32)
        size, codes = 0, [np.zeros(len(page), np.uint32) for page in pages]
        for page, of in zip(pages, codes, strict=True):
            size = kernel.number(page, dictionary, size, slots, of)
        found.append((dictionary[:size].tolist(), np.concatenate(codes).tolist()))

    values = np.concatenate(pages).tolist()
    assert found[0] == found[1]
    assert found[0][0] == list(dict.fromkeys(values))
    assert [found[0][0][code] for code in found[0][1]] == values


@given(any_calls())
@settings(max_examples=150, deadline=None)
def test_any_calls_are_the_same_file_from_either_kernel_and_are_read_back(calls: Calls) -> None:
    data = written(calls, "numba")

    assert data == written(calls, "numpy")
    table = pq.read_table(io.BytesIO(data))
    texts = {
        "user_type": CHAIN.user_types,
        "endpoint": CHAIN.endpoints,
        "params": CHAIN.params,
        "fault_kind": FAULT_KINDS,
    }
    for name in COLUMNS:
        if name in texts:
            assert table[name].to_pylist() == [texts[name][code] for code in getattr(calls, name)]
        elif name == "method":
            assert table[name].to_pylist() == [CHAIN.methods[code] for code in calls.endpoint]
        else:
            column = {"latency_ms": "latency"}.get(name, name)
            found = table[name].combine_chunks().to_numpy(zero_copy_only=False)
            assert np.array_equal(found.astype(getattr(calls, column).dtype), getattr(calls, column))


@pytest.mark.parametrize("beyond", [0, 1])
def test_row_groups_are_the_same_file_from_either_kernel(beyond: int) -> None:
    chain = compile_chain(SHOP, Parameters(users=130_000))
    calls = generate(chain, 1, session_count(chain)).part(0, ROW_GROUP + beyond)

    data = written(calls, "numba")

    assert data == written(calls, "numpy")
    groups = pq.read_metadata(io.BytesIO(data))
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [ROW_GROUP, 1][: 1 + beyond]
