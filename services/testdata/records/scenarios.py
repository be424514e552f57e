"""Which scenarios records have: those that are asked for."""

from services.testdata.records.errors import ScenarioTwice
from services.testdata.records.model import Wanted


def scenarios_of(wanted: Wanted) -> tuple[str, tuple[tuple[str, float], ...]]:
    """The only scenario, or else several with their shares; neither if none is named. Raises ScenarioTwice."""
    if wanted.scenario:
        return wanted.scenario, ()
    shares = wanted.scenarios
    for place, (name, _) in enumerate(shares):
        if any(name == other for other, _ in shares[:place]):
            raise ScenarioTwice(scenario=name)
    return (shares[0][0], ()) if len(shares) == 1 else ("", shares)
