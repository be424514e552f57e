"""Merges a request with the context of its entity. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from services.enricher.contexts.errors import ConstraintInvalid, ScenarioNotFound
from services.enricher.contexts.hints import Understood, Vocabulary
from services.enricher.contexts.merging import Asked, asked_by_entity, asked_by_scenario, merge, shares
from services.enricher.contexts.model import HintOutcome, Layer, Merged
from services.enricher.contexts.telling import tell_constraint
from services.enricher.patterns.model import Request
from shared.model.packs.model import SCENARIOS, Entity, Pack, Scenario
from shared.yaml import near


def merge_request(pack: Pack, entity: Entity, scenarios: Sequence[Scenario], layers: Sequence[Layer]) -> Merged:
    """What a request for records of an entity becomes. scenarios: those of the entity. layers: the request comes last.

    Raises ScenarioNotFound, ConstraintInvalid, ConstraintsContradict.
    """
    vocabulary = Vocabulary(pack, entity)
    understood = [[vocabulary.understand(hint) for hint in layer.request.hints] for layer in layers]
    weights = _weights(scenarios, layers, understood)
    asked = [*asked_by_entity(entity)]
    for layer, hints in zip(layers, understood, strict=True):
        asked += [*_asked(layer, entity), *_asked_in_words(layer, hints)]
    if len(weights) == 1:
        for only in (one for one in scenarios if one.id in weights):
            asked += asked_by_scenario(only, {entity.name})
    return Merged(
        shares=weights,
        constraints=merge(pack, asked),
        outcomes=tuple(
            _outcome(hint, one)
            for layer, hints in zip(layers, understood, strict=True)
            for hint, one in zip(layer.request.hints, hints, strict=True)
        ),
    )


def _asked(layer: Layer, entity: Entity) -> Iterator[Asked]:
    for one in layer.request.constraints:
        if one.entity in ("", entity.name):
            yield Asked(replace(one, entity=entity.name), layer.by)
        else:
            why = f"{layer.by} is about `{entity.name}`; leave the entity out"
            raise ConstraintInvalid(of=f"A constraint on `{one.entity}.{one.field}`", why=why)


def _asked_in_words(layer: Layer, understood: Sequence[Understood]) -> Iterator[Asked]:
    for hint, one in zip(layer.request.hints, understood, strict=True):
        for constraint in one.constraints:
            yield Asked(constraint, f"the hint “{hint}”{layer.of}")


def _weights(
    scenarios: Sequence[Scenario], layers: Sequence[Layer], understood: Sequence[Sequence[Understood]]
) -> Mapping[str, float]:
    """The share of each scenario: what the request or its hints say, else its template, else the domain."""
    known = {one.id: one.weight for one in scenarios}
    for layer, hints in reversed(list(zip(layers, understood, strict=True))):
        if weights := _weights_of(layer.request, known, hints):
            return weights
    return shares(known)


def _weights_of(
    request: Request, known: Mapping[str, float], understood: Sequence[Understood]
) -> Mapping[str, float] | None:
    """What a request says of the shares of scenarios, else its hints; None if neither says anything."""
    for name in request.shares:
        if name not in known and name not in SCENARIOS:
            raise ScenarioNotFound(domain=request.domain, name=name, near=near(name, [*known, *SCENARIOS]))
    if request.shares:
        return shares(request.shares)
    said = {name: share for one in understood for name, share in one.shares.items() if name in known}
    if not said:
        return None
    total = sum(said.values())
    if total >= 1:
        return shares(said)
    rest = {name: weight for name, weight in known.items() if name not in said}
    return {**{name: share * (1 - total) for name, share in shares(rest).items()}, **said} if rest else shares(said)


def _outcome(hint: str, one: Understood) -> HintOutcome:
    if one.why:
        return HintOutcome(hint, applied=False, outcome=one.why)
    parts = [tell_constraint(constraint) for constraint in one.constraints]
    parts += [f"{share:.0%} {name}" for name, share in one.shares.items()]
    ignored = f"; not understood: {', '.join(one.ignored)}" if one.ignored else ""
    return HintOutcome(hint, applied=True, outcome="; ".join(parts) + ignored)
