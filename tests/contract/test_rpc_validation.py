"""Requests are checked against the rules of the protos before a servicer sees them."""

import pkgutil
from collections.abc import AsyncIterator, Iterable, Iterator
from importlib import import_module

import pytest
from buf.validate import validate_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor

import greenroom.synthesizer.v1
import greenroom.testdata.v1
from greenroom.synthesizer.v1.batch_pb2 import GetBatchRequest
from greenroom.synthesizer.v1.conversation_pb2 import ConversationFilter, ListConversationsRequest
from shared.errors import InvalidArgument, Violation
from shared.rpc.validation import check
from tests.unit.rpc.echo import KINDS, Echo, EchoRequest, call, failure, serving

FILES = [
    import_module(f"{package.__name__}.{module.name}")
    for package in (greenroom.synthesizer.v1, greenroom.testdata.v1)
    for module in pkgutil.iter_modules(package.__path__)
    if module.name.endswith("_pb2")
]
TOO_LONG = EchoRequest(text="x" * 101)


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with serving() as echo:
        yield echo


@pytest.mark.parametrize("kind", KINDS)
async def test_a_message_that_breaks_a_rule_is_refused_with_the_field(echo: Echo, kind: str) -> None:
    told = await failure(call(echo.stub, kind, TOO_LONG))

    assert (told.code, told.reason) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT")
    assert told.violations == (Violation("text", "Must be at most 100 characters."),)


@pytest.mark.parametrize("kind", ["ClientStream", "Bidi"])
async def test_every_message_of_a_stream_is_checked(echo: Echo, kind: str) -> None:
    told = await failure(call(echo.stub, kind, EchoRequest(text="fine"), EchoRequest(text="fine"), TOO_LONG))

    assert told.violations[0].field == "text"


async def test_fields_are_named_by_their_path(echo: Echo) -> None:
    told = await failure(echo.stub.Unary(EchoRequest(inner=EchoRequest(tags=["short", "much too long"]))))

    assert [violation.field for violation in told.violations] == ["inner.tags[1]"]


def with_patterns(messages: Iterable[Descriptor]) -> Iterator[FieldDescriptor]:
    for message in messages:
        for field in message.fields:
            rules = field.GetOptions().Extensions[validate_pb2.field]
            if rules.string.pattern or rules.repeated.items.string.pattern:
                yield field
        yield from with_patterns(message.nested_types)


@pytest.mark.parametrize(
    "field",
    [field for file in FILES for field in with_patterns(file.DESCRIPTOR.message_types_by_name.values())],
    ids=lambda field: field.full_name,
)
def test_a_text_that_does_not_match_a_pattern_gets_a_sentence_that_says_what_to_write(field: FieldDescriptor) -> None:
    assert field.containing_type is not None
    message = message_factory.GetMessageClass(field.containing_type)()
    if field.is_repeated:
        getattr(message, field.name).append("!`$")
    else:
        setattr(message, field.name, "!`$")

    with pytest.raises(InvalidArgument) as refused:
        check(message)

    [told] = [violation for violation in refused.value.violations if violation.field.startswith(field.name)]
    assert "pattern" not in told.description
    assert told.description.startswith(("Must be", "Write "))


def test_a_malformed_name_gets_a_sentence_that_says_how_to_write_it() -> None:
    for message, field in (
        (GetBatchRequest(name="Batches/1"), "name"),
        (ListConversationsRequest(filter=ConversationFilter(source="7")), "filter.source"),
    ):
        with pytest.raises(InvalidArgument) as refused:
            check(message)
        (violation,) = refused.value.violations
        noun = "batches" if field == "name" else "sources"
        assert violation == Violation(field, f"Write {noun}/… in small letters, digits and dashes.")
