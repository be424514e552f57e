"""What callers ask of reports on campaigns."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

from services.evaluator.reports.campaigns.build import build_file
from services.evaluator.reports.campaigns.errors import NoSimulationNamed, NothingToReport
from services.evaluator.reports.campaigns.model import CampaignReport, CampaignReportSpec, Simulated
from services.evaluator.reports.campaigns.rendering import FORMATS
from shared.auth import Caller
from shared.compute import Compute

ReadStored = Callable[[Caller, str, int], Awaitable[tuple[int, bytes]]]
"""(caller, `campaigns/{campaign}`, revision or 0) → the revision's number and its YAML."""


class ReadSimulated(Protocol):
    """Reads simulated contacts for a caller."""

    async def __call__(self, caller: Caller, batch: str, conversations: Sequence[str]) -> Sequence[Simulated]:
        """Those of a batch that are over, or those named. Raises what the synthesizer says, and PeerUnavailable."""


class CampaignReports:
    """Builds and renders reports on campaigns."""

    def __init__(self, compute: Compute, stored: ReadStored, simulated: ReadSimulated) -> None:
        self._compute = compute
        self._stored = stored
        self._simulated = simulated

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

        Raises NoSimulationNamed, NothingToReport, CampaignNotSimulated, BadYaml, CampaignInvalid, and as ReadSimulated.
        """
        if bool(batch) is bool(conversations):
            raise NoSimulationNamed
        simulated = await self._simulated(caller, batch, conversations)
        if not simulated:
            raise NothingToReport(subject=batch or conversations[0])
        report = await self._compute.run(build_file, content, file or "campaign.yaml", simulated, spec)
        return replace(report, batch=batch)

    async def render(self, report: CampaignReport, file_format: str) -> str:
        """The report as a file. file_format: a key of FORMATS."""
        return await self._compute.run(FORMATS[file_format], report)
