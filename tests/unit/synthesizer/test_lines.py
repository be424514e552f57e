"""Splitting chunks into lines."""

import codecs
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.synthesizer.adapters.parsing import parse_sources
from services.synthesizer.imports.lines import SLICE_LINES, LineCutter, Lines, as_lines, slices
from services.synthesizer.imports.model import Problem
from shared.limits import MAX_LINE


async def feed(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@given(data=st.lists(st.sampled_from([b"\n", b"ab", b"c", b""])).map(b"".join), size=st.integers(1, 5))
def test_lines_do_not_depend_on_where_the_bytes_are_cut(data: bytes, size: int) -> None:
    cutter = LineCutter()
    cut = [line for start in range(0, len(data), size) for line in cutter.feed(data[start : start + size])]
    cut += cutter.finish()

    whole = data.split(b"\n")
    if not whole[-1]:
        whole.pop()
    assert cut == whole


def test_a_line_that_is_too_long_is_skipped_and_not_stored_in_memory() -> None:
    cutter = LineCutter()
    for _ in range(3):
        assert cutter.feed(b"x" * MAX_LINE) == []
        assert len(cutter._begun) <= MAX_LINE

    assert cutter.feed(b"\nnext\n") == [None, b"next"]


async def test_slices_are_bounded_and_an_empty_file_is_one_empty_slice() -> None:
    cut = [(lines.first, len(lines.texts)) async for lines in slices(feed(b"a\n" * (2 * SLICE_LINES + 1)))]

    assert cut == [(1, SLICE_LINES), (1 + SLICE_LINES, SLICE_LINES), (1 + 2 * SLICE_LINES, 1)]
    assert [lines async for lines in slices(feed())] == [Lines(1, [])]
    assert [lines async for lines in slices(feed(b"a\n" * SLICE_LINES))] == [Lines(1, [b"a"] * SLICE_LINES)]


def test_every_format_has_the_same_limit_on_lines() -> None:
    """A line that is too long is a problem with its own number; readers never see it."""
    lines = Lines(7, [b"[]", None, b"{"])
    problems = parse_sources(0, None, "greenroom", lines)
    assert all(isinstance(problem, Problem) for problem in problems)
    assert [(problem.line, problem.reason) for problem in problems if isinstance(problem, Problem)] == [
        (7, "NOT_AN_OBJECT"),
        (8, "LINE_TOO_LONG"),
        (9, "BAD_JSON"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
async def test_a_file_with_a_byte_order_mark_is_read(encoding: str, size: int) -> None:
    text = "\n".join(
        json.dumps({"external_id": name, "events": []}, ensure_ascii=False) for name in ("Zoë", "東京", "😀")
    )
    data = (codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b"") + text.encode(encoding)

    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    read = [item async for lines in slices(feed(*chunks)) for item in parse_sources(0, None, "greenroom", lines)]

    assert [item.external_id for item in read if not isinstance(item, Problem)] == ["Zoë", "東京", "😀"]


@pytest.mark.parametrize("wrong", [b"\x00", "\ud800".encode("utf-16-le", "surrogatepass")])
async def test_malformed_utf_16_is_a_problem_of_its_line(wrong: bytes) -> None:
    data = "{}\n".encode("utf-16") + wrong

    read = [item async for lines in slices(feed(data)) for item in parse_sources(0, None, "greenroom", lines)]

    assert [(item.line, item.reason) for item in read if isinstance(item, Problem)] == [
        (1, "MISSING_FIELD"),
        (2, "BAD_UTF8"),
    ]


TEXTS = st.text('"\\,{}[]\né', max_size=4)
INNER = TEXTS | st.lists(TEXTS, max_size=2) | st.dictionaries(TEXTS, TEXTS, max_size=2)
OBJECTS = st.dictionaries(TEXTS, INNER | st.lists(INNER, max_size=2), max_size=3)


@given(
    items=st.lists(OBJECTS, max_size=3),
    indent=st.sampled_from([None, 2]),
    ascii_only=st.booleans(),
    size=st.integers(1, 7),
)
@example(items=[{"a": '\\",]}\\\\'}, {}], indent=2, ascii_only=True, size=1)
async def test_the_objects_of_a_list_are_lines_however_it_is_written(
    items: list[dict[str, object]], indent: int | None, ascii_only: bool, size: int
) -> None:
    data = b"\xef\xbb\xbf\r\n " + json.dumps(items, indent=indent, ensure_ascii=ascii_only).encode() + b"\n"
    cut = [data[start : start + size] for start in range(0, len(data), size)]

    read = [line async for lines in slices(feed(*cut)) for line in lines.numbered()]

    assert [json.loads(text or b"") for _, text in read] == items
    assert [number for number, _ in read] == list(range(1, len(items) + 1))


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b'[{"a": nope}, {"b": 1}] x\ny', [b'{"a": nope}', b' {"b": 1}', b"x", b"y"]),
        (b'[{"a": 1}, {"b": ', [b'{"a": 1}', b' {"b": ']),
        (b'[{}]]\n{"c": 1}', [b"{}", b"]", b'{"c": 1}']),
        (b"[1]\n[{}]", [b"[1]", b"[{}]"]),
        (b"[] ", []),
        (b"[", [b"["]),
    ],
)
async def test_a_list_that_is_broken_loses_only_what_is_broken(data: bytes, lines: list[bytes]) -> None:
    read = b"".join([chunk async for chunk in as_lines(feed(data))])

    assert read.split(b"\n") == (lines or [b""])
