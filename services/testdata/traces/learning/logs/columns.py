"""Which of a table's columns is what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from services.testdata.traces.learning.errors import LogColumnMissing
from services.testdata.traces.learning.formats import EVENT_LOGS, NO_COLUMN, OURS, Columns, LogFormat, LogKind
from services.testdata.traces.learning.report import Report, in_sentence
from services.testdata.traces.learning.rows import RawRows

_REQUIRED = ("session", "endpoint", "timestamp")


def columns_of(log_format: LogFormat, present: Sequence[str], report: Report) -> dict[str, str]:
    """Role → column, for those that there are. Raises LogColumnMissing for one that is named or cannot be missed."""
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
    """Rows by role. column: the values of a column by its name."""
    return RawRows(row, **{role: column(name) for role, name in columns.items()})
