"""Events as messages, and the parts that other messages share."""

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from greenroom.type.v1 import event_pb2, usage_pb2
from shared.model.events import (
    AgentMessage,
    AttemptStarted,
    Ended,
    Event,
    Fault,
    Kind,
    ModelCall,
    Opened,
    Outcome,
    PersonaFlag,
    Resource,
    ResourcePatch,
    Sentiment,
    ToolAnswer,
    ToolCall,
    ToolError,
    ToolResult,
    Usage,
    UserMessage,
    Waited,
)
from shared.rpc.values import fill_struct, fill_value, milliseconds, struct_json, value_json

FAULTS: Mapping[Fault | None, "event_pb2.Fault.ValueType"] = {
    None: event_pb2.FAULT_UNSPECIFIED,
    **{fault: event_pb2.Fault.Value(f"FAULT_{fault}") for fault in Fault},
}
SENTIMENTS = {one: event_pb2.PersonaThoughts.Sentiment.Value(f"SENTIMENT_{one}") for one in Sentiment}
_FLAGS = {flag: event_pb2.PersonaFlag.Value(f"PERSONA_FLAG_{flag}") for flag in PersonaFlag}
_OUTCOMES = {outcome: event_pb2.Ended.Outcome.Value(f"OUTCOME_{outcome}") for outcome in Outcome}


def event_message(event: Event, conversation: str = "", create_time: int = 0) -> event_pb2.Event:
    """The event as a message.

    conversation: its name, "" in a source. create_time: Unix microseconds, 0 when unknown.
    """
    message = event_pb2.Event(
        id=event.id, conversation=conversation, seq=event.seq, copied=event.copied, turn=event.turn
    )
    _fill_time(message.virtual_time, *divmod(event.at, 1000), 1_000_000)
    if create_time:
        _fill_time(message.create_time, *divmod(create_time, 1_000_000), 1000)
    if event.usage is not None:
        message.usage.CopyFrom(usage_message(event.usage))
    if event.model_call is not None:
        fill_model_call(message.model_call, event.model_call)
    if event.thoughts is not None:
        message.thoughts.reasoning = event.thoughts.reasoning
        message.thoughts.sentiment = SENTIMENTS[event.thoughts.sentiment]
        message.thoughts.likely_to_convert = event.thoughts.likely_to_convert
    if event.flags:
        message.persona_flags.extend(_FLAGS[flag] for flag in event.flags)
    if event.mock_rule is not None:
        message.mock_rule = event.mock_rule
    message.steps.extend(event.steps)
    _FILL[type(event.body)](message, event.body)
    return message


def _fill_time(message: Timestamp, seconds: int, parts: int, nanoseconds: int) -> None:
    """Set a Timestamp, also to the epoch. parts: fractions of a second with this many nanoseconds each."""
    message.SetInParent()
    message.seconds, message.nanos = seconds, parts * nanoseconds


def _opened(message: event_pb2.Event, body: Opened) -> None:
    message.opened.SetInParent()
    for resource in body.resources:
        fill_resource(message.opened.resources.add(), resource)


def _user_message(message: event_pb2.Event, body: UserMessage) -> None:
    to = message.user_message
    to.text, to.silent, to.leaves = body.text, body.silent, body.leaves


def _agent_message(message: event_pb2.Event, body: AgentMessage) -> None:
    message.agent_message.text = body.text


def _tool_call(message: event_pb2.Event, body: ToolCall) -> None:
    to = message.tool_call
    to.call_id, to.tool = body.call_id, body.tool
    to.arguments.SetInParent()
    fill_struct(to.arguments, body.arguments)


def _tool_result(message: event_pb2.Event, body: ToolResult) -> None:
    to = message.tool_result
    to.call_id, to.tool = body.call_id, body.tool
    fill_answer(to.answer, body.answer)


def _waited(message: event_pb2.Event, body: Waited) -> None:
    message.waited.until.FromMilliseconds(body.until)


def _attempt_started(message: event_pb2.Event, body: AttemptStarted) -> None:
    message.attempt_started.attempt = body.attempt


def _ended(message: event_pb2.Event, body: Ended) -> None:
    message.ended.CopyFrom(ended_message(body))


