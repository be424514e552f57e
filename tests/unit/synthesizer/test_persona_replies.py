"""A persona's reply is read by its schema; what is wrong with it is told in one sentence."""

import json
from typing import Any

import pytest

from services.synthesizer.conversations.persona_replies import ReplyUnusable, asked_again, read, read_repaired
from shared.llm.base import ChatReply, ChatRequest, Message, ToolRequest
from shared.llm.briefs import PersonaBrief
from shared.llm.persona_reply import PERSONA_REPLY, PersonaReply, written
from shared.model.events import Sentiment, Thoughts
from tests.unit.synthesizer.rehearse import in_place

WHOLE = {
    "reasoning": "It wants to know.",
    "message": "Where is it?",
    "sentiment": "negative",
    "likely_to_convert": 20,
    "leaves": False,
}
REPLY = PersonaReply("Where is it?", Thoughts("It wants to know.", Sentiment.NEGATIVE, 20))


def answer(**changes: Any) -> ChatReply:
    return ChatReply(json.dumps(WHOLE | changes))


def test_a_reply_is_read_as_it_was_written() -> None:
    assert read(answer()) == read(ChatReply(written(REPLY))) == REPLY
    assert list(json.loads(written(REPLY))) == PERSONA_REPLY.schema["required"]


def test_no_response_is_silence_and_one_may_leave_without_a_word() -> None:
    assert read(answer(message="NO_RESPONSE")).silent
    left = read(answer(message="", leaves=True))
    assert (left.silent, left.leaves) == (True, True)


@pytest.mark.parametrize(
    ("unusable", "told"),
    [
        (ChatReply("Where is it?"), "not JSON"),
        (ChatReply(""), "not JSON"),
        (ChatReply("[" * 100_000), "not JSON"),
        (ChatReply("[]"), "not a JSON object"),
        (ChatReply(calls=(ToolRequest("refund"),)), "calls a tool"),
        (ChatReply('{"message": "Hi."}'), "reasoning must be a text"),
        (answer(likely_to_convert="20"), "likely_to_convert must be a whole number"),
        (answer(likely_to_convert=True), "likely_to_convert must be a whole number"),
        (answer(likely_to_convert=101), "from 0 to 100"),
        (answer(leaves="no"), "leaves must be true or false"),
        (answer(sentiment="furious"), "positive, neutral or negative"),
        (answer(message=" "), "must be NO_RESPONSE to say nothing"),
        (answer(message="x" * 100_000), "100,000 characters; 20,000 are allowed"),
        (answer(message="\ud800"), "half a character"),
        (answer(message="a\0b"), "the character NUL"),
        (answer(mood="bad"), "no members but"),
    ],
)
async def test_what_is_not_such_a_reply_is_unusable_even_repaired(unusable: ChatReply, told: str) -> None:
    with pytest.raises(ReplyUnusable, match=told):
        read(unusable)
    with pytest.raises(ReplyUnusable, match=told):
        await read_repaired(unusable, in_place)


@pytest.mark.parametrize(
    "broken",
    [
        f"```json\n{json.dumps(WHOLE)}\n```",
        f"Sure! {json.dumps(WHOLE)}",
        json.dumps(WHOLE)[:-1],
        json.dumps(WHOLE).replace("}", ",}"),
        json.dumps(WHOLE).replace('"', "'"),
    ],
    ids=["fenced", "after prose", "without its end", "with a comma too many", "with single quotes"],
)
async def test_a_reply_whose_json_is_broken_is_repaired(broken: str) -> None:
    with pytest.raises(ReplyUnusable):
        read(ChatReply(broken))
    assert await read_repaired(ChatReply(broken), in_place) == REPLY


def test_the_model_is_asked_again_with_its_answer_and_what_is_wrong_with_it() -> None:
    brief = PersonaBrief("Eddie", "", "", "SHORT", "LOW", (), "")
    request = ChatRequest("acme:small", "", (Message("user", "Hi."),), (), 1, 0, 4, brief)

    again = asked_again(request, ChatReply("Hello!"), "It is not JSON.")

    assert (again.repeat, again.seq) == (1, 4)
    assert again.messages[:2] == (Message("user", "Hi."), Message("assistant", "Hello!"))
    assert again.messages[2].role == "user"
    assert "It is not JSON." in again.messages[2].text
