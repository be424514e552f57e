"""The columns of a call. Every format, the contract's rows and the manifest use these definitions.

A new column is an array of `Calls`, an entry of `COLUMNS`, and the code in `generation` that fills the array.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from services.testdata.traces.generation.chain import Chain


class FaultKind(IntEnum):
    """What a cascade did to a call; the codes of the column fault_kind."""

    NONE = 0
    SLOW = 1
    TIMEOUT = 2
    UNAVAILABLE = 3
    RETRY = 4


FAULT_KINDS = ("", "slow", "timeout", "unavailable", "retry")
"""The names of the codes, in their order."""


@dataclass(frozen=True, slots=True)
class Calls:
    """n calls in the order of sessions, and by time within a session.

    timestamp: the start of the call, Unix milliseconds.
    user, session: numbers from 1.
    user_type, endpoint, params: indices into the chain's user_types, endpoints and params.
    status: HTTP status.
    latency_ms: milliseconds.
    fault_id: the session's number if a cascade affected the call, else 0.
    fault_kind: a FaultKind.
    """

    timestamp: npt.NDArray[np.int64]
    user: npt.NDArray[np.int64]
    user_type: npt.NDArray[np.uint8]
    session: npt.NDArray[np.int64]
    endpoint: npt.NDArray[np.uint16]
    status: npt.NDArray[np.int16]
    latency_ms: npt.NDArray[np.float32]
    params: npt.NDArray[np.uint16]
    fault_id: npt.NDArray[np.int64]
    fault_kind: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.timestamp)

    def part(self, start: int, stop: int) -> "Calls":
        """The calls from index `start` to before `stop`, without a copy."""
        return Calls(*(array[start:stop] for array in self.arrays))

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """The arrays in their order."""
        return tuple(getattr(self, name) for name in self.__slots__)


class Kind(Enum):
    """What the values of a column are."""

    TIME = "Unix milliseconds"
    NUMBER = "a whole number from 0"
    DECIMAL = "a 32-bit float from 0"
    TEXT = "an index into the texts of the column"


Texts = Callable[["Chain"], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    field: its number in the message `Call`.
    dtype: of its array in `Calls`.
    texts: the texts of a TEXT column by code.
    array: the array of `Calls` that holds the codes, if two columns share one; empty: the array of the same name.
    attribute: its OpenTelemetry attribute; empty if the span itself says it.
    as_text: the attribute is a string even though the column is a number.
    as_enum: `Call` has an enum of the codes instead of a text.
    bounds: Parquet has its minimum and maximum per row group, so that readers can filter.
    repeats: a number with few different values; Parquet writes it as a dictionary.
    """

    name: str
    field: int
    kind: Kind
    dtype: type[np.generic]
    texts: Texts | None = None
    array: str = ""
    attribute: str = ""
    as_text: bool = False
    as_enum: bool = False
    bounds: bool = False
    repeats: bool = False

    def of(self, calls: Calls) -> npt.NDArray[Any]:
        """The array of these calls that the column is written from."""
        found: npt.NDArray[Any] = getattr(calls, self.codes)
        return found

    @property
    def codes(self) -> str:
        """The name of its array in `Calls`."""
        return self.array or self.name

    def texts_of(self, chain: "Chain") -> Sequence[str]:
        """The texts of a TEXT column by code."""
        assert self.texts is not None
        return self.texts(chain)


COLUMNS = (
    Column("timestamp", 1, Kind.TIME, np.int64, bounds=True),
    Column("user", 2, Kind.NUMBER, np.int64, attribute="user.id", as_text=True, bounds=True),
    Column("user_type", 3, Kind.TEXT, np.uint8, lambda chain: chain.user_types, attribute="greenroom.user_type"),
    Column("session", 4, Kind.NUMBER, np.int64, attribute="session.id", as_text=True, bounds=True),
    Column("endpoint", 5, Kind.TEXT, np.uint16, lambda chain: chain.endpoints, attribute="http.route"),
    Column(
        *("method", 6, Kind.TEXT, np.uint16, lambda chain: chain.methods),
        array="endpoint",
        attribute="http.request.method",
    ),
    Column("status", 7, Kind.NUMBER, np.int16, attribute="http.response.status_code", repeats=True),
    Column("latency_ms", 8, Kind.DECIMAL, np.float32),
    Column("params", 9, Kind.TEXT, np.uint16, lambda chain: chain.params, attribute="url.query"),
    Column("fault_id", 10, Kind.NUMBER, np.int64, attribute="greenroom.fault_id"),
    Column(
        *("fault_kind", 11, Kind.TEXT, np.uint8, lambda _: FAULT_KINDS),
        attribute="greenroom.fault_kind",
        as_enum=True,
    ),
)
"""All columns, in the order of every format."""
NAMES = tuple(column.name for column in COLUMNS)

_DTYPES = {column.name: np.dtype(column.dtype) for column in COLUMNS if not column.array}


def empty_calls(n: int) -> Calls:
    """Arrays to fill, in one block of memory.

    The allocator reuses one block for the next range. It returns many small blocks to the system, and getting them
    again takes longer than filling them.
    """
    block = np.empty(sum(dtype.itemsize for dtype in _DTYPES.values()) * n, np.uint8)
    arrays: dict[str, npt.NDArray[Any]] = {}
    offset = 0
    for name, dtype in sorted(_DTYPES.items(), key=lambda item: -item[1].itemsize):
        arrays[name] = block[offset : offset + n * dtype.itemsize].view(dtype)
        offset += n * dtype.itemsize
    return Calls(**arrays)
