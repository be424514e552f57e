"""No method and no field lets a company find a resource of another company."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from pydantic import SecretStr

from greenroom.client import connect
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2
from greenroom.testdata.v1 import trace_dataset_pb2, trace_learning_pb2
from tests.contract.methods import Method, collection_of, methods, names_in, put
from tests.contract.tokens import SECRET, token
from tests.contract.valid_requests import one_of_each, valid_request
from tests.processes import PATIENCE
from tests.scripted import ScriptedModel, Theatre, procedure_line, source_line
from tests.suite import Suite, new_stores, suite


@dataclass
class Companies:
    """Two companies.

    names, theirs: a resource of acme and one of globex of each kind, by collection. channel: sends no token.
    """

    acme: Theatre
    globex: Theatre
    names: Mapping[str, str]
    theirs: Mapping[str, str]
    channel: grpc.aio.Channel


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
async def companies(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Companies]:
    stores, folder, model = new_stores(request), tmp_path_factory.mktemp("companies"), ScriptedModel()
    async with (
        suite(stores.pop("synthesizer"), folder, model=model, others=stores, jwt_secret=SecretStr(SECRET)) as running,
        connect(running.address, timeout=PATIENCE, token=token("acme")) as acme_client,
        connect(running.address, timeout=PATIENCE, token=token("globex")) as globex_client,
        grpc.aio.insecure_channel(running.address) as channel,
    ):
        acme, globex = (
            Theatre(Suite(running.address, client, running.app), model, folder)
            for client in (acme_client, globex_client)
        )
        for theatre in (acme, globex):
            [theatre.procedure] = await theatre.import_procedures(procedure_line("p"))
            [theatre.source] = await theatre.import_sources(source_line("s", procedure="p"))
        yield Companies(acme, globex, await one_of_each(acme, "acmes"), await one_of_each(globex, "globexes"), channel)


def naming(companies: Companies, method: Method, path: Any) -> Any:
    """A request of globex that is valid but for a resource of acme in one field."""
    collection = collection_of(path[-1])
    name = companies.names[collection]
    if str(method) == "SummarizeSimulations":
        # It takes a conversation or a batch.
        return method.request(**{path[0].name: name})
    if str(method) == "ReportCampaign" and path[0].name == "batch":
        return method.request(name=companies.theirs["campaigns"], batch=name)
    if len(path) == 1:
        # The body of an update has the name too.
        return valid_request(method, {**companies.theirs, collection: name})
    request = valid_request(method, companies.theirs)
    if path[0].name == "source_filter":
        request.ClearField("sources")  # a request has sources or a filter
    put(request, path, name)
    if path[-2].name == "again":
        batch = request.spec if path[-3].name == "spec" else request.spec.batch
        batch.ClearField("size")
        batch.again.indexes.append(0)
    return request


FLAT_FILTERS = ("ListDocuments", "SearchDocuments", "ListBatches", "ListReports")
"""Methods whose request has the fields of its filter itself."""
OF_BATCHES = ("StartBatch", "EstimateBatch", "StartRehearsal")
DECIDED_BY_BATCH = ("source", "persona", "based_on")
CASES = [
    pytest.param(method, path, id=f"{method}-{'.'.join(field.name for field in path)}")
    for method in methods()
    for path in names_in(method.descriptor.input_type)
    if not (str(method) in OF_BATCHES and any(field.name in DECIDED_BY_BATCH for field in path[2:]))
    and not (str(method) == "TryTool" and path[-1].name == "persona")  # it looks at no persona
    and not (
        path[-1].name == "campaign" and (str(method) == "TryTool" or "persona_target" in [field.name for field in path])
    )
]
"""No campaign plays a persona or calls tools, so none is looked for there."""


@pytest.mark.parametrize(("method", "path"), CASES)
async def test_a_resource_of_another_company_is_not_found(companies: Companies, method: Method, path: Any) -> None:
    request = naming(companies, method, path)
    if path[-1].name == "conversation" and path[-2:-1] and path[-2].name == "based_on":
        request.spec.based_on.seq = 1

    told, responses = await method.call(companies.channel, request, token=token("globex"))

    if any(field.name == "filter" for field in path) or str(method) in FLAT_FILTERS:
        assert told.code == "OK"
        assert not any(response.ListFields() for response in responses)
    elif path[-2:-1] and path[-2].name in ("source_filter", "sources", "people"):
        assert told.code == "FAILED_PRECONDITION"
        assert told.reason in ("NO_SOURCES", "NOTHING_TO_GENERATE_FROM", "NOTHING_TO_EVALUATE")
    else:
        assert told.code == "NOT_FOUND", told


UPDATED = [method for method in methods() if str(method) == "UpdatePersona"]


async def test_a_persona_of_another_company_is_not_updated(companies: Companies) -> None:
    request = valid_request(UPDATED[0], {**companies.theirs, "personas": companies.names["personas"]})

    told, _ = await UPDATED[0].call(companies.channel, request, token=token("globex"))

    assert told.code == "NOT_FOUND"


@pytest.mark.parametrize("method", [method for method in methods() if str(method).startswith("List")], ids=str)
async def test_lists_contain_nothing_of_another_company(companies: Companies, method: Method) -> None:
    has_filter = "filter" in method.descriptor.input_type.fields_by_name or str(method) in FLAT_FILTERS
    if list(names_in(method.descriptor.input_type)) and not has_filter:
        return  # a list of one resource's parts: the cases above cover it

    _, [response] = await method.call(companies.channel, method.request(), token=token("globex"))

    theirs = response.SerializeToString()
    assert not any(name.encode() in theirs for name in companies.names.values())


@pytest.mark.parametrize("method", methods(), ids=str)
async def test_every_method_refuses_calls_without_a_token(companies: Companies, method: Method) -> None:
    told, responses = await method.call(companies.channel, method.request())

    assert (told.code, told.domain, told.reason) == ("UNAUTHENTICATED", "greenroom", "TOKEN_MISSING")
    assert responses == []


async def test_the_caller_who_starts_a_resource_is_its_creator(companies: Companies) -> None:
    started = await companies.globex.client.conversations.start(companies.globex.spec(), create_only=True)
    spec = batch_pb2.BatchSpec(conversation=companies.globex.spec(persona=""), size=2)
    batch = await companies.globex.client.batches.start(spec, create_only=True)

    assert started.creator == batch.creator == "jo@globex"
    [one, _] = [row async for row in companies.globex.client.batches.results(batch.name)]
    assert (await companies.globex.client.conversations.get(one.conversation)).creator == "jo@globex"


async def test_two_companies_can_use_the_same_request_id(companies: Companies) -> None:
    names = {
        (await theatre.client.conversations.start(theatre.spec(), create_only=True, request_id="same")).name
        for theatre in (companies.acme, companies.globex)
    }

    assert len(names) == 2


async def test_afterwards_the_resources_of_the_first_company_are_unchanged(companies: Companies) -> None:
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
