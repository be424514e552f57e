"""What a Set node writes, in any of its versions."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from services.synthesizer.campaigns.formats.n8n.workflow import Node

Parts = tuple[str | int, ...]


def assignments(node: Node) -> tuple[Mapping[Parts, Any], str]:
    """The value of each path that a Set writes, and a sentence if some of it is not read, or ""."""
    parameters = node.parameters
    if parameters.get("mode") in ("raw", "jsonOutput", "json") or (
        "jsonOutput" in parameters and "assignments" not in parameters
    ):
        return _raw(parameters.get("jsonOutput"))
    found: dict[Parts, Any] = {}
    for name, value in _pairs(parameters):
        if name:
            found[tuple(part for part in name.split(".") if part) or (name,)] = value
    return found, ""


def _pairs(parameters: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    inside = parameters.get("assignments")
    if isinstance(inside, Mapping):
        for one in _objects(inside.get("assignments")):
            yield str(one.get("name") or ""), one.get("value")
    inside = parameters.get("fields")
    if isinstance(inside, Mapping):
        for one in _objects(inside.get("values")):
            value = next((one[key] for key in one if str(key).endswith("Value")), one.get("value"))
            yield str(one.get("name") or ""), value
    inside = parameters.get("values")
    if isinstance(inside, Mapping):
        for kind in ("string", "number", "boolean"):
            for one in _objects(inside.get(kind)):
                yield str(one.get("name") or ""), one.get("value")


def _raw(source: Any) -> tuple[Mapping[Parts, Any], str]:
    try:
        value = json.loads(source.removeprefix("=")) if isinstance(source, str) else source
    except (ValueError, RecursionError):
        return {}, "Its JSON has expressions and is not read."
    if not isinstance(value, dict):
        return {}, "Its JSON is no object."
    # Texts of an expression may have expressions of their own.
    begins = "=" if isinstance(source, str) and source.startswith("=") else ""
    return {(name,): f"{begins}{one}" if isinstance(one, str) else one for name, one in value.items()}, ""


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
