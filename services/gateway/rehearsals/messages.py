"""Converts rehearsals from and to protos, and a spec to what its children are started with."""

from collections.abc import Sequence
from dataclasses import asdict

from google.protobuf.json_format import Parse

from greenroom.evaluator.v1 import evaluation_pb2, judge_pb2, report_pb2
from greenroom.gateway.v1 import rehearsal_pb2 as pb
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2
from greenroom.testdata.v1 import record_pb2
from greenroom.type.v1 import event_pb2
from greenroom.type.v1.domain_pb2 import DomainPack
from services.gateway.rehearsals.errors import RehearsalInvalid
from services.gateway.rehearsals.model import Rehearsal, Side
from services.gateway.rehearsals.records import MOST, OF_EACH
from shared.errors import Violation
from shared.rpc.values import enum_number, enum_value, timestamp
from shared.statistics.until_sure import HOPELESS, Rule, chance
from shared.statistics.until_sure import rule_of as usual_rule
from shared.words import counted
from shared.work.model import State, Work

NEW, BASELINE = "new", "baseline"

_SIZE = 50
"""The conversations of a batch that names no size."""
_MOST_PAIRS = 1000
"""The most pairs that are played until it is sure, as in the contract."""

_OVERRIDES = ("procedure", "revision", "agent", "agent_model", "agent_pull_request", "seed")
"""The fields of a Side that replace one of the batch."""


def rehearsal_spec(message: pb.RehearsalSpec) -> bytes:
    """The spec to store, with the labels filled in. Raises RehearsalInvalid for fields that exclude each other."""
    spec = pb.RehearsalSpec()
    spec.CopyFrom(message)
    wrong = _wrong(spec)
    if wrong:
        raise RehearsalInvalid(violations=wrong)
    spec.label = spec.label or NEW
    if spec.HasField("compare"):
        spec.compare.label = spec.compare.label or BASELINE
    return spec.SerializeToString(deterministic=True)


def _wrong(spec: pb.RehearsalSpec) -> list[Violation]:
    wrong: list[Violation] = []
    side = spec.compare
    given = [name for name in _OVERRIDES if side.DESCRIPTOR.fields_by_name[name] in dict(side.ListFields())]
    if side.batch and given:
        wrong.append(
            Violation(f"spec.compare.{given[0]}", "A batch that is given is not played; name no other change.")
        )
    if side.revision and not side.procedure and spec.batch.linked_revisions:
        sentence = "With linked_revisions each source has a revision of its own; name a procedure too."
        wrong.append(Violation("spec.compare.revision", sentence))
    if spec.HasField("compare") and (spec.label or NEW) == (side.label or BASELINE):
        wrong.append(Violation("spec.compare.label", "Call the two sides by different names."))
    if spec.HasField("until_sure"):
        if not spec.HasField("compare"):
            sentence = "Playing until it is sure needs two sides; name the one to compare with."
            wrong.append(Violation("spec.until_sure", sentence))
        if spec.HasField("threshold"):
            sentence = "Pairs are played until two sides differ; leave the threshold out."
            wrong.append(Violation("spec.threshold", sentence))
        if spec.HasField("judge"):
            sentence = "A judge's criteria are tested once, over all pairs; leave the judge out, or until_sure."
            wrong.append(Violation("spec.judge", sentence))
    if spec.failed_of and spec.HasField("compare"):
        wrong.append(Violation("spec.compare", "What failed is played again as one side; leave it out."))
    return wrong


def with_rule(spec: bytes) -> bytes:
    """The spec with every default of the rule of `until_sure`, if it has one. Raises RehearsalInvalid."""
    read = pb.RehearsalSpec.FromString(spec)
    if not read.HasField("until_sure"):
        return spec
    given = {field.name: value for field, value in read.until_sure.ListFields()}
    size = len(read.batch.again.indexes) or read.batch.size or _SIZE
    rule = usual_rule(**{"most_pairs": min(size, _MOST_PAIRS), **given})
    if rule.most_pairs > size:
        sentence = (
            f"The batch has {counted(size, 'conversation')} a side; name as many pairs at most, or a larger size."
        )
        raise RehearsalInvalid(violations=[Violation("spec.until_sure.most_pairs", sentence)])
    if chance(rule) < HOPELESS:
        pairs, points = counted(rule.most_pairs, "pair"), f"{rule.smallest_difference * 100:g} points"
        sentence = f"{pairs} would hardly show a difference of {points}; play more pairs, or look for a larger one."
        raise RehearsalInvalid(violations=[Violation("spec.until_sure.smallest_difference", sentence)])
    read.until_sure.CopyFrom(report_pb2.UntilSure(**asdict(rule)))
    return read.SerializeToString(deterministic=True)


def rule_of(spec: bytes) -> Rule | None:
    """The rule by which the pairs of a stored spec are played; None if all are."""
    read = pb.RehearsalSpec.FromString(spec)
    if not read.HasField("until_sure"):
        return None
    return Rule(**{field.name: value for field, value in read.until_sure.ListFields()})


