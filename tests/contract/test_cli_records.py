"""greenroom records, against a real gateway."""

import csv
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cli.kit.edges import append_lines
from tests.contract.houses import House, serving
from tests.disks import full, small_disk

PACK = Path(__file__).parents[2] / "services/enricher/domains/packs/customer_support.yaml"


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with serving(tmp_path_factory.mktemp("house")) as running:
        yield running


async def test_records_of_a_domain_go_to_the_screen_and_those_of_several_entities_to_files(
    house: House, tmp_path: Path
) -> None:
    one = await house.ok("records", "generate", "domains/ecommerce", "customer=2", "--seed", "7", "--locale", "de-DE")
    customers = [json.loads(line) for line in one.out.splitlines()]
    refused = await house.run("records", "generate", "ecommerce", "customer=2", "order=2", "--format", "csv")
    folder = tmp_path / "shop"
    many = await house.ok(
        *("records", "generate", "ecommerce", "order=3", "order_item=6"), *("--format", "csv", "--out", str(folder))
    )

    assert [len(customer["id"]) for customer in customers] == [36, 36]
    assert "rules hold" in one.err
    assert (refused.status, refused.err.count("\n")) == (2, 1)
    assert sorted(file.name for file in folder.iterdir()) == ["order.csv", "order_item.csv"]
    orders, items = (list(csv.DictReader((folder / f"{name}.csv").open())) for name in ("order", "order_item"))
    assert (len(orders), len(items)) == (3, 6)
    assert {item["order_id"] for item in items} == {order["id"] for order in orders}
    assert many.out == ""


async def test_more_parquet_than_one_answer_holds_is_streamed_to_a_file(house: House, tmp_path: Path) -> None:
    await house.ok("records", "generate", "ecommerce", "product=12000", "--format", "parquet", "--out", str(tmp_path))
    other = tmp_path / "carts.parquet"
    await house.ok("generate", "ecommerce", "cart", "-n", "12000", "--format", "parquet", "-o", str(other))

    assert pq.read_metadata(tmp_path / "product.parquet").num_rows == 12_000
    assert pq.read_metadata(other).num_rows == 12_000


async def test_which_records_have_edge_cases_is_in_a_file_beside_theirs(house: House, tmp_path: Path) -> None:
    made = ("records", "generate", "ecommerce", "customer=50", "--format", "csv", "--out", str(tmp_path))
    said = await house.ok(*made, "--edge-cases")
    customers = list(csv.DictReader((tmp_path / "customer.csv").open(encoding="utf-8", newline="")))
    told = [json.loads(line) for line in (tmp_path / "customer.edges.jsonl").read_text(encoding="utf-8").splitlines()]
    await house.ok(*made)

    assert "customer: 35 happy_path, 10 edge_cases, 5 security_testing; edge cases in 15 records" in said.err
    assert [one["record"] for one in told] == [*range(1, 51)]
    [chinese] = [one for one in told if any(edge["edge_case"] == "name-chinese" for edge in one["edges"])]
    assert customers[chinese["record"] - 1]["name"] == "王小明"
    assert chinese["scenario"] == "edge_cases"
    assert not (tmp_path / "customer.edges.jsonl").exists(), "these customers have no edge cases"

    for count in ("100", "10500"):
        file = tmp_path / f"carts{count}.csv"
        carts = await house.ok(
            "generate", "ecommerce", "cart", "-n", count, "--edge-cases", "--seed", "7", "-o", str(file)
        )
        lines = file.with_name(f"{file.stem}.edges.jsonl").read_text().splitlines()
        assert len(lines) == int(count)
        assert f"{int(count) // 5:,} edge_cases" in carts.err


async def test_records_like_those_in_a_file_have_its_shares_and_are_compared_with_it(
    house: House, tmp_path: Path
) -> None:
    samples = tmp_path / "carts.csv"
    states = ["active"] * 10 + ["abandoned"] * 80 + ["converted"] * 10
    samples.write_text("status\n" + "".join(f"{state}\n" for state in states * 5))
    asked = ("generate", "ecommerce", "cart", "-n", "1000", "--seed", "7", "--samples", str(samples))
    alike = await house.ok(*asked, "--production-like")
    other = await house.ok(*asked)

    share = [
        sum(json.loads(line)["status"] == "abandoned" for line in one.out.splitlines()) / 1000 for one in (alike, other)
    ]
    assert 0.75 < share[0] < 0.85
    assert share[1] < 0.6
    assert "column shapes" in alike.err


