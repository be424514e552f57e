"""Recorded runs of the τ²-bench, scored by expectations that are built from their tasks and databases.

The bench's own findings (reward, matches, checks) are compared with the scores, and never read for them.
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from cli.kit import specs
from greenroom.synthesizer.v1.conversation_pb2 import ConversationSpec
from services.evaluator.scores.scoring import score
from services.evaluator.scores.transcript import Transcript
from services.synthesizer.adapters.formats import read_sources
from services.synthesizer.adapters.formats.greenroom import write_source
from services.synthesizer.adapters.formats.records import SourceRecord
from services.synthesizer.conversations.mocked_tools import MockedTools, SharedMocks
from services.synthesizer.sources.model import ExportedSource
from services.synthesizer.tool_configs.answers import NO_RECORDED
from services.synthesizer.tool_configs.messages import tool_config
from services.synthesizer.tool_configs.replies.kind import CallContext
from shared.compute.offload import Offload
from shared.model.conversation import State, evolve
from shared.model.draws import draw
from shared.model.events import Event, Json, Resource, ToolCall, ToolResult
from shared.model.expectations import Judgement, read_expectations
from shared.model.world import World
from tests.data import shared_data
from tests.pipeline.test_tau2 import RETAIL, shop

HAND_OVER = "transfer_to_human_agents"
Calls = Sequence[tuple[str, Mapping[str, Json]]]


@dataclass(frozen=True)
class Task:
    """What a task expects: the agent's calls, and what it tells the user."""

    calls: Calls
    told: Sequence[str]


@dataclass(frozen=True)
class ScoredRun:
    """A run with its score.

    domain: `retail`, `airline`, or `airline-v1` of the older bench. score: 1 if the task is met, plus the share of all
    expectations that is met.
    """

    domain: str
    reward: float
    score: float


async def scored_runs() -> list[ScoredRun]:
    """All recorded runs with their scores."""
    tools = Tools()
    runs = []
    for record, source in _runs():
        domain = record["domain"]
        task = _task(record)
        expected: list[dict[str, Any]] = [{"told": {"value": value}} for value in task.told]
        events: Sequence[Event] = source.events
        touched: tuple[Resource, ...] = ()
        if domain == "retail":
            events, after = await tools.replayed(source.events)
            wanted = await tools.after(task.calls)
            touched = tuple(_before(tools.shop, {*_keys(after), *_keys(wanted)}))
            expected += _state(wanted)
        else:
            expected += _writes(task.calls, _writing(domain))
        runs.append(ScoredRun(domain, record["reward"], _scored(source, events, touched, expected, _smooth(task))))
    await tools.close()
    return runs


def auc(runs: Sequence[ScoredRun]) -> float:
    """The chance that a run with reward 1 has a higher score than one with reward 0; equal scores count half."""
    good = [run.score for run in runs if run.reward == 1]
    bad = [run.score for run in runs if run.reward == 0]
    return sum((one > other) + (one == other) / 2 for one in good for other in bad) / (len(good) * len(bad))


def _scored(
    source: SourceRecord,
    events: Sequence[Event],
    resources: Sequence[Resource],
    expected: list[dict[str, Any]],
    smooth: list[dict[str, Any]],
) -> float:
    """The score of a run that is exported as a source and read again."""
    line = write_source(ExportedSource("", source.external_id, True, "", b""), events, resources)
    found = score(Transcript.read(line), read_expectations([*expected, *smooth])).expectations
    met = [one.outcome is Judgement.MET for one in found]
    return all(met[: len(expected)]) + sum(met) / len(met)


def _smooth(task: Task) -> list[dict[str, Any]]:
    """Tools answer no errors, and the agent hands over if the task does; this is no part of the task."""
    handed_over = [{"tool": tool} for tool, _ in task.calls if tool == HAND_OVER]
    return [
        {"bound": {"measure": "MEASURE_TOOL_ERRORS", "at_most": 0}},
        {"exactly": {"tools": [HAND_OVER], "calls": handed_over}},
    ]


def _state(wanted: World) -> list[dict[str, Any]]:
    """Everything that the expected calls change is in the state in which they leave it, and nothing else changes."""
    changed = [{"type": kind, "id": key, "data": dict(wanted[kind, key])} for kind, key in _keys(wanted)]
    return [{"resources": {"changed": changed, "only": True}}, *({"resources": {"changed": [one]}} for one in changed)]


