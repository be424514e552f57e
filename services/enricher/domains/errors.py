"""Errors of calls about domains."""

from shared.errors import FailedPrecondition, InvalidArgument, NotFound


class DomainNotFound(NotFound):
    """There is no domain {name}{near}."""

    reason = "DOMAIN_NOT_FOUND"


class DomainRevisionNotFound(NotFound):
    """The domain {name} has no revision {revision}; its newest is {latest}."""

    reason = "DOMAIN_REVISION_NOT_FOUND"


class DomainBuiltIn(FailedPrecondition):
    """The domain {name} is built in and cannot be changed; export it and import it under another name."""

    reason = "DOMAIN_BUILT_IN"


class DomainRevisionReady(FailedPrecondition):
    """Revision {revision} of {name} is READY and cannot change; add a new revision."""

    reason = "DOMAIN_REVISION_READY"


class OnlyDomainRevision(FailedPrecondition):
    """Revision {revision} is the only one of {name}, and a domain has at least one; delete the domain."""

    reason = "ONLY_DOMAIN_REVISION"


class DiscoveryTooLarge(InvalidArgument):
    """The files of a discovery have more than {bound}; send the definitions, and a sample of the rows."""

    reason = "DISCOVERY_TOO_LARGE"


class DomainInUse(FailedPrecondition):
    """{name} cannot be deleted, because {by}; delete what refers to it first."""

    reason = "DOMAIN_IN_USE"
