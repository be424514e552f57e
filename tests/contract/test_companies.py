"""One company finds nothing of another's, by no method and no field that names something."""

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import jwt
import pytest
from pydantic import SecretStr

from greenroom.client import connect
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2, persona_pb2, procedure_pb2
from greenroom.testdata.v1 import trace_call_pb2, trace_dataset_pb2, trace_learning_pb2
from greenroom.type.v1.event_pb2 import Event, UserMessage
from tests.contract.methods import Method, collection_of, methods, names_in, put
from tests.scripted import ScriptedModel, Theatre, procedure_line, source_line
from tests.suite import Suite, suite
from tests.traces import small, some_of_each

SECRET = "a secret of thirty-two bytes or more"


def token(company: str) -> str:
    claims = {"company": company, "sub": f"jo@{company}", "permissions": ["*"], "exp": time.time() + 3600}
    return jwt.encode(claims, SECRET, algorithm="HS256")


@dataclass
class Companies:
    """acme's resources by collection, globex's of traces, a theatre of each, and a channel without a token."""

    acme: Theatre
    globex: Theatre
    names: Mapping[str, str]
    theirs: Mapping[str, str]
    channel: grpc.aio.Channel


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def companies(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Companies]:
    url, traces_url = (
        "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres").create_database()
        for _ in range(2)
    )
    folder, model = tmp_path_factory.mktemp("companies"), ScriptedModel()
    async with (
        suite(url, folder, models=lambda _: model, testdata_url=traces_url, jwt_secret=SecretStr(SECRET)) as running,
        connect(running.address, token=token("acme")) as acme_client,
        connect(running.address, token=token("globex")) as globex_client,
        grpc.aio.insecure_channel(running.address) as channel,
    ):
        acme, globex = (
            Theatre(Suite(running.address, client, running.app), model, folder)
            for client in (acme_client, globex_client)
        )
        for theatre in (acme, globex):
            [theatre.procedure] = await theatre.import_procedures(procedure_line("p"))
            [theatre.source] = await theatre.import_sources(source_line("s", procedure="p"))
        traces = await some_of_each(acme_client, folder, "acmes")
        theirs = await some_of_each(globex_client, folder, "globexes")
        yield Companies(acme, globex, {**await own(acme), **traces}, theirs, channel)


async def own(acme: Theatre) -> dict[str, str]:
    persona = await acme.client.personas.create(persona_pb2.Persona(display_name="Ours", description="One of us."))
    spec = batch_pb2.BatchSpec(conversation=acme.spec(persona=""), size=1)
    batch = await acme.client.batches.start(spec, create_only=True)
    conversation = await acme.client.conversations.start(
        conversation_pb2.ConversationSpec(type=conversation_pb2.CONVERSATION_TYPE_MANUAL)
    )
    return {
        "personas": persona.name,
        "procedures": acme.procedure,
        "sources": acme.source,
        "conversations": conversation.name,
        "batches": batch.name,
    }


def otherwise_right(method: Method, companies: Companies) -> Any:
    """A request of globex's in which nothing but one name is wrong."""
    request: Any = method.request()
    globex = companies.globex
    match str(method):
        case "UpdateWorkflow":
            request.name = companies.theirs["workflows"]
            request.workflow.CopyFrom(small("acmes"))
        case "StreamCalls":
            request.format = trace_call_pb2.StreamCallsRequest.FORMAT_CSV
        case "ExportLearning":
            request.kind = trace_learning_pb2.ExportLearningRequest.KIND_NGRAMS
        case "CompareWorkflows":
            request.truth.name, request.learning = "workflows/ecommerce", companies.theirs["learnings"]
        case "UpdatePersona":
            request.persona.display_name, request.persona.description = "Theirs", "Not ours."
        case "AddRevision":
            request.revision.CopyFrom(procedure_pb2.Revision(instructions="Help."))
        case "MarkReady":
            request.revision = 1
        case "AppendEvents":
            request.events.append(Event(user_message=UserMessage(text="Hello.")))
        case "StartConversation":
            request.spec.CopyFrom(globex.spec())
        case "StartBatch":
            request.spec.conversation.CopyFrom(globex.spec(persona=""))
            request.spec.size = 1
    return request


