"""Rehearsals over imported tasks: the retail shop of tau2, whose tools act on its data, and the graphs of star."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.people.surface import print_surfaces, said
from benchmarks.results import Result, reached
from services.synthesizer.adapters.formats.records import SourceRecord
from shared.model.conversation import State, evolve
from tests.pipeline import test_star as star
from tests.pipeline import test_tau2 as tau2


def imported_tasks(gate: Mapping[str, Any], conversations: int) -> list[Result]:
    """How alike the retail tools answer, and what conversations over both data sets reach."""
    return [_alike(gate["answers"]), _calls(gate["tasks"], conversations), _paths(gate["graphs"], conversations)]


def _alike(row: Mapping[str, Any]) -> Result:
    counts = asyncio.run(tau2.same_answers())
    same = sum(count for (_, alike), count in counts.items() if alike)
    return reached(row, "of calls", [same / sum(counts.values())])


def _calls(row: Mapping[str, Any], conversations: int) -> Result:
    """Prints beside it the writes that the tasks expect."""
    writes = {tool["name"] for tool in json.loads(tau2.domain("retail"))["tools"] if tool["kind"] == "WRITE"}
    rehearsed = asyncio.run(tau2.rehearsed(conversations))
    recorded = [_recorded(run) for run in tau2.runs()]
    print_surfaces("tau2", _sides([state for _, state in rehearsed], recorded, "recorded users"))
    played = [(persona, tau2.succeeded(state)) for persona, state in rehearsed]
    reaching = [tau2.succeeded(state) for state in recorded]
    wanted = [{call.tool for call in persona.expected_calls} & writes for persona, _ in played]
    table = Table("retail tool", "conversations in which a call succeeds", "tasks that expect it", "recorded runs")
    for tool in sorted({*writes, *(tool for _, made in played for tool in made)}):
        made = sum(tool in tools for _, tools in played)
        expected = str(sum(tool in tools for tools in wanted)) if tool in writes else ""
        table.add_row(tool, str(made), expected, f"{sum(tool in tools for tools in reaching) / len(reaching):.0%}")
    Console(width=120).print(table)
    share = sum(bool(made) for _, made in played) / len(played)
    return reached(row, "of conversations", [share], [sum(map(bool, reaching)) / len(reaching)])


def _paths(row: Mapping[str, Any], conversations: int) -> Result:
    """Prints beside it how many conversations got as far as a call."""
    tasks = star.graphs()
    rehearsed = asyncio.run(star.rehearsed(conversations))
    sources = star.dialogues(conversations)
    real = [_recorded(source) for source in sources]
    print_surfaces("star", _sides([state for _, state in rehearsed], real, "real customers"))
    played = [(tasks[name], star.actions(tasks[name], state)) for name, state in rehearsed]
    names = [source.procedure_external_id for source in sources]
    theirs = [
        star.follows(tasks[name], star.actions(tasks[name], state)) for name, state in zip(names, real, strict=True)
    ]
    called = sum(any(action.startswith("query") for action in path) for _, path in played)
    Console().print(f"{called} of {len(played)} conversations along task graphs got as far as a call of the API.")
    share = sum(star.follows(*one) for one in played) / len(played)
    return reached(row, "of conversations", [share], [sum(theirs) / len(theirs)])


def _recorded(source: SourceRecord) -> State:
    """What was said and called in a recorded conversation."""
    return reduce(evolve, source.events, State())


def _sides(ours: Sequence[State], theirs: Sequence[State], name: str) -> dict[str, list[str]]:
    sides = {name: theirs, "personas": ours}
    return {side: [text for state in states for text in said(state.transcript)] for side, states in sides.items()}
