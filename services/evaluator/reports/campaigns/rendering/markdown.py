"""A report on a campaign as Markdown that fits a comment of a pull request."""

from collections.abc import Sequence

from services.evaluator.checks.model import Severity
from services.evaluator.reports.campaigns.model import CampaignReport, Recommendation
from services.evaluator.reports.campaigns.rendering.wording import difference, rate, rules, subject, title
from services.evaluator.reports.rendering.markdown import code, fitting, said, told

_ROWS = 30
"""The most rows of a table and issues that are listed."""
_COLOURS = {Severity.ERROR: "🔴", Severity.WARNING: "🟡", Severity.INFO: "⚪"}


def markdown(report: CampaignReport) -> str:
    """The report in up to 60,000 characters; what does not fit is left out and counted."""
    sign = "🟢" if report.passed else "🔴"
    blocks = [f"## {sign} {title(report)}: {said(report.campaign.display_name)}, {report.score} of 100", report.summary]
    blocks += [_parts(report), *_recommendations(report), *_issues(report), *_expectations(report)]
    blocks += [*_personas(report), *_splits(report), *_edges(report)]
    if report.notes:
        blocks.append("\n".join(f"- {said(note)}" for note in report.notes))
    return fitting([*blocks, f"<sub>{rules(report)}</sub>"])


def _parts(report: CampaignReport) -> str:
    rows = [(one.part, f"{one.points:.0f}", str(one.weight), one.detail) for one in report.parts]
    return _table(("part", "points", "weight", "from"), rows)


def _recommendations(report: CampaignReport) -> list[str]:
    if not report.recommendations:
        return []
    lines = [f"{place}. {_recommended(one)}" for place, one in enumerate(report.recommendations, 1)]
    return ["### What to change", "\n".join(lines)]


def _recommended(one: Recommendation) -> str:
    shown = f" ({code(one.conversation)})" if one.conversation else ""
    return f"**{subject(one)}**: {told(one.sentence)} {told(one.evidence)}{shown}"


def _issues(report: CampaignReport) -> list[str]:
    if not report.issues:
        return []
    lines = [
        f"- {_COLOURS[issue.severity]} {code(issue.type)}{f' at {code(issue.step)}' if issue.step else ''}:"
        f" {told(issue.sentence)} {told(issue.fix)}"
        for issue in report.issues[:_ROWS]
    ]
    return ["### Issues", "\n".join(lines), *_more(report.issue_count, "issues")]


def _expectations(report: CampaignReport) -> list[str]:
    rows = [
        (
            said(sentence),
            f"{one.met:,} of {one.met + one.missed_by:,}",
            told(one.missed[1].actual) if one.missed else "",
        )
        for sentence, one in report.expectations.items()
    ]
    return ["### Expectations", _table(("expectation", "met by", "missed"), rows)] if rows else []


def _personas(report: CampaignReport) -> list[str]:
    rows = [
        (said(one.persona), rate(one.conversion), f"{one.messages:,}", f"{one.replies:,}", f"{one.opt_outs:,}")
        for one in report.personas
    ]
    return ["### Personas", _table(("persona", "reached a goal", "messages", "answered", "opted out"), rows)]


def _splits(report: CampaignReport) -> list[str]:
    blocks = []
    for split in report.splits:
        rows = [
            (said(arm.arm), rate(arm.conversion), difference(arm) if place else "")
            for place, arm in enumerate(split.arms)
        ]
        blocks += [f"### Split {code(split.step)}", _table(("arm", "reached a goal", "difference"), rows)]
    return blocks


def _edges(report: CampaignReport) -> list[str]:
    missing = report.coverage.missing
    if not missing:
        return [f"All {len(report.coverage.times):,} edges were taken."] if report.coverage.times else []
    lines = [f"- {code(edge.step)} → {code(edge.target)} by {code(edge.branch)}" for edge in missing[:_ROWS]]
    return ["### Edges that nobody took", "\n".join(lines), *_more(len(missing), "edges")]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows[:_ROWS]]
    shown = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return "\n\n".join([shown, *_more(len(rows), "rows")])


def _more(count: int, what: str) -> list[str]:
    return [f"…and {count - _ROWS:,} more {what}."] if count > _ROWS else []
