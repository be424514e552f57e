"""The forms of Chat Completions and Responses: dialogues and tools as they are sent, and answers as readings."""

import json
from collections.abc import Sequence
from typing import Any

from shared.llm.dialogue import Dialogue, Turn, schema_of
from shared.llm.reading import Reading, usage
from shared.llm.streaming import Stream
from shared.model.steps import Tool


def chat_messages(told: Dialogue) -> list[dict[str, Any]]:
    """The `messages` of Chat Completions."""
    return [
        *({"role": "system", "content": system} for system in [told.system] if system),
        *(message for turn in told.turns for message in _messages_of(turn)),
    ]


def chat_tools(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The `tools` of Chat Completions."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": schema_of(tool)},
        }
        for tool in tools
    ]


def response_items(told: Dialogue) -> list[dict[str, Any]]:
    """The `input` of Responses; its system text stands beside it, in `instructions`."""
    return [item for turn in told.turns for item in _items_of(turn)]


def response_tools(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The `tools` of Responses."""
    return [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": schema_of(tool),
            "strict": False,
        }
        for tool in tools
    ]


def read_chat(answer: Any) -> Reading:
    """The answer of /chat/completions."""
    choice, given = answer["choices"][0], answer.get("usage") or {}
    message, reason = choice["message"], choice.get("finish_reason")
    refusal = message.get("refusal") or ""
    return Reading(
        text=message.get("content") or "",
        calls=[(call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls") or ()],
        usage=usage(
            given,
            input_tokens="prompt_tokens",
            output_tokens="completion_tokens",
            cached=(given.get("prompt_tokens_details") or {}).get("cached_tokens"),
        ),
        truncated=reason == "length",
        declined=refusal or ("its finish reason is content_filter" if reason == "content_filter" else ""),
    )


def read_responses(answer: Any) -> Reading:
    """The answer of /responses. Raises ValueError for one that failed."""
    if answer["status"] not in ("completed", "incomplete"):
        raise ValueError
    given, output = answer.get("usage") or {}, answer["output"]
    parts = [part for item in output if item["type"] == "message" for part in item["content"]]
    reason = (answer.get("incomplete_details") or {}).get("reason")
    refusal = "".join(part["refusal"] for part in parts if part["type"] == "refusal")
    return Reading(
        text="".join(part["text"] for part in parts if part["type"] == "output_text"),
        calls=[(item["name"], item["arguments"]) for item in output if item["type"] == "function_call"],
        usage=usage(
            given,
            input_tokens="input_tokens",
            output_tokens="output_tokens",
            cached=(given.get("input_tokens_details") or {}).get("cached_tokens"),
        ),
        truncated=reason == "max_output_tokens",
        declined=refusal or ("its reason is content_filter" if reason == "content_filter" else ""),
    )


def _messages_of(turn: Turn) -> list[dict[str, Any]]:
    if turn.role == "tool":
        return [{"role": "tool", "tool_call_id": result.id, "content": result.content} for result in turn.results]
    message: dict[str, Any] = {"role": turn.role, "content": turn.text or None}
    if turn.calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.tool, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
            }
            for call in turn.calls
        ]
    return [message]


def _items_of(turn: Turn) -> list[dict[str, Any]]:
    return [
        # llama.cpp does not know messages of the assistant without a type.
        *({"type": "message", "role": turn.role, "content": text} for text in [turn.text] if text),
        *(
            {
                "type": "function_call",
                "call_id": call.id,
                "name": call.tool,
                "arguments": json.dumps(call.arguments, ensure_ascii=False),
            }
            for call in turn.calls
        ),
        *({"type": "function_call_output", "call_id": result.id, "output": result.content} for result in turn.results),
    ]


def _speaks(part: Any) -> bool:
    return any(choice["delta"].get("content") or choice["delta"].get("tool_calls") for choice in part["choices"])


def join_chat(parts: Sequence[Any]) -> Any:
    """The chunks of /chat/completions as one answer. Raises ValueError if none says why it ends."""
    message: dict[str, Any] = {"content": "", "refusal": ""}
    calls: dict[int, dict[str, str]] = {}
    reason, usage = None, None
    for part in parts:
        usage = part.get("usage") or usage
        for choice in part["choices"]:
            delta, reason = choice["delta"], choice.get("finish_reason") or reason
            for name in message:
                message[name] += delta.get(name) or ""
            for call in delta.get("tool_calls") or ():
                function = calls.setdefault(call["index"], {"name": "", "arguments": ""})
                for name in function:
                    function[name] += call["function"].get(name) or ""
    if reason is None:
        raise ValueError
    message["tool_calls"] = [{"function": function} for function in calls.values()]
    return {"choices": [{"message": message, "finish_reason": reason}], "usage": usage}


def join_responses(parts: Sequence[Any]) -> Any:
    """The last event of /responses, which has the whole answer. Raises ValueError if it is missing."""
    if not parts or parts[-1]["type"] not in ("response.completed", "response.incomplete"):
        raise ValueError
    return parts[-1]["response"]


CHAT_STREAM = Stream({"stream": True, "stream_options": {"include_usage": True}}, _speaks, join_chat)
RESPONSES_STREAM = Stream({"stream": True}, lambda part: part["type"].endswith(".delta"), join_responses)
