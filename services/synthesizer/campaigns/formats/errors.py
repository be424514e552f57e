"""Errors of imports of campaigns."""

from shared.errors import InvalidArgument


class CampaignImportInvalid(InvalidArgument):
    """The file {file} is no {format}: {why}."""

    reason = "CAMPAIGN_IMPORT_INVALID"


class CampaignFormatUnknown(InvalidArgument):
    """The file {file} has none of the formats {formats}; name its format."""

    reason = "CAMPAIGN_FORMAT_UNKNOWN"


class UnknownCampaignFormat(InvalidArgument):
    """There is no format {name}; it is {formats}."""

    reason = "UNKNOWN_CAMPAIGN_FORMAT"
