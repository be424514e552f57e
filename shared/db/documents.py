"""Documents: domain values as JSON bytes with a version, for columns that no query searches."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from shared.errors import DataLoss
from shared.model.events import Json

VERSION = 1
"""The version of new documents."""


class RecordDamaged(DataLoss):
    """A stored record is damaged and cannot be read; restore the database from a backup, or delete what it belongs to."""  # noqa: E501

    reason = "RECORD_DAMAGED"


def dump_document(record: Mapping[str, Json]) -> bytes:
    """The record as a JSON document with its version."""
    return _encode({"v": VERSION, **record}).encode()


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def load_document(document: bytes) -> Any:
    """The record in a JSON document. Raises RecordDamaged."""
    with reading_record():
        return json.loads(document)


@contextmanager
def reading_record() -> Iterator[None]:
    """Around code that reads a stored record: what it cannot read is damaged. Raises RecordDamaged."""
    try:
        yield
    except (ValueError, KeyError, RecursionError) as error:
        raise RecordDamaged from error
