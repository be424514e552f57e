"""Templates of what agents say and mocked tools answer: Liquid with some tags and filters, and bounded values."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, wraps
from itertools import takewhile
from typing import Any

from liquid import BoundTemplate, Environment, RenderContext, Undefined
from liquid.ast import Node
from liquid.builtin.expressions import LoopExpression
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.output import OutputNode
from liquid.exceptions import LiquidError
from liquid.expression import Expression

from shared.model.events import Json
from shared.model.json_values import NotJson, json_value
from shared.model.work_budget import spend, work_budget
from shared.words import any_of

MAX_OUTPUT = 20_000
"""The most characters of a rendered template, and of any value in between."""

MAX_ITEMS = 1_000
"""The most turns of all loops together, and members of a range."""

MAX_DIGITS = 100
"""The most digits of a number in between."""
_LARGEST_NUMBER = 10**MAX_DIGITS

_ALLOWED_FILTERS = """
    abs alternatives append at_least at_most capitalize ceil default divided_by downcase escape first floor join last
    lstrip minus modulo plus prepend remove remove_first replace replace_first round rstrip size slice split squish
    strip times truncate truncatewords upcase
"""
_ALLOWED_TAGS = "# assign break capture case comment content continue echo for if illegal output unless"
_FILTERS = frozenset(_ALLOWED_FILTERS.split())
_TAGS = frozenset(_ALLOWED_TAGS.split())


class BadTemplate(ValueError):
    """The template cannot be used; the message is one sentence that says why."""


class _TooLarge(LiquidError):
    pass


class _CountedContext(RenderContext):
    """Spends the work budget on loops, variables and assignments."""

    __slots__ = ("_size", "_turn")

    def __init__(self, template: BoundTemplate, **options: Any) -> None:
        super().__init__(template, **options)
        self._turn = 2 + len(str(template)) // 3
        self._size = deep_size(list(self.globals.values()))
        spend(self._turn + self._size // 50)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        super().raise_for_loop_limit(length)
        # One turn renders at most the whole template once.
        spend(length * self._turn)

    def get(self, path: list[object], **options: Any) -> object:
        value = super().get(path, **options)
        if isinstance(value, str):
            spend(1 + len(value) // 500)
        elif isinstance(value, Mapping | Sequence):
            # The template may compare the value with another one, or search it.
            spend(1 + max(self._size, len(value)) // 50)
        return value

    def assign(self, key: str, val: Any) -> None:
        spend(1 + len(self.locals))
        super().assign(key, val)


class _CountedTemplate(BoundTemplate):
    context_class = _CountedContext


class _Bounded(Environment):
    template_class = _CountedTemplate
    loop_iteration_limit = MAX_ITEMS
    local_namespace_limit = 4 * MAX_OUTPUT
    context_depth_limit = 20


def deep_size(value: Any) -> int:
    """The characters of all texts in a value, and 10 for each of its other parts."""
    size, rest = 0, [value]
    while rest:
        value = rest.pop()
        size += len(value) if isinstance(value, str) else 10
        if isinstance(value, Mapping):
            rest += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple):
            rest += value
    return size


def _filter_work(value: Any) -> int:
    """The units that a filter spends on one of its arguments."""
    if isinstance(value, str):
        return 2 + len(value) // 10
    if isinstance(value, list) and not (value and isinstance(value[0], list | Mapping)):
        return 2 + len(value)
    return 2 + deep_size(value) // 10


def _checked(apply: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(apply)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        spend(sum(map(_filter_work, args)))
        # Only `replace` can multiply its input, so check its largest result before it runs.
        if apply.__name__.startswith("replace") and len(args) > 2:
            text, _, by = (str(arg) for arg in args[:3])
            if len(text) * (len(by) + 1) > 4 * MAX_OUTPUT:
                raise _TooLarge(f"a value may grow beyond {MAX_OUTPUT} characters", token=None)
        value = apply(*args, **kwargs)
        if isinstance(value, str | list) and len(value) > MAX_OUTPUT:
            raise _TooLarge(f"a value has more than {MAX_OUTPUT} characters", token=None)
        if isinstance(value, int) and abs(value) > _LARGEST_NUMBER:
            raise _TooLarge(f"a number has more than {MAX_DIGITS} digits", token=None)
        return value

    return bounded


def _alternatives(first: Any, *others: Any) -> str:
    """The values that are not empty, as "a, b or c"."""
    values = [*first, *others] if isinstance(first, list | tuple) else [first, *others]
    texts = [text for value in values if value is not None and (text := str(value).strip())]
    return any_of(texts)


@cache
def _environment(longest: int) -> Environment:
    """The environment of templates that render up to `longest` characters."""
    environment: Environment = type("_Limited", (_Bounded,), {"output_stream_limit": longest})()
    environment.filters["alternatives"] = _alternatives
    for name in [name for name in environment.filters if name not in _FILTERS]:
        del environment.filters[name]
    for name, apply in list(environment.filters.items()):
        environment.filters[name] = _checked(apply)
    for name in [name for name in environment.tags if name not in _TAGS]:
        del environment.tags[name]
    return environment


_STATIC = RenderContext(_environment(MAX_OUTPUT).from_string(""))
_FAILURES = (ArithmeticError, AttributeError, LiquidError, LookupError, RecursionError, TypeError, ValueError)
"""What Liquid raises: errors of its own, and those of Python's operations on the values that filters are given."""


