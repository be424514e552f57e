"""Rehearsals over imported tasks: the retail shop of tau2, whose tools act on its data, and the graphs of star."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.results import Result, reached
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
    played = [(persona, tau2.succeeded(state)) for persona, state in asyncio.run(tau2.rehearsed(conversations))]
    wanted = [{call.tool for call in persona.expected_calls} & writes for persona, _ in played]
    table = Table("retail tool", "conversations in which a call succeeds", "tasks that expect it")
    for tool in sorted({*writes, *(tool for _, made in played for tool in made)}):
        made = sum(tool in tools for _, tools in played)
        table.add_row(tool, str(made), str(sum(tool in tools for tools in wanted)) if tool in writes else "")
    Console(width=100).print(table)
    return reached(row, "of conversations", [sum(bool(made) for _, made in played) / len(played)])


def _paths(row: Mapping[str, Any], conversations: int) -> Result:
    """Prints beside it how many conversations got as far as a call."""
    tasks = star.graphs()
    played = [
        (tasks[name], star.actions(tasks[name], state)) for name, state in asyncio.run(star.rehearsed(conversations))
    ]
    called = sum(any(action.startswith("query") for action in path) for _, path in played)
    Console().print(f"{called} of {len(played)} conversations along task graphs got as far as a call of the API.")
    return reached(row, "of conversations", [sum(star.follows(*one) for one in played) / len(played)])
