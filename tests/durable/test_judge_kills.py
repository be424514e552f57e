"""After SIGKILL a judgement completes with the same verdicts, and no answer of a model is paid for twice."""

from pathlib import Path
from signal import SIGKILL

from greenroom.evaluator.v1.judge_pb2 import Judgement, JudgementSpec
from tests.durable.model_kills import model_server, settings
from tests.durable.test_evaluation_kills import evaluator
from tests.rehearsals import batch_spec, import_rehearsal, over
from tests.suite import suite

SIZE, REPEATS = 10, 3
MANNERS = Path(__file__).parents[2] / "examples" / "judges" / "manners.yaml"


async def test_a_judgement_whose_server_is_killed_pays_for_no_answer_twice(tmp_path: Path) -> None:
    async with suite("sqlite", tmp_path) as greenroom, model_server() as server:
        await import_rehearsal(greenroom.client, tmp_path)
        batch = (await greenroom.client.batches.start(batch_spec(SIZE))).name
        await over(greenroom.client, batch)
        there = {
            "GREENROOM_DATA_DIR": str(tmp_path / "killed"),
            "GREENROOM_COMPUTE_WORKERS": "1",
            "GREENROOM_SYNTHESIZER_ADDRESS": greenroom.address,
            **settings(server),
        }
        spec = JudgementSpec(batch=batch, models=["openai:judge"], repeats=REPEATS)

        # The first kill comes before any result is stored, the second after results and further answers were.
        async with evaluator(there, KILL_AT="record:7") as (process, client):
            spec.rubric = (await client.rubrics.create(MANNERS)).rubric.name
            started = await client.judgements.start(spec)
            assert await process.died() == -SIGKILL
        async with evaluator(there, KILL_AT="record:3") as (process, _):
            assert await process.died() == -SIGKILL
        async with evaluator(there) as (_, client), client.judgements.watch(started.name) as watch:
            found = [one async for one in watch]

        await server.read()
        assert watch.summary is not None
        assert watch.summary.state == Judgement.STATE_COMPLETED, watch.summary.detail
        assert sorted(one.index for one in found) == list(range(SIZE))
        assert watch.summary.usage.model_calls == SIZE * REPEATS
        # Only calls whose answers were not stored at a kill are made again: of 24 all but 7, then of 30 all but 10.
        # Without recordings each run would ask about the first 8 conversations again.
        in_flight = (8 * REPEATS - 7) + (SIZE * REPEATS - 10)
        assert SIZE * REPEATS <= len(server.asked) <= SIZE * REPEATS + in_flight
