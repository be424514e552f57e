"""The bounds that stand in the protos (protovalidate), checked once for every message that comes in."""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import protovalidate
from google.protobuf.message import Message

from shared.errors import InvalidArgument, Violation
from shared.rpc.handlers import Context, Handler, Layer

# protovalidate cites the pattern that a text breaks; people want to know what to write: a resource's name, or one of
# the sentences below.
_PATTERN = re.compile(r"pattern `(.+)`", re.DOTALL)
_NAME = re.compile(r"\^\(?([a-z]+)/\[a-z0-9-\]\{1,64\}\)?\??\$")
_SENTENCES = {
    r"^[a-z][a-z0-9_]{0,63}$": "Must be a small letter, then up to 63 small letters, digits or `_`.",
    r"^([a-z][a-z0-9_-]{0,63})?$": "Must be a small letter, then up to 63 small letters, digits, `_` or `-`.",
    r"^[A-Za-z][A-Za-z0-9_.-]{0,127}$": "Must be a letter, then up to 127 letters, digits, `_`, `.` or `-`.",
    r"^([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}$": "Must be a host and port such as localhost:50051.",
}


def check(message: Message) -> None:
    """Raises InvalidArgument with one violation for each broken rule of the proto and for each text with a NUL."""
    violations = [
        Violation(_path(found.proto.field), f"{_sentence(found.proto.message or found.proto.rule_id)}")
        for found in protovalidate.collect_violations(message)
    ]
    blamed = {violation.field for violation in violations}
    nul = "Must not hold the character NUL."
    violations += [Violation(path, nul) for path in strings_with_nul(message) if path not in blamed]
    if violations:
        raise InvalidArgument(violations=violations)


def strings_with_nul(message: Message) -> list[str]:
    """The paths of the texts in message that hold the character NUL, which PostgreSQL can neither keep nor compare."""
    # Nearly no message has a zero byte at all, and that is soon seen.
    return list(_strings_with_nul(message, "")) if b"\0" in message.SerializeToString() else []


def _strings_with_nul(value: Any, path: str) -> Iterator[str]:
    match value:
        case str():
            if "\0" in value:
                yield path
        case Message():
            for field, member in value.ListFields():
                inner = f"{path}.{field.name}" if path else field.name
                entry = field.message_type
                if entry is not None and entry.GetOptions().map_entry:
                    # A map may have a hundred thousand members, and to find no NUL in them should cost next to nothing.
                    value_type = entry.fields_by_name["value"].type
                    holds_text = value_type in (field.TYPE_STRING, field.TYPE_MESSAGE)
                    for key in member:
                        if isinstance(key, str) and "\0" in key:
                            yield f"{inner}[{json.dumps(key)}]"
                        if holds_text:
                            yield from _strings_with_nul(member[key], f"{inner}[{json.dumps(key)}]")
                elif field.is_repeated:
                    for place, item in enumerate(member):
                        yield from _strings_with_nul(item, f"{inner}[{place}]")
                else:
                    yield from _strings_with_nul(member, inner)


class Validation(Layer):
    """Refuses messages that break the rules of their proto. What is forwarded as bytes is checked where it arrives."""

    @asynccontextmanager
    async def guard(self, method: str, context: Context) -> AsyncIterator[None]:  # noqa: ARG002
        yield

    def decoder(self, handler: Handler) -> Callable[[Any], Any] | None:
        return None if handler.request_deserializer is None else _checked


def _checked(message: Message) -> Message:
    check(message)
    return message


def _path(path: Any) -> str:
    """A protobuf-py FieldPath as text: `spec.mocks[2].tool`, `labels["a"].value`."""
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
        text = _SENTENCES.get(pattern[1], text)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
