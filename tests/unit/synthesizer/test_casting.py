"""The cast of a conversation: what many conversations share is read once."""

from services.synthesizer.builtin_personas import built_in
from services.synthesizer.conversations.casting import Casting
from services.synthesizer.conversations.model import AgentTarget, Conversation, ConversationSpec, ConversationState
from services.synthesizer.conversations.targets import ProcedureAgent, Target
from services.synthesizer.persona import Persona
from services.synthesizer.procedure import Procedure, Revision, RevisionState
from services.synthesizer.source import Source, SourceConversation
from shared.llm.offline import OfflineModel
from shared.model.events import Event, UserMessage

BOB = "personas/busy-bob"


class Shelf:
    """A catalog of one revision and one source, which counts what is taken from it."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def persona(self, company: str, name: str) -> Persona:
        self.taken.append(f"{company}: {name}")
        return built_in()[name]

    async def revision(self, company: str, procedure: str, number: int) -> tuple[Procedure, Revision]:
        self.taken.append(f"{company}: {procedure}")
        return Procedure(procedure, "Help"), Revision(procedure, number, RevisionState.READY, "Help.", (), ())

    async def source(self, company: str, name: str) -> SourceConversation:
        self.taken.append(f"{company}: {name}")
        return SourceConversation(Source(name, "s", "greenroom", True), (Event("e", 1, 0, 0, UserMessage("Hi.")),), ())


async def test_a_source_and_a_revision_are_read_once_for_all_conversations_of_a_company() -> None:
    def external(agent: AgentTarget) -> Target:
        raise AssertionError(agent)

    shelf, model = Shelf(), OfflineModel()
    cast = Casting(shelf, lambda _: model, external)
    spec = ConversationSpec(procedure="procedures/p", revision=1, source="sources/s", persona=BOB, agent=AgentTarget())

    for index, company in enumerate(["acme", "acme", "acme", "globex"]):
        conversation = Conversation(
            f"c{index}", company, ConversationState.PENDING, spec, built_in()[BOB], None, index, "", 0
        )
        rehearsal = await cast(conversation)
        assert rehearsal.persona_brief.opening == ("Hi.",)
        assert isinstance(rehearsal.target, ProcedureAgent)

    assert shelf.taken == ["acme: sources/s", "acme: procedures/p", "globex: sources/s", "globex: procedures/p"]
