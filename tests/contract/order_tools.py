"""Tools that read and cancel orders, and tool configs that answer them."""

from typing import Any

from google.protobuf import json_format

from greenroom.synthesizer.v1 import tool_config_pb2

TOOLS: list[dict[str, Any]] = [
    {"name": "get_order", "arguments_schema": {"properties": {"order": {"type": "string"}}}},
    {"name": "cancel", "arguments_schema": {"properties": {"order": {}, "reason": {}, "amount": {"type": "number"}}}},
]
GET = {"operations": {"operations": [{"kind": "KIND_GET", "type": "order", "id": "{{ args.order }}"}]}}


def config(*, unmatched: str = "UNMATCHED_FAIL", **rules: Any) -> tool_config_pb2.ToolConfig:
    """A tool config with these rules by tool."""
    mocks = [{"tool": tool, "rules": own} for tool, own in rules.items()]
    return json_format.ParseDict({"mocks": mocks, "unmatched": unmatched}, tool_config_pb2.ToolConfig())


def operations(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A rule that replies with operations on orders."""
    return {"replies": [{"operations": {"operations": [{"type": "order", **step} for step in steps], **more}}]}


CANCEL = operations(
    {
        "kind": "KIND_PATCH",
        "id": "{{ args.order }}",
        "fails_if": [
            {"condition": "it.state == 'cancelled'", "error": {"code": "CANCELLED_BEFORE"}},
            {"condition": "it.state != 'pending'", "error": {"code": "TOO_LATE", "message": "It was sent."}},
        ],
        "set": {"state": "cancelled", "reason": "{{ args.reason }}", "owner": None},
        "computed": {"refund": "double(it.price) * 0.5", "log": "[{'by': it.owner, 'order': id}]"},
    }
)
CANCELLED = {
    "state": "cancelled",
    "price": 20,
    "reason": "late",
    "refund": 10,
    "log": [{"by": "ann", "order": "O-1"}],
}
"""What the first cancellation of an order O-1 of ann for 20, with the reason `late`, answers."""
