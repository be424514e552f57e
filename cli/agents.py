"""greenroom agents"""

from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from cli.kit import specs
from cli.kit.agents import set_agent
from cli.kit.names import naming
from cli.kit.render import console
from cli.kit.run import FAILED, OK, USAGE, Failed, command, noun
from cli.kit.transcript import line
from greenroom.client import Client
from greenroom.synthesizer.v1.conversation_pb2 import Conversation, ConversationSpec
from greenroom.type.v1.event_pb2 import Event

app = noun("Agents under test.")

TURNS = 2
_ANSWERS = {"agent_message", "tool_call", "waited"}
_NO_DATA = {"error": {"code": "NOT_FOUND", "message": "This is a check of the agent; the tools have no data."}}


@command(app, "check")
async def check(
    client: Client,
    target: Annotated[
        str,
        typer.Argument(
            metavar="[KIND:]TARGET|FILE",
            help="As after --agent, such as openai:http://127.0.0.1:8080/v1#MODEL; or YAML with the fields of "
            "ConversationSpec or BatchSpec, or -.",
        ),
    ],
    procedure: Annotated[str | None, naming("procedures", "Send its instructions and tools.")] = None,
    as_persona: Annotated[
        bool, typer.Option("--as-persona", help="Let TARGET play the user; the built-in agent follows --procedure.")
    ] = False,
) -> int:
    """Talk to an agent for two turns. Prints what each side said, how long the agent took, and what is wrong.

    The other side is played by the offline model, tools answer with an error, and nothing is kept. Exits with 1 if
    something is wrong.
    """
    spec = _spec(target, as_persona)
    specs.override(spec, procedure=procedure)
    if not spec.procedure and spec.agent.WhichOneof("target") in (None, "procedure_agent"):
        raise Failed("The built-in agent follows a procedure; name one with --procedure.", USAGE)
    made = await client.conversations.start(spec)
    async with client.conversations.watch(made.name) as watch:
        events = [event async for event in watch]
    await client.conversations.delete(made.name)
    assert watch.summary is not None
    out = console()
    answers = {*_ANSWERS, "user_message"} if spec.HasField("persona_target") else _ANSWERS
    for before, event in pairwise(events):
        if not spec.HasField("persona_target"):
            event.ClearField("thoughts")  # The agent does not receive them.
        shown = None if event.HasField("ended") else line(event)
        if shown is not None:
            out.print(shown)
        if event.WhichOneof("kind") in answers and (took := _milliseconds(before, event)):
            out.print(f"         after {took} ms", style="dim")
    if watch.summary.state != Conversation.STATE_COMPLETED:
        out.print(watch.summary.ended.detail, style="red")
        return FAILED
    out.print("Nothing is wrong.", style="green")
    return OK


def _spec(target: str, as_persona: bool) -> ConversationSpec:
    """What is started. Raises Failed for a target that is neither an agent nor a file."""
    spec = ConversationSpec()
    if _is_path(target):
        spec = specs.conversation(Path(target))
    else:
        set_agent(spec.persona_target if as_persona else spec.agent, target)
    spec.max_turns = TURNS
    spec.persona_model = "offline"
    if spec.HasField("persona_target"):
        spec.agent_model = "offline"
    spec.persona = spec.persona or "personas/eager-eddie"
    if not spec.HasField("tool_config"):
        specs.filled({"tool_config": {"default_answer": _NO_DATA}}, spec, "the options")
    return spec


def _is_path(target: str) -> bool:
    """True for a file, for -, and for what can only be the name of a file that does not exist."""
    named_so = ":" not in target and target.endswith((".yaml", ".yml", ".json"))
    return target == "-" or named_so or Path(target).is_file()


def _milliseconds(before: Event, answer: Event) -> int:
    """How long an answer took, until it was stored; 0 for the second event of one answer."""
    elapsed = answer.create_time.ToMilliseconds() - before.create_time.ToMilliseconds()
    return int(answer.model_call.milliseconds if elapsed and answer.HasField("model_call") else elapsed)
