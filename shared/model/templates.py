"""Templates of what an agent says: Liquid with allow-listed tags and filters, and a bound on everything that grows."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, wraps
from typing import Any

from liquid import BoundTemplate, Environment
from liquid.exceptions import LiquidError

MAX_OUTPUT = 20_000
"""Characters that a template may render to, and that any value on the way may have."""

MAX_ITEMS = 1_000
"""Turns of all loops together, and members of a range."""

_ALLOWED_FILTERS = """
    abs append at_least at_most capitalize ceil default divided_by downcase escape first floor join last lstrip minus
    modulo plus prepend remove remove_first replace replace_first round rstrip size slice split squish strip times
    truncate truncatewords upcase
"""
_ALLOWED_TAGS = "# assign break capture case comment content continue echo for if illegal output unless"
_FILTERS = frozenset(_ALLOWED_FILTERS.split())
_TAGS = frozenset(_ALLOWED_TAGS.split())


class BadTemplate(ValueError):
    """The template cannot be used; the message is one sentence that says why."""


class _TooLarge(LiquidError):
    pass


class _Bounded(Environment):
    output_stream_limit = MAX_OUTPUT
    loop_iteration_limit = MAX_ITEMS
    local_namespace_limit = 4 * MAX_OUTPUT
    context_depth_limit = 20


def _checked(apply: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(apply)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        for value in args:
            if isinstance(value, range) and len(value) > MAX_ITEMS:
                raise _TooLarge(f"a range has more than {MAX_ITEMS} members", token=None)
        # Only `replace` multiplies what it is given; its worst case is known before it runs.
        if apply.__name__.startswith("replace") and len(args) > 2:
            text, _, by = (str(arg) for arg in args[:3])
            if len(text) * (len(by) + 1) > 4 * MAX_OUTPUT:
                raise _TooLarge(f"a value may grow beyond {MAX_OUTPUT} characters", token=None)
        value = apply(*args, **kwargs)
        if isinstance(value, str | list) and len(value) > MAX_OUTPUT:
            raise _TooLarge(f"a value has more than {MAX_OUTPUT} characters", token=None)
        return value

    return bounded


def _environment() -> Environment:
    environment = _Bounded()
    for name in [name for name in environment.filters if name not in _FILTERS]:
        del environment.filters[name]
    for name, apply in list(environment.filters.items()):
        environment.filters[name] = _checked(apply)
    for name in [name for name in environment.tags if name not in _TAGS]:
        del environment.tags[name]
    return environment


_ENVIRONMENT = _environment()


@lru_cache(maxsize=4096)
def _parsed(source: str) -> BoundTemplate:
    return _ENVIRONMENT.from_string(source)


def check_template(source: str, names: Iterable[str]) -> None:
    """Check that the template is valid and speaks only of the names. Raises BadTemplate."""
    known = sorted(set(names))
    try:
        template = _parsed(source)
        unknown = sorted({str(name).split(".")[0].split("[")[0] for name in template.global_variables()} - set(known))
        _check_filters(template)
    except (LiquidError, RecursionError) as error:
        raise BadTemplate(_sentence(error)) from None
    if unknown:
        there = f"; there are {', '.join(known)}" if known else ""
        raise BadTemplate(f"The template speaks of {', '.join(unknown)}, which is no slot{there}.")


def _check_filters(template: BoundTemplate) -> None:
    unknown = sorted(set(template.filter_names()) - _FILTERS)
    if unknown:
        allowed = ", ".join(sorted(_FILTERS))
        raise BadTemplate(f"The template uses the filter {', '.join(unknown)}; allowed are {allowed}.")


def render(source: str, values: Mapping[str, Any]) -> str:
    """The template filled in; what has no value is empty. Raises BadTemplate if it grows out of bounds."""
    if "{{" not in source and "{%" not in source:
        return source
    try:
        return _parsed(source).render(**values)
    except (LiquidError, RecursionError) as error:
        raise BadTemplate(_sentence(error)) from None


def _sentence(error: Exception) -> str:
    what = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).split("\n")[0]
    return f"The template is not valid Liquid: {what.rstrip('.')}."
