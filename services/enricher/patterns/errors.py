"""Errors of calls about generations, patterns and templates."""

from shared.errors import AlreadyExists, InvalidArgument, NotFound


class GenerationNotFound(NotFound):
    """There is no generation {name}."""

    reason = "GENERATION_NOT_FOUND"


class GenerationTooLarge(InvalidArgument):
    """A generation has at most {bound}; this one has {size} bytes."""

    reason = "GENERATION_TOO_LARGE"


class PatternNotFound(NotFound):
    """There is no pattern {name}."""

    reason = "PATTERN_NOT_FOUND"


class TemplateNotFound(NotFound):
    """There is no template {name}."""

    reason = "TEMPLATE_NOT_FOUND"


class TemplateExists(AlreadyExists):
    """There is a template {name} already; choose another id, or delete it first."""

    reason = "TEMPLATE_EXISTS"


class TemplateOfOther(InvalidArgument):
    """The template {name} is about `{entity}` of {domain}, and the request is not; leave out its domain and entity."""

    reason = "TEMPLATE_OF_OTHER"