def has_records(spec: bytes) -> bool:
    """True if a stored spec has records."""
    return pb.RehearsalSpec.FromString(spec).HasField("records")


def records_of(spec: bytes) -> pb.RehearsalRecords:
    """The records of a stored spec."""
    return pb.RehearsalSpec.FromString(spec).records


def has_judge(spec: bytes) -> bool:
    """True if a stored spec has a judge."""
    return pb.RehearsalSpec.FromString(spec).HasField("judge")


def judge_of(spec: bytes) -> pb.RehearsalJudge:
    """The judge of a stored spec."""
    return pb.RehearsalSpec.FromString(spec).judge


def with_rubric(spec: bytes, revision: int) -> bytes:
    """The spec with this revision of the judge's rubric."""
    read = pb.RehearsalSpec.FromString(spec)
    read.judge.revision = revision
    return read.SerializeToString(deterministic=True)


def settled(spec: bytes, revision: int, pack: DomainPack) -> bytes:
    """The spec with this revision of the domain of its records, and with all of its entities if it names none.

    Raises RehearsalInvalid.
    """
    read = pb.RehearsalSpec.FromString(spec)
    records = read.records
    records.revision = revision
    if not records.entities:
        records.entities.extend(pb.RecordCount(entity=one.name, count=OF_EACH) for one in pack.entities)
    total = sum(one.count for one in records.entities)
    if total > MOST:
        wrong = Violation("spec.records.entities", f"A rehearsal has up to {MOST:,} records, not {total:,}.")
        raise RehearsalInvalid(violations=[wrong])
    return read.SerializeToString(deterministic=True)


def record_spec(spec: bytes) -> record_pb2.RecordSpec:
    """What test data makes for a stored spec that is settled."""
    read = pb.RehearsalSpec.FromString(spec)
    records = read.records
    made = record_pb2.RecordSpec(
        entities=[record_pb2.EntityCount(entity=one.entity, count=one.count) for one in records.entities],
        seed=records.seed if records.HasField("seed") else read.batch.conversation.seed,
        locale=records.locale,
        scenario=records.scenario,
        constraints=records.constraints,
        production_like=records.production_like,
    )
    made.source.domain = f"{records.domain}@{records.revision}"
    return made


def sides_of(spec: bytes) -> tuple[Side, ...]:
    """The sides of a stored spec, before anything is started."""
    read = pb.RehearsalSpec.FromString(spec)
    judged = Side(read.label)
    if not read.HasField("compare"):
        return (judged,)
    return judged, Side(read.compare.label, batch=read.compare.batch, given=bool(read.compare.batch))


def playing_again(spec: bytes, batch: str, indexes: Sequence[int]) -> bytes:
    """The spec with the conversations of an earlier batch, by index, instead of its own sources, personas and size."""
    read = pb.RehearsalSpec.FromString(spec)
    read.batch.CopyFrom(same_conversations(read.batch, batch, indexes))
    return read.SerializeToString(deterministic=True)


def same_conversations(spec: batch_pb2.BatchSpec, batch: str, indexes: Sequence[int]) -> batch_pb2.BatchSpec:
    """The spec with the conversations of an earlier batch instead of its own sources, personas and size."""
    same = batch_pb2.BatchSpec()
    same.CopyFrom(spec)
    for name in ("sources", "source_filter", "personas", "size"):
        same.ClearField(name)
    same.again.CopyFrom(batch_pb2.Again(batch=batch, indexes=indexes))
    return same


def batch_spec(spec: bytes, number: int) -> batch_pb2.BatchSpec:
    """What the batch of a side is started with."""
    read = pb.RehearsalSpec.FromString(spec)
    batch, side = read.batch, read.compare
    if number == 0:
        return batch
    conversation = batch.conversation
    if side.procedure:
        conversation.procedure, conversation.revision = side.procedure, side.revision
        batch.linked_revisions = False
    elif side.revision:
        conversation.revision = side.revision
    if side.HasField("agent"):
        conversation.agent.CopyFrom(side.agent)
    if side.agent_model:
        conversation.agent_model = side.agent_model
    if side.agent_pull_request:
        conversation.agent_pull_request = side.agent_pull_request
    if side.HasField("seed"):
        conversation.seed = side.seed
    return batch


def add_resources(batch: batch_pb2.BatchSpec, lines: Sequence[bytes]) -> None:
    """Give the conversations of a batch the resources in these lines of a resource set, before their own."""
    own = list(batch.conversation.resources)
    del batch.conversation.resources[:]
    for line in b"".join(lines).splitlines():
        batch.conversation.resources.append(Parse(line, event_pb2.Resource()))
    batch.conversation.resources.extend(own)


def evaluation_spec(spec: bytes, batch: str) -> evaluation_pb2.EvaluationSpec:
    """What the evaluation of a side's batch is started with."""
    read = pb.RehearsalSpec.FromString(spec)
    return evaluation_pb2.EvaluationSpec(
        batch=batch,
        expectations=read.expectations,
        without_defaults=read.without_defaults,
        only_these=read.only_these,
    )


