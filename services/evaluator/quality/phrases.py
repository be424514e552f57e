"""The phrases that metrics look for, from phrases.yaml."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import re2

from shared.yaml import load_file

_DATA: Mapping[str, Sequence[str]] = load_file(Path(__file__).with_name("phrases.yaml"))
_OF_USER = ("accepts", "delighted", "rejects", "angry", "declines", "closes")
_OF_AGENT = ("answers", "machine", "stock", "lost", "refuses", "goes_on", "done", "failed", "closes")

LONGEST = 5_000
"""The most characters of a message that are searched."""
ENGLISH = frozenset(_DATA["english"])
"""The commonest English words."""
STATES = frozenset(_DATA["states"])
"""Words that say in which state something is."""


def _searching(kinds: Sequence[str]) -> Callable[[str], list[str]]:
    """A function from a text in small letters to the kinds of its phrases, each as often as different phrases match.

    RE2 tries all phrases at once, in time linear in the text.
    """
    phrases = re2.Set.SearchSet()
    of = [kind for kind in kinds for _ in _DATA[kind]]
    for kind in kinds:
        for phrase in _DATA[kind]:
            phrases.Add(phrase)
    phrases.Compile()
    return lambda text: [of[number] for number in phrases.Match(text[:LONGEST].encode(errors="replace")) or ()]


of_user = _searching(_OF_USER)
of_agent = _searching(_OF_AGENT)
