"""Merges a request with the context of its entity. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from services.enricher.contexts.errors import ConstraintInvalid, ScenarioNotFound
from services.enricher.contexts.hints import Understood, Vocabulary
from services.enricher.contexts.merging import Asked, asked_by_entity, asked_by_scenario, merge, shares
from services.enricher.contexts.model import HintOutcome, Merged, Request
from services.enricher.contexts.telling import tell_bounds
from shared.model.packs.model import Constraint, Entity, Pack, Scenario
from shared.yaml import near


def merge_request(pack: Pack, entity: Entity, scenarios: Sequence[Scenario], request: Request) -> Merged:
    """What a request for records of an entity becomes. scenarios: those of the entity.

    Raises ScenarioNotFound, ConstraintInvalid, ConstraintsContradict.
    """
    vocabulary = Vocabulary(pack, entity)
    understood = [vocabulary.understand(hint) for hint in request.hints]
    weights = _weights(scenarios, request, understood)
    asked = [*asked_by_entity(entity), *_asked(request, entity), *_asked_in_words(request, understood)]
    if len(weights) == 1:
        (only,) = (one for one in scenarios if one.id in weights)
        asked += asked_by_scenario(only, {entity.name})
    return Merged(
        shares=weights,
        constraints=merge(pack, asked),
        outcomes=tuple(map(_outcome, request.hints, understood)),
    )


def _asked(request: Request, entity: Entity) -> Iterator[Asked]:
    for one in request.constraints:
        if one.entity in ("", entity.name):
            yield Asked(replace(one, entity=entity.name), "the request")
        else:
            why = f"the request is about `{entity.name}`; leave the entity out"
            raise ConstraintInvalid(of=f"A constraint on `{one.entity}.{one.field}`", why=why)


def _asked_in_words(request: Request, understood: Sequence[Understood]) -> Iterator[Asked]:
    for hint, one in zip(request.hints, understood, strict=True):
        for constraint in one.constraints:
            yield Asked(constraint, f"the hint “{hint}”")


def _weights(scenarios: Sequence[Scenario], request: Request, understood: Sequence[Understood]) -> Mapping[str, float]:
    """The share of each scenario: what the request says, what its hints say, or else what the domain says."""
    known = {one.id: one.weight for one in scenarios}
    for name in request.shares:
        if name not in known:
            raise ScenarioNotFound(domain=request.domain, name=name, near=near(name, known))
    if request.shares:
        return shares(request.shares)
    said = {name: share for one in understood for name, share in one.shares.items() if name in known}
    if not said:
        return shares(known)
    total = sum(said.values())
    if total >= 1:
        return shares(said)
    rest = {name: weight for name, weight in known.items() if name not in said}
    return {**{name: share * (1 - total) for name, share in shares(rest).items()}, **said} if rest else shares(said)


def _outcome(hint: str, one: Understood) -> HintOutcome:
    if one.why:
        return HintOutcome(hint, applied=False, outcome=one.why)
    parts = [_told(constraint) for constraint in one.constraints]
    parts += [f"{share:.0%} {name}" for name, share in one.shares.items()]
    ignored = f"; not understood: {', '.join(one.ignored)}" if one.ignored else ""
    return HintOutcome(hint, applied=True, outcome="; ".join(parts) + ignored)


def _told(one: Constraint) -> str:
    """A constraint in a few words, such as `total: at least 1000, at most 5000`."""
    values = " or ".join(map(str, one.values))
    given = "always given" if one.nullable is False else ""
    return f"{one.field}: {', '.join(filter(None, [*tell_bounds(one), values, given]))}"
