"""The two ways to encode, which write the same bytes: compiled, and with NumPy alone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.testdata.traces.formats.parquet import encodings_numpy
from services.testdata.traces.formats.parquet.encodings_numpy import Bytes, Places
from services.testdata.traces.generation.arrays import Whole
from services.testdata.traces.generation.kernels import KernelName


@dataclass(frozen=True, slots=True)
class Kernel:
    """The encodings; `encodings_numba` says what each takes."""

    delta: Callable[[Whole, Bytes], int]
    hybrid: Callable[[Places, int, Bytes], int]
    look_up: Callable[[Places, NDArray[Any], Places], None]
    number: Callable[[NDArray[Any], NDArray[Any], int, NDArray[np.int32], Places], int]


NUMPY = Kernel(encodings_numpy.delta, encodings_numpy.hybrid, encodings_numpy.look_up, encodings_numpy.number)


@cache
def load(name: KernelName) -> Kernel:
    """The kernel; where Numba cannot be imported, NumPy's. Numba is imported only when it is asked for."""
    if name == "numpy":
        return NUMPY
    try:
        from services.testdata.traces.formats.parquet import encodings_numba
    except ImportError:
        return NUMPY
    return Kernel(encodings_numba.delta, encodings_numba.hybrid, encodings_numba.look_up, encodings_numba.number)
