"""One session, generated."""

from dataclasses import dataclass

from services.testdata.traces.compiled import compiled, packed
from services.testdata.traces.errors import ParametersInvalid, SessionOutOfRange
from services.testdata.traces.generation import FAULT_KINDS, generate, session_count
from services.testdata.traces.parameters import Mode, Parameters
from services.testdata.traces.workflow import Workflow
from shared.compute import Compute
from shared.errors import Violation

MOST_CARDS = 10_000_000
"""How many cards all decks of a chain have together, 2 bytes each."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an API; the fields are the columns of every format.

    timestamp: Unix milliseconds. latency_ms: milliseconds. fault_kind: "" or one of FAULT_KINDS.
    """

    timestamp: int
    user: int
    user_type: str
    session: int
    endpoint: str
    method: str
    status: int
    latency_ms: float
    params: str
    fault_id: int
    fault_kind: str


def check_fit(workflow: Workflow, parameters: Parameters, field: str) -> None:
    """Refuse what the two are too large for together. field: of the parameters. Raises ParametersInvalid."""
    rows = len(workflow.endpoints) + 1
    if parameters.mode is Mode.EXACT_COUNTS and rows * parameters.deck_size > MOST_CARDS:
        sentence = f"{rows:,} decks may have up to {MOST_CARDS // rows:,} cards each, not {parameters.deck_size:,}."
        raise ParametersInvalid(violations=[Violation(f"{field}.deck_size", sentence)])


async def session(compute: Compute, workflow: Workflow, parameters: Parameters, number: int) -> tuple[Call, ...]:
    """The calls of one session, numbered from 1. Raises SessionOutOfRange."""
    found = await compute.run(_session, packed(workflow, parameters), number)
    if isinstance(found, int):
        raise SessionOutOfRange(session=number, count=f"{found:,}")
    return found


def _session(source: bytes, number: int) -> tuple[Call, ...] | int:
    """The calls, or how many sessions there are if there is none of the number."""
    chain = compiled(source)
    if number > (count := session_count(chain)):
        return count
    calls = generate(chain, number, 1)
    return tuple(
        Call(
            timestamp=int(calls.timestamp[i]),
            user=int(calls.user[i]),
            user_type=chain.user_types[calls.user_type[i]],
            session=int(calls.session[i]),
            endpoint=chain.endpoints[calls.endpoint[i]],
            method=chain.methods[calls.endpoint[i]],
            status=int(calls.status[i]),
            latency_ms=float(calls.latency[i]),
            params=chain.params[calls.params[i]],
            fault_id=int(calls.fault_id[i]),
            fault_kind=FAULT_KINDS[calls.fault_kind[i]],
        )
        for i in range(len(calls))
    )
