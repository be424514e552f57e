"""Checks what was found as every pack is checked, so that a discovered pack can be imported."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, replace
from typing import Any

from services.enricher.discovery.model import NotRead
from shared.model.packs.checks import check_pack
from shared.model.packs.model import Entity, Field, Pack, Relationship, Rule

_DEFAULTS = {one.name: one.default for one in fields(Field) if one.default is not MISSING}
Miss = Callable[[str, str, str, str], None]
"""(entity, place in its file, construct, reason)."""


def checked(pack: Pack, not_read: list[NotRead], files: Mapping[str, str]) -> Pack:
    """The pack without what packs cannot say, which is named. files: where each entity was found first."""

    def miss(entity: str, origin: str, construct: str, reason: str) -> None:
        place = ": ".join(filter(None, [files.get(entity, ""), origin]))
        not_read.append(NotRead(place, construct, reason))

    pack = replace(pack, relationships=_without_circles(pack.relationships, miss))
    entities = {entity.name: entity for entity in pack.entities}
    rules = {rule.id: rule for rule in pack.rules}
    unusable: dict[int, str] = {}
    for fault in check_pack(pack):
        match fault.path:
            case ("relationships", int(number), *_):
                unusable.setdefault(number, fault.sentence)
            case ("entities", str(name), "description") if name in entities:
                miss(name, entities[name].origin, f"{name}: description", fault.sentence)
                entities[name] = replace(entities[name], description="")
            case ("rules", str(name), "expression", *_) if name in rules:
                rules[name] = _in_words(rules[name], fault.sentence, miss)
            case ("entities", str(name), "fields", str(field), str(member), *_) if name in entities:
                entities[name] = _without(entities[name], field, member, fault.sentence, miss)
    for number, sentence in unusable.items():
        link = pack.relationships[number]
        miss(link.child, link.origin, f"{link.child} ({', '.join(link.child_fields)}) → {link.parent}", sentence)
    return replace(
        pack,
        entities=tuple(entities.values()),
        relationships=tuple(one for number, one in enumerate(pack.relationships) if number not in unusable),
        rules=tuple(rules.values()),
    )


def _in_words(rule: Rule, sentence: str, miss: Miss) -> Rule:
    """A rule without its expression, which is no expression of the rule language."""
    if rule.expression:
        miss(rule.entity, rule.origin, rule.text, f"The rule is kept in words only: {sentence}")
    return replace(rule, expression="")


def _without(entity: Entity, field: str, member: str, sentence: str, miss: Miss) -> Entity:
    """An entity without a member of a field that contradicts others, such as a default outside of its bounds."""
    reset: dict[str, Any] = {member: _DEFAULTS[member]} if member in _DEFAULTS else {}
    miss(entity.name, entity.origin, f"{field}: {member}", sentence)
    kept = tuple(replace(one, **reset) if one.name == field else one for one in entity.fields)
    return replace(entity, fields=kept)


def _without_circles(relationships: tuple[Relationship, ...], miss: Miss) -> tuple[Relationship, ...]:
    """Required references in a circle let no record be the first; the one that closes a circle becomes optional."""
    needs: dict[str, set[str]] = {}
    kept = []
    for one in relationships:
        if one.required and one.child in _reached(one.parent, needs):
            reason = "Required references go in a circle, so this one is not required in the pack."
            miss(one.child, one.origin, f"{one.child} → {one.parent}", reason)
            one = replace(one, required=False)
        if one.required:
            needs.setdefault(one.child, set()).add(one.parent)
        kept.append(one)
    return tuple(kept)


def _reached(start: str, needs: dict[str, set[str]]) -> set[str]:
    reached, pending = {start}, [start]
    while pending:
        for parent in needs.get(pending.pop(), ()):
            if parent not in reached:
                reached.add(parent)
                pending.append(parent)
    return reached
