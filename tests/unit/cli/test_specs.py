"""Specs in YAML: strict, and helpful about what is wrong."""

from pathlib import Path

import pytest
from google.protobuf.message import Message

from cli.kit import specs
from cli.kit.run import USAGE, Failed
from greenroom.synthesizer.v1.batch_pb2 import BatchSpec
from greenroom.synthesizer.v1.conversation_pb2 import CONVERSATION_TYPE_SYNTHETIC, Conversation, ConversationFilter
from greenroom.synthesizer.v1.persona_pb2 import Persona, Personality
from greenroom.synthesizer.v1.procedure_pb2 import CreateProcedureRequest


def read(text: str, message: Message, folder: Path) -> Message:
    path = folder / "spec.yaml"
    path.write_text(text)
    return specs.read(path, message)


def test_a_spec_is_read_with_the_field_names_of_the_contract(tmp_path: Path) -> None:
    spec = BatchSpec()
    read(
        """
        conversation:
          type: synthetic
          max_turns: 12
          seed: 7
          epoch: 2026-01-05T09:00:00Z
          tool_config:
            mocks:
              - tool: refund
                rules:
                  - match: {order: {id: "77"}}
                    answer: {error: {code: NOT_FOUND, message: There is no such order.}}
                default_answer: {value: [1, {two: null}]}
        personas:
          - {persona: personas/busy-bob, weight: 2.5}
        linked_revisions: true
        size: 20
        """,
        spec,
        tmp_path,
    )
    conversation = spec.conversation
    assert conversation.type == CONVERSATION_TYPE_SYNTHETIC
    assert (conversation.max_turns, conversation.seed, spec.size, spec.linked_revisions) == (12, 7, 20, True)
    assert conversation.epoch.seconds == 1767603600
    (mock,) = conversation.tool_config.mocks
    assert mock.rules[0].match["order"]["id"] == "77"  # type: ignore[index]
    assert mock.rules[0].answer.error.code == "NOT_FOUND"
    assert mock.default_answer.value.list_value.values[0].number_value == 1
    assert spec.personas[0].weight == 2.5


def test_a_map_may_have_any_keys(tmp_path: Path) -> None:
    request = CreateProcedureRequest()
    read("revision: {steps: [{call: {tool: refund, arguments: {order_id: order}}}]}", request, tmp_path)
    assert dict(request.revision.steps[0].call.arguments) == {"order_id": "order"}


@pytest.mark.parametrize("word", ["slow", "SLOW", "DECISION_SPEED_SLOW"])
def test_an_enum_value_may_be_written_without_its_prefix(word: str) -> None:
    persona = specs.filled({"personality": {"decision_speed": word}}, Persona(), "the options")
    assert persona.personality.decision_speed == Personality.DECISION_SPEED_SLOW


def test_an_option_can_be_a_nested_enum() -> None:
    assert specs.filled({"state": "failed"}, ConversationFilter(), "the options").state == Conversation.STATE_FAILED


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("siz: 3", "there is no `siz` (did you mean `size`?)"),
        ("conversation: {max_turn: 3}", "there is no `max_turn` in `conversation` (did you mean `max_turns`?)"),
        ("personas: [{persona: a}, {wight: 1}]", "there is no `wight` in `personas[1]` (did you mean `weight`?)"),
        ("conversation: {qqq: 1}", "there is no `qqq` in `conversation`; it has agent, agent_model, "),
        ("personas: personas/busy-bob", "`personas` is a list"),
        ("conversation: 3", "`conversation` has fields: type, procedure, "),
        (
            "conversation: {type: synthetc}",
            "type` cannot be `synthetc`; it is one of synthetic or manual",
        ),
        ("size: many", "spec.yaml: `size` is a whole number."),
        ("size: true", "spec.yaml: `size` is a whole number."),
        ("conversation: {seed: 1.5}", "spec.yaml: `conversation.seed` is a whole number."),
        ("external_id: 2026", "spec.yaml: `external_id` is text; put it in quotes."),
        ("sources: [sources/a, 7]", "spec.yaml: `sources[1]` is text; put it in quotes."),
        ("linked_revisions: maybe", "spec.yaml: `linked_revisions` is true or false."),
        ("conversation: {epoch: today}", "spec.yaml: `conversation.epoch`: Failed to parse timestamp: "),
        ("conversation: {max_turns: 99999999999}", "spec.yaml: `conversation.max_turns`: "),
        ("size: 1\nsize: 2", "repeats the key `size`"),
        ("- size: 1", "write fields and their values, as in `conversation: …`"),
        ("", "write fields and their values"),
        ("size: [1", "line 1"),
    ],
)
def test_a_wrong_spec_is_refused_with_file_place_and_correction(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"spec\.yaml") as raised:
        read(text, BatchSpec(), tmp_path)
    assert sentence in str(raised.value)
    assert not isinstance(raised.value, Failed) or raised.value.status == USAGE


def test_an_update_changes_only_the_fields_in_the_file() -> None:
    content = {"goal": "", "personality": {"tone": "mild"}, "behaviour_traits": ["haggles"], "demographics": {}}

    assert specs.paths(content) == ["goal", "personality.tone", "behaviour_traits", "demographics"]
