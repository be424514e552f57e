"""Checks every incoming message against the rules in its proto (protovalidate)."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import protovalidate
from buf.validate import validate_pb2
from google.protobuf import struct_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from shared.errors import InvalidArgument, Violation
from shared.model.numbers import INEXACT, inexact
from shared.rpc.handlers import Context, Handler, Layer

# protovalidate quotes the regular expression that a text does not match. Say instead what to write.
_PATTERN = re.compile(r"pattern `(.+)`", re.DOTALL)
_NAME = re.compile(r"\^\(?([a-z_]+)/\[a-z0-9-\]\{1,64\}\)?\??\$")
_LOW_NAME = re.compile(
    r"\^\(?([a-z_]+)/(?:\[a-z\])?\[a-z0-9_-\]\{(?:1,64|0,63)\}(\(@\[1-9\]\[0-9\]\{0,8\}\)\?)?\)?\??\$"
)
"""A name that may have `_`, and with the second group the number of a revision."""
_HOST = r"(([A-Za-z0-9._-]|\{pull_request\}){1,253}|\[[0-9A-Fa-f:.]{2,45}\])"
_WEB = r"^https?://" + _HOST + r"(:[0-9]{1,5})?(/([A-Za-z0-9._~!$&'()*+,;=:@%/MORE-]|\{pull_request\})*)?$"
_SENTENCES = {
    r"^[a-z][a-z0-9_]{0,63}$": "Must be a small letter, then up to 63 small letters, digits or `_`.",
    r"^([a-z][a-z0-9_]{0,62})?$": "Must be a small letter, then up to 62 small letters, digits or `_`.",
    r"^([a-z][a-z0-9_-]{0,63})?$": "Must be a small letter, then up to 63 small letters, digits, `_` or `-`.",
    r"^[a-z][a-z0-9-]{0,31}$": "Must be a small letter, then up to 31 small letters, digits or `-`.",
    r"^[a-z0-9][a-z0-9_-]{0,31}$": "Must be a small letter or digit, then up to 31 small letters, digits, `_` or `-`.",
    r"^[A-Za-z][A-Za-z0-9_.-]{0,127}$": "Must be a letter, then up to 127 letters, digits, `_`, `.` or `-`.",
    r"^[A-Za-z0-9][A-Za-z0-9._/=:-]{0,62}$": "Must be a letter or digit, then up to 62 letters, digits or `._/=:-`.",
    r"^[a-z0-9-]{0,64}$": "Must be up to 64 small letters, digits or `-`.",
    r"^[a-z0-9_-]{0,64}$": "Must be up to 64 small letters, digits, `_` or `-`.",
    r"^[a-z][a-z0-9_-]{0,63}$": "Must be a small letter, then up to 63 small letters, digits, `_` or `-`.",
    r"^([a-z0-9][a-z0-9-]{0,62})?$": "Must be a small letter or digit, then up to 62 small letters, digits or `-`.",
    r"^[a-z0-9][a-z0-9-]{0,62}$": "Must be a small letter or digit, then up to 62 small letters, digits or `-`.",
    r"^[a-z0-9][a-z0-9-]{0,63}$": "Must be a small letter or digit, then up to 63 small letters, digits or `-`.",
    r"^workflows/[a-z0-9][a-z0-9-]{0,62}$": "Write workflows/… in small letters, digits and dashes.",
    r"^resources/[a-z0-9-]{1,64}(/[^/]{1,128}/.{1,256})?$": (
        "Write resources/SET for a whole set, or resources/SET/TYPE/ID for one resource of it."
    ),
    r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$": "Must be the name of an HTTP header, such as X-Team.",
    r"^[ -~]*$": "Must have visible ASCII characters and spaces only.",
    rf"^{_HOST}:[0-9]{{1,5}}$": "Must be a host and port such as localhost:50051.",
    _WEB.replace("MORE", ""): (
        "Must begin with http:// or https://, as https://bot.example.com/v1 does, and have no user and no query."
    ),
    _WEB.replace("MORE", "?"): (
        "Must begin with http:// or https://, as https://bot.example.com/act does, and have no user."
    ),
}


def check(message: Message) -> None:
    """Raise InvalidArgument with one violation per broken rule and per text that contains NUL."""
    violations = [
        Violation(_path(found.proto.field), f"{_sentence(found.proto.message or found.proto.rule_id)}")
        for found in protovalidate.collect_violations(message)
    ]
    blamed = {violation.field for violation in violations}
    nul = "Must not contain the character NUL."
    violations += [Violation(path, nul) for path in strings_with_nul(message) if path not in blamed]
    violations += [Violation(path, f"It {INEXACT}.") for path in inexact_numbers(message)]
    if violations:
        raise InvalidArgument(violations=violations)


def strings_with_nul(message: Message) -> list[str]:
    """The paths of texts that contain the character NUL, which PostgreSQL cannot store."""
    # Most messages contain no zero byte. Numbers do, but the text format of a message has its NULs only.
    suspect = b"\0" in message.SerializeToString() and "\\000" in str(message)
    return list(_strings_with_nul(message, "")) if suspect else []


def _strings_with_nul(value: Any, path: str) -> Iterator[str]:
    match value:
        case str():
            if "\0" in value:
                yield path
        case Message():
            for field, member in value.ListFields():
                if _is_checked_apart(field):
                    continue
                inner = f"{path}.{field.name}" if path else field.name
                entry = field.message_type
                if entry is not None and entry.GetOptions().map_entry:
                    # A map may have 100,000 members; skip what cannot contain text.
                    value_type = entry.fields_by_name["value"].type
                    holds_text = value_type in (field.TYPE_STRING, field.TYPE_MESSAGE)
                    for key in member:
                        if isinstance(key, str) and "\0" in key:
                            yield f"{inner}[{json.dumps(key)}]"
                        if holds_text:
                            yield from _strings_with_nul(member[key], f"{inner}[{json.dumps(key)}]")
                elif field.is_repeated:
                    for index, item in enumerate(member):
                        yield from _strings_with_nul(item, f"{inner}[{index}]")
                else:
                    yield from _strings_with_nul(member, inner)


def _is_checked_apart(field: FieldDescriptor) -> bool:
    """True for a message that the servicer checks itself, so that its faults fail nothing else of a stream."""
    return bool(field.GetOptions().Extensions[validate_pb2.field].ignore == validate_pb2.IGNORE_ALWAYS)


_LARGE_NUMBER = re.compile(r"number_value: -?(?:\d{16}|[\d.]+e\+)")
"""A double from about 1e15 in the text format of a message, which is made 20 times as fast as the message is walked."""
_JSON = frozenset({"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"})


def inexact_numbers(message: Message) -> list[str]:
    """The paths of JSON values in a message that have a whole number too large for a double to be exact.

    JSON Schemas are left out: a bound of theirs may be as large as it likes.
    """
    suspect = _holds_json(message.DESCRIPTOR) and _LARGE_NUMBER.search(str(message)) is not None
    return list(_inexact_numbers(message, "")) if suspect else []


def _inexact_numbers(message: Message, path: str) -> Iterator[str]:
    for field, member in message.ListFields():
        if field.message_type is None or field.name.endswith("schema") or not _holds_json(field.message_type):
            continue
        if _is_checked_apart(field):
            continue
        inner = f"{path}.{field.name}" if path else field.name
        parts: Iterable[tuple[str, Any]] = [(inner, member)]
        if field.is_repeated:
            items = member.items() if field.message_type.GetOptions().map_entry else enumerate(member)
            parts = ((f"{inner}[{json.dumps(key)}]", item) for key, item in items)
        for at, part in parts:
            if field.message_type.full_name not in _JSON:
                yield from _inexact_numbers(part, at)
            elif (where := inexact(_plain_json(part), at)) is not None:
                yield where


def _plain_json(value: Any) -> Any:
    """A Struct, ListValue or Value as Python values."""
    match value:
        case struct_pb2.Struct():
            return {name: _plain_json(member) for name, member in value.fields.items()}
        case struct_pb2.ListValue():
            return [_plain_json(item) for item in value.values]
        case struct_pb2.Value():
            kind = value.WhichOneof("kind")
            return None if kind is None or kind == "null_value" else _plain_json(getattr(value, kind))
        case _:
            return value


@cache
def _holds_json(descriptor: Descriptor, above: frozenset[str] = frozenset()) -> bool:
    """Whether a message of this type may contain JSON."""
    if descriptor.full_name in _JSON:
        return True
    inside = above | {descriptor.full_name}
    return any(
        field.message_type is not None
        and field.message_type.full_name not in inside
        and _holds_json(field.message_type, inside)
        for field in descriptor.fields
    )


class Validation(Layer):
    """Refuses messages that break the rules of their proto. The peer checks messages that are forwarded as bytes."""

    @asynccontextmanager
    async def guard(self, method: str, context: Context) -> AsyncIterator[None]:  # noqa: ARG002
        yield

    def decoder(self, handler: Handler) -> Callable[[Any], Any] | None:
        return None if handler.request_deserializer is None else _checked


def _checked(message: Message) -> Message:
    check(message)
    return message


def _path(path: Any) -> str:
    """A FieldPath as text, such as `spec.mocks[2].tool` or `labels["a"].value`."""
    parts = []
    for element in path.elements if path is not None else ():
        part = element.field_name
        if element.subscript is not None:
            key = element.subscript.value
            part += f'["{key}"]' if isinstance(key, str) else f"[{str(key).lower()}]"
        parts.append(part)
    return ".".join(parts)


def _sentence(text: str) -> str:
    if pattern := _PATTERN.search(text):
        if name := _NAME.fullmatch(pattern[1]):
            return f"Write {name[1]}/… in small letters, digits and dashes."
        if name := _LOW_NAME.fullmatch(pattern[1]):
            revision = f", or {name[1]}/…@3 for a revision" if name[2] else ""
            return f"Write {name[1]}/… in small letters, digits, `_` and dashes{revision}."
        text = _SENTENCES.get(pattern[1], text)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