DECIDED_BY_BATCH = ("source", "persona", "based_on")
CASES = [
    pytest.param(method, path, id=f"{method}-{'.'.join(field.name for field in path)}")
    for method in methods()
    for path in names_in(method.descriptor.input_type)
    if not (str(method) == "StartBatch" and len(path) > 2 and path[2].name in DECIDED_BY_BATCH)
]


@pytest.mark.parametrize(("method", "path"), CASES)
async def test_what_another_company_has_is_not_found(companies: Companies, method: Method, path: Any) -> None:
    request: Any = otherwise_right(method, companies)
    put(request, path, companies.names[collection_of(path[-1])])
    if path[-1].name == "conversation" and path[-2:-1] and path[-2].name == "based_on":
        request.spec.based_on.seq = 1

    told, responses = await method.call(companies.channel, request, token=token("globex"))

    if any(field.name == "filter" for field in path):
        assert told.code == "OK"
        assert not responses[0].ListFields()
    elif path[-2:-1] and path[-2].name == "source_filter":
        assert (told.code, told.reason) == ("FAILED_PRECONDITION", "NO_SOURCES")
    else:
        assert told.code == "NOT_FOUND", told


UPDATED = [method for method in methods() if str(method) == "UpdatePersona"]


async def test_a_persona_of_another_company_is_not_updated(companies: Companies) -> None:
    request: Any = otherwise_right(UPDATED[0], companies)
    request.persona.name = companies.names["personas"]

    told, _ = await UPDATED[0].call(companies.channel, request, token=token("globex"))

    assert told.code == "NOT_FOUND"


@pytest.mark.parametrize("method", [method for method in methods() if str(method).startswith("List")], ids=str)
async def test_lists_have_nothing_of_another_company(companies: Companies, method: Method) -> None:
    if list(names_in(method.descriptor.input_type)) and "filter" not in method.descriptor.input_type.fields_by_name:
        return  # those of one resource are among the cases above

    _, [response] = await method.call(companies.channel, method.request(), token=token("globex"))

    theirs = response.SerializeToString()
    assert not any(name.encode() in theirs for name in companies.names.values())


@pytest.mark.parametrize("method", methods(), ids=str)
async def test_without_a_token_nothing_is_told(companies: Companies, method: Method) -> None:
    told, responses = await method.call(companies.channel, method.request())

    assert (told.code, told.domain, told.reason) == ("UNAUTHENTICATED", "greenroom", "TOKEN_MISSING")
    assert responses == []


async def test_the_one_who_starts_something_is_its_creator(companies: Companies) -> None:
    started = await companies.globex.client.conversations.start(companies.globex.spec(), create_only=True)
    spec = batch_pb2.BatchSpec(conversation=companies.globex.spec(persona=""), size=2)
    batch = await companies.globex.client.batches.start(spec, create_only=True)

    assert started.creator == batch.creator == "jo@globex"
    [one, _] = [row async for row in companies.globex.client.batches.results(batch.name)]
    assert (await companies.globex.client.conversations.get(one.conversation)).creator == "jo@globex"


async def test_request_ids_of_two_companies_do_not_meet(companies: Companies) -> None:
    names = {
        (await theatre.client.conversations.start(theatre.spec(), create_only=True, request_id="same")).name
        for theatre in (companies.acme, companies.globex)
    }

    assert len(names) == 2


async def test_in_the_end_everything_of_the_first_company_is_as_it_was(companies: Companies) -> None:
    client, names = companies.acme.client, companies.names

    assert (await client.batches.get(names["batches"])).state == batch_pb2.Batch.STATE_CREATED
    manual = await client.conversations.get(names["conversations"])
    assert (manual.state, manual.last_seq) == (conversation_pb2.Conversation.STATE_OPEN, 1)
    assert (await client.personas.get(names["personas"])).display_name == "Ours"
    assert (await client.procedures.get(names["procedures"])).procedure.latest_revision == 1
    await client.sources.get(names["sources"])
    workflow = (await client.traces.workflows.get(names["workflows"])).workflow
    assert workflow.create_time == workflow.update_time
    assert (await client.traces.datasets.get(names["datasets"])).state == trace_dataset_pb2.Dataset.STATE_COMPLETED
    assert (
        await client.traces.learnings.get(names["learnings"])
    ).learning.state == trace_learning_pb2.Learning.STATE_COMPLETED