def judgement_spec(spec: bytes, batch: str) -> judge_pb2.JudgementSpec:
    """What the judgement of a side's batch is started with."""
    judge = judge_of(spec)
    wanted = judge_pb2.JudgementSpec(
        batch=batch, rubric=judge.rubric, revision=judge.revision, models=judge.models, repeats=judge.repeats
    )
    if judge.HasField("budget"):
        wanted.budget.CopyFrom(judge.budget)
    return wanted


def report_spec(spec: bytes, sides: Sequence[Side]) -> report_pb2.ReportSpec:
    """What the report is built from."""
    read = pb.RehearsalSpec.FromString(spec)
    report = report_pb2.ReportSpec(evaluation=sides[0].evaluation, label=sides[0].label, alpha=read.alpha)
    if len(sides) > 1:
        report.baseline, report.baseline_label = sides[1].evaluation, sides[1].label
    if read.HasField("until_sure"):
        report.until_sure.CopyFrom(read.until_sure)
    report.judgement = sides[0].judgement
    report.baseline_judgement = sides[1].judgement if len(sides) > 1 else ""
    if read.judge.HasField("threshold"):
        report.judge_threshold = read.judge.threshold
    for name in ("threshold", "margin", "most_invalid"):
        if read.HasField(name):
            setattr(report, name, getattr(read, name))
    return report


def rehearsal_state(number: pb.Rehearsal.State.ValueType) -> State | None:
    """The state to list; None for all."""
    value = enum_value(pb.Rehearsal.State, "STATE", number)
    return State(value) if value else None


def rehearsal_message(work: Work[Rehearsal]) -> pb.Rehearsal:
    """The rehearsal, without what the other services know of it."""
    rehearsal = work.body
    return pb.Rehearsal(
        name=work.name,
        state=enum_number(pb.Rehearsal.State, "STATE", work.state),
        spec=pb.RehearsalSpec.FromString(rehearsal.spec),
        phase=enum_number(pb.Rehearsal.Phase, "PHASE", rehearsal.phase),
        sides=[
            pb.SideProgress(label=side.label, batch=side.batch, evaluation=side.evaluation, judgement=side.judgement)
            for side in rehearsal.sides
        ],
        report=rehearsal.report,
        resources=rehearsal.resources,
        pairs=rehearsal.pairs,
        reason=work.reason,
        detail=work.detail,
        creator=work.creator,
        create_time=timestamp(work.create_time),
        end_time=timestamp(work.end_time),
    )


_STATES = {
    conversation_pb2.Conversation.STATE_GENERATING: pb.RehearsalItem.STATE_GENERATING,
    conversation_pb2.Conversation.STATE_COMPLETED: pb.RehearsalItem.STATE_EVALUATING,
    conversation_pb2.Conversation.STATE_FAILED: pb.RehearsalItem.STATE_FAILED,
    conversation_pb2.Conversation.STATE_CANCELLED: pb.RehearsalItem.STATE_CANCELLED,
}
_ENDINGS = {
    event_pb2.Ended.OUTCOME_COMPLETED: pb.RehearsalItem.STATE_EVALUATING,
    event_pb2.Ended.OUTCOME_FAILED: pb.RehearsalItem.STATE_FAILED,
    event_pb2.Ended.OUTCOME_CANCELLED: pb.RehearsalItem.STATE_CANCELLED,
}


def item_message(side: int, row: batch_pb2.BatchResult) -> pb.RehearsalItem:
    """The item of a conversation that has no result yet."""
    return pb.RehearsalItem(
        side=side,
        index=row.index,
        state=_STATES.get(row.state, pb.RehearsalItem.STATE_PENDING),
        conversation=row.conversation,
        turns=row.turns,
        max_turns=row.max_turns,
        reason=row.reason,
        fault=row.fault,
    )


def put_result(item: pb.RehearsalItem, result: evaluation_pb2.EvaluationResult) -> None:
    """Join an item with its result, if the result is about the conversation as it ended."""
    over = item.state not in (pb.RehearsalItem.STATE_PENDING, pb.RehearsalItem.STATE_GENERATING)
    if not over or (result.end_reason, result.fault) != (item.reason, item.fault):
        return
    item.result.CopyFrom(result)
    if item.state == pb.RehearsalItem.STATE_EVALUATING:
        item.state = pb.RehearsalItem.STATE_DONE


def put_event(item: pb.RehearsalItem, event: event_pb2.Event) -> None:
    """Take an event of an item's conversation into account."""
    match event.WhichOneof("kind"):
        case "attempt_started":
            item.ClearField("result")
            item.state, item.reason, item.fault = pb.RehearsalItem.STATE_GENERATING, "", event_pb2.FAULT_UNSPECIFIED
        case "ended":
            item.state, item.reason, item.fault = _ENDINGS[event.ended.outcome], event.ended.reason, event.ended.fault
    item.turns = max(item.turns, event.turn)
