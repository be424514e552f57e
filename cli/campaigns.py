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
from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named
from cli.kit.render import Rows, console, facts, print_document, print_json, short, when
from cli.kit.run import FAILED, OK, Failed, Json, Strict, Yes, command, confirmed, noun
from cli.kit.simulated import print_interactions, print_summaries, sound
from cli.kit.simulating import Played, Players, Reviewer, play, target_of
from greenroom.client import Client
from greenroom.evaluator.v1.campaign_check_pb2 import CampaignIssue, CheckCampaignResponse
from greenroom.synthesizer.v1.campaign_pb2 import Campaign, CampaignRevision, ImportedPart

app = noun("Message workflows: check them before they reach a person.")

Name = Annotated[str, named("campaigns")]
Number = Annotated[int, typer.Argument(min=1, help="The revision's number.")]
File = Annotated[Path, typer.Argument(help="The campaign as YAML or JSON.")]
Ready = Annotated[bool, typer.Option("--ready", help="Make the revision ready at once; it cannot change any more.")]
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


@command(app, "create")
async def create(
    client: Client,
    file: File,
    external_id: Annotated[str, typer.Option(help="Your own id for it.")] = "",
    ready: Ready = False,
    json: Json = False,
) -> None:
    """Store the campaign in a file with its first revision."""
    made = await client.campaigns.create(file, external_id=external_id, ready=ready)
    _print(made.campaign, made.revision, json)


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
    external_id: Annotated[str, typer.Option(help="Your own id for it.")] = "",
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


@command(app, "revise")
async def revise(client: Client, name: Name, file: File, ready: Ready = False, json: Json = False) -> None:
    """Add the campaign in a file as the next revision."""
    revision = await client.campaigns.add_revision(name, file, ready=ready)
    if json:
        print_json(revision)
    else:
        console().print(f"{name} has revision {revision.number}, {_state(revision)}.")


@command(app, "update-revision")
async def update_revision(client: Client, name: Name, revision: Number, file: File, json: Json = False) -> None:
    """Replace the content of a draft by the campaign in a file."""
    updated = await client.campaigns.update_revision(name, revision, file)
    if json:
        print_json(updated)
    else:
        console().print(f"{name} revision {updated.number} is updated.")


@command(app, "ready")
async def ready_(client: Client, name: Name, revision: Number, json: Json = False) -> None:
    """Make a revision ready: it cannot change any more."""
    made = await client.campaigns.mark_ready(name, revision)
    if json:
        print_json(made)
    else:
        console().print(f"{name} revision {made.number} is {_state(made)}.")


@command(app, "list")
async def list_(
    client: Client,
    external_id: Annotated[str, typer.Option(help="Only the one with this id of the caller's.")] = "",
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List the campaigns, newest first."""
    rows = Rows("CAMPAIGN", "READY", "CALLED", "EXTERNAL ID", leave_out=["CALLED"], prose=["CALLED"])
    listing = client.campaigns.list(external_id=external_id)
    await print_list(listing, rows, _row, limit=limit, every=every, json=json)


def _row(campaign: Campaign) -> tuple[str, ...]:
    newest = campaign.latest_ready_revision
    ready = f"{newest} of {campaign.latest_revision}" if newest else "no"
    return short(campaign.name), ready, campaign.display_name, campaign.external_id


@command(app, "show")
async def show(
    client: Client,
    name: Name,
    revision: Annotated[int, typer.Option(min=0, help="Which revision; 0: the newest.")] = 0,
    yaml: Annotated[bool, typer.Option("--yaml", help="Print the campaign as YAML.")] = False,
    json: Json = False,
) -> None:
    """Show a campaign and one of its revisions."""
    found = await client.campaigns.get(name, revision=revision)
    if json:
        print_json(found)
    elif yaml:
        print_document(found.revision.content.decode())
    else:
        _print(found.campaign, found.revision, json=False)


@command(app, "delete-revision")
async def delete_revision(client: Client, name: Name, revision: Number, yes: Yes = False) -> None:
    """Delete a revision for good."""
    confirmed(f"Delete revision {revision} of {name} for good?", yes)
    await client.campaigns.delete_revision(name, revision)
    console().print(f"Revision {revision} of {name} is deleted.")


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a campaign with its revisions, for good."""
    confirmed(f"Delete {name} for good?", yes)
    await client.campaigns.delete(name)
    console().print(f"{name} is deleted.")


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


def _print(campaign: Campaign, revision: CampaignRevision, json: bool) -> None:
    if json:
        print_json(campaign)
        return
    rows = [
        ("name", campaign.name),
        ("called", campaign.display_name),
        ("description", campaign.description),
        ("external id", campaign.external_id),
        ("created", when(campaign.create_time)),
        ("revision", f"{revision.number} of {campaign.latest_revision}, {_state(revision)}"),
        ("steps", f"{revision.step_count:,}"),
    ]
    console().print(facts(*rows))


def _state(revision: CampaignRevision) -> str:
    return CampaignRevision.State.Name(revision.state).removeprefix("STATE_").lower()
