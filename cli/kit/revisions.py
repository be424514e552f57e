"""Commands of what is kept as files in revisions, such as campaigns and rubrics."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named
from cli.kit.render import Rows, console, facts, print_document, print_json, short, when
from cli.kit.run import Json, Yes, command, confirmed
from greenroom.client import Client

Number = Annotated[int, typer.Argument(min=1, help="The revision's number.")]
Ready = Annotated[bool, typer.Option("--ready", help="Make the revision ready at once; it cannot change any more.")]
ExternalId = Annotated[str, typer.Option(help="Your own id for it.")]


def add_revision_commands(app: typer.Typer, word: str, told: Callable[[Any], tuple[str, str]]) -> None:
    """Add `create`, `revise`, `update-revision`, `ready`, `list`, `show`, `delete-revision` and `delete` to a noun.

    word: what one is called, such as `rubric`; the client has its calls as `rubrics`. told: a fact about a revision.
    """
    name_of = Annotated[str, named(f"{word}s")]
    file_of = Annotated[Path, typer.Argument(help=f"The {word} as YAML or JSON.")]

    def calls(client: Client) -> Any:
        return getattr(client, f"{word}s")

    def show_one(found: Any) -> None:
        one, revision = getattr(found, word), found.revision
        number = f"{revision.number} of {one.latest_revision}, {_state(revision)}"
        console().print(
            facts(
                ("name", one.name),
                ("called", one.display_name),
                ("description", one.description),
                ("external id", one.external_id),
                ("created", when(one.create_time)),
                ("revision", number),
                told(revision),
            )
        )

    @_add(app, "create", f"Store the {word} in a file with its first revision.")
    async def create(
        client: Client, file: file_of, external_id: ExternalId = "", ready: Ready = False, json: Json = False
    ) -> None:
        made = await calls(client).create(file, external_id=external_id, ready=ready)
        if json:
            print_json(getattr(made, word))
        else:
            show_one(made)

    @_add(app, "revise", f"Add the {word} in a file as the next revision.")
    async def revise(client: Client, name: name_of, file: file_of, ready: Ready = False, json: Json = False) -> None:
        revision = await calls(client).add_revision(name, file, ready=ready)
        _print_changed(revision, f"{name} has revision {revision.number}, {_state(revision)}.", json)

    @_add(app, "update-revision", f"Replace the content of a draft by the {word} in a file.")
    async def update_revision(
        client: Client, name: name_of, revision: Number, file: file_of, json: Json = False
    ) -> None:
        updated = await calls(client).update_revision(name, revision, file)
        _print_changed(updated, f"{name} revision {updated.number} is updated.", json)

    @_add(app, "ready", "Make a revision ready: it cannot change any more.")
    async def ready_(client: Client, name: name_of, revision: Number, json: Json = False) -> None:
        made = await calls(client).mark_ready(name, revision)
        _print_changed(made, f"{name} revision {made.number} is {_state(made)}.", json)

    @_add(app, "list", f"List the {word}s, newest first.")
    async def list_(
        client: Client,
        external_id: Annotated[str, typer.Option(help="Only the one with this id of the caller's.")] = "",
        limit: Limit = None,
        every: All = False,
        json: Json = False,
    ) -> None:
        rows = Rows(word.upper(), "READY", "CALLED", "EXTERNAL ID", leave_out=["CALLED"], prose=["CALLED"])
        listing = calls(client).list(external_id=external_id)
        await print_list(listing, rows, _row, limit=limit, every=every, json=json)

    @_add(app, "show", f"Show a {word} and one of its revisions.")
    async def show(
        client: Client,
        name: name_of,
        revision: Annotated[int, typer.Option(min=0, help="Which revision; 0: the newest.")] = 0,
        yaml: Annotated[bool, typer.Option("--yaml", help=f"Print the {word} as YAML.")] = False,
        json: Json = False,
    ) -> None:
        found = await calls(client).get(name, revision=revision)
        if json:
            print_json(found)
        elif yaml:
            print_document(found.revision.content.decode())
        else:
            show_one(found)

    @_add(app, "delete-revision", "Delete a revision for good.")
    async def delete_revision(client: Client, name: name_of, revision: Number, yes: Yes = False) -> None:
        confirmed(f"Delete revision {revision} of {name} for good?", yes)
        await calls(client).delete_revision(name, revision)
        console().print(f"Revision {revision} of {name} is deleted.")

    @_add(app, "delete", f"Delete a {word} with its revisions, for good.")
    async def delete(client: Client, name: name_of, yes: Yes = False) -> None:
        confirmed(f"Delete {name} for good?", yes)
        await calls(client).delete(name)
        console().print(f"{name} is deleted.")


def _add(app: typer.Typer, name: str, help_: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a coroutine function as a command with this help."""

    def decorate(work: Callable[..., Any]) -> Callable[..., Any]:
        work.__doc__ = help_
        return command(app, name)(work)

    return decorate


def _print_changed(revision: Any, sentence: str, json: bool) -> None:
    """Print a revision that was made or changed, or a sentence about it."""
    if json:
        print_json(revision)
    else:
        console().print(sentence)


def _row(one: Any) -> tuple[str, ...]:
    newest = one.latest_ready_revision
    ready = f"{newest} of {one.latest_revision}" if newest else "no"
    return short(one.name), ready, one.display_name, one.external_id


def _state(revision: Any) -> str:
    return str(revision.State.Name(revision.state)).removeprefix("STATE_").lower()
