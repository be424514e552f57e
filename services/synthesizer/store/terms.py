"""What a conversation or batch was started with, at rest: the resolved spec."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from services.synthesizer.batches.model import BatchSpec, PersonaShare
from services.synthesizer.conversations.model import AgentTarget, BasedOn, ConversationSpec, ConversationType
from services.synthesizer.ports import SourceFilter
from services.synthesizer.tool_config import ToolConfig, ToolMock, ToolRule
from shared.model.events import Json, ToolAnswer, answer_json, read_answer, read_resource, resource_json

VERSION = 1


def pack_spec(spec: ConversationSpec) -> bytes:
    """The spec of a conversation, or what a batch's conversations have in common, at rest."""
    return _dump({"spec": _spec_json(spec)})


def unpack_spec(document: bytes) -> ConversationSpec:
    """The inverse of `pack_spec`."""
    return _read_spec(json.loads(document)["spec"])


def pack_batch_spec(spec: BatchSpec) -> bytes:
    """The spec of a batch at rest."""
    return _dump(
        {
            "conversation": _spec_json(spec.conversation),
            "sources": spec.sources,
            "source_filter": None if spec.source_filter is None else asdict(spec.source_filter),
            "linked_revisions": spec.linked_revisions,
            "personas": [asdict(share) for share in spec.personas],
            "size": spec.size,
            "external_id": spec.external_id,
        }
    )


def unpack_batch_spec(document: bytes) -> BatchSpec:
    """The inverse of `pack_batch_spec`."""
    record = json.loads(document)
    source_filter = record["source_filter"]
    return BatchSpec(
        conversation=_read_spec(record["conversation"]),
        sources=tuple(record["sources"]),
        source_filter=None if source_filter is None else SourceFilter(**source_filter),
        linked_revisions=record["linked_revisions"],
        personas=tuple(PersonaShare(**share) for share in record["personas"]),
        size=record["size"],
        external_id=record["external_id"],
    )


def _dump(record: Mapping[str, Json]) -> bytes:
    return json.dumps({"v": VERSION, **record}, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _spec_json(spec: ConversationSpec) -> dict[str, Json]:
    return {
        "type": spec.type,
        "procedure": spec.procedure,
        "revision": spec.revision,
        "source": spec.source,
        "persona": spec.persona,
        "tool_config": _tool_config_json(spec.tool_config),
        "resources": [resource_json(resource) for resource in spec.resources],
        "agent": None if spec.agent is None else asdict(spec.agent),
        "max_turns": spec.max_turns,
        "seed": spec.seed,
        "external_id": spec.external_id,
        "based_on": None if spec.based_on is None else asdict(spec.based_on),
        "epoch": spec.epoch,
        "model": spec.model,
    }


def _read_spec(record: Mapping[str, Json]) -> ConversationSpec:
    agent, based_on = record["agent"], record["based_on"]
    return ConversationSpec(
        type=ConversationType(record["type"]),
        procedure=record["procedure"],
        revision=record["revision"],
        source=record["source"],
        persona=record["persona"],
        tool_config=_read_tool_config(record["tool_config"]),
        resources=tuple(read_resource(resource) for resource in record["resources"]),
        agent=None if agent is None else AgentTarget(**agent),
        max_turns=record["max_turns"],
        seed=record["seed"],
        external_id=record["external_id"],
        based_on=None if based_on is None else BasedOn(**based_on),
        epoch=record["epoch"],
        model=record["model"],
    )


def _tool_config_json(config: ToolConfig) -> dict[str, Json]:
    return {
        "mocks": [
            {
                "tool": mock.tool,
                "rules": [{"match": dict(rule.match), "answer": answer_json(rule.answer)} for rule in mock.rules],
                "default": _default_json(mock.default),
            }
            for mock in config.mocks
        ],
        "default": _default_json(config.default),
        "ignore_recorded_calls": config.ignore_recorded_calls,
    }


def _read_tool_config(record: Mapping[str, Json]) -> ToolConfig:
    mocks = tuple(
        ToolMock(
            tool=mock["tool"],
            rules=tuple(ToolRule(read_answer(rule["answer"]), rule["match"]) for rule in mock["rules"]),
            default=_read_default(mock["default"]),
        )
        for mock in record["mocks"]
    )
    return ToolConfig(mocks, _read_default(record["default"]), record["ignore_recorded_calls"])


def _default_json(answer: ToolAnswer | None) -> Json:
    return None if answer is None else answer_json(answer)


def _read_default(record: Json) -> ToolAnswer | None:
    return None if record is None else read_answer(record)
