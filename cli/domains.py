"""greenroom domains"""

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from cli.kit.bounds import allowed
from cli.kit.imports import File
from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named, naming
from cli.kit.render import Rows, console, facts, print_json, when
from cli.kit.revisions import Number, Ready
from cli.kit.run import Failed, Json, Strict, Yes, command, confirmed, noun
from greenroom.client import Client
from greenroom.enricher.v1.domain_pb2 import (
    DiscoverDomainHeader,
    DiscoverDomainResponse,
    Domain,
    DomainRevision,
    ImportDomainResponse,
)
from greenroom.type.v1.domain_pb2 import DomainField, DomainPack, EdgeCase
from shared.plain import visible
from shared.words import any_of, counted
from shared.yaml import near

app = noun("What businesses know: entities, rules, edge cases, workflows.")

KINDS = ("sql", "openapi", "json_schema", "protobuf", "csv", "jsonl", "parquet")
"""The kinds of files that a domain is discovered from."""

Name = Annotated[str, named("domains")]
Revision = Annotated[int, typer.Option(min=0, help="Which revision; 0: the newest.")]


@command(app, "list")
async def list_(client: Client, limit: Limit = None, every: All = False, json: Json = False) -> None:
    """List the built-in domains, and then your own, newest first."""
    rows = Rows("DOMAIN", "READY", "CALLED", "IMPORTED", leave_out=["IMPORTED"], prose=["CALLED"])
    await print_list(client.domains.list(), rows, _row, limit=limit, every=every, json=json)


def _row(domain: Domain) -> tuple[str, ...]:
    newest = domain.latest_ready_revision
    ready = f"{newest} of {domain.latest_revision}" if newest else "no"
    return domain.name, ready, domain.display_name, "built in" if domain.built_in else when(domain.create_time)


@command(app, "show")
async def show(
    client: Client,
    name: Name,
    entity: Annotated[str, typer.Option(metavar="ENTITY", help="Show the fields and rules of this entity.")] = "",
    revision: Revision = 0,
    json: Json = False,
) -> None:
    """Show a domain, or one of its entities."""
    found = await client.domains.get(name, revision=revision)
    if json:
        print_json(found)
    elif entity:
        _print_entity(found.revision.pack, entity)
    else:
        _print(found.domain, found.revision)


