"""Which scenarios records have: those that are asked for."""

from services.testdata.records.errors import ScenarioTwice
from services.testdata.records.model import RecordSpec, Wanted
from shared.model.packs.model import Pack


def spec_of(pack: Pack, wanted: Wanted) -> RecordSpec:
    """What to make with the pack of the source. Raises ScenarioTwice."""
    scenario, shares = scenarios_of(wanted)
    return RecordSpec(
        pack,
        wanted.counts,
        wanted.seed,
        wanted.locale,
        scenario,
        wanted.constraints,
        wanted.production_like,
        shares,
        wanted.include_edge_cases,
        wanted.samples,
    )


def scenarios_of(wanted: Wanted) -> tuple[str, tuple[tuple[str, float], ...]]:
    """The only scenario, or else several with their shares; neither if none is named. Raises ScenarioTwice."""
    if wanted.scenario:
        return wanted.scenario, ()
    shares = wanted.scenarios
    for place, (name, _) in enumerate(shares):
        if any(name == other for other, _ in shares[:place]):
            raise ScenarioTwice(scenario=name)
    return (shares[0][0], ()) if len(shares) == 1 else ("", shares)
