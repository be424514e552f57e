"""How often the checks of personas' replies flag what real customers wrote, where each flag is a false alarm.

The checks are told what a rehearsal tells them: a built-in persona, English, what the customer says later, and the
procedure that a dialogue is linked to. LLM users of tau2 are shown beside them, and agents, whose messages should be
found to speak as agents. There are no German customers, so the offline persona's German stands in for theirs.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import cycle, islice
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.dialogues import records, rehearsals
from benchmarks.results import Result, gates, limited, report
from services.synthesizer.adapters.formats import read_procedures, read_sources
from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord
from services.synthesizer.adapters.offline_provider import AsyncOfflineModel
from services.synthesizer.conversations.integrity import CHECKS, flags
from services.synthesizer.conversations.integrity.check import Scene
from services.synthesizer.conversations.prompts import PERSONA_PROMPT
from services.synthesizer.personas.builtin import built_in
from shared.llm.persona_reply import PersonaReply
from shared.model.conversation import State
from shared.model.events import PersonaFlag, Sentiment, Thoughts, UserMessage
from tests.unit.synthesizer.rehearse import Stage, rehearse
from tests.unit.synthesizer.test_rehearsals import GERMAN, german_source

TOPIC = "integrity"
CUSTOMERS = {
    "abcd": ("abcd", "dialogues"),
    "star": ("star", "dialogues"),
    "taskmaster4": ("taskmaster4", "dialogues"),
    "multiwoz21": ("multiwoz21", "dialogues"),
    "sgd": ("sgd", "dialogues"),
    "satisfaction, mwoz": ("satisfaction", "mwoz"),
    "satisfaction, sgd": ("satisfaction", "sgd"),
}
"""Sets of real customers, and where they are."""
PROCEDURES = {"abcd": "procedures", "star": "tasks"}
"""The files of the sets whose dialogues are linked to procedures."""
_CUSTOMER, _AGENT = ("customer", "user"), ("agent", "assistant", "system")
_UNSPOKEN = ("request_suggestions", "query", "return_item")
_THOUGHTS = Thoughts("", Sentiment.NEUTRAL, 50)


class Dialogue(NamedTuple):
    """The messages of a dialogue as (role, text), and its procedure; None if it has none."""

    said: Sequence[tuple[str, str]]
    procedure: ProcedureRecord | None


class Found(NamedTuple):
    """What the checks found in the messages of one side. seconds: the processor time that they took."""

    messages: int
    flags: Mapping[PersonaFlag, int]
    seconds: float


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    most = gate["quick" if quick else "full"]["dialogues"]
    found = {name: _checked(_dialogues(*place, most), _CUSTOMER, _AGENT) for name, place in CUSTOMERS.items()}
    customers = list(found.values())
    found["LLM users of tau2"] = _checked(_dialogues("tau2", "simulations", most), _CUSTOMER, _AGENT)
    found["agents of abcd"] = _checked(_dialogues("abcd", "dialogues", most), _AGENT, _CUSTOMER)
    _print(found)
    offline = gate["quick" if quick else "full"]["offline"]
    played = [one.state for one in rehearsals(list(islice(records("abcd"), offline)))]
    german = asyncio.run(_german(offline))
    messages = sum(each.messages for each in customers)
    shares = {flag: 100 * sum(each.flags[flag] for each in customers) / messages for flag in CHECKS}
    severe = max(share for flag, share in shares.items() if CHECKS[flag].severe)
    return report(
        TOPIC,
        [
            limited(gate["severe"], f"% of {messages:,}", [severe]),
            limited(gate["any"], f"% of {messages:,}", [max(shares.values())]),
            limited(gate["time"], "µs", [1e6 * sum(each.seconds for each in customers) / messages]),
            _of_offline(gate["stand_in"], played),
            _of_offline(gate["stand_in_german"], german),
        ],
    )


def _of_offline(row: Any, played: Sequence[State]) -> Result:
    """Flags of the offline persona's messages."""
    said = sum(isinstance(event.body, UserMessage) and not event.copied for one in played for event in one.transcript)
    return limited(row, f"% of {said:,}", [100 * sum(one.flags for one in played) / said])


