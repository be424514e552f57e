"""Reads a conversation from a line of an export."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from services.evaluator.quality.talk import UNDECLARED, Declared, Talk
from shared.model.events import NO_USAGE, Fault, Json, Usage
from shared.model.expectations import Change, MadeCall, Seen
from shared.model.world import merged

_SEVERE = frozenset({"SPEAKS_AS_AGENT", "LEAKS_BRIEF", "WRONG_LANGUAGE"})
"""Flags that end a conversation: the persona was none any more."""
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation that is over, or a source.

    name: `conversations/…` or `sources/…`; empty for a source in a file. external_id: of a source in a file.
    index, source, persona, procedure, revision, seed, digest, attempt, usage: see Conversation.
    synthetic: True if a persona played. is_source: True for a source.
    outcome, reason, detail, fault: how it ended. flags: of the persona's replies; severe: the first severe one.
    steps: those that the built-in agent came through, in order.
    persona_expectations, expected_calls: the persona's, in proto JSON.
    seen: what expectations see. talk: what metrics of quality see.
    """

    name: str
    external_id: str = ""
    index: int = 0
    digest: str = ""
    source: str = ""
    persona: str = ""
    persona_display_name: str = ""
    procedure: str = ""
    revision: int = 0
    seed: int = 0
    attempt: int = 0
    synthetic: bool = False
    is_source: bool = False
    outcome: str = ""
    reason: str = ""
    detail: str = ""
    fault: Fault | None = None
    flags: int = 0
    severe: str = ""
    usage: Usage = NO_USAGE
    steps: tuple[int, ...] = ()
    persona_expectations: Sequence[Mapping[str, Json]] = ()
    expected_calls: Sequence[Mapping[str, Json]] = ()
    seen: Seen = field(default_factory=Seen)
    talk: Talk = field(default_factory=Talk)

    @classmethod
    def read(cls, line: bytes) -> "Transcript":
        """The transcript in a line: `{"conversation": {…}, "events": […]}` in proto JSON with the field names of the
        protos, or a source in the format `greenroom`.

        Resources begin as `opened` says. A shared set does not stand there, so all that patches set of it is new.
        """
        record = json.loads(line)
        if "conversation" in record:
            return _conversation(record["conversation"], record.get("events", ()))
        events = _Events(record.get("resources", ()), record.get("events", ()))
        return cls(
            name=record.get("name", ""),
            external_id=record.get("external_id", ""),
            digest=sha256(line.strip()).hexdigest(),
            is_source=True,
            seen=events.seen(),
            talk=events.talk(),
        )


