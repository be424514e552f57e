"""The documents match the code: tables are generated from it, and the links, settings and commands in them exist.

`python -m tests.unit.test_docs` writes the tables.
"""

import ast
import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import pytest
import typer.main

import services
import shared
from cli.main import app
from services.synthesizer.adapters.agents import KINDS
from shared import roster
from shared.errors import GreenroomError, InvalidArgument
from shared.llm.providers import PROVIDERS
from shared.permissions import PERMISSIONS
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs" / "operations.md"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SERVICES: Mapping[str, type[Settings]] = {service.name: service.settings for service in roster.SERVICES}
TEST_FLAGS = {f"GREENROOM_REQUIRE_{what}" for what in ("POSTGRES", "PROGRAMS", "DATA")}


def table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def settings_table() -> str:
    """All settings. Each service lists only its own fields and its port; then come those of the models' providers."""
    return table(["setting", "of", "default", "meaning"], _settings())


def _settings() -> Iterator[Sequence[str]]:
    for name, field in Settings.model_fields.items():
        if name != "port":
            yield _setting(name, "all", field.default, field.description)
    for who, kind in SERVICES.items():
        for name, field in kind.model_fields.items():
            if name == "port" or name not in Settings.model_fields:
                yield _setting(name, who, field.default, field.description)

    for who, provider in PROVIDERS.items():
        for name, field in provider.settings.model_fields.items():
            variable = provider.settings.variable(name).removeprefix("GREENROOM_")
            yield _setting(variable, who, field.default, field.description)


def _setting(name: str, who: str, default: object, meaning: str | None) -> Sequence[str]:
    shown = "" if default is None else f"`{json.dumps(default, default=str)}`".replace('"', "")
    return f"`GREENROOM_{name.upper()}`", who, shown, " ".join((meaning or "").split())


def errors_table() -> str:
    """All errors, sorted by code and reason."""
    rows = {(error.code, error.reason, _sentence(error)) for error in _errors(GreenroomError)}
    return table(
        ["reason", "code", "sentence"], ((f"`{reason}`", code, sentence) for code, reason, sentence in sorted(rows))
    )


