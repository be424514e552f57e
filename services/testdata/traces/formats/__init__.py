"""Formats of calls: one file each, registered in `registry.FORMATS`."""

from enum import StrEnum


class Format(StrEnum):
    """A format of calls."""

    ROWS = "ROWS"
    ARROW_IPC = "ARROW_IPC"
    JSONL = "JSONL"
    CSV = "CSV"
    OTLP = "OTLP"
    PARQUET = "PARQUET"
