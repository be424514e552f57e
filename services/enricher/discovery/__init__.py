"""Discovery: a domain pack from SQL, OpenAPI, JSON Schema, protobuf descriptors and sample rows. Pure functions.

What is not read is named with its place; nothing is guessed silently.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from services.enricher.discovery.checking import checked
from services.enricher.discovery.errors import DialectUnknown, NothingDiscovered
from services.enricher.discovery.kinds import KINDS, detected, unpacked
from services.enricher.discovery.model import Discovery, Found, Kind, NotRead, Source
from services.enricher.discovery.names import unique_name
from services.enricher.discovery.places import shown
from services.enricher.discovery.samples import suggest
from services.enricher.discovery.sql import DIALECTS
from shared.errors import Violation
from shared.model.packs.checks import MAX_TITLE
from shared.model.packs.model import Entity, Pack, Relationship, Rule
from shared.words import any_of
from shared.yaml import near

_LISTED = 100
_OTHER_DIALECTS = {"`": "mysql", "[": "tsql"}


def discover(sources: Sequence[Source], display_name: str = "") -> Discovery:
    """What some files together say of a business.

    display_name: of the pack; empty: from the name of the first file. Raises the errors of errors.py.
    """
    kinds: list[Kind] = []
    found: list[Found] = []
    for source in sources:
        source = replace(source, data=unpacked(source), file=source.file or "the file")
        kind = source.kind or detected(source)
        source = replace(source, kind=kind, dialect=_dialect(source.dialect))
        kinds.append(kind)
        found.append(KINDS[kind].read(source))
    together = _together(found)
    suggested = suggest(together)
    not_read = [*together.not_read, *suggested.not_read]
    if not suggested.entities:
        raise _nothing(sources, not_read)
    name = " ".join(display_name.split()) or PurePath(sources[0].file).name.split(".")[0] or "Discovered"
    pack = Pack(
        "".join(filter(str.isprintable, name))[:MAX_TITLE],
        entities=suggested.entities,
        relationships=suggested.relationships,
        rules=suggested.rules,
    )
    pack = checked(pack, not_read, _files(sources, found))
    return Discovery(pack, tuple(replace(one, construct=shown(one.construct)) for one in not_read), tuple(kinds))


def _files(sources: Sequence[Source], found: Sequence[Found]) -> dict[str, str]:
    """The file in which each entity was found first."""
    files: dict[str, str] = {}
    for source, one in zip(sources, found, strict=True):
        for entity in one.entities:
            files.setdefault(entity.name, source.file)
    return files


def _dialect(dialect: str) -> str:
    known = dialect.lower() or DIALECTS[0]
    known = {"postgresql": "postgres", "mariadb": "mysql", "mssql": "tsql"}.get(known, known)
    if known not in DIALECTS:
        raise DialectUnknown(dialect=repr(dialect), near=near(known, DIALECTS), known=any_of(DIALECTS))
    return known


def _together(found: Sequence[Found]) -> Found:
    """What all files have; of two entities with one name the first is kept."""
    entities: dict[str, Entity] = {}
    relationships: list[Relationship] = []
    rules: dict[str, Rule] = {}
    not_read: list[NotRead] = []
    for one in found:
        not_read += one.not_read
        again = {entity.name for entity in one.entities if entity.name in entities}
        for entity in one.entities:
            if entity.name in again:
                reason = (
                    f"An entity {entity.name} was read already, at {entities[entity.name].origin}; that one is kept."
                )
                not_read.append(NotRead(entity.origin, entity.name, reason))
            else:
                entities[entity.name] = entity
        relationships += [link for link in one.relationships if link.child not in again]
        for rule in one.rules:
            if rule.entity not in again:
                rule_id = unique_name(rule.id, rules)
                rules[rule_id] = replace(rule, id=rule_id)
    samples = tuple(sample for one in found for sample in one.samples)
    return Found(tuple(entities.values()), tuple(relationships), tuple(rules.values()), samples, tuple(not_read))


def _nothing(sources: Sequence[Source], not_read: Sequence[NotRead]) -> NothingDiscovered:
    """The error of files in which nothing was found, with a dialect to try if marks of another one stand there."""
    hint = ""
    for mark, dialect in _OTHER_DIALECTS.items():
        if any(mark in one.construct and "expected" in one.reason for one in not_read):
            hint = f"; it looks like SQL of another dialect, perhaps {dialect}"
    files = ", ".join(source.file for source in sources[:3])
    violations = [Violation(one.place, f"{shown(one.construct)}: {one.reason}") for one in not_read[:_LISTED]]
    return NothingDiscovered(file=files, hint=hint, violations=violations)


__all__ = ["Discovery", "Kind", "NotRead", "Source", "discover"]
