"""Paths of the data that flows through a workflow, such as `$json.message.text` and `$('Node').item.json.id`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.synthesizer.campaigns.formats.building import Fields, Use
from services.synthesizer.campaigns.formats.n8n.javascript import Call, Code, Constant, Member, Name, Unreadable

Parts = tuple[str | int, ...]
"""The members and indexes that lead to a value."""


_TRAILING = ("item", "first", "last", "all", "json", "itemMatching", "pairedItem")


@dataclass(frozen=True, slots=True)
class Path:
    """A value of the data that flows through a workflow. node: whose output it is; "": that of the node before."""

    node: str
    parts: Parts


@dataclass(frozen=True, slots=True)
class Scope:
    """What the expressions of one node see.

    use: the contact field of a path. asked: what was asked of the contact at a path, `approved` or `text`, or "".
    """

    fields: Fields
    use: Callable[[Path], Use]
    asked: Callable[[Path], str]


def path_of(code: Code) -> Path:
    """The path that an expression is. Raises Unreadable."""
    path = _data_path(_chain(code))
    if path is None:
        match code:
            case Call(Member(_, name), _) | Call(Name(name), _):
                raise Unreadable(f"it calls `{name}`")
            case Name(name):
                raise Unreadable(f"`{name}` is not known")
        raise Unreadable("it is neither a path nor a comparison")
    return path


def is_path(code: Code) -> bool:
    """True if an expression is a path."""
    return _data_path(_chain(code)) is not None


def label(parts: Parts) -> str:
    """A path as people read it, such as `data[0].text`."""
    shown = ""
    for part in parts:
        shown += f"[{part}]" if isinstance(part, int) else f".{part}" if shown else part
    return shown


def _chain(code: Code) -> Sequence[Code]:
    """The members and calls of an expression, from its first name on."""
    chain: list[Code] = [code]
    while isinstance(chain[-1], Member | Call):
        inner = chain[-1]
        chain.append(inner.of if isinstance(inner, Member) else inner.function)
    return chain[::-1]


def _data_path(chain: Sequence[Code]) -> Path | None:
    """The path that a chain of members and calls is, from its first name on."""
    first, rest = chain[0], [*chain[1:]]
    if not isinstance(first, Name):
        return None
    node = ""
    if first.name in ("$", "$items") and rest and isinstance(rest[0], Call):
        named = rest.pop(0)
        argument = named.arguments[0] if isinstance(named, Call) and named.arguments else None
        if not isinstance(argument, Constant) or not isinstance(argument.value, str):
            return None
        node = argument.value
    elif first.name == "$node" and rest and isinstance(rest[0], Member):
        node = str(rest.pop(0).key)  # type: ignore[union-attr]  # a Member, as the line above says
    elif first.name in ("$env", "$vars", "$workflow", "$execution", "$secrets"):
        rest = [Member(first, first.name.removeprefix("$")), *rest]
    elif first.name == "$binary":
        rest = [Member(first, "binary"), *rest]
    elif first.name not in ("$json", "$input", "item", "items", "$data"):
        return None
    parts: list[str | int] = []
    skipping = first.name not in ("$json", "$env", "$vars", "$workflow", "$execution", "$secrets", "$binary", "$data")
    for number, one in enumerate(rest):
        if isinstance(one, Member):
            if skipping and (one.key in _TRAILING or isinstance(one.key, int)):
                skipping = one.key != "json"
                continue
            skipping = False
            parts.append(one.key)
        elif isinstance(one, Call) and number and skipping:
            continue
        else:
            return None
    return Path(node, tuple(parts))