@command(app, "search")
async def search(
    client: Client,
    query: Annotated[str, typer.Argument(help="The words to look for.")],
    domain: Annotated[str, naming("domains", "Only in this domain.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100, help="Show this many at most.")] = 20,
    json: Json = False,
) -> None:
    """Find entities, fields, rules, edge cases, workflows and scenarios by words, best first."""
    rows = Rows("DOMAIN", "KIND", "PART", "SAYS", prose=["SAYS"])
    found = await client.domains.search(query, domain=domain, limit=limit)
    for match in found:
        if json:
            print_json(match)
        else:
            rows.add(match.domain.removeprefix("domains/"), match.kind, match.part, match.text)
    if not json and not found:
        console().print("Nothing has these words.")
    elif not json:
        console().print(rows)


@command(app, "import")
async def import_(
    client: Client,
    file: File,
    domain_id: Annotated[str, typer.Option("--as", metavar="ID", help="The id of the domain, such as bookshop.")],
    ready: Ready = False,
    revision: Annotated[int, typer.Option(min=0, help="Replace this draft; 0: add a revision.")] = 0,
    strict: Strict = False,  # noqa: ARG001 - nothing is ever left out
    json: Json = False,
) -> None:
    """Import a pack from a YAML file, whole or not at all, as a new domain or as the next revision of one."""
    imported = await client.domains.import_file(file, domain_id, ready=ready, revision=revision)
    if json:
        print_json(imported)
    else:
        console().print(_told(imported))


def _told(imported: ImportDomainResponse) -> str:
    revision = imported.revision
    what = f"revision {revision.number}, {_state(revision)}"
    if imported.unchanged:
        return f"{imported.domain.name} has this content already: {what}."
    return f"{imported.domain.name} has {what}: {_counts(revision.pack)}."


@command(app, "discover")
async def discover(
    client: Client,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…", exists=True, dir_okay=False, help="SQL, OpenAPI, JSON Schema, descriptors, rows."
        ),
    ],
    kind: Annotated[
        str, typer.Option(metavar="KIND", help=f"What all files are: {any_of(KINDS)}. Otherwise told by each.")
    ] = "",
    dialect: Annotated[
        str, typer.Option(help="Of SQL: postgres, mysql, sqlite, tsql, oracle, bigquery or snowflake.")
    ] = "",
    entity: Annotated[str, typer.Option(metavar="ENTITY", help="The entity whose rows or schema a file has.")] = "",
    save: Annotated[str, typer.Option("--save", metavar="ID", help="Store the pack as a draft of this domain.")] = "",
    called: Annotated[str, typer.Option(metavar="TEXT", help="What people call the domain.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file for the YAML; none: standard output.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a pack from files that describe a business, and name everything that was not read."""
    if kind and kind not in KINDS:
        raise Failed(f"There is no kind {kind}{near(kind, KINDS)}; it is one of {any_of(KINDS)}.")
    if output is not None and output.exists():
        raise Failed(f"{output} exists; delete it or choose another name.")
    number = DiscoverDomainHeader.Kind.Value(f"KIND_{kind.upper() or 'UNSPECIFIED'}")
    found = await client.domains.discover(
        files, kind=number, dialect=dialect, entity=entity, domain_id=save, display_name=called
    )
    if json:
        print_json(found)
        return
    if output is not None:
        output.write_bytes(found.yaml)
    elif not save:
        sys.stdout.write(visible(found.yaml.decode()) if sys.stdout.isatty() else found.yaml.decode())
    _print_not_read(found)


def _print_not_read(found: DiscoverDomainResponse) -> None:
    """What was found in a line, and what was not read; on standard error, because the YAML is the output."""
    out = console(stderr=True)
    for one in found.not_read:
        out.print(f"not read: {one.place}: {one.construct}: {one.reason}", soft_wrap=True, markup=False)
    if found.not_read_count > len(found.not_read):
        out.print(f"not read: {found.not_read_count - len(found.not_read):,} more.")
    where = (
        f" They are a draft of {found.domain.name}, revision {found.domain.latest_revision}."
        if found.domain.name
        else ""
    )
    proposed = sum(one.proposed for one in found.pack.relationships) + sum(one.proposed for one in found.pack.rules)
    guessed = f", {proposed} of them proposed" if proposed else ""
    out.print(f"Found {_counts(found.pack)}{guessed}.{where}", soft_wrap=True)


@command(app, "export")
async def export(
    client: Client,
    name: Name,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file; none: standard output.")] = None,
    revision: Revision = 0,
) -> None:
    """Export a revision as YAML that can be imported."""
    if output is not None and output.exists():
        raise Failed(f"{output} exists; delete it or choose another name.")
    data = b"".join([chunk async for chunk in client.domains.export(name, revision=revision)])
    if output is None:
        sys.stdout.write(visible(data.decode()) if sys.stdout.isatty() else data.decode())
    else:
        output.write_bytes(data)
        console(stderr=True).print(f"{name} is in {output}.", soft_wrap=True)


@command(app, "ready")
async def ready_(client: Client, name: Name, revision: Number, json: Json = False) -> None:
    """Make a revision ready: it cannot change any more."""
    domain = await client.domains.mark_ready(name, revision)
    if json:
        print_json(domain)
    else:
        console().print(f"{name} revision {revision} is ready.")


@command(app, "delete-revision")
async def delete_revision(client: Client, name: Name, revision: Number, yes: Yes = False) -> None:
    """Delete a revision that nothing refers to, for good."""
    confirmed(f"Delete revision {revision} of {name} for good?", yes)
    await client.domains.delete_revision(name, revision)
    console().print(f"Revision {revision} of {name} is deleted.")


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a domain that nothing refers to, with its revisions, for good."""
    confirmed(f"Delete {name} for good?", yes)
    await client.domains.delete(name)
    console().print(f"{name} is deleted.")


def _print(domain: Domain, revision: DomainRevision) -> None:
    pack, out = revision.pack, console()
    out.print(
        facts(
            ("name", domain.name),
            ("called", domain.display_name),
            ("description", domain.description),
            ("imported", "built in" if domain.built_in else f"{when(domain.create_time)} by {domain.creator}"),
            ("revision", f"{revision.number} of {domain.latest_revision}, {_state(revision)}"),
            ("has", _counts(pack)),
            ("workflows", ", ".join(workflow.id for workflow in pack.workflows)),
            ("scenarios", ", ".join(f"{one.id} {_share(one.weight, pack)}" for one in pack.scenarios)),
        )
    )
    rows = Rows("ENTITY", "FIELDS", "REFERS TO", "RULES", "EDGE CASES", "IS", leave_out=["IS"], prose=["IS"])
    rules = Counter(rule.entity for rule in pack.rules)
    cases = Counter(case.entity for case in pack.edge_cases)
    for entity in pack.entities:
        parents = dict.fromkeys(one.parent for one in pack.relationships if one.child == entity.name)
        counts = str(len(entity.fields)), ", ".join(parents), str(rules[entity.name]), str(cases[entity.name])
        rows.add(entity.name, *counts, entity.description)
    out.print(rows)


def _print_entity(pack: DomainPack, name: str) -> None:
    entity = next((one for one in pack.entities if one.name == name), None)
    if entity is None:
        raise Failed(f"There is no entity {name}; there is {', '.join(one.name for one in pack.entities)}.")
    out = console()
    out.print(facts(("name", entity.name), ("is", entity.description), ("key", ", ".join(entity.key))))
    rows = Rows("FIELD", "TYPE", "ALLOWS", "MEANS", leave_out=["MEANS"], prose=["MEANS"])
    for field in entity.fields:
        rows.add(field.name, _type(field), _allows(field), field.description)
    out.print(rows)
    for rule in (rule for rule in pack.rules if rule.entity == name):
        out.print(f"rule {rule.id}: {rule.text}")
        if rule.expression:
            out.print(f"    {rule.expression}", style="dim")
    for case in (case for case in pack.edge_cases if case.entity == name):
        out.print(f"{_category(case)} {case.id}: {case.text}")


def _type(field: DomainField) -> str:
    kind = DomainField.Type.Name(field.type).removeprefix("TYPE_").lower()
    return f"{kind} {field.currency or field.unit}".strip() + (" or null" if field.nullable else "")


def _allows(field: DomainField) -> str:
    said = [allowed(field.bounds), "unique" if field.unique else "", f"= {field.derived}" if field.derived else ""]
    return "; ".join(filter(None, said))


def _counts(pack: DomainPack) -> str:
    return ", ".join(
        (
            f"{len(pack.entities)} {'entity' if len(pack.entities) == 1 else 'entities'}",
            counted(len(pack.relationships), "relationship"),
            counted(len(pack.rules), "rule"),
            counted(len(pack.edge_cases), "edge case"),
        )
    )


def _share(weight: float, pack: DomainPack) -> str:
    total = sum(scenario.weight for scenario in pack.scenarios)
    return f"{weight / total:.0%}" if total else "0%"


def _category(case: EdgeCase) -> str:
    return EdgeCase.Category.Name(case.category).removeprefix("CATEGORY_").lower()


def _state(revision: DomainRevision) -> str:
    return DomainRevision.State.Name(revision.state).removeprefix("STATE_").lower()
