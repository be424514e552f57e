"""The page that a List request asks for."""

from contextvars import copy_context
from typing import Any

import pytest

from shared.auth import Caller, set_caller
from shared.errors import InvalidArgument
from shared.rpc.cursors import CursorForeign, CursorMalformed
from shared.rpc.paging import Page, read_page
from tests.unit.rpc.echo import EchoRequest


def read(company: str = "acme", **fields: Any) -> Page:
    """read_page as a caller of `company`."""

    def within() -> Page:
        set_caller(Caller(company=company, permissions=frozenset()))
        return read_page(EchoRequest(**fields))

    return copy_context().run(within)


@pytest.mark.parametrize(("asked", "given"), [(0, 50), (1, 1), (1000, 1000), (1001, 1000), (2**31 - 1, 1000)])
def test_a_page_has_50_rows_unless_told_otherwise_and_1000_at_most(asked: int, given: int) -> None:
    assert read(page_size=asked).size == given


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(InvalidArgument) as refused:
        read(page_size=-1)
    assert refused.value.violations[0].field == "page_size"


def test_the_first_page_starts_at_the_beginning_and_the_next_one_behind_it() -> None:
    first = read(text="open")
    assert first.after is None

    second = read(text="open", page_token=first.token(["2026-11-21", 7]))

    assert second.after == ["2026-11-21", 7]


def test_the_size_may_change_from_page_to_page() -> None:
    token = read(page_size=10).token(10)

    assert read(page_size=20, page_token=token).after == 10


@pytest.mark.parametrize("other", [{"text": "closed"}, {"company": "globex"}, {"tags": ["x"]}])
def test_a_token_is_bound_to_the_filter_and_the_company(other: dict[str, Any]) -> None:
    token = read(text="open").token(10)

    with pytest.raises(CursorForeign) as refused:
        read(**{"text": "open", "page_token": token, **other})
    assert refused.value.violations[0].field == "page_token"


def test_a_token_of_ones_own_making_is_refused() -> None:
    with pytest.raises(CursorMalformed):
        read(page_token="12")
