"""The calls of KnowledgeService about generations, patterns and templates."""

from greenroom.enricher.v1 import knowledge_pb2_grpc
from greenroom.enricher.v1 import pattern_pb2 as pb
from services.enricher.patterns.messages import (
    found_message,
    generation_filter,
    generation_message,
    new_generation,
    pattern_message,
    template_message,
)
from services.enricher.patterns.messages import request as asked
from services.enricher.patterns.operations import Patterns
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.pages import before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key


class PatternServicer(knowledge_pb2_grpc.KnowledgeServiceServicer):
    """Serves a part of KnowledgeService."""

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns

    async def RecordGeneration(
        self, request: pb.RecordGenerationRequest, context: Context
    ) -> pb.RecordGenerationResponse:
        key = request_key(request, "RecordGeneration")
        recorded = await self._patterns.record(caller(), new_generation(request.generation), key)
        return pb.RecordGenerationResponse(generation=generation_message(recorded))

    async def GetGeneration(self, request: pb.GetGenerationRequest, context: Context) -> pb.GetGenerationResponse:
        found = await self._patterns.generation(caller().company, request.name)
        return pb.GetGenerationResponse(generation=generation_message(found))

    async def ListGenerations(self, request: pb.ListGenerationsRequest, context: Context) -> pb.ListGenerationsResponse:
        page, only = read_page(request), generation_filter(request)
        found = await self._patterns.generations(caller().company, only, list_part(request, page))
        shown, token = cut([generation_message(one) for one in found.items], page, before)
        return pb.ListGenerationsResponse(generations=shown, next_page_token=token, total_size=found.total)

    async def DeleteGeneration(
        self, request: pb.DeleteGenerationRequest, context: Context
    ) -> pb.DeleteGenerationResponse:
        await self._patterns.delete_generation(caller().company, request.name)
        return pb.DeleteGenerationResponse()

    async def FindPatterns(self, request: pb.FindPatternsRequest, context: Context) -> pb.FindPatternsResponse:
        found = await self._patterns.find(
            caller().company,
            asked(request.request),
            request.minimum_quality,
            request.minimum_similarity,
            request.limit,
        )
        return pb.FindPatternsResponse(matches=map(found_message, found))

    async def GetPattern(self, request: pb.GetPatternRequest, context: Context) -> pb.GetPatternResponse:
        found = await self._patterns.pattern(caller().company, request.name)
        return pb.GetPatternResponse(pattern=pattern_message(found))

    async def ListPatterns(self, request: pb.ListPatternsRequest, context: Context) -> pb.ListPatternsResponse:
        page = read_page(request)
        part = list_part(request, page)
        found = await self._patterns.patterns(caller().company, request.domain, request.entity, part)
        shown, token = cut([pattern_message(one) for one in found.items], page, before)
        return pb.ListPatternsResponse(patterns=shown, next_page_token=token, total_size=found.total)

    async def DeletePattern(self, request: pb.DeletePatternRequest, context: Context) -> pb.DeletePatternResponse:
        await self._patterns.delete_pattern(caller().company, request.name)
        return pb.DeletePatternResponse()

    async def CreateTemplate(self, request: pb.CreateTemplateRequest, context: Context) -> pb.CreateTemplateResponse:
        key = request_key(request, "CreateTemplate")
        made = await self._patterns.make_template(
            caller(), request.template_id, request.description, request.pattern, key
        )
        return pb.CreateTemplateResponse(template=template_message(made))

    async def GetTemplate(self, request: pb.GetTemplateRequest, context: Context) -> pb.GetTemplateResponse:
        found = await self._patterns.template(caller().company, request.name)
        return pb.GetTemplateResponse(template=template_message(found))

    async def ListTemplates(self, request: pb.ListTemplatesRequest, context: Context) -> pb.ListTemplatesResponse:
        page = read_page(request)
        part = list_part(request, page)
        found = await self._patterns.templates(caller().company, request.domain, request.entity, part)
        messages = [template_message(one) for one in found.items]
        shown, token = cut(messages, page, lambda message: before(message, message.create_time.ToMilliseconds()))
        return pb.ListTemplatesResponse(templates=shown, next_page_token=token, total_size=found.total)

    async def DeleteTemplate(self, request: pb.DeleteTemplateRequest, context: Context) -> pb.DeleteTemplateResponse:
        await self._patterns.delete_template(caller().company, request.name)
        return pb.DeleteTemplateResponse()
