"""Campaigns and their revisions."""

from collections.abc import Callable, Sequence

from services.synthesizer.campaigns.model import PREFIX, Campaign, Content, ImportedContent, Revision, RevisionState
from services.synthesizer.campaigns.store import CampaignStore
from shared.clock import Clock
from shared.compute import Compute
from shared.ids import new_id
from shared.lists import Listed, Part
from shared.requests import RequestKey


class Campaigns:
    """Creates, reads, changes and deletes a company's campaigns. read, imports: run in another process."""

    def __init__(
        self,
        store: CampaignStore,
        compute: Compute,
        *,
        read: Callable[[bytes, str], Content],
        imports: Callable[[Sequence[tuple[bytes, str]], str], ImportedContent],
        clock: Clock,
    ) -> None:
        self._store = store
        self._compute = compute
        self._read = read
        self._imports = imports
        self._clock = clock

    async def create(
        self, company: str, file: tuple[bytes, str], external_id: str, *, ready: bool, key: RequestKey | None
    ) -> tuple[Campaign, Revision]:
        """Store a campaign under a new name with its first revision. file: its bytes and name.

        Raises BadYaml, CampaignInvalid, CampaignExternalIdTaken.
        """
        return await self._create(company, await self._content(file), external_id, ready=ready, key=key)

    async def read_import(self, files: Sequence[tuple[bytes, str]], format_name: str) -> ImportedContent:
        """The campaign in a file of another product. files: bytes and names; the first has the campaign.

        Raises BadYaml, CampaignInvalid, CampaignImportInvalid, CampaignFormatUnknown, UnknownCampaignFormat.
        """
        named = [(content, name or f"file {number}") for number, (content, name) in enumerate(files, 1)]
        size = sum(len(content) for content, _ in files)
        return await self._compute.run(self._imports, named, format_name, reads=size)

    async def store_import(
        self, company: str, imported: ImportedContent, external_id: str, *, ready: bool, key: RequestKey | None
    ) -> tuple[Campaign, Revision]:
        """Store what was imported under a new name with its first revision. Raises CampaignExternalIdTaken."""
        return await self._create(company, imported.content, external_id, ready=ready, key=key)

    async def _create(
        self, company: str, content: Content, external_id: str, *, ready: bool, key: RequestKey | None
    ) -> tuple[Campaign, Revision]:
        revision = self._new(f"{PREFIX}{new_id()}", content, ready=ready)
        campaign = Campaign(
            name=revision.campaign,
            display_name=revision.content.display_name,
            description=revision.content.description,
            external_id=external_id,
            latest_revision=1,
            latest_ready_revision=1 if ready else 0,
            create_time=revision.create_time,
        )
        return await self._store.create(company, campaign, revision, key)

    async def add_revision(
        self, company: str, campaign: str, file: tuple[bytes, str], *, ready: bool, key: RequestKey | None
    ) -> Revision:
        """Add a revision with the next number. Raises BadYaml, CampaignInvalid, CampaignNotFound."""
        return await self._store.add_revision(company, self._new(campaign, await self._content(file), ready=ready), key)

    async def update_revision(self, company: str, campaign: str, number: int, file: tuple[bytes, str]) -> Revision:
        """Replace the content of a DRAFT.

        Raises BadYaml, CampaignInvalid, CampaignNotFound, CampaignRevisionNotFound, CampaignRevisionReady.
        """
        content = await self._content(file)
        return await self._store.update_revision(company, Revision(campaign, number, RevisionState.DRAFT, content))

    async def mark_ready(self, company: str, campaign: str, number: int) -> Revision:
        """Make a revision READY, if it is not. Raises CampaignNotFound, CampaignRevisionNotFound."""
        return await self._store.mark_ready(company, campaign, number, self._clock())

    async def get(self, company: str, name: str, revision: int) -> tuple[Campaign, Revision]:
        """A campaign and one of its revisions, 0 for the newest. Raises CampaignNotFound, CampaignRevisionNotFound."""
        return await self._store.get(company, name, revision)

    async def delete_revision(self, company: str, campaign: str, number: int) -> None:
        """Delete a revision. Raises CampaignNotFound, CampaignRevisionNotFound, OnlyCampaignRevision."""
        await self._store.delete_revision(company, campaign, number)

    async def delete(self, company: str, name: str) -> None:
        """Delete a campaign with its revisions. Raises CampaignNotFound."""
        await self._store.delete(company, name)

    async def page(self, company: str, part: Part, external_id: str) -> Listed[Campaign]:
        """A part of the campaigns, newest first."""
        return await self._store.page(company, part, external_id)

    def _new(self, campaign: str, content: Content, *, ready: bool) -> Revision:
        now = self._clock()
        state = RevisionState.READY if ready else RevisionState.DRAFT
        return Revision(campaign, 1, state, content, create_time=now, ready_time=now if ready else 0)

    async def _content(self, file: tuple[bytes, str]) -> Content:
        content, name = file
        return await self._compute.run(self._read, content, name or "campaign.yaml", reads=len(content))
