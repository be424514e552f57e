"""Messages of CampaignSimulationService."""

from greenroom.synthesizer.v1 import campaign_simulation_pb2 as pb
from greenroom.synthesizer.v1 import conversation_pb2
from services.synthesizer.conversations import messages as conversations
from services.synthesizer.conversations.errors import SpecInvalid
from services.synthesizer.conversations.model import ConversationSpec
from shared.errors import Violation
from shared.model.campaigns.summary import CampaignSummary


def spec(request: pb.SimulateCampaignRequest) -> ConversationSpec:
    """The spec of the conversation that a request starts. Raises SpecInvalid."""
    message = conversation_pb2.ConversationSpec(
        type=conversation_pb2.CONVERSATION_TYPE_SYNTHETIC,
        persona=request.persona,
        tool_config=request.tool_config,
        agent=conversation_pb2.AgentTarget(campaign=request.campaign),
        seed=request.seed,
        epoch=request.epoch if request.HasField("epoch") else None,
        model="offline",
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
        message.edges.add(
            step=edge.step,
            branch=edge.branch,
            target=edge.target,
            times=times.total(),
            personas=times,
            conversation=found.coverage.shown.get(edge, ""),
        )
    for sentence, judged in found.expectations.items():
        added = message.expectations.add(expectation=sentence, met=judged.met, missed=judged.missed_by)
        if judged.missed is not None:
            added.conversation, finding = judged.missed
            added.actual, added.seq = finding.actual, finding.seq
    return message
