"""Documents and what searches find, as messages."""

from collections.abc import Sequence

from greenroom.enricher.v1 import knowledge_pb2 as pb
from services.enricher.knowledge.model import Document, DocumentFilter, FoundBy, Match
from shared.rpc.values import timestamp


def new_document(message: pb.Document) -> tuple[Document, str]:
    """A document to store, still without what the service sets, and its text."""
    document = Document(
        name="",
        title=message.title,
        tags=tuple(sorted(set(message.tags))),
        source=message.source,
        domain=message.domain,
        characters=len(message.text),
        creator="",
        create_time=0,
    )
    return document, message.text


def document_message(document: Document, text: str = "") -> pb.Document:
    """The document as a message. text: "" leaves it out."""
    return pb.Document(
        name=document.name,
        title=document.title,
        text=text,
        tags=document.tags,
        source=document.source,
        domain=document.domain,
        characters=document.characters,
        creator=document.creator,
        create_time=timestamp(document.create_time),
    )


def document_filter(tags: Sequence[str], domain: str) -> DocumentFilter:
    """The filter of a list or a search."""
    return DocumentFilter(tuple(sorted(set(tags))), domain)


_FOUND_BY = {
    FoundBy.WORDS: pb.DocumentMatch.FOUND_BY_WORDS,
    FoundBy.MEANING: pb.DocumentMatch.FOUND_BY_MEANING,
    FoundBy.BOTH: pb.DocumentMatch.FOUND_BY_BOTH,
}


def match_message(match: Match) -> pb.DocumentMatch:
    """The match as a message."""
    return pb.DocumentMatch(
        document=document_message(match.document),
        passage=match.passage,
        offset=match.offset,
        score=match.score,
        found_by=_FOUND_BY[match.found_by],
    )
