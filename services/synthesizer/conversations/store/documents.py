"""The resolved spec of a conversation as a stored document."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from services.synthesizer.conversations.model import (
    BUILT_IN_AGENT,
    AgentTarget,
    BasedOn,
    ConversationSpec,
    ConversationType,
)
from services.synthesizer.tool_configs.documents import read_tool_config, tool_config_json
from shared.db.documents import load_document
from shared.model.events import Json, read_resource, resource_json
from shared.model.recording import Recording

VERSION = 1


def pack_spec(spec: ConversationSpec) -> bytes:
    """The stored form of the spec of a conversation, or of the part that a batch's conversations share."""
    return dump({"spec": spec_json(spec)})


def unpack_spec(document: bytes) -> ConversationSpec:
    """The inverse of `pack_spec`."""
    return read_spec(load_document(document)["spec"])


def dump(record: Mapping[str, Json]) -> bytes:
    """A document to store: compact JSON with its version."""
    return json.dumps({"v": VERSION, **record}, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def spec_json(spec: ConversationSpec) -> dict[str, Json]:
    """The spec as a JSON object."""
    return {
        "type": spec.type,
        "procedure": spec.procedure,
        "revision": spec.revision,
        "source": spec.source,
        "persona": spec.persona,
        "tool_config": tool_config_json(spec.tool_config),
        "resources": [resource_json(resource) for resource in spec.resources],
        "agent": None if spec.agent is None else asdict(spec.agent),
        "max_turns": spec.max_turns,
        "seed": spec.seed,
        "external_id": spec.external_id,
        "based_on": None if spec.based_on is None else asdict(spec.based_on),
        "epoch": spec.epoch,
        "model": spec.model,
        "persona_model": spec.persona_model,
        "agent_model": spec.agent_model,
        "recording": spec.recording,
        "mock_resources": spec.mock_resources,
        "persona_target": None if spec.persona_target is None else asdict(spec.persona_target),
        "agent_pull_request": spec.agent_pull_request,
        "persona_agent_pull_request": spec.persona_agent_pull_request,
    }


def read_spec(record: Mapping[str, Json]) -> ConversationSpec:
    """The inverse of `spec_json`."""
    agent, based_on, persona_target = record["agent"], record["based_on"], record.get("persona_target")
    return ConversationSpec(
        type=ConversationType(record["type"]),
        procedure=record["procedure"],
        revision=record["revision"],
        source=record["source"],
        persona=record["persona"],
        tool_config=read_tool_config(record["tool_config"]),
        resources=tuple(read_resource(resource) for resource in record["resources"]),
        agent=None if agent is None else _read_agent(agent),
        max_turns=record["max_turns"],
        seed=record["seed"],
        external_id=record["external_id"],
        based_on=None if based_on is None else BasedOn(**based_on),
        epoch=record["epoch"],
        model=record["model"],
        persona_model=record.get("persona_model", record["model"]),
        agent_model=record.get("agent_model", record["model"]),
        recording=Recording(record.get("recording", Recording.RECORD)),
        mock_resources=tuple(record.get("mock_resources", ())),
        persona_target=None if persona_target is None else AgentTarget(**persona_target),
        agent_pull_request=record.get("agent_pull_request", 0),
        persona_agent_pull_request=record.get("persona_agent_pull_request", 0),
    )


def _read_agent(record: Mapping[str, Json]) -> AgentTarget:
    if "config" in record:
        return AgentTarget(**record)
    # Version 0.1 wrote {"kind": "procedure" or "grpc", "address": …, "tls": …}.
    kind = BUILT_IN_AGENT if record["kind"] == "procedure" else record["kind"]
    return AgentTarget(kind, {name: record[name] for name in ("address", "tls") if record[name]})
