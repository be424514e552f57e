"""The kinds of arrays that calls are made of."""

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
"""32-bit random words, and what they are looked up in."""
Whole = npt.NDArray[np.int64]
"""Numbers of users and sessions, times in Unix milliseconds."""
Codes = npt.NDArray[np.uint16]
"""Endpoints, in the order of walks."""
Lengths = npt.NDArray[np.int32]
"""How many calls sessions have."""
Floats = npt.NDArray[np.float32]
"""Milliseconds of latency."""
