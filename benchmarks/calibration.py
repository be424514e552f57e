"""How far people are from people, and the seven built-in personas from people, in each declared trait.

People are the customers of abcd, star and multiwoz21. One half of them stands for personas, at random and again and
again: if it differs from the other half, that is a false alarm. The personas are those of the offline model in
rehearsals of abcd, so all are measured from the agent's first answer on. Beside, how long it takes to measure
conversations and to only decode them.
"""

import json
import random
import time
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.dialogues import records, rehearsals, turns
from benchmarks.results import Result, gates, limited, reached, report
from services.evaluator.calibrations.comparing import compare
from services.evaluator.calibrations.measuring import measure_lines
from services.evaluator.calibrations.model import Measured, unpack_measured
from services.evaluator.calibrations.model import Result as Found
from services.evaluator.calibrations.rendering.wording import between, name_of, signed
from services.evaluator.evaluations.model import Line
from services.synthesizer.personas.model import Persona
from shared.model.events import AgentMessage, Event, ToolCall, UserMessage

TOPIC = "calibration"
PEOPLE = ("abcd", "star", "multiwoz21")
_AT_ONCE = 100


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    work = gate["quick" if quick else "full"]
    lines = {name: [_source(row) for row in islice(records(name), work["dialogues"])] for name in PEOPLE}
    halves = [_halves(name, lines[name], work["halves"]) for name in PEOPLE]
    found = _personas(work["dialogues"])
    return report(
        TOPIC,
        [
            limited(gate["overall"], "%", [100 * sum(each[0] for each in halves) / (len(PEOPLE) * work["halves"])]),
            limited(gate["measures"], "%", [100 * median(each[1] for each in halves)]),
            reached(gate["personas"], "personas", [float(sum(_shown(found)))]),
            reached(gate["traits"], "%", [_traits(found)]),
            *_cost(gate, list(islice(cycle(lines["abcd"]), work["conversations"]))),
        ],
    )


def _source(row: Mapping[str, Any]) -> Line:
    """A dialogue as an export has a source."""
    if "role" not in row["turns"][0]:  # multiwoz21 has both sides in one turn
        said = [(side, turn[side]) for turn in row["turns"] for side in ("user", "system")]
    else:
        said = [(turn.role, text) for turn in turns(dict(row)) for text in turn.texts]
    time_of = "2026-01-05T09:{:02}:00Z"
    events = [
        {
            "seq": str(seq),
            "virtual_time": time_of.format(seq % 60),
            "user_message" if role == "user" else "agent_message": {"text": text},
        }
        for seq, (role, text) in enumerate(said, 1)
    ]
    return Line(json.dumps({"external_id": row["id"], "events": events}).encode(), f"sources/{row['id']}")


def _measured(lines: Sequence[Line], is_person: bool) -> list[Measured]:
    return [unpack_measured(event) for event in measure_lines(lines, is_person)[0]]


def _halves(name: str, lines: Sequence[Line], count: int) -> tuple[int, float]:
    """(how often one half differs from the other, the share of measures in which it does)"""
    overall = differ = of = 0
    distances: list[float] = []
    for number in range(count):
        order = random.Random(number).sample(lines, len(lines))
        half = len(order) // 2
        found = compare([*_measured(order[:half], True), *_measured(order[half:], False)])
        assert isinstance(found, Found)
        [every] = found.groups
        distances.append(every.distance.value)
        overall += every.differs
        differ += sum(one.differs for one in every.measures)
        of += len(every.measures)
    print(
        f"{name}: halves are {median(distances):.3f} apart, floor {between(every.floor)}; {overall} of {count} differ, "
        f"{differ} of {of} measures"
    )
    return overall, differ / of


def _personas(count: int) -> Found:
    """The offline model's personas in rehearsals of abcd, beside the customers of the same dialogues."""
    done = rehearsals(list(islice(records("abcd"), count)))
    people = [_source(one.dialogue) for one in done]
    played = [_conversation(number, one.persona, one.state.transcript) for number, one in enumerate(done)]
    found = compare([*_measured(people, True), *_measured(played, False)])
    assert isinstance(found, Found)
    _print(found)
    return found


def _conversation(number: int, persona: Persona, events: Sequence[Event]) -> Line:
    """A conversation as an export has it."""
    how = persona.personality
    shown = {
        "display_name": persona.display_name,
        "personality": {
            "tone": how.tone,
            "response_length": f"RESPONSE_LENGTH_{how.response_length}",
            "objection_likelihood": f"OBJECTION_LIKELIHOOD_{how.objection_likelihood}",
        },
        "behaviour_traits": persona.behaviour_traits,
    }
    conversation = {
        "name": f"conversations/{number}",
        "spec": {"persona": persona.name},
        "persona": shown,
        "ended": {"outcome": "OUTCOME_COMPLETED"},
    }
    said = [one for event in events if (one := _event(event))]
    return Line(json.dumps({"conversation": conversation, "events": said}).encode())


def _event(event: Event) -> dict[str, Any]:
    copied = {"copied": True} if event.copied else {}
    match event.body:
        case UserMessage(text):
            return {"user_message": {"text": text}, **copied}
        case AgentMessage(text):
            return {"agent_message": {"text": text}, **copied}
        case ToolCall():
            return {"tool_call": {}, **copied}
        case _:
            return {}


def _print(found: Found) -> None:
    table = Table("persona", "distance", "interval", "floor", "declared trait", "shift", "shown")
    for group in found.groups:
        shifts = {one.measure: one.shift for one in group.measures}
        first = (name_of(group), f"{group.distance.value:.3f}", between(group.distance), between(group.floor))
        if not group.traits:
            table.add_row(*first, "", "", "")
        for place, one in enumerate(group.traits):
            shift = shifts[one.measure]
            reach = f"{signed(shift.value)} ({signed(shift.low)} to {signed(shift.high)})"
            head = ("", "", "", "") if place else first
            table.add_row(*head, f"{one.trait}: {one.measure}", reach, "yes" if one.shown else "no")
    Console(width=150).print(table)


def _shown(found: Found) -> list[bool]:
    """For each persona, whether it differs from people, and surely so in the direction of a declared trait."""
    return [group.differs and any(one.shown for one in group.traits) for group in found.groups[1:]]


def _traits(found: Found) -> float:
    """The per cent of all declared traits that show."""
    shown = [one.shown for group in found.groups for one in group.traits]
    return 100 * sum(shown) / len(shown)


def _cost(gate: Any, lines: Sequence[Line]) -> list[Result]:
    ours, decoding = [], []
    for start in range(0, len(lines), _AT_ONCE):
        some = lines[start : start + _AT_ONCE]
        begin = time.process_time()
        for line in some:
            json.loads(line.transcript)
        between_both = time.process_time()
        measure_lines(some, True)
        ours.append(time.process_time() - between_both)
        decoding.append(between_both - begin)
    ratios = [mine / other for mine, other in zip(ours, decoding, strict=True)]
    return [limited(gate["time"], "×", ratios, samples={"ours": ours, "json": decoding})]
