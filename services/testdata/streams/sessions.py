"""Generates one session."""

from services.testdata.traces.compiled import compiled, packed
from services.testdata.traces.errors import ParametersInvalid, SessionOutOfRange
from services.testdata.traces.generation import generate, session_count
from services.testdata.traces.parameters import Mode, Parameters
from services.testdata.traces.workflow import Workflow
from shared.compute import Compute
from shared.errors import Violation

MOST_CARDS = 10_000_000
"""The most cards in all decks of a chain together, 2 bytes each."""


def check_fit(workflow: Workflow, parameters: Parameters, field: str) -> None:
    """Refuse decks that are too large for the workflow. field: the path of the parameters. Raises ParametersInvalid."""
    rows = len(workflow.endpoints) + 1
    if parameters.mode is Mode.EXACT_COUNTS and rows * parameters.deck_size > MOST_CARDS:
        sentence = f"{rows:,} decks may have up to {MOST_CARDS // rows:,} cards each, not {parameters.deck_size:,}."
        raise ParametersInvalid(violations=[Violation(f"{field}.deck_size", sentence)])


async def session(compute: Compute, workflow: Workflow, parameters: Parameters, number: int) -> bytes:
    """The calls of one session, numbered from 1, as ROWS: the serialised field `calls`. Raises SessionOutOfRange."""
    found = await compute.run(_session, packed(workflow, parameters), number)
    if isinstance(found, int):
        raise SessionOutOfRange(session=number, count=f"{found:,}")
    return found


def _session(source: bytes, number: int) -> bytes | int:
    """The calls, or the number of sessions if there is no such session."""
    from services.testdata.traces.formats.rows import rows

    chain = compiled(source)
    if number > (count := session_count(chain)):
        return count
    return rows(chain).encode(generate(chain, number, 1))
