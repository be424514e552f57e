"""Calls from a chain: the same bytes for any range of sessions, by any number of processes, on any machine."""

from services.testdata.traces.generation.calls import FAULT_KINDS, Calls, FaultKind
from services.testdata.traces.generation.chain import ALGORITHM, MAX_CALLS, Chain, compile_chain
from services.testdata.traces.generation.generate import generate, session_count, walk
from services.testdata.traces.generation.kernels import KernelName

__all__ = [
    "ALGORITHM",
    "FAULT_KINDS",
    "MAX_CALLS",
    "Calls",
    "Chain",
    "FaultKind",
    "KernelName",
    "compile_chain",
    "generate",
    "session_count",
    "walk",
]
