"""Tool configs as stored JSON."""

from collections.abc import Mapping
from dataclasses import asdict

from services.synthesizer.tool_configs.model import (
    Failure,
    Latency,
    Reply,
    ToolConfig,
    ToolMock,
    ToolRule,
    Unmatched,
)
from shared.model.events import Json, ToolAnswer, ToolError, answer_json, read_answer


def tool_config_json(config: ToolConfig) -> dict[str, Json]:
    """The tool config as a JSON object."""
    return {
        "mocks": [
            {
                "tool": mock.tool,
                "rules": [_rule_json(rule) for rule in mock.rules],
                "default": _answer_json(mock.default),
            }
            for mock in config.mocks
        ],
        "default": _answer_json(config.default),
        "ignore_recorded_calls": config.ignore_recorded_calls,
        "unmatched": config.unmatched,
    }


def read_tool_config(record: Mapping[str, Json]) -> ToolConfig:
    """The inverse of `tool_config_json`, also for what older versions stored."""
    mocks = tuple(
        ToolMock(mock["tool"], tuple(map(_read_rule, mock["rules"])), _read_answer(mock["default"]))
        for mock in record["mocks"]
    )
    return ToolConfig(
        mocks=mocks,
        default=_read_answer(record["default"]),
        ignore_recorded_calls=record["ignore_recorded_calls"],
        unmatched=Unmatched(record.get("unmatched", Unmatched.FAIL)),
    )


def _rule_json(rule: ToolRule) -> dict[str, Json]:
    record: dict[str, Json] = {"match": dict(rule.match), "answer": _answer_json(rule.answer)}
    if rule.condition:
        record["condition"] = rule.condition
    if rule.replies:
        record["replies"] = [asdict(reply) for reply in rule.replies]
    return record


def _read_rule(record: Mapping[str, Json]) -> ToolRule:
    return ToolRule(
        _read_answer(record["answer"]),
        record["match"],
        record.get("condition", ""),
        tuple(map(_read_reply, record.get("replies", ()))),
    )


def _read_reply(record: Mapping[str, Json]) -> Reply:
    latency, failure = record["latency"], record["failure"]
    return Reply(
        record["kind"],
        record["config"],
        None if latency is None else Latency(**latency),
        None if failure is None else Failure(**{**failure, "error": ToolError(**failure["error"])}),
    )


def _answer_json(answer: ToolAnswer | None) -> Json:
    return None if answer is None else answer_json(answer)


def _read_answer(record: Json) -> ToolAnswer | None:
    return None if record is None else read_answer(record)
