"""Whether the persona keeps non-English names whole: rehearse abcd unchanged, and with every name replaced."""

import json
import re
import sys
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.dialogues import records, rehearsals
from benchmarks.results import gates, limited, report
from shared.model.draws import pick
from shared.yaml import load_file
from tests.pipeline.test_abcd import said_calls

TOPIC = "names"
_NAMES = load_file(Path(__file__).with_name("names.yaml"))
_CUSTOMERS = re.compile("|".join(sorted(_NAMES["customers"], key=len, reverse=True)), re.IGNORECASE)


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gate held."""
    gate = gates(TOPIC)
    dialogues = list(islice(records("abcd"), gate["quick" if quick else "full"]["dialogues"]))
    plain = _share(dialogues)
    replaced = _share([_renamed(dialogue) for dialogue in dialogues])
    row = gate["loss"]
    return report(TOPIC, [limited(row, "points", [100 * (plain - replaced)], samples={"share": [plain, replaced]})])


def _share(dialogues: list[dict[str, Any]]) -> float:
    """Share of conversations that repeat a recorded call, among those whose customer says its values."""
    wanted = [each for each in rehearsals(dialogues) if said_calls(each.dialogue)]
    return sum(bool(each.made_again()) for each in wanted) / len(wanted)


def _renamed(dialogue: Mapping[str, Any]) -> dict[str, Any]:
    """The dialogue with the customer's name, and each part of it, replaced by a random name and its parts."""
    name = pick(_NAMES["international"], 0, 0, 0, dialogue["id"])
    first, last = name.split()[0], name.split(maxsplit=1)[-1]
    text = _CUSTOMERS.sub(name, json.dumps(dialogue["turns"], ensure_ascii=False))
    for customer in _NAMES["customers"]:
        text = re.sub(rf"\b{customer.split()[0]}\b", first, text)
        text = re.sub(rf"\b{customer.split()[-1]}\b", last, text)
    return {**dialogue, "turns": json.loads(text)}


if __name__ == "__main__":
    sys.exit(not run("--quick" in sys.argv))
