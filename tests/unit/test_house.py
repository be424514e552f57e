"""The house itself: what must hold of its files whatever stands in them."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/__init__.py"))


def plain(name: str) -> str:
    """A package's name as registries compare it, without extras and versions."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", name)[0]).lower()


def locked(lock: str) -> set[str]:
    """The packages that a lock names."""
    return {plain(line) for line in (ROOT / lock).read_text().splitlines() if re.match(r"\w[\w.-]*==", line)}


def test_every_dependency_is_locked() -> None:
    wanted = {plain(name) for name in PYPROJECT["project"]["dependencies"]}
    assert wanted - locked("requirements.lock") == set()
    wanted |= {plain(name) for name in PYPROJECT["dependency-groups"]["dev"]}
    assert wanted - locked("requirements-dev.lock") == set()


def test_what_runs_is_what_was_tested() -> None:
    pins = re.compile(r"^(\S+==\S+)", re.MULTILINE)
    runtime, dev = (
        set(pins.findall((ROOT / lock).read_text())) for lock in ("requirements.lock", "requirements-dev.lock")
    )
    assert runtime - dev == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_rooms(service: str) -> None:
    rooms = {path.stem for path in (ROOT / "services" / service).iterdir()}
    assert {"__main__", "app", "settings"} - rooms == set()
    assert rooms & {"utils", "helpers", "common", "misc"} == set()


def test_every_folder_of_code_is_a_package() -> None:
    """import-linter does not look into a folder without an `__init__.py`. Migrations are alembic's scripts."""
    folders = {path.parent for top in ("cli", "services", "shared") for path in (ROOT / top).rglob("*.py")}
    code = {folder for folder in folders if "migrations" not in folder.parts}
    assert [folder for folder in sorted(code) if not (folder / "__init__.py").exists()] == []


def test_every_service_is_in_the_compose_file() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    started = {service["command"][-1] for service in compose.values() if "command" in service}
    assert started == {f"services.{service}" for service in SERVICES}


def test_every_make_target_explains_itself() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    told = subprocess.run(["make", "--silent", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert set(phony[1].split()) == set(re.findall(r"make ([a-z-]+)", told))
