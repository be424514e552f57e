"""Reports on campaigns: `ReportCampaign`, and `greenroom campaigns report`."""

from collections.abc import AsyncIterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from google.protobuf.json_format import Parse

from greenroom.client import GreenroomError, connect
from greenroom.evaluator.v1.campaign_check_pb2 import CampaignIssue
from greenroom.evaluator.v1.campaign_report_pb2 import CampaignReport, ReportCampaignRequest
from greenroom.synthesizer.v1.conversation_pb2 import CONVERSATION_TYPE_MANUAL, ConversationSpec
from greenroom.type.v1.campaign_pb2 import CampaignFile
from shared.model.campaigns.reading import read_campaign
from tests.contract.houses import House, serving
from tests.processes import service

EXAMPLES = Path(__file__).parents[2] / "examples" / "campaigns"
SOUND, DAMAGED = EXAMPLES / "check-up.yaml", EXAMPLES / "check-up-damaged.yaml"
TOOLS = """\
mocks:
- tool: book_visit
  default_answer: {value: {day: Friday}}
"""

SIMPLE = "display_name: One\nsteps: [{id: hi, send_sms: {body: Hi}, next: bye}, {id: bye, exit: {}}]\n"


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("house")
    (folder / "tools.yaml").write_text(TOOLS)
    async with (
        service("tests.model_stub", {}) as stub,
        # The stub says that no tokens are left for a minute, which would hold back a second call.
        serving(
            folder, GREENROOM_OPENAI_BASE_URL=f"http://{stub.address}/v1", GREENROOM_MODEL_AROUND="meter"
        ) as running,
    ):
        yield running


def played(house: House, file: Path, form: str, *more: str) -> tuple[str, ...]:
    """The words of a command that plays 42 contacts and reports on them."""
    tools = str(house.folder / "tools.yaml")
    return "campaigns", "report", str(file), "--tools", tools, "--size", "42", "--format", form, *more


async def test_the_sound_campaign_passes_and_its_damaged_twin_shows_its_faults(house: House) -> None:
    out = house.folder / "report.json"
    assert (await house.run(*played(house, SOUND, "json", "--out", str(out)))).status == 0
    sound = Parse(out.read_text(), CampaignReport())
    assert (await house.run(*played(house, DAMAGED, "json", "--out", str(out)))).status == 1
    damaged = Parse(out.read_text(), CampaignReport())

    assert sound.passed
    assert not [issue for issue in sound.issues if issue.severity == CampaignIssue.SEVERITY_ERROR]
    assert not damaged.passed
    assert damaged.score < sound.score - 15
    for report in (sound, damaged):
        weights = sum(part.weight for part in report.parts)
        assert report.score == int(sum(part.points * part.weight for part in report.parts) / weights + 1e-9)
        steps = {step.id for step in read_campaign((SOUND if report is sound else DAMAGED).read_bytes(), "x").steps}
        assert 3 <= len(report.recommendations) <= 5
        assert all(one.steps and {*one.steps} <= steps and one.evidence for one in report.recommendations)
        assert len({one.subject for one in report.recommendations}) >= 3
        assert len(report.contacts) == report.conversion.contacts == 42
        assert all(row.step for one in report.contacts for row in one.interactions)
        taken = {(row.step, row.branch) for one in report.contacts for row in one.interactions if row.branch}
        assert {(edge.step, edge.branch) for edge in report.edges if edge.times} == taken
        assert report.conversion.low < report.conversion.value < report.conversion.high
        assert sum(one.conversion.converted for one in report.personas) == report.conversion.converted
        [split] = report.splits
        assert [arm.arm for arm in split.arms] == ["plain", "benefits"]
        assert split.arms[1].low < split.arms[1].difference < split.arms[1].high
    found = {(issue.type, issue.step) for issue in damaged.issues}
    assert {("fell_through", "read_first"), ("infinite_loop", "nag"), ("message_held_back", "remind")} <= found


async def test_a_batch_is_reported_in_every_form_and_the_threshold_decides(house: House) -> None:
    tools = str(house.folder / "tools.yaml")
    await house.ok("campaigns", "simulate", str(SOUND), "--tools", tools, "--size", "14")
    await house.ok("campaigns", "create", str(SOUND), "--external-id", "check-up")

    of_batch = ("campaigns", "report", "check-up", "--batch", "latest", "--format")
    text = (await house.ok(*of_batch, "markdown")).out
    page = (await house.ok(*of_batch, "html")).out
    junit = await house.run(*of_batch, "junit", "--fail-under", "100")

    assert "of 14 contacts" in text
    assert "### What to change" in text
    assert page.startswith("<!doctype html>")
    assert junit.status == 1
    suite = ElementTree.fromstring(junit.out)
    failed = [case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None]
    assert failed == ["score"]
    assert {"nothing after STOP", "invite"} <= {case.get("name") for case in suite.iter("testcase")}


async def test_what_cannot_be_reported_is_refused_with_a_sentence(house: House) -> None:
    async with connect(house.address) as client:
        file = CampaignFile(content=SOUND.read_bytes())
        manual = ConversationSpec(type=CONVERSATION_TYPE_MANUAL)
        conversation = (await client.conversations.start(manual)).name
        played = await client.simulations.start([SIMPLE], "personas/eager-eddie")
        async with client.conversations.watch(played.name) as events:
            async for _ in events:
                pass
        for request, reason in (
            (ReportCampaignRequest(file=file), "NO_SIMULATION_NAMED"),
            (ReportCampaignRequest(file=file, conversations=[conversation]), "NOTHING_TO_REPORT"),
            (ReportCampaignRequest(file=file, conversations=[played.name]), "CAMPAIGN_NOT_SIMULATED"),
            (ReportCampaignRequest(file=CampaignFile(content=b"- 1"), conversations=[played.name]), "CAMPAIGN_INVALID"),
        ):
            with pytest.raises(GreenroomError) as wrong:
                await client.reports.report_campaign(request)
            assert wrong.value.reason == reason
        report, text = await client.reports.report_campaign(
            ReportCampaignRequest(file=CampaignFile(content=SIMPLE.encode()), conversations=[played.name])
        )
        assert report.conversion.contacts == 1
        assert text


async def test_a_model_adds_its_view_and_its_failure_is_a_note(house: House) -> None:
    checked = await house.ok("campaigns", "validate", str(SOUND), "--reviewer", "openai:review")
    assert "info model_view at invite: It does not say why now." in checked.out
    assert "the step 'nowhere', which does not exist" in checked.out
    assert "valid: 1 issue, score 100 of 100" in checked.out
    broken = await house.ok("campaigns", "validate", str(SOUND), "--reviewer", "openai:declined")
    assert "There is no view of the model" in broken.out
    refused = await house.run("campaigns", "validate", str(SOUND), "--reviewer", "nobody:x")
    assert refused.status != 0
    assert "nobody" in refused.err

    out = house.folder / "viewed.json"
    few = (*played(house, SOUND, "json", "--out", str(out), "--reviewer", "openai:review"), "--size", "7")
    await house.ok(*few)
    report = Parse(out.read_text(), CampaignReport())
    assert [one.sentence for one in report.recommendations if one.by_model] == ["Say why now."]
    assert sum(not one.by_model for one in report.recommendations) >= 3
    assert "model_view" in {issue.type for issue in report.issues}
    assert any("'nowhere'" in note for note in report.notes)
    assert report.usage.model_calls == 1
