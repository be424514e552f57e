"""Makes text from outside safe to store and to print."""

import re

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours, cursor
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # titles, links, clipboard
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)?"  # device control
    r"|\x1b[ -/]*[0-~]?"
)
_OTHERS = "\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff"
_UNSEEN = re.compile(f"[\0-\x1f{_OTHERS}]")
"""Control characters, marks that change the direction of text, halves of surrogate pairs, and noncharacters."""
UNSAFE = re.compile(f"[\0-\x08\x0b-\x1f{_OTHERS}]+")
"""The same without tabs and line feeds."""


def plain(text: str, most: int) -> str:
    """The text on one line without terminal escapes, cut to `most` characters.

    Any other character that cannot be seen or stored becomes a replacement character.
    """
    # A megabyte need not be searched for a thousand characters.
    words = _ESCAPES.sub("", text[: most * 8]).split()
    line = _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", " ".join(words))
    return line if len(line) <= most else line[: most - 1] + "…"


def visible(text: str) -> str:
    """The text with `\\u001b` and so on for characters that would control a terminal; lines and tabs stay.

    JSON keeps its meaning.
    """
    return UNSAFE.sub(lambda found: "".join(f"\\u{ord(one):04x}" for one in found[0]), text)
