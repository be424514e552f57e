"""The persona does not write as it is declared.

Measured are the traits that the synthesizer measures in real customers, by the same thresholds: the median words of a
message (fewer than 7 are short, more than 20 are long), and the shares of messages with a trait (3 of 10; small letters
and no punctuation 7 of 10). Lengths are wrong if they are twice or a third of these. A trait is missing if a customer
who has it would show it so seldom by chance in at most 5 % of conversations (binomial).
"""

import re
from collections.abc import Callable, Mapping
from math import comb
from statistics import median

from services.evaluator.quality.metric import Found, Metric, share_of
from services.evaluator.quality.talk import Message, Talk

_FEWEST, _MOST = 3, 200
"""The fewest messages of a persona that are measured, and the most."""
_SHORT, _LONG = 7, 20
_TOO_LONG, _TOO_SHORT = 2 * _SHORT, _LONG / 3
"""The median words that a persona of short messages does not exceed, and one of long messages does not fall below."""
_OFTEN, _MOSTLY = 0.3, 0.7
_LEVEL = 0.05
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]|[:;]-?[)(DP]")
_POLITE = frozenset({"please", "thank", "thanks", "bitte", "danke", "por", "gracias", "merci", "grazie"})

TRAITS: Mapping[str, tuple[Callable[[Message], bool], float]] = {
    "says_please_and_thank_you": (lambda one: not one.bag.isdisjoint(_POLITE), _OFTEN),
    "asks_many_questions": (lambda one: one.asks, _OFTEN),
    "writes_in_small_letters": (lambda one: one.text.lstrip()[:1].islower(), _MOSTLY),
    "leaves_out_punctuation": (lambda one: one.text.rstrip()[-1:].isalnum(), _MOSTLY),
    "writes_in_capital_letters": (lambda one: one.text.isupper() and len(one.text) > 3, _OFTEN),
    "uses_exclamation_marks": (lambda one: "!" in one.text, _OFTEN),
    "uses_emoji": (lambda one: _EMOJI.search(one.text) is not None, _OFTEN),
}
"""What a message with the trait shows, and the share of messages from which a customer has it."""


def measure(talk: Talk) -> Found | None:
    length, traits = talk.declared
    declared = [one for one in traits if one in TRAITS]
    heard = [one for one in talk.heard if one.words][:_MOST]
    measured = (length in ("SHORT", "LONG")) + len(declared)
    if len(heard) < _FEWEST or not measured:
        return None
    wrong = [f"{trait} is missing" for trait in declared if not _has(trait, heard)]
    words = median(len(one.words) for one in heard)
    if (length == "SHORT" and words > _TOO_LONG) or (length == "LONG" and words < _TOO_SHORT):
        wrong.append(f"messages have {words:.0f} words")
    share = share_of(len(wrong), measured)
    detail = f"The persona is not as declared: {', '.join(wrong)}." if wrong else ""
    return Found(1 - share, share >= 0.5, detail)


def _has(trait: str, heard: list[Message]) -> bool:
    shows, share = TRAITS[trait]
    times, total = sum(map(shows, heard)), len(heard)
    chance = sum(comb(total, one) * share**one * (1 - share) ** (total - one) for one in range(times + 1))
    return times >= share * total or chance > _LEVEL


METRIC = Metric("persona-fidelity", 0.2, measure)
