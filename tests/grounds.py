"""Where damages are rehearsed: customers, their tools, a sound procedure, and its six damages.

Of real data, the procedure is chosen by a rule or taken from a policy, and what is expected is read from its steps.
"""

import gzip
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from google.protobuf.json_format import MessageToDict

from cli.kit import specs
from cli.kit.rehearsing import read_spec, resolve_names
from greenroom.client import Client
from greenroom.gateway.v1.rehearsal_pb2 import Rehearsal, RehearsalSpec
from greenroom.synthesizer.v1.batch_pb2 import BatchSpec, PersonaShare
from greenroom.synthesizer.v1.conversation_pb2 import ConversationSpec
from greenroom.synthesizer.v1.source_pb2 import SourceFilter
from services.synthesizer.adapters.formats import read_procedures
from services.synthesizer.adapters.formats.greenroom import write_procedure
from services.synthesizer.adapters.formats.records import ProcedureRecord
from services.synthesizer.personas.builtin import built_in
from services.synthesizer.personas.model import ObjectionLikelihood
from services.synthesizer.procedures.model import Procedure, Revision, RevisionState
from shared.model.conditions import RESULTS
from shared.model.steps import Ask, Branch, Call, Say, Step
from tests.damages import DAMAGES
from tests.data import shared_data
from tests.pipeline.test_tau2 import RETAIL, database, domain
from tests.promises import BROKEN_BY, promises
from tests.suite import EXAMPLES
from tests.unit.synthesizer.test_damages import abcd as procedures_of_abcd

DAMAGED = EXAMPLES.parent / "damaged"
SOUND = "sound"
_SEED = 2026
_ORDER = re.compile(r"#W\d{7}")


@dataclass(frozen=True)
class Ground:
    """A ground that is ready.

    specs: what to rehearse, by damage and `SOUND`. explained: the expectation that each damage misses.
    met: how often the sound procedure meets that one at least; real customers are misheard now and then.
    """

    specs: Mapping[str, RehearsalSpec]
    explained: Mapping[str, str]
    met: float


async def rehearsed(client: Client, spec: RehearsalSpec) -> Rehearsal:
    """The rehearsal of a spec when it is over."""
    async with client.rehearsals.watch((await client.rehearsals.start(spec)).name) as watch:
        async for _ in watch:
            pass
    assert watch.summary is not None
    return watch.summary


async def examples(client: Client, _: Path) -> Ground:
    """The example as it is shipped, with its expectations."""
    await client.sources.import_file(EXAMPLES / "sources.jsonl")
    for name in (SOUND, *DAMAGES):
        await client.procedures.import_file(DAMAGED / f"{name}.jsonl")
    spec = read_spec(DAMAGED / "rehearsal.yaml")
    spec.ClearField("compare")
    explained = {
        "step_left_out": "registers-returns",
        "wrong_tool": "registers-returns",
        "swapped_argument": "looks-the-order-up",
        "no_confirmation": "asks-before",
        "refusal_ignored": "keeps-to-the-policy",
        "loop": "looks-up-once",
    }
    return Ground(await _specs(client, spec, "returns"), explained, met=1)


async def abcd(client: Client, folder: Path) -> Ground:
    """The shortest procedure that makes every promise, has five sources, and in which only customers say no.

    The personas are those that object often, because only customers who say no show whether the agent takes it.
    """
    of: dict[str, list[str]] = {}
    for one, source in procedures_of_abcd():
        of.setdefault(one.external_id, []).append(source.external_id)
    able = [one for one, _ in procedures_of_abcd() if len(of[one.external_id]) >= 5 and _is_able(one)]
    chosen = min(able, key=lambda one: (len(one.steps), one.external_id))
    lines = gzip.decompress((shared_data("abcd") / "dialogues.jsonl.gz").read_bytes()).splitlines(keepends=True)
    own = _file(folder, (line for line in lines if json.loads(line)["id"] in of[chosen.external_id]))
    await client.sources.import_file(own, format="abcd")
    spec = _spec("abcd")
    spec.conversation.tool_config.ignore_recorded_calls = True
    spec.conversation.tool_config.default_answer.value.struct_value.update({"status": "ok"})
    often = [
        one.name for one in built_in().values() if one.personality.objection_likelihood is ObjectionLikelihood.HIGH
    ]
    spec.personas.extend(PersonaShare(persona=name) for name in often)
    return await _damaged(client, folder, chosen, spec)


async def tau2(client: Client, folder: Path) -> Ground:
    """An agent that cancels orders by the shop's policy, over its database, for the customers of runs who name one."""
    lines = gzip.decompress((shared_data("tau2") / "simulations.jsonl.gz").read_bytes()).splitlines(keepends=True)
    await client.sources.import_file(_file(folder, filter(_names_an_order, lines)), format="tau2")
    await client.resources.import_file(_file(folder, [database()]), "retail", file_format="tau2")
    [shop] = [one for one in read_procedures("tau2", [domain("retail")]) if isinstance(one, ProcedureRecord)]
    spec, retail = _spec("tau2"), specs.read(RETAIL, ConversationSpec())
    spec.conversation.tool_config.CopyFrom(retail.tool_config)
    spec.conversation.mock_resources.extend(retail.mock_resources)
    return await _damaged(client, folder, replace(shop, steps=tuple(_CANCELS)), spec)