def _errors(kind: type[GreenroomError]) -> Iterator[type[GreenroomError]]:
    """All errors of the product that are raised; imports every module to find them.

    Of the base classes only InvalidArgument is raised itself.
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


def test_a_reason_belongs_to_one_error() -> None:
    by_reason: dict[str, set[str]] = {}
    for error in _errors(GreenroomError):
        by_reason.setdefault(error.reason, set()).add(f"{error.__module__}.{error.__name__}")
    assert {reason: classes for reason, classes in by_reason.items() if len(classes) > 1} == {}


def permissions_list() -> str:
    """Every permission, on one line per noun."""
    nouns = groupby(sorted(PERMISSIONS), key=lambda permission: permission.split(".")[0])
    return "".join(f"- {', '.join(f'`{permission}`' for permission in group)}\n" for _, group in nouns)


TABLES: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "errors": errors_table,
    "permissions": permissions_list,
}
"""The generated parts of docs/operations.md, by the name of their marks."""


def between_marks(name: str) -> re.Pattern[str]:
    """Matches the text between the marks of a table."""
    return re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)


@pytest.mark.parametrize("name", TABLES)
def test_a_generated_table_is_up_to_date(name: str) -> None:
    found = between_marks(name).search(OPERATIONS.read_text())
    assert found is not None
    assert found[0] == TABLES[name](), "run `python -m tests.unit.test_docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_has_a_target(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/adding.md"])
def test_every_named_path_exists(page: str) -> None:
    paths = re.findall(r"`([a-z_]+/[\w./-]+)`", (ROOT / page).read_text())
    assert len(paths) > 4
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_setting_make_target_and_command_exists(page: Path) -> None:
    text = page.read_text()
    known = TEST_FLAGS | {"GREENROOM_ADDRESS", "GREENROOM_AS", "GREENROOM_TOKEN", "GREENROOM_SECRET_MY_BOT"}
    for kind in [*SERVICES.values(), *(provider.settings for provider in PROVIDERS.values())]:
        known |= {kind.variable(name) for name in kind.model_fields}
    assert set(re.findall(r"GREENROOM_[A-Z0-9_]*[A-Z0-9]", text)) - known == set()

    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) - targets == set()

    nouns = typer.main.get_group(app).commands
    known_commands = {f"{noun} {verb}" for noun, group in nouns.items() for verb in getattr(group, "commands", ())}
    said = set(re.findall(r"(?:^|[`/ ])greenroom ((?:%s) [a-z]+)" % "|".join(nouns), text, re.MULTILINE))  # noqa: UP031
    assert {command for command in said if getattr(nouns[command.split()[0]], "commands", None)} <= known_commands


def test_the_docs_list_every_grpc_service() -> None:
    readme, operations = (ROOT / "README.md").read_text(), (ROOT / "docs" / "operations.md").read_text()
    for name in (name for one in roster.SERVICES for name in one.rpc_services):
        assert f"`{name.rpartition('.')[2]}`" in readme
        assert re.search(rf"^{re.escape(name)} +serving$", operations, re.MULTILINE), name
        assert re.search(rf"^{re.escape(name)}$", operations, re.MULTILINE), name


@pytest.mark.parametrize("example", ["examples/watch.py", "examples/agents/grpc_agent.py"])
def test_the_readme_quotes_the_example(example: str) -> None:
    shown = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    text = (ROOT / example).read_text()
    assert [block for block in shown if block.strip() in text] != []


def test_the_docs_explain_every_reason_why_a_conversation_ends() -> None:
    """The code passes a reason as the argument after an outcome or a fault."""
    files = [*(ROOT / "services/synthesizer/conversations").glob("*.py"), ROOT / "shared/model/conversation.py"]
    reasons = set()
    for file in files:
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and len(call.args) > 1 and ast.unparse(call.func) in ("Ended", "StepFailed"):
                reasons |= {str(call.args[1].value)} if isinstance(call.args[1], ast.Constant) else set()
    assert len(reasons) > 8
    text = (ROOT / "docs/concepts.md").read_text()
    assert {reason for reason in reasons if f"`{reason}`" not in text} == set()


def test_the_docs_explain_every_reason_why_an_import_refuses_a_line() -> None:
    files = [*(ROOT / "services/synthesizer/adapters/formats").glob("*.py")]
    files += [ROOT / "services/synthesizer/adapters/parsing.py", ROOT / "services/synthesizer/imports/operations.py"]
    files += [ROOT / "services/synthesizer/sources/store.py"]
    reasons = {reason for file in files for reason in re.findall(r'(?<!= )"([A-Z]+(?:_[A-Z]+)+)"', file.read_text())}
    assert len(reasons) > 8
    assert {reason for reason in reasons if f"`{reason}`" not in OPERATIONS.read_text()} == set()


if __name__ == "__main__":
    for each, made in TABLES.items():
        before, after = re.split(between_marks(each), OPERATIONS.read_text())
        OPERATIONS.write_text(before + made() + after)


CONNECTS = re.compile(
    r"^\s*(?:import|from) (?:aiohttp|anthropic|asyncpg|httpx2?|http\.client|obstore|ollama|openai"
    r"|opentelemetry\.exporter|requests|smtplib|temporalio|urllib\.request)\b|secure_channel\(|create_connection\(|open_connection\(",
    re.MULTILINE,
)
"""What code looks like that opens a connection."""


def test_the_page_about_what_is_sent_names_every_place_that_opens_a_connection() -> None:
    page = (ROOT / "docs" / "sends.md").read_text()
    code = [path for folder in ("services", "shared", "cli", "client") for path in (ROOT / folder).rglob("*.py")]

    connecting = {str(path.relative_to(ROOT)) for path in code if CONNECTS.search(path.read_text())}

    assert connecting == set(re.findall(r"`((?:services|shared|cli|client)/\S+\.py)`", page))
    assert {f"`{name}`" for name in (*PROVIDERS, *KINDS)} <= set(re.findall(r"^\| (`\w+`) \|", page, re.MULTILINE))
