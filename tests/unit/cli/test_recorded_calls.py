"""How a recorded call is shown."""

from cli.recordings import exchange


def test_a_recorded_call_is_shown_as_what_was_said_in_turn() -> None:
    call = {"tool": "find_order", "arguments": {"order": "Ö-7"}, "id": "1"}
    messages = [
        {"role": "user", "text": "Where is it?"},
        {"role": "assistant", "call": call},
        {"role": "tool", "call_id": "1", "result": {"state": "sent"}},
    ]
    asked = {"system": "Help.", "messages": messages}

    told = [
        ("system", "Help."),
        ("user", "Where is it?"),
        ("assistant", '→ find_order({"order": "Ö-7"})'),
        ("tool", '{"state": "sent"}'),
    ]
    assert exchange(asked, {"reply": {"text": "Sent.", "calls": []}}) == [*told, ("answer", "Sent.")]
    failure = {"reason": "MODEL_TRUNCATED", "details": {}}
    assert exchange(asked, {"failure": failure})[-1] == ("failed", '{"reason": "MODEL_TRUNCATED", "details": {}}')
