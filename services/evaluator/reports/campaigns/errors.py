"""What can be wrong with a call about a report on a campaign."""

from shared.errors import FailedPrecondition, InvalidArgument


class NoSimulationNamed(InvalidArgument):
    """Name either the batch or the conversations that simulated the campaign."""

    reason = "NO_SIMULATION_NAMED"


class NothingToReport(FailedPrecondition):
    """{subject} has no simulated contact that is through; wait until one is."""

    reason = "NOTHING_TO_REPORT"


class CampaignNotSimulated(FailedPrecondition):
    """The conversation {conversation} did not simulate this campaign; simulate the campaign as it is now."""

    reason = "CAMPAIGN_NOT_SIMULATED"
