"""Tool configs."""

from greenroom.synthesizer.v1 import tool_config_pb2 as pb
from greenroom.type.v1 import event_pb2
from services.synthesizer.api.convert.events import answer, fill_answer
from services.synthesizer.tool_config import ToolConfig, ToolMock, ToolRule
from shared.model.events import ToolAnswer
from shared.rpc.values import fill_struct, struct_json


def tool_config(message: pb.ToolConfig) -> ToolConfig:
    """The tool config in a message. Raises NumberNotFinite."""
    return ToolConfig(
        mocks=tuple(_mock(mock) for mock in message.mocks),
        default=_default(message, message.default_answer),
        ignore_recorded_calls=message.ignore_recorded_calls,
    )


def fill_tool_config(message: pb.ToolConfig, config: ToolConfig) -> None:
    """Write a tool config into a message that is part of another."""
    message.ignore_recorded_calls = config.ignore_recorded_calls
    if config.default is not None:
        fill_answer(message.default_answer, config.default)
    for mock in config.mocks:
        to = message.mocks.add(tool=mock.tool)
        if mock.default is not None:
            fill_answer(to.default_answer, mock.default)
        for rule in mock.rules:
            added = to.rules.add()
            fill_struct(added.match, rule.match)
            fill_answer(added.answer, rule.answer)


def _mock(message: pb.ToolMock) -> ToolMock:
    rules = tuple(ToolRule(answer(rule.answer), struct_json(rule.match)) for rule in message.rules)
    return ToolMock(message.tool, rules, _default(message, message.default_answer))


def _default(message: pb.ToolConfig | pb.ToolMock, given: event_pb2.ToolAnswer) -> ToolAnswer | None:
    return answer(given) if message.HasField("default_answer") else None
