"""What a user's reply says beside a value: yes or no, that there is no value, or that the last one was wrong."""

import re

_DECLINES = re.compile(
    r"\b(?:(?:do not|don'?t|dont|didn'?t|can'?t|cannot|can not|could ?n'?t) (?:\w+ ){0,2}?"
    r"(?:have|know|remember|recall|find|see|want|say)|no idea|not sure|unsure|"
    r"weiß (?:ich )?(?:\w+ )?nicht|keine ahnung|(?:habe?|finde) ich (?:\w+ ){0,2}nicht|erinnere ich mich|vergessen|"
    r"look it up|do without|won'?t (?:look|search)|forgot|i have none|rather not|not at hand|haven'?t got)\b",
    re.IGNORECASE,
)
_YES = re.compile(
    r"^\W*(?:yes|yeah|yep|yup|sure|correct|right|ok|okay|of course|certainly|please do|absolutely|i do|i am|it is|"
    r"ja|jo|gerne?|klar|natürlich|genau|stimmt)\b",
    re.IGNORECASE,
)
_NO = re.compile(
    r"^\W*(?:no|nope|nah|not|negative|never|i don'?t|i do not|i'm not|not at all|no way|"
    r"nein|nee|nö|nicht|niemals|keineswegs|keinesfalls|auf keinen fall|(?:eher|besser|lieber|leider|gar) nicht)\b",
    re.IGNORECASE,
)
_CORRECTS = re.compile(
    r"\b(?:no,? wait|(?:sorry,? )?i (?:mean|meant)|correction|no,? sorry|scratch that|"
    r"nein,? moment|ich meine?|korrektur|stimmt nicht)\b",
    re.IGNORECASE,
)
"""Matches the words by which the user takes back what they just said."""
_NO_VALUE = re.compile(
    r"^\W*(?:(?:stopp?|abmelden|ja|nein|nee|nö|danke|bitte|hallo|gut|kein interesse|"
    r"unsubscribe|not interested|no|nope|yes|yep|yeah|sure|ok|okay|right|please|fine|thanks?|thank you|"
    r"hello|hi)\b\W*)+$|\b(?:take me off|not interested|unsubscribe|"
    r"got to (?:run|go)|no time|in a rush|busy|can'?t now|none of your business|won'?t answer|no reason to tell|"
    r"leave me alone|not my problem|didn'?t ask for|don'?t have to answer|nicht interessiert|"
    r"keine zeit|geht (?:dich|sie) nichts an)\b",
    re.IGNORECASE,
)
"""Matches replies that contain no value."""


_MISSPELT = re.compile(
    r"\bmis-?spel|\btypo\b|\b(?:spel\w*|written)\b[^.?!]{0,30}\b(?:wrong\w*|incorrect\w*|right|correct\w*|proper\w*)\b|"
    r"\b(?:wrong|incorrect|right|correct) spelling\b|\bfalsch geschrieben\b|\bschreibfehler\b",
    re.IGNORECASE,
)


def misspelt(text: str) -> bool:
    """True if the user says that something is spelled wrong: then what they spell is right."""
    return _MISSPELT.search(text) is not None


def declines(text: str) -> bool:
    """True if the user says that they have no answer."""
    return _DECLINES.search(text) is not None


def agrees(text: str) -> bool | None:
    """True for yes, False for no, None for neither."""
    return True if _YES.search(text) else False if _NO.search(text) else None


def has_no_value(text: str) -> bool:
    """True for words that contain no value: yes or no, thanks, or that the user has no time or interest."""
    return _NO_VALUE.search(text) is not None


def corrected(text: str) -> str:
    """What follows the last "no, wait" or "I meant"; the text if there is none."""
    *_, last = _CORRECTS.split(text)
    return last
