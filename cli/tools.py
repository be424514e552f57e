"""greenroom tools"""

import json as json_library
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict

from cli.kit import specs
from cli.kit.names import resolve_spec
from cli.kit.render import console, facts, print_json
from cli.kit.run import FAILED, OK, USAGE, Failed, Json, command, noun
from cli.kit.transcript import whole
from greenroom.client import Client
from greenroom.synthesizer.v1.conversation_pb2 import TryToolResponse

app = noun("Mocked tools: try what they answer.")


@command(app, "try")
async def try_(
    client: Client,
    file: Annotated[Path, typer.Argument(help="YAML with the fields of ConversationSpec or BatchSpec, or -.")],
    tool: Annotated[str, typer.Argument(help="The name of the tool.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE", help="The arguments; a value is JSON, or else text.")
    ] = None,
    answered_before: Annotated[
        int, typer.Option(min=0, help="How many calls the rule has answered before, for one with several replies.")
    ] = 0,
    json: Json = False,
) -> int:
    """Show what a tool answers to a call, without a conversation."""
    spec = specs.conversation(file)
    await resolve_spec(client, spec)
    given = dict(map(_argument, arguments or ()))
    tried = await client.conversations.try_tool(spec, tool, given, answered_before=answered_before)
    if json:
        print_json(tried)
    else:
        console().print(facts(*_told(tried)))
    return FAILED if tried.HasField("failure") else OK


def _argument(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise Failed(f"`{text}` should be the name of an argument, `=` and its value, such as order=O-7.", USAGE)
    try:
        return name, json_library.loads(value)
    except ValueError:
        return name, value


def _told(tried: TryToolResponse) -> list[tuple[str, str]]:
    if tried.HasField("failure"):
        return [("fails", tried.failure.reason), ("why", tried.failure.detail)]
    answer = tried.answer
    told = [("rule", str(tried.mock_rule) if tried.HasField("mock_rule") else "")]
    if answer.HasField("error"):
        told.append(("error", f"{answer.error.code} {answer.error.message}".strip()))
    else:
        told.append(("answer", _compact(answer.value)))
    for patch in answer.patches:
        change = "is deleted" if patch.delete else _compact(patch.merge)
        told.append(("changes", f"{patch.type} {patch.id}: {change}"))
    told.append(("takes", f"{tried.milliseconds / 1000:g} s" if tried.HasField("milliseconds") else ""))
    return told


def _compact(message: Any) -> str:
    return json_library.dumps(whole(MessageToDict(message)), ensure_ascii=False, sort_keys=True)