def ended_message(ended: Ended) -> event_pb2.Ended:
    """The end of a conversation as a message."""
    outcome, fault = _OUTCOMES[ended.outcome], FAULTS[ended.fault]
    return event_pb2.Ended(outcome=outcome, reason=ended.reason, detail=ended.detail, fault=fault)


_FILL: Mapping[type[Kind], Callable[[event_pb2.Event, Any], None]] = {
    Opened: _opened,
    UserMessage: _user_message,
    AgentMessage: _agent_message,
    ToolCall: _tool_call,
    ToolResult: _tool_result,
    Waited: _waited,
    AttemptStarted: _attempt_started,
    Ended: _ended,
}


def event_body(message: event_pb2.Event) -> Kind | None:
    """The body of a client's event; None if it is not set. Raises NumberNotFinite."""
    kind = message.WhichOneof("kind")
    return None if kind is None else _READ[kind](getattr(message, kind))


_READ: Mapping[str, Callable[[Any], Kind]] = {
    "opened": lambda m: Opened(tuple(resource(one) for one in m.resources)),
    "user_message": lambda m: UserMessage(m.text, m.silent, m.leaves),
    "agent_message": lambda m: AgentMessage(m.text),
    "tool_call": lambda m: ToolCall(m.call_id, m.tool, struct_json(m.arguments)),
    "tool_result": lambda m: ToolResult(m.call_id, m.tool, answer(m.answer)),
    "waited": lambda m: Waited(milliseconds(m.until)),
    "attempt_started": lambda m: AttemptStarted(m.attempt),
    "ended": lambda m: ended(m),
}


def ended(message: event_pb2.Ended) -> Ended:
    """The end of a conversation in a message. An unspecified outcome counts as completed."""
    outcomes = {number: outcome for outcome, number in _OUTCOMES.items()}
    faults = {number: fault for fault, number in FAULTS.items()}
    outcome = outcomes.get(message.outcome, Outcome.COMPLETED)
    return Ended(outcome, message.reason, message.detail, faults.get(message.fault))


def usage_message(usage: Usage) -> usage_pb2.Usage:
    """Usage as a message."""
    return usage_pb2.Usage(
        model_calls=usage.model_calls,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        nanos=usage.nanos,
        milliseconds=usage.milliseconds,
        streamed_calls=usage.streamed_calls,
        first_token_milliseconds=usage.first_token_milliseconds,
    )


def fill_model_call(message: event_pb2.ModelCall, call: ModelCall) -> None:
    """Copy the call of a model into a message."""
    message.model, message.prompt = call.model, call.prompt
    message.milliseconds, message.recorded = call.milliseconds, call.recorded
    if call.first_token is not None:
        message.first_token_milliseconds = call.first_token


def fill_resource(message: event_pb2.Resource, resource: Resource) -> None:
    """Copy a resource into a message."""
    message.type, message.id, message.appeared_after = resource.type, resource.id, resource.appeared_after
    message.data.SetInParent()
    fill_struct(message.data, resource.data)


def resource(message: event_pb2.Resource) -> Resource:
    """The resource in a message. Raises NumberNotFinite."""
    return Resource(message.type, message.id, struct_json(message.data), message.appeared_after)


def fill_answer(message: event_pb2.ToolAnswer, answer: ToolAnswer) -> None:
    """Copy a tool's answer into a message."""
    if answer.error is not None:
        message.error.code, message.error.message = answer.error.code, answer.error.message
    else:
        fill_value(message.value, answer.value)
    for patch in answer.patches:
        to = message.patches.add(type=patch.type, id=patch.id, delete=patch.delete)
        to.merge.SetInParent()
        fill_struct(to.merge, patch.merge)


def answer(message: event_pb2.ToolAnswer) -> ToolAnswer:
    """The tool's answer in a message; null if neither value nor error is set. Raises NumberNotFinite."""
    error = ToolError(message.error.code, message.error.message) if message.HasField("error") else None
    return ToolAnswer(
        value=value_json(message.value) if message.HasField("value") else None,
        error=error,
        patches=tuple(
            ResourcePatch(patch.type, patch.id, struct_json(patch.merge), patch.delete) for patch in message.patches
        ),
    )
