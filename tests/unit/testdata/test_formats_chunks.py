"""Chunks: about a mebibyte of whole sessions, never more than a message holds."""

import pytest

from services.testdata.traces.chunks import MOST_BYTES, Chunk, make_chunk, outline
from services.testdata.traces.compiled import compiled, packed
from services.testdata.traces.formats import Format
from services.testdata.traces.generation import generate
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.workflow import Workflow
from services.testdata.workflows.builtin import built_in
from tests.unit.testdata.decoding import DECODERS, rows_of, same

STREAMED = [form for form in Format if form is not Format.PARQUET]
WORDY = Workflow(
    name="wordy",
    entry_points={"poll": 1.0},
    transitions={"poll": {"poll": 0.9999}},
    exit_points={"poll": 0.0001},
    avg_response_times={"poll": 5.0},
    parameters={"poll": {"text": tuple(letter * 10_000 for letter in "abc")}},
)
"""Sessions of about a thousand calls of 10 kB each, more than validation accepts."""
TWO = Parameters(users=2, sessions_mean=1.0, sessions_std=0.0, cascade_rate=0.0)


def data(chunks: list[Chunk]) -> bytes:
    return b"".join(chunk.data for chunk in chunks)


@pytest.mark.parametrize("form", STREAMED)
def test_as_many_sessions_as_the_outline_says_come_to_about_a_mebibyte(form: Format) -> None:
    workflow, parameters = built_in()["workflows/ecommerce"].workflow, Parameters(users=10_000)
    outlined = outline(packed(workflow, parameters), form)

    (chunk,) = make_chunk(packed(workflow, parameters), 5_001, outlined.chunk_sessions, form, False)

    assert 1 << 19 <= len(chunk.data) <= 1 << 21
    assert (chunk.last_session, chunk.begun) == (5_000 + outlined.chunk_sessions, 0)


@pytest.mark.parametrize("form", [Format.ROWS, Format.JSONL, Format.CSV, Format.OTLP])
def test_a_session_that_is_too_large_is_cut_at_its_calls(form: Format) -> None:
    chunks = make_chunk(packed(WORDY, TWO), 1, 2, form, True)

    assert len(chunks) >= 5
    assert all(len(chunk.data) <= MOST_BYTES for chunk in chunks)
    chain = compiled(packed(WORDY, TWO))
    assert same(DECODERS[form](data(chunks)), rows_of(chain, generate(chain, 1, 2)))
    assert (chunks[0].last_session, chunks[-1].last_session, chunks[-1].begun) == (0, 2, 0)
    assert chunks[0].begun == chunks[0].call_count


@pytest.mark.parametrize("form", [Format.ROWS, Format.JSONL, Format.OTLP])
def test_what_is_made_after_any_chunk_is_what_is_missing(form: Format) -> None:
    chunks = make_chunk(packed(WORDY, TWO), 1, 2, form, True)
    expected = DECODERS[form](data(chunks))

    for place, chunk in enumerate(chunks[:-1], start=1):
        first = chunk.last_session + 1
        rest = make_chunk(packed(WORDY, TWO), first, 2 + 1 - first, form, True, chunk.begun)
        assert DECODERS[form](data(chunks[:place] + rest)) == expected


def test_too_many_sessions_for_a_message_are_cut_between_sessions() -> None:
    workflow, parameters = built_in()["workflows/ecommerce"].workflow, Parameters(users=20_000)

    chunks = make_chunk(packed(workflow, parameters), 1, 20_000, Format.JSONL, False)

    assert len(chunks) >= 4
    assert all(chunk.begun == 0 and len(chunk.data) <= MOST_BYTES for chunk in chunks)
    assert chunks[-1].last_session == 20_000


def test_an_arrow_schema_with_more_texts_than_a_message_holds_is_cut_anywhere() -> None:
    values = tuple(f"{number:x<100}" for number in range(1_000))
    parameters = {"poll": {"one": values, "two": values[:60]}}
    workflow = Workflow("wide", {"poll": 1.0}, {}, {"poll": 1.0}, {"poll": 5.0}, parameters=parameters)

    chunks = make_chunk(packed(workflow, TWO), 1, 2, Format.ARROW_IPC, True)

    assert [chunk.call_count for chunk in chunks] == [*[0] * (len(chunks) - 1), 2]
    assert len(chunks) >= 3
    assert all(len(chunk.data) <= MOST_BYTES and chunk.last_session in (0, 2) for chunk in chunks)
    chain = compiled(packed(workflow, TWO))
    assert same(DECODERS[Format.ARROW_IPC](data(chunks)), rows_of(chain, generate(chain, 1, 2)))
