"""Generations, the patterns of those that succeeded, and templates: patterns with a name."""

from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._listing import Listing
from greenroom.enricher.v1 import enrichment_pb2
from greenroom.enricher.v1 import pattern_pb2 as pb
from greenroom.enricher.v1.knowledge_pb2_grpc import KnowledgeServiceStub


class Generations:
    """The calls of KnowledgeService about generations. Names are `generations/{generation}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = KnowledgeServiceStub(calls.channel)

    async def record(self, generation: pb.Generation, *, request_id: str | None = None) -> pb.Generation:
        """Record a generation; a successful one becomes a pattern, or improves the pattern of the same request."""
        request = pb.RecordGenerationRequest(generation=generation, request_id=request_id or new_request_id())
        return (await self._calls.unary(self._stub.RecordGeneration, request)).generation

    async def get(self, name: str) -> pb.Generation:
        """A generation with its whole request and its plan."""
        return (await self._calls.unary(self._stub.GetGeneration, pb.GetGenerationRequest(name=name))).generation

    def list(
        self,
        *,
        short_id: str = "",
        domain: str = "",
        entity: str = "",
        success: bool | None = None,
        from_time: Timestamp | None = None,
        to_time: Timestamp | None = None,
    ) -> Listing[pb.Generation]:
        """The generations, newest first. Each argument narrows them.

        short_id: only those whose id begins or ends with it. success: only those that succeeded, or that failed.
        from_time, to_time: only those that were recorded then or later, and before.
        """
        outcome = pb.ListGenerationsRequest.OUTCOME_UNSPECIFIED
        if success is not None:
            succeeded, failed = pb.ListGenerationsRequest.OUTCOME_SUCCEEDED, pb.ListGenerationsRequest.OUTCOME_FAILED
            outcome = succeeded if success else failed
        request = pb.ListGenerationsRequest(
            short_id=short_id, domain=domain, entity=entity, outcome=outcome, from_time=from_time, to_time=to_time
        )
        return self._calls.listing(self._stub.ListGenerations, request, lambda page: page.generations)

    async def delete(self, name: str) -> None:
        """Delete a generation from the history; its pattern stays."""
        await self._calls.unary(self._stub.DeleteGeneration, pb.DeleteGenerationRequest(name=name), again=False)


class Patterns:
    """The calls of KnowledgeService about patterns. Names are `patterns/{pattern}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = KnowledgeServiceStub(calls.channel)

    async def find(
        self,
        request: enrichment_pb2.EnrichRequest,
        *,
        minimum_quality: float = 0.0,
        minimum_similarity: float = 0.0,
        limit: int = 0,
    ) -> Sequence[pb.PatternMatch]:
        """The patterns that are most similar to a request. limit: 0 gives 10."""
        wanted = pb.FindPatternsRequest(
            request=request, minimum_quality=minimum_quality, minimum_similarity=minimum_similarity, limit=limit
        )
        return (await self._calls.unary(self._stub.FindPatterns, wanted)).matches

    async def get(self, name: str) -> pb.Pattern:
        """A pattern with its whole request and its plan."""
        return (await self._calls.unary(self._stub.GetPattern, pb.GetPatternRequest(name=name))).pattern

    def list(self, *, short_id: str = "", domain: str = "", entity: str = "") -> Listing[pb.Pattern]:
        """The patterns, newest first. Arguments as in `Generations.list`."""
        request = pb.ListPatternsRequest(short_id=short_id, domain=domain, entity=entity)
        return self._calls.listing(self._stub.ListPatterns, request, lambda page: page.patterns)

    async def delete(self, name: str) -> None:
        """Delete a pattern for good; its generations and templates stay."""
        await self._calls.unary(self._stub.DeletePattern, pb.DeletePatternRequest(name=name), again=False)


class Templates:
    """The calls of KnowledgeService about templates. Names are `templates/{template}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = KnowledgeServiceStub(calls.channel)

    async def create(
        self, template_id: str, pattern: str, *, description: str = "", request_id: str | None = None
    ) -> pb.Template:
        """Make a template from a pattern."""
        request = pb.CreateTemplateRequest(
            template_id=template_id,
            pattern=pattern,
            description=description,
            request_id=request_id or new_request_id(),
        )
        return (await self._calls.unary(self._stub.CreateTemplate, request)).template

    async def get(self, name: str) -> pb.Template:
        """A template with its whole request and its plan."""
        return (await self._calls.unary(self._stub.GetTemplate, pb.GetTemplateRequest(name=name))).template

    def list(self, *, short_id: str = "", domain: str = "", entity: str = "") -> Listing[pb.Template]:
        """The templates, newest first. Arguments as in `Generations.list`."""
        request = pb.ListTemplatesRequest(short_id=short_id, domain=domain, entity=entity)
        return self._calls.listing(self._stub.ListTemplates, request, lambda page: page.templates)

    async def delete(self, name: str) -> None:
        """Delete a template for good."""
        await self._calls.unary(self._stub.DeleteTemplate, pb.DeleteTemplateRequest(name=name), again=False)
