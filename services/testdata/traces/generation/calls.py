"""Generated calls, as columns."""

from dataclasses import dataclass
from enum import IntEnum

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
