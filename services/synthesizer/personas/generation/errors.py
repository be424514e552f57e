"""Errors of the generation of personas."""

from shared.errors import FailedPrecondition


class NothingToGenerateFrom(FailedPrecondition):
    """No source has two messages of its customer; import or name others, or describe the personas."""

    reason = "NOTHING_TO_GENERATE_FROM"


class OfflineNeedsSources(FailedPrecondition):
    """The model {model} reads no descriptions; name sources to measure, a domain, or a language model."""

    reason = "OFFLINE_NEEDS_SOURCES"


class NoWorkflows(FailedPrecondition):
    """The domain {name} has no workflow, so it says nothing that a customer could want; add one, or name no domain."""

    reason = "NO_WORKFLOWS"
