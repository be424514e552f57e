"""Compile kernels: they release the GIL, and are cached on disk."""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numba

Kernel: TypeAlias = Callable[..., Any]
"""Numba infers the types from the arguments, so kernels have no annotations of their own."""


def kernel(function: Kernel) -> Kernel:
    """Compile at the first call. Without a writable cache folder, each process compiles for itself.

    Numba invalidates the cache when the file of the kernel changes, but not when it calls a function of another file
    that changed. After such a change remove the *.nbi files from __pycache__.
    """
    try:
        return cast(Kernel, numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:
        return cast(Kernel, numba.njit(nogil=True)(function))


def inlined(function: Kernel) -> Kernel:
    """Compile as part of the calling kernels."""
    return cast(Kernel, numba.njit(nogil=True, inline="always")(function))
