"""Relationships: their cardinality, and the names that rules use for both sides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.enricher.discovery.names import unique_name
from shared.model.packs.model import Entity, Relationship, Support

_ENDINGS = ("_id", "_key", "_code", "_no", "_fk", "ID", "Id")


@dataclass(frozen=True, slots=True)
class Link:
    """The fields of a child equal fields of a parent."""

    child: str
    child_fields: tuple[str, ...]
    parent: str
    parent_fields: tuple[str, ...]
    origin: str
    proposed: bool = False
    support: Support | None = None


def relationship(link: Link, entities: Mapping[str, Entity], others: Sequence[Relationship]) -> Relationship:
    """The relationship of a link. others: those that exist already, whose names are taken."""
    child, parent = entities[link.child], entities[link.parent]
    nullable = any(field.nullable for name in link.child_fields if (field := child.field(name)))
    one = set(link.child_fields)
    single = child.field(link.child_fields[0]) if len(one) == 1 else None
    unique = set(child.key) == one or any(set(some) == one for some in child.uniques) or bool(single and single.unique)
    return Relationship(
        link.child,
        link.child_fields,
        link.parent,
        link.parent_fields,
        child_name=_child_name(link, parent, others),
        parent_name=_parent_name(link, child, others),
        maximum=1 if unique else None,
        required=not nullable,
        proposed=link.proposed,
        support=link.support,
        origin=link.origin,
    )


def _child_name(link: Link, parent: Entity, others: Sequence[Relationship]) -> str:
    """What the parent calls its children: their entity, with the field if several refer to the parent."""
    taken = {one.child_name for one in others if one.parent == parent.name}
    taken |= {one.parent_name for one in others if one.child == parent.name}
    taken |= {field.name for field in parent.fields}
    plain = link.child if link.child != link.parent else f"{link.child}_by_{link.child_fields[0]}"
    return plain if plain not in taken else unique_name(f"{link.child}_by_{'_'.join(link.child_fields)}", taken)


def _parent_name(link: Link, child: Entity, others: Sequence[Relationship]) -> str:
    """What the child calls its parent: the name of the field without its ending, or the parent's entity."""
    taken = {one.parent_name for one in others if one.child == child.name}
    taken |= {one.child_name for one in others if one.parent == child.name}
    taken |= {field.name for field in child.fields}
    field = link.child_fields[0]
    ending = next((one for one in _ENDINGS if field.endswith(one) and len(field) > len(one)), "")
    for name in (field.removesuffix(ending) if ending else "", link.parent):
        if name and name not in taken:
            return name
    return unique_name(f"{link.parent}_of_{field}", taken)
