"""The reply `operations`: get, find, list, create, patch and delete resources."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.synthesizer.tool_configs.matching import matches
from services.synthesizer.tool_configs.replies.kind import (
    ARGUMENTS,
    ITEM,
    ITEM_ID,
    TAKEN,
    Answering,
    CallContext,
    Scope,
    Shape,
    evaluated,
    filled,
)
from shared.model.events import Json, ResourcePatch, ToolAnswer, ToolError
from shared.model.expressions import Expression
from shared.model.templates import Template, deep_size
from shared.model.work_budget import spend
from shared.model.world import Data, World, merged

DEFAULT_LIMIT = 100
_IDS = 36**8
_LONGEST_ID = 256

Values = Mapping[str, Any]
"""What expressions and templates see: `args`, and the results of the operations before by name."""
Done = tuple[Json, tuple[ResourcePatch, ...]]
"""What an operation gives, and what it changes."""


class OperationFailed(Exception):
    """An operation cannot be done; the agent sees the error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.error = ToolError(code, message)


@dataclass(frozen=True, slots=True)
class Operation:
    """One compiled operation. path: its place in the reply. The rest is as in the ResourceOperation message."""

    path: str
    kind: str
    type: str
    id: Template
    match: Shape
    where: Expression | None
    limit: int
    fails_if: tuple[tuple[Expression | None, ToolError], ...]
    set: Shape
    computed: Mapping[str, Expression | None]
    name: str

    def do(self, context: CallContext, values: Values) -> Done:
        """Do it. Raises OperationFailed, ReplyFailed, TooMuchWork."""
        return _DO[self.kind](self, context, values)

    def get(self, context: CallContext, values: Values) -> Done:
        key, data = self._existing(context.world, values)
        self._check(values, key, data)
        return data, ()

    def find(self, context: CallContext, values: Values) -> Done:
        for key, data in self._selected(context.world, values):
            self._check(values, key, data)
            return data, ()
        raise OperationFailed("NOT_FOUND", f"There is no such {self.type}.")

    def list(self, context: CallContext, values: Values) -> Done:
        found: list[Data] = []
        for _, data in self._selected(context.world, values):
            spend(deep_size(data) // 10)
            found.append(data)
            if len(found) == self.limit:
                break
        return found, ()

    def create(self, context: CallContext, values: Values) -> Done:
        key = self._id(values) or f"{self.type}-{int(context.draw(f'tool-id {self.path}') * _IDS)}"
        if context.world.get(self.type, key) is not None:
            raise OperationFailed("ALREADY_EXISTS", f"The {self.type} {key} exists already.")
        self._check(values, key, {})
        patch = self._patch(values, key, {})
        return merged({}, patch.merge), (patch,)

    def patch(self, context: CallContext, values: Values) -> Done:
        key, data = self._existing(context.world, values)
        self._check(values, key, data)
        patch = self._patch(values, key, data)
        return merged(data, patch.merge), (patch,)

    def delete(self, context: CallContext, values: Values) -> Done:
        key, data = self._existing(context.world, values)
        self._check(values, key, data)
        return data, (ResourcePatch(self.type, key, delete=True),)

    def _id(self, values: Values) -> str:
        key = str(filled(self.id, values) or "").strip()
        if len(key) > _LONGEST_ID:
            raise OperationFailed("INVALID_ID", f"The id has {len(key):,} characters; {_LONGEST_ID} are allowed.")
        return key

    def _existing(self, world: World, values: Values) -> tuple[str, Data]:
        key = self._id(values)
        data = world.get(self.type, key)
        if data is None:
            raise OperationFailed("NOT_FOUND", f"There is no {self.type} {key}.")
        return key, data

    def _selected(self, world: World, values: Values) -> Iterator[tuple[str, Data]]:
        wanted = filled(self.match, values)
        for key, data in world.of_type(self.type):
            spend(5)
            if matches(wanted, data) and (self.where is None or self._holds(self.where, "where", values, key, data)):
                yield key, data

    def _holds(self, condition: Expression, path: str, values: Values, key: str, data: Data) -> bool:
        return evaluated(condition, {**values, ITEM: data, ITEM_ID: key}, f"{self.path}.{path}") is True

    def _check(self, values: Values, key: str, data: Data) -> None:
        for number, (condition, error) in enumerate(self.fails_if):
            if condition is not None and self._holds(condition, f"fails_if[{number}]", values, key, data):
                raise OperationFailed(error.code, error.message)

    def _patch(self, values: Values, key: str, data: Data) -> ResourcePatch:
        seen = {**values, ITEM: data, ITEM_ID: key}
        computed = {
            name: evaluated(expression, seen, f"{self.path}.computed.{name}")
            for name, expression in self.computed.items()
            if expression is not None
        }
        return ResourcePatch(self.type, key, {**filled(self.set, values), **computed})


_DO: Mapping[str, Callable[[Operation, CallContext, Values], Done]] = {
    "KIND_GET": Operation.get,
    "KIND_FIND": Operation.find,
    "KIND_LIST": Operation.list,
    "KIND_CREATE": Operation.create,
    "KIND_PATCH": Operation.patch,
    "KIND_DELETE": Operation.delete,
}
_BY_ID = frozenset({"KIND_GET", "KIND_CREATE", "KIND_PATCH", "KIND_DELETE"})
_WRITES = frozenset({"KIND_CREATE", "KIND_PATCH"})


def compiled(config: Json, scope: Scope) -> Answering:
    """The answer of a config, which is a ResourceOperations message as JSON."""
    operations = [
        _operation(one, scope, f"operations.operations[{number}]")
        for number, one in enumerate(config.get("operations", ()))
    ]
    if not operations and not config.get("returns"):
        scope.blame("operations", "There should be operations, or an expression in `returns`.")
    returns = scope.expression(config["returns"], "operations.returns") if config.get("returns") else None

    def answering(arguments: Mapping[str, Json], context: CallContext) -> ToolAnswer:
        values = {ARGUMENTS: arguments}
        result: Json = None
        patches: tuple[ResourcePatch, ...] = ()
        try:
            for operation in operations:
                result, changes = operation.do(context, values)
                context, patches = replace(context, world=context.world.patched(changes)), patches + changes
                if operation.name:
                    values = {**values, operation.name: result}
        except OperationFailed as failed:
            return ToolAnswer(error=failed.error)
        if returns is not None:
            result = evaluated(returns, values, "operations.returns")
        return ToolAnswer(result, patches=patches)

    return answering


def _operation(config: Mapping[str, Json], scope: Scope, path: str) -> Operation:
    kind, type_, name = config["kind"], config["type"], config.get("name", "")
    if kind == "KIND_CREATE":
        scope.creates.add(type_)
    else:
        scope.reads.append((f"{path}.type", type_))
    _check_fields(config, scope, path)
    operation = Operation(
        path=path,
        kind=kind,
        type=type_,
        id=scope.template(config.get("id", ""), f"{path}.id"),
        match=scope.shape(config.get("match", {}), f"{path}.match"),
        where=scope.expression(config["where"], f"{path}.where", item=True, condition=True)
        if config.get("where")
        else None,
        limit=config.get("limit") or DEFAULT_LIMIT,
        fails_if=tuple(
            _failing(one, scope, f"{path}.fails_if[{number}]") for number, one in enumerate(config.get("fails_if", ()))
        ),
        set=scope.shape(config.get("set", {}), f"{path}.set"),
        computed={
            member: scope.expression(source, f"{path}.computed.{member}", item=True)
            for member, source in config.get("computed", {}).items()
        },
        name=name,
    )
    if name in TAKEN or name in scope.names:
        scope.blame(f"{path}.name", f"The name `{name}` is taken; choose another.")
    elif name:
        scope.names.append(name)
    return operation


def _check_fields(config: Mapping[str, Json], scope: Scope, path: str) -> None:
    """Blame fields that this kind of operation does not have, and a missing id."""
    kind = config["kind"]
    word = kind.removeprefix("KIND_")
    if kind in _BY_ID - {"KIND_CREATE"} and not config.get("id"):
        scope.blame(f"{path}.id", f"A {word} needs the resource's id, such as `{{{{ args.id }}}}`.")
    wrong = {"match", "where"} if kind in _BY_ID else {"id"}
    wrong |= set() if kind in _WRITES else {"set", "computed"}
    wrong |= set() if kind == "KIND_LIST" else {"limit"}
    wrong |= {"fails_if"} if kind == "KIND_LIST" else set()
    for name in sorted(wrong & {name for name, value in config.items() if value}):
        scope.blame(f"{path}.{name}", f"A {word} has no {name}; leave it out.")


def _failing(config: Mapping[str, Json], scope: Scope, path: str) -> tuple[Expression | None, ToolError]:
    condition = scope.expression(config["condition"], f"{path}.condition", item=True, condition=True)
    error = config["error"]
    return condition, ToolError(error["code"], error.get("message", ""))
