"""The features that can be turned off."""

from enum import StrEnum

from shared.errors import FailedPrecondition


class Feature(StrEnum):
    """A feature, by the key of its flag."""

    GENERATION = "generation"
    EXTERNAL_AGENTS = "external_agents"
    PREVIEWS = "previews"
    LIVE_MODELS = "live_models"


class FeatureOff(FailedPrecondition):
    """The feature {feature} is off for your company on this server; ask those who run it to turn it on."""

    reason = "FEATURE_OFF"