async def _german(count: int) -> list[State]:
    """Rehearsals of a German procedure with German personas, every other one from a German source."""
    stage = Stage(AsyncOfflineModel())
    # The offline persona says its goal in the words of its author.
    personas = [
        replace(one, language="German", goal="Ich möchte meine Lampe zurückgeben.") for one in built_in().values()
    ]
    return [
        await rehearse(stage, GERMAN, german_source() if index % 2 else None, personas[index % len(personas)], index)
        for index in range(count)
    ]


def _dialogues(folder: str, file: str, most: int) -> Iterator[Dialogue]:
    rows = [json.dumps(row).encode() for row in records(folder, PROCEDURES[folder])] if folder in PROCEDURES else []
    read = read_procedures(folder, rows) if rows else ()
    procedures = {one.external_id: one for one in read if isinstance(one, ProcedureRecord)}
    for record in islice(records(folder, file), most):
        turns = record.get("turns") or record.get("messages") or ()
        said = [one for turn in turns if turn.get("action") not in _UNSPOKEN for one in _said(turn)]
        yield Dialogue(said, procedures.get(_procedure(folder, record)) if procedures else None)


def _procedure(folder: str, record: Mapping[str, Any]) -> str:
    """The external id of a dialogue's procedure."""
    sources = read_sources(folder, [json.dumps(record).encode()])
    return next((one.procedure_external_id for one in sources if isinstance(one, SourceRecord)), "")


def _said(turn: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "role" not in turn:  # multiwoz21 has both sides in one turn
        yield from ((role, turn[role].strip()) for role in ("user", "system"))
    elif isinstance(text := turn.get("text", turn.get("content")), str) and text.strip():
        yield turn["role"], text.strip()


def _checked(dialogues: Iterator[Dialogue], side: Sequence[str], other: Sequence[str]) -> Found:
    """Check every message of one side as if a persona had said it."""
    messages, found, seconds = 0, Counter[PersonaFlag](), 0.0
    for dialogue, persona in zip(dialogues, cycle(_told()), strict=False):
        told, procedure = persona, dialogue.procedure
        if procedure:
            tools = [tool.name for tool in procedure.tools]
            told = replace(told, tools=tools, instructions=procedure.instructions)
        own: list[str] = []
        heard: list[str] = []
        asked: list[str] = []
        all_own = [text for role, text in dialogue.said if role in side]
        for role, text in dialogue.said:
            if role in side:
                scene = replace(told, own=own, heard=heard, asked=asked, facts=all_own[len(own) + 1 :])
                begun = time.process_time()
                found.update(flags(PersonaReply(text, _THOUGHTS), scene))
                seconds += time.process_time() - begun
                messages += 1
                own.append(text)
                asked = []
            elif role in other:
                heard.append(text)
                asked.append(text)
    return Found(messages, found, seconds)


def _told() -> Sequence[Scene]:
    """What the checks are told of each built-in persona."""
    return [
        Scene(
            age_range=persona.demographics.age_range,
            private=(PERSONA_PROMPT.text, persona.description),
            traits=persona.behaviour_traits,
            language="English",
        )
        for persona in built_in().values()
    ]


def _print(found: Mapping[str, Found]) -> None:
    table = Table("flagged, %", "messages", *(flag.lower().replace("_", " ") for flag in CHECKS), "µs")
    for name, one in found.items():
        shares = [f"{100 * one.flags[flag] / one.messages:.2f}" for flag in CHECKS]
        table.add_row(name, f"{one.messages:,}", *shares, f"{1e6 * one.seconds / one.messages:.0f}")
    Console(width=140).print(table)
