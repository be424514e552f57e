"""JSON Schema: its root and the objects among its definitions."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from services.enricher.discovery.model import Found, NotRead, Source
from services.enricher.discovery.schemas import Schemas, definitions


def read_json_schema(source: Source, document: Mapping[str, Any]) -> Found:
    """What a JSON Schema has."""
    not_read: list[NotRead] = []

    def miss(pointer: str, construct: str, reason: str) -> None:
        not_read.append(NotRead(f"{source.file}: {pointer}", construct, reason))

    schemas = Schemas(document, miss)
    named = [*definitions(document, "$defs"), *definitions(document, "definitions")]
    root, at = document, "#"
    if document.get("type") == "array" and isinstance(document.get("items"), Mapping):
        root, at = document["items"], "#/items"
    if schemas.is_object(at, root) and "$ref" not in root:
        title = document.get("title")
        named.insert(0, (at, source.entity or str(title or PurePath(source.file).name.split(".")[0] or "root"), root))
    objects = [one for one in named if schemas.is_object(one[0], one[2])]
    for pointer, name, _ in objects:
        schemas.declare(pointer, name)
    for pointer, _, schema in objects:
        schemas.entity(pointer, schema)
    for pointer, _, schema in named:
        if not schemas.is_object(pointer, schema):
            schemas.check(pointer, schema)
    return Found(tuple(schemas.entities.values()), rules=tuple(schemas.rules.values()), not_read=tuple(not_read))