def _writes(calls: Calls, writing: set[str]) -> list[dict[str, Any]]:
    """The expected calls that write are made, and no others."""
    made = [{"tool": tool, "arguments": dict(arguments)} for tool, arguments in calls if tool in writing]
    return [
        {"exactly": {"tools": sorted(writing), "calls": made, "succeeds": True}},
        *({"called": {**call, "succeeds": True}} for call in made),
    ]


class Tools:
    """The tools of the retail shop, which act on its database."""

    def __init__(self) -> None:
        spec = specs.read(RETAIL, ConversationSpec())
        self.shop = shop()
        self._offload = Offload()
        self._tools = MockedTools(None, SharedMocks.of(tool_config(spec.tool_config)), NO_RECORDED, self._offload)

    async def close(self) -> None:
        await self._offload.close()

    async def replayed(self, events: Sequence[Event]) -> tuple[list[Event], World]:
        """The events of a run with the changes of the calls that succeeded in it, and the shop after them."""
        state, replayed = self._start(), []
        results = {event.body.call_id: event for event in events if isinstance(event.body, ToolResult)}
        for event in events:
            if isinstance(event.body, ToolResult):
                continue
            replayed.append(event)
            if isinstance(event.body, ToolCall) and event.body.call_id in results:
                state, answered = await self._called(state, event.body)
                recorded = results[event.body.call_id]
                assert isinstance(recorded.body, ToolResult)
                replayed.append(replace(recorded, body=replace(recorded.body, answer=answered.answer)))
        return [replace(event, seq=seq) for seq, event in enumerate(replayed, 1)], state.resources

    async def after(self, calls: Calls) -> World:
        """The shop after these calls."""
        state = self._start()
        for number, (tool, arguments) in enumerate(calls):
            state, _ = await self._called(state, ToolCall(f"call-{number}", tool, arguments))
        return state.resources

    def _start(self) -> State:
        base = {kind: {key: data for key, data in own.items() if data} for kind, own in self.shop.changes.items()}
        return State(resources=World(base))

    async def _called(self, state: State, call: ToolCall) -> tuple[State, ToolResult]:
        context = CallContext(state.resources, state.answered, partial(draw, 7, 0, state.last_seq))
        answered = await self._tools.answer(call, context)
        result = ToolResult(call.call_id, call.tool, answered.answer)
        for body in (call, result):
            state = evolve(state, Event("", state.last_seq + 1, 0, 0, body, mock_rule=answered.rule))
        return state, result


def _before(world: World, keys: set[tuple[str, str]]) -> Iterator[Resource]:
    for kind, key in sorted(keys):
        if (data := world.get(kind, key)) is not None:
            yield Resource(kind, key, data)


def _keys(world: World) -> list[tuple[str, str]]:
    """The resources that differ from those of the shop."""
    return [(kind, key) for kind, own in world.changes.items() for key in own if own[key] != world.base[kind].get(key)]


def _runs() -> Iterator[tuple[dict[str, Any], SourceRecord]]:
    lines = gzip.decompress((shared_data("tau2") / "simulations.jsonl.gz").read_bytes()).splitlines()
    read = {one.line: one for one in read_sources("tau2", lines) if isinstance(one, SourceRecord)}
    return ((json.loads(line), read[number]) for number, line in enumerate(lines, 1))


def _task(record: Mapping[str, Any]) -> Task:
    """The task of a run; runs of the older bench carry theirs."""
    if "expected_actions" in record:
        return Task([(one["name"], one["kwargs"]) for one in record["expected_actions"]], [])
    criteria = _tasks(record["domain"])[record["task_id"]]["evaluation_criteria"]
    calls = [(one["name"], one["arguments"]) for one in criteria["actions"]]
    return Task(calls, criteria["communicate_info"] or [])


@cache
def _tasks(domain: str) -> Mapping[str, Mapping[str, Any]]:
    lines = gzip.decompress((shared_data("tau2") / domain / "tasks.jsonl.gz").read_bytes()).splitlines()
    return {task["id"]: task for task in map(json.loads, lines)}


@cache
def _writing(domain: str) -> set[str]:
    """The tools that write."""
    tools = json.loads((shared_data("tau2") / domain.partition("-")[0] / "tools.json").read_text())
    return {tool["name"] for tool in tools if tool["kind"] == "WRITE"}


async def test_scores_tell_rewarded_runs_from_others() -> None:
    runs = await scored_runs()

    assert len(runs) == 167
    assert auc(runs) >= 0.92
    assert auc([run for run in runs if run.domain == "retail"]) >= 0.97
