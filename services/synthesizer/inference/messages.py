"""What was inferred, as messages."""

from collections.abc import Iterable

from greenroom.synthesizer.v1 import inference_pb2 as pb
from services.synthesizer.imports.messages import summary_message
from services.synthesizer.imports.model import Summary
from services.synthesizer.inference.model import Inferred, InferredTool, SchemaSupport, Support
from services.synthesizer.personas.messages import persona_message
from services.synthesizer.procedures.messages import revision_message
from services.synthesizer.procedures.model import Revision, RevisionState
from shared.rpc.values import fill_value


def response(summary: Summary, inferred: Inferred) -> pb.InferRehearsalResponse:
    """The result of an inference as a message."""
    tools = tuple(one.tool for one in inferred.tools)
    revision = Revision("", 0, RevisionState.DRAFT, inferred.instructions, inferred.steps, tools)
    return pb.InferRehearsalResponse(
        summary=summary_message(summary),
        revision=revision_message(revision),
        instructions=_support(inferred.instructions_support),
        steps=_support(inferred.steps_support),
        tools=[_tool(one) for one in inferred.tools],
        personas=[
            pb.InferredPersona(persona=persona_message(one.persona), support=_support(one.support))
            for one in inferred.personas
        ],
        notes=inferred.notes,
    )


def _support(support: Support | None) -> pb.Support | None:
    return None if support is None else pb.Support(records=support.records, of=support.of)


def _tool(inferred: InferredTool) -> pb.InferredTool:
    message = pb.InferredTool(
        name=inferred.tool.name,
        calls=inferred.calls,
        conversations=inferred.conversations,
        offers=inferred.offers,
        answers=inferred.answers,
        arguments=_schema_supports(inferred.arguments),
        results=_schema_supports(inferred.results),
        answer_records=inferred.answer_records,
    )
    if inferred.answer_records:
        fill_value(message.answer, inferred.answer)
    return message


def _schema_supports(supports: Iterable[SchemaSupport]) -> list[pb.SchemaSupport]:
    return [pb.SchemaSupport(pointer=one.pointer, records=one.support.records, of=one.support.of) for one in supports]
