"""Types of arrays."""

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
"""32-bit random words, and lookup tables for them."""
Whole = npt.NDArray[np.int64]
"""Numbers of users and sessions, or times in Unix milliseconds."""
Codes = npt.NDArray[np.uint16]
"""Endpoints, in the order of the walk."""
Lengths = npt.NDArray[np.int32]
"""Numbers of calls of sessions."""
Floats = npt.NDArray[np.float32]
"""Latencies in milliseconds."""
