"""Names of a pack, and words in names."""

import re
from collections.abc import Collection

from shared.model.packs.checks import MAX_NAME


def unique_name(name: str, taken: Collection[str] = ()) -> str:
    """The name as a pack can have it, which is nearly always the name itself, numbered if it is taken."""
    kept = "".join(one if one.isprintable() and one != "`" else "_" for one in name).strip()[:MAX_NAME].strip() or "_"
    unique, number = kept, 2
    while unique in taken:
        unique, number = f"{kept[: MAX_NAME - 6]}_{number}", number + 1
    return unique


def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: `shipVia`, `ship_via` and `Ship Via` have two."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", name))
    return tuple(word.lower() for word in re.split(r"[\W_]+", spaced) if word)


def singular(word: str) -> str:
    """The word without the ending of a plural, by the plain rules of English."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
