"""Every format carries the same calls."""

import io
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from greenroom.testdata.v1 import trace_call_pb2 as pb
from services.testdata.traces.formats import Format
from services.testdata.traces.formats.files import write_file
from services.testdata.traces.formats.registry import FORMATS, Encoder
from services.testdata.traces.generation import Calls, Chain, compile_chain, generate, session_count
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.schema import NAMES
from services.testdata.traces.workflow import Workflow
from services.testdata.workflows.builtin import built_in
from tests.unit.testdata.decoding import DECODERS, rows_of, same

STREAMED = [form for form, entry in FORMATS.items() if entry.encoder]


@pytest.fixture(scope="module")
def chain() -> Chain:
    workflow = built_in()["workflows/ecommerce"].workflow
    return compile_chain(workflow, Parameters(users=200, cascade_rate=0.5, seed=7))


@pytest.fixture(scope="module")
def calls(chain: Chain) -> Calls:
    return generate(chain, 1, session_count(chain))


def encoder_of(chain: Chain, form: Format) -> Encoder:
    encoder = FORMATS[form].encoder
    assert encoder is not None
    return encoder(chain)


def written(chain: Chain, form: Format, calls: Calls) -> bytes:
    encoder = encoder_of(chain, form)
    return encoder.beginning() + encoder.encode(calls)


def one_call(endpoint: str, params: str = "", **values: float) -> tuple[Chain, Calls]:
    """A chain of one endpoint, and one call of it with these values."""
    name, _, value = params.partition("=")
    parameters = {endpoint: {name: (value,)}} if params else {}
    workflow = Workflow("one", {endpoint: 1.0}, {}, {endpoint: 1.0}, {endpoint: 10.0}, parameters=parameters)
    chain = compile_chain(workflow, Parameters(users=1, user_types={"free": 1.0}, cascade_rate=0.0))
    calls = generate(chain, 1, 1)
    for column, number in values.items():
        getattr(calls, column)[:] = number
    return chain, calls


def test_a_row_has_the_texts_of_its_call() -> None:
    chain, calls = one_call("GET /cart", "sort=price", fault_kind=2)

    [row] = rows_of(chain, calls)

    told = dict(zip(NAMES, row, strict=True))
    assert (told["endpoint"], told["method"], told["params"]) == ("GET /cart", "GET", "sort=price")
    assert (told["user_type"], told["fault_kind"]) == ("free", "timeout")


@pytest.mark.parametrize("form", STREAMED)
def test_a_stream_in_any_format_is_read_back_as_the_same_calls_in_the_same_order(
    form: Format, chain: Chain, calls: Calls
) -> None:
    assert same(DECODERS[form](written(chain, form, calls)), rows_of(chain, calls))


@pytest.mark.parametrize("form", STREAMED)
def test_calls_that_are_cut_anywhere_and_written_one_part_after_the_other_are_one_stream(
    form: Format, chain: Chain, calls: Calls
) -> None:
    encoder, cuts = encoder_of(chain, form), [0, 1, 17, 18, 400, len(calls)]
    data = encoder.beginning()
    for start, stop in pairwise(cuts):
        before = start - int(calls.session.searchsorted(calls.session[start]))
        data += encoder.encode(calls.part(start, stop), before)

    assert same(DECODERS[form](data), rows_of(chain, calls))


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in (Format.ROWS, Format.ARROW_IPC)])
def test_a_file_in_any_format_is_read_back_as_the_same_calls_and_says_how_many(
    form: Format, chain: Chain, calls: Calls
) -> None:
    sink, wanted = io.BytesIO(), calls.part(*np.searchsorted(calls.session, [101, 301]).tolist())

    count = write_file(chain, form, 101, 200, sink, {})

    assert count == len(wanted)
    assert same(DECODERS[form](sink.getvalue()), rows_of(chain, wanted))


