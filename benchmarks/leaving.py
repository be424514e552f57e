"""How often the offline persona leaves where the real customer stayed, and stays where the real customer left.

At every agent turn of real dialogues, the persona gets what was said so far and decides.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from benchmarks.dialogues import Turn, records, turns
from benchmarks.results import gates, limited, report
from services.synthesizer.conversations.persona_brief import persona_brief
from services.synthesizer.offline.kinds import Texts
from services.synthesizer.offline.material import Material
from services.synthesizer.offline.persona import speak
from services.synthesizer.personas.builtin import built_in
from services.synthesizer.sources.model import Source, SourceConversation
from shared.llm.base import ChatRequest, Message
from shared.model.events import AgentMessage, Event, UserMessage

TOPIC = "leaving"
SETS = ("abcd", "star", "taskmaster4")
_GOODBYE = re.compile(
    r"\b(?:bye|goodbye|you too|have a|take care|(?:that'?s|that (?:is|was|will be|would be)) (?:all|it|everything)|"
    r"(?:no|nope),? (?:thanks?|thank you|that)|nothing else)\b|^\W*(?:no+|nope|nah|naw)\W*$",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"^\W*(?:no+|nope|nah|naw|ok|okay|great|perfect|awesome|cool|all ?right|good)\b|\b(?:thanks?|thank you)\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"\?|^\W*(?:yes|yeah|yep|actually|oh)\b", re.IGNORECASE)


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    results = []
    for name in SETS:
        counts = _counts(name, gate["quick" if quick else "full"]["dialogues"])
        for side in ("early", "late"):
            row = {**gate[side], "claim": f"{name}: {gate[side]['claim']}"}
            wrong, turns_ = counts[side], counts[f"{side} turns"]
            results.append(limited(row, f"of {turns_}", [wrong / turns_]))
    return report(TOPIC, results)


def _counts(name: str, dialogues: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    for index, dialogue in enumerate(islice(records(name), dialogues)):
        for left, leaves in _decisions(turns(dialogue), index):
            if left is not None:
                side = "late" if left else "early"
                counts[f"{side} turns"] += 1
                counts[side] += left != leaves
    return counts


def _decisions(spoken: Sequence[Turn], index: int) -> Iterator[tuple[bool | None, bool]]:
    """At each agent turn: whether the real customer left, and whether the persona leaves."""
    messages = [Message("assistant" if turn.role == "user" else "user", text) for turn in spoken for text in turn.texts]
    bodies = [UserMessage(each.text) if each.role == "assistant" else AgentMessage(each.text) for each in messages]
    events = tuple(Event("", seq, 0, 0, body) for seq, body in enumerate(bodies, start=1))
    if not any(isinstance(body, UserMessage) for body in bodies):
        return
    personas = list(built_in().values())
    source = SourceConversation(Source("sources/real", "", "", True), events)
    brief = persona_brief(personas[index % len(personas)], source)
    material = Material(brief, Texts())
    said = 0
    for number, turn in enumerate(spoken):
        said += len(turn.texts)
        if turn.role == "agent":
            request = ChatRequest("offline", "", messages[:said], (), 7, index, said, brief)
            yield _left(spoken[number + 1 :]), speak(request, brief, material).leaves


def _left(after: Sequence[Turn]) -> bool | None:
    """Whether the customer said nothing more, or only goodbye; None if they said thanks now and goodbye later."""
    replies = [" ".join(turn.texts).replace("’", "'") for turn in after if turn.role == "user"]
    if any(_GOES_ON.search(text) or not (_GOODBYE.search(text) or _THANKS.search(text)) for text in replies):
        return False
    return True if len(replies) < 2 or _GOODBYE.search(replies[0]) else None


if __name__ == "__main__":
    sys.exit(not run("--quick" in sys.argv))
