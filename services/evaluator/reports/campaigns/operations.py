"""What callers ask of reports on campaigns."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from services.evaluator.checks.operations import ReadStored, ReviewsCampaigns, issue_facts
from services.evaluator.reports.campaigns.build import build_file
from services.evaluator.reports.campaigns.errors import NoSimulationNamed, NothingToReport
from services.evaluator.reports.campaigns.model import (
    CampaignReport,
    CampaignReportSpec,
    Recommendation,
    Simulated,
    Subject,
)
from services.evaluator.reports.campaigns.rendering import FORMATS
from shared.auth import Caller
from shared.compute import Compute
from shared.model.events import Json


class ReadSimulated(Protocol):
    """Reads simulated contacts for a caller."""

    async def __call__(self, caller: Caller, batch: str, conversations: Sequence[str]) -> Sequence[Simulated]:
        """Those of a batch that are over, or those named. Raises what the synthesizer says, and PeerUnavailable."""


class CampaignReports:
    """Builds and renders reports on campaigns."""

    def __init__(
        self, compute: Compute, stored: ReadStored, simulated: ReadSimulated, reviews: ReviewsCampaigns
    ) -> None:
        self._compute = compute
        self._stored = stored
        self._simulated = simulated
        self._reviews = reviews

    async def of_stored(
        self,
        caller: Caller,
        name: str,
        revision: int,
        batch: str,
        conversations: Sequence[str],
        spec: CampaignReportSpec,
    ) -> CampaignReport:
        """The report on a revision of a stored campaign, 0 for the newest. Raises as `of_file` and ReadStored do."""
        number, content = await self._stored(caller, name, revision)
        report = await self.of_file(caller, content, name, batch, conversations, spec)
        return replace(report, name=name, revision=number)

    async def of_file(
        self,
        caller: Caller,
        content: bytes,
        file: str,
        batch: str,
        conversations: Sequence[str],
        spec: CampaignReportSpec,
    ) -> CampaignReport:
        """The report on a campaign in a file.

        Raises NoSimulationNamed, NothingToReport, CampaignNotSimulated, BadYaml, CampaignInvalid, InvalidArgument for a
        model that cannot be asked, and as ReadSimulated does.
        """
        if bool(batch) is bool(conversations):
            raise NoSimulationNamed
        if spec.model:
            await self._reviews.check(spec.model)
        simulated = await self._simulated(caller, batch, conversations)
        if not simulated:
            raise NothingToReport(subject=batch or conversations[0])
        report = await self._compute.run(build_file, content, file or "campaign.yaml", simulated, spec)
        return replace(await self._reviewed(caller, report), batch=batch)

    async def _reviewed(self, caller: Caller, report: CampaignReport) -> CampaignReport:
        """The report with the view and the recommendations of the model, if one is asked for."""
        if not report.spec.model:
            return report
        facts: dict[str, Json] = {
            "summary": report.summary,
            "issues_by_rules": issue_facts(report.issues),
            "edges": [
                {"step": edge.step, "branch": edge.branch, "target": edge.target, "times": times}
                for edge, times in report.coverage.taken.items()
            ],
            "recommendations_by_rules": [f"{one.sentence} {one.evidence}" for one in report.recommendations],
        }
        review = await self._reviews.of(caller, report.spec.model, report.campaign, facts)
        advice = [
            Recommendation(Subject(one.subject), one.sentence, one.evidence, one.steps, by_model=True)
            for one in review.advice
        ]
        return replace(
            report,
            issues=(*report.issues, *review.issues),
            issue_count=report.issue_count + len(review.issues),
            recommendations=(*report.recommendations, *advice),
            notes=(*report.notes, *review.notes),
            usage=review.usage,
        )

    async def render(self, report: CampaignReport, file_format: str) -> str:
        """The report as a file. file_format: a key of FORMATS."""
        return await self._compute.run(FORMATS[file_format], report)
