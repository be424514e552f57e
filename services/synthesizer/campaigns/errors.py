"""Errors of calls about campaigns."""

from shared.errors import AlreadyExists, FailedPrecondition, NotFound


class CampaignNotFound(NotFound):
    """There is no campaign {name}."""

    reason = "CAMPAIGN_NOT_FOUND"


class CampaignRevisionNotFound(NotFound):
    """The campaign {name} has no revision {revision}; its newest is {latest}."""

    reason = "CAMPAIGN_REVISION_NOT_FOUND"


class CampaignRevisionReady(FailedPrecondition):
    """Revision {revision} of {name} is READY and cannot change; add a new revision."""

    reason = "CAMPAIGN_REVISION_READY"


class OnlyCampaignRevision(FailedPrecondition):
    """Revision {revision} is the only one of {name}, and a campaign has at least one; delete the campaign."""

    reason = "ONLY_CAMPAIGN_REVISION"


class CampaignExternalIdTaken(AlreadyExists):
    """The external id {external_id} is taken; revise that campaign (`campaigns revise`) or choose another id."""

    reason = "CAMPAIGN_EXTERNAL_ID_TAKEN"
