"""The roles of the columns of a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from services.testdata.traces.learn.report import Report, in_sentence
from services.testdata.traces.learn.rows import RawRows
from services.testdata.traces.logs.errors import LogColumnMissing
from services.testdata.traces.logs.formats import EVENT_LOGS, NO_COLUMN, OURS, Columns, LogFormat, LogKind

_REQUIRED = ("session", "endpoint", "timestamp")


def names_of(log_format: LogFormat) -> frozenset[str]:
    """The columns that a log of this format may have for its roles."""
    known = EVENT_LOGS if log_format.kind is LogKind.EVENT_LOG else OURS
    roles = (part.name for part in fields(Columns))
    return frozenset(getattr(log_format.columns, role) or getattr(known, role) for role in roles)


def columns_of(log_format: LogFormat, present: Sequence[str], report: Report) -> dict[str, str]:
    """Role → column, for columns that exist. Raises LogColumnMissing for a named or required one that does not."""
    known = EVENT_LOGS if log_format.kind is LogKind.EVENT_LOG else OURS
    found = {}
    for role in (part.name for part in fields(Columns)):
        named = getattr(log_format.columns, role)
        column = named or getattr(known, role)
        if column in present:
            found[role] = column
        elif role in _REQUIRED or (named and named != NO_COLUMN):
            raise LogColumnMissing(file=report.file, column=repr(column), role=role, columns=in_sentence(present))
    return found


def raw_rows(row: npt.NDArray[np.int64], columns: Mapping[str, str], column: Callable[[str], pa.Array]) -> RawRows:
    """Rows by role. column: returns the values of a column by name."""
    return RawRows(row, **{role: column(name) for role, name in columns.items()})
