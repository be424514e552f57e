"""The pages show what commands print: the commands are run as they stand there, and print that."""

import json
import re
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from greenroom.client import connect
from greenroom.enricher.v1.enrichment_pb2 import EnrichRequest
from greenroom.enricher.v1.pattern_pb2 import Generation, GenerationPlan
from shared import yaml
from tests.contract.houses import House, serving
from tests.contract.test_inference import chat
from tests.processes import PATIENCE

ROOT = Path(__file__).parents[2]
ANY = "…"
"""A line that stands for any lines."""
_VARYING = [
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8}\b"), "ID"),
    (re.compile(r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"greenroom --address \S+ "), "greenroom "),
    (re.compile(r"[ \t]+"), " "),
]


@dataclass(frozen=True)
class Shown:
    """A command and the lines that a page shows below it."""

    line: int
    command: str
    output: tuple[str, ...]


def shown(page: Path) -> Iterator[Shown]:
    """The commands in the blocks of a page; `\\` continues a line."""
    lines = page.read_text().splitlines()
    inside = False
    for number, text in enumerate(lines, start=1):
        if text.startswith("```"):
            inside = not inside
        if not inside or not text.startswith("$ "):
            continue
        end = next(place for place in range(number, len(lines)) if lines[place].startswith(("$ ", "```")))
        command, rest = text[2:], lines[number:end]
        while command.endswith("\\") and rest:
            command = command[:-1] + rest.pop(0).strip()
        while rest and not rest[-1].strip():
            rest.pop()
        yield Shown(number, command, tuple(rest))


@dataclass(frozen=True)
class Page:
    """files: what the page's reader has. not_run: the beginnings of commands that are not run, by reason.

    before: what programs of the reader have done, by the address of the gateway.
    """

    files: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    not_run: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    before: Callable[[str], Awaitable[None]] | None = None


def _shop(change: Callable[[str], str]) -> Callable[[], str]:
    return lambda: change((ROOT / "examples" / "shop" / "conversation.yaml").read_text())


def _chats() -> str:
    return "".join(f"{json.dumps(chat(number))}\n" for number in range(40))


async def _generated(address: str) -> None:
    """A generation that succeeded, and one that failed."""
    async with connect(address, timeout=PATIENCE) as client:
        request = EnrichRequest(domain="domains/ecommerce", entity="order", hints=["only paid orders"])
        plan = GenerationPlan(scenarios=(await client.enrichment.enrich(request)).scenarios)
        await client.generations.record(
            Generation(request=request, plan=plan, success=True, quality=0.97, record_count=100)
        )
        failed = EnrichRequest(domain="domains/ecommerce", entity="cart")
        await client.generations.record(Generation(request=failed, error="No cart can have this many items."))


_TYPO = """\
procedure:
  display_name: Returns
revision:
  instructions: Take a return.
  domain: domains/ecomerce
"""
PAGES = {
    "docs/tools.md": Page(
        {
            "bad.yaml": _shop(lambda text: text.replace("args.order }}", "args.ordr }}", 1)),
            "misspelt.yaml": _shop(lambda text: text.replace("it.state", "it.stat", 1)),
        }
    ),
    "docs/domains.md": Page(
        {
            "bookshop.yaml": lambda: _block("docs/domains.md", "display_name: Book shop"),
            "shop.sql": lambda: _block("docs/domains.md", "CREATE TYPE state"),
            "typo.yaml": lambda: _TYPO,
            "wrong.yaml": lambda: (
                _block("docs/domains.md", "display_name: Book shop")
                .replace("minimum: 1}\nrel", "minimum: ten}\nrel")
                .replace("expression: quantity", "expression: quantiti")
            ),
        },
        {"the persona has another name at each run": ("greenroom personas show bd9",)},
    ),
    "docs/knowledge.md": Page(
        {"returns.md": lambda: _block("docs/knowledge.md", "# Returns")},
        {
            "they need a trained embedding model": (
                "greenroom up",
                'greenroom knowledge search "when do I',
                'greenroom knowledge search "delivery',
            )
        },
        before=_generated,
    ),
    "docs/formats.md": Page(
        {"chats.jsonl": _chats, "messages.csv": lambda: _block("docs/formats.md", "ticket_id;author")},
        {
            "the chats are the reader's own": ("greenroom sources import chats.jsonl",),
            "the data of tau2 is no part of the checkout; tests/pipeline/test_tau2.py imports it": (
                "greenroom procedures import retail",
                "greenroom resources import db",
                "greenroom personas import tasks",
                "greenroom sources import simulations",
            ),
        },
    ),
}


def _block(page: str, start: str) -> str:
    """The block of a page that begins so."""
    found = re.search(rf"```\w*\n({re.escape(start)}.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def runnable(page: str) -> Iterator[Shown]:
    """The commands of a page that one call of `greenroom` is, without those that are not run."""
    skipped = tuple(start for starts in PAGES[page].not_run.values() for start in starts)
    for one in shown(ROOT / page):
        alone = not re.search(r"[|;<>&]", re.sub(r"'[^']*'|\"[^\"]*\"", "", one.command))
        ours = one.command.startswith("cat ") or (one.command.startswith("greenroom ") and alone)
        if ours and not one.command.startswith(skipped):
            yield one


def plain(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return text.strip()


def alike(page: tuple[str, ...], printed: list[str]) -> bool:
    """Whether the lines of a page are those printed; `…` is any lines, or the rest of one."""
    pattern = "".join(
        "(?:.*\n)*" if line.strip() == ANY else f"{re.escape(plain(line)).replace(ANY, '.*')}\n" for line in page
    )
    return re.fullmatch(pattern, "".join(f"{plain(line)}\n" for line in printed)) is not None


@pytest.fixture
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with serving(tmp_path_factory.mktemp("house"), GREENROOM_KNOWLEDGE_SECONDS="60") as running:
        yield running


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_shows_what_its_commands_print(
    page: str, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for name, content in PAGES[page].files.items():
        (tmp_path / name).write_text(content())
    if (before := PAGES[page].before) is not None:
        await before(house.address)
    differ, ran = [], 0
    for one in runnable(page):
        program, *words = shlex.split(one.command)
        if program == "cat":
            (tmp_path / words[0]).write_text("".join(f"{line}\n" for line in one.output))
            continue
        outcome = await house.run(*words)
        ran += 1
        orders = (outcome.out + outcome.err, outcome.err + outcome.out)
        if one.output and not any(alike(one.output, order.splitlines()) for order in orders):
            differ.append(f"{page}:{one.line}: $ {one.command}\n{orders[0]}")
    assert differ == []
    assert ran >= 2


def test_no_command_is_left_out_without_need() -> None:
    for page, kept in PAGES.items():
        commands = [one.command for one in shown(ROOT / page)]
        for start in (start for starts in kept.not_run.values() for start in starts):
            assert any(command.startswith(start) for command in commands), (page, start)


def test_shown_yaml_can_be_read() -> None:
    for page in (*ROOT.glob("docs/**/*.md"), ROOT / "README.md"):
        for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
            if ANY not in block:
                yaml.load(block.encode(), page.name)
