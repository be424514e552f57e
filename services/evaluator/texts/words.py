"""Cuts a text into words, the same way for every measure."""

import re

_WORD = re.compile(r"[^\W_]+(?:['’@.:/#-]+[^\W_]+)*")


def words(text: str) -> list[str]:
    """The words of a text in small letters. A number, an e-mail address or a word with an apostrophe is one word."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]
