"""Builds an image of the contracts; buf lints, compares and generates from it.

Runs in `.venv-protos` (see the Makefile).

    python tools/protos.py generate     write protos/gen and docs/agent.schema.json
    python tools/protos.py check        lint, compare with the last release and with what is generated
    python tools/protos.py release      save the current contracts as the last release
    python tools/protos.py generate-plain FOLDER    write the code without validation rules, for the wheel
"""

import filecmp
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import grpc_tools
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorSet
from json_schema import Schemas

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GENERATED = PROTOS / "gen"
LAST_RELEASE = PROTOS / "breaking" / "last-release.binpb"
AGENT_SCHEMA = ROOT / "docs" / "agent.schema.json"
OURS = ("--path", "greenroom")
RULES = "buf/validate/validate.proto"


def run(*command: str | Path) -> bool:
    """Run a program in the root of the project; returns True if it succeeds."""
    return subprocess.run(list(map(str, command)), cwd=ROOT, check=False).returncode == 0


def build_image(folder: Path) -> Path:
    """Compile all contracts with their imports and comments into one descriptor set."""
    image = folder / "greenroom.binpb"
    compiled = run(
        *(sys.executable, "-m", "grpc_tools.protoc", "--include_imports", "--include_source_info"),
        f"--proto_path={PROTOS}",
        f"--proto_path={Path(grpc_tools.__file__).parent / '_proto'}",
        f"--descriptor_set_out={image}",
        *(path.relative_to(PROTOS) for path in sorted((PROTOS / "greenroom").rglob("*.proto"))),
    )
    if not compiled:
        raise SystemExit(1)
    return image


def strip_rules(image: Path) -> None:
    """Remove the validation rules and their import from an image."""
    files = FileDescriptorSet.FromString(image.read_bytes())
    for file in files.file:
        if RULES in file.dependency:
            file.dependency.remove(RULES)
        for message in file.message_type:
            _strip(message)
    image.write_bytes(files.SerializeToString())


def _strip(message: DescriptorProto) -> None:
    # The rules are extensions of these options, and unknown fields here: their generated code is not imported.
    for described in (message, *message.field, *message.oneof_decl):
        described.options.DiscardUnknownFields()
    for nested in message.nested_type:
        _strip(nested)


def generate(image: Path, out: Path, *wanted: str) -> None:
    """Write the Python code and its types for the files at wanted, given as options of buf."""
    if not run("buf", "generate", image, "--template", PROTOS / "buf.gen.yaml", "--output", out, *wanted):
        raise SystemExit(1)
    for types in out.rglob("*_pb2_grpc.pyi"):
        if not types.with_suffix(".py").exists():  # mypy-protobuf writes one for files without a service too
            types.unlink()


def agent_schema(image: Path) -> str:
    """JSON Schema of what webhooks are sent and answer."""
    schemas = Schemas(FileDescriptorSet.FromString(image.read_bytes()))
    schema = schemas.schema("greenroom.agent.v1.ActRequest", "greenroom.agent.v1.ActResponse")
    return json.dumps(schema, indent=2) + "\n"


def differences(committed: Path, fresh: Path) -> Iterator[str]:
    """The generated files that are missing, extra or out of date."""
    names = {
        path.relative_to(folder)
        for folder in (committed, fresh)
        for path in folder.rglob("*.py*")
        if path.suffix in {".py", ".pyi"}
    }
    for name in sorted(names):
        both = (committed / name).exists() and (fresh / name).exists()
        if not both or not filecmp.cmp(committed / name, fresh / name, shallow=False):
            yield str((committed / name).relative_to(ROOT))


def check(image: Path, folder: Path) -> bool:
    """Lint the contracts, compare them with the last release, and compare the committed code with them."""
    config = ("--config", PROTOS / "buf.yaml")
    linted = run("buf", "lint", image, *config, *OURS)
    formatted = run("buf", "format", PROTOS, "--diff", "--exit-code", *("--path", PROTOS / "greenroom"))
    compatible = run("buf", "breaking", image, "--against", LAST_RELEASE, *config, *OURS)
    generate(image, folder / "gen", *OURS, "--path", RULES)
    stale = list(differences(GENERATED, folder / "gen"))
    if not AGENT_SCHEMA.exists() or AGENT_SCHEMA.read_text() != agent_schema(image):
        stale.append(str(AGENT_SCHEMA.relative_to(ROOT)))
    for name in stale:
        print(f"{name} is out of date; run `make protos` and commit it.", file=sys.stderr)
    return linted and formatted and compatible and not stale


def main(task: str, *arguments: str) -> int:
    programs = (Path(sys.executable).parent, ROOT / ".venv" / "bin")
    os.environ["PATH"] = os.pathsep.join((*map(str, programs), os.environ["PATH"]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = build_image(folder)
        match task:
            case "generate":
                generate(image, folder / "gen", *OURS, "--path", RULES)
                shutil.rmtree(GENERATED, ignore_errors=True)
                shutil.copytree(folder / "gen", GENERATED)
                AGENT_SCHEMA.write_text(agent_schema(image))
            case "check":
                return 0 if check(image, folder) else 1
            case "release":
                return 0 if run("buf", "build", image, "--exclude-source-info", "--output", LAST_RELEASE) else 1
            case "generate-plain":
                strip_rules(image)
                generate(image, Path(*arguments), *OURS)
            case _:
                raise SystemExit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:] or [""]))
