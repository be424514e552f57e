"""Schemas that a company registers: packs to make records from."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.model.packs.model import Pack

PREFIX = "schemas/"


@dataclass(frozen=True, slots=True)
class SchemaEntity:
    """An entity in short. parents: those that its records must refer to."""

    name: str
    description: str
    field_count: int
    rule_count: int
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema in short. name: `schemas/{id}`; empty for that of a domain. create_time: Unix milliseconds."""

    name: str
    domain: str
    revision: int
    display_name: str
    description: str
    entities: tuple[SchemaEntity, ...]
    scenarios: tuple[str, ...]
    creator: str = ""
    create_time: int = 0


def schema_of(
    pack: Pack, *, name: str = "", domain: str = "", revision: int = 0, creator: str = "", create_time: int = 0
) -> Schema:
    """The schema of a pack."""
    return Schema(
        name,
        domain,
        revision,
        pack.display_name,
        pack.description,
        tuple(_entities(pack)),
        tuple(one.id for one in pack.scenarios),
        creator,
        create_time,
    )


def _entities(pack: Pack) -> Iterator[SchemaEntity]:
    for entity in pack.entities:
        parents = [one.parent for one in pack.relationships if one.child == entity.name and one.required]
        rules = sum(1 for rule in pack.rules if rule.entity == entity.name and rule.expression)
        yield SchemaEntity(entity.name, entity.description, len(entity.fields), rules, tuple(dict.fromkeys(parents)))
