"""Builds one image of the contracts and lets buf lint, compare and generate from it.

Runs in `.venv-protos` (see the Makefile). protoc compiles, because it can take `buf/validate/validate.proto` as a
descriptor: its text is in no Python package, and so nothing has to be vendored.

    python tools/protos.py generate     write protos/gen
    python tools/protos.py check        lint, compare with the last release, compare protos/gen with a fresh generation
    python tools/protos.py release      keep the contracts as they are now as the last release
"""

import filecmp
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import grpc_tools
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GENERATED = PROTOS / "gen"
LAST_RELEASE = PROTOS / "breaking" / "last-release.binpb"
OURS = ("--path", "greenroom")


def run(*command: str | Path) -> bool:
    """Run a program in the project's root; its output goes where ours goes."""
    return subprocess.run(list(map(str, command)), cwd=ROOT, check=False).returncode == 0


def build_image(folder: Path) -> Path:
    """Compile every contract with its imports and comments into one descriptor set."""
    validate = folder / "validate.binpb"
    validate.write_bytes(
        FileDescriptorSet(
            file=[FileDescriptorProto.FromString(validate_pb.desc().proto.to_binary())]
        ).SerializeToString()
    )
    image = folder / "greenroom.binpb"
    compiled = run(
        *(sys.executable, "-m", "grpc_tools.protoc", "--include_imports", "--include_source_info"),
        f"--proto_path={PROTOS}",
        f"--proto_path={Path(grpc_tools.__file__).parent / '_proto'}",
        f"--proto_path={importlib.metadata.distribution('googleapis-common-protos').locate_file('')}",
        f"--descriptor_set_in={validate}",
        f"--descriptor_set_out={image}",
        *(path.relative_to(PROTOS) for path in sorted((PROTOS / "greenroom").rglob("*.proto"))),
    )
    if not compiled:
        raise SystemExit(1)
    return image


def generate(image: Path, out: Path) -> None:
    """Write the Python code and its types for our contracts and for the validation rules that they import."""
    wanted = (*OURS, "--path", "buf/validate/validate.proto")
    if not run("buf", "generate", image, "--template", PROTOS / "buf.gen.yaml", "--output", out, *wanted):
        raise SystemExit(1)
    for types in out.rglob("*_pb2_grpc.pyi"):
        if not types.with_suffix(".py").exists():  # mypy-protobuf writes one for files without a service too
            types.unlink()


def differences(committed: Path, fresh: Path) -> Iterator[str]:
    """Name every generated file that is missing, extra or other than what the contracts say."""
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
    """Lint the contracts and compare them with the last release and with the committed code."""
    config = ("--config", PROTOS / "buf.yaml")
    linted = run("buf", "lint", image, *config, *OURS)
    formatted = run("buf", "format", PROTOS, "--diff", "--exit-code", *("--path", PROTOS / "greenroom"))
    kept = run("buf", "breaking", image, "--against", LAST_RELEASE, *config, *OURS)
    generate(image, folder / "gen")
    stale = list(differences(GENERATED, folder / "gen"))
    for name in stale:
        print(f"{name} is not what the contracts say; run `make protos` and commit it.", file=sys.stderr)
    return linted and formatted and kept and not stale


def main(task: str) -> int:
    programs = (Path(sys.executable).parent, ROOT / ".venv" / "bin")
    os.environ["PATH"] = os.pathsep.join((*map(str, programs), os.environ["PATH"]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = build_image(folder)
        match task:
            case "generate":
                generate(image, folder / "gen")
                shutil.rmtree(GENERATED, ignore_errors=True)
                shutil.copytree(folder / "gen", GENERATED)
            case "check":
                return 0 if check(image, folder) else 1
            case "release":
                return 0 if run("buf", "build", image, "--exclude-source-info", "--output", LAST_RELEASE) else 1
            case _:
                raise SystemExit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) == 2 else ""))
