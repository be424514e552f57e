"""Reads what a persona's model or a customer answered, and asks a model again if it cannot be used."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from shared.llm.base import ChatReply, ChatRequest, Message
from shared.llm.persona_reply import NO_RESPONSE, PersonaReply
from shared.llm.repairs import Repair
from shared.model.events import Json, Sentiment, Thoughts
from shared.plain import plain
from shared.words import all_of

MAX_TEXT = 20_000
MAX_REASONING = 2_000
_MAX_REPEATED = 4_000
"""The most characters of an answer that its model is shown again."""
_KINDS: Mapping[str, tuple[type, str]] = {
    "reasoning": (str, "a text"),
    "message": (str, "a text"),
    "sentiment": (str, "a text"),
    "likely_to_convert": (int, "a whole number"),
    "leaves": (bool, "true or false"),
}


_FENCED = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)


class ReplyUnusable(Exception):
    """The answer is not what a persona must answer. str(): what is wrong, for its model and for users."""


def read(answer: ChatReply) -> PersonaReply:
    """The reply in a model's answer. Raises ReplyUnusable."""
    if answer.calls:
        raise ReplyUnusable("It calls a tool; a persona has none.")
    try:
        record = json.loads(answer.text)
    except (ValueError, RecursionError):
        raise ReplyUnusable("It is not JSON.") from None
    return _reply(record)


async def read_repaired(answer: ChatReply, repair: Repair) -> PersonaReply:
    """The reply in a model's answer, whose JSON is repaired if that is enough. Raises ReplyUnusable."""
    try:
        return read(answer)
    except ReplyUnusable:
        record = None if answer.calls else await repair(answer.text)
        if not isinstance(record, dict):
            raise
        return _reply(record)


def read_said(text: str) -> PersonaReply:
    """The reply in what a customer of the user's own says: its text, or a JSON object as models answer it.

    Raises ReplyUnusable for JSON of another form, and for thoughts among other text: the agent must not read them.
    """
    fenced = _FENCED.fullmatch(text.strip())
    said = fenced[1] if fenced else text.strip()
    if said.startswith("{") or '"likely_to_convert"' in said:
        return read(ChatReply(said))
    return PersonaReply("" if said == NO_RESPONSE else text, None)


def asked_again(request: ChatRequest, answer: ChatReply, problem: str) -> ChatRequest:
    """The request with the model's answer and what is wrong with it."""
    said = answer.text[:_MAX_REPEATED].strip() or "(nothing)"
    wanted = f"(Your last answer cannot be used. {problem} Answer again, with the JSON object and nothing else.)"
    messages = (*request.messages, Message("assistant", said), Message("user", wanted))
    return replace(request, messages=messages, repeat=request.repeat + 1)


def _reply(record: Json) -> PersonaReply:
    if not isinstance(record, dict):
        raise ReplyUnusable("It is not a JSON object.")
    for name, (kind, told) in _KINDS.items():
        if type(record.get(name)) is not kind:
            raise ReplyUnusable(f"Its {name} must be {told}.")
    if len(record) > len(_KINDS):
        raise ReplyUnusable(f"It must have no members but {all_of(_KINDS)}.")
    text, sentiment, likely = record["message"].strip(), record["sentiment"], record["likely_to_convert"]
    if sentiment not in _SENTIMENTS:
        raise ReplyUnusable("Its sentiment must be positive, neutral or negative.")
    if not 0 <= likely <= 100:
        raise ReplyUnusable("Its likely_to_convert must be from 0 to 100.")
    if len(text) > MAX_TEXT:
        raise ReplyUnusable(f"Its message has {len(text):,} characters; {MAX_TEXT:,} are allowed.")
    if not text and not record["leaves"]:
        raise ReplyUnusable(f"Its message is empty; it must be {NO_RESPONSE} to say nothing.")
    if not _storable(text):
        raise ReplyUnusable("Its message has half a character, or the character NUL.")
    thoughts = Thoughts(plain(record["reasoning"], MAX_REASONING), _SENTIMENTS[sentiment], likely)
    return PersonaReply("" if text == NO_RESPONSE else text, thoughts, record["leaves"])


_SENTIMENTS = {sentiment.lower(): sentiment for sentiment in Sentiment}


def _storable(text: str) -> bool:
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
