"""The wheel `greenroom` contains the contracts and the client, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.programs import node_module
from tests.programs import program as program_path

ROOT = Path(__file__).parents[2]
DEPENDENCIES = ("googleapis-common-protos", "grpcio", "protobuf")
NEEDED = (*DEPENDENCIES, "typing-extensions")  # grpcio needs it
STUBS = ("types-grpcio", "types-protobuf")

IMPORT_EVERYTHING = """
import importlib, pathlib, sys
site = pathlib.Path(sys.argv[1])
for file in sorted(site.glob("greenroom/**/*.py")):
    if file.stem == "pytest_plugin":
        continue  # pytest loads it, and is there then
    importlib.import_module(".".join(file.relative_to(site).with_suffix("").parts).removesuffix(".__init__"))
print(*sorted({"buf", "cli", "protovalidate", "services", "shared"} & {name.split(".")[0] for name in sys.modules}))
"""


MISTAKE = """
from greenroom.client import Client


async def mistake(client: Client) -> int:
    return (await client.personas.get("")).display_name
"""


class Environment:
    """A fresh virtual environment with the wheel in it."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        self.python = folder / "bin" / "python"
        [self.site] = folder.glob("lib/python*/site-packages")
        self.before = names(self.site)

    def copy(self, package: str) -> None:
        """Copy an installed package from this environment, without the network."""
        source = distribution(package)
        for file in source.files or ():
            if ".." not in file.parts:
                target = self.site / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(source.locate_file(file)), target)

    def run(self, *arguments: str | Path) -> str:
        done = subprocess.run([self.python, *arguments], capture_output=True, text=True, check=False, cwd=self.site)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".dist-info"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    if not (ROOT / ".venv-protos").exists() and "GREENROOM_REQUIRE_PROGRAMS" not in os.environ:
        pytest.skip("the contracts cannot be generated without .venv-protos; `make check` makes it")
    dist, made = tmp_path_factory.mktemp("dist"), Environment(tmp_path_factory.mktemp("user"))
    subprocess.run([sys.executable, ROOT / "tools" / "wheel.py", dist], check=True)
    [wheel] = dist.glob("*.whl")
    made.run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    return made


def test_the_wheel_installs_one_package_and_needs_three(environment: Environment) -> None:
    assert names(environment.site) - environment.before == {"greenroom"}

    for package in NEEDED:
        environment.copy(package)

    assert "No broken requirements" in environment.run("-m", "pip", "check")
    metadata = environment.run("-m", "pip", "show", "greenroom")
    assert f"Requires: {', '.join(DEPENDENCIES)}\n" in metadata


def test_every_module_of_the_wheel_can_be_imported_without_the_application(environment: Environment) -> None:
    assert environment.run("-c", IMPORT_EVERYTHING, environment.site).strip() == ""


def test_pytest_finds_the_plugin_of_the_wheel(environment: Environment) -> None:
    found = "from importlib.metadata import entry_points; print(*entry_points(group='pytest11'))"
    assert "value='greenroom.client.pytest_plugin'" in environment.run("-c", found)


def test_pyright_strict_checks_a_users_program(environment: Environment, tmp_path: Path) -> None:
    pyright = node_module("pyright") / "node_modules" / "pyright" / "index.js"
    for package in STUBS:
        environment.copy(package)
    shutil.copy(ROOT / "tests" / "typing" / "client.py", tmp_path / "program.py")
    (tmp_path / "mistake.py").write_text(MISTAKE)
    settings = {"typeCheckingMode": "strict", "reportMissingModuleSource": "error"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))

    checker = (program_path("node"), pyright, "--outputjson", "--pythonpath", environment.python, "--project", tmp_path)
    checked = subprocess.run(checker, capture_output=True, text=True, check=False)

    found = json.loads(checked.stdout)["generalDiagnostics"]
    rules = [(Path(one["file"]).name, one["rule"]) for one in found]
    assert rules == [("mistake.py", "reportReturnType")], found


def test_mypy_strict_checks_a_users_program(environment: Environment, tmp_path: Path) -> None:
    for package in STUBS:
        environment.copy(package)
    program = Path(shutil.copy(ROOT / "tests" / "typing" / "client.py", tmp_path))
    mistake = tmp_path / "mistake.py"
    mistake.write_text(MISTAKE)

    mypy = ("mypy", "--strict", "--config-file=", "--python-executable", environment.python, program, mistake)
    checked = subprocess.run([sys.executable, "-m", *mypy], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert 'Incompatible return value type (got "str", expected "int")' in checked.stdout
    assert "Found 1 error in 1 file" in checked.stdout, checked.stdout + checked.stderr
