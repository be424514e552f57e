"""Reports on campaigns as messages."""

import json

from greenroom.evaluator.v1 import campaign_check_pb2
from greenroom.evaluator.v1 import campaign_report_pb2 as pb
from greenroom.synthesizer.v1 import campaign_simulation_pb2
from services.evaluator.checks.model import Issue
from services.evaluator.reports.campaigns.facts import converted
from services.evaluator.reports.campaigns.model import CampaignReport, CampaignReportSpec, Simulated, SplitFares
from services.evaluator.reports.model import Rate
from shared.model.campaigns.model import Edge
from shared.model.campaigns.outcomes import Coverage
from shared.model.campaigns.summary import Judged
from shared.rpc.events import usage_message
from shared.rpc.interactions import interaction_message
from shared.rpc.values import enum_number, message_json, timestamp

_ALPHA = 0.05


def read_spec(request: pb.ReportCampaignRequest) -> CampaignReportSpec:
    """What is asked for, with every default filled in."""
    return CampaignReportSpec(request.threshold, request.alpha or _ALPHA, request.model)


def issue_message(issue: Issue) -> campaign_check_pb2.CampaignIssue:
    """An issue as a message."""
    return campaign_check_pb2.CampaignIssue(
        severity=enum_number(campaign_check_pb2.CampaignIssue.Severity, "SEVERITY", issue.severity.upper()),
        type=issue.type,
        step=issue.step,
        sentence=issue.sentence,
        fix=issue.fix,
    )


def report_message(report: CampaignReport) -> pb.CampaignReport:
    """The report as a message, without its contacts."""
    return pb.CampaignReport(
        display_name=report.campaign.display_name,
        campaign=report.name,
        revision=report.revision,
        batch=report.batch,
        summary=report.summary,
        score=report.score,
        parts=[
            pb.CampaignScorePart(part=one.part, points=one.points, weight=one.weight, detail=one.detail)
            for one in report.parts
        ],
        threshold=report.spec.threshold,
        passed=report.passed,
        conversion=_rate(report.conversion),
        stated_likelihood=report.stated,
        personas=[
            pb.PersonaConversion(
                persona=one.persona,
                conversion=_rate(one.conversion),
                messages=one.messages,
                replies=one.replies,
                opt_outs=one.opt_outs,
            )
            for one in report.personas
        ],
        splits=map(_split, report.splits),
        issues=map(issue_message, report.issues),
        issue_count=report.issue_count,
        recommendations=[
            pb.CampaignRecommendation(
                subject=enum_number(pb.CampaignRecommendation.Subject, "SUBJECT", one.subject),
                sentence=one.sentence,
                evidence=one.evidence,
                steps=one.steps,
                conversation=one.conversation,
                by_model=one.by_model,
            )
            for one in report.recommendations
        ],
        edges=[_edge(report.coverage, edge) for edge in report.coverage.times],
        expectations=[_expectation(sentence, judged) for sentence, judged in report.expectations.items()],
        notes=report.notes,
        alpha=report.spec.alpha,
        usage=usage_message(report.usage),
    )


def report_json(report: CampaignReport) -> str:
    """The report with its contacts as proto JSON with the contract's field names."""
    message = report_message(report)
    message.contacts.extend(map(_contact, report.contacts))
    return json.dumps(message_json(message), indent=2) + "\n"


def _rate(rate: Rate) -> pb.CampaignConversion:
    return pb.CampaignConversion(
        converted=rate.successes, contacts=rate.total, value=rate.value, low=rate.low, high=rate.high
    )


def _split(split: SplitFares) -> pb.SplitConversion:
    arms = [
        pb.ArmConversion(
            arm=one.arm, conversion=_rate(one.conversion), difference=one.difference, low=one.low, high=one.high
        )
        for one in split.arms
    ]
    return pb.SplitConversion(step=split.step, arms=arms)


def _edge(coverage: Coverage, edge: Edge) -> campaign_simulation_pb2.SimulatedEdge:
    times = coverage.times[edge]
    return campaign_simulation_pb2.SimulatedEdge(
        step=edge.step,
        branch=edge.branch,
        target=edge.target,
        times=times.total(),
        personas=times,
        conversation=coverage.shown.get(edge, ""),
    )


def _expectation(sentence: str, judged: Judged) -> campaign_simulation_pb2.SimulatedExpectation:
    message = campaign_simulation_pb2.SimulatedExpectation(
        expectation=sentence, met=judged.met, missed=judged.missed_by
    )
    if judged.missed is not None:
        message.conversation, finding = judged.missed
        message.actual, message.seq = finding.actual, finding.seq
    return message


def _contact(contact: Simulated) -> pb.ReportedContact:
    return pb.ReportedContact(
        conversation=contact.conversation,
        persona=contact.persona,
        entered=timestamp(contact.entered),
        converted=converted(contact),
        interactions=map(interaction_message, contact.rows),
    )
