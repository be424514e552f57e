"""The reply `answer`: a value or an error, with changes of resources."""

from collections.abc import Mapping

from services.synthesizer.tool_configs.replies.kind import Answering, CallContext, Scope
from shared.model.events import Json, ToolAnswer, ToolError, read_answer
from shared.model.world import World


def compiled(config: Json, scope: Scope) -> Answering:
    """The answer of a config, which is a ToolAnswer message as JSON."""
    fixed = read_answer(config)
    scope.answer(fixed, "answer")

    def answering(_arguments: Mapping[str, Json], context: CallContext) -> ToolAnswer:
        return applicable(fixed, context.world)

    return answering


def applicable(answer: ToolAnswer, world: World) -> ToolAnswer:
    """The answer, or the error RESOURCE_GONE if it changes a resource that this conversation deleted."""
    for patch in answer.patches:
        if world.deleted(patch.type, patch.id):
            return ToolAnswer(error=ToolError("RESOURCE_GONE", f"The {patch.type} {patch.id} was deleted before."))
    return answer
