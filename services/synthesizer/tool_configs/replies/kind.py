"""What a kind of reply is, and what its expressions and templates may name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.synthesizer.procedures.schemas import value_error
from shared.model.events import Json, ToolAnswer
from shared.model.expressions import ANYTHING, OBJECT, TEXT, BadExpression, Expression, ExpressionFailed, Expressions
from shared.model.steps import Tool
from shared.model.templates import BadTemplate, Template
from shared.model.work_budget import spend
from shared.model.world import World
from shared.words import all_of
from shared.yaml import near

ARGUMENTS = "args"
RESOURCES = "resources"
ITEM, ITEM_ID = "it", "id"
TAKEN = frozenset({ARGUMENTS, RESOURCES, ITEM, ITEM_ID})
"""Names with a meaning of their own."""


class ReplyFailed(Exception):
    """A template or an expression of a reply has no value; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a call meets in its conversation.

    world: the resources. answered: how many results each rule gave, by tool and index.
    draw: a hash of seed, index, seq and the given purpose in [0, 1).
    """

    world: World
    answered: Mapping[tuple[str, int], int]
    draw: Callable[[str], float]


Answering = Callable[[Mapping[str, Json], CallContext], ToolAnswer]
"""Answers a call with these arguments. Raises ReplyFailed, TooMuchWork."""


@dataclass(slots=True)
class Scope:
    """Compiles the templates and expressions of a reply, and collects what is wrong with them.

    tool: whose arguments they may name; None if any. names: of the operations so far.
    reads: (path in the reply, type of resources). creates: types. wrong: (path in the reply, sentence).
    """

    tool: Tool | None = None
    names: list[str] = field(default_factory=list)
    reads: list[tuple[str, str]] = field(default_factory=list)
    creates: set[str] = field(default_factory=set)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    _compilers: dict[tuple[str, ...], Expressions] = field(default_factory=dict)

    def blame(self, path: str, sentence: str) -> None:
        """Note what is wrong at the path."""
        self.wrong.append((path, sentence))

    def template(self, source: str, path: str, *more: str) -> Template:
        """A template over `args`, the names of operations and more names."""
        spend(10 + len(source) // 5)
        try:
            template = Template(source)
            paths = template.paths()
        except BadTemplate as bad:
            self.blame(path, str(bad))
            return Template("")
        known = [ARGUMENTS, *self.names, *more]
        for used in paths:
            if used[0] not in known:
                there = f"{near(used[0], known)}; there are {all_of(known)}"
                self.blame(path, f"The template uses `{used[0]}`, which does not exist{there}.")
            elif used[0] == RESOURCES and len(used) > 1:
                self.reads.append((path, used[1]))
            self._argument(used, path)
        return template

    def expression(self, source: str, path: str, *, item: bool = False, condition: bool = False) -> Expression | None:
        """An expression over `args`, the names of operations and, if item, `it` and `id`; None if it is wrong."""
        spend(20 + len(source) // 5)
        types: dict[str, Any] = {ARGUMENTS: OBJECT, **dict.fromkeys(self.names, ANYTHING)}
        if item:
            types |= {ITEM: ANYTHING, ITEM_ID: TEXT}
        expressions = self._compilers.setdefault(tuple(types), Expressions(types))
        try:
            expression = expressions.condition(source) if condition else expressions.compile(source)
        except BadExpression as bad:
            self.blame(path, str(bad))
            return None
        for used in sorted(expression.paths):
            self._argument(used, path)
        return expression

    def answer(self, given: ToolAnswer, path: str) -> None:
        """Check a fixed answer against the tool's schema, and note the types that it creates."""
        self.creates.update(patch.type for patch in given.patches)
        if self.tool is not None and (sentence := contradiction(self.tool, given)):
            self.blame(path, f"The answer contradicts the result_schema of `{self.tool.name}`: {sentence}")

    def shape(self, value: Json, path: str, *more: str) -> "Shape":
        """A JSON value whose texts are templates."""
        if isinstance(value, str):
            return self.template(value, path, *more)
        if isinstance(value, Mapping):
            return {name: self.shape(member, f"{path}.{name}", *more) for name, member in value.items()}
        if isinstance(value, list):
            return [self.shape(item, f"{path}[{number}]", *more) for number, item in enumerate(value)]
        return value

    def _argument(self, used: tuple[str, ...], path: str) -> None:
        if self.tool is not None and used[0] == ARGUMENTS and len(used) > 1 and not self.tool.takes(used[1]):
            properties = self.tool.arguments_schema.get("properties") or {}
            self.blame(path, f"The tool `{self.tool.name}` takes no argument `{used[1]}`{near(used[1], properties)}.")


def contradiction(tool: Tool, given: ToolAnswer) -> str | None:
    """A sentence on how the answer's value breaks the tool's schema, or None."""
    return None if given.error is not None else value_error(tool.result_schema, given.value, "value")


Compile = Callable[[Json, Scope], Answering]
"""Compiles the config of a kind. If the scope has something wrong afterwards, the result must not be used."""

Shape = Any
"""A JSON value with Template instead of text."""


def filled(shape: Shape, values: Mapping[str, Any]) -> Json:
    """The JSON value with its templates filled in. Raises ReplyFailed, TooMuchWork."""
    spend(1)
    if isinstance(shape, Template):
        try:
            return shape.value(values)
        except BadTemplate as bad:
            raise ReplyFailed(str(bad)) from None
    if isinstance(shape, Mapping):
        return {name: filled(member, values) for name, member in shape.items()}
    if isinstance(shape, list):
        return [filled(item, values) for item in shape]
    return shape


def evaluated(expression: Expression, values: Mapping[str, Any], what: str) -> Json:
    """The value of an expression. what: its path, for the sentence. Raises ReplyFailed, TooMuchWork."""
    try:
        return expression.value(values)
    except ExpressionFailed as failed:
        raise ReplyFailed(f"The expression in {what} has no value: {failed}.") from None
