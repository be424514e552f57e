"""How the offline persona answers messages of campaigns: whether, when, and with what. All draws are keyed."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from shared.llm.briefs import PersonaBrief
from shared.model.campaigns.clock import local
from shared.model.campaigns.interactions import Interaction, Response
from shared.model.campaigns.model import Channel
from shared.model.campaigns.simulation import State
from shared.model.draws import draw
from shared.model.events import Sentiment, Thoughts
from shared.yaml import load_file

_MEDIAN = {"FAST": 45, "MEDIUM": 720, "SLOW": 10_800}
"""Seconds in which half of the answers to an SMS come, by decision speed."""
_EMAIL_SLOWER = 8
_BY_LINK = 0.7
"""How likely it opts out of e-mail by the link, not by a reply."""
_SLEEPS, _WAKES = 23, 7
"""Hours between which nobody answers."""
_AGREES = {"LOW": 0.7, "MEDIUM": 0.5, "HIGH": 0.25}
_EAGER = frozenset(("ready_to_buy", "agrees_readily", "responds_quickly"))
_CURIOUS = frozenset(
    "asks_many_questions asks_about_cost asks_questions_before_buying asks_for_details asks_for_specifications".split()
)
_COST = frozenset(("asks_about_cost", "looks_for_discounts"))
_DETAILS = frozenset(("asks_for_details", "asks_for_specifications", "values_reviews", "compares_competitors"))

_OFFERED = re.compile(r"\b(?:[Rr]eply|[Tt]ext|[Ss]end|[Aa]nswer|or|OR)(?: with)? \W?([A-Z]{1,12}|\d{1,2})\b(?! ?%)")
_NOT_CHOICES = frozenset("STOP END QUIT UNSUBSCRIBE CANCEL HELP INFO STOPALL OPTOUT I A".split())
_RATING = re.compile(r"\b(?:from )?([01]) ?(?:-|–|to) ?(5|10)\b")
_TIME = re.compile(
    r"\b(?:what|which|when)\b[^.!?]{0,40}\b(?:time|day|date|works|suits?)\b|\bwhen (?:can|could|would)\b", re.I
)
_LINK = re.compile(r"https?://(?!unsubscribe\.)|www\.", re.I)


class Contact:
    """A persona who gets messages. place: its time zone is the contact's. called: its first name."""

    def __init__(self, brief: PersonaBrief, decision_speed: str, called: str, seed: int, index: int) -> None:
        self._brief = brief
        self._called = called
        self._speed = decision_speed
        self._traits = frozenset(brief.behaviour_traits)
        self._key = seed, index

    def responds(self, row: Interaction, state: State, place: ZoneInfo) -> Response:
        """How it answers the message of a row; the same for the same seed, index and row."""
        text = f"{row.subject}\n{row.message}"
        intends = self._intends(row, state, text)
        sentiment, likely, why = _FEELS[intends]
        by_link = intends == "opt_out" and row.channel is Channel.EMAIL and self._draw(row, "link") < _BY_LINK
        said = "" if by_link or intends == "silence" else self._words(row, intends, text)
        found = self.acts(row, place, said, unsubscribes=by_link, thoughts=Thoughts(why, sentiment, 0))
        base = round(100 * _AGREES.get(self._brief.objection_likelihood, 0.5))
        likely = max(0, min(100, base + likely + 10 * (found.clicked is not None)))
        return replace(found, likely_to_convert=likely)

    def acts(self, row: Interaction, place: ZoneInfo, said: str, *, unsubscribes: bool, thoughts: Thoughts) -> Response:
        """What it does about a message to which it says something, or nothing: when it answers, opens and clicks."""
        text, after = f"{row.subject}\n{row.message}", self._latency(row, place)
        likes = 0.4 if thoughts.sentiment is Sentiment.POSITIVE else 0.1
        clicks = _LINK.search(text) is not None and self._draw(row, "click") < likes
        answers = clicks or unsubscribes or bool(said)
        opens = row.channel is Channel.EMAIL and (answers or self._draw(row, "open") < self._opens)
        return Response(
            reply=said,
            after=after if said or unsubscribes else 0,
            opened=after // 2 if opens else None,
            clicked=after // 2 + 5_000 if clicks else None,
            unsubscribes=unsubscribes,
            reasoning=thoughts.reasoning,
            sentiment=thoughts.sentiment,
            likely_to_convert=thoughts.likely_to_convert,
        )

    @property
    def _opens(self) -> float:
        return 0.25 if "rarely_responds" in self._traits else 0.55

    def _intends(self, row: Interaction, state: State, text: str) -> str:
        """What it wants to say; `silence` for nothing."""
        channel = row.channel or Channel.SMS
        if channel in state.opted_out:
            return "opt_out_again" if not row.passed and self._draw(row, "again") < 0.6 else "silence"
        if self._draw(row, "opt out") < self._opts_out(state):
            return "opt_out"
        offered = _choices(text)
        asks = bool(offered) or "?" in text or _RATING.search(text) is not None
        if self._draw(row, "silence") >= self._answers(channel, asks):
            return "silence"
        if not asks:
            return "thanks"
        if _RATING.search(text):
            return "rating"
        if self._draw(row, "question") < (0.35 if self._traits & _CURIOUS else 0.1):
            return "cost" if self._traits & _COST else "details" if self._traits & _DETAILS else "question"
        if _TIME.search(text) and not offered:
            return "time"
        agrees = _AGREES.get(self._brief.objection_likelihood, 0.5)
        agrees += 0.2 * bool(self._traits & _EAGER) - 0.3 * ("not_interested" in self._traits)
        likes = self._draw(row, "agrees") < agrees
        if offered:
            return "first_option" if likes or len(offered) == 1 else "other_option"
        return "yes" if likes else "no"

    def _answers(self, channel: Channel, asks: bool) -> float:
        chance = {(Channel.SMS, True): 0.75, (Channel.SMS, False): 0.2}.get((channel, asks), 0.35 if asks else 0.08)
        if "rarely_responds" in self._traits:
            chance *= 0.35
        return min(0.95, chance * (1.25 if self._traits & _EAGER else 1))

    def _opts_out(self, state: State) -> float:
        """More likely with each message; a persona who tests opting out does it soon."""
        heard = len(state.sent)
        if "tests_opt_out" in self._traits:
            return 0.5 if heard else 0.2
        return (0.15 if "not_interested" in self._traits else 0.01) + 0.01 * heard

    def _latency(self, row: Interaction, place: ZoneInfo) -> int:
        """Milliseconds until it answers: exponential around the median, and not at night."""
        median = _MEDIAN.get(self._speed, _MEDIAN["MEDIUM"]) * (_EMAIL_SLOWER if row.channel is Channel.EMAIL else 1)
        seconds = 5 + median * -math.log2(1 - self._draw(row, "latency"))
        now = local(row.at + round(seconds * 1000), place)
        if now.hour >= _SLEEPS or now.hour < _WAKES:
            seconds += ((_WAKES - now.hour) % 24) * 3_600 - now.minute * 60
        return round(seconds) * 1000

    def _words(self, row: Interaction, intends: str, text: str) -> str:
        if intends == "rating":
            low, high = map(int, next(iter(_RATING.findall(text))))
            likes = {"LOW": 0.9, "MEDIUM": 0.7, "HIGH": 0.4}.get(self._brief.objection_likelihood, 0.7)
            return str(min(high, low + round((high - low) * (likes * 0.6 + 0.4 * self._draw(row, "rating")))))
        email = row.channel is Channel.EMAIL
        phrases = _phrases()[intends]["long" if email and self._brief.response_length != "SHORT" else "short"]
        said = phrases[int(self._draw(row, "words") * len(phrases))]
        if intends == "first_option":
            said = said.format(option=_choices(text)[0])
        elif intends == "other_option":
            others = _choices(text)[1:]
            said = said.format(option=others[int(self._draw(row, "other") * len(others))])
        if not email:
            return said
        return f"Hi,\n\n{said}\n\n{self._called}".rstrip()

    def _draw(self, row: Interaction, purpose: str) -> float:
        return draw(*self._key, row.seq, f"contact/{purpose}")


