"""Tokens that say where to continue."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rpc.cursors import (
    CursorExpired,
    CursorForeign,
    CursorMalformed,
    Position,
    _digest,
    decode_token,
    encode_token,
    number,
)

positions = st.recursive(
    st.integers() | st.text() | st.booleans() | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)


@given(positions, st.text(), st.text())
def test_a_token_comes_back_as_the_position_it_was_made_from(position: Position, kind: str, scope: str) -> None:
    assert decode_token(kind, scope, encode_token(kind, scope, position)) == position


@pytest.mark.parametrize(("kind", "scope"), [("watch", "batches/2"), ("list", "batches/1")])
def test_a_token_of_another_request_is_foreign(kind: str, scope: str) -> None:
    token = encode_token("watch", "batches/1", 7)

    with pytest.raises(CursorForeign) as refused:
        decode_token(kind, scope, token)
    assert refused.value.violations[0].field == "cursor"


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_anything_else_is_malformed_and_names_its_field(token: str) -> None:
    with pytest.raises(CursorMalformed) as refused:
        decode_token("watch", "batches/1", token, field="page_token")
    assert refused.value.violations[0].field == "page_token"


@given(st.integers(min_value=0), st.data())
def test_a_token_with_one_letter_changed_is_refused(position: int, data: st.DataObject) -> None:
    token = encode_token("watch", "batches/1", position)
    at = data.draw(st.integers(0, len(token) - 2))  # the last letter has bits that no byte uses
    letter = data.draw(st.sampled_from("ABCabc019-_").filter(lambda letter: letter != token[at]))
    changed = token[:at] + letter + token[at + 1 :]

    with pytest.raises(CursorMalformed):
        decode_token("watch", "batches/1", changed)


def test_a_token_of_another_version_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.rpc.cursors._VERSION", 0)
    token = encode_token("watch", "batches/1", 7)
    monkeypatch.undo()

    with pytest.raises(CursorExpired):
        decode_token("watch", "batches/1", token)


@pytest.mark.parametrize("position", [True, False, None, "1", 1.0, [1], -1, 2**31])
def test_what_is_no_number_of_a_row_is_malformed_and_names_its_field(position: Position) -> None:
    with pytest.raises(CursorMalformed) as refused:
        number(position, field="page_token")
    assert refused.value.violations[0].field == "page_token"


def test_a_number_may_start_before_the_first_row() -> None:
    assert number(-1, field="cursor", least=-1) == -1


BODIES = st.binary() | st.sampled_from(
    [b"[" * 700, b'{"a":' * 150, b"9" * 700, b"[1,", b'"\\ud800"', b"\xff\xfe", b"NaN", b"-Infinity", b"1e999", b"{}"]
)


@given(BODIES)
def test_a_right_checksum_over_any_body_is_no_way_past_the_reasons(body: bytes) -> None:
    head = bytes([1]) + _digest(b"watch\nbatches/1", 8)
    token = base64.urlsafe_b64encode(head + _digest(head + body, 4) + body).decode()

    with suppress(CursorMalformed):
        number(decode_token("watch", "batches/1", token), field="cursor")
