"""Names as people type them: in full, by the beginning or end of the id, as `latest`, as an external id, or, for a
persona, as what it is called."""

import asyncio
import os
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import typer

from cli.kit.render import UUID, short
from cli.kit.run import NOT_FOUND, USAGE, Connection, Failed, Later, connected, first
from greenroom.client import Client, Listing
from greenroom.synthesizer.v1.conversation_pb2 import ConversationFilter, ConversationSpec
from greenroom.synthesizer.v1.source_pb2 import SourceFilter

LATEST = "latest"
_ID, _DOMAIN_ID = re.compile("[a-z0-9-]{1,64}"), re.compile("[a-z0-9_-]{1,64}")
_CANDIDATES = 5
"""How many names an ambiguous one is explained with."""
_NAMED_BY_PEOPLE = ("domains", "personas", "resources", "schemas", "templates", "workflows")
"""Collections with ids that are words, so an id can be the beginning of another."""
_BY_EXTERNAL_ID: dict[str, Callable[[Client, str], Listing[Any]]] = {
    "batches": lambda client, external_id: client.batches.list(external_id=external_id),
    "campaigns": lambda client, external_id: client.campaigns.list(external_id=external_id),
    "conversations": lambda client, external_id: client.conversations.list(ConversationFilter(external_id=external_id)),
    "procedures": lambda client, external_id: client.procedures.list(external_id=external_id),
    "rubrics": lambda client, external_id: client.rubrics.list(external_id=external_id),
    "sources": lambda client, external_id: client.sources.list(SourceFilter(external_id=external_id)),
}


def named(collection: str) -> Any:
    """An argument with the name of a resource as people type it; the command gets it in full."""
    external = ", or its external id" if collection in _BY_EXTERNAL_ID else ""
    return typer.Argument(
        metavar="NAME",
        help=f"{collection}/…, the beginning or end of what follows, `{LATEST}`{external}.",
        autocompletion=completing(collection),
        callback=lambda value: later(collection, value),
    )


def naming(collection: str, what: str) -> Any:
    """An option with the name of a resource, like `named`. what: its help."""
    return typer.Option(
        metavar="NAME",
        help=what,
        autocompletion=completing(collection),
        callback=lambda value: value and later(collection, value),
    )


def later(collection: str, value: str) -> Later:
    """What is typed for a name; becomes the full name before the command runs."""
    return Later(partial(resolve, collection, value))


async def resolve(collection: str, value: str, client: Client) -> str:
    """The full name of the resource that a user means. A full name or UUID is not looked up.

    Raises Failed if nothing has this name, or several have.
    """
    has_external_ids, is_id = collection in _BY_EXTERNAL_ID, _id_of(collection).fullmatch(value) is not None
    if collection == "personas" and not _is_full(collection, value) and not is_id:
        return await _called(value, client)
    if _is_full(collection, value) or not (has_external_ids or is_id):
        return full_name(collection, value)
    if value == LATEST:
        return await _latest(collection, client)
    found = await _names(_BY_EXTERNAL_ID[collection](client, value), _CANDIDATES + 1) if has_external_ids else []
    if not found and is_id:
        limit = 0 if collection in _NAMED_BY_PEOPLE else _CANDIDATES + 1
        found = await _names(_calls(collection, client).list(short_id=value), limit)
    if f"{collection}/{value}" in found:
        return f"{collection}/{value}"
    external = ", and no external id is it" if has_external_ids else ""
    return _only(found, collection, value, f"no name begins or ends with it{external}")


def _only(found: list[str], collection: str, value: str, why: str) -> str:
    """The only name found. Raises Failed; why: there is none."""
    if not found:
        raise Failed(f'There is no {_one(collection)} "{value}": {why}.', NOT_FOUND)
    if len(found) > 1:
        listed = ", ".join(map(short, found[:_CANDIDATES])) + (", …" if len(found) > _CANDIDATES else "")
        raise Failed(f'"{value}" can mean several {collection}: {listed}. Write one of these names.', USAGE)
    return found[0]


async def resolve_spec(client: Client, spec: ConversationSpec) -> None:
    """Replace the names in a spec by full ones. Raises Failed as `resolve` does."""
    spec.procedure = await resolve("procedures", spec.procedure, client) if spec.procedure else ""
    spec.source = await resolve("sources", spec.source, client) if spec.source else ""
    spec.persona = await resolve("personas", spec.persona, client) if spec.persona else ""


async def _called(value: str, client: Client) -> str:
    """The persona that people call so, whatever the case of its letters. Raises Failed."""
    wanted = value.casefold()
    found = [one.name async for one in client.personas.list() if one.display_name.casefold() == wanted]
    return _only(found, "personas", value, "no persona is called so")


def full_name(collection: str, value: str) -> str:
    """The full name of a resource, given in full or without its collection. Raises Failed if it is malformed."""
    name = value if "/" in value else f"{collection}/{value}"
    if not re.fullmatch(f"{collection}/{_id_of(collection).pattern}", name):
        raise Failed(
            f"`{value}` is not a name in {collection}; write {collection}/… or only the part after the slash, "
            "in lower-case letters, digits and dashes.",
            USAGE,
        )
    return name


def _id_of(collection: str) -> re.Pattern[str]:
    return _DOMAIN_ID if collection in ("domains", "schemas") else _ID


def _is_full(collection: str, value: str) -> bool:
    return not value or value.startswith(f"{collection}/") or UUID.fullmatch(value) is not None


async def _latest(collection: str, client: Client) -> str:
    async for one in _calls(collection, client).list():
        if not getattr(one, "built_in", False):
            return str(one.name)
    raise Failed(f"There is no {_one(collection)} yet, so none is the latest.", NOT_FOUND)


async def _names(listing: Listing[Any], limit: int) -> list[str]:
    return [one.name async for one in first(listing, limit)]


def _calls(collection: str, client: Client) -> Any:
    return getattr(client, collection, None) or getattr(client.traces, collection)


def _one(collection: str) -> str:
    known = {
        "batches": "batch",
        "judge_calibrations": "calibration of a judge",
        "record_datasets": "dataset of records",
        "resources": "resource set",
    }
    return known.get(collection, collection.removesuffix("s"))


def completing(collection: str) -> Callable[[str], list[str]]:
    """What the shell offers: up to 100 names that start with what is typed; none if no answer comes in a second."""
    prefix = f"{collection}/"

    def complete(incomplete: str) -> list[str]:
        address, token = os.environ.get("GREENROOM_ADDRESS", "127.0.0.1:9000"), os.environ.get("GREENROOM_TOKEN")

        async def ask(client: Client) -> list[str]:
            found: list[str] = []
            async for one in _calls(collection, client).list():
                name: str = one.name if incomplete.startswith(prefix) else one.name.removeprefix(prefix)
                if name.startswith(incomplete):
                    found.append(name)
                if len(found) == 100:
                    break
            return found

        async def soon(client: Client) -> list[str]:
            async with asyncio.timeout(1):
                return await ask(client)

        try:
            return connected(Connection(address, token), soon)
        except (Failed, TimeoutError):
            return []

    return complete
