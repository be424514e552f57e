"""greenroom campaigns"""

from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict
from rich.text import Text

from cli.campaign_coverage import cover
from cli.campaign_reports import report
from cli.kit.documents import document
from cli.kit.imported import print_imported
from cli.kit.names import named
from cli.kit.render import console, print_json, short
from cli.kit.revisions import ExternalId, Ready, add_revision_commands
from cli.kit.run import FAILED, OK, Failed, Json, Strict, command, noun
from cli.kit.simulated import print_interactions, print_summaries, sound
from cli.kit.simulating import Played, Players, Reviewer, play, target_of
from greenroom.client import Client
from greenroom.evaluator.v1.campaign_check_pb2 import CampaignIssue, CheckCampaignResponse
from greenroom.synthesizer.v1.campaign_pb2 import ImportedPart

app = noun("Message workflows: check them before they reach a person.")

Name = Annotated[str, named("campaigns")]
File = Annotated[Path, typer.Argument(help="The campaign as YAML or JSON.")]
Threshold = Annotated[
    int, typer.Option(min=0, max=100, help="The score that must be reached; issues that are errors always fail.")
]
_STYLES = {
    CampaignIssue.SEVERITY_ERROR: "red",
    CampaignIssue.SEVERITY_WARNING: "yellow",
    CampaignIssue.SEVERITY_INFO: "",
}


@command(app, "validate")
async def validate(
    client: Client, file: File, threshold: Threshold = 0, reviewer: Reviewer = "", json: Json = False
) -> int:
    """Check the campaign in a file by rules. Exit status 1 if an issue is an error or the score is below the
    threshold."""
    return _checked(await client.campaigns.check_file(file, model=reviewer), file.name, threshold, json)


@command(app, "check")
async def check(
    client: Client,
    name: Name,
    revision: Annotated[int, typer.Option(min=0, help="Which revision; 0: the newest.")] = 0,
    threshold: Threshold = 0,
    reviewer: Reviewer = "",
    json: Json = False,
) -> int:
    """Check a stored campaign by rules, as `validate` checks a file."""
    found = await client.campaigns.check(name, revision=revision, model=reviewer)
    return _checked(found, f"{short(found.campaign)} revision {found.revision}", threshold, json)


@command(app, "simulate")
async def simulate(
    client: Client,
    campaigns: Played,
    players: Players,
    json: Json = False,
) -> int:
    """Play personas through campaigns.

    With a persona it shows every interaction, without one every edge. Exit status 1 if an interaction is an error or an
    expectation is missed.
    """
    conversation, batch = await play(client, await target_of(client, campaigns), players)
    found = await client.simulations.summarize(conversation=conversation, batch=batch)
    if json:
        for one in found:
            print_json(one)
    else:
        if conversation:
            print_interactions([row async for row in client.simulations.interactions(conversation)])
        print_summaries(found, edges=not conversation)
    return OK if sound(found) else FAILED


command(app, "cover")(cover)
command(app, "report")(report)
add_revision_commands(app, "campaign", lambda revision: ("steps", f"{revision.step_count:,}"))


@command(app, "import")
async def import_(
    client: Client,
    files: Annotated[list[Path], typer.Argument(help="The campaign; after it files beside it, such as templates.")],
    format: Annotated[str, typer.Option(help="greenroom, n8n or dittofeed; detected by default.")] = "",  # noqa: A002
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store nothing.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also write the campaign as YAML here.")] = None,
    tools: Annotated[
        Path | None, typer.Option(help="Write mocks of its webhooks here, for `simulate --tools`.")
    ] = None,
    external_id: ExternalId = "",
    ready: Ready = False,
    strict: Strict = False,
    json: Json = False,
) -> int:
    """Import a campaign of n8n or Dittofeed, and say what of it was read, approximated and left out."""
    for path in filter(None, (output, tools)):
        if path.exists():
            raise Failed(f"{path} exists; delete it or choose another name.")
    found = await client.campaigns.import_files(
        *files, format=format, dry_run=dry_run, external_id=external_id, ready=ready
    )
    if output:
        output.write_bytes(found.revision.content)
    if tools:
        mocks: dict[str, Any] = MessageToDict(found.tools, preserving_proto_field_name=True)
        tools.write_text(document(mocks, {}, f"What the webhooks of {files[0].name} answer."), "utf-8")
    if json:
        print_json(found)
    else:
        print_imported(found, files[0].name)
        if found.HasField("campaign"):
            console().print(f"It is stored as {found.campaign.name}.", soft_wrap=True)
    return FAILED if strict and any(part.outcome != ImportedPart.OUTCOME_READ for part in found.parts) else OK


def _checked(found: CheckCampaignResponse, what: str, threshold: int, json: bool) -> int:
    """Print what was found; returns the exit status."""
    if json:
        print_json(found)
    else:
        out = console()
        for issue in found.issues:
            severity = CampaignIssue.Severity.Name(issue.severity).removeprefix("SEVERITY_").lower()
            kind = f"{issue.type} at {issue.step}" if issue.step else issue.type
            head = Text.assemble((severity, _STYLES.get(issue.severity, "")), f" {kind}: {issue.sentence}")
            out.print(head, soft_wrap=True)
            out.print(f"  {issue.fix}", soft_wrap=True)
        if found.issue_count > len(found.issues):
            out.print(f"… and {found.issue_count - len(found.issues):,} more.")
        for note in found.notes:
            out.print(note, soft_wrap=True)
        verdict = "valid" if found.valid else "not valid"
        counted = f"{found.issue_count:,} issue{'' if found.issue_count == 1 else 's'}"
        out.print(f"{what} is {verdict}: {counted}, score {found.score} of 100.", soft_wrap=True)
    return OK if found.valid and found.score >= threshold else FAILED
