"""Generates hostile messages from descriptors: any field values, existing names, valid messages with one fault.

Names of resources that exist are stand-ins until `named` replaces them.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from greenroom.synthesizer.v1 import procedure_pb2
from shared.rpc.cursors import encode_token
from tests.contract.methods import Method, collection_of
from tests.contract.valid_requests import valid_request

DEPTH = 4
KNOWN = 4
"""Names of resources of each kind that exist."""


def stand_in(collection: str, place: int = 0) -> str:
    """A name that `named` replaces by that of a resource which exists, so that requests are drawn once."""
    return f"{collection}/{collection}-{place}"


class StandIns(dict[str, str]):
    """The first of each collection."""

    def __missing__(self, collection: str) -> str:
        return stand_in(collection)


def named(request: Any, names: Mapping[str, Sequence[str]]) -> Any:
    """The request with the names of resources that exist, by collection."""
    real = {stand_in(kind, place): those[place % len(those)] for kind, those in names.items() for place in range(KNOWN)}
    real |= {name.partition("/")[2]: there.partition("/")[2] for name, there in real.items()}
    changed = type(request)()
    changed.CopyFrom(request)
    _name(changed, real)
    return changed


def _name(message: Any, real: Mapping[str, str]) -> None:
    for field, value in message.ListFields():
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        if is_map and field.message_type.fields_by_name["value"].message_type is None:
            continue
        if field.message_type is not None:
            for inner in value.values() if is_map else value if field.is_repeated else [value]:
                _name(inner, real)
        elif field.type == field.TYPE_STRING and field.is_repeated:
            value[:] = [real.get(one, one) for one in value]
        elif field.type == field.TYPE_STRING and value in real:
            setattr(message, field.name, real[value])


@cache
def known(collection: str) -> st.SearchStrategy[str]:
    """The name of a resource of the collection that exists."""
    return st.integers(0, KNOWN - 1).map(lambda place: stand_in(collection, place))


HOSTILE_TEXT = st.sampled_from(
    [
        *("", " ", "\0", "a\0b", "\n", "\x7f", "\ufeff", "\u202e", "🧨" * 10, "é", "ﬀ", "\U0010ffff"),
        *("x" * 129, "x" * 1025, "y" * 20_001, "../../etc/passwd", "personas/../batches/x", "batches/", "/"),
        *("'; DROP TABLE conversations; --", "%s%n%x", "{{7*7}}", "{name}", "${jndi:ldap://x}", "__proto__", "null"),
        *("offline", "abcd", "greenroom", "localhost:1", "127.0.0.1:99999", "display_name", "personality.tone"),
        *(encode_token("batches.watch", "x", 2**70), encode_token("x", "", {}), "AAAA", "====", "-1"),  # type: ignore[arg-type]
    ]
)
TEXT = HOSTILE_TEXT | st.text(max_size=40)
DOUBLES = st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf")])
SMALL = {"size": [-1, 0, 1, 3, 10_001, 2**31 - 1], "users": [-1, 0, 1, 7, 100_000_001, 2**63 - 1]}
"""Values for fields whose valid maxima (a batch of 10,000, a dataset of 100 million users) would take too long."""


@cache
def integers(field: FieldDescriptor) -> st.SearchStrategy[int]:
    if field.name in SMALL:
        return st.sampled_from(SMALL[field.name])
    wide = field.type in (field.TYPE_INT64, field.TYPE_UINT64)
    last = 2**63 - 1 if wide else 2**31 - 1
    least = 0 if field.type in (field.TYPE_UINT32, field.TYPE_UINT64) else -last - 1
    return st.sampled_from([least, max(least, -1), 0, 1, 2, 5, 200, 1001, last]) | st.integers(least, last)


@cache
def scalar(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            collection = collection_of(field)
            return known(collection) | known(collection) | TEXT if collection else TEXT
        case FieldDescriptor.TYPE_BYTES:
            return st.binary(max_size=40) | st.sampled_from([b"{}\n", b'{"external_id": "x"}\n', b"\xff\n", b"\0" * 50])
        case FieldDescriptor.TYPE_BOOL:
            return st.booleans()
        case FieldDescriptor.TYPE_ENUM:
            assert field.enum_type is not None
            return st.sampled_from([*(value.number for value in field.enum_type.values), 99, -1, 2**31 - 1])
        case FieldDescriptor.TYPE_DOUBLE | FieldDescriptor.TYPE_FLOAT:
            return DOUBLES
        case _:
            return integers(field)


JSON = st.recursive(
    st.none() | st.booleans() | DOUBLES | st.sampled_from([2**53 + 1, -(2**60)]) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


def filled_value(value: Any, depth: int = 0) -> Message:
    """A google.protobuf.Value. Unlike json_format, it accepts numbers that JSON does not have."""
    message = message_factory.GetMessageClass(VALUE)()
    kind: Any = message
    match value:
        case None:
            kind.null_value = 0
        case bool():
            kind.bool_value = value
        case int() | float():
            kind.number_value = value
        case str():
            kind.string_value = value
        case list():
            kind.list_value.values.extend(filled_value(item) for item in value)
        case dict():
            kind.struct_value.SetInParent()
            for name, item in value.items():
                kind.struct_value.fields[name].CopyFrom(filled_value(item))
    return message


STRUCT = procedure_pb2.DESCRIPTOR.pool.FindMessageTypeByName("google.protobuf.Struct")
VALUE = procedure_pb2.DESCRIPTOR.pool.FindMessageTypeByName("google.protobuf.Value")


def deep(depth: int) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = {"down": value}
    return value


@cache
def structs() -> st.SearchStrategy[Message]:
    objects = st.dictionaries(TEXT, JSON, max_size=3) | st.sampled_from([deep(5), deep(20)])
    return objects.map(lambda value: filled_value(value).struct_value)  # type: ignore[attr-defined]


@cache
def messages(descriptor: Descriptor, depth: int = DEPTH) -> st.SearchStrategy[Any]:
    """A message in which any field may be missing or wrong."""
    if descriptor is STRUCT:
        return structs()
    if descriptor is VALUE:
        return JSON.map(filled_value)
    fields = [field for field in descriptor.fields if depth or field.message_type is None]
    some = (
        st.lists(st.sampled_from(fields), unique_by=lambda field: field.number, max_size=6) if fields else st.just([])
    )
    return some.flatmap(
        lambda chosen: st.tuples(*(values(field, depth) for field in chosen)).map(
            lambda drawn: assembled(descriptor, dict(zip((field.name for field in chosen), drawn, strict=True)))
        )
    )


@cache
def values(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields
        member = scalar(value) if value.message_type is None else messages(value.message_type, depth - 1)
        return st.dictionaries(scalar(key), member, max_size=3)
    one = scalar(field) if field.message_type is None else messages(field.message_type, depth - 1)
    return st.lists(one, max_size=3) if field.is_repeated else one


def assembled(descriptor: Descriptor, drawn: Mapping[str, Any]) -> Any:
    return message_factory.GetMessageClass(descriptor)(**drawn)


def right(method: Method) -> Any:
    """A valid request, in which a test spoils one field: a request full of errors would be refused early."""
    return valid_request(method, StandIns())


@cache
def paths(descriptor: Descriptor, depth: int = DEPTH) -> list[tuple[FieldDescriptor, ...]]:
    """The paths to all fields of a message and of its nested messages."""
    found: list[tuple[FieldDescriptor, ...]] = []
    for field in descriptor.fields:
        found.append((field,))
        inner = field.message_type
        is_ours = inner is not None and inner.full_name.startswith("greenroom.")
        if depth and inner is not None and is_ours and not inner.GetOptions().map_entry:
            found += [(field, *rest) for rest in paths(inner, depth - 1)]
    return found


def spoilt(method: Method) -> st.SearchStrategy[Any]:
    """A valid request in which one field is hostile."""

    def with_one(path: tuple[FieldDescriptor, ...]) -> st.SearchStrategy[Any]:
        return values(path[-1], 2).map(lambda value: put(right(method), path, value))

    return st.sampled_from(paths(method.descriptor.input_type)).flatmap(with_one)


def put(request: Any, path: tuple[FieldDescriptor, ...], value: Any) -> Any:
    *outer, last = path
    message = request
    for field in outer:
        inner = getattr(message, field.name)
        message = (inner[0] if len(inner) else inner.add()) if field.is_repeated else inner
    listed = last.is_repeated and isinstance(value, Message)
    message.MergeFrom(type(message)(**{last.name: [value] if listed else value}))
    return request


def json_paths(method: Method) -> list[tuple[FieldDescriptor, ...]]:
    """The paths to all fields that hold any JSON; nothing in the proto bounds them."""
    return [path for path in paths(method.descriptor.input_type) if path[-1].message_type in (STRUCT, VALUE)]