GROUNDS: Mapping[str, Callable[[Client, Path], Awaitable[Ground]]] = {"examples": examples, "abcd": abcd, "tau2": tau2}
"""Gets a ground ready. The folder is for temporary files."""

_CANCELS: Sequence[Step] = (
    Ask("email", "May I have your email address, please?", {"type": "string", "format": "email"}, optional=True),
    Call("find_user_id_by_email", {"email": "email"}),
    Branch("has(results.find_user_id_by_email)", "known"),
    *(
        Ask(name, "May I have your first and last name, please?", {"type": "string"}, optional=True)
        for name in ("first_name", "last_name")
    ),
    Ask("zip", "What is your ZIP code?", {"type": "string", "pattern": r"^\d{5}$"}, optional=True),
    Call("find_user_id_by_name_zip", {name: name for name in ("first_name", "last_name", "zip")}),
    Branch("has(results.find_user_id_by_name_zip)", "known"),
    Say("I'm sorry, I cannot find your account."),
    Branch("true", "over"),
    Ask("order_id", "What is the order ID?", {"type": "string", "pattern": f"^{_ORDER.pattern}$"}, id="known"),
    Call("get_order_details", {"order_id": "order_id"}),
    Branch("results.get_order_details.status == 'pending'", "pending"),
    Say("I'm sorry, only a pending order can be cancelled."),
    Branch("true", "over"),
    Ask(
        "reason",
        "Would you give me the reason: no longer needed or ordered by mistake?",
        {"type": "string", "enum": ["no longer needed", "ordered by mistake"]},
        id="pending",
    ),
    Ask("confirmed", "Shall I cancel the order and refund it?", {"type": "string", "enum": ["yes", "no"]}),
    Branch("confirmed != 'yes'", "over"),
    Call("cancel_pending_order", {"order_id": "order_id", "reason": "reason"}),
    Say("That is all that I can do about this order.", id="over"),
)
"""The policy's section on cancelling a pending order."""


def _is_able(procedure: ProcedureRecord) -> bool:
    """True if the procedure makes every promise, and each damage breaks one, with the customer's no."""
    reads = any(isinstance(step, Branch) and RESULTS in step.condition for step in procedure.steps)
    able = (damage(procedure.steps, procedure.tools) is not None for damage in DAMAGES.values())
    return not reads and bool(promises(procedure.steps)) and all(able)


def _names_an_order(line: bytes) -> bool:
    """True if a run is one of the retail shop in which the customer names an order."""
    run = json.loads(line)
    said = (message["content"] for message in run["messages"] if message["role"] == "user")
    return run["domain"] == "retail" and any(_ORDER.search(text) for text in said)


def _spec(source_format: str) -> BatchSpec:
    """50 conversations from the finished sources of a format."""
    return BatchSpec(
        conversation=ConversationSpec(seed=_SEED),
        source_filter=SourceFilter(format=source_format, finished=True),
        size=50,
    )


async def _damaged(client: Client, folder: Path, sound: ProcedureRecord, batch: BatchSpec) -> Ground:
    """Import the sound procedure with what it promises, and its damages with the same."""
    promised = tuple(MessageToDict(one, preserving_proto_field_name=True) for one in promises(sound.steps))
    lines = []
    for name in (SOUND, *DAMAGES):
        steps = sound.steps if name == SOUND else DAMAGES[name](sound.steps, sound.tools)
        assert steps is not None
        procedure = Procedure("", f"{sound.display_name}, {name}", "", _called(batch.source_filter.format, name))
        revision = Revision("", 1, RevisionState.READY, sound.instructions, steps, sound.tools, expectations=promised)
        lines.append(write_procedure(procedure, revision))
    await client.procedures.import_file(_file(folder, lines))
    return Ground(await _specs(client, RehearsalSpec(batch=batch), batch.source_filter.format), BROKEN_BY, met=0.85)


async def _specs(client: Client, spec: RehearsalSpec, prefix: str) -> Mapping[str, RehearsalSpec]:
    """The spec for the sound procedure and for each damage, by its name."""
    made: dict[str, RehearsalSpec] = {}
    for name in (SOUND, *DAMAGES):
        made[name] = one = RehearsalSpec()
        one.CopyFrom(spec)
        one.label, one.batch.conversation.procedure = name, _called(prefix, name)
        await resolve_names(client, one)
    return made


def _called(prefix: str, name: str) -> str:
    """The external id of a procedure."""
    return f"{prefix}-{name.replace('_', '-')}"


def _file(folder: Path, lines: Iterable[bytes]) -> Path:
    """The lines in a temporary file, in place of those before."""
    file = folder / "lines.jsonl"
    file.write_bytes(b"".join(lines))
    return file
