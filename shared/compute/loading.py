"""What a worker loads before the memory of its work is limited.

Libraries that run out of memory while they load or compile fail in any way, or never end.
"""

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_LOADS = "__loads__"


def loads(first: Callable[[], None]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a worker call `first`, which imports libraries and compiles kernels, before it limits the memory."""

    def mark(function: Callable[P, T]) -> Callable[P, T]:
        setattr(function, _LOADS, first)
        return function

    return mark


def load(function: Callable[..., object]) -> None:
    """Load what the function has said it needs."""
    while isinstance(function, partial):
        function = function.func
    first: Callable[[], None] | None = getattr(function, _LOADS, None)
    if first is not None:
        first()
