"""Calibration with real customers: halves of them are alike, and each built-in persona is told from them by a trait."""

import gzip
from pathlib import Path

from greenroom.client import Client
from greenroom.evaluator.v1 import calibration_pb2 as pb
from greenroom.synthesizer.v1.source_pb2 import SourceFilter
from tests.data import shared_data
from tests.rehearsals import batch_spec
from tests.rehearsals import over as batch_over
from tests.suite import suite

DIALOGUES, SIZE = 240, 210
HALVES = ("even", "odd")


async def over(client: Client, spec: pb.CalibrationSpec) -> pb.Calibration:
    """The calibration of the spec, once it is over."""
    async with client.calibrations.watch((await client.calibrations.start(spec)).name) as talks:
        async for _ in talks:
            pass
    assert talks.summary is not None
    assert talks.summary.state == pb.Calibration.STATE_COMPLETED, talks.summary.detail
    return talks.summary


async def test_halves_of_people_are_at_the_floor_and_each_persona_differs_in_a_declared_trait(tmp_path: Path) -> None:
    abcd = shared_data("abcd")
    with gzip.open(abcd / "dialogues.jsonl.gz", "rt") as lines:
        dialogues = lines.readlines()[:DIALOGUES]
    evaluator = f"sqlite+aiosqlite:///{tmp_path}/evaluator.db"
    async with suite("sqlite", tmp_path, others={"evaluator": evaluator}) as greenroom:
        client = greenroom.client
        await client.procedures.import_file(abcd / "procedures.jsonl.gz", format="abcd")
        for place, half in enumerate(HALVES):
            file = tmp_path / f"{half}.jsonl"
            file.write_text("".join(dialogues[place::2]))
            await client.sources.import_file(file, format="abcd", labels=[half])
        batch = await client.batches.start(batch_spec(SIZE))

        one, other = (SourceFilter(labels=[half]) for half in HALVES)
        people = await over(client, pb.CalibrationSpec(sources=other, people=one))
        await batch_over(client, batch.name)
        found = await over(client, pb.CalibrationSpec(batch=batch.name))

    [every] = people.groups
    assert not every.differs
    assert every.distance.value <= every.floor.high
    assert sum(measure.differs for measure in every.measures) <= 2
    everyone, *personas = found.groups
    assert (found.people, everyone.conversations, len(personas)) == (DIALOGUES, SIZE, 7)
    assert everyone.differs
    for persona in personas:
        assert persona.differs, persona.display_name
        assert any(trait.shown for trait in persona.traits), persona
