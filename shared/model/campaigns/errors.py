"""What can be wrong with a campaign's file."""

from shared.errors import InvalidArgument


class CampaignInvalid(InvalidArgument):
    """{file} has {problems} and was not read; the field violations give their lines and columns."""

    reason = "CAMPAIGN_INVALID"
