"""Reads all resources of a company, as JSON by name: with 0.1 for `answers.json`, with today's code in the test."""

from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from greenroom.client import Client

Answers = dict[str, Any]


async def everything(client: Client) -> Answers:
    """Every resource by its name, its parts by `name/part`."""
    found: Answers = {}
    async for persona in client.personas.list():
        found[persona.name] = _json(await client.personas.get(persona.name))
    async for procedure in client.procedures.list():
        found[procedure.name] = _json(await client.procedures.get(procedure.name))
    async for source in client.sources.list():
        found[source.name] = _json(await client.sources.get(source.name))
        found[f"{source.name}/events"] = [_json(event) async for event in client.sources.events(source.name)]
        found[f"{source.name}/resources"] = [_json(one) for one in await client.sources.resources(source.name)]
    async for conversation in client.conversations.list():
        found[conversation.name] = _json(await client.conversations.get(conversation.name))
        events = client.conversations.events(conversation.name)
        found[f"{conversation.name}/events"] = [_json(event) async for event in events]
    async for batch in client.batches.list():
        found[batch.name] = _json(await client.batches.get(batch.name))
        found[f"{batch.name}/results"] = [_json(row) async for row in client.batches.results(batch.name)]
    async for workflow in client.traces.workflows.list():
        found[workflow.name] = _json(await client.traces.workflows.get(workflow.name))
    async for dataset in client.traces.datasets.list():
        found[dataset.name] = _json(await client.traces.datasets.get(dataset.name))
    async for learning in client.traces.learnings.list():
        found[learning.name] = _json(await client.traces.learnings.get(learning.name))
    return found


def _json(message: Message) -> Any:
    return MessageToDict(message, preserving_proto_field_name=True)
