"""The two ways to generate, which give the same bytes: compiled, and with NumPy alone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from services.testdata.traces.generation import columns_numpy, deal_numpy, users, walk_numpy
from services.testdata.traces.generation.arrays import Codes, Lengths, Whole
from services.testdata.traces.generation.calls import Calls
from services.testdata.traces.generation.chain import Chain
from services.testdata.traces.generation.decks import Decks

KernelName = Literal["numba", "numpy"]
Walked = tuple[Codes, Lengths]
"""Endpoints of sessions one after the other, and how many calls each session has."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """The parts of generating that take time."""

    block_totals: Callable[[tuple[int, int], Whole, int], Whole]
    walk: Callable[[Chain, int, int], Walked]
    deal: Callable[[Chain, Decks, int, int], Walked]
    columns: Callable[[Chain, int, Codes, Lengths, int, int], Calls]


NUMPY = Kernel(users.block_totals, walk_numpy.walk, deal_numpy.deal, columns_numpy.columns)


@cache
def load(name: KernelName) -> Kernel:
    """The kernel; where Numba cannot be imported, NumPy's. Numba is imported only when it is asked for."""
    if name == "numpy":
        return NUMPY
    try:
        from services.testdata.traces.generation import columns_numba, deal_numba, users_numba, walk_numba
    except ImportError:
        return NUMPY
    return Kernel(users_numba.block_totals, walk_numba.walk, deal_numba.deal, columns_numba.columns)