class Template:
    """A template, parsed once. Raises BadTemplate when it is not valid Liquid.

    longest: the most characters of what it renders.
    """

    __slots__ = ("_parsed", "_source")

    def __init__(self, source: str, longest: int = MAX_OUTPUT) -> None:
        self._source = source
        self._parsed = _parsed(source, longest) if "{{" in source or "{%" in source else None

    def render(self, values: Mapping[str, Any]) -> str:
        """The template filled in; a name without a value is empty.

        Raises BadTemplate if the text grows too long or a calculation has no result, TooMuchWork beyond the budget.
        """
        if self._parsed is None:
            return self._source
        try:
            with work_budget():
                return self._parsed.render(**values)
        except _FAILURES as error:
            raise BadTemplate(_sentence(error)) from None

    def value(self, values: Mapping[str, Any]) -> Json:
        """As `render`, but a template that is one `{{ … }}` gives the value itself, null if there is none."""
        if self._parsed is None or not isinstance(only := self._parsed.nodes[0], OutputNode) or self._parsed.nodes[1:]:
            return self.render(values)
        try:
            with work_budget():
                context = _CountedContext(self._parsed, globals=self._parsed.make_globals(values))
                found = only.expression.evaluate(context)
            return None if isinstance(found, Undefined) else json_value(found)
        except (*_FAILURES, NotJson) as error:
            raise BadTemplate(_sentence(error)) from None

    def paths(self) -> list[tuple[str, ...]]:
        """The names that it uses, with the members that follow each as far as they are constant.

        `{{ args.order }}` has ("args", "order"). Raises BadTemplate for filters that are not allowed.
        """
        return [] if self._parsed is None else _paths(self._parsed)


def _paths(template: BoundTemplate) -> list[tuple[str, ...]]:
    try:
        _check_filters(template)
        uses = [use for uses in template.analyze().globals.values() for use in uses]
    except (LiquidError, RecursionError) as error:
        raise BadTemplate(_sentence(error)) from None
    return [tuple(map(str, takewhile(lambda part: isinstance(part, str), use.segments))) for use in uses]


def _parsed(source: str, longest: int = MAX_OUTPUT) -> BoundTemplate:
    try:
        template = _environment(longest).from_string(source)
        for node in template.nodes:
            _check_ranges(node)
    except _FAILURES as error:
        raise BadTemplate(_sentence(error)) from None
    return template


def _check_ranges(part: Node | Expression) -> None:
    """Refuse a range outside of a loop, where nothing bounds its length."""
    inner: list[Any] = [*part.children(_STATIC), *part.expressions()] if isinstance(part, Node) else [*part.children()]
    for one in inner:
        if isinstance(one, RangeLiteral) and not isinstance(part, LoopExpression):
            raise _TooLarge(f"the range {one} is not in a for loop", token=None)
        _check_ranges(one)


def check_template(source: str, names: Iterable[str]) -> None:
    """Check that the template is valid and uses only the given names. Raises BadTemplate."""
    known = sorted(set(names))
    used = {path[0] for path in _paths(_parsed(source))}
    if unknown := sorted(used - set(known)):
        there = f"; there are {', '.join(known)}" if known else ""
        raise BadTemplate(f"The template uses {', '.join(unknown)}, which is not a slot{there}.")


def _check_filters(template: BoundTemplate) -> None:
    unknown = sorted(set(template.filter_names()) - _FILTERS)
    if unknown:
        allowed = ", ".join(sorted(_FILTERS))
        raise BadTemplate(f"The template uses the filter {', '.join(unknown)}; allowed are {allowed}.")


def _sentence(error: Exception) -> str:
    what = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).split("\n")[0]
    return f"The template is not valid Liquid: {what.rstrip('.')}."
