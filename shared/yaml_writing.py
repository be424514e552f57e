"""Writes JSON values as YAML: no aliases, lists and short mappings on one line if they fit, long texts as blocks."""

from typing import Any

import yaml

from shared.model.events import Json


class Short(dict[str, Json]):
    """A mapping that is written on one line if it fits."""


class _Dumper(yaml.CSafeDumper):
    """Writes no aliases, lists on one line if they fit, and texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        node = super().represent_sequence(tag, sequence, flow_style)
        node.flow_style = _width(node) <= _LINE and not any(isinstance(one, yaml.MappingNode) for one in node.value)
        return node

    def short(self, data: Short) -> yaml.MappingNode:
        node = self.represent_mapping("tag:yaml.org,2002:map", data)
        node.flow_style = _width(node) <= _LINE
        return node

    def text(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


_Dumper.add_representer(Short, _Dumper.short)
_Dumper.add_representer(str, _Dumper.text)

_LINE = 110


def _width(node: yaml.Node) -> int:
    """About how many characters a node takes on one line."""
    if isinstance(node, yaml.MappingNode):
        return sum(_width(key) + _width(value) + 2 for key, value in node.value) + 2
    if isinstance(node, yaml.SequenceNode):
        return sum(_width(item) + 2 for item in node.value)
    return 2 * _LINE if "\n" in node.value else len(node.value)


def write_yaml(value: Json) -> bytes:
    """The value as YAML in UTF-8; `Short` mappings are on one line if they fit."""
    dumped = yaml.dump(value, Dumper=_Dumper, encoding="utf-8", allow_unicode=True, sort_keys=False, width=120)
    return bytes(dumped)
