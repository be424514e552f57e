"""The setup of many conversations reads a shared resource only once."""

from services.synthesizer.adapters.offline_provider import AsyncOfflineModel
from services.synthesizer.conversations.catalog import Catalog
from services.synthesizer.conversations.model import AgentTarget, Conversation, ConversationSpec, ConversationState
from services.synthesizer.conversations.persona_asking import ModelPersona
from services.synthesizer.conversations.procedure_agent import ProcedureAgent
from services.synthesizer.conversations.prompts import agent_system
from services.synthesizer.conversations.retries import Retries
from services.synthesizer.conversations.targets import Target
from services.synthesizer.conversations.turn_setup import Setup
from services.synthesizer.conversations.turns import TurnLoop
from services.synthesizer.personas.builtin import built_in
from services.synthesizer.personas.model import Persona
from services.synthesizer.procedures.model import Procedure, Revision, RevisionState
from services.synthesizer.sources.model import Source, SourceConversation
from shared.compute.offload import Offload
from shared.llm.base import ChatModel
from shared.llm.briefs import AgentBrief
from shared.model.events import Event, UserMessage
from shared.model.recording import Recording
from shared.model.steps.ask import Ask
from shared.model.steps.branch import Branch
from shared.model.steps.end import End
from shared.waits import Waits
from tests.unit.synthesizer.rehearse import in_place

BOB = "personas/busy-bob"


class CountingCatalog(Catalog):
    """A catalog of one revision and one source that lists what is read from it."""

    def __init__(self) -> None:
        self.read: list[str] = []

    async def persona(self, company: str, name: str) -> Persona:
        self.read.append(f"{company}: {name}")
        return built_in()[name]

    async def revision(self, company: str, procedure: str, number: int) -> tuple[Procedure, Revision]:
        self.read.append(f"{company}: {procedure}")
        return Procedure(procedure, "Help"), Revision(procedure, number, RevisionState.READY, "Help.", (), ())

    async def source(self, company: str, name: str) -> SourceConversation:
        self.read.append(f"{company}: {name}")
        return SourceConversation(Source(name, "s", "greenroom", True), (Event("e", 1, 0, 0, UserMessage("Hi.")),), ())


async def test_a_source_and_a_revision_are_read_once_for_all_conversations_of_a_company() -> None:
    def open_agent(agent: AgentTarget, company: str) -> Target:
        raise AssertionError(agent)

    catalog, model = CountingCatalog(), AsyncOfflineModel()

    async def open_model(_name: str, _recording: Recording) -> ChatModel:
        return model

    setup = Setup(catalog, open_model, open_agent, Offload(), in_place, Retries(), Waits())
    spec = ConversationSpec(procedure="procedures/p", revision=1, source="sources/s", persona=BOB, agent=AgentTarget())

    for index, company in enumerate(["acme", "acme", "acme", "globex"]):
        conversation = Conversation(
            f"c{index}", company, ConversationState.PENDING, spec, built_in()[BOB], None, index, "", 0
        )
        rehearsal = await setup(conversation)
        assert isinstance(rehearsal, TurnLoop)
        assert isinstance(rehearsal.player, ModelPersona)
        assert rehearsal.player.role.brief.opening == ("Hi.",)
        assert isinstance(rehearsal.target, ProcedureAgent)

    assert catalog.read == ["acme: sources/s", "acme: procedures/p", "globex: sources/s", "globex: procedures/p"]


def test_the_agent_is_told_the_names_of_its_steps_and_where_to_go_on() -> None:
    steps = (
        Ask(id="number", slot="order", question="Which order?"),
        Branch(condition="true", then="bye"),
        End(id="bye"),
    )

    told = agent_system(AgentBrief("Help.", steps))

    assert '1. number: Ask for order: "Which order?"' in told
    assert "2. Go on with the step bye." in told
    assert "3. bye: End the conversation." in told
