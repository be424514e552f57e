"""Lines out of chunks that were cut anywhere."""

from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from services.synthesizer.adapters.imports import parse_sources
from services.synthesizer.catalog.lines import MAX_LINE, SLICE_LINES, Line, LineCutter, slices
from services.synthesizer.catalog.records import Problem
from services.synthesizer.store.documents import pack_source


async def feed(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@given(data=st.lists(st.sampled_from([b"\n", b"ab", b"c", b""])).map(b"".join), size=st.integers(1, 5))
def test_wherever_the_bytes_are_cut_the_lines_are_the_same(data: bytes, size: int) -> None:
    cutter = LineCutter()
    cut = [line for start in range(0, len(data), size) for line in cutter.feed(data[start : start + size])]
    cut += cutter.finish()

    whole = data.split(b"\n")
    if not whole[-1]:
        whole.pop()
    assert cut == [Line(number, text) for number, text in enumerate(whole, start=1)]


def test_a_line_that_is_too_long_is_passed_over_without_being_held() -> None:
    cutter = LineCutter()
    for _ in range(3):
        assert list(cutter.feed(b"x" * MAX_LINE)) == []
        assert len(cutter._begun) <= MAX_LINE

    assert list(cutter.feed(b"\nnext\n")) == [Line(1, None), Line(2, b"next")]


async def test_slices_are_bounded_and_an_empty_file_is_one_empty_slice() -> None:
    cut = [len(lines) async for lines in slices(feed(b"a\n" * (2 * SLICE_LINES + 1)))]

    assert cut == [SLICE_LINES, SLICE_LINES, 1]
    assert [lines async for lines in slices(feed())] == [[]]
    assert [[lines[-1]] async for lines in slices(feed(b"a\n" * SLICE_LINES))] == [[Line(SLICE_LINES, b"a")]]


def test_there_is_one_bound_on_a_line_and_one_kind_of_problem() -> None:
    """A line that was cut off is a problem with its own number, whatever the format; readers never see it."""
    lines = [Line(7, b"[]"), Line(8, None), Line(9, b"{")]
    problems = parse_sources(pack_source, "greenroom", lines)
    assert all(isinstance(problem, Problem) for problem in problems)
    assert [(problem.line, problem.reason) for problem in problems if isinstance(problem, Problem)] == [
        (7, "NOT_AN_OBJECT"),
        (8, "LINE_TOO_LONG"),
        (9, "BAD_JSON"),
    ]
