"""What metrics see of a conversation. Each message is cut into words once, for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from services.evaluator.quality.phrases import ENGLISH, of_agent, of_user
from shared.model.events import Json
from shared.model.expectations import MadeCall

_SPACES = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~“”„«»…–—¿¡、。，！？', " "))
"""Characters that end a word; an apostrophe does not."""
_FIRST, _FEW, _ENGLISH_SHARE = 10, 10, 0.1
"""A conversation counts as English by this share of common English words in its first messages, or with few words."""


class Message:
    """A message. agent: True if the agent said it. own: False for what was copied from a source, which is context.

    straight: the text in small letters with straight apostrophes. words: its words, numbers included; bag: the
    different ones. kinds: of its phrases; see phrases.yaml.
    """

    __slots__ = ("agent", "bag", "kinds", "own", "seq", "straight", "text", "words")

    def __init__(self, seq: int, agent: bool, text: str, own: bool = True) -> None:
        self.seq = seq
        self.agent = agent
        self.text = text
        self.own = own
        self.straight = text.replace("’", "'").casefold()
        self.words = self.straight.translate(_SPACES).split()
        self.bag = frozenset(self.words)
        self.kinds = (of_agent if agent else of_user)(self.straight)

    @property
    def asks(self) -> bool:
        """True if it has a question mark."""
        return "?" in self.text or "？" in self.text


@dataclass(frozen=True)
class Exchange:
    """The user's messages, and all that the agent says and calls until the user speaks again.

    asked: what the agent had said before. calls: made before the user's next message.
    """

    asked: Sequence[Message]
    heard: Sequence[Message]
    said: Sequence[Message]
    calls: Sequence[MadeCall]


class Declared(NamedTuple):
    """How a persona writes. length: `SHORT`, `MEDIUM`, `LONG` or "". traits: its behaviour traits."""

    length: str = ""
    traits: tuple[str, ...] = ()


UNDECLARED = Declared()


@dataclass(frozen=True)
class Talk:
    """A conversation.

    spoken: (seq, True for the agent, text, False if it was copied) of each message that is not empty.
    calls: all calls of tools, copied ones too; own_calls: those that were not copied. records: the resources with
    their types, as they began and as they ended. declared: how the persona writes.
    over: False if the conversation goes on.
    """

    spoken: Sequence[tuple[int, bool, str, bool]] = ()
    calls: Sequence[MadeCall] = ()
    own_calls: Sequence[MadeCall] = ()
    records: Sequence[tuple[str, Mapping[str, Json]]] = ()
    declared: Declared = UNDECLARED
    over: bool = True

    @cached_property
    def messages(self) -> list[Message]:
        """The messages."""
        return [Message(*one) for one in self.spoken]

    @cached_property
    def said(self) -> list[Message]:
        """The agent's own messages."""
        return [one for one in self.messages if one.agent and one.own]

    @cached_property
    def heard(self) -> list[Message]:
        """The user's own messages."""
        return [one for one in self.messages if not one.agent and one.own]

    @cached_property
    def exchanges(self) -> list[Exchange]:
        """The conversation, cut before each message of the user that follows one of the agent."""
        found: list[tuple[list[Message], list[Message]]] = []
        for one in self.messages:
            if not found or (not one.agent and found[-1][1]):
                found.append(([], []))
            found[-1][one.agent].append(one)
        exchanges, asked, calls = [], list[Message](), list(self.calls)
        for number, (heard, said) in enumerate(found):
            following = found[number + 1][0] if number + 1 < len(found) else []
            end = following[0].seq if following else None
            made = []
            while calls and (end is None or calls[0].seq < end):
                made.append(calls.pop(0))
            exchanges.append(Exchange(asked, heard, said, made))
            asked = said
        return exchanges

    @cached_property
    def english(self) -> bool:
        """True if the messages are English as far as their commonest words tell; also if there are hardly any words."""
        bags = [one.bag for one in self.messages[:_FIRST]]
        words = sum(map(len, bags))
        return words < _FEW or sum(len(bag & ENGLISH) for bag in bags) >= _ENGLISH_SHARE * words
