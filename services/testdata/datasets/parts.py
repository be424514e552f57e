"""The files of a dataset: their names, and the sessions in each."""

from services.testdata.datasets.model import DatasetSpec
from services.testdata.traces.formats import Format

PART_SESSIONS = 1 << 20
"""Sessions in each part except the last."""
MANIFEST = "manifest.json"

ENDINGS = {Format.PARQUET: "parquet", Format.JSONL: "jsonl", Format.CSV: "csv", Format.OTLP: "otlp"}
"""The formats that are written to files, and the extensions of the files."""


def part_count(sessions: int) -> int:
    """The number of parts for this number of sessions."""
    return -(-sessions // PART_SESSIONS)


def part_file(index: int, form: Format) -> str:
    """The name of a part's file."""
    return f"part-{index:05d}.{ENDINGS[form]}"


def part_sessions(spec: DatasetSpec, index: int) -> tuple[int, int]:
    """The first session of a part, and the number of its sessions."""
    before = index * PART_SESSIONS
    return spec.first + before, min(PART_SESSIONS, spec.count - before)
