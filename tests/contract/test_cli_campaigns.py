"""`greenroom campaigns` against a running Greenroom."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.houses import House, serving

EXAMPLES = Path(__file__).parents[2] / "examples" / "campaigns"
SOUND, DAMAGED = str(EXAMPLES / "check-up.yaml"), str(EXAMPLES / "check-up-damaged.yaml")

SOUND_TEXT = Path(SOUND).read_text()


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with serving(tmp_path_factory.mktemp("house")) as running:
        yield running


async def test_validate_says_what_is_wrong_and_exits_by_the_verdict(house: House, tmp_path: Path) -> None:
    sound, damaged = await house.run("campaigns", "validate", SOUND), await house.run("campaigns", "validate", DAMAGED)

    assert (sound.status, sound.out) == (0, "check-up.yaml is valid: 0 issues, score 100 of 100.\n")
    assert damaged.status == 1
    assert "error infinite_loop at nag: The step `nag` is in a cycle of 2 steps that no way leaves.\n" in damaged.out
    assert "check-up-damaged.yaml is not valid: " in damaged.out.splitlines()[-1]
    doubtful = tmp_path / "doubtful.yaml"
    doubtful.write_text(SOUND_TEXT.replace('"10:00"', '"23:00"'))
    assert (await house.run("campaigns", "validate", str(doubtful), "--threshold", "95")).status == 0
    assert (await house.run("campaigns", "validate", str(doubtful), "--threshold", "96")).status == 1
    bad = tmp_path / "bad.yaml"
    bad.write_text("display_name: x\nstep: []\n")
    refused = await house.run("campaigns", "validate", str(bad))
    assert refused.status == 2
    assert "bad.yaml:2:1: A campaign has no key `step` (did you mean `steps`?)." in refused.err


async def test_campaigns_are_stored_revised_checked_and_deleted(house: House) -> None:
    name = (await house.ok("campaigns", "create", SOUND, "--external-id", "check-up", "--json")).json["name"]

    await house.ok("campaigns", "revise", "check-up", DAMAGED)
    assert (await house.run("campaigns", "check", "check-up")).status == 1
    assert (await house.ok("campaigns", "check", "check-up", "--revision", "1")).out.endswith("score 100 of 100.\n")
    await house.ok("campaigns", "update-revision", name, "2", SOUND)
    assert (await house.ok("campaigns", "ready", name, "2")).out == f"{name} revision 2 is ready.\n"
    assert (await house.run("campaigns", "update-revision", name, "2", SOUND)).status == 1
    assert [one["name"] for one in (await house.ok("campaigns", "list", "--json")).lines] == [name]
    assert "2 of 2, ready" in (await house.ok("campaigns", "show", name)).out
    assert "- id: morning\n" in (await house.ok("campaigns", "show", name, "--yaml")).out
    await house.ok("campaigns", "delete-revision", name, "2", "--yes")
    await house.ok("campaigns", "delete", name, "--yes")
    assert (await house.run("campaigns", "show", name)).status == 3


def node(name: str, kind: str, **parameters: Any) -> dict[str, Any]:
    return {"name": name, "type": f"n8n-nodes-base.{kind}", "typeVersion": 1, "parameters": parameters}


PAID = {"number": [{"value1": "={{ $json.amount }}", "operation": "larger", "value2": 0}]}
INVOICES = {
    "name": "Invoices",
    "nodes": [
        node("Form", "formTrigger"),
        node("Look up", "httpRequest", url="https://billing.example/{{ }}"),
        node("Paid?", "if", conditions=PAID),
        node(
            "Thank",
            "gmail",
            subject="=Thanks {{ $('Form').item.json.name }}",
            message="=Paid {{ $json.amount }}. All well?",
        ),
        node("Remind", "telegram", text="Please pay. Reply YES or NO."),
        node("Model", "lmChatOpenAi"),
    ],
    "connections": {
        "Form": {"main": [[{"node": "Look up", "type": "main", "index": 0}]]},
        "Look up": {"main": [[{"node": "Paid?", "type": "main", "index": 0}]]},
        "Paid?": {"main": [[{"node": "Thank"}], [{"node": "Remind"}]]},
        "Model": {"ai_languageModel": [[{"node": "Look up"}]]},
    },
}


async def test_a_workflow_is_imported_with_what_was_approximated_and_can_be_simulated(
    house: House, tmp_path: Path
) -> None:
    file, out, tools = tmp_path / "invoices.json", tmp_path / "invoices.yaml", tmp_path / "tools.yaml"
    file.write_text(json.dumps(INVOICES))

    tried = await house.ok("campaigns", "import", str(file), "--dry-run", "--output", str(out), "--tools", str(tools))

    assert "Nothing is called; the tool `look_up` answers" in " ".join(tried.out.split())
    assert "6 parts, of which 2 are read, 3 approximated and 1 left out; 1 of 1 condition evaluated" in tried.out
    assert "stored as" not in tried.out
    assert (await house.run("campaigns", "import", str(file), "--output", str(out))).status == 1
    for field, kind in (("look_up_amount=3", "send_email"), ("look_up_amount=-1", "send_sms")):
        arguments = ["--persona", "eager-eddie", "--tools", str(tools), "--field", field]
        assert kind in (await house.ok("campaigns", "simulate", str(out), *arguments)).out
    stored = (await house.ok("campaigns", "import", str(file), "--format", "n8n", "--json")).json
    assert (await house.ok("campaigns", "show", stored["campaign"]["name"], "--yaml")).out == out.read_text()
    assert [one["outcome"] for one in stored["parts"]].count("OUTCOME_LEFT_OUT") == 1
    assert (await house.run("campaigns", "import", str(file), "--dry-run", "--strict")).status == 1
    ours = (await house.ok("campaigns", "import", SOUND, "--strict", "--json")).json
    assert ours["format"] == "greenroom"
    for bad, sentence in (("--format", "There is no format excel"), ("file", "none of the formats")):
        if bad == "file":
            file.write_text("a: 1")
        refused = await house.run(
            "campaigns", "import", str(file), *(["--format", "excel"] if bad == "--format" else [])
        )
        assert (refused.status, sentence in refused.err) == (2, True)
