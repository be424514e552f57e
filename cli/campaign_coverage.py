"""greenroom campaigns cover"""

from typing import Annotated

import typer

from cli.kit.render import print_json
from cli.kit.run import FAILED, OK, Json
from cli.kit.simulated import print_covered
from cli.kit.simulating import Contact, Played, target_of
from greenroom.client import Client


async def cover(
    client: Client,
    campaigns: Played,
    contact: Contact,
    budget: Annotated[int, typer.Option(min=0, max=10_000, help="Contacts at most; 0: 1,000.")] = 0,
    json: Json = False,
) -> int:
    """Play contacts through campaigns until every edge is taken, or shown to be unreachable.

    Personas, contact fields, tags and seeds are varied; what --field sets stays. Every edge is shown with how often it
    was taken, by whom, and a conversation that shows it; or with the reason why it was not. Exit status 1 if one was
    not.
    """
    target = await target_of(client, campaigns)
    contact.set(target)
    found = client.simulations.cover(
        target,
        personas=[contact.persona] if contact.persona else [],
        tool_config=contact.tool_config,
        seed=contact.seed,
        budget=budget,
    )
    *_, last = [message async for message in found]
    if json:
        print_json(last)
    else:
        print_covered(last)
    return FAILED if last.open or last.unreachable else OK
