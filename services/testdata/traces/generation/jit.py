"""How kernels are compiled: without the interpreter lock, and kept on disk for the next process."""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numba

Kernel: TypeAlias = Callable[..., Any]
"""Numba infers the types of a kernel from its arguments, so it has none of its own."""


def kernel(function: Kernel) -> Kernel:
    """Compile at the first call. Where there is no folder to keep the code in, each process compiles for itself.

    Kept code is made again when the kernel's own file changes, not when one does whose functions it calls: after such a
    change remove the *.nbi files from __pycache__.
    """
    try:
        return cast(Kernel, numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:
        return cast(Kernel, numba.njit(nogil=True)(function))


def inlined(function: Kernel) -> Kernel:
    """Compile as a part of the kernels that call it."""
    return cast(Kernel, numba.njit(nogil=True, inline="always")(function))
