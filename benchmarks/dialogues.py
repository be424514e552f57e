"""Real dialogues, read from the shared data sets."""

import asyncio
import gzip
import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from services.synthesizer.adapters.formats import read_procedures, read_sources
from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord
from services.synthesizer.adapters.offline_provider import AsyncOfflineModel
from services.synthesizer.personas.builtin import built_in
from services.synthesizer.personas.model import Persona
from shared.model.conversation import State
from shared.model.events import ToolCall
from tests.pipeline.test_abcd import Call, said_calls
from tests.unit.synthesizer.rehearse import Stage, rehearse, source_of

DATA = Path(__file__).parents[2] / "shared" / "data"

_ROLES = {"customer": "user", "assistant": "agent"}
_UNSPOKEN = ("request_suggestions", "query", "return_item")
"""Actions of star whose text the customer never saw."""


class Turn(NamedTuple):
    """What one side said before the other answered."""

    role: str
    texts: tuple[str, ...]


def records(name: str, file: str = "dialogues") -> Iterator[dict[str, Any]]:
    """The rows of one file of a data set."""
    with gzip.open(DATA / name / f"{file}.jsonl.gz", "rt") as lines:
        yield from map(json.loads, lines)


def turns(dialogue: dict[str, Any]) -> Sequence[Turn]:
    """The turns of a dialogue, from the customer's first one on."""
    spoken = [
        (_ROLES.get(turn["role"], turn["role"]), turn["text"].strip())
        for turn in dialogue["turns"]
        if turn.get("text", "").strip() and turn.get("action") not in _UNSPOKEN
    ]
    sides = [each for each in spoken if each[0] in ("user", "agent")]
    found = [Turn(role, tuple(text for _, text in group)) for role, group in groupby(sides, key=lambda each: each[0])]
    return found[1:] if found and found[0].role == "agent" else found


class Rehearsed(NamedTuple):
    """A dialogue of abcd, and its rehearsal with the linked procedure and a persona."""

    dialogue: dict[str, Any]
    persona: Persona
    procedure: ProcedureRecord
    state: State

    def made(self) -> set[Call]:
        """The calls that the agent made, with the values of their arguments."""
        bodies = [event.body for event in self.state.transcript if not event.copied]
        return {
            (body.tool, frozenset(str(value).strip().lower() for value in body.arguments.values()))
            for body in bodies
            if isinstance(body, ToolCall)
        }

    def made_again(self) -> set[Call]:
        """The calls that the agent made among the recorded ones whose values the customer says."""
        made = self.made()
        return {
            (tool, values)
            for tool, values in said_calls(self.dialogue)
            if any(tool == call and values <= given for call, given in made)
        }


def rehearsals(dialogues: Sequence[dict[str, Any]]) -> list[Rehearsed]:
    """Rehearse dialogues of abcd, each with the next of the built-in personas."""
    read = read_procedures("abcd", [json.dumps(row).encode() for row in records("abcd", "procedures")])
    procedures = {item.external_id: item for item in read if isinstance(item, ProcedureRecord)}
    sources = read_sources("abcd", [json.dumps(dialogue).encode() for dialogue in dialogues])
    personas, stage = list(built_in().values()), Stage(AsyncOfflineModel())

    async def play() -> list[Rehearsed]:
        done = []
        for index, source in enumerate(sources):
            if isinstance(source, SourceRecord):
                procedure = procedures[source.procedure_external_id]
                persona = personas[index % len(personas)]
                state = await rehearse(stage, procedure, source_of(source), persona, index)
                done.append(Rehearsed(dialogues[source.line - 1], persona, procedure, state))
        return done

    return asyncio.run(play())
