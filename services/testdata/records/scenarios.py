"""Which scenarios records have: those that are asked for, or those of the pack."""

from services.testdata.records.errors import ScenarioTwice
from services.testdata.records.model import Wanted
from shared.model.packs.model import Pack


def scenarios_of(pack: Pack, wanted: Wanted) -> tuple[str, tuple[tuple[str, float], ...]]:
    """The only scenario, or else several with their shares; neither if the records have none.

    Where edge cases are asked for and no scenario is, those of the pack that concern the entities, by their weights.
    Raises ScenarioTwice.
    """
    if wanted.scenario:
        return wanted.scenario, ()
    shares = wanted.scenarios
    for place, (name, _) in enumerate(shares):
        if any(name == other for other, _ in shares[:place]):
            raise ScenarioTwice(scenario=name)
    if not shares and wanted.include_edge_cases:
        shares = tuple(
            (one.id, one.weight)
            for one in pack.scenarios
            if one.weight and (not one.entities or any(name in wanted.counts for name in one.entities))
        )
    return (shares[0][0], ()) if len(shares) == 1 else ("", shares)
