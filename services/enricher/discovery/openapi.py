"""OpenAPI 3.0 and 3.1: the objects of its schemas, and those that stand in the bodies of requests and responses."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.enricher.discovery.model import Found, NotRead, Source
from services.enricher.discovery.schemas import Schemas, definitions

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def read_openapi(source: Source, document: Mapping[str, Any]) -> Found:
    """What an OpenAPI document has."""
    not_read: list[NotRead] = []

    def miss(pointer: str, construct: str, reason: str) -> None:
        not_read.append(NotRead(f"{source.file}: {pointer}", construct, reason))

    schemas = Schemas(document, miss)
    named = [one for one in definitions(document, "components", "schemas") if schemas.is_object(one[0], one[2])]
    bodies = [one for one in _bodies(document) if schemas.is_object(one[0], one[2]) and "$ref" not in one[2]]
    for pointer, name, _ in (*named, *bodies):
        schemas.declare(pointer, name)
    for pointer, _, schema in (*named, *bodies):
        schemas.entity(pointer, schema)
    for pointer, _, schema in definitions(document, "components", "schemas"):
        if not schemas.is_object(pointer, schema):
            schemas.check(pointer, schema)
    for pointer, count in _parameters(document):
        miss(pointer, f"{count} parameters", "Parameters of a call describe no records.")
    for section in ("webhooks",):
        for name in document.get(section) or ():
            miss(f"#/{section}/{name}", name, "Calls in the other direction are not read.")
    return Found(tuple(schemas.entities.values()), rules=tuple(schemas.rules.values()), not_read=tuple(not_read))


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(pointer, name, operation) of each operation; the name is its operationId or its method and path."""
    for pointer, path, item in definitions(document, "paths"):
        for method in _METHODS:
            operation = item.get(method) if isinstance(item, Mapping) else None
            if isinstance(operation, Mapping):
                yield f"{pointer}/{method}", str(operation.get("operationId") or f"{method} {path}"), operation


def _bodies(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """(pointer, name, schema) of what requests and responses carry; the items of a list instead of the list."""
    for pointer, name, operation in _operations(document):
        for part, body in (("requestBody", operation.get("requestBody")), *_responses(operation)):
            content = body.get("content") if isinstance(body, Mapping) else None
            for media, described in (content or {}).items() if isinstance(content, Mapping) else ():
                schema = described.get("schema") if isinstance(described, Mapping) else None
                if not isinstance(schema, Mapping):
                    continue
                at = f"{pointer}/{part}/content/{media.replace('/', '~1')}/schema"
                ending = "Request" if part == "requestBody" else "Response"
                title = schema.get("title")
                if schema.get("type") == "array" and isinstance(schema.get("items"), Mapping):
                    schema, at = schema["items"], f"{at}/items"
                yield at, str(title or f"{name}{ending}"), schema


def _responses(operation: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    responses = operation.get("responses")
    for code, response in responses.items() if isinstance(responses, Mapping) else ():
        yield f"responses/{code}", response


def _parameters(document: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for pointer, _, item in definitions(document, "paths"):
        if isinstance(item, Mapping) and item.get("parameters"):
            yield f"{pointer}/parameters", len(item["parameters"])
    for pointer, _, operation in _operations(document):
        if operation.get("parameters"):
            yield f"{pointer}/parameters", len(operation["parameters"])
