"""Checks of stored and inline campaigns."""

from collections.abc import Awaitable, Callable

from services.evaluator.checks.check import Checked, check_file
from shared.auth import Caller
from shared.compute import Compute

ReadStored = Callable[[Caller, str, int], Awaitable[tuple[int, bytes]]]
"""(caller, `campaigns/{campaign}`, revision or 0) → the revision's number and its YAML.

Raises what the synthesizer says, and PeerUnavailable.
"""


class CampaignChecks:
    """Checks campaigns in other processes."""

    def __init__(self, compute: Compute, stored: ReadStored) -> None:
        self._compute = compute
        self._stored = stored

    async def of_file(self, content: bytes, file: str) -> Checked:
        """Check a file. Raises BadYaml, CampaignInvalid."""
        return await self._compute.run(check_file, content, file or "campaign.yaml", reads=len(content))

    async def of_stored(self, caller: Caller, name: str, revision: int) -> tuple[int, Checked]:
        """Check a stored campaign; returns the number of the revision too. revision: 0 for the newest.

        Raises what ReadStored does.
        """
        number, content = await self._stored(caller, name, revision)
        return number, await self.of_file(content, name)