@pytest.mark.parametrize("form", [Format.PARQUET, Format.CSV, Format.JSONL, Format.OTLP])
def test_a_file_of_no_sessions_is_read_back_as_no_calls(form: Format, chain: Chain) -> None:
    sink = io.BytesIO()

    assert write_file(chain, form, 1, 0, sink, {}) == 0
    assert DECODERS[form](sink.getvalue()) == []


def test_rows_are_byte_for_byte_what_the_generated_classes_write(chain: Chain, calls: Calls) -> None:
    data = written(chain, Format.ROWS, calls)

    assert pb.StreamCallsResponse.FromString(data).SerializeToString() == data


@pytest.mark.parametrize(
    "values",
    [
        {"timestamp": 0, "latency_ms": 0.0},
        {"timestamp": 7_258_118_399_999, "user": 1 << 40, "session": (1 << 63) - 1, "fault_id": (1 << 63) - 1},
        {"user": 127, "session": 128, "fault_id": 16_384, "status": 599, "fault_kind": 4},
    ],
)
@pytest.mark.parametrize("form", STREAMED)
def test_the_least_and_the_largest_numbers_are_read_back(form: Format, values: dict[str, float]) -> None:
    chain, calls = one_call("home", "", **values)
    data = written(chain, form, calls)

    assert same(DECODERS[form](data), rows_of(chain, calls))
    if form is Format.ROWS:
        assert pb.StreamCallsResponse.FromString(data).SerializeToString() == data


@pytest.mark.parametrize("endpoint", ['a "quoted", path', "GET /größe/{id}", "x" * 200, "comma,", "🛒", "back\\slash"])
@pytest.mark.parametrize("form", STREAMED)
def test_texts_that_a_format_must_quote_or_escape_are_read_back(form: Format, endpoint: str) -> None:
    chain, calls = one_call(endpoint, params='q="a, b"&ü')

    assert same(DECODERS[form](written(chain, form, calls)), rows_of(chain, calls))


def repeated(calls: Calls, times: int) -> Calls:
    """The calls, repeated."""
    return Calls(*(np.tile(column, times) for column in calls.arrays))


@pytest.mark.parametrize("form", [Format.JSONL, Format.CSV])
def test_any_latency_is_written_so_that_the_same_32_bit_float_is_read_back(form: Format) -> None:
    chain, calls = one_call("home")
    dice = np.random.default_rng(1)
    edges = [0.0, 0.1, 0.3, 1.0, 1e-7, 9.999999, 30_000.0, 99_999.99, 16_777_216.0, 8.64e7, 3e8, 0.0001234567]
    random = np.concatenate(
        [dice.lognormal(4, 2, 20_000), dice.uniform(0, 1, 5_000), 10.0 ** dice.uniform(-6, 9, 5_000)]
    )
    latencies = np.concatenate([edges, random]).astype(np.float32)
    many = repeated(calls, len(latencies))
    many.latency_ms[:] = latencies

    rows = DECODERS[form](written(chain, form, many))

    assert [row[7] for row in rows] == [float(latency) for latency in latencies]


def test_a_latency_is_written_with_no_more_digits_than_it_needs() -> None:
    chain, calls = one_call("home", latency_ms=0.1)

    line = written(chain, Format.JSONL, calls).decode()

    assert '"latency_ms":0.1,' in line


def test_times_are_written_as_dates_over_all_years_that_may_be_asked_for() -> None:
    chain, calls = one_call("home")
    times = np.random.default_rng(2).integers(0, 190_288_396_800_000, 5_000)
    leap = [datetime(year, 2, 29, 23, 59, 59, 999_000, UTC).timestamp() * 1000 for year in (1972, 2000, 2024, 7996)]
    many = repeated(calls, len(times) + len(leap))
    many.timestamp[:] = np.concatenate([times, np.round(leap).astype(np.int64)])

    rows = DECODERS[Format.CSV](written(chain, Format.CSV, many))

    assert [row[0] for row in rows] == many.timestamp.tolist()
