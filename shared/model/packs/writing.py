"""Writes packs as documents and as YAML that reads back equal."""

import json
from enum import StrEnum
from hashlib import sha256
from typing import Any

import yaml

from shared.model.events import Json
from shared.model.packs.forms import PACK, Form, Kind
from shared.model.packs.model import Pack


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
        written["relationships"] = list(map(_Short, written["relationships"]))
    for entity in written.get("entities", {}).values():
        if "fields" in entity:
            entity["fields"] = {name: _Short(field) for name, field in entity["fields"].items()}
    for scenario in written.get("scenarios", {}).values():
        if "constraints" in scenario:
            scenario["constraints"] = list(map(_Short, scenario["constraints"]))
    dumped = yaml.dump(written, Dumper=_Dumper, encoding="utf-8", allow_unicode=True, sort_keys=False, width=120)
    return bytes(dumped)


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


class _Short(dict[str, Json]):
    """A mapping that is written on one line if it fits."""


class _Dumper(yaml.CSafeDumper):
    """Writes no aliases, lists on one line if they fit, and texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        node = super().represent_sequence(tag, sequence, flow_style)
        node.flow_style = _width(node) <= _LINE and not any(isinstance(one, yaml.MappingNode) for one in node.value)
        return node

    def short(self, data: _Short) -> yaml.MappingNode:
        node = self.represent_mapping("tag:yaml.org,2002:map", data)
        node.flow_style = _width(node) <= _LINE
        return node

    def text(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


_Dumper.add_representer(_Short, _Dumper.short)
_Dumper.add_representer(str, _Dumper.text)

_LINE = 110


def _width(node: yaml.Node) -> int:
    """About how many characters a node takes on one line."""
    if isinstance(node, yaml.MappingNode):
        return sum(_width(key) + _width(value) + 2 for key, value in node.value) + 2
    if isinstance(node, yaml.SequenceNode):
        return sum(_width(item) + 2 for item in node.value)
    return 2 * _LINE if "\n" in node.value else len(node.value)
