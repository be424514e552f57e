"""A resource of each kind, and a valid request of each method."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from greenroom.client import Client
from greenroom.enricher.v1.enrichment_pb2 import EnrichRequest
from greenroom.enricher.v1.knowledge_pb2 import Document
from greenroom.enricher.v1.pattern_pb2 import Generation
from greenroom.evaluator.v1 import calibration_pb2, evaluation_pb2, judge_pb2, report_pb2
from greenroom.evaluator.v1.rubric_pb2 import RubricFile
from greenroom.gateway.v1 import rehearsal_pb2
from greenroom.gateway.v1.generation_pb2 import GenerateTestDataRequest
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2, persona_pb2, procedure_pb2, source_pb2
from greenroom.testdata.v1.record_dataset_pb2 import RecordDatasetSpec
from greenroom.testdata.v1.record_pb2 import EntityCount, RecordSpec, SchemaSource
from greenroom.testdata.v1.trace_call_pb2 import StreamCallsRequest
from greenroom.testdata.v1.trace_learning_pb2 import ExportLearningRequest, LogFormat
from greenroom.testdata.v1.trace_workflow_pb2 import WorkflowSource
from greenroom.type.v1.campaign_pb2 import CampaignFile
from greenroom.type.v1.event_pb2 import Event, UserMessage
from tests.contract.methods import Method, collection_of
from tests.datasets import SHORT, over, short_spec
from tests.scripted import Script, Theatre, leaves
from tests.traces import small

PERSONA = persona_pb2.Persona(display_name="Ours", description="One of us.")
REVISION = procedure_pb2.Revision(
    instructions="Help.", tools=[procedure_pb2.Tool(name="find_order"), procedure_pb2.Tool(name="refund")]
)
LOG = "session,endpoint,timestamp\n1,login,1000\n1,browse,2000\n2,login,5000\n"
RESOURCE = '{"type": "order", "id": "O-1", "data": {"state": "sent"}}\n'
PACK = """\
display_name: Ours
entities:
  book:
    key: isbn
    fields:
      isbn: {type: identifier}
      price: {type: money, currency: EUR, minimum: 1}
