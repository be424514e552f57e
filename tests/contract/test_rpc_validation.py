"""The bounds of the protos, held before a servicer sees a message."""

from collections.abc import AsyncIterator

import pytest

from greenroom.synthesizer.v1.batch_pb2 import GetBatchRequest
from greenroom.synthesizer.v1.conversation_pb2 import ConversationFilter, ListConversationsRequest
from shared.errors import InvalidArgument, Violation
from shared.rpc.validation import check
from tests.unit.rpc.echo import KINDS, Echo, EchoRequest, call, failure, serving

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


def test_a_name_that_cannot_be_one_is_told_how_names_look() -> None:
    for message, field in (
        (GetBatchRequest(name="Batches/1"), "name"),
        (ListConversationsRequest(filter=ConversationFilter(source="7")), "filter.source"),
    ):
        with pytest.raises(InvalidArgument) as refused:
            check(message)
        (violation,) = refused.value.violations
        noun = "batches" if field == "name" else "sources"
        assert violation == Violation(field, f"Write {noun}/… in small letters, digits and dashes.")
