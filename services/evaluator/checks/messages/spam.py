"""How much a message looks like spam: rules by hand with points, as SpamAssassin has them, and a risk from 0 to 100."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import re2

from services.evaluator.checks.messages.message import Message
from shared.model.campaigns.model import Channel
from shared.yaml import load_file

WARN_ABOVE = 70
"""The risk above which a message is likely to be filtered: SpamAssassin's threshold of five points."""
_THRESHOLD = 5.0
_START = 300
_AT_ONCE = 12
_FULL = 120
_OPT_OUT = re.compile(
    r"\b(?:reply|text|txt|send)(?: with)? \W?(?:stop|end|quit|unsubscribe|cancel|help)\b\W?"
    r"(?: ?(?:to|2|for)(?: [a-z]+){1,4}\b)?(?!\W*\d)",
    re.IGNORECASE,
)
"""How an SMS says to opt out, or to get help, as the law and carriers want it to: that is no sign of spam."""
_WORD = re.compile(r"[^\W\d_]{2,}")


class Hit(NamedTuple):
    """A rule that applies. points: negative if it speaks for the message. why: a sentence."""

    rule: str
    points: float
    why: str


@dataclass(frozen=True, slots=True)
class SpamRisk:
    """The risk, from 0 to 100, and the rules that make it up, the heaviest first."""

    risk: float
    hits: Sequence[Hit]


def spam_risk(message: Message) -> SpamRisk:
    """Apply the rules of the message's channel. Takes time linear in the message."""
    text = _OPT_OUT.sub("", message.text) if message.channel is Channel.SMS else message.text
    texts = {"subject": message.subject, "start": text[:_START], "text": f"{message.subject}\n{text}"}
    hits = [hit for of, text in texts.items() for hit in _rules(message.channel, of).hits(text)]
    hits += _measured(message)
    points = sum(hit.points for hit in hits)
    risk = 100 * (1 - (1 - WARN_ABOVE / 100) ** (max(0.0, points) / _THRESHOLD))
    return SpamRisk(round(risk, 2), sorted(hits, key=lambda hit: (-abs(hit.points), hit.rule)))


class _Rule(NamedTuple):
    """A rule of spam.yaml: it counts each place where one of its patterns is found, up to `most` of them."""

    name: str
    points: float
    why: str
    most: int
    patterns: Sequence[Any]

    def hit(self, text: str) -> Hit:
        """The hit in a text where a pattern is found."""
        places = (place for pattern in self.patterns for place in pattern.finditer(text))
        times = sum(1 for _ in islice(places, self.most)) if self.most > 1 else 1
        return Hit(self.name, round(self.points * times, 2), self.why)


class _Rules:
    """The rules for one part of a channel's messages.

    Twelve patterns are searched at once: fewer take more passes, and more have automata too large to be kept.
    """

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self._rules: list[_Rule] = []
        self._groups: list[Any] = []
        for record in records:
            sources = [f"(?i){source}" for source in record["patterns"]]
            rule = _Rule(record["name"], record["points"], record["why"], record.get("most", 1), _compiled(sources))
            for source in sources:
                if len(self._rules) % _AT_ONCE == 0:
                    self._groups.append(re2.Set.SearchSet())
                self._groups[-1].Add(source)
                self._rules.append(rule)
        for group in self._groups:
            group.Compile()

    def hits(self, text: str) -> Iterator[Hit]:
        places = (
            number * _AT_ONCE + place for number, group in enumerate(self._groups) for place in group.Match(text) or ()
        )
        for rule in {self._rules[place].name: self._rules[place] for place in places}.values():
            yield rule.hit(text)


def _compiled(sources: Iterable[str]) -> Sequence[Any]:
    return [re2.compile(source) for source in sources]


@cache
def _rules(channel: Channel, of: str) -> _Rules:
    records = load_file(Path(__file__).with_suffix(".yaml"))
    return _Rules(one for one in records if channel in one["in"] and one.get("of", "text") == of)


def _measured(message: Message) -> Iterator[Hit]:
    """What patterns cannot count."""
    yield from _shouting(message)
    if message.channel is Channel.EMAIL:
        yield from _markup(message)
    elif len(message.text) >= _FULL:
        yield Hit("FULL_LENGTH", 0.5, "It fills an SMS, as those do who pay for each of many.")


def _shouting(message: Message) -> Iterator[Hit]:
    words = _WORD.findall(message.text)
    capitals = sum(map(len, filter(str.isupper, words)))
    letters = sum(map(len, words))
    share = capitals / letters if letters else 0
    if len(words) >= 5 and share > 0.75:
        yield Hit("UPPERCASE_75_100", 1.5, "More than three quarters of it are capitals.")
    elif len(words) >= 5 and share > 0.5:
        yield Hit("UPPERCASE_50_75", 1.0, "More than half of it is in capitals.")
    elif len(words) >= 5 and share > 0.12:
        yield Hit("CAPITALS", 1.0, "Several words are in capitals.")
    if message.channel is Channel.EMAIL:
        yelling = sum(map(_yells, message.text.splitlines()))
        if yelling:
            yield Hit("LINES_OF_YELLING", 0.8 + 0.3 * min(yelling, 4), "Whole lines are in capitals.")
        said = _WORD.findall(message.subject)
        if len(said) >= 2 and all(map(str.isupper, said)):
            yield Hit("SUBJ_ALL_CAPS", 2.0, "The subject is in capitals.")
    exclaims = message.text.count("!")
    if exclaims >= 2 or "!!" in message.text:
        yield Hit("EXCLAMATIONS", 0.6 + 0.2 * min(exclaims, 6), "It has several exclamation marks.")


def _yells(line: str) -> bool:
    words = _WORD.findall(line)
    return len(words) >= 3 and sum(map(len, words)) >= 12 and all(map(str.isupper, words))


_IMAGES: Sequence[tuple[int, str, float]] = (
    (400, "HTML_IMAGE_ONLY_04", 2.0),
    (800, "HTML_IMAGE_ONLY_08", 1.8),
    (1200, "HTML_IMAGE_ONLY_12", 1.5),
    (1600, "HTML_IMAGE_ONLY_16", 1.2),
    (2000, "HTML_IMAGE_ONLY_20", 1.0),
)
"""The most bytes of text that the rule reads as little text, and its points."""


def _markup(message: Message) -> Iterator[Hit]:
    if message.is_html:
        yield Hit("MIME_HTML_ONLY", 1.2, "It is HTML without a part of plain text.")
    if message.images:
        size = len(message.text.encode())
        for most, name, points in _IMAGES:
            if size <= most:
                yield Hit(name, points, f"It has images and {size} bytes of text.")
                break