def _conversation(conversation: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> Transcript:
    spec, persona = conversation.get("spec", {}), conversation.get("persona", {})
    ended = conversation.get("ended", {})
    usage = Usage(**{name: int(value) for name, value in conversation.get("usage", {}).items()})
    events = _Events((), records)
    outcome, reason = ended.get("outcome", "").removeprefix("OUTCOME_"), ended.get("reason", "")
    fault = ended.get("fault", "FAULT_UNSPECIFIED").removeprefix("FAULT_")
    return Transcript(
        name=conversation["name"],
        index=conversation.get("index", 0),
        digest=conversation.get("digest", ""),
        source=spec.get("source", ""),
        persona=spec.get("persona", ""),
        persona_display_name=persona.get("display_name", ""),
        procedure=spec.get("procedure", ""),
        revision=spec.get("revision", 0),
        seed=int(spec.get("seed", 0)),
        attempt=conversation.get("attempt", 0),
        synthetic=spec.get("type") != "CONVERSATION_TYPE_MANUAL",
        outcome=outcome,
        reason=reason,
        detail=ended.get("detail", ""),
        fault=Fault(fault) if fault in Fault.__members__ else None,
        flags=conversation.get("persona_flags", 0),
        severe=_severe(records) if conversation.get("persona_flags") else "",
        usage=usage,
        steps=tuple(events.steps),
        persona_expectations=persona.get("expectations", ()),
        expected_calls=persona.get("expected_calls", ()),
        seen=events.seen(
            outcome=outcome,
            reason=reason,
            turns=conversation.get("turns", 0),
            counted_repeats=conversation.get("repeated_agent_messages", 0),
            tokens=usage.input_tokens + usage.output_tokens,
            nanos=usage.nanos,
        ),
        talk=events.talk(_declared(persona)),
    )


def _declared(persona: Mapping[str, Any]) -> Declared:
    length = persona.get("personality", {}).get("response_length", "").removeprefix("RESPONSE_LENGTH_")
    return Declared(length, tuple(persona.get("behaviour_traits", ())))


def _severe(records: Iterable[Mapping[str, Any]]) -> str:
    own = (flag for record in records if not record.get("copied") for flag in record.get("persona_flags", ()))
    names = (flag.removeprefix("PERSONA_FLAG_") for flag in own)
    return next((name for name in names if name in _SEVERE), "")


def _sets_nothing(merge: Mapping[str, Json]) -> bool:
    return all(isinstance(value, Mapping) and _sets_nothing(value) for value in merge.values())


class _Events:
    """Folds events in one pass."""

    def __init__(self, resources: Iterable[Mapping[str, Any]], records: Sequence[Mapping[str, Any]]) -> None:
        self.calls: list[MadeCall] = []
        self.all_calls: list[MadeCall] = []
        self.spoken: list[tuple[int, bool, str, bool]] = []
        self.said: list[tuple[int, str]] = []
        self.before: list[str] = []
        self.heard: list[str] = []
        self.exchanges: list[tuple[list[str], list[str]]] = []
        self.steps: list[int] = []
        self.last_seq = 0
        self._records = records
        self._open: dict[_Key, list[MadeCall]] = {}
        self._begin: dict[_Key, Mapping[str, Json] | None] = {}
        self._changed: dict[_Key, Mapping[str, Json] | None] = {}
        self._seqs: dict[_Key, list[int]] = {}
        self._opened(resources)
        for number, record in enumerate(records, 1):
            self._add(int(record.get("seq", number)), record, "copied" in record)
        self.last_seq = int(records[-1].get("seq", len(records))) if records else 0

    def _add(self, seq: int, record: Mapping[str, Any], copied: bool) -> None:
        if "agent_message" in record:
            text = record["agent_message"].get("text", "")
            if text:
                self.spoken.append((seq, True, text, not copied))
            if copied:
                self.before.append(text)
            else:
                self.said.append((seq, text))
                if not self.exchanges or self.exchanges[-1][1]:
                    self.exchanges.append(([], []))
                self.exchanges[-1][0].append(text)
        elif "user_message" in record:
            if text := record["user_message"].get("text", ""):
                self.spoken.append((seq, False, text, not copied))
                self.heard.append(text)
                if self.exchanges:
                    self.exchanges[-1][1].append(text)
        elif "tool_call" in record:
            call = record["tool_call"]
            made = MadeCall(seq, call.get("tool", ""), call.get("arguments", {}))
            self.all_calls.append(made)
            if not copied:
                self.calls.append(made)
            self._open.setdefault((call.get("call_id", ""), made.tool), []).append(made)
        elif "tool_result" in record:
            self._answered(seq, record["tool_result"], copied)
        elif "opened" in record:
            self._opened(record["opened"].get("resources", ()))
        if "steps" in record and not copied:
            self.steps += record["steps"]

    def _answered(self, seq: int, result: Mapping[str, Any], copied: bool) -> None:
        answer = result.get("answer", {})
        # A result answers the latest open call, and a second answer to a call answers it again; see shared.model.calls.
        waiting = self._open.get((result.get("call_id", ""), result.get("tool", "")))
        if waiting:
            made = waiting.pop() if len(waiting) > 1 else waiting[0]
            error = answer.get("error")
            made.error = None if error is None else error.get("code", "")
            made.value, made.result_seq = answer.get("value"), seq
        for patch in answer.get("patches", ()):
            self._patch(seq, patch, copied)

    def _opened(self, resources: Iterable[Mapping[str, Any]]) -> None:
        for one in resources:
            self._begin[one.get("type", ""), one.get("id", "")] = one.get("data", {})

    def _patch(self, seq: int, patch: Mapping[str, Any], copied: bool) -> None:
        key = patch.get("type", ""), patch.get("id", "")
        before = self._changed[key] if key in self._changed else self._begin.get(key)
        if before is None and not patch.get("delete") and _sets_nothing(patch.get("merge", {})):
            return  # a resource of a shared set
        after = None if patch.get("delete") else merged(before or {}, patch.get("merge", {}))
        if copied:
            self._begin[key] = after
            return
        self._changed[key] = after
        if after != before:
            self._seqs.setdefault(key, []).append(seq)

    def seen(self, **told: Any) -> Seen:
        """What expectations see. told: what the conversation itself tells."""
        changes = {
            key: Change(self._begin.get(key), after, tuple(self._seqs.get(key, ())))
            for key, after in self._changed.items()
            if after != self._begin.get(key)
        }
        return Seen(
            last_seq=self.last_seq,
            calls=self.calls,
            said=self.said,
            before=self.before,
            heard=self.heard,
            exchanges=self.exchanges,
            changes=changes,
            virtual_seconds=self._virtual_seconds(),
            **told,
        )

    def talk(self, declared: Declared = UNDECLARED) -> Talk:
        """What metrics of quality see."""
        states = (*self._begin.items(), *self._changed.items())
        records = [(kind, data) for (kind, _), data in states if data is not None]
        return Talk(self.spoken, self.all_calls, self.calls, records, declared)

    def _virtual_seconds(self) -> float:
        ends = (*self._records[:1], *self._records[-1:])
        times = [datetime.fromisoformat(record["virtual_time"]) for record in ends if "virtual_time" in record]
        return (times[-1] - times[0]).total_seconds() if times else 0.0
