"""What all commands of `greenroom` have in common, found by walking through them."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.main import app
from tests.contract.houses import House, Outcome, serving

EXAMPLE = Path(__file__).parents[2] / "examples" / "returns"
NOUNS = {
    "based_on",
    "batch",
    "conversation",
    "dataset",
    "domain",
    "learning",
    "pattern",
    "persona",
    "procedure",
    "resume",
    "source",
    "template",
}
"""Parameters that name something stored. `name` does too, where it is an argument."""
CAMPAIGN = str(EXAMPLE.parent / "campaigns" / "check-up.yaml")
VALUES = {"kind": "transitions", "file": CAMPAIGN, "files": CAMPAIGN, "campaigns": CAMPAIGN}
"""Of parameters that take no number."""


@dataclass(frozen=True)
class Command:
    """words: as they are typed."""

    words: tuple[str, ...]
    command: Any

    @property
    def options(self) -> set[str]:
        return {option for one in self.command.params for option in one.opts}

    @property
    def names(self) -> list[Any]:
        """The parameters that take the name of something stored."""
        return [one for one in self.command.params if one.metavar == "NAME"]


def walked(group: Any, *words: str) -> Iterator[Command]:
    for word in group.commands:
        one = group.commands[word]
        if hasattr(one, "commands"):
            yield from walked(one, *words, word)
        else:
            yield Command((*words, word), one)


COMMANDS = list(walked(typer.main.get_group(app)))


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with serving(tmp_path_factory.mktemp("house")) as running:
        yield running


def test_every_command_that_reads_a_file_of_others_can_be_strict() -> None:
    read = [one for one in COMMANDS if one.words[-1] in ("import", "learn", "init")]
    assert len(read) >= 7
    assert [one.words for one in read if "--strict" not in one.options] == []


def test_every_list_has_the_same_options_and_every_delete_asks() -> None:
    lists = [one for one in COMMANDS if one.words[-1] == "list"]
    assert [one.words for one in lists if not {"--limit", "--all", "--json"} <= one.options] == []
    deletes = [one for one in COMMANDS if one.words[-1].startswith("delete")]
    assert [one.words for one in deletes if "--yes" not in one.options] == []


def test_every_parameter_that_names_something_stored_takes_short_names() -> None:
    for one in COMMANDS:
        for parameter in one.command.params:
            is_name = parameter.name == "name" and parameter.param_type_name == "argument"
            if parameter.name in NOUNS or is_name:
                assert parameter.metavar == "NAME", (*one.words, parameter.name)
        for parameter in one.names:
            assert parameter.callback is not None, (*one.words, parameter.name)


@pytest.mark.parametrize("one", [one for one in COMMANDS if one.names], ids=lambda one: " ".join(one.words))
async def test_a_name_that_nothing_has_is_refused_with_a_sentence_by_every_command(house: House, one: Command) -> None:
    for named in one.names:
        others = [other for other in one.command.params if other.required and other is not named]
        typed: list[str] = []
        for other in others:
            typed += other.opts[:1] if other.param_type_name == "option" else []
            typed.append("no-such-thing" if other.metavar == "NAME" else VALUES.get(other.name, "1"))
        words = typed if named.param_type_name == "option" else ["no-such-thing", *typed]
        option = [named.opts[0], "no-such-thing"] if named.param_type_name == "option" else []

        outcome = await house.run(*one.words, *words, *option)

        assert (outcome.status, outcome.err.split('"')[1:2]) == (3, ["no-such-thing"]), outcome.err


async def test_sources_are_labelled_when_they_are_imported_and_listed_and_chosen_by_label(
    house: House, tmp_path: Path
) -> None:
    first, second, third = (EXAMPLE / "sources.jsonl").read_text().splitlines()[:3]
    spring, both = tmp_path / "spring.jsonl", tmp_path / "both.jsonl"
    spring.write_text(first + "\n")
    both.write_text(f"{second}\n{third}\n")
    await house.ok("sources", "import", str(spring), "--label", "spring")
    await house.ok("sources", "import", str(both), "-l", "spring", "--label", "vip")

    def ids(outcome: Outcome) -> set[str]:
        return {one["external_id"] for one in outcome.lines}

    one, *others = (json.loads(line)["external_id"] for line in (first, second, third))
    listed = ("sources", "list", "--json")
    assert ids(await house.ok(*listed, "--label", "spring")) == {one, *others}
    assert ids(await house.ok(*listed, "--label", "spring", "--label", "vip")) == {*others}
    assert ids(await house.ok(*listed, "--external-id", one, "--external-id", others[0])) == {one, others[0]}
    assert ids(await house.ok(*listed, "--label", "autumn")) == set()
    table = (await house.ok("sources", "list", "--label", "vip")).out
    assert [line.split()[-2:] for line in table.splitlines()[1:]] == [["spring", "vip"]] * 2
    exported = await house.ok("sources", "export", "--label", "vip")
    assert ids(exported) == {*others}
    again = await house.ok("sources", "import", str(spring), "--label", "new")
    assert again.out == "greenroom: 0 imported, 1 unchanged (1 got a new label), 0 refused\n"


async def test_strict_fails_every_import_that_left_something_out(house: House, tmp_path: Path) -> None:
    source = json.loads((EXAMPLE / "sources.jsonl").read_text().splitlines()[3])
    unlinked = tmp_path / "unlinked.jsonl"
    unlinked.write_text(json.dumps(source | {"external_id": "strict", "procedure": "none"}) + "\n")
    chats = tmp_path / "chats.jsonl"
    chats.write_text(
        json.dumps({"messages": [{"role": "user", "content": "Hi"}, {"role": "robot", "content": "x"}]}) + "\n"
    )
    for words, loose in (
        (("sources", "import", str(unlinked)), 0),
        (("sources", "import", str(chats)), 0),
        (("init", str(chats), "--folder", str(tmp_path / "made"), "--force"), 0),
    ):
        assert ((await house.run(*words, "--strict")).status, (await house.run(*words)).status) == (1, loose), words


async def test_strict_lets_what_left_nothing_out_succeed(house: House, tmp_path: Path) -> None:
    resources = tmp_path / "orders.jsonl"
    resources.write_text('{"type": "order", "id": "1", "data": {"state": "sent"}}\n')
    await house.ok("procedures", "import", str(EXAMPLE / "procedures.jsonl"), "--strict")
    await house.ok("resources", "import", str(resources), "--as", "strict-orders", "--strict")
