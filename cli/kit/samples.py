"""Files of sample rows: CSV with a header, JSON objects a line, or Parquet."""

import csv
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from google.protobuf.struct_pb2 import Struct

from cli.kit.run import USAGE, Failed
from shared.rpc.values import fill_struct

_MOST, _MOST_BYTES = 10_000, 3 << 20
"""Rows and bytes that a request has room for."""


def read_samples(path: Path) -> list[Struct]:
    """The rows of a file; of many, every second, third and so on, so that they fit into a request."""
    try:
        rows = [_struct(row) for row in _rows(path)]
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror or error}.", USAGE) from None
    except (ValueError, TypeError, csv.Error) as error:
        raise Failed(f"{path} has no rows as in {path.suffix or 'CSV'} files: {error}.", USAGE) from None
    if not rows:
        raise Failed(f"{path} has no rows.", USAGE)
    size = sum(row.ByteSize() for row in rows)
    return rows[:: max(-(-len(rows) // _MOST), -(-size // _MOST_BYTES))]


def _rows(path: Path) -> Iterable[Mapping[str, Any]]:
    if path.suffix == ".parquet":
        from pyarrow import parquet

        found: list[Mapping[str, Any]] = parquet.read_table(path).to_pylist()
        return found
    if path.suffix in (".jsonl", ".ndjson"):
        with path.open(encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.strip()]
    if path.suffix != ".csv":
        raise ValueError("its name ends neither in .csv nor in .jsonl or .parquet")
    with path.open(encoding="utf-8-sig", newline="") as file:
        # A row that is longer than the header has the rest under None.
        return [{name: value for name, value in row.items() if name is not None} for row in csv.DictReader(file)]


def _struct(row: Mapping[str, Any]) -> Struct:
    if not isinstance(row, Mapping):
        raise TypeError("a line is no object")
    struct = Struct()
    fill_struct(struct, {name: _plain(value) for name, value in row.items()})
    return struct


def _plain(value: Any) -> Any:
    match value:
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal():
            return float(value)
        case bytes():
            raise TypeError("bytes are no values of records")
        case _:
            return value
