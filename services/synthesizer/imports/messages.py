"""The header of an import, and its summary."""

from collections.abc import AsyncIterator
from typing import Any

from greenroom.synthesizer.v1 import import_pb2
from services.synthesizer.imports.model import FINISHED_AFTER, Author, Header, Summary, TableMapping
from shared.rpc import uploads


async def read_header(requests: AsyncIterator[Any]) -> Header:
    """The header, from the first message. Raises HeaderExpected."""
    header = await uploads.read_header(requests)
    return Header(
        format=header.format,
        file=header.file,
        request_id=header.request_id,
        labels=tuple(header.labels),
        table=_table_mapping(header.table),
        dry_run=header.dry_run,
        finished_after=header.finished_after.ToMilliseconds() if header.HasField("finished_after") else FINISHED_AFTER,
        redact=_REDACT[header.redaction.mode],
        patterns=tuple((own.name, own.pattern) for own in header.redaction.patterns),
    )


def _table_mapping(message: import_pb2.TableMapping) -> TableMapping:
    return TableMapping(
        conversation=message.conversation,
        author=message.author,
        time=message.time,
        text=message.text,
        authors={value.lower(): _AUTHORS[author] for value, author in message.authors.items()},
        time_format=message.time_format,
    )


_AUTHORS = {
    import_pb2.TableMapping.AUTHOR_USER: Author.USER,
    import_pb2.TableMapping.AUTHOR_AGENT: Author.AGENT,
    import_pb2.TableMapping.AUTHOR_SYSTEM: Author.SYSTEM,
    import_pb2.TableMapping.AUTHOR_IGNORED: Author.IGNORED,
}

_REDACT = {
    import_pb2.Redaction.MODE_UNSPECIFIED: None,
    import_pb2.Redaction.MODE_OFF: False,
    import_pb2.Redaction.MODE_ON: True,
}


def summary_message(summary: Summary) -> import_pb2.ImportSummary:
    """The summary as a message."""
    return import_pb2.ImportSummary(
        imported=summary.imported,
        unchanged=summary.unchanged,
        refused=summary.refused,
        labelled=summary.labelled,
        linked=summary.linked,
        finished=summary.finished,
        redacted=summary.redacted,
        format=summary.format,
        problems=[
            import_pb2.ImportProblem(
                file=summary.file, line=problem.line, reason=problem.reason, description=problem.description
            )
            for problem in summary.problems
        ],
    )
