"""Files made to take much memory or disk: learning refuses them with a reason, and leaves nothing behind."""

import asyncio
import gzip
import io
import json
import sys
from collections.abc import AsyncIterator, Callable
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from greenroom.client import connect
from greenroom.testdata.v1 import trace_learning_pb2 as pb
from tests.learnings import JSONL, SMALL, Stand
from tests.processes import PATIENCE, peak_memory, service, workers
from tests.scripted import refused
from tests.suite import testdata_suite as served

PEAK = 500e6 / (1 << 10)
"""kB of resident memory that a worker may take for a file of up to 1 MB."""
PARQUET = pb.LogFormat(kind=pb.LogFormat.KIND_PARQUET)
OTLP = pb.LogFormat(kind=pb.LogFormat.KIND_OTLP_JSON)
CSV = pb.LogFormat(kind=pb.LogFormat.KIND_CSV)


@pytest.fixture(scope="module")
def others() -> set[int]:
    """The processes of other servers."""
    return workers()


@pytest.fixture(scope="module")
async def stand(others: set[int], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    data, logs = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("logs")
    async with served("sqlite", data, input_roots=(logs,)) as suite:
        yield Stand(suite, logs, data)


def lines_of_arrays() -> bytes:
    """Calls with arrays that learning does not need, and which take twenty times their bytes."""
    row = '{"session": "a", "endpoint": "b", "timestamp": 1, "x": [' + ",".join(["[]"] * 300_000) + "]}\n"
    return gzip.compress(row.encode() * 110)


def spans_of_arrays() -> bytes:
    return gzip.compress(b'{"resourceSpans": [' + b"[[]]," * 12_000_000 + b"1]}")


def repeated_value(session: str, rows: int) -> bytes:
    file = io.BytesIO()
    values = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([session]))
    pq.write_table(pa.table({"session": values, "endpoint": ["a"] * rows, "timestamp": [1] * rows}), file)
    return file.getvalue()


@cache
def zeros() -> bytes:
    return gzip.compress(bytes(1_000 << 20))


def gzip_in_gzip() -> bytes:
    return gzip.compress(zeros())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
@pytest.mark.parametrize(
    ("log_format", "make", "reason"),
    [
        (JSONL, lines_of_arrays, "LOG_TOO_LARGE"),
        (JSONL, zeros, "LOG_TOO_LARGE"),
        (JSONL, gzip_in_gzip, "LOG_EMPTY"),
        (OTLP, spans_of_arrays, "TOO_MUCH_MEMORY"),
        (PARQUET, lambda: repeated_value("x" * 40_000, 200_000), "LOG_TOO_LARGE"),
        (PARQUET, zeros, "LOG_TOO_LARGE"),
        (CSV, zeros, "LOG_MALFORMED"),
    ],
    ids=["lines of arrays", "zeros", "gzip in gzip", "spans of arrays", "a repeated value", "Parquet", "CSV"],
)
async def test_a_small_file_takes_less_than_500_mb_and_is_refused_with_a_reason(
    stand: Stand, others: set[int], log_format: pb.LogFormat, make: Callable[[], bytes], reason: str
) -> None:
    path = stand.logs / "hostile"
    path.write_bytes(make())
    assert path.stat().st_size < 1 << 20
    peak = 0

    async def learn() -> None:
        async with refused("FAILED_PRECONDITION" if reason == "TOO_MUCH_MEMORY" else "INVALID_ARGUMENT", reason):
            await stand.client.traces.learnings.learn_file(path, log_format)

    learning = asyncio.create_task(learn())
    while not learning.done():
        peak = max([peak, *map(peak_memory, workers() - others)])
        await asyncio.wait([learning], timeout=0.01)
    await learning

    assert 0 < peak < PEAK
    assert not list((stand.data / "learnings").glob("*"))


async def test_a_job_fails_with_the_same_reason(stand: Stand) -> None:
    (stand.logs / "hostile.parquet").write_bytes(repeated_value("x" * 40_000, 20_000))

    failed = await stand.over(await stand.start("hostile.parquet", PARQUET))

    assert (failed.state, failed.reason) == (pb.Learning.STATE_FAILED, "LOG_TOO_LARGE")
    assert "hostile.parquet" in failed.detail


async def test_columns_that_learning_does_not_need_may_hold_anything(stand: Stand) -> None:
    rows = [{"session": i // 3, "endpoint": "browse", "timestamp": i, "x": [[], {}] * i} for i in range(300)]

    learned = (await stand.learn("".join(json.dumps(row) + "\n" for row in rows), JSONL)).learning.learned

    assert (learned.session_count, learned.call_count) == (100, 300)


async def test_an_upload_leaves_nothing_behind_when_its_server_is_killed(tmp_path: Path) -> None:
    log, data = tmp_path / "long.jsonl", tmp_path / "data"
    log.write_text("".join(f'{{"session": {i}, "endpoint": "a", "timestamp": 1}}\n' for i in range(1_000_000)))
    environment = {"GREENROOM_DATA_DIR": str(data)}
    async with service("services.testdata", environment) as killed, connect(killed.address, timeout=PATIENCE) as client:
        upload = asyncio.create_task(client.traces.learnings.learn_file(log, JSONL))
        async with asyncio.timeout(60):
            while not list(data.glob("learnings/*/progress.json")):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        killed.kill()
        await killed.died()
        await asyncio.wait([upload])
        assert upload.exception() is not None
    assert list(data.glob("learnings/*/log"))

    async with service("services.testdata", environment) as again, connect(again.address, timeout=PATIENCE):
        assert list(data.glob("learnings/*")) == []


async def test_a_server_that_starts_leaves_the_uploads_of_others_alone(stand: Stand) -> None:
    log = stand.logs / "long.jsonl"
    log.write_text("".join(f'{{"session": {i}, "endpoint": "a", "timestamp": 1}}\n' for i in range(300_000)))
    upload = asyncio.create_task(stand.client.traces.learnings.learn_file(log, JSONL))
    async with asyncio.timeout(60):
        while not list(stand.data.glob("learnings/*/progress.json")):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async with served("sqlite", stand.data):
        pass

    assert (await upload).learning.learned.call_count == 300_000


async def test_links_in_a_circle_below_an_input_root_are_refused(stand: Stand) -> None:
    (stand.logs / "circle").symlink_to("circle")
    (stand.logs / "folder").mkdir()
    (stand.logs / "folder" / "round").symlink_to("../folder/round")
    (stand.logs / "folder" / "small.csv").write_text(SMALL)

    for path in ("circle", "circle/deeper", "folder/round"):
        async with refused("INVALID_ARGUMENT", "INPUT_NOT_ALLOWED") as errors:
            await stand.start(path)
        assert errors[0].violations[0].description == "A symbolic link leads in a circle."
    assert (await stand.over(await stand.start("folder"))).learned.session_count == 3
