"""What a call is made of, in the same order in every format; and parts of columns."""

from dataclasses import fields

import numpy as np

from services.testdata.traces.generation.calls import Calls

COLUMNS = (
    "timestamp",
    "user",
    "user_type",
    "session",
    "endpoint",
    "method",
    "status",
    "latency_ms",
    "params",
    "fault_id",
    "fault_kind",
)

_FIELDS = tuple(field.name for field in fields(Calls))


NOTHING = Calls(
    timestamp=np.empty(0, np.int64),
    user=np.empty(0, np.int64),
    user_type=np.empty(0, np.uint8),
    session=np.empty(0, np.int64),
    endpoint=np.empty(0, np.uint16),
    status=np.empty(0, np.int16),
    latency=np.empty(0, np.float32),
    params=np.empty(0, np.uint16),
    fault_id=np.empty(0, np.int64),
    fault_kind=np.empty(0, np.uint8),
)


def part(calls: Calls, start: int, stop: int) -> Calls:
    """The calls from place start to before stop, in the same memory."""
    return Calls(**{name: getattr(calls, name)[start:stop] for name in _FIELDS})
