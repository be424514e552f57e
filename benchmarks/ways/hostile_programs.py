"""Procedures drawn at random to keep a server busy: each has a hostile template, condition, pattern or row of loops."""

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Any

SLOT = "note"
LARGE: dict[str, Any] = {
    "s": "ab" * 9_500,
    "digits": "9" * 5_000,
    "l": list(range(3_000)),
    "m": {f"k{number}": "x" * 50 for number in range(300)},
}
"""What the tool of every program returns: a long text, a long number, a long list, a wide object."""
LAST = {"id": "last", "say": {"text": "done"}}
_DECLARED = "{% assign x = 2 %}{% assign y = 'ab' %}{% assign z = 0 %}"
"""What the fragments of a template use; a template that uses undeclared names is refused."""


def program(random: Random, kind: str) -> dict[str, Any]:
    """A procedure of a kind in import format: it calls the tool `data`, then plays its hostile steps.

    Its external id begins with the kind.
    """
    return {
        "external_id": f"{kind}-{random.getrandbits(64):016x}",
        "display_name": "Hostile",
        "instructions": "Keep the server busy.",
        "steps": [{"call": {"tool": "data"}}, LAST],
        "tools": [{"name": "data"}],
        **KINDS[kind](random),
    }


def _steps(*steps: Mapping[str, Any]) -> dict[str, Any]:
    return {"steps": [{"call": {"tool": "data"}}, *steps, LAST]}


def _template(random: Random) -> dict[str, Any]:
    fragments = [_fragment(random, 0) for _ in range(random.randint(1, 6))]
    return _steps({"say": {"text": "x" + _DECLARED + "".join(fragments)}})


def _fragment(random: Random, depth: int) -> str:
    inner = _fragment(random, depth + 1) if depth < 3 else "{{ x }}"
    number = random.choice(("9", "9" * 90, "results.data.digits", "'1e308'", "0"))
    return random.choice(
        (
            f"{{% assign x = {number} %}}{{% for i in (1..{_many(random)}) %}}"
            "{% assign x = x | times: x %}{% endfor %}",
            f"{{% for i in (1..{_many(random)}) %}}{inner}{{% endfor %}}",
            f"{{% for i in results.data.l %}}{inner}{{% endfor %}}",
            "{% assign y = results.data.s | replace: 'b', 'cc' | split: 'c' | join: 'dd' %}",
            "{% assign y = y | append: y | append: results.data.s %}{{ y | size }}",
            "{% if results.data.l == results.data.l %}{% assign z = z | plus: 1 %}{% endif %}",
            "{% if results.data.s contains 'ba'%}{{ results.data.m }}{% endif %}",
            f"{{{{ {number} | divided_by: 0.0001 | times: {number} | round: 300 }}}}",
            f"{{% capture y %}}{inner}{inner}{{% endcapture %}}{{{{ y | upcase }}}}",
            f"{{% for i in (1..{10 ** random.randint(3, 12)}) limit: 9 %}}{inner}{{% endfor %}}",
        )
    )


def _many(random: Random) -> int:
    return int(10 ** random.uniform(0.5, 3.0))


def _condition(random: Random) -> dict[str, Any]:
    return _steps({"branch": {"condition": _predicate(random, 0, "results.data.s"), "then": "last"}})


def _predicate(random: Random, depth: int, text: str) -> str:
    if depth < random.randint(0, 3):
        macro = random.choice(("all", "exists", "exists_one"))
        return f"results.data.l.{macro}(v{depth}, {_predicate(random, depth + 1, text)})"
    return random.choice(
        (
            f"{text}.matches('{_regexp(random)}')",
            "results.data.l == results.data.l",
            f"size({text} + {text} + {text}) > 1",
            f"results.data.l.map(m, {text} + {text}).size() > 0",
            f"{text}.contains('{'ba' * random.randint(1, 200)}')",
            "results.data.m == results.data.m",
            "results.data.l.filter(f, f > 1).size() > 2",
        )
    )


def _regexp(random: Random) -> str:
    size = random.randint(1, 1_000)
    return random.choice(
        (f"[ab]*a[ab]{{{size}}}c", f"(a|b|ab){{1,{size}}}$", "(a*)*b", f"(x+x+)+{'a?' * 40}", "^(ab)*$")
    )


def _pattern(random: Random) -> dict[str, Any]:
    """Patterns for what a user says, or for the long text that the tool returns."""
    schema: dict[str, Any] = {"type": "string", "pattern": _regexp(random)}
    for _ in range(random.randint(0, 3)):
        schema = {"anyOf": [schema, {"type": "string", "pattern": _regexp(random)}]}
    if random.random() < 0.5:
        return _steps({"ask": {"slot": SLOT, "question": "What is it?", "schema": schema, "optional": True}})
    return {"tools": [{"name": "data", "result_schema": {"properties": {"s": schema}}}]}


def _loops(random: Random) -> dict[str, Any]:
    """As many texts as a procedure may have, each with a loop, said one after the other."""
    loop = f"{{% for i in (1..{_many(random)}) %}}{{{{ i | modulo: 7 }}}}{{% endfor %}}"
    return _steps(*({"say": {"text": loop}} for _ in range(190)))


KINDS: Mapping[str, Callable[[Random], dict[str, Any]]] = MappingProxyType(
    {"template": _template, "condition": _condition, "pattern": _pattern, "loops": _loops}
)
"""What makes a program hostile, by kind: the members that differ from a harmless procedure."""
