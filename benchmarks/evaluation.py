"""What scoring conversations costs beside only decoding them, whether memory stays flat, and whether scores are right.

Ours: each line of an export is read, scored by three defaults and five expectations, and its score written as the JSON
that is stored. The other way: `json.loads` of the same line. Both are processor time, by turns that last about as long,
because whatever else runs takes the caches away. The conversations are those of a batch over sources of abcd, again and
again. What a condition in CEL costs besides is printed. As many sources are evaluated and reported by a server.
"""

import asyncio
import gzip
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

from google.protobuf.json_format import ParseDict

from benchmarks.results import Result, gates, limited, reached, report
from benchmarks.servers import server
from greenroom.client import connect
from greenroom.evaluator.v1.evaluation_pb2 import EvaluationSpec
from greenroom.evaluator.v1.report_pb2 import ReportSpec
from greenroom.synthesizer.v1.source_pb2 import SourceFilter
from greenroom.type.v1.expectation_pb2 import Expectation as ExpectationMessage
from services.evaluator.scores.defaults import expected_of
from services.evaluator.scores.model import score_json
from services.evaluator.scores.procedure import ProcedureParts
from services.evaluator.scores.scoring import score, score_key
from services.evaluator.scores.transcript import Transcript
from shared.model.expectations import Expectation, read_expectations
from tests.data import shared_data
from tests.pipeline.test_tau2_scores import auc, scored_runs
from tests.rehearsals import batch_spec, import_rehearsal, over

TOPIC = "evaluation"
_AT_ONCE = 100
_DECODINGS = 4
"""How often lines are decoded in a turn."""
_EXPECTED: list[dict[str, Any]] = [
    {"called": {"tool": "pull-up-account"}},
    {"in_order": {"calls": [{"tool": "pull-up-account"}, {"tool": "verify-identity", "succeeds": True}]}},
    {"exactly": {"tools": ["offer-refund"]}},
    {"collected": {"tool": "pull-up-account", "argument": "full_name", "value": "Joyce Wu"}},
    {"told": {"value": "order"}},
]
_CONDITION = {"condition": "counts['offer-refund'] <= 1 && reason != 'MAX_TURNS'"}
_REVISION = {"tools": [{"name": "pull-up-account"}, {"name": "verify-identity"}, {"name": "offer-refund"}]}


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    work = gate["quick" if quick else "full"]
    lines = asyncio.run(_lines(work["batch"]))
    cost = _cost(gate, list(islice(cycle(lines), work["conversations"])))
    grown = asyncio.run(_grown(work["conversations"]))
    return report(TOPIC, [*cost, limited(gate["server"], "MB", [grown]), *_tau2(gate)])


async def _lines(size: int) -> list[bytes]:
    """The exported lines of a batch."""
    with tempfile.TemporaryDirectory() as folder, server("services.synthesizer") as process:
        async with connect(process.address) as client:
            await import_rehearsal(client, Path(folder))
            batch = await client.batches.start(batch_spec(size))
            await over(client, batch.name)
            chunks = [part.chunk async for part in client.batches.export(batch.name)]
    return b"".join(chunks).splitlines()


def _cost(gate: Any, lines: Sequence[bytes]) -> list[Result]:
    """The cost of each _AT_ONCE lines, and how much memory grows after the first tenth."""
    expected, procedure = read_expectations(_EXPECTED), ProcedureParts.read(_REVISION)
    more = (*expected, *read_expectations([_CONDITION]))
    _score(lines[:_AT_ONCE], more, procedure)  # compiles the expectations
    ours, decoding, condition, resident = [], [], [], []
    for start in range(0, len(lines), _AT_ONCE):
        some = lines[start : start + _AT_ONCE]
        decoding.append(_seconds(_decode, [*some] * _DECODINGS) / _DECODINGS)
        ours.append(_seconds(_score, some, expected, procedure))
        condition.append(_seconds(_score, some, more, procedure) - ours[-1])
        resident.append(_resident_mb())
    per_line = [1e6 * median(times) / _AT_ONCE for times in (ours, decoding, condition)]
    print("{:.0f} µs a conversation beside {:.0f} µs; a condition takes {:.0f} µs more".format(*per_line))
    ratios = [mine / other for mine, other in zip(ours, decoding, strict=True)]
    grown = max(resident) - resident[len(resident) // 10]
    return [
        limited(gate["time"], "×", ratios, samples={"ours": ours, "json": decoding}),
        limited(gate["memory"], "MB", [grown]),
    ]


def _seconds(work: Callable[..., None], *arguments: Any) -> float:
    """Seconds of processor time that a call takes."""
    begin = time.process_time()
    work(*arguments)
    return time.process_time() - begin


def _decode(lines: Sequence[bytes]) -> None:
    for line in lines:
        json.loads(line)


def _score(lines: Sequence[bytes], spec: Sequence[Expectation], procedure: ProcedureParts) -> None:
    for line in lines:
        transcript = Transcript.read(line)
        expected = expected_of(transcript, procedure, spec)
        score_key(transcript, expected)
        json.dumps(score_json(score(transcript, expected, procedure)))


def _resident_mb(process: int | str = "self") -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _grown(count: int) -> float:
    """How much more memory an evaluator has after a tenth of `count` sources, until its report about them is built.

    Its workers are left out, because each begins with nothing, and ends after work that took much.
    """
    with tempfile.TemporaryDirectory() as folder, server("services.synthesizer") as synthesizer:
        async with connect(synthesizer.address) as client:
            await client.procedures.import_file(shared_data("abcd") / "procedures.jsonl.gz", format="abcd")
            await client.sources.import_file(_dialogues(Path(folder), count), format="abcd")
        with server("services.evaluator", settings={"synthesizer_address": synthesizer.address}) as evaluator:
            resident: list[float] = []
            async with connect(evaluator.address, timeout=600) as client:
                spec = EvaluationSpec(sources=SourceFilter(format="abcd"))
                spec.expectations.extend(ParseDict(one, ExpectationMessage()) for one in _EXPECTED)
                async with client.evaluations.watch((await client.evaluations.start(spec)).name) as watch:
                    resident += [_resident_mb(evaluator.pid) async for _ in watch]
                assert watch.summary is not None
                assert len(resident) == count, watch.summary.detail
                building = asyncio.create_task(client.reports.build(ReportSpec(evaluation=watch.summary.name)))
                while not building.done():
                    resident.append(_resident_mb(evaluator.pid))
                    await asyncio.sleep(0.02)
                assert (await building).sides[0].success.total == count
    print(f"the evaluator had {resident[count // 10]:.0f} MB, and {max(resident[:count]):.0f} MB before the report")
    return max(resident) - resident[count // 10]


def _dialogues(folder: Path, count: int) -> Path:
    """A file with so many dialogues of abcd, again and again under other ids."""
    with gzip.open(shared_data("abcd") / "dialogues.jsonl.gz", "rt") as lines:
        dialogues = [json.loads(line) for line in lines]
    file = folder / "dialogues.jsonl"
    with file.open("w") as out:
        for number, dialogue in enumerate(islice(cycle(dialogues), count)):
            out.write(json.dumps(dialogue | {"id": f"abcd-{number}"}) + "\n")
    return file


def _tau2(gate: Any) -> list[Result]:
    runs = asyncio.run(scored_runs())
    retail = [run for run in runs if run.domain == "retail"]
    return [reached(gate["tau2"], "AUC", [auc(runs)]), reached(gate["tau2_retail"], "AUC", [auc(retail)])]
