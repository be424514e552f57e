"""CampaignService and CampaignCheckService over a real connection, on both databases."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from greenroom.client import Client, GreenroomError
from greenroom.evaluator.v1.campaign_check_pb2 import CampaignIssue, CheckCampaignResponse
from greenroom.synthesizer.v1.campaign_pb2 import CampaignRevision
from shared.model.campaigns.reading import read_campaign
from shared.model.campaigns.writing import document
from tests.suite import new_stores, suite

EXAMPLES = Path(__file__).parents[2] / "examples" / "campaigns"
SOUND, DAMAGED = EXAMPLES / "check-up.yaml", EXAMPLES / "check-up-damaged.yaml"
SOUND_TEXT = SOUND.read_text()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    stores, folder = new_stores(request), tmp_path_factory.mktemp("campaigns")
    async with suite(stores["synthesizer"], folder, others={"evaluator": stores["evaluator"]}) as running:
        yield running.client


def found(checked: CheckCampaignResponse) -> set[tuple[str, str]]:
    return {(issue.type, issue.step) for issue in checked.issues}


def refused(error: pytest.ExceptionInfo[GreenroomError]) -> tuple[str, str]:
    return error.value.code, error.value.reason


async def test_a_campaign_comes_back_as_it_was_created_from_yaml_and_json(client: Client, tmp_path: Path) -> None:
    campaigns = client.campaigns
    as_json = tmp_path / "check-up.json"
    as_json.write_text(json.dumps(document(read_campaign(SOUND.read_bytes(), "check-up.yaml"))))

    created = await campaigns.create(SOUND, external_id="check-up", request_id="once")
    again = await campaigns.create(SOUND, external_id="check-up", request_id="once")
    other = await campaigns.create(as_json)

    got = await campaigns.get(created.campaign.name)
    assert (got.campaign, got.revision) == (created.campaign, created.revision) == (again.campaign, again.revision)
    assert read_campaign(got.revision.content, "got") == read_campaign(SOUND.read_bytes(), "sound")
    assert other.revision.content == got.revision.content
    assert (got.campaign.display_name, got.revision.step_count) == ("Yearly check-up", 19)
    assert [one.name async for one in campaigns.list(external_id="check-up")] == [created.campaign.name]
    with pytest.raises(GreenroomError) as taken:
        await campaigns.create(DAMAGED, external_id="check-up")
    assert refused(taken) == ("ALREADY_EXISTS", "CAMPAIGN_EXTERNAL_ID_TAKEN")


async def test_revisions_of_a_campaign_are_drafts_until_they_are_ready(client: Client) -> None:
    campaigns = client.campaigns
    name = (await campaigns.create(SOUND)).campaign.name

    second = await campaigns.add_revision(name, SOUND)
    updated = await campaigns.update_revision(name, 2, DAMAGED)
    ready = await campaigns.mark_ready(name, 2)

    assert (second.number, second.state) == (2, CampaignRevision.STATE_DRAFT)
    assert updated.content != second.content
    assert (ready.state, ready.content) == (CampaignRevision.STATE_READY, updated.content)
    campaign = (await campaigns.get(name)).campaign
    assert (campaign.latest_revision, campaign.latest_ready_revision) == (2, 2)
    assert campaign.display_name == "Yearly check-up, damaged"
    with pytest.raises(GreenroomError) as immutable:
        await campaigns.update_revision(name, 2, SOUND)
    assert refused(immutable) == ("FAILED_PRECONDITION", "CAMPAIGN_REVISION_READY")
    with pytest.raises(GreenroomError) as missing:
        await campaigns.get(name, revision=7)
    assert refused(missing) == ("NOT_FOUND", "CAMPAIGN_REVISION_NOT_FOUND")
    await campaigns.delete_revision(name, 2)
    with pytest.raises(GreenroomError) as only:
        await campaigns.delete_revision(name, 1)
    assert refused(only) == ("FAILED_PRECONDITION", "ONLY_CAMPAIGN_REVISION")
    await campaigns.delete(name)
    with pytest.raises(GreenroomError) as gone:
        await campaigns.get(name)
    assert refused(gone) == ("NOT_FOUND", "CAMPAIGN_NOT_FOUND")


async def test_a_stored_and_an_inline_campaign_are_checked_alike(client: Client) -> None:
    campaigns = client.campaigns
    name = (await campaigns.create(SOUND)).campaign.name
    await campaigns.add_revision(name, DAMAGED)

    sound, damaged = await campaigns.check(name, revision=1), await campaigns.check(name)

    assert (sound.valid, sound.score, sound.issue_count, sound.revision) == (True, 100, 0, 1)
    assert (damaged.valid, damaged.campaign, damaged.revision) == (False, name, 2)
    assert found(damaged) >= {
        ("infinite_loop", "nag"),
        ("orphan_step", "silent"),
        ("condition_never_holds", "by_insurance"),
        ("missing_else", "read_first"),
        ("delay_in_quiet_hours", "pause"),
    }
    inline = await campaigns.check_file(DAMAGED)
    assert [*inline.issues] == [*damaged.issues]
    assert (inline.score, inline.campaign, inline.revision) == (damaged.score, "", 0)
    severities = [issue.severity for issue in inline.issues]
    assert severities == sorted(severities)
    assert severities[0] == CampaignIssue.SEVERITY_ERROR
    assert all(issue.sentence and issue.fix for issue in inline.issues)


def _deep(text: str, deep: str) -> Callable[[str], str]:
    return lambda sound: sound.replace(text, deep)


BAD: dict[str, tuple[Callable[[str], str], str]] = {
    "not YAML": (lambda _: "steps: [", "BAD_YAML"),
    "no campaign": (lambda _: "- 1", "CAMPAIGN_INVALID"),
    "an unknown kind of step": (_deep("send_sms:", "send_smss:"), "did you mean `send_sms`?"),
    "an unknown key": (_deep("otherwise:", "otherwize:"), "did you mean `otherwise`?"),
    "an unknown time zone": (_deep("Europe/Berlin", "Europe/Berln"), "`time_zone` should be the IANA name"),
    "a date that does not exist": (_deep("2026-12-25", "2026-02-30"), "a date that exists"),
    "a contact field of the wrong type": (_deep("default: en", "default: 3"), "of type text, and 3 is not"),
    "recursion": (_deep("steps:", "steps: &a\n- *a\nx:"), "alias"),
    "nesting": (_deep("steps:", f"x: {'[' * 5_000}{']' * 5_000}\nsteps:"), "nested more than 64 deep"),
}


async def test_a_campaign_that_cannot_be_read_is_refused_with_what_is_wrong(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    for name, (damage, told) in BAD.items():
        file.write_text(damage(SOUND_TEXT))
        for call in (client.campaigns.check_file, client.campaigns.create):
            with pytest.raises(GreenroomError) as wrong:
                await call(file)
            assert wrong.value.code == "INVALID_ARGUMENT", name
            assert told in f"{wrong.value.reason} {wrong.value} {wrong.value.violations}", name


async def test_deep_conditions_and_endless_cycles_are_issues_and_the_service_keeps_serving(
    client: Client, tmp_path: Path
) -> None:
    steps = [
        {"id": f"s{number}", "delay": {"duration": "0 days"}, "next": f"s{(number + 1) % 5_000}"}
        for number in range(5_000)
    ]
    steps[7] = {"id": "s7", "condition": {"branches": [{"when": f"{'(' * 900}true{')' * 900}", "next": "s8"}]}}
    file = tmp_path / "cycle.json"
    file.write_text(json.dumps({"display_name": "Endless", "steps": steps}))

    checked = await client.campaigns.check_file(file)

    assert {("infinite_loop", "s0"), ("loop_without_delay", "s0"), ("bad_condition", "s7")} <= found(checked)
    assert (checked.issue_count, len(checked.issues)) == (5_002, 1_000)
    assert (await client.campaigns.check_file(SOUND)).valid
