"""The dialogues and task graphs of STAR: imported, and rehearsed along the graphs."""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.synthesizer.adapters.formats import read_procedures, read_sources
from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord
from services.synthesizer.adapters.offline_provider import AsyncOfflineModel
from services.synthesizer.personas.builtin import built_in
from shared.model.conversation import State
from shared.model.events import AgentMessage, ToolCall, ToolResult
from shared.model.steps import Branch
from tests.data import shared_data
from tests.unit.synthesizer.rehearse import Stage, rehearse, source_of

OUTCOMES = re.compile(r"yes|no|(un)?available|query_(success|failure)|(in)?correct|noanswer|done|info_.*")
FAREWELL = re.compile(r"anything_else|goodbye.*|.*_bye")


def rows(name: str) -> list[bytes]:
    return gzip.decompress((shared_data("star") / f"{name}.jsonl.gz").read_bytes()).splitlines()


def graphs() -> dict[str, dict[str, Any]]:
    """The tasks by the external id of their procedure."""
    return {f"star/{task['task']}": task for task in map(json.loads, rows("tasks"))}


def dialogues(count: int) -> list[SourceRecord]:
    """Dialogues of one task each, the tasks in turn."""
    by_task: dict[str, list[SourceRecord]] = {}
    for one in read_sources("star", rows("dialogues")):
        if isinstance(one, SourceRecord) and one.procedure_external_id:
            by_task.setdefault(one.procedure_external_id, []).append(one)
    longest = max(map(len, by_task.values()))
    turn_about = [of_task[place] for place in range(longest) for of_task in by_task.values() if place < len(of_task)]
    return turn_about[:count]


async def rehearsed(count: int) -> list[tuple[str, State]]:
    """Conversations from dialogues with the procedures of their tasks; each with its procedure's external id."""
    read = [one for one in read_procedures("star", rows("tasks")) if isinstance(one, ProcedureRecord)]
    procedures = {one.external_id: one for one in read}
    personas, stage = [*built_in().values()], Stage(AsyncOfflineModel())
    played = []
    for index, source in enumerate(dialogues(count)):
        procedure = procedures[source.procedure_external_id]
        state = await rehearse(stage, procedure, source_of(source), personas[index % len(personas)], index)
        played.append((procedure.external_id, state))
    return played


def actions(task: Mapping[str, Any], state: State) -> list[str]:
    """The actions of the graph that the agent took, by what it said and called."""
    spoken = [one for one in task["replies"] if not one.startswith("query") and not OUTCOMES.fullmatch(one)]
    said = {node: _pattern(task["replies"][node]) for node in spoken}
    taken: list[str] = []
    for event in state.transcript:
        match event.body:
            case AgentMessage(text) if not event.copied:
                found = ((match.start(), node) for node, pattern in said.items() if (match := pattern.search(text)))
                taken += [node for _, node in sorted(found)]
            case ToolCall(_, _, arguments) if not event.copied:
                kind = str(arguments.get("RequestType", "")).lower()
                taken.append(f"query_{kind}" if f"query_{kind}" in task["replies"] else "query")
            case _:
                pass
    return taken


def _pattern(text: str) -> re.Pattern[str]:
    """Matches a reply with its placeholders filled in; one of placeholders alone is taken by no text."""
    words = re.split(r"\{\w+:?\w*\}", text.strip())
    return re.compile(".*".join(map(re.escape, words)) if any(map(str.strip, words)) else r"(?!)", re.DOTALL)


def follows(task: Mapping[str, Any], taken: list[str]) -> bool:
    """True if the actions are a path from `hello`: along edges and outcomes, past questions that need not be asked."""
    place = "hello"
    for action in taken[1:] if taken[:1] == ["hello"] else taken:
        if action != place and action not in _reachable(task, place) and not FAREWELL.fullmatch(action):
            return False
        place = action
    return bool(taken)


def _reachable(task: Mapping[str, Any], place: str) -> Iterator[str]:
    """The next actions: those after an edge or, without one, after an outcome; and those after questions among them."""
    graph, seen = task["graph"], set[str]()
    ahead = [graph[place]] if place in graph else [graph[one] for one in graph if OUTCOMES.fullmatch(one)]
    while ahead:
        action = ahead.pop()
        if action in seen:
            continue
        seen.add(action)
        yield action
        if action in graph and not action.startswith("query"):
            ahead.append(graph[action])


def test_every_dialogue_is_imported_with_its_calls_and_results() -> None:
    raw = [json.loads(line) for line in rows("dialogues")]
    read = [one for one in read_sources("star", rows("dialogues")) if isinstance(one, SourceRecord)]

    assert [one.external_id for one in read] == [row["id"] for row in raw]
    for one, row in zip(read, raw, strict=True):
        bodies = [event.body for event in one.events]
        assert [body.tool for body in bodies if isinstance(body, ToolCall)] == row["api_calls"]
        returned = [turn["api"] for turn in row["turns"] if turn["action"] == "return_item"]
        assert [body.tool for body in bodies if isinstance(body, ToolResult)] == returned
    [first] = [one for one in read if one.external_id == "star-1048"]
    call = next(event.body for event in first.events if isinstance(event.body, ToolCall))
    assert (call.arguments["Name"], call.arguments["RenterName"]) == ("One on Center Apartments", "Mark")


def test_every_task_graph_becomes_a_procedure() -> None:
    read = [one for one in read_procedures("star", rows("tasks")) if isinstance(one, ProcedureRecord)]

    assert {one.external_id for one in read} == set(graphs())
    branching = [one for one in read if any(isinstance(step, Branch) and step.otherwise for step in one.steps)]
    assert len(branching) >= 12


async def test_the_agent_follows_a_path_of_the_task_graph() -> None:
    played, tasks = await rehearsed(18), graphs()
    taken = [(tasks[name], actions(tasks[name], state)) for name, state in played]

    assert sum(follows(task, path) for task, path in taken) >= 15
    longest, path = max(taken, key=lambda one: len(one[1]))
    assert not follows(longest, path[::-1])
    assert not follows(longest, [path[0], "query_success", *path[1:]])
