"""Specs in YAML: read strictly into the contracts' messages, with a place and a near name for whatever is wrong."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from cli.commands import USAGE, Failed
from shared import yaml

M = TypeVar("M", bound=Message)

_FREE = "google.protobuf."
"""Messages of this package have a JSON form of their own: timestamps, structs, values, masks."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    # Proto JSON writes whole numbers of 64 bits as text.
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
"""By a field's type, whether a value is of it, and what it is to be."""


def read(path: Path, message: M) -> M:
    """message, filled from the YAML file. Raises Failed with the file, the place and what would be right."""
    return filled(load(path), message, str(path))


def load(path: Path) -> Any:
    """What the YAML file says. Raises shared.errors.GreenroomError with the file and the line."""
    return yaml.load(path.read_bytes(), str(path))


def paths(content: dict[str, Any]) -> list[str]:
    """The paths of the fields that content has a value for, as a field mask has them."""
    found: list[str] = []
    for key, value in content.items():
        found += [f"{key}.{inner}" for inner in paths(value)] if isinstance(value, dict) and value else [key]
    return found


def filled(content: Any, message: M, file: str) -> M:
    """message, filled from JSON values.

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


def _plain(message: str) -> str:
    """protobuf's words, `Failed to parse a field: Failed to parse b field: why at M.a.b..`, as `` `a.b`: why.``"""
    path = re.findall(r"Failed to parse (\w+) field: ", message)
    why = re.sub(r"( at [\w.\[\]]+)?\.*$", "", re.sub(r"Failed to parse \w+ field: ", "", message)).rstrip(".")
    return f"`{'.'.join(path)}`: {why}." if path else f"{why}."


def _checked(content: Any, descriptor: Descriptor, place: str, file: str) -> Any:
    if descriptor.full_name.startswith(_FREE) or not isinstance(content, dict):
        return content
    checked = {}
    for key, value in content.items():
        field = descriptor.fields_by_name.get(key)
        at = f"{place}.{key}" if place else key
        if field is None:
            where = f" in `{place}`" if place else ""
            known = ", ".join(sorted(descriptor.fields_by_name))
            near = yaml.near(key, descriptor.fields_by_name) or f"; it has {known}"
            raise Failed(f"{file}: there is no `{key}`{where}{near}.", USAGE)
        checked[key] = _value(value, field, at, file)
    return checked


def _value(value: Any, field: FieldDescriptor, place: str, file: str) -> Any:
    if _is_map(field):
        return value
    if field.is_repeated:
        if not isinstance(value, list):
            raise Failed(f"{file}: `{place}` is a list; write its items with dashes.", USAGE)
        return [_one(item, field, f"{place}[{index}]", file) for index, item in enumerate(value)]
    return _one(value, field, place, file)


def _one(value: Any, field: FieldDescriptor, place: str, file: str) -> Any:
    if field.message_type is not None:
        if not isinstance(value, dict) and not field.message_type.full_name.startswith(_FREE) and value is not None:
            raise Failed(f"{file}: `{place}` has fields: {', '.join(field.message_type.fields_by_name)}.", USAGE)
        return _checked(value, field.message_type, place, file)
    if field.enum_type is not None and isinstance(value, str):
        return _enum(value, field.enum_type, place, file)
    fits, wanted = _SCALARS.get(field.cpp_type, (_anything, ""))
    if value is not None and not fits(value):
        raise Failed(f"{file}: `{place}` is {wanted}.", USAGE)
    return value


def _anything(_value: Any) -> bool:
    return True


def _enum(value: str, enum: EnumDescriptor, place: str, file: str) -> str:
    names = [one.name for one in enum.values]
    prefix = names[0].removesuffix("UNSPECIFIED")
    if value in names:
        return value
    short = {name.removeprefix(prefix).lower(): name for name in names}
    if value.lower() not in short:
        allowed = ", ".join(name for name in short if name != "unspecified")
        raise Failed(f"{file}: `{place}` cannot be `{value}`; it is one of {allowed}.", USAGE)
    return short[value.lower()]


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry
