"""What is checked about a rehearsal before anything of it starts."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from greenroom.gateway.v1 import rehearsal_pb2
from greenroom.synthesizer.v1 import batch_pb2, source_pb2
from services.gateway.adapters.stubs import Synthesizer
from services.gateway.rehearsals.errors import BaselineUnlike
from shared.errors import NotFound
from shared.model.expectations import all_tools, check_expectations, read_expectations
from shared.rpc.values import message_json

_MOST_SOURCES, _MOST_NAMED = 1000, 100
"""The most sources whose revisions are looked at: those of a filter, and those that are named."""


async def check_alike(synthesizer: Synthesizer, spec: batch_pb2.BatchSpec, name: str) -> None:
    """Raise BaselineUnlike if a given batch has other sources or personas than the batch to be."""
    given = _conversations(await _chosen(synthesizer, name))
    for what, wanted in _conversations(spec).items():
        if wanted and wanted != given[what]:
            raise BaselineUnlike(batch=name, what=what)


async def _chosen(synthesizer: Synthesizer, name: str) -> batch_pb2.BatchSpec:
    """The spec by which the conversations of a batch were chosen, those of which it plays again."""
    spec = (await synthesizer.batch(name)).spec
    size = spec.size
    with suppress(NotFound):
        while spec.HasField("again"):
            spec = (await synthesizer.batch(spec.again.batch)).spec
    spec.size = size
    return spec


def _conversations(spec: batch_pb2.BatchSpec) -> dict[str, Any]:
    """What two batches must have in common to be paired; empty where the spec does not say it."""
    which = source_pb2.SourceFilter()
    which.CopyFrom(spec.source_filter)
    # A batch takes finished sources, whether its filter says so or not.
    which.ClearField("finished")
    return {
        "sources": [*spec.sources, which.SerializeToString(deterministic=True)] if _has_sources(spec) else [],
        "personas": {share.persona: share.weight or 1.0 for share in spec.personas},
        "size": spec.size,
    }


def _has_sources(spec: batch_pb2.BatchSpec) -> bool:
    return bool(spec.sources) or spec.HasField("source_filter")


async def check_expectations_of(synthesizer: Synthesizer, spec: bytes, batch: batch_pb2.BatchSpec) -> None:
    """Refuse expectations about tools or fields that the procedure does not have."""
    wanted = rehearsal_pb2.RehearsalSpec.FromString(spec).expectations
    if not wanted:
        return
    expectations = read_expectations([message_json(one) for one in wanted])
    if batch.linked_revisions:
        revisions = {(one.procedure, one.revision) for one in await _sources(synthesizer, batch)}
    else:
        revisions = {(batch.conversation.procedure, batch.conversation.revision)}
    tools = [await synthesizer.tools(*one) for one in sorted(revisions) if one[0]]
    check_expectations(expectations, all_tools(tools) if tools else None, "spec.expectations")


async def _sources(synthesizer: Synthesizer, batch: batch_pb2.BatchSpec) -> Sequence[source_pb2.Source]:
    """The sources of a batch to be with what they are linked to; none if they are too many to look at."""
    if batch.HasField("source_filter"):
        request = source_pb2.ListSourcesRequest(filter=batch.source_filter, page_size=_MOST_SOURCES)
        request.filter.finished = True
        page = await synthesizer.peer.unary(synthesizer.sources.ListSources, request)
        return [] if page.next_page_token else page.sources
    names = set(batch.sources)
    if batch.HasField("again"):
        indexes = set(batch.again.indexes)
        names = {row.source for row in await synthesizer.results(batch.again.batch) if row.index in indexes} - {""}
    if len(names) > _MOST_NAMED:
        return []
    asked = [source_pb2.GetSourceRequest(name=name) for name in names]
    found = await asyncio.gather(*(synthesizer.peer.unary(synthesizer.sources.GetSource, one) for one in asked))
    return [one.source for one in found]
