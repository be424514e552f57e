"""Documents: domain values as JSON bytes with a version, in the columns that are never searched."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from services.synthesizer.persona import Persona, read_persona
from services.synthesizer.procedure import Revision
from shared.model.events import Event, Json, Resource, pack, read_resource, resource_json, unpack
from shared.model.steps import Ask, Branch, Call, End, Say, Step, Tool

VERSION = 1
"""The version of every document written here."""


def _dump(record: Mapping[str, Json]) -> bytes:
    return json.dumps({"v": VERSION, **record}, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def pack_persona(persona: Persona) -> bytes:
    """The persona at rest."""
    return _dump(asdict(persona))


def unpack_persona(document: bytes) -> Persona:
    """The inverse of `pack_persona`."""
    record = json.loads(document)
    del record["v"]
    return read_persona(record)


_STEPS: Mapping[str, type[Step]] = {"say": Say, "ask": Ask, "call": Call, "branch": Branch, "end": End}
_STEP_KINDS = {step: kind for kind, step in _STEPS.items()}


def revision_json(revision: Revision) -> dict[str, Json]:
    """The revision's content, which is all but its procedure, number, state and times, as a JSON object."""
    return {
        "instructions": revision.instructions,
        "steps": [{"kind": _STEP_KINDS[type(step)], **asdict(step)} for step in revision.steps],
        "tools": [asdict(tool) for tool in revision.tools],
    }


def read_content(record: Mapping[str, Json]) -> dict[str, Any]:
    """The inverse of `revision_json`, as keyword arguments of `Revision`."""
    return {
        "instructions": record["instructions"],
        "steps": tuple(_step(step) for step in record["steps"]),
        "tools": tuple(Tool(**tool) for tool in record["tools"]),
    }


def _step(record: Mapping[str, Json]) -> Step:
    fields = dict(record)
    return _STEPS[fields.pop("kind")](**fields)


def pack_revision(revision: Revision) -> bytes:
    """The revision's content at rest."""
    return _dump(revision_json(revision))


def unpack_revision(document: bytes) -> dict[str, Any]:
    """The content that `pack_revision` wrote, as keyword arguments of `Revision`."""
    return read_content(json.loads(document))


def pack_source(events: Sequence[Event], resources: Sequence[Resource]) -> bytes:
    """A source's content at rest: a line with its resources, then a line an event, so that a page reads no other."""
    head = _dump({"resources": [resource_json(resource) for resource in resources]})
    return b"\n".join([head, *map(pack, events)])


def unpack_source_events(document: bytes, after: int = 0, limit: int | None = None) -> tuple[Event, ...]:
    """The events behind the first `after`, up to `limit` of them."""
    lines = document.split(b"\n")[1 + after :]
    return tuple(map(unpack, lines[:limit]))


def unpack_source_resources(document: bytes) -> tuple[Resource, ...]:
    """The source's resources."""
    head = json.loads(document.split(b"\n", 1)[0])
    return tuple(read_resource(record) for record in head["resources"])
