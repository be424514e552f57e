"""How many labelled values redaction finds in real conversations, how often it is wrong, and how long it takes.

sgd labels telephone numbers in results, and multiwoz21 in acts. In abcd, an address with `@` and what is written as
(123) 456-7890, 123-456-7890 or 456-7890 count as labelled. Anything that is found and not labelled is a false alarm,
except e-mail addresses.
"""

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from benchmarks.dialogues import records
from benchmarks.results import gates, limited, report
from services.synthesizer.redaction.kind import digits
from services.synthesizer.redaction.redactor import Redaction, Redactor

TOPIC = "redaction"
_SETS = {
    "abcd": "dialogues",
    "sgd": "dialogues",
    "multiwoz21": "dialogues",
    "star": "dialogues",
    "taskmaster4": "dialogues",
    "tau2": "simulations",
}
_WRITTEN = re.compile(r"[\w.+-]+@[\w-]+\.\w+|(?:\(?\b\d{3}\b\)?[ -]+)?\b\d{3}[ -]\d{4}\b")


class Checked(NamedTuple):
    """What redaction did to the messages of a data set. labelled, missed, wrong: values. seconds: it took."""

    messages: int
    labelled: int
    missed: int
    wrong: int
    seconds: float


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    most = gate["quick" if quick else "full"]["dialogues"]
    checked = {name: _checked(name, islice(records(name, file), most)) for name, file in _SETS.items()}
    for name, one in checked.items():
        print(
            f"{name}: {one.messages} messages, {one.missed} of {one.labelled} labels missed, {one.wrong} false alarms"
        )
    messages = sum(one.messages for one in checked.values())
    missed = sum(one.missed for one in checked.values()) / sum(one.labelled for one in checked.values())
    wrong = sum(one.wrong for one in checked.values()) / messages
    seconds = sum(one.seconds for one in checked.values())
    return report(
        TOPIC,
        [
            limited(gate["missed"], "", [missed]),
            limited(gate["alarms"], "", [wrong]),
            limited(gate["time"], "µs", [seconds / messages * 1e6]),
        ],
    )


def _checked(name: str, dialogues: Iterable[dict[str, Any]]) -> Checked:
    counts: Counter[str] = Counter()
    seconds = 0.0
    for dialogue in dialogues:
        texts = list(_texts(dialogue))
        redactor = Redactor(Redaction())
        start = time.process_time()
        redacted = redactor.redact(texts)
        seconds += time.process_time() - start
        labels = set(_labels(name, dialogue, texts))
        counts["messages"] += len(texts)
        for before, after in zip(texts, redacted, strict=True):
            said = [label for label in labels if label in before]
            counts["labelled"] += len(said)
            counts["missed"] += sum(label in after for label in said)
            found = redactor.found(before)
            counts["wrong"] += sum(
                kind.name != "email" and not _labelled(before[start:end], labels) for start, end, kind in found
            )
    return Checked(counts["messages"], counts["labelled"], counts["missed"], counts["wrong"], seconds)


def _texts(dialogue: dict[str, Any]) -> Iterator[str]:
    for turn in dialogue.get("turns") or dialogue.get("messages") or []:
        yield from (text for name in ("text", "user", "system", "content") if isinstance(text := turn.get(name), str))


def _labels(name: str, dialogue: dict[str, Any], texts: list[str]) -> Iterator[str]:
    if name == "abcd":
        yield from (match for text in texts for match in _WRITTEN.findall(text))
    for turn in dialogue.get("turns", ()) if name in ("sgd", "multiwoz21") else ():
        for result in turn.get("results", ()):
            yield from (str(value) for key, value in result.items() if "phone" in key)
        for acts in (turn.get("system_acts") or {}).values() if name == "multiwoz21" else ():
            yield from (value for slot, value in acts if slot == "Phone" and value[:1].isdigit())


def _labelled(value: str, labels: set[str]) -> bool:
    return any(digits(value) in digits(label) for label in labels)
