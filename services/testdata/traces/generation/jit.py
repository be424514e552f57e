"""How kernels are compiled: without the interpreter lock, and kept on disk for the next process."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile at the first call. Where there is no folder to keep the code in, each process compiles for itself."""
    try:
        return cast(F, numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:
        return cast(F, numba.njit(nogil=True)(function))


def inlined(function: F) -> F:
    """Compile as a part of the kernels that call it."""
    return cast(F, numba.njit(nogil=True, inline="always")(function))
