"""The agent says the same again, or nearly so.

A message repeats an earlier one if at most a fifth of their words differ and no number does (shared.model.repeats).
Near-duplicates by the Jaccard index of word sets: Broder, On the resemblance and containment of documents, 1997.
"""

from services.evaluator.quality.metric import Found, Metric, share_of
from services.evaluator.quality.talk import Talk
from shared.model.repeats import repeats
from shared.words import counted

_FEWEST, _SHARE = 3, 0.3
"""How many repeats, and which share of the agent's messages, are flagged."""


def measure(talk: Talk) -> Found | None:
    said = [one for one in talk.messages if one.agent and one.bag]
    earlier, seqs = list[frozenset[str]](), list[int]()
    for one in said:
        if one.own and repeats(one.bag, earlier):
            seqs.append(one.seq)
        earlier.append(one.bag)
    if not any(one.own for one in said):
        return None
    share = share_of(len(seqs), len(talk.said))
    flagged = len(seqs) >= _FEWEST and share >= _SHARE
    detail = f"{counted(len(seqs), 'message')} of the agent's {len(talk.said)} repeat an earlier one." if seqs else ""
    return Found(1 - share, flagged, detail, seqs)


METRIC = Metric("repetition", 0.3, measure)
