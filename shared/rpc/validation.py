"""The bounds that stand in the protos (protovalidate), checked once for every message that comes in."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import protovalidate
from google.protobuf.message import Message

from shared.errors import InvalidArgument, Violation
from shared.rpc.handlers import Context, Handler, Layer


def check(message: Message) -> None:
    """Raises InvalidArgument with one violation for each rule of the proto that message breaks."""
    violations = [
        Violation(_path(found.proto.field), f"{_sentence(found.proto.message or found.proto.rule_id)}")
        for found in protovalidate.collect_violations(message)
    ]
    if violations:
        raise InvalidArgument(violations=violations)


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
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
