"""Writes packs as documents and as YAML that reads back equal."""

import json
from enum import StrEnum
from hashlib import sha256
from typing import Any

from shared.model.events import Json
from shared.model.packs.forms import PACK, Form, Kind
from shared.model.packs.model import Pack
from shared.yaml_writing import Short, write_yaml


def document(pack: Pack) -> dict[str, Json]:
    """The pack as a JSON object with the keys of its YAML, without members that have their default."""
    return _record(pack, PACK)


def digest(pack: Pack) -> str:
    """A hash of the content; equal packs have equal digests."""
    text = json.dumps(document(pack), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return sha256(text.encode()).hexdigest()


def write_pack(pack: Pack) -> bytes:
    """The pack as YAML in UTF-8, which `read_pack` reads back equal."""
    written = document(pack)
    if "relationships" in written:
        written["relationships"] = list(map(Short, written["relationships"]))
    for entity in written.get("entities", {}).values():
        if "fields" in entity:
            entity["fields"] = {name: Short(field) for name, field in entity["fields"].items()}
    for scenario in written.get("scenarios", {}).values():
        if "constraints" in scenario:
            scenario["constraints"] = list(map(Short, scenario["constraints"]))
    return write_yaml(written)


def _record(part: Any, form: Form) -> dict[str, Json]:
    written: dict[str, Json] = {}
    for name, kind in form.members.items():
        value = getattr(part, name)
        default = form.defaults.get(name)
        if name not in form.defaults or name == "type" or value != default or type(value) is not type(default):
            written[name] = _member(value, kind)
    return written


def _member(value: Any, kind: Any) -> Json:
    if isinstance(kind, Form):
        if kind.alone:
            return _record(value, kind)
        if kind.named_by:
            return {getattr(one, kind.named_by): _record(one, kind) for one in value}
        return [_record(one, kind) for one in value]
    if isinstance(value, StrEnum):
        return value.value
    if kind is Kind.NAMES and len(value) == 1:
        return value[0]
    return [list(one) if kind is Kind.SETS else one for one in value] if isinstance(value, tuple) else value
