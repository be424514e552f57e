"""What the tools of a conversation answer: errors as a real tool has them, mocks, and what nothing answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import assert_never

from services.synthesizer.conversations.moves import StepFailed
from services.synthesizer.procedures.model import Revision
from services.synthesizer.tool_configs.answers import Answered, Mocks, RecordedRules
from services.synthesizer.tool_configs.checks import check_arguments
from services.synthesizer.tool_configs.model import ToolConfig, Unmatched
from services.synthesizer.tool_configs.replies.kind import CallContext, ReplyFailed
from shared.compute.offload import Offload
from shared.model.events import Fault, ToolAnswer, ToolCall, ToolError
from shared.model.steps import Tool
from shared.model.work_budget import TooMuchWork


@dataclass(frozen=True, slots=True)
class SharedMocks:
    """The mocks of a tool config for all its conversations. in_thread: what a thread uses; two threads share none."""

    unmatched: Unmatched
    here: Mocks
    in_thread: Mocks

    @classmethod
    def of(cls, config: ToolConfig) -> "SharedMocks":
        """The mocks of this config."""
        return cls(config.unmatched, Mocks(config), Mocks(config))


class MockedTools:
    """Answers the tool calls of one conversation.

    revision: whose tools there are; None if any may be called. recorded: the source's recorded calls as rules of mocks.
    offload: runs templates, expressions and schemas of users.
    """

    def __init__(
        self, revision: Revision | None, mocks: SharedMocks, recorded: RecordedRules, offload: Offload
    ) -> None:
        self._tools: Mapping[str, Tool] | None = (
            None if revision is None else {tool.name: tool for tool in revision.tools}
        )
        self._mocks = mocks
        self._recorded = recorded
        self._offload = offload

    async def answer(self, call: ToolCall, context: CallContext) -> Answered:
        """The answer to a call. Raises StepFailed with the fault TOOL_MOCK."""
        if self._tools is not None and call.tool not in self._tools:
            return _error("UNKNOWN_TOOL", f"There is no tool {call.tool}.")
        if self._tools is not None and (wrong := await self._wrong_arguments(self._tools[call.tool], call)):
            return _error("INVALID_ARGUMENTS", wrong)
        return await self._mocked(call, context) or unmatched(self._mocks.unmatched, call.tool)

    async def _wrong_arguments(self, tool: Tool, call: ToolCall) -> str | None:
        try:
            return await self._offload(lambda: check_arguments(tool, call.arguments))
        except TooMuchWork:
            return "The arguments are too large to be checked against the tool's schema; make either smaller."

    async def _mocked(self, call: ToolCall, context: CallContext) -> Answered | None:
        try:
            return await self._offload(
                partial(self._mocks.here.answer, call, self._recorded, context),
                partial(self._mocks.in_thread.answer, call, self._recorded, context),
            )
        except ReplyFailed as failed:
            raise StepFailed(Fault.TOOL_MOCK, "TOOL_REPLY_FAILED", str(failed)) from None
        except TooMuchWork:
            detail = f"The mock of {call.tool} takes too much work to reply; make its templates or expressions smaller."
            raise StepFailed(Fault.TOOL_MOCK, "TOOL_REPLY_TOO_MUCH_WORK", detail) from None


def unmatched(how: Unmatched, tool: str) -> Answered:
    """The answer to a call that no mock answers. Raises StepFailed."""
    match how:
        case Unmatched.TOOL_ERROR:
            return _error("TOOL_UNAVAILABLE", f"The tool {tool} cannot answer this call.")
        case Unmatched.FAIL:
            detail = (
                f"No mock answers this call of {tool}. A retry keeps the tool config: start a conversation "
                "with based_on and a tool config that has a rule that matches the arguments, or a default."
            )
            raise StepFailed(Fault.TOOL_MOCK, "TOOL_NOT_MOCKED", detail)
        case _:
            assert_never(how)


def _error(code: str, message: str) -> Answered:
    return Answered(ToolAnswer(error=ToolError(code, message)))
