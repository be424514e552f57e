"""JSON Schema of messages in proto JSON, with the proto's field names and comments."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

NAMED = {
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Value": {},
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
}
"""The forms of messages that have their own in proto JSON."""

_TYPE = FieldDescriptorProto
WHOLE = {"type": ["string", "integer"], "pattern": "^-?[0-9]+$"}
SCALARS = {
    _TYPE.TYPE_STRING: {"type": "string"},
    _TYPE.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    _TYPE.TYPE_BOOL: {"type": "boolean"},
    _TYPE.TYPE_INT32: {"type": "integer"},
    _TYPE.TYPE_INT64: WHOLE,
    _TYPE.TYPE_DOUBLE: {"type": "number"},
}
"""The forms of scalars. Whole numbers of 64 bits are written as texts."""


Declared = DescriptorProto | EnumDescriptorProto


class Schemas:
    """The messages and enums of an image."""

    def __init__(self, image: FileDescriptorSet) -> None:
        self._types: dict[str, Declared] = {}
        self._comments: dict[tuple[str, ...], str] = {}
        for file in image.file:
            comments = {tuple(one.path): one.leading_comments for one in file.source_code_info.location}
            for name, kind, path in _declared(file):
                self._types[name] = kind
                self._comments[(name,)] = comments.get(path, "")
                if isinstance(kind, DescriptorProto):
                    for place, field in enumerate(kind.field):
                        self._comments[name, field.name] = comments.get((*path, 2, place), "")

    def schema(self, *roots: str) -> dict[str, Any]:
        """The schema whose definitions are these messages and all that they name."""
        definitions: dict[str, Any] = {}
        wanted = list(roots)
        for name in wanted:
            if name not in definitions:
                definitions[name] = self._definition(name, wanted)
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions}

    def _definition(self, name: str, wanted: list[str]) -> dict[str, Any]:
        kind = self._types[name]
        about = _described(self._comments[(name,)])
        if isinstance(kind, EnumDescriptorProto):
            return {**about, "enum": [value.name for value in kind.value]}
        properties = {
            field.name: {**_described(self._comments[name, field.name]), **self._form(field, wanted)}
            for field in kind.field
        }
        return {**about, "type": "object", "properties": properties}

    def _form(self, field: FieldDescriptorProto, wanted: list[str]) -> dict[str, Any]:
        if field.type in (_TYPE.TYPE_MESSAGE, _TYPE.TYPE_ENUM):
            name = field.type_name.removeprefix(".")
            if name not in NAMED:
                wanted.append(name)
            form = NAMED.get(name, {"$ref": f"#/$defs/{name}"})
        else:
            form = SCALARS[field.type]
        return {"type": "array", "items": form} if field.label == _TYPE.LABEL_REPEATED else form


def _declared(file: FileDescriptorProto) -> Iterator[tuple[str, Declared, tuple[int, ...]]]:
    """(full name, message or enum, path in the source) of everything that a file declares."""
    for place, enum in enumerate(file.enum_type):
        yield f"{file.package}.{enum.name}", enum, (5, place)
    waiting = [(file.package, message, (4, place)) for place, message in enumerate(file.message_type)]
    for outer, message, path in waiting:
        name = f"{outer}.{message.name}"
        yield name, message, path
        waiting += [(name, nested, (*path, 3, place)) for place, nested in enumerate(message.nested_type)]
        for place, enum in enumerate(message.enum_type):
            yield f"{name}.{enum.name}", enum, (*path, 4, place)


def _described(comment: str) -> dict[str, str]:
    words = " ".join(comment.split())
    return {"description": words} if words else {}
