"""The options for the agent under test, and for the customer that plays the persona."""

from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from cli.kit import specs
from cli.kit.run import USAGE, Failed
from greenroom.synthesizer.v1.conversation_pb2 import AgentTarget, ConversationSpec
from shared import yaml
from shared.hosts import is_grpc_address
from shared.words import all_of

Agent = Annotated[
    str | None,
    typer.Option(
        metavar="[KIND:]TARGET",
        help="The agent under test, such as 127.0.0.1:9100, grpc:127.0.0.1:9100, "
        "openai:http://127.0.0.1:8080/v1#MODEL or procedure_agent.",
    ),
]
OfAgentPullRequest = Annotated[
    int | None, typer.Option("--agent-pull-request", min=1, help="Only with this preview of the agent.")
]
OfPersonaAgentPullRequest = Annotated[
    int | None,
    typer.Option(
        "--persona-agent-pull-request",
        min=1,
        help="Only with this preview of the persona target.",
    ),
]
_KINDS = {
    field.name: getattr(AgentTarget(), field.name) for field in AgentTarget.DESCRIPTOR.oneofs_by_name["target"].fields
}
"""An empty message of each kind."""


@dataclass(frozen=True, slots=True)
class Targets:
    """The agent under test and the customer."""

    agent: Agent = None
    persona_target: Annotated[
        str | None,
        typer.Option(
            metavar="[KIND:]TARGET",
            help="A customer of your own that plays the persona, instead of a model; written as for --agent.",
        ),
    ] = None

    def set(self, spec: ConversationSpec) -> None:
        """Set those that were named, each as `set_agent` does. Raises Failed."""
        for side, value in ((spec.agent, self.agent), (spec.persona_target, self.persona_target)):
            if value is not None:
                set_agent(side, value)


@dataclass(frozen=True, slots=True)
class Previews:
    """The pull requests whose previews are called."""

    agent_pull_request: Annotated[
        int | None,
        typer.Option(
            min=1, help="Call the preview of this pull request: {pull_request} in the agent's address. Staff only."
        ),
    ] = None
    persona_agent_pull_request: Annotated[
        int | None, typer.Option(min=1, help="The same for {pull_request} in the address of the persona target.")
    ] = None

    def set(self, spec: ConversationSpec) -> None:
        """Set the pull requests that were named."""
        specs.override(spec, **asdict(self))


def preview_facts(spec: ConversationSpec) -> list[tuple[str, str]]:
    """The rows about the previews that are called."""
    numbers = (
        ("agent's pull request", spec.agent_pull_request),
        ("persona's pull request", spec.persona_agent_pull_request),
    )
    return [(what, str(number)) for what, number in numbers if number]


def set_agent(side: AgentTarget, value: str) -> None:
    """Set the target of `KIND:TARGET`, or of `HOST:PORT` for gRPC. Keeps other fields of the same kind.

    TARGET is the first field of the kind, such as its address. `#MODEL` may follow it where the kind has a model.
    Raises Failed.
    """
    kind, _, target = value.partition(":")
    if target.startswith("//"):
        wanted = f"write openai:{value} for Chat Completions, or http:{value} for a webhook"
        raise Failed(f"`{value}` names no agent; {wanted}.", USAGE)
    if kind not in _KINDS and is_grpc_address(value):
        kind, target = "grpc", value
    fields = _KINDS[kind].DESCRIPTOR.fields[:1] if kind in _KINDS else ()
    target, _, model = target.partition("#")
    has_model = kind in _KINDS and "model" in _KINDS[kind].DESCRIPTOR.fields_by_name
    if kind not in _KINDS or bool(target) != bool(fields) or (model and not has_model):
        near = (kind not in _KINDS and yaml.near(kind, _KINDS)) or f"; the kinds are {all_of(_KINDS)}"
        raise Failed(f"`{value}` names no agent; write HOST:PORT, or KIND:TARGET such as grpc:HOST:PORT{near}.", USAGE)
    agent = getattr(side, kind)
    agent.SetInParent()
    for field in fields:
        setattr(agent, field.name, target)
    if model:
        agent.model = model
