"""Whether a verdict tells damaged procedures from the sound one, and how often it sees differences that are none.

Over real servers in one process: a sound procedure of the examples, of abcd and of tau2 is rehearsed, and its six
damages. Then the example's sound procedure with other seeds, each batch of which is compared with each other one.
"""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.results import gates, limited, reached, report
from cli.kit.house import running
from cli.kit.rehearsing import worst_expectation
from greenroom.client import Client, connect
from greenroom.evaluator.v1 import evaluation_pb2, report_pb2
from greenroom.gateway.v1.rehearsal_pb2 import RehearsalSpec
from services.gateway.settings import GatewaySettings
from tests.damages import DAMAGES
from tests.grounds import GROUNDS, SOUND, Ground, rehearsed
from tests.rehearsals import over

TOPIC = "verdicts"
_DIFFERENT = (report_pb2.Report.VERDICT_BETTER, report_pb2.Report.VERDICT_WORSE)
"""The verdicts that see a difference."""
_Found = Mapping[str, report_pb2.Report]
"""The report about each damage."""


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    found, same = asyncio.run(_measured(gate["quick" if quick else "full"]["batches"]))
    _show({name: reports for name, (_, reports) in found.items()})
    results = []
    for name, (ground, reports) in found.items():
        told = [damage for damage, one in reports.items() if _explanation(one) == ground.explained[damage]]
        ps = {damage: [one.comparison.p] for damage, one in reports.items()}
        results += [
            limited(gate[name]["p"], "p", [max(p for [p] in ps.values())], samples=ps),
            reached(gate[name]["explained"], "damages", [len(told)]),
        ]
    unlike = [one.verdict not in _DIFFERENT for one in same]
    results.append(
        reached(gate["same"], "of comparisons", [sum(unlike) / len(unlike)], samples={"comparisons": [len(same)]})
    )
    return report(TOPIC, results)


async def _measured(batches: int) -> tuple[Mapping[str, tuple[Ground, _Found]], Sequence[report_pb2.Report]]:
    """(each ground with its reports, the reports about the example's sound procedure and itself)"""
    with tempfile.TemporaryDirectory() as folder:
        settings = GatewaySettings.read().model_copy(update={"port": 0, "data_dir": Path(folder)})
        async with running(settings) as port, connect(f"127.0.0.1:{port}") as client:
            found = {}
            for name, get_ready in GROUNDS.items():
                ground = await get_ready(client, Path(folder))
                found[name] = ground, await _damaged(client, ground)
            return found, await _same(client, found["examples"][0].specs[SOUND], batches)


async def _damaged(client: Client, ground: Ground) -> _Found:
    sound = (await rehearsed(client, ground.specs[SOUND])).sides[0].batch
    found = {}
    for damage in DAMAGES:
        spec = ground.specs[damage]
        spec.compare.label, spec.compare.batch = SOUND, sound
        found[damage] = (await rehearsed(client, spec)).result
    return found


async def _same(client: Client, spec: RehearsalSpec, batches: int) -> list[report_pb2.Report]:
    evaluations = []
    for seed in range(1, batches + 1):
        spec.batch.conversation.seed = seed
        batch = await over(client, (await client.batches.start(spec.batch)).name)
        wanted = evaluation_pb2.EvaluationSpec(batch=batch.name, expectations=spec.expectations)
        started = await client.evaluations.start(wanted)
        async with client.evaluations.watch(started.name) as watch:
            async for _ in watch:
                pass
        evaluations.append(started.name)
    return [
        await client.reports.build(report_pb2.ReportSpec(evaluation=new, baseline=old))
        for new, old in combinations(evaluations, 2)
    ]


def _explanation(found: report_pb2.Report) -> str:
    worst = worst_expectation(found)
    return "" if worst is None else worst.id


def _show(found: Mapping[str, _Found]) -> None:
    """Print the p-value, the pairs that are lost and gained, and the explanation of each damage on each ground."""
    table = Table("damage", *found)
    for damage in DAMAGES:
        table.add_row(damage, *(_words(reports[damage]) for reports in found.values()))
    Console(width=140).print(table)


def _words(found: report_pb2.Report) -> str:
    one = found.comparison
    return f"{one.p:.1e}, {one.lost} lost, {one.gained} gained: {_explanation(found)}"