def test_lines_that_an_interrupted_export_wrote_already_are_not_written_twice(tmp_path: Path) -> None:
    file = tmp_path / "edges"
    file.write_bytes(b'{"record": 1}\n{"record": 2}\n{"record": 3}\n{"rec')
    append_lines(file, b'{"record": 2}\n{"record": 3}\n', resumed=True)
    append_lines(file, b'{"record": 4}\n', resumed=False)
    assert [json.loads(line)["record"] for line in file.read_bytes().splitlines()] == [1, 2, 3, 4]


async def test_a_schema_is_registered_listed_shown_used_and_deleted(house: House) -> None:
    said = await house.ok("records", "register", str(PACK), "--as", "desk")
    listed = await house.ok("records", "schemas")
    shown = await house.ok("records", "show", "desk")
    made = await house.ok("records", "generate", "schemas/desk", "agent=1")
    await house.ok("records", "delete", "desk", "--yes")
    gone = await house.run("records", "show", "desk")

    assert said.out == "schemas/desk is registered with 9 entities.\n"
    assert "Customer support" in listed.out
    assert "customer, agreement" in shown.out
    assert json.loads(made.out)["team"]
    assert gone.status == 3


async def test_what_is_wrong_with_a_pack_is_named_in_its_file(house: House, tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text("display_name: Desk\nentities:\n  desk:\n    fields:\n      id: {typ: text}\n")

    refused = await house.run("records", "generate", str(file), "desk=1")

    assert f"{file}:5:12" in refused.err.replace("\n", "")


async def test_what_fails_leaves_the_files_of_before_and_no_half_of_a_file(house: House, tmp_path: Path) -> None:
    wanted = ("records", "generate", "ecommerce", "--out", str(tmp_path))
    await house.ok(*wanted, "product=3")
    before = (tmp_path / "product.jsonl").read_bytes()
    # The file of orders cannot be opened after that of products was begun.
    (tmp_path / "order.jsonl.part").mkdir()
    failed = await house.run(*wanted, "product=5", "order=2")
    twice = await house.run(*wanted, "product=5", "product=2")
    huge = await house.run(*wanted, "product=5", "--seed", str(2**63))

    assert before.count(b"\n") == 3
    assert [(one.status, one.err.count("\n")) for one in (failed, twice, huge)] == [(2, 1)] * 3
    assert (tmp_path / "product.jsonl").read_bytes() == before
    assert not (tmp_path / "product.jsonl.part").exists()


def names(folder: Path) -> list[str]:
    """The names of the files in a folder."""
    return sorted(file.name for file in folder.iterdir())


async def test_a_full_disk_leaves_no_file_and_is_said_in_a_sentence(house: House, tmp_path: Path) -> None:
    carts, many = ("generate", "ecommerce", "cart", "--format", "csv", "--edge-cases"), ("-n", "40000")
    small, large = str(tmp_path / "carts.csv"), str(tmp_path / "more.csv")
    with small_disk(tmp_path, "1m"):
        runs = [
            await house.run("records", "generate", "ecommerce", "order=9000", "payment=9000", "--out", str(tmp_path)),
            await house.run(*carts, *many, "-o", large),
        ]
        left = names(tmp_path)
        async with full(tmp_path):
            runs.append(await house.run(*carts, "-n", "100", "-o", small))
        left += names(tmp_path)
        again = await house.ok(*carts, "-n", "100", "-o", small)
        made = names(tmp_path)

    assert [(one.status, one.err.splitlines()[-1:]) for one in runs] == [
        (1, ["greenroom: No space left on device."])
    ] * 3
    assert left == []
    assert again.status == 0
    assert made == ["carts.csv", "carts.edges.jsonl"]
