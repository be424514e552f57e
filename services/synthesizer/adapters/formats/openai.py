"""Reads the format `openai`: chats of the Chat Completions API, `{"messages": […]}` a line, with or without `tools`."""

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
from services.synthesizer.adapters.formats.times import Moment, read_time
from services.synthesizer.imports.model import Problem
from shared.model.events import AgentMessage, Json, UserMessage
from shared.model.steps import Tool

_TIMES = ("created_at", "timestamp")
_TEXTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
"""The types of content parts that are text, and the member that has it."""
_PLAIN = PlainChats(
    "messages",
    "role",
    "content",
    {"system": None, "developer": None, "user": UserMessage, "assistant": AgentMessage},
)


def read_source(record: Mapping[str, Json], line: int) -> Sequence[SourceRecord | Problem]:
    """Read a chat; a message that cannot be read is a problem, and the rest is imported."""
    if (plain := _PLAIN.source(record, line)) is not None:
        return (plain,)
    fields, chat = Fields(record), _read(record, line)
    source = chat.source(external_id(fields, IDS), finished=fields.flag("finished") if "finished" in record else None)
    return (*chat.problems, source)


def read_procedure(record: Mapping[str, Json], line: int) -> Iterator[ProcedureRecord | Problem]:
    """Read the instructions and tools of a chat."""
    procedure = _read(record, line).procedure()
    if procedure is None:
        raise BadLine("NO_INSTRUCTIONS", "The line has no system text and no tools, so it has no procedure.")
    yield procedure


def recognises(record: Mapping[str, Json]) -> bool:
    """True if the object looks like a chat: the roles of its messages are those of the API."""
    messages = record.get("messages")
    roles = [one.get("role") for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []
    return any(role in ("system", "developer", "user", "assistant", "tool", "function") for role in roles)


def names(record: Mapping[str, Json]) -> Iterator[str]:
    """The names of those who write, and their roles, which are names if the file is unusual."""
    messages = record.get("messages")
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, dict):
            role, name = message.get("role"), message.get("name")
            if isinstance(role, str):
                yield role
            # Programs that answer have names such as order_agent.
            if isinstance(name, str) and (role == "user" or (role == "assistant" and name[:1].isupper())):
                yield name


def _read(record: Mapping[str, Json], line: int) -> Chat:
    fields, chat = Fields(record), Chat(line)
    for number, value in enumerate(fields.items("tools", 100)):
        with chat.reading("tool"):
            _tool(Fields(value, f"tools[{number}]"), chat)
    for number, value in enumerate(fields.items("functions", 100)):
        with chat.reading("tool"):
            _offer(Fields(value, f"functions[{number}]"), chat)
    for number, value in enumerate(fields.items("messages", MOST_MESSAGES, needed=True)):
        with chat.reading("message"):
            _message(Fields(value, f"messages[{number}]"), chat, f"call-{number + 1}")
    return chat


def _tool(tool: Fields, chat: Chat) -> None:
    _offer(_function(tool), chat)


def _offer(function: Fields, chat: Chat) -> None:
    name, description = function.text("name", 128, needed=True), function.text("description", 2_000)
    chat.offer(Tool(name, description, function.mapping("parameters")), function.path)


def _function(fields: Fields) -> Fields:
    return Fields(fields.record.get("function"), fields.at("function"))


def _message(message: Fields, chat: Chat, call_id: str) -> None:
    """call_id: of a call by `function_call`, which has none."""
    chat.set_time(_time(message))
    match message.text("role", 64, needed=True):
        case "system" | "developer":
            chat.instruct(said(_content(message, chat), message.at("content"), MOST_INSTRUCTIONS), message.path)
        case "user":
            chat.user(said(_content(message, chat), message.at("content")))
        case "assistant":
            _assistant(message, chat, call_id)
        case "tool":
            value = result_value(_content(message, chat))
            chat.result(message.text("tool_call_id", 128, needed=True), value, message.path)
        case "function":
            value = result_value(_content(message, chat))
            chat.result(chat.unanswered(message.text("name", 128, needed=True)), value, message.path)
        case role:
            raise BadLine(
                "UNKNOWN_ROLE",
                f"{message.at('role')} {role!r} is unknown; "
                "it should be system, developer, user, assistant, tool or function.",
            )


def _time(message: Fields) -> Moment | None:
    name = next((name for name in _TIMES if message.record.get(name) is not None), None)
    return None if name is None else read_time(str(message.record[name]), "", message.at(name))


def _assistant(message: Fields, chat: Chat, call_id: str) -> None:
    """What the agent says comes before the tools that it calls with it."""
    calls, alone = message.items("tool_calls", 128), message.record.get("function_call")
    text = _content(message, chat) or message.text("refusal", 1 << 22)
    if text.strip() or not (calls or alone):
        with chat.reading("text"):
            chat.agent(said(text, message.at("content")))
    for number, value in enumerate(calls):
        with chat.reading("call"):
            call = Fields(value, message.at(f"tool_calls[{number}]"))
            _call(_function(call), call.text("id", 120, needed=True), call.path, chat)
    if alone is not None:
        with chat.reading("call"):
            function = Fields(alone, message.at("function_call"))
            _call(function, call_id, function.path, chat)


def _call(function: Fields, call_id: str, path: str, chat: Chat) -> None:
    given = arguments(function.record.get("arguments"), function.at("arguments"))
    chat.call(call_id, function.text("name", 128, needed=True), given, path)


def _content(message: Fields, chat: Chat) -> str:
    """The text of a message; "" if it has none. Parts are joined by line breaks, and what is no text is left out."""
    content = message.record.get("content")
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for number, value in enumerate(message.items("content", 1_000)):
        part = Fields(value, message.at(f"content[{number}]"))
        kind = part.text("type", 64, needed=True)
        if kind in _TEXTS:
            texts.append(part.text(_TEXTS[kind], 1 << 22))
        else:
            chat.report("NOT_TEXT", f"{part.path} is of the type {kind!r}; only text is imported. It was left out.")
    return "\n".join(texts)
