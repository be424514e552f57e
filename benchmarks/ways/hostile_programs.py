"""Procedures drawn at random to keep a server busy: each has one hostile template, condition, pattern or schema."""

from random import Random
from typing import Any

SLOT = "note"
LARGE: dict[str, Any] = {
    "s": "ab" * 9_500,
    "digits": "9" * 5_000,
    "l": list(range(3_000)),
    "m": {f"k{number}": "x" * 50 for number in range(300)},
}
"""What the tool of every program returns: a long text, a long number, a long list, a wide object."""


def program(random: Random) -> dict[str, Any]:
    """A procedure in import format: it calls the tool `data`, then plays the hostile step."""
    step = random.choice((_template, _condition, _pattern))(random)
    return {
        "external_id": f"hostile-{random.getrandbits(64):016x}",
        "display_name": "Hostile",
        "instructions": "Keep the server busy.",
        "steps": [{"call": {"tool": "data"}}, step, {"id": "last", "say": {"text": "done"}}],
        "tools": [{"name": "data"}],
    }


def _template(random: Random) -> dict[str, Any]:
    return {"say": {"text": "x" + "".join(_fragment(random, 0) for _ in range(random.randint(1, 6)))}}


def _fragment(random: Random, depth: int) -> str:
    inner = _fragment(random, depth + 1) if depth < 3 else "{{ x }}"
    number = random.choice(("9", "9" * 90, "results.data.digits", "1e308", "0"))
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
            f"{{% assign r = (1..{10 ** random.randint(3, 12)}) %}}{{% if r contains 'x' %}}y{{% endif %}}",
        )
    )


def _many(random: Random) -> int:
    return int(10 ** random.uniform(0.5, 3.0))


def _condition(random: Random) -> dict[str, Any]:
    holds = _predicate(random, 0, "results.data.s")
    return {"branch": {"condition": holds, "then": "last"}}


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
    schema: dict[str, Any] = {"type": "string", "pattern": _regexp(random)}
    for _ in range(random.randint(0, 3)):
        schema = {"anyOf": [schema, {"type": "string", "pattern": _regexp(random)}]}
    return {"ask": {"slot": SLOT, "question": "What is it?", "schema": schema, "optional": True}}
