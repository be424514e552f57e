"""The reply `template`: a value whose texts are Liquid templates over the arguments and the resources."""

from collections.abc import Mapping

from services.synthesizer.tool_configs.replies.kind import ARGUMENTS, RESOURCES, Answering, CallContext, Scope, filled
from shared.model.events import Json, ToolAnswer
from shared.model.templates import deep_size
from shared.model.work_budget import spend
from shared.model.world import Data, World


def compiled(config: Json, scope: Scope) -> Answering:
    """The answer of a config, which is any JSON value."""
    shape = scope.shape(config, "template", RESOURCES)

    def answering(arguments: Mapping[str, Json], context: CallContext) -> ToolAnswer:
        values = {ARGUMENTS: arguments, RESOURCES: _Resources(context.world)}
        return ToolAnswer(filled(shape, values))

    return answering


class _Resources:
    """`resources`: the resources by type. Only what a template names is looked up; as text it is empty."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getitem__(self, kind: str) -> "_OfType":
        return _OfType(self._world, kind)

    def __str__(self) -> str:
        return ""


class _OfType:
    """`resources.order`: the data of each by id. A KeyError is taken as no value by Liquid."""

    def __init__(self, world: World, kind: str) -> None:
        self._world = world
        self._kind = kind

    def __getitem__(self, key: str) -> Data:
        data = self._world[self._kind, str(key)]
        spend(deep_size(data) // 50)
        return data

    def __str__(self) -> str:
        return ""
