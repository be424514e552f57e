"""Reads the format `sharegpt`: `{"conversations": [{"from": "human", "value": …}, …]}` a line, in common spellings."""

import json
from collections.abc import Iterator, Mapping, Sequence

from services.synthesizer.adapters.formats.chats import (
    IDS,
    MOST_INSTRUCTIONS,
    MOST_MESSAGES,
    Chat,
    arguments,
    external_id,
    result_value,
    said,
)
from services.synthesizer.adapters.formats.fields import BadLine, Fields
from services.synthesizer.adapters.formats.plain import PlainChats
from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord
from services.synthesizer.imports.model import Problem
from shared.model.events import AgentMessage, Json, UserMessage
from shared.words import all_of

TURNS = ("conversations", "conversation", "messages")
FROM = ("from", "role")
_VALUE = ("value", "content")
_ROLES = {
    "system": "system",
    **dict.fromkeys(("human", "user"), "user"),
    **dict.fromkeys(("gpt", "chatgpt", "assistant", "model"), "agent"),
    "function_call": "call",
    **dict.fromkeys(("tool", "observation", "function_response"), "result"),
}
_MOST = 1 << 22
"""Characters of a text; the line has no more bytes."""
_SPEAKERS = {"system": None, "user": UserMessage, "agent": AgentMessage}
_PLAIN = PlainChats(
    TURNS[0], FROM[0], _VALUE[0], {role: _SPEAKERS[who] for role, who in _ROLES.items() if who in _SPEAKERS}
)


def read_source(record: Mapping[str, Json], line: int) -> Sequence[SourceRecord | Problem]:
    """Read a conversation; a turn that cannot be read is a problem, and the rest is imported."""
    if (plain := _PLAIN.source(record, line)) is not None:
        return (plain,)
    fields, chat = Fields(record), _read(record, line)
    source = chat.source(external_id(fields, IDS), finished=None)
    return (*chat.problems, source)


def read_procedure(record: Mapping[str, Json], line: int) -> Iterator[ProcedureRecord | Problem]:
    """Read the instructions of a conversation."""
    procedure = _read(record, line).procedure()
    if procedure is None:
        raise BadLine("NO_INSTRUCTIONS", "The line has no system text, so it has no procedure.")
    yield procedure


def recognises(record: Mapping[str, Json]) -> bool:
    """True if the object looks like a conversation: its turns say who speaks."""
    turns = record.get(_present(Fields(record), TURNS))
    return isinstance(turns, list) and any(isinstance(one, dict) and set(FROM) & set(one) for one in turns)


def names(record: Mapping[str, Json]) -> Iterator[str]:
    """Who speaks: a role, or a name if the file is unusual."""
    turns = record.get(_present(Fields(record), TURNS))
    for turn in turns if isinstance(turns, list) else []:
        if isinstance(turn, dict):
            yield from (text for name in (*FROM, "name") if isinstance(text := turn.get(name), str))


def _read(record: Mapping[str, Json], line: int) -> Chat:
    fields, chat = Fields(record), Chat(line)
    if "system" in record:
        with chat.reading("system text"):
            chat.instruct(said(fields.text("system", _MOST), "system", MOST_INSTRUCTIONS), "system")
    name = _present(fields, TURNS)
    for number, value in enumerate(fields.items(name, MOST_MESSAGES, needed=True)):
        with chat.reading("turn"):
            _turn(Fields(value, f"{name}[{number}]"), chat, f"call-{number + 1}")
    return chat


def _turn(turn: Fields, chat: Chat, call_id: str) -> None:
    role, name = turn.text(_present(turn, FROM), 64, needed=True), _present(turn, _VALUE)
    text, path = turn.text(name, _MOST), turn.at(name)
    match _ROLES.get(role.lower()):
        case "system":
            chat.instruct(said(text, path, MOST_INSTRUCTIONS), turn.path)
        case "user":
            chat.user(said(text, path))
        case "agent":
            chat.agent(said(text, path))
        case "call":
            _call(text, path, chat, call_id)
        case "result":
            chat.result(chat.unanswered(), result_value(text), turn.path)
        case _:
            known = all_of(_ROLES)
            raise BadLine("UNKNOWN_ROLE", f"{turn.at(_present(turn, FROM))} {role!r} is unknown; there are {known}.")


def _call(text: str, path: str, chat: Chat, call_id: str) -> None:
    """A call, or a list of calls, as JSON with `name` and `arguments`."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise BadLine("ARGUMENTS_NOT_JSON", f"{path} is not JSON; it should be an object with the call.") from None
    for number, one in enumerate(value if isinstance(value, list) else [value]):
        call = Fields(one, path)
        given = arguments(call.record.get("arguments"), call.at("arguments"))
        chat.call(f"{call_id}-{number + 1}", call.text("name", 128, needed=True), given, path)


def _present(fields: Fields, names: Sequence[str]) -> str:
    """The name that the member has here; the first if there is none."""
    return next((name for name in names if name in fields.record), names[0])
