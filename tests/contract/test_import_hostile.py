"""Small files that are made to take much memory or time are refused with a reason when they are imported."""

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from greenroom.client import GreenroomError
from tests.processes import peak_memory, workers
from tests.suite import Suite, suite

PEAK = 500e6 / (1 << 10)
"""kB of resident memory that a worker may take for a file of up to 1 MB."""


@pytest.fixture(scope="module")
async def greenroom(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    async with suite("sqlite", tmp_path_factory.mktemp("data"), compute_workers=1) as greenroom:
        yield greenroom


def table(text: str, conversations: list[str], rows: int) -> bytes:
    """Rows with one text, as many of each conversation."""
    indices = [number * len(conversations) // rows for number in range(rows)]
    columns = {
        "conversation_id": pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), conversations),
        "role": pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["user"]),
        "content": pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), [text]),
    }
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, compression="zstd")
    return file.getvalue()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: table("x" * 40_000, ["1"], 200_000), "TABLE_TOO_LARGE"),
        (lambda: table("x" * (16 << 20), ["1"], 20_000), "TOO_MUCH_MEMORY"),
        (lambda: table("x" * 15_000, [f"{n}" for n in range(12_000)], 12_000), "TABLE_TOO_LARGE"),
    ],
    ids=["a long text", "a huge text", "many conversations"],
)
async def test_a_small_table_takes_less_than_500_mb_and_is_refused_with_a_reason(
    greenroom: Suite, tmp_path: Path, make: Callable[[], bytes], reason: str
) -> None:
    path = tmp_path / "messages.parquet"
    path.write_bytes(make())
    assert path.stat().st_size < 1 << 20
    peak = 0
    importing = asyncio.create_task(_reason(greenroom, path))
    while not importing.done():
        peak = max([peak, *map(peak_memory, workers())])
        await asyncio.wait([importing], timeout=0.01)

    assert await importing == reason
    assert 0 < peak < PEAK


async def _reason(greenroom: Suite, path: Path) -> str:
    """Why the import is refused, or the first of its problems."""
    try:
        summary = await greenroom.client.sources.import_file(path, format="table")
    except GreenroomError as refused:
        return refused.reason
    return str(summary.problems[0].reason)
