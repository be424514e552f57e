"""Checks the names and types of an expression against a schema."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from shared.model.work_budget import spend
from shared.rules import operators
from shared.rules.functions import FOLDS, ORDERED
from shared.rules.operators import Wrong, boolean
from shared.rules.parser import parse
from shared.rules.printer import show, show_name
from shared.rules.problems import BadSyntax, Problem, place
from shared.rules.rows import known_function, typed_part
from shared.rules.schema import BOOLEAN, INTEGER, Entity, Kind, Schema, Type
from shared.rules.syntax import Call, Node, Path, Where, parts
from shared.rules.typed import Column, Fold, FoldKind, Given, Scope, Typed, every_typed, spread
from shared.yaml import near


@dataclass(frozen=True)
class Compiled:
    """An expression that was checked. entity: of the rows that it is about. text: its canonical text."""

    source: str
    entity: str
    syntax: Node
    typed: Typed

    @property
    def text(self) -> str:
        return show(self.syntax)

    @cached_property
    def scopes(self) -> Mapping[Scope, int]:
        """How many parts have values at each scope."""
        return Counter(part.scope for part in every_typed(self.typed))


def check(source: str, schema: Schema, entity: str, result: Type = BOOLEAN) -> Compiled | tuple[Problem, ...]:
    """Check an expression about the rows of an entity: the expression, or all that is wrong with it, by place.

    result: the type of its value: true or false for a rule, the type of a column whose values it gives.
    Raises KeyError if the schema has no such entity; TooMuchWork.
    """
    try:
        syntax = parse(source)
    except BadSyntax as bad:
        return (bad.problem,)
    spend(len(source))
    checker = _Checker(source, schema, entity)
    typed = checker.checked(syntax, result)
    if typed is None:
        return tuple(sorted(set(checker.problems)))
    return Compiled(source, entity, syntax, typed)


def columns_of(compiled: Compiled) -> frozenset[tuple[str, ...]]:
    """The columns that a rule reads, each after the children and parents that lead to it: ("items", "price").

    Children that are only counted are in it without a column: ("items",).
    """
    return _columns(compiled.typed)


def parameters_of(compiled: Compiled) -> frozenset[str]:
    """The parameters that a rule reads."""
    return frozenset(part.name for part in every_typed(compiled.typed) if isinstance(part, Given))


def _columns(typed: Typed) -> frozenset[tuple[str, ...]]:
    columns = (part for part in every_typed(typed) if isinstance(part, Column))
    return frozenset((*one.scope, *one.parents, *filter(None, [one.name])) for one in columns)


class _Checker:
    """Checks one expression and collects what is wrong. A part with a problem is None, and blames nothing else."""

    def __init__(self, source: str, schema: Schema, entity: str) -> None:
        self.problems: list[Problem] = []
        self._source = source
        self._schema = schema
        self._entity = schema.entities[entity]
        self._name = entity

    def blame(self, where: Where, sentence: str) -> None:
        self.problems.append(Problem(*place(self._source, where[0]), sentence))

    def checked(self, syntax: Node, result: Type) -> Typed | None:
        """The whole expression, whose value has the type `result`; None if something is wrong."""
        typed = self.check(syntax, ())
        if typed is None:
            return None
        if result == BOOLEAN and typed.type != BOOLEAN:
            self.blame(
                syntax.where, f"A rule is true or false; this is {typed.type.phrase}; compare it with something."
            )
            return None
        if result == BOOLEAN and not _columns(typed):
            self.blame(syntax.where, "The rule names no column, so it says the same of every row.")
            return None
        return self._blamed(syntax.where, lambda: operators.assigned(typed, result))

    def check(self, node: Node, scope: Scope) -> Typed | None:
        """The typed expression. scope: the rows that it is about."""
        if isinstance(node, Call) and node.name in FOLDS and len(node.arguments) == 1:
            return self._fold(node, scope)
        if isinstance(node, Path):
            return self._blamed(node.where, lambda: self._column(node, scope))
        given = [self.check(part, scope) for part in parts(node)]
        checked = [one for one in given if one is not None]
        if len(checked) < len(given):
            if isinstance(node, Call):
                self._blamed(node.name_where, lambda: known_function(node))
            return None
        return self._blamed(node.where, lambda: typed_part(node, checked))

    def _blamed(self, where: Where, build: Callable[[], Typed | None]) -> Typed | None:
        try:
            return build()
        except Wrong as wrong:
            self.blame(wrong.where or where, str(wrong))
            return None

    def _column(self, path: Path, scope: Scope) -> Typed:
        *hops, last = path.names
        if not hops and last not in self._entity.columns and last in self._schema.parameters:
            return Given(last, self._schema.parameters[last], path.where)
        chain, parents, entity = self._walk(path, hops)
        if last not in entity.columns:
            if last in entity.children:
                raise Wrong(f"`{last}` are children; fold their columns, as in `count({last})` or `any({last}.… > 0)`.")
            if last in entity.parents:
                raise Wrong(f"`{last}` is a parent; name one of its columns, as in `{last}.…`.")
            raise Wrong(self._unknown(last, entity, path))
        if scope[: len(chain)] != chain:
            raise Wrong(
                f"`{'.'.join(path.names)}` has a value for each of `{'.'.join(chain)}`; fold them, as in `sum(…)`, "
                "`any(…)` or `all(…)`."
            )
        return Column(chain, parents, last, entity.columns[last], path.where)

    def _walk(self, path: Path, hops: Sequence[str]) -> tuple[Scope, tuple[str, ...], Entity]:
        """The children and then the parents that lead to a column, and its entity. Raises Wrong."""
        chain: list[str] = []
        parents: list[str] = []
        entity = self._entity
        for hop in hops:
            if hop in entity.children:
                if parents:
                    raise Wrong(f"The children of a parent, `{hop}`, cannot be folded here; write the rule about it.")
                chain.append(hop)
                entity = self._schema.entities[entity.children[hop]]
            elif hop in entity.parents:
                parents.append(hop)
                entity = self._schema.entities[entity.parents[hop]]
            elif hop in entity.columns:
                raise Wrong(f"`{hop}` is a column, so nothing can follow its name.")
            else:
                raise Wrong(self._unknown(hop, entity, path))
        return tuple(chain), tuple(parents), entity

    def _unknown(self, name: str, entity: Entity, path: Path) -> str:
        first = name == path.names[0]
        known = [*entity.columns, *entity.children, *entity.parents, *(self._schema.parameters if first else ())]
        of = f"`{self._name}`" if first else f"`{'.'.join(path.names[: path.names.index(name)])}`"
        child = next(
            (one for one, kind in entity.children.items() if name in self._schema.entities[kind].columns), None
        )
        hint = near(name, known) or (child and f"; `{child}.{show_name(name)}` is one of its children's") or ""
        return f"{of} has nothing named `{name}`{hint}."

    def _fold(self, call: Call, scope: Scope) -> Typed | None:
        return self._blamed(call.where, lambda: self._folded(call, scope))

    def _folded(self, call: Call, scope: Scope) -> Typed | None:
        (node,) = call.arguments
        fold: FoldKind = call.name  # type: ignore[assignment]  # one of FOLDS
        inner = self._inner(call, scope)
        if inner is None:
            return None
        outer = _shared(inner, scope)
        if isinstance(node, Path) and self._is_children(node):
            if fold != "count":
                raise Wrong(f"`{fold}` takes a column of the children, as in `{fold}({'.'.join(node.names)}.…)`.")
            return Fold("count", Column(inner, (), "", BOOLEAN, node.where), outer, INTEGER, call.where)
        argument = self.check(node, inner)
        return argument and Fold(fold, spread(argument, inner), outer, _folded_type(fold, argument), call.where)

    def _is_children(self, path: Path) -> bool:
        entity = self._entity
        for name in path.names:
            if name in entity.columns or name not in entity.children:
                return False
            entity = self._schema.entities[entity.children[name]]
        return True

    def _inner(self, call: Call, scope: Scope) -> Scope | None:
        """The children that a fold is about: the farthest that its argument names. None if a name is unknown."""
        chains: list[tuple[Scope, Path]] = []
        for path in _own_paths(call.arguments[0]):
            if len(path.names) == 1 and not self._is_children(path):
                continue
            hops = path.names if self._is_children(path) else path.names[:-1]
            try:
                chains.append((self._walk(path, hops)[0], path))
            except Wrong as wrong:
                self.blame(path.where, str(wrong))
                return None
        inner, _ = max(chains, key=lambda one: len(one[0]), default=((), None))
        for chain, path in chains:
            if inner[: len(chain)] != chain:
                raise Wrong(
                    f"A fold is about one kind of children; here are `{'.'.join(inner)}` and `{'.'.join(chain)}`.",
                    path.where,
                )
        if _shared(inner, scope) == inner:
            raise Wrong(
                f"`{call.name}` folds children, and here are none; name their columns, as in `{call.name}(items.…)`."
                if not inner
                else f"Each of `{'.'.join(inner)}` is a row of its own here; there is nothing to fold."
            )
        return inner


def _folded_type(fold: FoldKind, argument: Typed) -> Type:
    kind = argument.type.kind
    if fold in ("any", "all"):
        boolean(argument, f"What `{fold}` takes")
        return BOOLEAN
    if fold == "count":
        boolean(argument, "What `count` takes, besides children,")
        return INTEGER
    if not argument.type.denominator:
        raise Wrong("An amount that was divided by a column must be rounded first; write `round(…)` around it.")
    if fold == "sum" and kind not in (Kind.INTEGER, Kind.NUMBER, Kind.MONEY, Kind.DURATION):
        raise Wrong(f"`sum` takes numbers, amounts or durations; this is {argument.type.phrase}.", argument.where)
    if kind not in ORDERED:
        raise Wrong(
            f"`{fold}` takes numbers, amounts, dates, times or durations; this is {argument.type.phrase}.",
            argument.where,
        )
    return argument.type


def _own_paths(node: Node) -> Iterator[Path]:
    """The paths in an argument of a fold, without those in folds within it."""
    if isinstance(node, Path):
        yield node
    elif not (isinstance(node, Call) and node.name in FOLDS and len(node.arguments) == 1):
        for part in parts(node):
            yield from _own_paths(part)


def _shared(one: Scope, other: Scope) -> Scope:
    """What two scopes begin with alike."""
    length = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:length]
