"""The files that `greenroom init` writes: a procedure, personas and a batch, inferred from recorded conversations."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict

from cli.kit.documents import Comments, document
from greenroom.synthesizer.v1.conversation_pb2 import ConversationSpec
from greenroom.synthesizer.v1.inference_pb2 import (
    InferredPersona,
    InferredTool,
    InferRehearsalResponse,
    SchemaSupport,
    Support,
)
from greenroom.synthesizer.v1.procedure_pb2 import Step, Tool
from shared.rpc.values import struct_json, value_json
from shared.words import counted

SIZE = 50
_LONGEST = 40
"""Characters of the label in the name of a persona, which has up to 100."""
_FEWEST = 3
"""An answer that fewer calls have is no default."""
_KEYWORDS = ("type", "format", "enum", "properties", "required", "items", "additionalProperties")
"""The order of a schema's keywords."""
_NOT_RECORDED = {"error": {"code": "NOT_FOUND", "message": "There is nothing for these arguments."}}


class RehearsalFiles:
    """The files of a rehearsal.

    label: names the procedure, the sources and the personas. file: the file of conversations, for comments.
    """

    def __init__(self, label: str, file: str, found: InferRehearsalResponse, spec: ConversationSpec) -> None:
        self._label = label
        self._file = file
        self._found = found
        self._spec = spec

    def files(self) -> dict[str, str]:
        """The texts by file name."""
        texts = {"procedure.yaml": self._procedure(), "batch.yaml": self._batch()}
        return {**texts, "personas.yaml": self._personas()} if self._found.personas else texts

    def commands(self, folder: Path, file: Path, reading: list[str], *, revise: bool) -> list[list[str]]:
        """What to do with the files, in order.

        reading: the options that say how the conversations are read. revise: True if the label has a procedure already.
        """
        procedure = ["revise", self._label] if revise else ["create"]
        personas = [["personas", "create", str(folder / "personas.yaml")]] if self._found.personas else []
        return [
            ["procedures", *procedure, str(folder / "procedure.yaml"), "--ready"],
            *personas,
            ["sources", "import", str(file), "--label", self._label, *reading],
            ["batches", "start", str(folder / "batch.yaml")],
        ]

    def _head(self, what: str) -> str:
        return f"{what}, inferred from {counted(self._found.summary.imported, 'conversation')} of {self._file}."

    def _procedure(self) -> str:
        found, revision = self._found, self._found.revision
        comments: Comments = {}
        content: dict[str, Any] = {}
        if revision.instructions:
            content["instructions"] = revision.instructions
            comments["revision", "instructions"] = f"in {_share(found.instructions, 'conversations that have any')}"
        if revision.steps:
            content["steps"] = [_step(step) for step in revision.steps]
            comments["revision", "steps"] = f"the order of {_share(found.steps, 'conversations')}"
        content["tools"] = []
        for number, (tool, shown) in enumerate(zip(revision.tools, found.tools, strict=True)):
            content["tools"].append(_tool(tool, shown))
            place = ("revision", "tools", number)
            comments[place] = _evidence(shown)
            for schema, supports in (("arguments_schema", shown.arguments), ("result_schema", shown.results)):
                comments |= {(*place, schema, *_keys(one.pointer)): _seen(one) for one in supports}
        procedure = {"display_name": self._label, "external_id": self._label}
        head = "\n".join([self._head("What the agent must do"), *found.notes])
        return document({"procedure": procedure, "revision": content}, comments, head)

    def _personas(self) -> str:
        personas = [self._persona(one) for one in self._found.personas]
        comments: Comments = {
            ("personas", number): _share(one.support, "customers") for number, one in enumerate(self._found.personas)
        }
        return document({"personas": personas}, comments, self._head("How the customers write"))

    def _persona(self, inferred: InferredPersona) -> dict[str, Any]:
        content: dict[str, Any] = MessageToDict(inferred.persona, preserving_proto_field_name=True)
        how = content["personality"]
        content["personality"] = {name: word.removeprefix(f"{name.upper()}_").lower() for name, word in how.items()}
        content["display_name"] = self._name(inferred)
        return {name: value for name, value in content.items() if value}

    def _name(self, inferred: InferredPersona) -> str:
        return f"{inferred.persona.display_name} ({self._label[:_LONGEST]})"

    def _batch(self) -> str:
        mix = [{"persona": self._name(one), "weight": one.support.records} for one in self._found.personas]
        mocks = [
            (one, {"tool": one.name, "default_answer": {"value": value_json(one.answer)}})
            for one in self._found.tools
            if one.answer_records >= _FEWEST and 2 * one.answer_records > one.answers
        ]
        comments: Comments = {
            (
                "conversation",
                "tool_config",
                "mocks",
                number,
            ): f"the answer to {one.answer_records} of {one.answers} calls"
            for number, (one, _) in enumerate(mocks)
        }
        comments["conversation", "tool_config"] = "the calls recorded in a conversation come before these defaults"
        conversation: dict[str, Any] = {"procedure": self._label}
        conversation |= MessageToDict(self._spec, preserving_proto_field_name=True)
        if self._found.tools:
            answers = {"mocks": [mock for _, mock in mocks]} if mocks else {}
            conversation["tool_config"] = {**answers, "default_answer": _NOT_RECORDED}
        content: dict[str, Any] = {"size": SIZE, "source_filter": {"labels": [self._label], "finished": True}}
        if mix:
            content["personas"] = mix
        return document(content | {"conversation": conversation}, comments, self._head("A batch of rehearsals"))


def _step(step: Step) -> dict[str, Any]:
    content: dict[str, Any] = MessageToDict(step, preserving_proto_field_name=True)
    if step.HasField("ask"):
        content["ask"]["schema"] = _ordered(struct_json(step.ask.schema), "", {})
    return content


def _tool(tool: Tool, shown: InferredTool) -> dict[str, Any]:
    content: dict[str, Any] = {"name": tool.name}
    if tool.description:
        content["description"] = tool.description
    for name, supports in (("arguments_schema", shown.arguments), ("result_schema", shown.results)):
        if schema := struct_json(getattr(tool, name)):
            places = {one.pointer: number for number, one in enumerate(supports)}
            content[name] = _ordered(schema, "", places)
    return content


def _ordered(value: Any, pointer: str, places: Mapping[str, int]) -> Any:
    """A schema whose keywords, and the properties with a support, are in order. A message does not keep the order."""
    if not isinstance(value, dict):
        return value

    def place(name: str) -> tuple[int, int, str]:
        at = places.get(f"{pointer}/{_escaped(name)}")
        if at is not None and pointer.endswith("/properties"):
            return 0, at, name
        return 1, _KEYWORDS.index(name) if name in _KEYWORDS else len(_KEYWORDS), name

    return {name: _ordered(value[name], f"{pointer}/{_escaped(name)}", places) for name in sorted(value, key=place)}


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _keys(pointer: str) -> tuple[str, ...]:
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def _seen(one: SchemaSupport) -> str:
    return f"all {one.records} values" if one.pointer.endswith(("/enum", "/format")) else f"{one.records} of {one.of}"


def _share(support: Support, of: str) -> str:
    return f"{support.records} of {support.of} {of}"


def _evidence(shown: InferredTool) -> str:
    calls = f"{counted(shown.calls, 'call')} in {counted(shown.conversations, 'conversation')}"
    return f"{calls}; offered in {shown.offers}" if shown.offers else calls
