"""How often the checks of personas' replies flag what real customers wrote, where each flag is a false alarm.

LLM users of tau2, and agents, whose messages should be found to speak as agents, are shown beside them.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.dialogues import records, rehearsals
from benchmarks.results import gates, limited, report
from services.synthesizer.conversations.integrity import CHECKS, flags
from services.synthesizer.conversations.integrity.check import Scene
from services.synthesizer.conversations.prompts import PERSONA_TEXT
from services.synthesizer.personas.builtin import built_in
from shared.llm.persona_reply import PersonaReply
from shared.model.events import PersonaFlag, Sentiment, Thoughts, UserMessage

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
_CUSTOMER, _AGENT = ("customer", "user"), ("agent", "assistant", "system")
_UNSPOKEN = ("request_suggestions", "query", "return_item")
_PRIVATE = (PERSONA_TEXT, *(persona.description for persona in built_in().values()))
_TRAITS = tuple(trait for persona in built_in().values() for trait in persona.behaviour_traits)
_THOUGHTS = Thoughts("", Sentiment.NEUTRAL, 50)


class Found(NamedTuple):
    """What the checks found in the messages of one side. seconds: they took."""

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
    played = rehearsals(list(islice(records("abcd"), gate["quick" if quick else "full"]["offline"])))
    said = sum(
        isinstance(event.body, UserMessage) and not event.copied for one in played for event in one.state.transcript
    )
    messages = sum(each.messages for each in customers)
    shares = {flag: 100 * sum(each.flags[flag] for each in customers) / messages for flag in CHECKS}
    severe = max(share for flag, share in shares.items() if CHECKS[flag].severe)
    return report(
        TOPIC,
        [
            limited(gate["severe"], f"% of {messages:,}", [severe]),
            limited(gate["any"], f"% of {messages:,}", [max(shares.values())]),
            limited(gate["time"], "µs", [1e6 * sum(each.seconds for each in customers) / messages]),
            limited(gate["stand_in"], f"% of {said:,}", [100 * sum(one.state.flags for one in played) / said]),
        ],
    )


def _dialogues(folder: str, file: str, most: int) -> Iterator[Sequence[tuple[str, str]]]:
    """The messages of each dialogue as (role, text)."""
    for record in islice(records(folder, file), most):
        turns = record.get("turns") or record.get("messages") or ()
        yield [said for turn in turns if turn.get("action") not in _UNSPOKEN for said in _said(turn)]


def _said(turn: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "role" not in turn:  # multiwoz21 has both sides in one turn
        yield from ((role, turn[role].strip()) for role in ("user", "system"))
    elif isinstance(text := turn.get("text", turn.get("content")), str) and text.strip():
        yield turn["role"], text.strip()


def _checked(dialogues: Iterator[Sequence[tuple[str, str]]], side: Sequence[str], other: Sequence[str]) -> Found:
    """Check every message of one side as if a persona had said it."""
    messages, found, seconds = 0, Counter[PersonaFlag](), 0.0
    for dialogue in dialogues:
        own: list[str] = []
        heard: list[str] = []
        asked: list[str] = []
        for role, text in dialogue:
            if role in side:
                scene = Scene(own, heard, asked, private=_PRIVATE, traits=_TRAITS)
                begun = time.perf_counter()
                found.update(flags(PersonaReply(text, _THOUGHTS), scene))
                seconds += time.perf_counter() - begun
                messages += 1
                own.append(text)
                asked = []
            elif role in other:
                heard.append(text)
                asked.append(text)
    return Found(messages, found, seconds)


def _print(found: Mapping[str, Found]) -> None:
    table = Table("flagged, %", "messages", *(flag.lower().replace("_", " ") for flag in CHECKS), "µs")
    for name, one in found.items():
        shares = [f"{100 * one.flags[flag] / one.messages:.2f}" for flag in CHECKS]
        table.add_row(name, f"{one.messages:,}", *shares, f"{1e6 * one.seconds / one.messages:.0f}")
    Console(width=140).print(table)
