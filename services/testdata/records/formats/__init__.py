"""Formats of records: one file each, registered in `registry.FORMATS`."""

from enum import StrEnum


class Format(StrEnum):
    """A format of records."""

    ROWS = "ROWS"
    JSON = "JSON"
    JSONL = "JSONL"
    CSV = "CSV"
    SQL = "SQL"
    PARQUET = "PARQUET"
    ARROW_IPC = "ARROW_IPC"


PARQUET_MAGIC = b"PAR1"
"""The first and the last bytes of a Parquet file."""
