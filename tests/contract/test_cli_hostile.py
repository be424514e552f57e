"""No command lets text from an agent, a persona or a file control the terminal."""

import io
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import grpc
import pytest
import typer.main
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from cli.main import app
from shared.plain import UNSAFE
from shared.roster import SERVICES

HOSTILE = "\x1b]52;c;QQ==\x07\x1b[2J\x9b31m\u202e\x7f\r[red]inert[/red] [link=http://a.test]x[/link]"
_DISPLAY = re.compile(r"\x1b\[[0-9;?]*[mKAhl]|\r")
"""What rich writes to a terminal: colours, and what updates lines in place."""
ID = "0193507a-1f2e-7c3d-8e4f-5a6b7c8d9e0f"
NOT_DISPLAYS = {"up", "serve", "demo", "status"}


def filled(kind: Descriptor, depth: int = 0, chosen: FieldDescriptor | None = None) -> Any:
    """A message with HOSTILE in every text. chosen: the member of its first oneof."""
    message: Any = GetMessageClass(kind)()
    if kind.full_name == "google.protobuf.Timestamp" or depth > 6:
        return message
    if kind.full_name == "google.protobuf.Value":
        message.string_value = HOSTILE
        return message
    for field in kind.fields:
        of = field.containing_oneof
        wanted = chosen if chosen is not None and chosen.containing_oneof == of else of and of.fields[0]
        if of is None or field == wanted:
            fill(message, field, depth)
    return message


def fill(message: Any, field: FieldDescriptor, depth: int) -> None:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        value = field.message_type.fields_by_name["value"]
        if value.message_type is not None:
            getattr(message, field.name)[HOSTILE].CopyFrom(filled(value.message_type, depth + 1))
        else:
            getattr(message, field.name)[HOSTILE] = scalar(value)
    elif field.message_type is not None and field.is_repeated:
        members = field.message_type.oneofs[0].fields if field.message_type.oneofs else [None]
        getattr(message, field.name).extend(filled(field.message_type, depth + 1, member) for member in members)
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(filled(field.message_type, depth + 1))
    elif field.is_repeated:
        getattr(message, field.name).append(scalar(field))
    elif field.name != "next_page_token":
        setattr(message, field.name, scalar(field))


def scalar(field: FieldDescriptor) -> Any:
    if field.full_name.endswith("CompareWorkflowsResponse.json"):
        return json.dumps({"ratio_spread": 0.1, "verdict": HOSTILE}, ensure_ascii=False)
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    if field.type == FieldDescriptor.TYPE_BYTES:
        return json.dumps(HOSTILE, ensure_ascii=False).encode() + b"\n"
    by_type = {FieldDescriptor.CPPTYPE_STRING: HOSTILE, FieldDescriptor.CPPTYPE_BOOL: True}
    return by_type.get(field.cpp_type, 1)


def methods() -> Iterator[MethodDescriptor]:
    for peer in SERVICES:
        for service in peer.rpc_services:
            yield from descriptor_pool.Default().FindServiceByName(service).methods


class Hostile(grpc.GenericRpcHandler):
    """Answers every method with HOSTILE in every text; fails every method while `refuses`."""

    def __init__(self) -> None:
        self.refuses = False
        self.handlers = {f"/{one.containing_service.full_name}/{one.name}": self.handler(one) for one in methods()}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        return self.handlers[handler_call_details.method]

    def handler(self, method: MethodDescriptor) -> Any:
        response: bytes = filled(method.output_type).SerializeToString()

        def answer(request: Any, context: grpc.ServicerContext) -> bytes:
            if method.client_streaming:
                list(request)
            if self.refuses:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, HOSTILE)
            return response

        def answers(request: Any, context: grpc.ServicerContext) -> Iterator[bytes]:
            yield answer(request, context)

        kinds = ("stream" if streams else "unary" for streams in (method.client_streaming, method.server_streaming))
        make = getattr(grpc, f"{'_'.join(kinds)}_rpc_method_handler")
        return make(answers if method.server_streaming else answer)


