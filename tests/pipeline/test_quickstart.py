"""The quickstart: five commands from an example bot and a file of messages to 50 rehearsed conversations."""

import re
import shlex
from pathlib import Path

from tests.contract.example_agents import own_agent
from tests.contract.houses import serving

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
MESSAGES = EXAMPLES / "lamp-shop.jsonl"


def commands(text: str) -> list[str]:
    """The commands in a text that shows some, each after a dollar."""
    return re.findall(r"^\$ (.*)", text, re.MULTILINE)


async def test_five_commands_lead_from_a_bot_and_200_messages_to_50_finished_conversations(tmp_path: Path) -> None:
    block = (ROOT / "docs" / "quickstart.md").read_text().split("```")[1]
    setup, up, bot, init, *run_by_init, results = commands(block)
    assert setup.startswith("make setup")
    assert (up, bot) == ("greenroom up &", "python examples/agents/openai_bot.py &")
    assert len(MESSAGES.read_text().splitlines()) == 200

    async with serving(tmp_path / "data") as house, own_agent(program=EXAMPLES / "agents" / "openai_bot.py") as address:
        words = shlex.split(init.replace("127.0.0.1:8080", address).replace("examples/lamp-shop.jsonl", str(MESSAGES)))
        started = await house.ok(*words[1:], "--folder", str(tmp_path / "lamp-shop"))
        listed = await house.ok(*shlex.split(results)[1:], "--json")

    shown = started.out.replace(f" --address {house.address}", "").replace(f"{tmp_path}/", "").replace(f"{ROOT}/", "")
    assert commands(shown) == run_by_init
    assert "50 completed, 0 failed" in started.out
    assert [row["state"] for row in listed.lines] == ["STATE_COMPLETED"] * 50
    helped = [row for row in listed.lines if not row.get("repeats")]
    assert len(helped) > 25, "most customers get an answer from the bot"
