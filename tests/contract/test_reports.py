"""Reports about evaluations, over real gRPC on both databases."""

import json
from collections.abc import AsyncIterator, Sequence
from xml.etree import ElementTree

import pytest

from greenroom.client import GreenroomError
from greenroom.evaluator.v1 import evaluation_pb2
from greenroom.evaluator.v1 import report_pb2 as pb
from greenroom.synthesizer.v1 import batch_pb2
from greenroom.type.v1.expectation_pb2 import Expectation, ExpectedToolCall
from tests.scripted import Script, Theatre, calls, leaves, refused, says, theatre
from tests.suite import new_stores

Format = pb.RenderReportRequest

FINDS = Expectation(id="finds", text="The agent looks the order up.", called=ExpectedToolCall(tool="find_order"))
HOSTILE = "<script>alert('x')</script> \x1b[31mNo idea."
LOOKS = Script(persona=[says("Where is O-7?"), leaves("Bye.")], agent=[calls("find_order", order="O-7"), says("Sent.")])
FORGETS = Script(persona=[says("Where is O-7?"), leaves("Bye.")], agent=[says(HOSTILE)])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    stores = new_stores(request)
    url, folder = stores.pop("synthesizer"), tmp_path_factory.mktemp("reports")
    async with theatre(url, folder, others={"evaluator": stores["evaluator"]}, model_attempts=1) as made:
        yield made


async def evaluation(stage: Theatre, scripts: Sequence[Script]) -> str:
    """The completed evaluation of a batch with one conversation for each script."""
    spec = batch_pb2.BatchSpec(
        conversation=stage.spec(Script(by_index=dict(enumerate(scripts))), persona=""), size=len(scripts)
    )
    spec.conversation.tool_config.default_answer.value.struct_value.update({"state": "sent"})
    batch = await stage.client.batches.start(spec)
    wanted = evaluation_pb2.EvaluationSpec(batch=batch.name, expectations=[FINDS])
    started = await stage.client.evaluations.start(wanted)
    async with stage.client.evaluations.watch(started.name) as results:
        async for _ in results:
            pass
    return started.name


async def rendered(stage: Theatre, report: str, file_format: pb.RenderReportRequest.Format.ValueType) -> str:
    chunks = [chunk async for chunk in stage.client.reports.render(report, file_format)]
    return b"".join(chunks).decode()


async def test_a_damaged_side_is_worse_and_the_page_shows_the_evidence_in_its_transcripts(stage: Theatre) -> None:
    sound, damaged = await evaluation(stage, [LOOKS] * 12), await evaluation(stage, [FORGETS] * 9 + [LOOKS] * 3)

    report = await stage.client.reports.build(pb.ReportSpec(evaluation=damaged, baseline=sound, label="damaged"))

    assert report.verdict == pb.Report.VERDICT_WORSE
    assert report.headline.startswith("damaged is worse: it passed 3 of 12 conversations, baseline 12 of 12")
    assert (report.comparison.pairs, report.comparison.gained, report.comparison.lost) == (12, 0, 9)
    assert report.comparison.p < 0.01
    assert report.expectations[0].id == "finds"
    assert (report.spec.alpha, report.spec.margin, report.spec.baseline_label) == (0.05, 0.1, "baseline")
    assert (await stage.client.reports.get(report.name)) == report

    page = await rendered(stage, report.name, Format.FORMAT_UNSPECIFIED)
    assert "Where is O-7?" in page
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; \\u001b[31mNo idea." in page
    assert "<script" not in page
    assert "Sent." in page, "what the baseline's agent said stands beside"
    markdown = await rendered(stage, report.name, Format.FORMAT_MARKDOWN)
    assert markdown.startswith("## 🔴 Worse\n")
    suite = ElementTree.fromstring(await rendered(stage, report.name, Format.FORMAT_JUNIT))
    assert int(suite.get("failures", "")) == 2
    document = json.loads(await rendered(stage, report.name, Format.FORMAT_JSON))
    assert document["verdict"] == "VERDICT_WORSE"


async def test_a_page_is_written_without_the_transcripts_of_deleted_conversations(stage: Theatre) -> None:
    name = await evaluation(stage, [FORGETS])
    batch = (await stage.client.evaluations.get(name)).spec.batch
    report = await stage.client.reports.build(pb.ReportSpec(evaluation=name))
    await stage.client.batches.delete(batch)

    page = await rendered(stage, report.name, Format.FORMAT_HTML)

    assert "The transcript is not shown here." in page
    assert "Where is O-7?" not in page


async def test_one_request_makes_one_report_and_a_list_shows_those_about_an_evaluation(stage: Theatre) -> None:
    one, two = await evaluation(stage, [LOOKS]), await evaluation(stage, [LOOKS])
    spec = pb.ReportSpec(evaluation=one, baseline=two, threshold=0.5)

    first = await stage.client.reports.build(spec, request_id=f"build-{one}")
    again = await stage.client.reports.build(spec, request_id=f"build-{one}")
    alone = await stage.client.reports.build(pb.ReportSpec(evaluation=one))

    assert again == first
    listed = [report async for report in stage.client.reports.list(evaluation=one)]
    assert [report.name for report in listed] == [alone.name, first.name]
    assert (listed[1].headline, listed[1].sides) == (first.headline, first.sides)
    assert not listed[1].expectations
    assert [report.name async for report in stage.client.reports.list(evaluation=two)] == [first.name]


async def test_an_evaluation_stays_while_a_report_stands_on_it(stage: Theatre) -> None:
    name = await evaluation(stage, [LOOKS])
    report = await stage.client.reports.build(pb.ReportSpec(evaluation=name))

    async with refused("FAILED_PRECONDITION", "EVALUATION_IN_USE"):
        await stage.client.evaluations.delete(name)
    await stage.client.reports.delete(report.name)
    await stage.client.evaluations.delete(name)

    with pytest.raises(GreenroomError, match=f"There is no report {report.name}"):
        await stage.client.reports.get(report.name)
