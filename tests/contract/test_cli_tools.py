"""`greenroom resources` and `greenroom tools`, with the shop of the examples, against a real `greenroom up`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.houses import House, serving

SHOP = Path(__file__).parents[2] / "examples" / "shop"


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with serving(tmp_path_factory.mktemp("shop")) as house:
        await house.ok("procedures", "import", str(SHOP / "procedures.jsonl"))
        await house.ok("resources", "import", str(SHOP / "orders.jsonl"), "--as", "shop")
        yield house


async def tried(shop: House, *call: str) -> tuple[int, str]:
    outcome = await shop.run("tools", "try", str(SHOP / "conversation.yaml"), *call)
    return outcome.status, outcome.out + outcome.err


async def test_a_set_of_resources_is_imported_shown_listed_and_deleted(shop: House) -> None:
    again = await shop.ok("resources", "import", str(SHOP / "orders.jsonl"), "--as", "copy")
    assert "3 order, 2 customer" in again.out or "2 customer, 3 order" in again.out
    assert "resources/copy" in (await shop.ok("resources", "list")).out
    assert (await shop.ok("resources", "show", "copy")).out == again.out
    await shop.ok("resources", "delete", "copy", "--yes")
    assert (await shop.run("resources", "show", "resources/copy")).status == 3


async def test_each_tool_of_the_shop_answers_a_call_that_is_tried(shop: House) -> None:
    status, said = await tried(shop, "cancel_order", "order=#W-1001", "reason=too late")
    assert status == 0
    assert '{"credit": 23, "credited": 20}' in said
    assert 'customer ann: {"credit": 23}' in said
    assert "TOO_LATE The order was sent." in (await tried(shop, "cancel_order", "order=#W-1002"))[1]
    assert "Ann Lee" in (await tried(shop, "find_customer", "email=ann@example.com"))[1]
    assert "BUSY" in (await tried(shop, "track_parcel", "order=#W-1001"))[1]
    assert "The parcel of Ann Lee" in (await tried(shop, "track_parcel", "order=#W-1001", "--answered-before", "1"))[1]
    assert "INVALID_ARGUMENTS" in (await tried(shop, "get_order", "order=7"))[1]
    assert "`ordr` (did you mean `order`?)" in " ".join((await tried(shop, "get_order", "ordr=#W-1001"))[1].split())


async def test_a_conversation_of_the_shop_completes(shop: House) -> None:
    await shop.ok("conversations", "start", str(SHOP / "conversation.yaml"))
