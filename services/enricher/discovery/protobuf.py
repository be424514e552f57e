"""Protobuf: the messages of a FileDescriptorSet."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from google.protobuf.message import DecodeError

from services.enricher.discovery.errors import SourceUnreadable
from services.enricher.discovery.model import Found, NotRead, Source
from services.enricher.discovery.names import unique_name
from shared.model.packs.model import Entity, Field, FieldType, Rule
from shared.rules.printer import show_name

_Proto = FieldDescriptorProto
_SIGNED_32 = frozenset({_Proto.TYPE_INT32, _Proto.TYPE_SINT32, _Proto.TYPE_SFIXED32})
_UNSIGNED = frozenset({_Proto.TYPE_UINT32, _Proto.TYPE_FIXED32, _Proto.TYPE_UINT64, _Proto.TYPE_FIXED64})
_SIGNED_64 = frozenset({_Proto.TYPE_INT64, _Proto.TYPE_SINT64, _Proto.TYPE_SFIXED64})
_WELL_KNOWN: Mapping[str, FieldType] = {
    ".google.protobuf.Timestamp": FieldType.DATETIME,
    ".google.protobuf.DoubleValue": FieldType.NUMBER,
    ".google.protobuf.FloatValue": FieldType.NUMBER,
    ".google.protobuf.Int64Value": FieldType.INTEGER,
    ".google.protobuf.UInt64Value": FieldType.INTEGER,
    ".google.protobuf.Int32Value": FieldType.INTEGER,
    ".google.protobuf.UInt32Value": FieldType.INTEGER,
    ".google.protobuf.BoolValue": FieldType.BOOLEAN,
    ".google.protobuf.StringValue": FieldType.TEXT,
    ".google.type.Date": FieldType.DATE,
    ".google.type.TimeOfDay": FieldType.TIME,
}
_JSON = frozenset(
    f".google.protobuf.{name}" for name in ("Struct", "Value", "ListValue", "Any", "FieldMask", "Empty", "BytesValue")
)
_BASE64 = "([A-Za-z0-9+/]{4}){1,8}"
"""How JSON writes bytes."""
_SECONDS = "[1-9][0-9]{0,5}s"
"""How JSON writes a Duration."""
_MESSAGES, _ENUMS, _FIELDS, _NESTED, _NESTED_ENUMS = 4, 5, 2, 3, 4
"""The numbers of fields in descriptor.proto, of which the paths of comments are made."""


@dataclass(slots=True)
class _Types:
    """All messages and enumerations by full name, with the comments of their files by path."""

    messages: dict[str, tuple[DescriptorProto, FileDescriptorProto, tuple[int, ...]]] = field(default_factory=dict)
    enums: dict[str, EnumDescriptorProto] = field(default_factory=dict)
    comments: dict[str, dict[tuple[int, ...], str]] = field(default_factory=dict)


def read_protobuf(source: Source) -> Found:
    """What a serialized FileDescriptorSet has. Raises SourceUnreadable."""
    described = FileDescriptorSet()
    try:
        described.ParseFromString(source.data)
    except DecodeError:
        raise SourceUnreadable(file=source.file, kind="a FileDescriptorSet", why="its bytes are none") from None
    if not any(file.name and (file.message_type or file.enum_type or file.service) for file in described.file):
        raise SourceUnreadable(file=source.file, kind="a FileDescriptorSet", why="it has no file with messages")
    types = _Types()
    for file in described.file:
        _collect(types, file)
    return _Reader(source.file, types).found(described)


def _collect(types: _Types, file: FileDescriptorProto) -> None:
    package = f".{file.package}" if file.package else ""
    types.comments[file.name] = {
        tuple(location.path): _text(location.leading_comments or location.trailing_comments)
        for location in file.source_code_info.location
    }

    def collect(prefix: str, message: DescriptorProto, path: tuple[int, ...]) -> None:
        name = f"{prefix}.{message.name}"
        types.messages[name] = (message, file, path)
        types.enums.update({f"{name}.{enum.name}": enum for enum in message.enum_type})
        for number, nested in enumerate(message.nested_type):
            collect(name, nested, (*path, _NESTED, number))

    for number, message in enumerate(file.message_type):
        collect(package, message, (_MESSAGES, number))
    types.enums.update({f"{package}.{enum.name}": enum for enum in file.enum_type})


class _Reader:
    def __init__(self, file: str, types: _Types) -> None:
        self._file = file
        self._types = types
        self._not_read: list[NotRead] = []
        self._rules: dict[str, Rule] = {}
        self._names: dict[str, str] = {}

    def found(self, described: FileDescriptorSet) -> Found:
        own = {
            name: one
            for name, one in self._types.messages.items()
            if not one[0].options.map_entry and not name.startswith((".google.protobuf.", ".buf.validate."))
        }
        shorts = [name.rpartition(".")[2] for name in own]
        for name, (_, file, _) in own.items():
            short = name.rpartition(".")[2]
            package = f".{file.package}" if file.package else ""
            long = name.removeprefix(f"{package}.").replace(".", "_")
            self._names[name] = unique_name(short if shorts.count(short) == 1 else long, set(self._names.values()))
        entities = tuple(entity for name in own if (entity := self._entity(name)) is not None)
        for file in described.file:
            for service in file.service:
                for method in service.method:
                    self._miss(f"{service.name}.{method.name}", "rpc", "Calls describe no records.")
            for extension in file.extension:
                self._miss(extension.name, "extend", "Extensions are not read.")
        return Found(entities, rules=tuple(self._rules.values()), not_read=tuple(self._not_read))

    def _miss(self, path: str, construct: str, reason: str) -> None:
        self._not_read.append(NotRead(f"{self._file}: {path}", construct, reason))

    def _entity(self, name: str) -> Entity | None:
        message, file, path = self._types.messages[name]
        shown = name.removeprefix(".")
        comments = self._types.comments[file.name]
        fields = tuple(
            self._field(one, f"{shown}.{one.name}", file, comments.get((*path, _FIELDS, number), ""))
            for number, one in enumerate(message.field)
        )
        if not fields:
            self._miss(shown, f"message {message.name}", "A message without fields has no records, so it is left out.")
            return None
        entity = Entity(self._names[name], comments.get(path, ""), fields, origin=shown)
        for number, oneof in enumerate(message.oneof_decl):
            members = [one for one in message.field if one.HasField("oneof_index") and one.oneof_index == number]
            if members and not members[0].proto3_optional:
                self._at_most_one(entity, oneof.name, [one.name for one in members])
        if message.extension_range:
            self._miss(shown, "extensions", "Extensions are not read.")
        return entity

    def _at_most_one(self, entity: Entity, oneof: str, members: list[str]) -> None:
        """A oneof as a rule: for each two members, one is null."""
        pairs = [(one, other) for at, one in enumerate(members) for other in members[at + 1 :]]
        sides = [f"({show_name(one)} is null or {show_name(other)} is null)" for one, other in pairs]
        text = f"A record has at most one of {', '.join(members)}."
        expression = " and ".join(sides) if 0 < len(sides) <= _MOST_PAIRS else ""
        if len(sides) > _MOST_PAIRS:
            self._miss(f"{entity.origin}.{oneof}", "oneof", "It has too many members for a rule; it is kept in words.")
        if sides:
            rule_id = unique_name(f"{entity.name}_{oneof}", self._rules)
            self._rules[rule_id] = Rule(rule_id, entity.name, text, expression=expression, origin=entity.origin)

    def _field(self, proto: _Proto, path: str, file: FileDescriptorProto, comment: str) -> Field:
        self._options(proto, path)
        kind, limits, contents = self._type(proto, path)
        shape = self._shape(proto)
        if proto.label == _Proto.LABEL_REPEATED:
            inside = contents or f"`{kind}`"
            listed = f"A map of {inside}." if self._is_map(proto) else f"A list of {inside}."
            return Field(proto.name, FieldType.JSON, " ".join(filter(None, [comment, listed])), json_schema=shape)
        described = f"A {contents}." if contents else ""
        nullable = proto.type in (_Proto.TYPE_MESSAGE, _Proto.TYPE_GROUP) or proto.HasField("oneof_index")
        if file.syntax not in ("proto3", "editions"):
            nullable = proto.label != _Proto.LABEL_REQUIRED
        if kind is FieldType.JSON:
            limits["json_schema"] = shape
        made = Field(proto.name, kind, " ".join(filter(None, [comment, described])), nullable=nullable, **limits)
        if proto.default_value:
            self._miss(path, f"default = {proto.default_value}", "Defaults of proto2 are not read.")
        return made

    def _options(self, proto: _Proto, path: str) -> None:
        """Options that are not known here, such as rules of protovalidate, are named."""
        unknown = proto.options.SerializeToString()
        known = type(proto.options)()
        known.CopyFrom(proto.options)
        known.DiscardUnknownFields()
        if known.SerializeToString() != unknown:
            self._miss(path, "options", "Options of other files, such as rules of a validator, are not read.")

    def _type(self, proto: _Proto, path: str) -> tuple[FieldType, dict[str, Any], str]:
        """(type, limits, what it has inside) of a value."""
        match proto.type:
            case _Proto.TYPE_BOOL:
                return FieldType.BOOLEAN, {}, ""
            case _Proto.TYPE_STRING:
                return FieldType.TEXT, {}, ""
            case _Proto.TYPE_BYTES:
                return FieldType.TEXT, {"format": "binary", "pattern": _BASE64}, ""
            case _Proto.TYPE_DOUBLE | _Proto.TYPE_FLOAT:
                return FieldType.NUMBER, {}, ""
            case _Proto.TYPE_ENUM:
                enum = self._types.enums.get(proto.type_name)
                if enum is None:
                    self._miss(path, proto.type_name, "The enumeration is not in this file; it is read as a text.")
                return FieldType.TEXT, {"values": tuple(one.name for one in enum.value)} if enum else {}, ""
        if proto.type in _UNSIGNED:
            return FieldType.INTEGER, {"minimum": 0}, ""
        if proto.type in _SIGNED_32 or proto.type in _SIGNED_64:
            return FieldType.INTEGER, {}, ""
        if proto.type_name == ".google.protobuf.Duration":
            return FieldType.TEXT, {"format": "duration", "pattern": _SECONDS}, ""
        if proto.type_name in _WELL_KNOWN and proto.type_name not in self._names:
            return _WELL_KNOWN[proto.type_name], {}, ""
        if proto.type_name in self._names:
            return FieldType.JSON, {}, f"`{self._names[proto.type_name]}`"
        if self._is_map(proto):
            return FieldType.JSON, {}, self._map_values(proto, path)
        if proto.type_name not in _JSON:
            self._miss(path, proto.type_name, "The message is not in this file; it is read as any JSON.")
        return FieldType.JSON, {}, ""

    def _shape(self, proto: _Proto) -> dict[str, Any] | None:
        """The JSON Schema of a value, as protobuf writes it in JSON; None if it may be anything."""
        if self._is_map(proto):
            key, value = self._entry(proto).field
            keys = _KEYS.get(key.type, {"type": "string", "pattern": "[1-9][0-9]{0,5}"})
            return {"type": "object", "propertyNames": keys, "additionalProperties": self._one_shape(value) or {}}
        one = self._one_shape(proto)
        if proto.label == _Proto.LABEL_REPEATED:
            return {"type": "array", "items": one or {"type": "object"}}
        return one

    def _one_shape(self, proto: _Proto) -> dict[str, Any] | None:
        if proto.type_name in self._names:
            # A message without fields is no entity.
            fields = self._types.messages[proto.type_name][0].field
            return {"$ref": f"#/entities/{self._names[proto.type_name]}"} if fields else {"type": "object"}
        if proto.type_name in _SHAPES:
            return _SHAPES[proto.type_name]
        named = len(self._not_read)
        kind, limits, _ = self._type(proto, "")
        del self._not_read[named:]  # the field itself named it already
        if limits.get("values"):
            return {"enum": list(limits["values"])}
        bounds: dict[str, Any] = {name: limits[name] for name in ("minimum", "pattern") if name in limits}
        return {"type": _JSON_TYPES[kind], **bounds} if kind in _JSON_TYPES else _OF_KINDS.get(kind)

    def _entry(self, proto: _Proto) -> DescriptorProto:
        return self._types.messages[proto.type_name][0]

    def _is_map(self, proto: _Proto) -> bool:
        found = self._types.messages.get(proto.type_name)
        return found is not None and found[0].options.map_entry

    def _map_values(self, proto: _Proto, path: str) -> str:
        entry = self._types.messages[proto.type_name][0]
        kind, _, contents = self._type(entry.field[1], path)
        return contents or f"`{kind}`"


_MOST_PAIRS = 45
_KEYS: Mapping[int, dict[str, Any]] = {
    _Proto.TYPE_STRING: {"type": "string"},
    _Proto.TYPE_BOOL: {"enum": ["true", "false"]},
}
"""The keys of maps in JSON, by their types; others are numbers."""
_JSON_TYPES = {
    FieldType.TEXT: "string",
    FieldType.INTEGER: "integer",
    FieldType.NUMBER: "number",
    FieldType.BOOLEAN: "boolean",
}
_OF_KINDS: Mapping[FieldType, dict[str, Any]] = {FieldType.DATETIME: {"type": "string", "format": "date-time"}}
_SHAPES: Mapping[str, dict[str, Any]] = {
    ".google.protobuf.Any": {"type": "object"},
    ".google.protobuf.Struct": {"type": "object"},
    ".google.protobuf.ListValue": {"type": "array", "items": {"type": "string"}},
    ".google.protobuf.Value": {"type": "string"},
    ".google.protobuf.Empty": {"type": "object"},
    ".google.protobuf.BytesValue": {"type": "string", "pattern": _BASE64},
    ".google.protobuf.FieldMask": {"type": "string", "pattern": "[a-z]{2,8}(,[a-z]{2,8}){0,2}"},
}
"""How messages of protobuf itself are written in JSON, as far as records have some."""


def _text(comment: str) -> str:
    return re.sub(r"\s+", " ", comment).strip()
