"""The documents say what the code does: their tables are made from it, and what they name is there.

`python -m tests.unit.test_docs` writes the tables anew.
"""

import ast
import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import typer.main

import services
import shared
from cli.main import app
from services.gateway.settings import GatewaySettings
from services.synthesizer.settings import SynthesizerSettings
from services.testdata.settings import TestdataSettings
from shared.errors import GreenroomError, InvalidArgument
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs" / "operations.md"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SERVICES: Mapping[str, type[Settings]] = {
    "gateway": GatewaySettings,
    "synthesizer": SynthesizerSettings,
    "testdata": TestdataSettings,
}
TEST_FLAGS = {f"GREENROOM_REQUIRE_{what}" for what in ("POSTGRES", "PROGRAMS", "DATA")}


def table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def settings_table() -> str:
    """Every setting of every server; a field that a service has of its own or with another default stands for it."""
    return table(["setting", "of", "default", "meaning"], _settings())


def _settings() -> Iterator[Sequence[str]]:
    for name, field in Settings.model_fields.items():
        if name != "port":
            yield _setting(name, "all", field.default, field.description)
    for who, kind in SERVICES.items():
        for name in kind.__annotations__:
            field = kind.model_fields[name]
            yield _setting(name, who, field.default, field.description)


def _setting(name: str, who: str, default: object, meaning: str | None) -> Sequence[str]:
    shown = "" if default is None else f"`{json.dumps(default, default=str)}`".replace('"', "")
    return f"`GREENROOM_{name.upper()}`", who, shown, " ".join((meaning or "").split())


def errors_table() -> str:
    """Every error that a caller or an operator may read, by code and reason."""
    rows = {(error.code, error.reason, _sentence(error)) for error in _errors(GreenroomError)}
    return table(
        ["reason", "code", "sentence"], ((f"`{reason}`", code, sentence) for code, reason, sentence in sorted(rows))
    )


def _errors(kind: type[GreenroomError]) -> Iterator[type[GreenroomError]]:
    """What is derived from kind in the product, with every module of it imported.

    Of the trunk only InvalidArgument is raised as itself, by the rules of the protos.
    """
    for package in (services, shared):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__") and ".migrations" not in module.name:
                importlib.import_module(module.name)
    found = [kind]
    for one in found:
        found += [sub for sub in one.__subclasses__() if sub not in found]
    raised = (one for one in found if one.__module__ != GreenroomError.__module__ or one is InvalidArgument)
    return (one for one in raised if one.__module__.split(".")[0] in ("services", "shared"))


def _sentence(error: type[GreenroomError]) -> str:
    return " ".join((error.__doc__ or "").split("\n\n")[0].split()).replace("{", "*").replace("}", "*")


TABLES: dict[str, Callable[[], str]] = {"settings": settings_table, "errors": errors_table}
"""By the name of the marks between which each stands in docs/operations.md."""


def between_marks(name: str) -> re.Pattern[str]:
    """What stands between a table's marks."""
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_as_the_code_has_it(name: str) -> None:
    found = between_marks(name).search(OPERATIONS.read_text())
    assert found is not None
    assert found[0] == TABLES[name](), "write it anew with `python -m tests.unit.test_docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_setting_target_and_command_that_is_named_exists(page: Path) -> None:
    text = page.read_text()
    known = TEST_FLAGS | {"GREENROOM_ADDRESS", "GREENROOM_TOKEN"}
    for kind in SERVICES.values():
        known |= {f"GREENROOM_{name.upper()}" for name in kind.model_fields}
    assert set(re.findall(r"GREENROOM_[A-Z0-9_]*[A-Z0-9]", text)) - known == set()

    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) - targets == set()

    nouns = typer.main.get_group(app).commands
    known_commands = {f"{noun} {verb}" for noun, group in nouns.items() for verb in getattr(group, "commands", ())}
    said = set(re.findall(r"(?:^|[`/ ])greenroom ((?:%s) [a-z]+)" % "|".join(nouns), text, re.MULTILINE))  # noqa: UP031
    assert {command for command in said if getattr(nouns[command.split()[0]], "commands", None)} <= known_commands


@pytest.mark.parametrize("example", ["examples/watch.py", "examples/own_agent/agent.py"])
def test_the_readme_shows_an_example_as_it_is(example: str) -> None:
    shown = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    text = (ROOT / example).read_text()
    assert [block for block in shown if block.strip() in text] != []


def test_every_reason_for_which_a_conversation_ends_is_explained() -> None:
    """The reasons stand in the code as the argument that follows an outcome or a fault."""
    files = [*(ROOT / "services/synthesizer/conversations").glob("*.py"), ROOT / "shared/model/conversation.py"]
    reasons = set()
    for file in files:
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and len(call.args) > 1 and ast.unparse(call.func) in ("Ended", "StepFailed"):
                reasons |= {str(call.args[1].value)} if isinstance(call.args[1], ast.Constant) else set()
    assert len(reasons) > 8
    text = (ROOT / "docs/concepts.md").read_text()
    assert {reason for reason in reasons if f"`{reason}`" not in text} == set()


def test_every_reason_for_which_a_line_is_refused_is_explained() -> None:
    files = [*(ROOT / "services/synthesizer/adapters/formats").glob("*.py")]
    files += [ROOT / "services/synthesizer/adapters/imports.py", ROOT / "services/synthesizer/catalog/imports.py"]
    reasons = {reason for file in files for reason in re.findall(r'(?<!= )"([A-Z]+(?:_[A-Z]+)+)"', file.read_text())}
    assert len(reasons) > 8
    assert {reason for reason in reasons if f"`{reason}`" not in OPERATIONS.read_text()} == set()


if __name__ == "__main__":
    for each, made in TABLES.items():
        before, after = re.split(between_marks(each), OPERATIONS.read_text())
        OPERATIONS.write_text(before + made() + after)
