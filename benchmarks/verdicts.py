"""Whether a verdict tells damaged procedures from the sound one, and how often it sees differences that are none.

Over real servers in one process: `examples/damaged` is rehearsed as its rehearsal.yaml says, once for each damage, and
the sound procedure with other seeds, each batch of which is compared with each other one.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from benchmarks.results import gates, limited, reached, report
from cli.kit.house import running
from cli.kit.rehearsing import read_spec, resolve_names
from greenroom.client import Client, connect
from greenroom.evaluator.v1 import evaluation_pb2, report_pb2
from greenroom.gateway.v1.rehearsal_pb2 import RehearsalSpec
from services.gateway.settings import GatewaySettings
from tests.damages import DAMAGES
from tests.pipeline.test_damages import DAMAGED, EXPLAINED
from tests.rehearsals import over
from tests.suite import EXAMPLES

TOPIC = "verdicts"
_DIFFERENT = (report_pb2.Report.VERDICT_BETTER, report_pb2.Report.VERDICT_WORSE)
"""The verdicts that see a difference."""


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    damages, same = asyncio.run(_measured(gate["quick" if quick else "full"]["batches"]))
    told = [one for name, one in damages.items() if one.expectations[0].id == EXPLAINED[name]]
    unlike = [one.verdict not in _DIFFERENT for one in same]
    results = [
        limited(gate["p"], "p", [max(one.comparison.p for one in damages.values())]),
        reached(gate["explained"], "damages", [len(told)]),
        reached(gate["same"], "of comparisons", [sum(unlike) / len(unlike)], samples={"comparisons": [len(same)]}),
    ]
    return report(TOPIC, results)


async def _measured(batches: int) -> tuple[dict[str, report_pb2.Report], Sequence[report_pb2.Report]]:
    """(the report about each damage, the reports about the sound procedure and itself)"""
    with tempfile.TemporaryDirectory() as folder:
        settings = GatewaySettings.read().model_copy(update={"port": 0, "data_dir": Path(folder)})
        async with running(settings) as port, connect(f"127.0.0.1:{port}") as client:
            await client.sources.import_file(EXAMPLES / "sources.jsonl")
            for name in ("sound", *DAMAGES):
                await client.procedures.import_file(DAMAGED / f"{name}.jsonl")
            damages = {name: await _damaged(client, name) for name in DAMAGES}
            return damages, await _same(client, batches)


async def _spec(client: Client, procedure: str) -> RehearsalSpec:
    spec = read_spec(DAMAGED / "rehearsal.yaml")
    spec.batch.conversation.procedure = f"returns-{procedure.replace('_', '-')}"
    await resolve_names(client, spec)
    return spec


async def _damaged(client: Client, name: str) -> report_pb2.Report:
    started = await client.rehearsals.start(await _spec(client, name))
    async with client.rehearsals.watch(started.name) as watch:
        async for _ in watch:
            pass
    assert watch.summary is not None
    return watch.summary.result


async def _same(client: Client, batches: int) -> list[report_pb2.Report]:
    spec = await _spec(client, "sound")
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
