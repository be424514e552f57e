"""Errors of calls about documents."""

from shared.errors import NotFound


class DocumentNotFound(NotFound):
    """There is no document {name}."""

    reason = "DOCUMENT_NOT_FOUND"
