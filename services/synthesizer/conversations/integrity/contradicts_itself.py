"""The persona contradicts its own facts: its age, e-mail address, phone, order or account number, zip code or street.

A new value is no contradiction if the persona corrects itself, or if the agent asks for a new or another one. Customers
may have several orders and accounts, so their numbers count only in the answer to a question for them.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from services.synthesizer.conversations.integrity.check import LANGUAGES, Check, Scene, matching, straight
from shared.llm.persona_reply import PersonaReply
from shared.model.events import PersonaFlag

_PHRASES = [language["contradicts_itself"] for language in LANGUAGES]
_KINDS: Sequence[tuple[str, re.Pattern[str]]] = [
    ("email", re.compile(r"\b([\w.+-]+@[\w-]+(?:\.[\w-]+)+)")),
    *((kind, re.compile(fact, re.IGNORECASE)) for one in _PHRASES for kind, fact in one["facts"].items()),
]
_SEVERAL = ("order", "account")
_ASKED = {kind: tuple(word for one in _PHRASES for word in one["asked"][kind]) for kind in _SEVERAL}
"""What the agent's question for one of several has."""
_CHANGES = matching(*(one["changes"] for one in _PHRASES))


@lru_cache(maxsize=2_048)
def _facts(text: str) -> tuple[tuple[str, str], ...]:
    """The kinds and values in a text; values without case and punctuation."""
    if "@" not in text and not any(map(str.isdigit, text)):
        return ()
    return tuple(
        (kind, re.sub(r"[^\w@]", "", found[1]).casefold())
        for kind, pattern in _KINDS
        for found in pattern.finditer(straight(text))
    )


def _finds(reply: PersonaReply, scene: Scene) -> bool:
    facts = _facts(reply.text)
    if not facts or _CHANGES(reply.text) or any(map(_CHANGES, scene.asked)):
        return False
    asked = " ".join(scene.asked).lower()
    known: dict[str, set[str]] = {}
    for text in (*scene.facts, *scene.own):
        for kind, value in _facts(text):
            known.setdefault(kind, set()).add(value)
    return any(
        (
            kind in known
            and value not in known[kind]
            and (kind not in _SEVERAL or (any(word in asked for word in _ASKED[kind]) and len(known[kind]) == 1))
        )
        or (kind == "age" and not _of_age(value, scene.age_range))
        for kind, value in facts
    )


def _of_age(age: str, age_range: str) -> bool:
    """True if the age is in a range such as `35-45`, or the range is not such a one."""
    bounds = re.fullmatch(r"(\d{1,3})\s*[-–]\s*(\d{1,3})", age_range.strip())
    return bounds is None or int(bounds[1]) <= int(age) <= int(bounds[2])


CHECK = Check(
    PersonaFlag.CONTRADICTS_ITSELF,
    severe=False,
    wrong="It contradicts what the persona said or is.",
    finds=_finds,
)
