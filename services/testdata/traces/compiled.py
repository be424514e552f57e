"""Chains that this process has compiled; what runs in a process of `shared.compute` asks here."""

import pickle

from services.testdata.traces.generation import Chain, compile_chain
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.workflow import Workflow

MOST = 8
"""How many chains are kept."""

_chains: dict[bytes, Chain] = {}


def packed(workflow: Workflow, parameters: Parameters) -> bytes:
    """What `compiled` takes. To know it again takes a hundredth of what it takes to read or to write it."""
    return pickle.dumps((workflow, parameters))


def compiled(source: bytes) -> Chain:
    """The chain of a packed workflow and parameters, compiled when it is new or was not asked for for long."""
    chain = _chains.pop(source, None) or compile_chain(*pickle.loads(source))  # noqa: S301 - from our own server
    _chains[source] = chain
    if len(_chains) > MOST:
        del _chains[next(iter(_chains))]
    return chain
