"""The files of a dataset: which sessions each holds and what it is called."""

from services.testdata.traces.datasets.model import DatasetSpec
from services.testdata.traces.formats import Format

PART_SESSIONS = 1 << 20
"""Sessions in a part; fewer in the last one."""
MANIFEST = "manifest.json"

ENDINGS = {Format.PARQUET: "parquet", Format.JSONL: "jsonl", Format.CSV: "csv", Format.OTLP: "otlp"}
"""The formats that are written to files, and what the files' names end with."""


def part_count(sessions: int) -> int:
    """How many parts so many sessions take."""
    return -(-sessions // PART_SESSIONS)


def part_file(index: int, form: Format) -> str:
    """The name of a part's file."""
    return f"part-{index:05d}.{ENDINGS[form]}"


def part_sessions(spec: DatasetSpec, index: int) -> tuple[int, int]:
    """The first session of a part, and how many it holds."""
    before = index * PART_SESSIONS
    return spec.first + before, min(PART_SESSIONS, spec.count - before)
