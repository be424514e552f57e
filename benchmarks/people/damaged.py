"""Whether damaged revisions of abcd are told from sound ones by counts of events alone."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.results import Result, limited
from services.synthesizer.adapters.offline_provider import AsyncOfflineModel
from services.synthesizer.tool_configs.model import ToolConfig, ToolMock
from shared.model.events import ToolAnswer
from tests.damages import DAMAGES, Damage
from tests.event_counts import p_value
from tests.unit.synthesizer.rehearse import Stage
from tests.unit.synthesizer.test_damages import CONVERSATIONS, PERSONAS, abcd, played, played_examples

_ORACLE = ToolConfig(
    (ToolMock("ask-the-oracle", default=ToolAnswer({"answer": "no"})),),
    ToolAnswer({"status": "ok"}),
    ignore_recorded_calls=True,
)
"""The oracle refuses; other tools answer nothing that a branch reads."""


def told_damaged(gate: Any) -> list[Result]:
    """The p-values of each damage to the example and to revisions of abcd."""
    of_examples, of_abcd = asyncio.run(_examples()), asyncio.run(_abcd())
    table = Table("damage, p of equal agents", "examples/damaged", "abcd")
    for name in DAMAGES:
        table.add_row(name, f"{of_examples[name]:.1e}", f"{of_abcd[name]:.1e}")
    Console(width=100).print(table)
    values = [*of_examples.values(), *of_abcd.values()]
    return [limited(gate["damaged"], "p", [max(values)], samples={"examples": [*of_examples.values()]})]


async def _examples() -> Mapping[str, float]:
    sound = await played_examples("sound", seed=1)
    return {name: p_value(sound, await played_examples(name, seed=1)) for name in DAMAGES}


async def _abcd() -> Mapping[str, float]:
    return {name: await _damaged(name, damage) for name, damage in DAMAGES.items()}


async def _damaged(name: str, damage: Damage) -> float:
    able = [(one, source) for one, source in abcd() if damage(one.steps, one.tools) is not None]
    if name == "refusal_ignored":
        # Where no tool refuses, a customer's no is ignored, which few of them say.
        able = [(one, source) for one, source in able if any("answer == 'no'" in step.told() for step in one.steps)]
    chosen = [(one, source, PERSONAS[number % 7]) for number, (one, source) in enumerate(able[:CONVERSATIONS])]
    broken = [(replace(one, steps=damage(one.steps, one.tools) or ()), source, who) for one, source, who in chosen]
    stage = Stage(AsyncOfflineModel(), _ORACLE)
    return p_value(await played(stage, chosen), await played(stage, broken))
