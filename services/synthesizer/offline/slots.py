"""The slots that the steps of a procedure ask for, and the words that tell them apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.synthesizer.offline.kinds import asked_kinds, telling_words
from shared.model.events import Json
from shared.model.steps import Ask
from shared.patterns import BadPattern, Pattern, compile_pattern

_FORMATS = {
    "email": "email",
    "idn-email": "email",
    "date": "date",
    "date-time": "date",
    "time": "time",
    "uri": "url",
    "url": "url",
}
UNSHAPED = frozenset(("secret", "other_name"))
"""Kinds whose values have no shape: only a reply to the question shows them."""

RENEWED = re.compile(
    r"\b(?:new|desired|replacement|updated|changed|corrected|correct(?= (?:full )?\w+))\b"
    r"(?! (?:order|account|customer|member|one)\b)",
    re.IGNORECASE,
)
"""Matches a slot's name, a question or a label that is about a value that replaces another."""
CURRENT = re.compile(
    r"\b(?:current|old|previous|existing|original|former|on file|bisher\w*|derzeit\w*|aktuell\w*|alte[nrs]?)\b",
    re.IGNORECASE,
)
"""Matches a question for a value that another will replace."""
PRESENT = re.compile(rf"{CURRENT.pattern}|\b(?:currently|right now|at the moment|zurzeit|im moment)\b", re.IGNORECASE)
"""Matches what the user says of a value that another will replace."""
WANTED = re.compile(
    r"\b(?:chang|switch|updat|mov|wechs|änder)\w*\b.{0,80}\b(?:to|auf|zu|in)\b|"
    r"\b(?:instead|stattdessen|(?<!right )now|jetzt)\W*$",
    re.IGNORECASE,
)
"""Matches what the user says of a value that replaces another."""
INSTEAD = re.compile(rf"{RENEWED.pattern}|\b(?:to|into|instead|now|be)\s*:?\s*$", re.IGNORECASE)
"""Matches the words before a value that replaces another: "it should be", "from the old one to"."""
_UNIT = re.compile(r"\b(?:in|many|number of) (second|minute|hour|day|night|week|month|year)s?\b", re.IGNORECASE)
_NAMED_IDS = frozenset("order accoun purcha custom member refere confir bookin ticket case invoic".split())
"""Words that say what an id is of, cut to six letters."""
_TO_VALUE = re.compile(r"(\w+)(?:'s)?\W*(?:\b(?:ids?|i\.d|numbers?|no|codes?|nr|nummer|is|was|its|ist|war)\b\W*)*$")
"""Matches the last word before a value that says what the value is."""


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A slot that a step asks for. There is one object for each step of a program, so results are cached by object.

    kind: of its values; "" for free text.
    words: they tell it from other slots of its kind.
    options: of an enumeration: pattern, value, and the words that only this option has.
    renewed: its value replaces another slot's, so it must differ from the others.
    brief: free text of a word or two, such as a password or somebody else's name.
    unit: in which a number is asked for, as in "how many days"; "" for none.
    """

    name: str
    kind: str
    words: frozenset[str]
    type: str
    options: tuple[tuple[re.Pattern[str], Json, frozenset[str]], ...]
    pattern: Pattern | None
    constant: str | None
    renewed: bool
    brief: bool
    unit: str


def slot_of(ask: Ask) -> Slot:
    """The slot that a step asks for."""
    schema = ask.schema
    spoken = ask.slot.replace("_", " ")
    description = str(schema.get("description", ""))
    options = schema.get("enum")
    listed = options if isinstance(options, list | tuple) else []
    type_ = schema.get("type")
    kind = _FORMATS.get(str(schema.get("format", "")), "")
    if not kind and not listed:
        kinds = asked_kinds(spoken) or asked_kinds(description)
        kind = kinds[0] if kinds else "number" if type_ in ("integer", "number") else ""
    brief = kind in UNSHAPED
    if brief:
        kind = ""
    if kind == "number" and "amount" in asked_kinds(spoken):
        kind = "amount"
    return Slot(
        name=ask.slot,
        kind=kind,
        words=telling_words(spoken) or telling_words(description),
        type=type_ if isinstance(type_, str) else "string",
        options=tuple(_option(value, listed) for value in listed),
        pattern=_pattern(schema.get("pattern")),
        constant=as_text(schema["const"]) if "const" in schema else None,
        renewed=RENEWED.search(spoken) is not None,
        brief=brief,
        unit=unit[1].lower() if (unit := _UNIT.search(f"{ask.question} {description}")) else "",
    )


def _option(value: Json, others: Sequence[Json]) -> tuple[re.Pattern[str], Json, frozenset[str]]:
    words = re.findall(r"[^\W_]+", str(value).lower())
    rest = frozenset[str]().union(*(telling_words(spaced(other)) for other in others if other != value))
    whole = r"(?<![\w@])" + r"[\W_]*".join(map(re.escape, words)) + r"(?![\w@]|\.\w)"
    return re.compile(whole, re.IGNORECASE), value, telling_words(spaced(value)) - rest


def named_ids(label: str) -> frozenset[str]:
    """What an id is of, by the words before it: "my order number is" names the order, "gold member too" nothing."""
    found = _TO_VALUE.search(label)
    return telling_words(found[1]) & _NAMED_IDS if found else frozenset()


def spaced(value: Json) -> str:
    """An option as words: `in_transit` is `in transit`."""
    return str(value).replace("_", " ").replace("-", " ")


def _pattern(source: Json) -> Pattern | None:
    if not isinstance(source, str):
        return None
    try:
        return compile_pattern(source.removeprefix("^").removesuffix("$"))
    except BadPattern:
        return None


def as_text(value: Json) -> str:
    """A value as the text that fills a slot."""
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
