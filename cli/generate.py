"""greenroom generate"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from cli.kit.edges import Edges, append_lines, beside
from cli.kit.export import Chunk, Output, write_file, write_stdout
from cli.kit.live import lost_in_lines
from cli.kit.names import named
from cli.kit.quality import quality_words
from cli.kit.render import console, facts, is_terminal, print_json
from cli.kit.run import FAILED, NOT_FOUND, USAGE, Failed, Json, command, verb
from cli.kit.samples import read_samples
from cli.kit.shares import share
from greenroom.client import Client
from greenroom.gateway.v1.generation_pb2 import GenerateTestDataRequest, GenerateTestDataResponse
from greenroom.testdata.v1 import record_pb2
from shared.plain import visible
from shared.words import counted

app = verb()

_FORMATS = {
    "json": record_pb2.RECORD_FORMAT_JSON,
    "jsonl": record_pb2.RECORD_FORMAT_JSONL,
    "csv": record_pb2.RECORD_FORMAT_CSV,
    "sql": record_pb2.RECORD_FORMAT_SQL,
    "parquet": record_pb2.RECORD_FORMAT_PARQUET,
    "arrow": record_pb2.RECORD_FORMAT_ARROW_IPC,
}
_BINARY = (record_pb2.RECORD_FORMAT_PARQUET, record_pb2.RECORD_FORMAT_ARROW_IPC)
_MOST = 10_000
"""The most records of one answer; more are streamed."""
_TOO_LARGE = "RECORDS_TOO_LARGE"
_STATUSES = {"NOT_FOUND": NOT_FOUND, "INVALID_ARGUMENT": USAGE}


@dataclass(frozen=True)
class Asked:
    """What records are asked for."""

    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many records.")] = 100
    scenario: Annotated[
        list[str] | None, typer.Option(metavar="ID[=SHARE]", help="A scenario and its share; may be repeated.")
    ] = None
    hint: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="A wish in words, such as `only paid orders`; may be repeated."),
    ] = None
    workflow: Annotated[str, typer.Option(metavar="ID", help="The workflow that they are for.")] = ""
    edge_cases: Annotated[
        bool, typer.Option("--edge-cases", help="Have edge cases among the records; with --output, a file says which.")
    ] = False
    production_like: Annotated[
        bool, typer.Option("--production-like", help="Draw skewed, seasonal and correlated values.")
    ] = False
    samples: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Rows that you have, as CSV, JSONL or Parquet: the records are compared with them, and with "
            "--production-like drawn like them.",
        ),
    ] = None
    locale: Annotated[str, typer.Option(help="Which names, addresses and so on, such as de-DE.")] = ""
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same records.")] = None
    revision: Annotated[int, typer.Option(min=0, help="Which revision; 0: the newest ready one.")] = 0
    cache: Annotated[bool, typer.Option("--cache", help="Take the answer that the same request got before.")] = False


@command(app, "generate")
async def generate(
    client: Client,
    domain: Annotated[str, named("domains")],
    entity: Annotated[str, typer.Argument(help="The entity to generate, such as `cart`.")],
    asked: Asked,
    format: Annotated[str, typer.Option("--format", "-f", help=", ".join(_FORMATS))] = "jsonl",  # noqa: A002
    output: Output = None,
    json: Json = False,
) -> None:
    """Generate test data that obeys a domain, and say how good it is.

    With --json, what was done and how good it is takes the place of the records, which only go to --output.
    """
    if format not in _FORMATS:
        raise Failed(f"--format {format}: write one of {', '.join(_FORMATS)}.", USAGE)
    request = _request(domain, entity, asked, _FORMATS[format])
    if output is None and not json and request.output_format in _BINARY and is_terminal():
        raise Failed(f"{format} is not text; name a file with --output.", USAGE)
    if output is not None and beside(output).exists():
        raise Failed(f"{beside(output)} exists; delete it or choose another name.")
    answer, edges = None, Edges()
    if asked.count <= _MOST:
        answer = await client.test_data.generate(request)
        if answer.error.reason == _TOO_LARGE:
            answer = None
    if answer is None:
        answer = await _stream(client, request, output, edges, quiet=json)
    elif answer.success:
        lines = edges.lines(answer.edges, answer.record_scenarios)
        with nullcontext() if output is None else _beside(output, lines):
            await _write(answer.data, request, output, quiet=json)
    answer.data = b""
    if json:
        print_json(answer)
    elif answer.success:
        _print_summary(answer, edges)
    if answer.HasField("error"):
        raise _failed(answer)


def _request(
    domain: str, entity: str, asked: Asked, form: record_pb2.RecordFormat.ValueType
) -> GenerateTestDataRequest:
    return GenerateTestDataRequest(
        domain=domain,
        entity=entity,
        count=asked.count,
        hints=asked.hint or [],
        scenarios=map(share, asked.scenario or []),
        output_format=form,
        use_cache=asked.cache,
        production_like=asked.production_like,
        workflow=asked.workflow,
        include_edge_cases=asked.edge_cases,
        locale=asked.locale,
        seed=asked.seed,
        revision=asked.revision,
        sample_rows=[] if asked.samples is None else read_samples(asked.samples),
    )


@contextmanager
def _beside(output: Path, lines: bytes) -> Iterator[None]:
    """Write the edge cases of the records that the block writes, both or neither."""
    told = beside(output)
    part = told.with_name(f"{told.name}.part")
    try:
        part.write_bytes(lines)
        yield
        if lines:
            part.rename(told)
    finally:
        part.unlink(missing_ok=True)


async def _write(data: bytes, request: GenerateTestDataRequest, output: Path | None, *, quiet: bool) -> None:
    async def once(_: str) -> AsyncGenerator[Chunk, None]:
        yield Chunk(data, "")

    if output is not None:
        await write_file(output, _of(request), once)
    elif not quiet:
        await write_stdout(once(""), "")


async def _stream(
    client: Client, request: GenerateTestDataRequest, output: Path | None, edges: Edges, *, quiet: bool
) -> GenerateTestDataResponse:
    """Write the records as they come; returns what is said at the end."""
    result = GenerateTestDataResponse()
    if not request.HasField("seed"):
        # A stream that is continued needs the same seed.
        request.seed = 0

    told = None if output is None else beside(output)
    part = told and told.with_name(f"{told.name}.part")

    async def chunks(after: str) -> AsyncGenerator[Chunk, None]:
        resumed = bool(after)
        if part is not None and not resumed:
            part.unlink(missing_ok=True)
        async with aclosing(client.test_data.stream(request, cursor=after)) as messages:
            async for message in messages:
                if message.HasField("result"):
                    result.CopyFrom(message.result)
                lines = edges.lines(message.edges, message.record_scenarios)
                if lines and part is not None:
                    append_lines(part, lines, resumed=resumed)
                    resumed = False
                yield Chunk(message.data, message.cursor)

    async with lost_in_lines(client):
        if output is not None:
            try:
                await write_file(output, _of(request), chunks)
            except BaseException:
                if part is not None and not output.with_name(f"{output.name}.part").exists():
                    # There is nothing to continue.
                    part.unlink(missing_ok=True)
                raise
            if told is not None and part is not None and part.exists():
                part.rename(told)
        elif quiet:
            async for _ in chunks(""):
                pass
        else:
            await write_stdout(chunks(""), "")
    return result


def _of(request: GenerateTestDataRequest) -> str:
    """What is asked for, in words, and the digest of the whole request."""
    digest = sha256(request.SerializeToString(deterministic=True)).hexdigest()[:8]
    return f"{request.count} {request.entity} of {request.domain} (request {digest})"


def _print_summary(answer: GenerateTestDataResponse, edges: Edges) -> None:
    made = answer.generation_metadata
    problems = filter(None, [answer.metadata.knowledge_problem, answer.enrichment_metadata.knowledge_problem])
    rows = [
        ("records", f"{counted(answer.record_count, answer.entity)}, seed {made.seed}, {made.locale}"),
        ("scenarios", edges.scenario_words),
        ("edges", edges.words),
        ("quality", quality_words(answer.quality)),
        ("kept", "from the same request before" if answer.metadata.cached else ""),
        ("pattern", answer.metadata.pattern),
        *(("not stored", problem) for problem in problems),
    ]
    if answer.HasField("quality"):
        console(stderr=True).print(facts(*((name, visible(text)) for name, text in rows if text)))


def _failed(answer: GenerateTestDataResponse) -> Failed:
    error = answer.error
    wrong = [f"{one.field}: {one.description.removesuffix('.')}." for one in error.fields]
    return Failed("\n  ".join(wrong) or error.message, _STATUSES.get(error.code, FAILED))
