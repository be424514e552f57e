"""Where a page begins, as its token says."""

import pytest

from shared.rpc.cursors import CursorMalformed, Position
from shared.rpc.pages import after_id, after_number
from shared.rpc.paging import Page


def page(after: Position) -> Page:
    return Page(50, after, "kind", "scope")


def test_the_first_page_begins_before_the_first_row() -> None:
    assert (after_number(page(None), -1), after_id(page(None))) == (-1, "")


def test_a_page_begins_behind_the_row_of_its_token() -> None:
    assert (after_number(page(7), 0), after_id(page("personas/x"))) == (7, "personas/x")


@pytest.mark.parametrize("after", ["7", True, -1, 2**31, 1.0, [7]])
def test_what_is_no_number_is_malformed_and_blamed_on_the_token(after: Position) -> None:
    with pytest.raises(CursorMalformed) as refused:
        after_number(page(after), 0)
    assert [violation.field for violation in refused.value.violations] == ["page_token"]


@pytest.mark.parametrize("after", [7, True, "a\0b", "\ud800", ["x"]])
def test_what_is_no_id_is_malformed_and_blamed_on_the_token(after: Position) -> None:
    with pytest.raises(CursorMalformed) as refused:
        after_id(page(after))
    assert [violation.field for violation in refused.value.violations] == ["page_token"]
