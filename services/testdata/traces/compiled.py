"""Chains that this process has compiled; what runs in a process of `shared.compute` asks here."""

from services.testdata.traces.digest import canonical_json
from services.testdata.traces.generation import Chain, compile_chain
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.workflow import Workflow

MOST = 8
"""How many chains are kept."""

_chains: dict[tuple[bytes, str], Chain] = {}


def compiled(workflow: Workflow, parameters: Parameters) -> Chain:
    """The chain, compiled when it is asked for the first time or was not for long."""
    key = canonical_json(workflow), repr(parameters)
    chain = _chains.pop(key, None) or compile_chain(workflow, parameters)
    _chains[key] = chain
    if len(_chains) > MOST:
        del _chains[next(iter(_chains))]
    return chain
