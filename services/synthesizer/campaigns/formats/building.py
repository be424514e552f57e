"""What importers share: ids of steps, and contact fields whose types are what their uses ask for."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.model.campaigns.model import Action, Field, FieldType, SendEmail, SendSms, Webhook
from shared.model.events import Json

_KNOWN = {"name": FieldType.TEXT, "first_name": FieldType.TEXT, "time_zone": FieldType.TEXT}
"""Fields that every contact may have, with their types."""
MAX_TEXT = 2_000_000
"""The most characters of all messages of an imported campaign."""
_LONGEST_TOLD = 500
_TAKEN = frozenset(
    "as break const continue else false for function if import in let loop namespace null package return true var void "
    "while first last size".split()
)
"""Words that CEL reserves, and members that Liquid gives every mapping."""


def slug(text: str, longest: int = 48) -> str:
    """The text as the name of a step, field or tool: small letters, digits and `_`, the first one a letter."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    plain = re.sub(r"[^a-z0-9]+", "_", apart.lower()).strip("_")
    named = plain if plain[:1].isalpha() else f"n_{plain}".rstrip("_")
    return named[:longest].rstrip("_")


class Names:
    """Gives each key a name of its own, near the one that was asked for."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._named: dict[object, str] = {}
        self._next: dict[str, int] = {}

    def of(self, key: object, wanted: str) -> str:
        """The name of a key, the same for the same key."""
        if key not in self._named:
            name, number = wanted, self._next.get(wanted, 2)
            while name in self._taken:
                name, number = f"{wanted}_{number}", number + 1
            self._taken.add(name)
            self._next[wanted] = number
            self._named[key] = name
        return self._named[key]


@dataclass
class Use:
    """A contact field. hints: what types its uses ask for. told: what it is. default: unless a condition reads it."""

    name: str
    hints: set[FieldType] = field(default_factory=set)
    told: str = ""
    values: tuple[str, ...] = ()
    default: Json = None
    read: bool = False


class Fields:
    """The contact fields of a campaign. An import runs twice: types are settled in between."""

    def __init__(self) -> None:
        self._names = Names(_TAKEN)
        self._uses: dict[str, Use] = {}
        self._settled: Mapping[str, FieldType] = {}
        self.settled = False

    def use(self, key: object, wanted: str, told: str = "") -> Use:
        """The field of a key. wanted: what to call it. told: what it is, for people."""
        name = self._names.of(key, slug(wanted, 60))
        use = self._uses.setdefault(name, Use(name))
        use.told = use.told or told[:_LONGEST_TOLD]
        return use

    def settle(self) -> None:
        """Decide the types: text wins, a field is a number or a truth value only if nothing else is asked for."""
        settled = {}
        for name, use in self._uses.items():
            only = use.hints if len(use.hints) == 1 else set()
            settled[name] = _KNOWN.get(name) or next(iter(only), FieldType.TEXT)
        self._settled, self.settled = settled, True

    def type(self, use: Use) -> FieldType:
        """The type of a field; text before types are settled."""
        return self._settled.get(use.name, FieldType.TEXT)

    def declared(self) -> tuple[Field, ...]:
        """The fields as campaigns declare them."""
        return tuple(
            Field(
                name=use.name,
                type=self.type(use),
                description=use.told,
                values=use.values,
                default=use.default if use.values or not use.read else None,
            )
            for use in self._uses.values()
        )


def text_of(action: Action) -> int:
    """The characters of what an action says."""
    match action:
        case SendSms(body):
            return len(body)
        case SendEmail(subject, body):
            return len(subject) + len(body)
        case Webhook(url=url):
            return len(url)
    return 0


def endless(leads: Mapping[str, Iterable[str]], ends: Iterable[str]) -> list[str]:
    """What is in a circle that no way leaves, or leads only into one. leads: where to. ends: what is through."""
    back: dict[str, list[str]] = {}
    for name, nexts in leads.items():
        for one in nexts:
            back.setdefault(one, []).append(name)
    rest = [*ends]
    through = set(rest)
    while rest:
        for one in back.get(rest.pop(), ()):
            if one not in through:
                through.add(one)
                rest.append(one)
    return [name for name in leads if name not in through]
