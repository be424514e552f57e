"""The damaged revisions of examples/damaged, and the same damages made to revisions of abcd and tau2."""

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any

import pytest

from cli.kit import specs
from greenroom.synthesizer.v1 import batch_pb2
from services.synthesizer.adapters.formats import read_procedures, read_sources
from services.synthesizer.adapters.formats.abcd.vocabulary import vocabulary
from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord
from services.synthesizer.adapters.offline_provider import AsyncOfflineModel
from services.synthesizer.personas.builtin import built_in
from services.synthesizer.personas.model import Persona
from services.synthesizer.procedures.checks import check_revision
from services.synthesizer.tool_configs.messages import tool_config
from shared.model.conversation import State
from shared.model.steps import Ask, Call, Step, Tool
from tests.damages import DAMAGES, confirming
from tests.data import shared_data
from tests.event_counts import p_value
from tests.suite import EXAMPLES
from tests.unit.synthesizer.rehearse import Stage, rehearse, source_of

DAMAGED = EXAMPLES.parent / "damaged"
CONVERSATIONS = 50
PERSONAS = list(built_in().values())


def procedure(name: str) -> ProcedureRecord:
    (found,) = read_procedures("greenroom", (DAMAGED / f"{name}.jsonl").read_bytes().splitlines())
    assert isinstance(found, ProcedureRecord), found
    return found


async def played(stage: Stage, cases: Sequence[tuple[ProcedureRecord, SourceRecord | None, Persona]]) -> list[State]:
    return [
        await rehearse(stage, procedure, source_of(source) if source else None, persona, index)
        for index, (procedure, source, persona) in enumerate(cases)
    ]


async def played_examples(name: str, seed: int) -> list[State]:
    """Conversations over the sources of examples/returns, as `greenroom batches start` plays batch.yaml."""
    spec = specs.read(DAMAGED / "batch.yaml", batch_pb2.BatchSpec())
    stage = Stage(AsyncOfflineModel(), tool_config(spec.conversation.tool_config), seed=seed)
    read = read_sources("greenroom", (EXAMPLES / "sources.jsonl").read_bytes().splitlines())
    sources = [source for source in read if isinstance(source, SourceRecord)]
    cases = [
        (procedure(name), sources[number % len(sources)], PERSONAS[(number + number // len(sources)) % len(PERSONAS)])
        for number in range(CONVERSATIONS)
    ]
    return await played(stage, cases)


@pytest.mark.parametrize("name", DAMAGES)
def test_each_example_is_the_sound_one_with_its_damage(name: str) -> None:
    sound, damaged = procedure("sound"), procedure(name)

    assert damaged.steps == DAMAGES[name](sound.steps, sound.tools)
    assert (damaged.tools, damaged.instructions) == (sound.tools, sound.instructions)


async def test_each_damaged_example_is_told_from_the_sound_one_by_counts_of_events() -> None:
    sound = await played_examples("sound", seed=1)

    again = p_value(sound, await played_examples("sound", seed=2))
    found = {name: p_value(sound, await played_examples(name, seed=1)) for name in DAMAGES}

    assert again > 0.05
    assert all(value < 0.01 for value in found.values()), found


@cache
def abcd() -> list[tuple[ProcedureRecord, SourceRecord]]:
    """The sources of abcd with their procedures, which ask for a yes before the last call and have strict tools."""
    lines = {
        name: gzip.decompress((shared_data("abcd") / f"{name}.jsonl.gz").read_bytes()).splitlines()
        for name in ("procedures", "dialogues")
    }
    read = read_procedures("abcd", lines["procedures"])
    procedures = {one.external_id: one for one in read if isinstance(one, ProcedureRecord)}
    sources = [one for one in read_sources("abcd", lines["dialogues"]) if isinstance(one, SourceRecord)]
    sound = {
        name: replace(one, steps=confirming(one.steps), tools=tuple(map(_strict, one.tools)))
        for name, one in procedures.items()
    }
    return [(sound[source.procedure_external_id], source) for source in sources]


def _strict(tool: Tool) -> Tool:
    """The tool, with the shape of each value in its schema: a name is no account."""
    properties = dict(tool.arguments_schema.get("properties", {}))
    for name in properties:
        slot = vocabulary().slots.get(name)
        if slot is not None and slot.shape is not None and not slot.words:
            shape = re.sub(r"\(\?=.*?\)", "", slot.shape.pattern)
            properties[name] = {**properties[name], "pattern": f"^(?:{shape})$"}
    return replace(tool, arguments_schema={**tool.arguments_schema, "properties": properties})


@cache
def tau2() -> list[tuple[ProcedureRecord, SourceRecord | None]]:
    """A revision for each task of tau2's shop: it asks for what the expected calls need, then for a yes to the last."""
    folder = shared_data("tau2") / "retail"
    tools = tuple(map(_tool, json.loads((folder / "tools.json").read_text())))
    with gzip.open(folder / "tasks.jsonl.gz", "rt") as lines:
        tasks = [json.loads(line) for line in lines]
    return [
        (ProcedureRecord(task["id"], "Task", "", "", confirming(tuple(_expected(task))), tools, 1), None)
        for task in tasks
    ]


def _tool(record: Mapping[str, Any]) -> Tool:
    return Tool(record["name"], record["doc"].splitlines()[0])


def _expected(task: Mapping[str, Any]) -> Sequence[Step]:
    calls = [action for action in task["evaluation_criteria"]["actions"] or [] if action["arguments"]]
    asked = dict.fromkeys(name for call in calls for name in call["arguments"])
    asks = [Ask(name, f"What is the {name.replace('_', ' ')}?", optional=True) for name in asked]
    return [*asks, *(Call(call["name"], {name: name for name in call["arguments"]}) for call in calls)]


@pytest.mark.parametrize("revisions", [abcd, tau2])
@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_revision_of_real_data_differs_from_the_sound_one_and_is_ready_to_rehearse(
    revisions: Any, name: str
) -> None:
    damaged = 0
    for sound, _ in islice(revisions(), 100):
        steps = DAMAGES[name](sound.steps, sound.tools)
        if steps is not None:
            assert steps != sound.steps
            assert not list(check_revision(steps, sound.tools, path="")), (sound.external_id, name)
            damaged += 1
    assert damaged >= 20
