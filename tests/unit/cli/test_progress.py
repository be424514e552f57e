"""The progress display of a batch."""

from io import StringIO

from rich.console import Console

from cli.kit.progress import SHOWN, Progress, screen
from greenroom.synthesizer.v1.batch_pb2 import Batch, BatchSpec
from greenroom.synthesizer.v1.conversation_pb2 import ConversationSpec
from greenroom.type.v1.event_pb2 import AgentMessage, AttemptStarted, Ended, Event, UserMessage


def progress(size: int = 10) -> Progress:
    spec = BatchSpec(size=size, conversation=ConversationSpec(max_turns=20))
    return Progress(Batch(name="batches/one", spec=spec))


def started(conversation: str) -> Event:
    return Event(conversation=conversation, attempt_started=AttemptStarted(attempt=1))


def ended(conversation: str, outcome: Ended.Outcome.ValueType = Ended.OUTCOME_COMPLETED) -> Event:
    return Event(conversation=conversation, ended=Ended(outcome=outcome))


def shown(seen: Progress, width: int = 80) -> str:
    out = Console(file=StringIO(), width=width, color_system=None)
    out.print(screen(seen))
    text: str = out.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_counts_by_state_add_up_to_the_batch_size() -> None:
    seen = progress(size=4)
    for event in (
        Event(conversation="a", user_message=UserMessage(text="Hi"), copied=True),
        started("a"),
        started("b"),
        ended("a"),
        started("c"),
        ended("b", Ended.OUTCOME_FAILED),
        ended("c", Ended.OUTCOME_CANCELLED),
    ):
        seen.apply(event)
        assert sum(seen.counts.values()) == 4
    assert seen.counts == {"completed": 1, "failed": 1, "cancelled": 1, "waiting": 1}
    assert seen.over == 3


def test_a_conversation_that_is_retried_runs_again() -> None:
    seen = progress(size=1)
    for event in (started("a"), ended("a", Ended.OUTCOME_FAILED), started("a")):
        seen.apply(event)
    assert (seen.counts["running"], seen.counts["failed"]) == (1, 0)


def test_events_copied_from_the_source_are_not_shown_as_new() -> None:
    seen = progress()
    seen.apply(Event(conversation="a", agent_message=AgentMessage(text="Old news"), copied=True))
    seen.apply(started("a"))
    assert "Old news" not in shown(seen)


def test_the_most_recent_conversations_are_shown_with_their_turn() -> None:
    seen = progress(size=20)
    names = [f"conversations/{number:06}" for number in range(SHOWN + 3)]
    for name in names:
        seen.apply(started(name))
    seen.apply(Event(conversation=names[0], turn=5, user_message=UserMessage(text="How much\nis it?")))

    text = shown(seen)

    assert "turn 5 of 20" in text
    assert "user: How much is it?" in text
    assert "…000001" not in text
    assert text.count("turn ") == SHOWN


def test_a_frame_keeps_its_height_and_stays_within_a_narrow_terminal() -> None:
    seen = progress(size=20)
    empty = shown(seen)
    seen.apply(started("conversations/000001"))
    seen.apply(Event(conversation="conversations/000001", turn=1, agent_message=AgentMessage(text="word " * 100)))

    full = shown(seen)

    assert full.count("\n") == empty.count("\n")
    assert full.splitlines()[-1] == "", "there is room for the ^C that a terminal writes"
    assert max(len(line) for line in full.splitlines()) <= 80
