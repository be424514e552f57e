"""Documents: commands of greenroom knowledge"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named, naming
from cli.kit.render import Rows, console, facts, print_document, print_json, when
from cli.kit.run import USAGE, Failed, Json, Yes, command, confirmed, noun
from greenroom.client import Client
from greenroom.enricher.v1.knowledge_pb2 import Document, DocumentMatch
from shared.words import counted

app = noun("What your business knows: documents, and what worked when records were generated.")

Name = Annotated[str, named("documents")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Only documents with this tag; repeat for several.")]
Domain = Annotated[str, naming("domains", "Only documents about this domain.")]
_AT_ONCE = 10
"""How many documents a call adds: together they fit into a message."""


@command(app, "add")
async def add(
    client: Client,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Text files in UTF-8; each is a document.")],
    title: Annotated[str, typer.Option(help="Its title; otherwise its first heading, or the name of the file.")] = "",
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A tag; repeat for several.")] = None,
    origin: Annotated[str, typer.Option("--from", help="Where it is from; otherwise the name of the file.")] = "",
    domain: Annotated[str, naming("domains", "The domain that it is about.")] = "",
    json: Json = False,
) -> None:
    """Add documents. Those that are there already with the same content are not added again."""
    documents = [
        Document(
            title=title or _title(text, file), text=text, tags=tag or [], source=origin or file.name, domain=domain
        )
        for file, text in _texts(files)
    ]
    for start in range(0, len(documents), _AT_ONCE):
        added = await client.documents.add(documents[start : start + _AT_ONCE])
        for document in added.documents:
            if json:
                print_json(document)
            else:
                console().print(f"{document.name}  {document.title}")
        if added.unchanged and not json:
            console().print(f"{counted(added.unchanged, 'document')} {_were(added.unchanged)} there already.")


def _texts(files: list[Path]) -> Iterator[tuple[Path, str]]:
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise Failed(f"{file} is no text in UTF-8.", USAGE) from None
        if not text.strip():
            raise Failed(f"{file} is empty.", USAGE)
        yield file, text


def _title(text: str, file: Path) -> str:
    first = text.strip().partition("\n")[0]
    return first.lstrip("# ")[:500] if first.startswith("#") and first.lstrip("# ") else file.stem


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


@command(app, "list")
async def list_(
    client: Client, tag: Tags = None, domain: Domain = "", limit: Limit = None, every: All = False, json: Json = False
) -> None:
    """List documents, newest first."""
    rows = Rows("DOCUMENT", "TITLE", "TAGS", "SOURCE", "ADDED", leave_out=["TAGS", "ADDED"], prose=["TITLE"])
    listing = client.documents.list(tags=tag or (), domain=domain)
    await print_list(listing, rows, _row, limit=limit, every=every, json=json)


def _row(document: Document) -> tuple[str, ...]:
    return document.name, document.title, ", ".join(document.tags), document.source, when(document.create_time)


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show a document with its text."""
    document = await client.documents.get(name)
    if json:
        print_json(document)
        return
    console().print(
        facts(
            ("name", document.name),
            ("title", document.title),
            ("tags", ", ".join(document.tags)),
            ("source", document.source),
            ("domain", document.domain),
            ("added", f"{when(document.create_time)} by {document.creator}"),
        )
    )
    print_document(document.text)


@command(app, "search")
async def search(
    client: Client,
    query: Annotated[str, typer.Argument(help="The words to look for, such as a question.")],
    tag: Tags = None,
    domain: Domain = "",
    limit: Annotated[int, typer.Option(min=1, max=100, help="Show this many at most.")] = 10,
    json: Json = False,
) -> None:
    """Find documents, best first, each with its best passage: by words, and by meaning if an embedding model is set."""
    found = await client.documents.search(query, tags=tag or (), domain=domain, limit=limit)
    rows = Rows("DOCUMENT", "TITLE", "FOUND BY", "SOURCE", "SAYS", leave_out=["FOUND BY"], prose=["SAYS"])
    for match in found.matches:
        if json:
            print_json(match)
        else:
            one = match.document
            rows.add(one.name, one.title, _FOUND_BY[match.found_by], one.source, " ".join(match.passage.split()))
    if found.meaning_problem:
        console(stderr=True).print(found.meaning_problem, soft_wrap=True)
    if not json and not found.matches:
        console().print("No document has these words.")
    elif not json:
        console().print(rows)


_FOUND_BY = {
    DocumentMatch.FOUND_BY_WORDS: "words",
    DocumentMatch.FOUND_BY_MEANING: "meaning",
    DocumentMatch.FOUND_BY_BOTH: "both",
}


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a document for good."""
    confirmed(f"Delete {name} for good?", yes)
    await client.documents.delete(name)
    console().print(f"{name} is deleted.")
