"""greenroom recordings"""

from json import dumps, loads
from typing import Annotated, Any

from rich.text import Text

from cli.kit.export import After, Output, export
from cli.kit.imports import File, reported
from cli.kit.lists import All, Limit, print_list
from cli.kit.models import usage_facts
from cli.kit.names import named, naming
from cli.kit.render import Rows, console, facts, print_json, short, when
from cli.kit.run import Json, Strict, Yes, command, confirmed, noun
from greenroom.client import Client
from greenroom.synthesizer.v1.recording_pb2 import Recording

app = noun("What models were asked and answered, to repeat a run without them.")

OfBatch = Annotated[str, naming("batches", "Only of this batch.")]


@command(app, "list")
async def list_(
    client: Client, batch: OfBatch = "", limit: Limit = None, every: All = False, json: Json = False
) -> None:
    """List the recorded calls of models, newest first."""
    rows = Rows(
        "RECORDING",
        *("CONVERSATION", "SEQ", "MODEL", "TOKENS IN", "OUT", "FAILURE", "RECORDED"),
        leave_out=["RECORDED", "CONVERSATION"],
    )
    await print_list(client.recordings.list(batch=batch), rows, _row, limit=limit, every=every, json=json)


def _row(one: Recording) -> tuple[str, ...]:
    tokens = (str(one.usage.input_tokens), str(one.usage.output_tokens)) if one.HasField("usage") else ("", "")
    place = (short(one.name), short(one.conversation), str(one.seq))
    return *place, one.model, *tokens, one.failure, when(one.create_time)


@command(app, "show")
async def show(client: Client, name: Annotated[str, named("recordings")], json: Json = False) -> None:
    """Show what a model was asked in one call, and what it answered."""
    found = await client.recordings.get(name)
    if json:
        print_json(found)
        return
    one, out = found.recording, console()
    out.print(
        facts(
            ("name", one.name),
            ("batch", one.batch),
            ("conversation", f"{one.conversation}, attempt {one.attempt}"),
            ("event", f"{one.seq}" + (f", asked again: {one.repeat}" if one.repeat else "")),
            ("model", one.model),
            *usage_facts(one.usage),
            ("failure", one.failure),
            ("recorded", when(one.create_time)),
        )
    )
    try:
        told = exchange(loads(found.request_json), loads(found.answer_json))
    except (ValueError, TypeError, KeyError):  # a newer server may have another form
        told = [("asked", found.request_json), ("answered", found.answer_json)]
    for who, said in told:
        out.print()
        out.print(Text(who, "bold"))
        out.print(said, soft_wrap=True)


@command(app, "export")
async def export_(client: Client, batch: OfBatch = "", output: Output = None, cursor: After = "") -> None:
    """Export recordings as JSONL that can be imported. Repeat an interrupted export to a file to continue it."""
    of = f"recordings of {batch or 'all batches'}"
    await export(client, of, output, cursor, lambda after: client.recordings.export(batch=batch, cursor=after))


@command(app, "import")
async def import_(client: Client, file: File, strict: Strict = False, json: Json = False) -> int:
    """Import recordings from a file. Bad lines are reported, the rest is imported."""
    return reported(await client.recordings.import_file(file), strict, json)


@command(app, "delete")
async def delete(client: Client, name: Annotated[str, named("batches")], yes: Yes = False) -> None:
    """Delete the recordings of a batch; its transcripts stay."""
    confirmed(f"Delete the recordings of {name} for good?", yes)
    console().print(f"{await client.recordings.delete(name)} recordings of {name} are deleted.")


def exchange(asked: Any, answer: Any) -> list[tuple[str, str]]:
    """(speaker, text) of the system text, of each message, and of the answer."""
    told = [("system", asked["system"]), *((message["role"], _text(message)) for message in asked["messages"])]
    if "failure" in answer:
        return [*told, ("failed", _json(answer["failure"]))]
    reply = answer["reply"]
    said = [reply["text"], *(_call(call) for call in reply["calls"])]
    return [*told, ("answer", "\n".join(filter(None, said)))]


def _text(message: Any) -> str:
    if "call" in message:
        return _call(message["call"])
    return _json(message["result"]) if "result" in message else message["text"]


def _call(call: Any) -> str:
    return f"→ {call['tool']}({_json(call['arguments'])})"


def _json(value: Any) -> str:
    return dumps(value, ensure_ascii=False)
