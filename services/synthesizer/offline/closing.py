"""Tells whether the agent asks a question or ends the conversation, and whether a customer's words end it."""

import re
from enum import Enum
from pathlib import Path

from shared.yaml import load_file

_DATA = load_file(Path(__file__).with_name("closing.yaml"))
_PATTERNS = {name: re.compile("|".join(patterns), re.IGNORECASE) for name, patterns in _DATA.items()}
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_DECLINES_MORE = re.compile(
    r"^\W*(?:no+|nope|nah|naw|none|nothing|not (?:today|now|really|at the moment)|"
    r"nein|nee|nö|nichts|(?:im moment|gerade|jetzt|heute) nicht|nicht dass ich w[üu](?:ss|ß)te)\b",
    re.IGNORECASE,
)
_WANTS_MORE = re.compile(r"\?|^\W*(?:yes|yeah|yeh?a|yep|actually|oh|ja|doch|eigentlich|ach)\b", re.IGNORECASE)


class Cue(Enum):
    """What the agent's words call for; END: it has done what it can, but said no goodbye."""

    ANSWER = "answer"
    MORE = "more"
    LEAVE = "leave"
    END = "end"
    REMARK = "remark"


def cue_of(text: str) -> Cue:
    """The cue in everything that the agent said in one turn.

    The last question decides; without one, a goodbye in any sentence, else the last sentence.
    """
    cues = [_cue_of_sentence(sentence) for sentence in _SENTENCE.split(_plain(text)) if sentence.strip()]
    asked = [cue for cue in cues if cue in (Cue.ANSWER, Cue.MORE)]
    if asked:
        return asked[-1]
    return Cue.LEAVE if Cue.LEAVE in cues else cues[-1] if cues else Cue.REMARK


def _cue_of_sentence(sentence: str) -> Cue:
    if _finds("asks_for_more", sentence):
        return Cue.MORE
    if sentence.endswith("?") or _finds("requests", sentence):
        return Cue.ANSWER
    if _finds("farewells", sentence):
        return Cue.LEAVE
    return Cue.END if _finds("endings", sentence) else Cue.REMARK


def promises(text: str) -> bool:
    """Whether the agent says that it is about to do something."""
    return _finds("promises", _plain(text))


def parts(text: str, cue: Cue, last: bool) -> bool:
    """Whether a customer's words mean that they want no more.

    cue: of the agent's words before. last: the customer said nothing after it.
    """
    text = _plain(text)
    wants_more = _WANTS_MORE.search(text) is not None
    if _finds("partings", text):
        return cue is not Cue.ANSWER or not wants_more
    if wants_more or cue is Cue.ANSWER:
        return False
    ends, thanks = cue in (Cue.MORE, Cue.LEAVE, Cue.END), _finds("thanks", text)
    declines = cue is Cue.MORE and _DECLINES_MORE.search(text) is not None
    return declines or (ends and thanks) or (last and (ends or thanks))


def _finds(name: str, text: str) -> bool:
    return _PATTERNS[name].search(text) is not None


def _plain(text: str) -> str:
    return text.replace("’", "'")
