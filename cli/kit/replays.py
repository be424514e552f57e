"""The options that name the conversation whose beginning is replayed."""

from typing import Annotated

import typer

from cli.kit.names import naming
from greenroom.client import Client
from greenroom.synthesizer.v1.conversation_pb2 import ConversationSpec

BasedOn = Annotated[str | None, naming("conversations", "Go on from an event of this one, with a changed spec.")]
At = Annotated[
    int | None,
    typer.Option(min=1, help="The seq of that event, as `conversations transcript --seq` tells; the last if left out."),
]


async def set_base(client: Client, spec: ConversationSpec, based_on: str | None, at: int | None) -> None:
    """Base the spec on a conversation up to an event, if one is named."""
    if based_on is not None:
        spec.based_on.conversation = based_on
        spec.based_on.seq = at or (await client.conversations.get(based_on)).last_seq
