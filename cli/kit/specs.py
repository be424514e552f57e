"""Reads specs from YAML into messages. Errors name the path, and the nearest name for an unknown one."""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from cli.kit.run import USAGE, Failed
from greenroom.synthesizer.v1.conversation_pb2 import ConversationSpec
from shared import yaml
from shared.words import all_of, any_of

M = TypeVar("M", bound=Message)

_STDIN = Path("-")
_FREE = "google.protobuf."
"""Messages of this package have a special JSON form: timestamps, structs, values, masks."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    # Proto JSON writes 64-bit integers as text.
    return (isinstance(value, int) and not isinstance(value, bool)) or bool(re.fullmatch(r"-?\d+", str(value)))


_Rule = tuple[Callable[[Any], bool], str]
_TEXT: _Rule = (lambda value: isinstance(value, str), "text; put it in quotes")
_FLAG: _Rule = (lambda value: isinstance(value, bool), "true or false")
_WHOLE: _Rule = (_is_whole, "a whole number")
_NUMBER: _Rule = (_is_number, "a number")

_SCALARS: Mapping[int, _Rule] = {
    FieldDescriptor.CPPTYPE_STRING: _TEXT,
    FieldDescriptor.CPPTYPE_BOOL: _FLAG,
    **dict.fromkeys((FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64), _WHOLE),
    **dict.fromkeys((FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64), _WHOLE),
    **dict.fromkeys((FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE), _NUMBER),
}
"""By field type: a check of the value, and the name of what is expected."""


def read(path: Path, message: M) -> M:
    """The message, filled from the YAML file; `-` is standard input.

    Raises Failed with the file, the path and what would be right.
    """
    return filled(load(path), message, _called(path))


def conversation(path: Path) -> ConversationSpec:
    """The conversation of a YAML file with the fields of ConversationSpec or BatchSpec. Raises Failed."""
    content = load(path)
    if isinstance(content, dict) and "conversation" in content:
        content = content["conversation"]
    return filled(content, ConversationSpec(), _called(path))


def load(path: Path) -> Any:
    """The content of the YAML file. Raises GreenroomError with the file and the line."""
    return yaml.load(sys.stdin.buffer.read() if path == _STDIN else path.read_bytes(), _called(path))


def _called(path: Path) -> str:
    return "standard input" if path == _STDIN else str(path)


def paths(content: dict[str, Any]) -> list[str]:
    """The paths of the fields that `content` sets, for a field mask."""
    found: list[str] = []
    for key, value in content.items():
        found += [f"{key}.{inner}" for inner in paths(value)] if isinstance(value, dict) and value else [key]
    return found


def filled(content: Any, message: M, file: str) -> M:
    """The message, filled from JSON values.

    Keys are the contract's field names. Enum values may be written without their prefix, in either case: `slow` for
    `DECISION_SPEED_SLOW`.
    """
    descriptor = cast(Descriptor, message.DESCRIPTOR)
    if not isinstance(content, dict):
        raise Failed(f"{file}: write fields and their values, as in `{descriptor.fields[0].name}: …`.", USAGE)
    try:
        return json_format.ParseDict(_checked(content, descriptor, "", file), message)
    except json_format.ParseError as error:
        raise Failed(f"{file}: {_plain(str(error))}", USAGE) from None


def override(message: Message, **options: Any) -> None:
    """Set the fields whose option was given; None: it was not."""
    filled({name: value for name, value in options.items() if value is not None}, message, "the options")


def _plain(message: str) -> str:
    """Shortens protobuf's `Failed to parse a field: Failed to parse b field: why at M.a.b..` to `` `a.b`: why.``"""
    path = re.findall(r"Failed to parse (\w+) field: ", message)
    why = re.sub(r"( at [\w.\[\]]+)?\.*$", "", re.sub(r"Failed to parse \w+ field: ", "", message)).rstrip(".")
    return f"`{'.'.join(path)}`: {why}." if path else f"{why}."


def _checked(content: Any, descriptor: Descriptor, where: str, file: str) -> Any:
    if descriptor.full_name.startswith(_FREE) or not isinstance(content, dict):
        return content
    checked = {}
    for key, value in content.items():
        field = descriptor.fields_by_name.get(key)
        at = f"{where}.{key}" if where else key
        if field is None:
            inside = f" in `{where}`" if where else ""
            known = all_of(sorted(descriptor.fields_by_name))
            near = yaml.near(key, descriptor.fields_by_name) or f"; it has {known}"
            raise Failed(f"{file}: there is no `{key}`{inside}{near}.", USAGE)
        checked[key] = _value(value, field, at, file)
    return checked


def _value(value: Any, field: FieldDescriptor, where: str, file: str) -> Any:
    if _is_map(field):
        return value
    if field.is_repeated:
        if not isinstance(value, list):
            raise Failed(f"{file}: `{where}` is a list; write its items with dashes.", USAGE)
        return [_one(item, field, f"{where}[{index}]", file) for index, item in enumerate(value)]
    return _one(value, field, where, file)


def _one(value: Any, field: FieldDescriptor, where: str, file: str) -> Any:
    if field.message_type is not None:
        if not isinstance(value, dict) and not field.message_type.full_name.startswith(_FREE) and value is not None:
            raise Failed(f"{file}: `{where}` has fields: {', '.join(field.message_type.fields_by_name)}.", USAGE)
        return _checked(value, field.message_type, where, file)
    if field.enum_type is not None and isinstance(value, str):
        return _enum(value, field.enum_type, where, file)
    fits, wanted = _SCALARS.get(field.cpp_type, (_anything, ""))
    if value is not None and not fits(value):
        raise Failed(f"{file}: `{where}` is {wanted}.", USAGE)
    return value


def _anything(_value: Any) -> bool:
    return True


def _enum(value: str, enum: EnumDescriptor, where: str, file: str) -> str:
    names = [one.name for one in enum.values]
    prefix = names[0].removesuffix("UNSPECIFIED")
    if value in names:
        return value
    short = {name.removeprefix(prefix).lower(): name for name in names}
    if value.lower() not in short:
        allowed = any_of(name for name in short if name != "unspecified")
        raise Failed(f"{file}: `{where}` cannot be `{value}`; it is one of {allowed}.", USAGE)
    return short[value.lower()]


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry
