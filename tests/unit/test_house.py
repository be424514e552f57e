"""Rules for the files of the repository: locks, packages, compose file, make targets."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from shared import roster

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SERVICES = sorted(service.name for service in roster.SERVICES)


def plain(name: str) -> str:
    """The normalized name of a package, without extras and versions."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", name)[0]).lower()


def locked(lock: str) -> set[str]:
    """The packages in a lock file."""
    return {plain(line) for line in (ROOT / lock).read_text().splitlines() if re.match(r"\w[\w.-]*==", line)}


def test_every_dependency_is_locked() -> None:
    wanted = {plain(name) for name in PYPROJECT["project"]["dependencies"]}
    assert wanted - locked("requirements.lock") == set()
    wanted |= {plain(name) for name in PYPROJECT["dependency-groups"]["dev"]}
    assert wanted - locked("requirements-dev.lock") == set()


def test_the_wheel_needs_what_the_application_was_tested_with() -> None:
    wheel = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text())["project"]
    assert set(wheel["dependencies"]) - set(PYPROJECT["project"]["dependencies"]) == set()


def test_the_runtime_lock_has_the_versions_of_the_dev_lock() -> None:
    pins = re.compile(r"^(\S+==\S+)", re.MULTILINE)
    runtime, dev = (
        set(pins.findall((ROOT / lock).read_text())) for lock in ("requirements.lock", "requirements-dev.lock")
    )
    assert runtime - dev == set()


def test_the_demo_installs_no_development_packages_and_uses_them_if_they_are_there(tmp_path: Path) -> None:
    def steps() -> str:
        return subprocess.run(["make", "-n", "demo"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        (tmp_path / name).touch()
    assert "tools/make-venv .venv requirements.lock\n" in steps()
    assert "requirements-dev" not in steps()
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".setup").touch()
    assert "make-venv" not in steps()


def test_the_roster_lists_every_service() -> None:
    assert sorted(path.parent.name for path in ROOT.glob("services/*/__init__.py")) == SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_rooms(service: str) -> None:
    rooms = {path.stem for path in (ROOT / "services" / service).iterdir()}
    assert {"__main__", "app", "settings"} - rooms == set()
    assert rooms & {"utils", "helpers", "common", "misc"} == set()


def test_every_folder_of_code_is_a_package() -> None:
    """import-linter ignores folders without `__init__.py`. Migrations are scripts of alembic."""
    folders = {path.parent for top in ("cli", "services", "shared") for path in (ROOT / top).rglob("*.py")}
    code = {folder for folder in folders if "migrations" not in folder.parts}
    assert [folder for folder in sorted(code) if not (folder / "__init__.py").exists()] == []


def test_every_service_is_in_the_compose_file() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    started = {service["command"][-1] for service in compose.values() if "command" in service}
    assert started == {f"services.{service}" for service in SERVICES}


def test_the_compose_file_uses_the_ports_of_the_roster() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for service in roster.SERVICES:
        containers = [one for one in compose.values() if one.get("command", [])[-1:] == [service.module]]
        assert {one["environment"]["GREENROOM_PORT"] for one in containers} == {str(service.port)}
    for peer in roster.PEERS:
        address = compose["gateway"]["environment"][f"GREENROOM_{peer.address_setting.upper()}"]
        assert address == f"dns:///{peer.name}s:{peer.port}"


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    listed = subprocess.run(["make", "--silent", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert set(phony[1].split()) == set(re.findall(r"make ([a-z-]+)", listed))