def _choices(text: str) -> Sequence[str]:
    """The words that a message offers as answers, without those that opt out."""
    return [one for one in dict.fromkeys(_OFFERED.findall(text)) if one not in _NOT_CHOICES]


@cache
def _phrases() -> Mapping[str, Mapping[str, Sequence[str]]]:
    phrases: Mapping[str, Mapping[str, Sequence[str]]] = load_file(Path(__file__).with_suffix(".yaml"))
    return phrases


_POSITIVE, _NEUTRAL, _NEGATIVE = Sentiment.POSITIVE, Sentiment.NEUTRAL, Sentiment.NEGATIVE
_FEELS: Mapping[str, tuple[Sentiment, int, str]] = {
    "silence": (_NEUTRAL, -5, "It does not feel like answering."),
    "yes": (_POSITIVE, 30, "It likes the offer."),
    "no": (_NEGATIVE, -30, "It does not want this."),
    "first_option": (_POSITIVE, 20, "It picks the first answer that the message offers."),
    "other_option": (_NEGATIVE, -15, "It picks another answer that the message offers."),
    "rating": (_NEUTRAL, 5, "It gives the mark that was asked for."),
    "question": (_NEUTRAL, 5, "It wants to know more first."),
    "cost": (_NEUTRAL, 5, "It wants to know the price first."),
    "details": (_NEUTRAL, 5, "It wants to read the details first."),
    "time": (_POSITIVE, 25, "It says when it has time."),
    "thanks": (_NEUTRAL, 0, "It acknowledges the message."),
    "opt_out": (_NEGATIVE, -100, "It has had enough of these messages."),
    "opt_out_again": (_NEGATIVE, -100, "It had asked for no more messages."),
}
"""The sentiment, the change of how likely it converts, and the reason, by intention."""
