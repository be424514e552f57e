"""Generate calls from a chain. The bytes do not depend on the range of sessions, the processes or the machine."""

from services.testdata.traces.generation.chain import ALGORITHM, MAX_CALLS, Chain, compile_chain
from services.testdata.traces.generation.generate import generate, session_count, walk
from services.testdata.traces.schema import FAULT_KINDS, Calls, FaultKind

__all__ = [
    "ALGORITHM",
    "FAULT_KINDS",
    "MAX_CALLS",
    "Calls",
    "Chain",
    "FaultKind",
    "compile_chain",
    "generate",
    "session_count",
    "walk",
]
