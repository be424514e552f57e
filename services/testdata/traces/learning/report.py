"""What a reader could not use, counted by reason, with the first place of each."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from services.testdata.traces.learning.model import Skipped

DESCRIPTIONS = {
    "MISSING_SESSION": "The row has no session.",
    "MISSING_ENDPOINT": "The row has no endpoint.",
    "BAD_TEXT": "The session or the endpoint is not UTF-8 text.",
    "BAD_TIMESTAMP": "The timestamp is neither RFC 3339 nor a number of milliseconds since 1970.",
    "BAD_LATENCY": "The latency is no number from 0 on; the call was learned from without it.",
    "BAD_STATUS": "The status is no number from 100 to 599; the call was learned from without it.",
    "ENDPOINT_RENAMED": "The endpoint's name has more than 200 characters, or some that cannot be printed; it was cut "
    "there, � put in their place, and learned from.",
    "OUT_OF_ORDER": "The row is earlier than one of its session before it; it was put in its place and learned from.",
    "RETRY": "The call repeats the failing one before it and is no step of the chain.",
    "BAD_ROW": "The row has another number of columns than the header.",
    "BAD_LINE": "The line is not what the format says.",
    "BAD_REQUEST": "The line has no request of a method and a path.",
    "LINE_TOO_LONG": "The line is longer than 1,048,576 bytes.",
    "BAD_SPAN": "The span lacks its trace, its name or its times, or they are not of their types.",
    "NO_CALL": "The span is neither a session's root nor, without a session, a server's; it is inside of a call.",
}


@dataclass(slots=True)
class _Tally:
    row: int
    file: str
    count: int = 0


@dataclass(slots=True)
class Report:
    """Counts as they come.

    file: the name of the file that is read. row: the last row of it that was seen, for places.
    """

    file: str
    row: int = 0
    _tallies: dict[str, _Tally] = field(default_factory=dict)

    def skip(self, reason: str, row: int, count: int = 1) -> None:
        """Note rows of which the first is `row`, from 1."""
        self._tallies.setdefault(reason, _Tally(row, self.file)).count += count

    def skip_rows(self, reason: str, rows: npt.NDArray[np.int64], which: npt.NDArray[np.bool_]) -> None:
        """Note those of the rows that are marked."""
        if which.any():
            self.skip(reason, int(rows[int(which.argmax())]), int(which.sum()))

    @property
    def place(self) -> str:
        """Where the reading is."""
        return f"row {self.row:,}"

    def skipped(self) -> tuple[Skipped, ...]:
        """All that was noted, in the order of DESCRIPTIONS."""
        noted = ((reason, self._tallies[reason]) for reason in DESCRIPTIONS if reason in self._tallies)
        return tuple(
            Skipped(reason, tally.count, tally.row, f"{DESCRIPTIONS[reason]} First in {tally.file}.")
            for reason, tally in noted
        )


def in_sentence(names: Iterable[str], most: int = 20) -> str:
    """Names for an error's sentence, the first of them if there are many."""
    listed = [repr(name) for name in names]
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")