@pytest.fixture(scope="module")
def hostile() -> Iterator[tuple[Hostile, str]]:
    handler, server = Hostile(), grpc.server(ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield handler, f"127.0.0.1:{port}"
    server.stop(None).wait()


class Output(io.TextIOWrapper):
    """An output of a command, which may be a terminal."""

    def __init__(self, terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True, newline="")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def text(self) -> str:
        written: bytes = self.buffer.getvalue()  # type: ignore[attr-defined]
        return written.decode()


def run(arguments: list[str], terminal: bool) -> tuple[int, str]:
    """(exit status, output and errors) of a command."""
    out, err = Output(terminal), Output(terminal)
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        app(arguments)
    return int(ended.value.code or 0), out.text + err.text


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from commands(found, (*path, name))
        elif not path and name in NOT_DISPLAYS:
            continue
        else:
            yield (*path, name), found


_ARGUMENTS = {
    "revision": "1",
    "arguments": "order=O-7",
    "entities": "order=2",
    "kind": "ngrams",
    "target": "127.0.0.1:1",
}
"""What arguments need that are no names."""


def arguments(command: Any, folder: Path) -> list[str]:
    """What a command needs: a name, a number, a file, an output."""
    given = []
    for one in command.params:
        if one.param_type_name == "argument":
            given.append(_ARGUMENTS.get(one.name, ID))
            if one.name in ("file", "files", "workflow", "truth"):
                given[-1] = str(folder / "input.csv")
        elif one.name == "yes":
            given.append("--yes")
        elif one.name == "folder":
            given += ["--folder", str(folder / "written"), "--force"]
        elif one.name == "batch":
            given += ["--batch", ID]
        elif one.name == "user":
            given += ["--user", HOSTILE]
        elif "--as" in one.opts:
            given += ["--as", ID]
        elif one.name == "output" and one.required:
            given += ["--out", str(folder / "output")]
    return given


COMMANDS = list(commands(typer.main.get_command(app)))


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS])
def test_a_command_shows_hostile_text_escaped(
    path: tuple[str, ...],
    command: Any,
    hostile: tuple[Hostile, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    (tmp_path / "input.csv").write_text("{}")
    called = ["--address", hostile[1], *path, *arguments(command, tmp_path)]

    hostile[0].refuses = False
    status, shown = run(called, terminal=True)
    (tmp_path / "output").unlink(missing_ok=True)
    hostile[0].refuses = True
    refused = run(called, terminal=True)

    # Of a rehearsal that is cancelled, and of one that is refused, the status is 3: the others are verdicts.
    assert status in ((3,) if "rehears" in path[0] and status > 1 else (0, 1)), shown
    assert not UNSAFE.search(_DISPLAY.sub("", shown))
    assert "inert" not in shown or "[red]inert[/red] [link=http://a.test]x[/link]" in shown
    assert refused[0] == (3 if path == ("rehearse",) else 1)
    assert not UNSAFE.search(_DISPLAY.sub("", refused[1]))
    assert "[red]inert[/red]" in refused[1]


JSON = [
    (path, command) for path, command in COMMANDS if any(one.name == "json" and one.is_flag for one in command.params)
]


@pytest.mark.parametrize(("path", "command"), JSON, ids=[" ".join(path) for path, _ in JSON])
def test_json_in_a_pipe_is_escaped_and_keeps_its_meaning(
    path: tuple[str, ...], command: Any, hostile: tuple[Hostile, str], tmp_path: Path
) -> None:
    (tmp_path / "input.csv").write_text("{}")
    hostile[0].refuses = False

    _, printed = run(["--address", hostile[1], *path, *arguments(command, tmp_path), "--json"], terminal=False)

    assert not UNSAFE.search(printed)
    assert json.dumps(HOSTILE) in json.dumps(json.loads(printed.splitlines()[0]))
