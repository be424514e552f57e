"""What expectations see of a conversation."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from shared.model.events import Json
from shared.model.repeats import repeats, words_of

MOST_EVIDENCE = 20
"""The most seqs that one finding names."""


_COMMA = re.compile(r"(?<=\d),(?=\d)")


def without_commas(text: str) -> str:
    """The text in small letters and without commas within numbers."""
    return (_COMMA.sub("", text) if "," in text else text).casefold()


@dataclass(slots=True)
class MadeCall:
    """A call that the agent made, with what the tool answered.

    error: the code of the tool's error; None if it answered a value, or nothing yet.
    result_seq: of the answer; 0 without one.
    """

    seq: int
    tool: str
    arguments: Mapping[str, Json]
    value: Json = None
    error: str | None = None
    result_seq: int = 0

    @property
    def succeeded(self) -> bool:
        """True if the tool answered without an error."""
        return self.result_seq > 0 and self.error is None


@dataclass(frozen=True, slots=True)
class Change:
    """How a resource differs at the end from the beginning. before, after: None where it does not exist.

    seqs: of the results whose patches changed it.
    """

    before: Mapping[str, Json] | None
    after: Mapping[str, Json] | None
    seqs: tuple[int, ...] = ()

    @property
    def fields(self) -> dict[str, Json]:
        """The fields that differ, as they are at the end; None for one that is gone."""
        before, after = self.before or {}, self.after or {}
        return {
            name: after.get(name)
            for name in {**before, **after}
            if name not in before or name not in after or before[name] != after[name]
        }


@dataclass(frozen=True)
class Seen:
    """What a conversation shows of the agent. Calls, words and changes in copied events are not its doing.

    outcome, reason: how the conversation ended; empty for a source. last_seq: of its last event.
    said: the agent's messages with their seqs. before: the words of copied messages of the agent.
    heard: what the user said, copied messages included.
    exchanges: the agent's messages up to the user's next words, and those words, which may be none at the end.
    counted_repeats: how many of the agent's messages repeat an earlier one; None if that is not known yet.
    changes: what tools changed, by type and id of the resource.
    usage: tokens and billionths of the price file's currency. virtual_seconds: from the first event to the last.
    """

    outcome: str = ""
    reason: str = ""
    last_seq: int = 0
    turns: int = 0
    calls: Sequence[MadeCall] = ()
    said: Sequence[tuple[int, str]] = ()
    before: Sequence[str] = ()
    heard: Sequence[str] = ()
    exchanges: Sequence[tuple[Sequence[str], Sequence[str]]] = ()
    counted_repeats: int | None = None
    changes: Mapping[tuple[str, str], Change] = field(default_factory=dict)
    tokens: int = 0
    nanos: int = 0
    virtual_seconds: float = 0.0

    @cached_property
    def repeat_seqs(self) -> tuple[int, ...]:
        """The seqs of the agent's messages that repeat an earlier one; see shared.model.repeats."""
        earlier = [words_of(text) for text in self.before]
        found = []
        for seq, text in self.said:
            words = words_of(text)
            if repeats(words, earlier):
                found.append(seq)
            earlier.append(words)
        return tuple(found)

    @property
    def repeats(self) -> int:
        """How many of the agent's messages repeat an earlier one."""
        return len(self.repeat_seqs) if self.counted_repeats is None else self.counted_repeats

    @cached_property
    def failed_calls(self) -> list[MadeCall]:
        """The calls that a tool answered with an error."""
        return [call for call in self.calls if call.error is not None]

    @cached_property
    def plain_said(self) -> list[tuple[int, str]]:
        """The agent's messages with their seqs, in small letters and without commas within numbers."""
        return [(seq, without_commas(text)) for seq, text in self.said]

    @cached_property
    def counts(self) -> dict[str, int]:
        """How often the agent called each tool."""
        counts: dict[str, int] = {}
        for call in self.calls:
            counts[call.tool] = counts.get(call.tool, 0) + 1
        return counts

    @cached_property
    def call_objects(self) -> list[Json]:
        """The calls as conditions see them."""
        return [
            {"tool": one.tool, "arguments": one.arguments, "value": one.value, "error": one.error, "seq": one.seq}
            for one in self.calls
        ]

    @cached_property
    def exchange_objects(self) -> list[Json]:
        """The exchanges as conditions see them, with a space between messages."""
        return [{"said": " ".join(said), "heard": " ".join(heard)} for said, heard in self.exchanges]

    @cached_property
    def changed_fields(self) -> dict[str, Json]:
        """The changes as conditions see them: from `type/id` to the changed fields, None if the resource is gone."""
        return {
            f"{kind}/{key}": None if change.after is None else change.fields
            for (kind, key), change in self.changes.items()
        }
