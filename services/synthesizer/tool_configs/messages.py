"""Tool configs as messages."""

from google.protobuf.json_format import ParseDict

from greenroom.synthesizer.v1 import tool_config_pb2 as pb
from greenroom.type.v1 import event_pb2
from services.synthesizer.tool_configs.model import (
    Failure,
    Latency,
    Reply,
    ToolConfig,
    ToolMock,
    ToolRule,
    Unmatched,
)
from shared.model.events import ToolAnswer, ToolError
from shared.rpc.events import answer, fill_answer
from shared.rpc.values import enum_number, enum_value, fill_struct, message_json, struct_json


def tool_config(message: pb.ToolConfig) -> ToolConfig:
    """The tool config in a message. Raises NumberNotFinite."""
    return ToolConfig(
        mocks=tuple(_mock(mock) for mock in message.mocks),
        default=_default(message, message.default_answer),
        ignore_recorded_calls=message.ignore_recorded_calls,
        unmatched=Unmatched(enum_value(pb.ToolConfig.Unmatched, "UNMATCHED", message.unmatched) or Unmatched.FAIL),
    )


def fill_tool_config(message: pb.ToolConfig, config: ToolConfig) -> None:
    """Copy a tool config into a message."""
    message.ignore_recorded_calls = config.ignore_recorded_calls
    if config.unmatched is not Unmatched.FAIL:
        message.unmatched = enum_number(pb.ToolConfig.Unmatched, "UNMATCHED", config.unmatched)
    if config.default is not None:
        fill_answer(message.default_answer, config.default)
    for mock in config.mocks:
        to = message.mocks.add(tool=mock.tool)
        if mock.default is not None:
            fill_answer(to.default_answer, mock.default)
        for rule in mock.rules:
            added = to.rules.add(condition=rule.condition)
            fill_struct(added.match, rule.match)
            if rule.answer is not None:
                fill_answer(added.answer, rule.answer)
            for reply in rule.replies:
                _fill_reply(added.replies.add(), reply)


def _mock(message: pb.ToolMock) -> ToolMock:
    return ToolMock(message.tool, tuple(map(_rule, message.rules)), _default(message, message.default_answer))


def _rule(message: pb.ToolRule) -> ToolRule:
    return ToolRule(
        answer=answer(message.answer) if message.HasField("answer") else None,
        match=struct_json(message.match),
        condition=message.condition,
        replies=tuple(map(_reply, message.replies)),
    )


def _reply(message: pb.ToolReply) -> Reply:
    kind = message.WhichOneof("kind") or ""
    return Reply(
        kind,
        message_json(getattr(message, kind)),
        _latency(message.latency) if message.HasField("latency") else None,
        _failure(message.failure) if message.HasField("failure") else None,
    )


def _latency(message: pb.ToolLatency) -> Latency:
    least = message.least.ToMilliseconds()
    return Latency(least, max(least, message.most.ToMilliseconds()))


def _failure(message: pb.ToolFailure) -> Failure:
    error = ToolError(message.error.code, message.error.message)
    return Failure(error, message.probability or 1.0, message.changes_kept)


def _fill_reply(message: pb.ToolReply, reply: Reply) -> None:
    chosen = getattr(message, reply.kind)
    chosen.SetInParent()
    ParseDict(reply.config, chosen)
    if (latency := reply.latency) is not None:
        message.latency.least.FromMilliseconds(latency.least)
        message.latency.most.FromMilliseconds(latency.most)
    if (failure := reply.failure) is not None:
        message.failure.probability, message.failure.changes_kept = failure.probability, failure.changes_kept
        message.failure.error.code, message.failure.error.message = failure.error.code, failure.error.message


def _default(message: pb.ToolConfig | pb.ToolMock, given: event_pb2.ToolAnswer) -> ToolAnswer | None:
    return answer(given) if message.HasField("default_answer") else None
