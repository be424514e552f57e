"""How calls are written: one file a format, all of them in `registry.FORMATS`."""

from enum import StrEnum


class Format(StrEnum):
    """What calls can be written as."""

    ROWS = "ROWS"
    ARROW_IPC = "ARROW_IPC"
    JSONL = "JSONL"
    CSV = "CSV"
    OTLP = "OTLP"
    PARQUET = "PARQUET"
