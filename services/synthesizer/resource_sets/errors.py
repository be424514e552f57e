"""Errors of calls about resource sets."""

from shared.errors import AlreadyExists, InvalidArgument, NotFound


class ResourceSetNotFound(NotFound):
    """There is no resource set {name}."""

    reason = "RESOURCE_SET_NOT_FOUND"


class ResourceNotFound(NotFound):
    """There is no resource {name}; a name is that of a set, a type and an id."""

    reason = "RESOURCE_NOT_FOUND"


class ResourceSetExists(AlreadyExists):
    """There is a resource set {name} with other content; a set never changes, so choose another id or delete it."""

    reason = "RESOURCE_SET_EXISTS"


class ResourceSetTooLarge(InvalidArgument):
    """The resource set {name} has more than {bound}; leave out what no conversation needs."""

    reason = "RESOURCE_SET_TOO_LARGE"


class ResourceSetInvalid(InvalidArgument):
    """The resource set {name} was not imported; the field violations name the lines that cannot be used."""

    reason = "RESOURCE_SET_INVALID"
