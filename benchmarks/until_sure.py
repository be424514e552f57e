"""How often pairs that are played until it is sure find a difference, and how many pairs that saves.

First by numbers: of sides that pass with these rates, independently of each other, which is the hardest case, every
result of every round is followed with its probability, so that nothing is drawn. Then over real servers in one process:
the six damages of a procedure of the examples, of abcd and of tau2, each against the sound one, and the sound one
against itself with other seeds.
"""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import comb
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.results import gates, limited, reached, report
from cli.kit.house import running
from greenroom.client import Client, connect
from greenroom.evaluator.v1.report_pb2 import Report, Stop
from services.gateway.settings import GatewaySettings
from shared.statistics.until_sure import Reason, Rule, look
from tests.damages import DAMAGES
from tests.grounds import GROUNDS, SOUND, Ground, rehearsed

TOPIC = "until_sure"
RULE = Rule()
_EQUAL = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""The rates of sides that are equal."""
_OTHER_SEED = 1_000


@dataclass(frozen=True)
class Expected:
    """What happens on the average. different, futile, budget: with which probability. saved: the share of the pairs."""

    different: float
    futile: float
    budget: float
    saved: float


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    pairs = {(new, 0.9): expected(new, 0.9) for new in (0.6, 0.3)} | {
        (rate, rate): expected(rate, rate) for rate in _EQUAL
    }
    _show_expected(pairs)
    alarms = [pairs[rate, rate].different for rate in _EQUAL]
    results = [
        limited(gate["false_alarms"], "of comparisons", [max(alarms)], samples={"rates": _EQUAL, "alarms": alarms}),
        reached(gate["power"], "of comparisons", [pairs[0.6, 0.9].different]),
        reached(gate["saved_at_0.6"], "of pairs", [pairs[0.6, 0.9].saved]),
        reached(gate["saved_at_0.3"], "of pairs", [pairs[0.3, 0.9].saved]),
    ]
    found, same = asyncio.run(_measured(gate["quick" if quick else "full"]))
    _show(found, same)
    worse = [one for reports in found.values() for one in reports.values()]
    told = [one.verdict == Report.VERDICT_WORSE for one in worse]
    saved = [1 - one.stop.played / RULE.most_pairs for one in worse]
    unlike = [one.verdict != Report.VERDICT_UNDECIDED for one in same]
    results += [
        reached(gate["damages_found"], "of damages", [sum(told) / len(told)], samples={"damages": [len(told)]}),
        reached(gate["damages_saved"], "of pairs", [sum(saved) / len(saved)], samples={"each": saved}),
        limited(gate["same"], "of comparisons", [sum(unlike) / len(unlike)], samples={"comparisons": [len(unlike)]}),
    ]
    return report(TOPIC, results)


def expected(new: float, old: float) -> Expected:
    """What happens with sides that pass with these rates, independently of each other."""
    gains, loses = new * (1 - old), old * (1 - new)
    looked = cache(look)
    # The probability of each number of gained and lost pairs with which it has not ended.
    going_on, ended, played = {(0, 0): 1.0}, dict.fromkeys(Reason, 0.0), 0.0
    for start in range(0, RULE.most_pairs, RULE.round_size):
        end = min(start + RULE.round_size, RULE.most_pairs)
        after = defaultdict[tuple[int, int], float](float)
        for (gained, lost), before in going_on.items():
            for (more, less), probability in _round(end - start, gains, loses).items():
                after[gained + more, lost + less] += before * probability
        going_on = {}
        for (gained, lost), probability in after.items():
            reason = looked(RULE, end, end, gained, lost)
            if reason is None:
                going_on[gained, lost] = probability
            else:
                ended[reason] += probability
                played += probability * end
    return Expected(ended[Reason.DIFFERENT], ended[Reason.FUTILE], ended[Reason.BUDGET], 1 - played / RULE.most_pairs)


@cache
def _round(size: int, gains: float, loses: float) -> Mapping[tuple[int, int], float]:
    """The probability of each number of gained and lost pairs of a round."""
    return {
        (gained, lost): comb(size, gained)
        * comb(size - gained, lost)
        * gains**gained
        * loses**lost
        * (1 - gains - loses) ** (size - gained - lost)
        for gained in range(size + 1)
        for lost in range(size + 1 - gained)
    }


_Found = Mapping[str, Report]


async def _measured(size: Mapping[str, int]) -> tuple[Mapping[str, _Found], Sequence[Report]]:
    """(the reports about each ground's damages, those about the example's sound procedure and itself)"""
    with tempfile.TemporaryDirectory() as folder:
        settings = GatewaySettings.read().model_copy(update={"port": 0, "data_dir": Path(folder)})
        async with running(settings) as port, connect(f"127.0.0.1:{port}") as client:
            found = {}
            for name in list(GROUNDS)[: size["grounds"]]:
                ground = await GROUNDS[name](client, Path(folder))
                found[name] = await _damaged(client, ground)
            examples = await GROUNDS["examples"](client, Path(folder))
            return found, await _same(client, examples, size["same"])


async def _damaged(client: Client, ground: Ground) -> _Found:
    sound = (await rehearsed(client, ground.specs[SOUND])).sides[0].batch
    found = {}
    for damage in DAMAGES:
        spec = ground.specs[damage]
        spec.compare.label, spec.compare.batch = SOUND, sound
        spec.until_sure.SetInParent()
        found[damage] = (await rehearsed(client, spec)).result
    return found


async def _same(client: Client, ground: Ground, times: int) -> list[Report]:
    spec = ground.specs[SOUND]
    spec.until_sure.SetInParent()
    found = []
    for seed in range(1, times + 1):
        spec.batch.conversation.seed, spec.compare.seed = seed, seed + _OTHER_SEED
        found.append((await rehearsed(client, spec)).result)
    return found


def _show_expected(found: Mapping[tuple[float, float], Expected]) -> None:
    table = Table("new", "old", "different", "futile", "budget", "saved", title="expected")
    for (new, old), one in found.items():
        table.add_row(
            f"{new:g}", f"{old:g}", f"{one.different:.1%}", f"{one.futile:.1%}", f"{one.budget:.1%}", f"{one.saved:.1%}"
        )
    Console(width=120).print(table)


def _show(found: Mapping[str, _Found], same: Sequence[Report]) -> None:
    """Print how each comparison ended, and after how many pairs."""
    table = Table("new side", *found, title="for real")
    for damage in DAMAGES:
        table.add_row(damage, *(_words(reports[damage]) for reports in found.values()))
    for one in same:
        table.add_row("the sound one itself", _words(one))
    Console(width=120).print(table)


def _words(found: Report) -> str:
    stop = found.stop
    reason = Stop.Reason.Name(stop.reason).removeprefix("REASON_")
    return f"{reason} after {stop.played}: {stop.lost} lost, {stop.gained} gained"
