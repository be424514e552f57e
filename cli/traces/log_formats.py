"""The options for the format of a log."""

from enum import StrEnum
from pathlib import PurePath
from typing import Annotated

import typer

from cli.kit.run import USAGE, Failed
from greenroom.testdata.v1.trace_learning_pb2 import ColumnMapping, LogFormat
from shared import yaml
from shared.words import all_of


class Kind(StrEnum):
    """The format of a log."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"
    ACCESS_LOG = "access-log"
    OTLP_JSON = "otlp-json"
    EVENT_LOG = "event-log"


_BY_SUFFIX = {
    ".parquet": Kind.PARQUET,
    ".csv": Kind.CSV,
    ".jsonl": Kind.JSONL,
    ".ndjson": Kind.JSONL,
    ".log": Kind.ACCESS_LOG,
    ".json": Kind.OTLP_JSON,
}
"""The format of a log by its extension, without `.gz`."""

Column = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ROLE=COLUMN", help="Which column is what, again for each, such as session=case_id or status=-."
    ),
]


def log_format(kind: Kind | None, columns: list[str] | None, gap: float | None, file: str) -> LogFormat:
    """How to read the file of this name. Raises Failed."""
    kind = kind or _BY_SUFFIX.get(PurePath(file.removesuffix(".gz")).suffix)
    if kind is None:
        raise Failed(f"What {file} is cannot be told by its name; say it with --format, such as --format csv.", USAGE)
    return LogFormat(
        kind=LogFormat.Kind.Value(f"KIND_{kind.name}"), columns=_columns(columns or []), session_gap_seconds=gap or 0
    )


def _columns(given: list[str]) -> ColumnMapping | None:
    columns = ColumnMapping()
    for one in given:
        role, _, column = one.partition("=")
        known = columns.DESCRIPTOR.fields_by_name
        if role not in known or not column:
            near = yaml.near(role, known) or f"; the roles are {all_of(known)}"
            raise Failed(f"`{one}` names no column; write ROLE=COLUMN{near}.", USAGE)
        setattr(columns, role, column)
    return columns if given else None