"""
CAMPAIGN = CampaignFile(
    content=b"display_name: Ours\nsteps: [{id: hello, send_sms: {body: Hello.}, next: done}, {id: done, exit: {}}]\n"
)
CARTS = GenerateTestDataRequest(domain="domains/ecommerce", entity="cart", count=2, seed=1)
RUBRIC = RubricFile(
    content=b"display_name: Ours\n"
    b"criteria: {kind: {question: Kind?, scale: {rude: No., kind: Yes.}, passes: [kind], phrases: {rude: [damn]}}}\n"
)
DOCUMENT = Document(title="Prices", text="A price of a book never changes.")
GENERATION = Generation(
    request=EnrichRequest(domain="domains/ecommerce", entity="order", hints=["only paid orders"]),
    success=True,
    quality=0.9,
    record_count=100,
)
MANUAL = conversation_pb2.ConversationSpec(type=conversation_pb2.CONVERSATION_TYPE_MANUAL)


async def one_of_each(stage: Theatre, workflow: str) -> dict[str, str]:
    """The name of a resource of each kind by collection. workflow: the id of the workflow."""
    client = stage.client
    log = stage.folder / "log.csv"
    log.write_text(LOG)
    resources = stage.folder / "resources.jsonl"
    resources.write_text(RESOURCE)
    pack = stage.folder / "pack.yaml"
    pack.write_text(PACK)
    campaign = stage.folder / "campaign.yaml"
    campaign.write_bytes(CAMPAIGN.content)
    rubric = stage.folder / "rubric.yaml"
    rubric.write_bytes(RUBRIC.content)
    batch = batch_pb2.BatchSpec(conversation=stage.spec(persona=""), size=2)
    await stage.play(Script(persona=[leaves("Bye.")]), model="another")
    [recording, *_] = [one async for one in client.recordings.list()]
    learned = await client.traces.learnings.learn_file(log, LogFormat(kind=LogFormat.KIND_CSV))
    evaluation = await _evaluation(client, stage)
    generation = await client.generations.record(GENERATION)
    return {
        "personas": (await client.personas.create(PERSONA)).name,
        "procedures": stage.procedure,
        "campaigns": (await client.campaigns.create(campaign)).campaign.name,
        **await _judged(client, stage, rubric),
        "sources": stage.source,
        "conversations": (await client.conversations.start(MANUAL)).name,
        "batches": (await client.batches.start(batch, create_only=True)).name,
        "workflows": (await client.traces.workflows.create(small(workflow))).name,
        "datasets": (await over(client, (await client.traces.datasets.start(short_spec(sessions=3))).name)).name,
        "record_datasets": await _record_dataset(client),
        "learnings": learned.learning.name,
        "recordings": recording.name,
        "evaluations": evaluation,
        "calibrations": await _calibration(client, stage),
        "reports": (await client.reports.build(report_pb2.ReportSpec(evaluation=evaluation))).name,
        "rehearsals": await _rehearsal(client, batch),
        "resources": (await client.resources.import_file(resources, workflow)).name,
        "domains": (await client.domains.import_file(pack, workflow)).domain.name,
        "generations": generation.name,
        "patterns": generation.pattern,
        "templates": (await client.templates.create(workflow, generation.pattern)).name,
        "schemas": (await client.schemas.register_file(pack, workflow)).name,
        "documents": (await client.documents.add([DOCUMENT])).documents[0].name,
    }


async def _record_dataset(client: Client) -> str:
    """A completed dataset of records."""
    records = RecordSpec(source=SchemaSource(yaml=PACK.encode()), entities=[EntityCount(entity="book", count=2)])
    started = await client.record_datasets.start(RecordDatasetSpec(records=records))
    async with client.record_datasets.watch(started.name) as parts:
        async for _ in parts:
            pass
    return started.name


async def _calibration(client: Client, stage: Theatre) -> str:
    """A calibration that is over."""
    spec = calibration_pb2.CalibrationSpec(people=source_pb2.SourceFilter(finished=True))
    spec.conversations.names.append((await stage.play()).name)
    started = await client.calibrations.start(spec)
    async with client.calibrations.watch(started.name) as talks:
        async for _ in talks:
            pass
    return started.name


async def _evaluation(client: Client, stage: Theatre) -> str:
    """A completed evaluation."""
    names = evaluation_pb2.ConversationNames(names=[(await stage.play()).name])
    started = await client.evaluations.start(evaluation_pb2.EvaluationSpec(conversations=names))
    async with client.evaluations.watch(started.name) as results:
        async for _ in results:
            pass
    return started.name


async def _judged(client: Client, stage: Theatre, rubric: Path) -> dict[str, str]:
    """A rubric, a completed judgement, and a calibration."""
    made = (await client.rubrics.create(rubric)).rubric.name
    spec = judge_pb2.JudgementSpec(rubric=made)
    spec.conversations.names.append((await stage.play()).name)
    started = await client.judgements.start(spec)
    async with client.judgements.watch(started.name) as results:
        async for _ in results:
            pass
    label = {"conversation": spec.conversations.names[0], "criterion": "kind", "verdict": "kind"}
    calibration = await client.judgements.calibrate(started.name, json.dumps(label).encode())
    return {"rubrics": made, "judgements": started.name, "judge_calibrations": calibration.name}


async def _rehearsal(client: Client, batch: batch_pb2.BatchSpec) -> str:
    """A completed rehearsal."""
    started = await client.rehearsals.start(rehearsal_pb2.RehearsalSpec(batch=batch))
    async with client.rehearsals.watch(started.name) as items:
        async for _ in items:
            pass
    return started.name


def valid_request(method: Method, names: Mapping[str, str]) -> Any:
    """A valid request about the resources of these names, by collection."""
    request: Any = method.request()
    spec = conversation_pb2.ConversationSpec(procedure=names["procedures"], persona="personas/eager-eddie", seed=1)
    match str(method):
        case "CreatePersona":
            request.persona.CopyFrom(PERSONA)
        case "UpdatePersona":
            request.persona.CopyFrom(PERSONA)
            request.persona.name = names["personas"]
        case "CreateProcedure":
            request.procedure.display_name = "P"
            request.revision.CopyFrom(REVISION)
        case "AddRevision":
            request.revision.CopyFrom(REVISION)
        case "UpdateRevision":
            request.number = 1
            request.revision.CopyFrom(REVISION)
        case "CreateCampaign" | "AddCampaignRevision":
            request.file.CopyFrom(CAMPAIGN)
        case "ImportCampaign":
            request.files.append(CAMPAIGN)
        case "UpdateCampaignRevision":
            request.number = 1
            request.file.CopyFrom(CAMPAIGN)
        case "CreateRubric" | "AddRubricRevision":
            request.file.CopyFrom(RUBRIC)
        case "UpdateRubricRevision":
            request.number = 1
            request.file.CopyFrom(RUBRIC)
        case (
            "MarkReady"
            | "DeleteRevision"
            | "MarkDomainReady"
            | "DeleteDomainRevision"
            | "MarkCampaignReady"
            | "DeleteCampaignRevision"
            | "MarkRubricReady"
            | "DeleteRubricRevision"
        ):
            request.revision = 1
        case "DiscoverDomain":
            request.header.file = "x.sql"
        case "ImportDomain":
            request.header.domain_id, request.header.file = "x", "x.yaml"
        case "SearchDomains" | "SearchDocuments":
            request.query = "price"
        case "RecordGeneration":
            request.generation.CopyFrom(GENERATION)
        case "FindPatterns":
            request.request.CopyFrom(GENERATION.request)
        case "CreateTemplate":
            request.template_id = "paid"
        case "AddDocuments":
            request.documents.append(DOCUMENT)
        case "AppendEvents":
            request.events.append(Event(user_message=UserMessage(text="Hello.")))
        case "TryTool":
            request.spec.CopyFrom(spec)
            request.tool = "refund"
        case "StartConversation":
            request.spec.CopyFrom(spec)
        case "SimulateCampaign" | "CoverCampaign":
            request.campaign.files.append(CAMPAIGN.content.decode())
        case "StartBatch" | "EstimateBatch":
            request.spec.conversation.CopyFrom(spec)
            request.spec.conversation.ClearField("persona")
            request.spec.size = 2
        case "StartRehearsal":
            request.spec.batch.conversation.CopyFrom(spec)
            request.spec.batch.conversation.ClearField("persona")
            request.spec.batch.size = 2
        case "CreateWorkflow":
            request.workflow.CopyFrom(WorkflowSource(spec=SHORT))
            setattr(request, "as", "short-too")
        case "UpdateWorkflow":
            request.workflow.CopyFrom(WorkflowSource(spec=SHORT))
            request.workflow.spec.name = names["workflows"].removeprefix("workflows/")
        case "GenerateSession":
            request.workflow.CopyFrom(WorkflowSource(spec=SHORT))
        case "StreamCalls":
            request.workflow.CopyFrom(WorkflowSource(spec=SHORT))
            request.format = StreamCallsRequest.FORMAT_ROWS
        case "GenerateTestData":
            request.CopyFrom(CARTS)
        case "StreamTestData" | "GenerateMany":
            request.request.CopyFrom(CARTS)
        case "StartEvaluation":
            request.spec.batch = names["batches"]
        case "StartCalibration":
            request.spec.batch = names["batches"]
            request.spec.people.SetInParent()
        case "StartJudgement":
            request.spec.batch = names["batches"]
            request.spec.rubric = names["rubrics"]
        case "CalibrateJudge":
            request.labels = b'{"conversation": "conversations/x", "criterion": "kind", "verdict": "kind"}'
        case "BuildReport":
            request.spec.evaluation = request.spec.baseline = names["evaluations"]
            request.spec.judgement = request.spec.baseline_judgement = names["judgements"]
        case "StartDataset":
            request.spec.CopyFrom(short_spec(sessions=3))
        case "StartRecordDataset":
            request.spec.records.source.schema = names["schemas"]
            request.spec.records.entities.add(entity="book", count=1)
        case "StartLearning":
            request.spec.dataset = names["datasets"]
        case "LearnWorkflow":
            request.header.format.kind = LogFormat.KIND_CSV
        case "CompareWorkflows":
            request.truth.CopyFrom(WorkflowSource(spec=SHORT))
        case "ExportLearning":
            request.kind = ExportLearningRequest.KIND_TRANSITIONS
        case "RegisterSchema":
            request.schema_id, request.yaml = "x", PACK.encode()
        case "GenerateRecords" | "StreamRecords":
            request.spec.source.schema = names["schemas"]
            request.spec.entities.add(entity="book", count=1)
        case "ImportResourceSet":
            request.header.resource_set_id, request.header.format, request.header.file = "x", "greenroom", "x.jsonl"
        case "ImportSources" | "ImportProcedures":
            request.header.format, request.header.file = "greenroom", "x.jsonl"
        case "ImportPersonas":
            request.header.format, request.header.file = "tau2", "x.jsonl"
    for field in method.descriptor.input_type.fields:
        if str(method) in ("SummarizeSimulations", "ReportCampaign") and field.name == "batch":
            continue  # it takes a conversation or a batch
        if field.type != field.TYPE_STRING or not (collection := collection_of(field)):
            continue
        if field.is_repeated:
            getattr(request, field.name).append(names[collection])
        else:
            setattr(request, field.name, names[collection])
    return request
