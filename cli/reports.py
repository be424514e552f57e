"""greenroom reports"""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named, naming
from cli.kit.rehearsing import check_writable
from cli.kit.render import Rows, console, print_document, print_json, short, when
from cli.kit.run import Json, Yes, command, confirmed, noun
from greenroom.client import Client
from greenroom.evaluator.v1.report_pb2 import Rate, RenderReportRequest, Report, ReportSide, ReportSpec

app = noun("Verdicts with their evidence.")

Name = Annotated[str, named("reports")]


@command(app, "build")
async def build(
    client: Client,
    evaluation: Annotated[str, named("evaluations")],
    baseline: Annotated[str, naming("evaluations", "Compare with this evaluation.")] = "",
    threshold: Annotated[float | None, typer.Option(help="The success rate that must be reached, 0 to 1.")] = None,
    margin: Annotated[float | None, typer.Option(help="How much worse still counts as as good; 0.1.")] = None,
    alpha: Annotated[float | None, typer.Option(help="The level of the tests; 0.05.")] = None,
    label: Annotated[str, typer.Option(help="What the side that is judged is called.")] = "",
    baseline_label: Annotated[str, typer.Option(help="What the baseline is called.")] = "",
    json: Json = False,
) -> None:
    """Compute a report from a completed evaluation, or compare it with another."""
    spec = ReportSpec(
        evaluation=evaluation,
        baseline=baseline,
        label=label,
        baseline_label=baseline_label,
        threshold=threshold,
        margin=margin,
        alpha=alpha or 0,
    )
    await _print(client, await client.reports.build(spec), json)


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show one report."""
    await _print(client, await client.reports.get(name), json)


@command(app, "render")
async def render(
    client: Client,
    name: Name,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as one self-contained page.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it for a pull request.")] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as JUnit XML.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as proto JSON.")] = None,
) -> None:
    """Write a report to files; without any, print it as Markdown."""
    files = {
        RenderReportRequest.FORMAT_HTML: html,
        RenderReportRequest.FORMAT_MARKDOWN: markdown,
        RenderReportRequest.FORMAT_JUNIT: junit,
        RenderReportRequest.FORMAT_JSON: json,
    }
    check_writable(files.values())
    if not any(files.values()):
        print_document((await _file(client, name, RenderReportRequest.FORMAT_MARKDOWN)).decode())
    for form, path in files.items():
        if path is not None:
            path.write_bytes(await _file(client, name, form))
            console(stderr=True).print(f"{name} is in {path}.", soft_wrap=True)


@command(app, "list")
async def list_(
    client: Client,
    evaluation: Annotated[str, naming("evaluations", "Only those about it, as either side.")] = "",
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List the reports, newest first."""
    columns = ("REPORT", "VERDICT", "SUCCESS", "QUALITY", "CREATED", "HEADLINE")
    rows = Rows(*columns, leave_out=["CREATED"], prose=["HEADLINE"])
    await print_list(client.reports.list(evaluation=evaluation), rows, _row, limit=limit, every=every, json=json)


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a report; its evaluations stay."""
    confirmed(f"Delete {name} for good?", yes)
    await client.reports.delete(name)
    console().print(f"{name} is deleted.")


def _row(report: Report) -> tuple[str | Text, ...]:
    verdict = Report.Verdict.Name(report.verdict).removeprefix("VERDICT_").lower().replace("_", " ")
    success = " / ".join(_rate(side.success) for side in report.sides)
    quality = " / ".join(f"{mean:.0f}" for side in report.sides for mean in _quality(side))
    return short(report.name), verdict, success, quality, when(report.create_time), report.headline


def _quality(side: ReportSide) -> list[float]:
    """The mean quality of a side; empty if none was measured."""
    return [one.mean for one in side.means if one.measure == "quality"]


def _rate(rate: Rate) -> str:
    return f"{rate.successes} of {rate.total}"


async def _file(client: Client, name: str, form: RenderReportRequest.Format.ValueType) -> bytes:
    return b"".join([chunk async for chunk in client.reports.render(name, form)])


async def _print(client: Client, report: Report, json: bool) -> None:
    if json:
        print_json(report)
        return
    print_document((await _file(client, report.name, RenderReportRequest.FORMAT_MARKDOWN)).decode())
    console(stderr=True).print(
        f"The whole report: greenroom reports render {short(report.name)} --html FILE", soft_wrap=True
    )
