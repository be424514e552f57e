"""Generated calls, as columns."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt


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
    """n calls in the order of sessions, and within a session of time.

    timestamp: when it began, Unix milliseconds.
    user, session: numbered from 1.
    user_type, endpoint, params: codes of the chain's user_types, endpoints and params.
    status: HTTP status.
    latency: milliseconds.
    fault_id: the session's number if a cascade affected the call, else 0.
    fault_kind: a FaultKind.
    """

    timestamp: npt.NDArray[np.int64]
    user: npt.NDArray[np.int64]
    user_type: npt.NDArray[np.uint8]
    session: npt.NDArray[np.int64]
    endpoint: npt.NDArray[np.uint16]
    status: npt.NDArray[np.int16]
    latency: npt.NDArray[np.float32]
    params: npt.NDArray[np.uint16]
    fault_id: npt.NDArray[np.int64]
    fault_kind: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.timestamp)

    def part(self, start: int, stop: int) -> "Calls":
        """The calls from place start to before stop, in the same memory."""
        return Calls(*(column[start:stop] for column in self.columns))

    @property
    def columns(self) -> tuple[npt.NDArray[Any], ...]:
        """The columns in their order."""
        return tuple(getattr(self, name) for name in self.__slots__)


def empty_calls(n: int) -> Calls:
    """Columns to be filled, in one block of memory, which the allocator keeps for the next range.

    Many blocks would be given back to the system each time, and getting them again takes longer than filling them.
    """
    block = np.empty(sum(dtype.itemsize for dtype in _DTYPES.values()) * n, np.uint8)
    columns: dict[str, npt.NDArray[Any]] = {}
    taken = 0
    for name, dtype in sorted(_DTYPES.items(), key=lambda item: -item[1].itemsize):
        columns[name] = block[taken : taken + n * dtype.itemsize].view(dtype)
        taken += n * dtype.itemsize
    return Calls(**columns)


_DTYPES: dict[str, np.dtype[Any]] = {
    "timestamp": np.dtype(np.int64),
    "user": np.dtype(np.int64),
    "user_type": np.dtype(np.uint8),
    "session": np.dtype(np.int64),
    "endpoint": np.dtype(np.uint16),
    "status": np.dtype(np.int16),
    "latency": np.dtype(np.float32),
    "params": np.dtype(np.uint16),
    "fault_id": np.dtype(np.int64),
    "fault_kind": np.dtype(np.uint8),
}
