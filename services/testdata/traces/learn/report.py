"""Rows that were skipped or corrected, counted by reason, with the first row of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from services.testdata.traces.learn.model import Skipped
from shared.limits import Budget

DESCRIPTIONS = {
    "MISSING_SESSION": "The row has no session.",
    "MISSING_ENDPOINT": "The row has no endpoint.",
    "BAD_TEXT": "The session or the endpoint is not UTF-8 text.",
    "BAD_TIMESTAMP": "The timestamp is neither RFC 3339 nor a number of milliseconds since 1970.",
    "BAD_LATENCY": "The latency is not a number from 0; the call was learned from without it.",
    "BAD_STATUS": "The status is not a number from 100 to 599; the call was learned from without it.",
    "ENDPOINT_RENAMED": "The endpoint's name is longer than 200 characters or has unprintable ones; it was shortened, "
    "� put for these, and learned from.",
    "OUT_OF_ORDER": "The row is earlier than a previous row of its session; it was sorted by time and learned from.",
    "RETRY": "The call repeats the failed call before it and is not a step of the chain.",
    "BAD_ROW": "The row has another number of columns than the header.",
    "BAD_LINE": "The line does not match the format.",
    "BAD_REQUEST": "The line has no request with a method and a path.",
    "LINE_TOO_LONG": "The line is longer than 1,048,576 bytes.",
    "BAD_SPAN": "The span has no trace, name or times, or they have the wrong type.",
    "FILE_LEFT_OUT": "The entry of the folder is no file, or a link that leads out of the input roots.",
    "NO_CALL": "The span is inside of a call: neither the root of its trace nor, without session ids, a server's.",
}


@dataclass(slots=True)
class _Tally:
    row: int
    file: str
    count: int = 0


@dataclass(slots=True)
class Report:
    """Counts of skipped rows.

    file: the name of the current file. row: the last row read. budget: of bytes, for the file.
    """

    file: str
    row: int = 0
    budget: Budget = field(default_factory=lambda: Budget(0))
    _tallies: dict[str, _Tally] = field(default_factory=dict)

    def skip(self, reason: str, row: int, count: int = 1) -> None:
        """Count rows; the first of them is `row`, from 1."""
        self._tallies.setdefault(reason, _Tally(row, self.file)).count += count

    def skip_rows(self, reason: str, rows: npt.NDArray[np.int64], which: npt.NDArray[np.bool_]) -> None:
        """Count the rows that are marked."""
        if which.any():
            self.skip(reason, int(rows[int(which.argmax())]), int(which.sum()))

    @property
    def place(self) -> str:
        """The current row, for errors."""
        return f"row {self.row:,}"

    def skipped(self) -> tuple[Skipped, ...]:
        """All counts, in the order of DESCRIPTIONS."""
        noted = ((reason, self._tallies[reason]) for reason in DESCRIPTIONS if reason in self._tallies)
        return tuple(
            Skipped(reason, tally.count, tally.row, f"{DESCRIPTIONS[reason]} First in {tally.file}.")
            for reason, tally in noted
        )


def left_out(names: Sequence[str]) -> tuple[Skipped, ...]:
    """What to report about entries of a folder that are not read."""
    reason = "FILE_LEFT_OUT"
    return (Skipped(reason, len(names), 0, f"{DESCRIPTIONS[reason]} The first is {names[0]!r}."),) if names else ()


def in_sentence(names: Iterable[str], most: int = 20) -> str:
    """Names for the sentence of an error; only the first if there are many."""
    listed = [repr(name) for name in names]
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")
