"""Messages of CampaignSimulationService."""

from collections import Counter

from greenroom.synthesizer.v1 import campaign_simulation_pb2 as pb
from greenroom.synthesizer.v1 import conversation_pb2
from services.synthesizer.conversations import messages as conversations
from services.synthesizer.conversations.errors import SpecInvalid
from services.synthesizer.conversations.model import ConversationSpec
from services.synthesizer.simulations.covering import Covered
from shared.errors import Violation
from shared.model.campaigns.model import Edge
from shared.model.campaigns.summary import CampaignSummary


def spec(
    request: pb.SimulateCampaignRequest | pb.CoverCampaignRequest, persona: str, model: str = ""
) -> ConversationSpec:
    """The spec of the conversation that a request starts. Raises SpecInvalid."""
    message = conversation_pb2.ConversationSpec(
        type=conversation_pb2.CONVERSATION_TYPE_SYNTHETIC,
        persona=persona,
        tool_config=request.tool_config,
        agent=conversation_pb2.AgentTarget(campaign=request.campaign),
        seed=request.seed,
        epoch=request.epoch if request.HasField("epoch") else None,
        model=model or "offline",
    )
    return conversations.spec(message, "spec")


def check_one(request: pb.SummarizeSimulationsRequest) -> None:
    """Refuse a request that names neither or both. Raises SpecInvalid."""
    if bool(request.conversation) is bool(request.batch):
        raise SpecInvalid(violations=[Violation("conversation", "Name either a conversation or a batch.")])


def summary(found: CampaignSummary) -> pb.SimulatedCampaign:
    """The message of a summary."""
    message = pb.SimulatedCampaign(
        display_name=found.campaign.display_name,
        contacts=found.contacts,
        converted=found.converted,
        errors=found.failed,
    )
    for edge, times in found.coverage.times.items():
        message.edges.append(_edge(edge, times, found.coverage.shown.get(edge, "")))
    for sentence, judged in found.expectations.items():
        added = message.expectations.add(expectation=sentence, met=judged.met, missed=judged.missed_by)
        if judged.missed is not None:
            added.conversation, finding = judged.missed
            added.actual, added.seq = finding.actual, finding.seq
    return message


def covered(found: Covered) -> pb.CoverCampaignResponse:
    """The message of what a search found."""
    search = found.search
    edges = [(number, edge) for number, one in enumerate(search.coverage) for edge in one.times]
    message = pb.CoverCampaignResponse(
        contacts=len(search.tries),
        taken=sum(search.coverage[number].times[edge].total() > 0 for number, edge in edges),
        unreachable=sum(edge in search.proven[number].unreachable for number, edge in edges),
        open=len(search.open),
    )
    for number, one in enumerate(search.coverage if found.over else ()):
        campaign = message.campaigns.add(display_name=one.campaign.display_name)
        for edge, times in one.times.items():
            verdict, reason = pb.CoveredEdge.VERDICT_TAKEN, ""
            if not times:
                proven = edge in search.proven[number].unreachable
                verdict = pb.CoveredEdge.VERDICT_UNREACHABLE if proven else pb.CoveredEdge.VERDICT_NOT_FOUND
                reason = search.why(number, edge)
            told = _edge(edge, times, found.shown.get((number, edge), ""))
            campaign.edges.add(edge=told, verdict=verdict, reason=reason)
    return message


def _edge(edge: Edge, times: Counter[str], conversation: str) -> pb.SimulatedEdge:
    return pb.SimulatedEdge(
        step=edge.step,
        branch=edge.branch,
        target=edge.target,
        times=times.total(),
        personas=times,
        conversation=conversation,
    )
