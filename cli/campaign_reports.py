"""greenroom campaigns report"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.kit.names import naming
from cli.kit.rehearsing import check_writable
from cli.kit.render import console, print_document
from cli.kit.run import FAILED, OK
from cli.kit.simulating import Players, Reviewer, play, target_of
from greenroom.client import Client
from greenroom.evaluator.v1.campaign_report_pb2 import ReportCampaignRequest
from greenroom.type.v1.campaign_pb2 import CampaignFile


class ReportFormat(StrEnum):
    """A format of reports on campaigns."""

    MARKDOWN = "markdown"
    HTML = "html"
    JUNIT = "junit"
    JSON = "json"


async def report(
    client: Client,
    campaign: Annotated[
        str,
        typer.Argument(metavar="FILE|NAME", help="A file, or a stored campaign, as in campaigns/…@2."),
    ],
    players: Players,
    batch: Annotated[str, naming("batches", "Report on this batch, which played it; none: play it now.")] = "",
    form: Annotated[ReportFormat, typer.Option("--format", help="The form of the report.")] = ReportFormat.MARKDOWN,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report there.")] = None,
    reviewer: Reviewer = "",
    fail_under: Annotated[int, typer.Option(min=0, max=100, help="The score that must be reached.")] = 0,
) -> int:
    """Report on a campaign: play it, or take a batch that played it, and say what to change.

    Exit status 1 if an issue is an error or the score is below `--fail-under`.
    """
    check_writable([out])
    target = await target_of(client, [campaign])
    request = ReportCampaignRequest(
        batch=batch,
        threshold=fail_under,
        model=reviewer,
        format=ReportCampaignRequest.Format.Value(f"FORMAT_{form.name}"),
    )
    if target.files:
        request.file.CopyFrom(CampaignFile(content=target.files[0].encode(), file=Path(campaign).name))
    else:
        request.name, request.revision = target.stored[0].campaign, target.stored[0].revision
    if not batch:
        conversation, request.batch = await play(client, target, players)
        request.conversations.extend([conversation] if conversation else [])
    found_report, written = await client.reports.report_campaign(request)
    if out is None:
        print_document(written.decode())
    else:
        out.write_bytes(written)
        console(stderr=True).print(f"{found_report.summary} It is in {out}.", soft_wrap=True)
    return OK if found_report.passed else FAILED
