"""Builds the context of an entity, a workflow or a scenario from a pack. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from services.enricher.contexts.errors import EntityNotFound, ScenarioNotFound, WorkflowNotFound
from services.enricher.contexts.merging import Asked, asked_by_entity, asked_by_scenario, merge
from services.enricher.contexts.model import Context, Wanted
from services.enricher.contexts.telling import tell, tell_customers
from shared.model.packs.model import EdgeCase, Entity, Pack, Relationship, Scenario, Workflow
from shared.yaml import near


def build_context(pack: Pack, domain: str, revision: int, wanted: Wanted) -> Context:
    """What a pack says about what is wanted.

    Raises EntityNotFound, WorkflowNotFound, ScenarioNotFound, ConstraintsContradict if the pack contradicts itself.
    """
    entity = _entity(pack, domain, wanted.entity)
    workflows = _workflows(pack, domain, wanted)
    scenarios = _scenarios(pack, domain, wanted)
    names = _names(entity, workflows, wanted, pack)
    relationships = tuple(one for one in pack.relationships if _related(one, entity, names))
    rules = tuple(one for one in pack.rules if one.entity in names)
    cases = _edge_cases(pack, names, scenarios, wanted)
    constraints = merge(pack, _asked(pack, names, scenarios if wanted.scenario else ()))
    context = Context(
        domain=domain,
        revision=revision,
        entity=entity,
        relationships=relationships,
        rules=rules,
        edge_cases=cases,
        scenarios=scenarios,
        workflows=workflows,
        constraints=constraints,
        hints=tuple(_hints(entity, relationships)),
        text="",
        customer_text=tell_customers(
            pack, names, workflows, _edge_cases(pack, names, scenarios, replace(wanted, edge_cases=True))
        ),
    )
    return replace(context, text=tell(pack, context, names))


def _entity(pack: Pack, domain: str, name: str) -> Entity | None:
    found = pack.entity(name) if name else None
    if name and found is None:
        raise EntityNotFound(domain=domain, name=name, near=near(name, [one.name for one in pack.entities]))
    return found


def _workflows(pack: Pack, domain: str, wanted: Wanted) -> tuple[Workflow, ...]:
    if not wanted.workflow:
        return tuple(one for one in pack.workflows if not wanted.entity or wanted.entity in one.entities)
    found = tuple(one for one in pack.workflows if one.id == wanted.workflow)
    if not found:
        hint = near(wanted.workflow, [one.id for one in pack.workflows])
        raise WorkflowNotFound(domain=domain, name=wanted.workflow, near=hint)
    return found


def _scenarios(pack: Pack, domain: str, wanted: Wanted) -> tuple[Scenario, ...]:
    if not wanted.scenario:
        about = (one for one in pack.scenarios if not (wanted.entity and one.entities) or wanted.entity in one.entities)
        return tuple(about)
    found = tuple(one for one in pack.scenarios if one.id == wanted.scenario)
    if not found:
        hint = near(wanted.scenario, [one.id for one in pack.scenarios])
        raise ScenarioNotFound(domain=domain, name=wanted.scenario, near=hint)
    return found


def _names(entity: Entity | None, workflows: Iterable[Workflow], wanted: Wanted, pack: Pack) -> frozenset[str]:
    """The entities that the context is about: the one that is wanted, those of the workflow, or all."""
    if entity is not None:
        return frozenset({entity.name})
    if wanted.workflow:
        return frozenset(name for workflow in workflows for name in workflow.entities)
    return frozenset(one.name for one in pack.entities)


def _related(one: Relationship, entity: Entity | None, names: frozenset[str]) -> bool:
    if entity is None:
        return one.child in names and one.parent in names
    return entity.name in (one.child, one.parent)


def _edge_cases(
    pack: Pack, names: frozenset[str], scenarios: Iterable[Scenario], wanted: Wanted
) -> tuple[EdgeCase, ...]:
    if not wanted.edge_cases:
        return ()
    listed = {case for scenario in scenarios for case in scenario.edge_cases} if wanted.scenario else None
    return tuple(one for one in pack.edge_cases if one.entity in names and (listed is None or one.id in listed))


def _asked(pack: Pack, names: frozenset[str], scenarios: Iterable[Scenario]) -> Iterator[Asked]:
    for entity in pack.entities:
        if entity.name in names:
            yield from asked_by_entity(entity)
    for scenario in scenarios:
        yield from asked_by_scenario(scenario, names)


def _hints(entity: Entity | None, relationships: Iterable[Relationship]) -> Iterator[str]:
    """How to generate the records, a sentence each."""
    for one in relationships:
        if one.required and (entity is None or entity.name == one.child):
            yield f"Make the {one.parent_name or one.parent} of each {one.child} first."
        if entity is None or entity.name == one.parent:
            most = "or more" if one.maximum is None else f"to {one.maximum}"
            yield f"Make {one.minimum} {most} {one.child_name or one.child} for each {one.parent}."
    if entity is None:
        return
    for field in entity.fields:
        if field.derived:
            yield f"Derive {field.name}: {field.derived}."
        elif field.unique or (field.name,) == entity.key:
            yield f"Give each {entity.name} another {field.name}."
