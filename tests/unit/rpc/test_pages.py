"""Page tokens say where a page begins."""

import pytest

from greenroom.synthesizer.v1.persona_pb2 import ListPersonasRequest, Persona
from shared.lists import Part
from shared.rpc.cursors import CursorExpired, CursorMalformed, Position
from shared.rpc.pages import after_number, before, list_part
from shared.rpc.paging import Page


def page(after: Position) -> Page:
    return Page(50, after, "kind", "scope")


def part(after: Position) -> Part:
    return list_part(ListPersonasRequest(short_id="x"), page(after))


def test_the_first_page_begins_with_the_first_row() -> None:
    assert (after_number(page(None), -1), part(None)) == (-1, Part(51, short_id="x"))


def test_a_page_begins_behind_the_row_of_its_token() -> None:
    assert (after_number(page(7), 0), part(before(Persona(name="personas/y"), 9))) == (7, Part(51, "y", 9, "x"))


def test_a_token_of_a_release_that_listed_the_oldest_first_has_expired() -> None:
    with pytest.raises(CursorExpired):
        part("personas/y")


@pytest.mark.parametrize("after", ["7", True, -1, 2**31, 1.0, [7]])
def test_what_is_no_number_is_malformed_and_blamed_on_the_token(after: Position) -> None:
    with pytest.raises(CursorMalformed) as refused:
        after_number(page(after), 0)
    assert [violation.field for violation in refused.value.violations] == ["page_token"]


@pytest.mark.parametrize("after", [7, True, "a\0b", "\ud800", ["x"], ["before", "a\0b", 0], ["before", "x", -1]])
def test_what_is_no_place_in_a_list_is_malformed_and_blamed_on_the_token(after: Position) -> None:
    with pytest.raises(CursorMalformed) as refused:
        part(after)
    assert [violation.field for violation in refused.value.violations] == ["page_token"]
