"""RubricService over a real connection, on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from greenroom.client import Client, GreenroomError
from greenroom.evaluator.v1.rubric_pb2 import RubricRevision
from tests.suite import new_stores, suite

MANNERS = Path(__file__).parents[2] / "examples" / "judges" / "manners.yaml"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    stores, folder = new_stores(request), tmp_path_factory.mktemp("rubrics")
    async with suite(stores["synthesizer"], folder, others={"evaluator": stores["evaluator"]}) as running:
        yield running.client


async def test_a_rubric_has_revisions_that_cannot_change_once_they_are_ready(client: Client, tmp_path: Path) -> None:
    rubrics, shorter, wrong = client.rubrics, tmp_path / "shorter.yaml", tmp_path / "wrong.yaml"
    shorter.write_text(MANNERS.read_text().partition("  closes:")[0])
    wrong.write_text("display_name: x\ncriteria: {}\n")
    created = await rubrics.create(MANNERS, external_id="manners", request_id="once")
    assert await rubrics.create(MANNERS, external_id="manners", request_id="once") == created
    name = created.rubric.name
    assert [one.name async for one in rubrics.list(external_id="manners")] == [name]

    await rubrics.add_revision(name, MANNERS)
    await rubrics.update_revision(name, 2, shorter)
    await rubrics.mark_ready(name, 2)

    got = await rubrics.get(name)
    assert (got.rubric.latest_revision, got.rubric.latest_ready_revision) == (2, 2)
    assert (got.revision.state, [*got.revision.criteria]) == (RubricRevision.STATE_READY, ["polite"])
    reasons = []
    for call in (
        rubrics.update_revision(name, 2, MANNERS),
        rubrics.create(MANNERS, external_id="manners"),
        rubrics.create(wrong),
        rubrics.get(name, revision=7),
    ):
        with pytest.raises(GreenroomError) as refused:
            await call
        reasons.append(refused.value.reason)
    assert reasons == [
        "RUBRIC_REVISION_READY",
        "RUBRIC_EXTERNAL_ID_TAKEN",
        "RUBRIC_INVALID",
        "RUBRIC_REVISION_NOT_FOUND",
    ]
    await rubrics.delete_revision(name, 2)
    await rubrics.delete(name)
    with pytest.raises(GreenroomError) as gone:
        await rubrics.get(name)
    assert gone.value.reason == "RUBRIC_NOT_FOUND"
