"""What a call is made of, in the same order in every format."""

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
