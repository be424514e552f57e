"""Sources and batches are found by label, by the beginning of their external id, and by a list of external ids."""

from typing import Any

import pytest

from greenroom.synthesizer.v1 import batch_pb2
from greenroom.synthesizer.v1 import source_pb2 as pb
from tests.contract.batches import play, results, spec
from tests.contract.catalog import Catalog, Company, lines
from tests.scripted import Theatre, refused, source_line
from tests.unit.rpc.echo import failure

OURS = {"format": "greenroom", "file": "mine.jsonl"}


def some(*external_ids: str) -> bytes:
    return lines(source_line(one) for one in external_ids)


async def found(company: Company, **which: Any) -> list[str]:
    """The external ids of the sources that a filter selects, oldest first."""
    request = pb.ListSourcesRequest(filter=pb.SourceFilter(**which))
    return [one.external_id for one in reversed((await company.sources.ListSources(request)).sources)]


async def labels(company: Company) -> dict[str, list[str]]:
    listed = (await company.sources.ListSources(pb.ListSourcesRequest())).sources
    return {one.external_id: list(one.labels) for one in listed}


async def test_an_import_labels_its_sources_and_a_filter_selects_those_with_all_labels(catalog: Catalog) -> None:
    acme = catalog.acme
    await acme.import_sources(some("a", "b"), **OURS, labels=["spring", "season=spring"])
    await acme.import_sources(some("c"), **OURS, labels=["spring", "eu", "spring"])
    await acme.import_sources(some("d"), **OURS)
    await catalog.globex.import_sources(some("theirs"), **OURS, labels=["spring"])

    assert await found(acme, labels=["spring"]) == ["a", "b", "c"]
    assert await found(acme, labels=["eu", "spring"]) == ["c"]
    assert await found(acme, labels=["season=spring"]) == ["a", "b"]
    assert await found(acme, labels=["sprin"]) == await found(acme, labels=["Spring"]) == []
    assert await labels(acme) == {"a": ["season=spring", "spring"], "b": ["season=spring", "spring"]} | {
        "c": ["eu", "spring"],
        "d": [],
    }


async def test_importing_again_adds_labels_to_sources_that_are_there_and_counts_them(catalog: Catalog) -> None:
    acme = catalog.acme
    await acme.import_sources(some("a", "b"), **OURS, labels=["spring"])

    more = await acme.import_sources(some("a", "b", "c", "c"), **OURS, labels=["eu"])
    again = await acme.import_sources(some("a"), **OURS, labels=["eu"])

    assert (more.imported, more.unchanged, more.labelled) == (1, 3, 2)
    assert (again.unchanged, again.labelled) == (1, 0)
    assert await labels(acme) == {"a": ["eu", "spring"], "b": ["eu", "spring"], "c": ["eu"]}


async def test_a_source_with_the_id_but_other_content_keeps_its_labels(catalog: Catalog) -> None:
    await catalog.acme.import_sources(some("a"), **OURS, labels=["spring"])

    refused = await catalog.acme.import_sources(lines([source_line("a", finished=False)]), **OURS, labels=["eu"])

    assert (refused.refused, refused.labelled) == (1, 0)
    assert await labels(catalog.acme) == {"a": ["spring"]}


async def test_sources_are_found_by_the_beginning_of_their_id_and_by_a_list_of_ids(catalog: Catalog) -> None:
    acme = catalog.acme
    await acme.import_sources(some("shop-1", "shop-2", "Shop-3", "s%p", "shöp-4", "other"), **OURS, labels=["x"])

    assert await found(acme, external_id_prefix="shop-") == ["shop-1", "shop-2"]
    assert await found(acme, external_id_prefix="sh") == ["shop-1", "shop-2", "shöp-4"]
    assert await found(acme, external_id_prefix="shö") == ["shöp-4"]
    assert await found(acme, external_id_prefix="s%") == ["s%p"]
    assert await found(acme, external_id_prefix="s_") == []
    assert await found(acme, external_ids=["other", "shop-2", "nobody"]) == ["shop-2", "other"]
    assert await found(acme, external_ids=["other", "shop-2"], external_id_prefix="shop", labels=["x"]) == ["shop-2"]


async def test_an_export_contains_the_sources_with_the_label(catalog: Catalog) -> None:
    await catalog.acme.import_sources(some("a"), **OURS, labels=["spring"])
    await catalog.acme.import_sources(some("b"), **OURS)

    request = pb.ExportSourcesRequest(filter=pb.SourceFilter(labels=["spring"]))
    written = b"".join([part.chunk async for part in catalog.acme.sources.ExportSources(request)])

    assert (written.count(b"\n"), b'"a"' in written) == (1, True)


async def test_a_deleted_source_leaves_no_label_to_one_that_is_imported_later(catalog: Catalog) -> None:
    acme = catalog.acme
    await acme.import_sources(some("a"), **OURS, labels=["spring"])
    [one] = (await acme.sources.ListSources(pb.ListSourcesRequest())).sources

    await acme.sources.DeleteSource(pb.DeleteSourceRequest(name=one.name))
    await acme.import_sources(some("a"), **OURS)

    assert await labels(acme) == {"a": []}


@pytest.mark.parametrize("label", ["", " spring", "a,b", "-x", "x" * 64, "frühling", "a b", "a\0"])
async def test_a_label_that_is_no_word_is_refused(catalog: Catalog, label: str) -> None:
    told = await failure(catalog.acme.import_sources(some("a"), **OURS, labels=[label]))

    assert told.code == "INVALID_ARGUMENT"
    [violation] = told.violations
    assert violation.field == "header.labels[0]"
    assert violation.description.startswith("Must")


async def test_procedures_have_no_labels(catalog: Catalog) -> None:
    told = await failure(catalog.acme.import_procedures(b"{}", **OURS, labels=["spring"]))

    assert (told.code, told.violations[0].field) == ("INVALID_ARGUMENT", "header.labels")


async def test_the_same_import_request_with_other_labels_is_another_request(catalog: Catalog) -> None:
    await catalog.acme.import_sources(some("a"), **OURS, labels=["spring"], request_id="once")

    told = await failure(catalog.acme.import_sources(some("a"), **OURS, labels=["eu"], request_id="once"))

    assert told.reason == "REQUEST_ID_REUSED"


async def test_a_batch_selects_its_sources_by_label(stage: Theatre) -> None:
    await stage.import_sources(source_line("label-no"))
    chosen = await stage.import_sources(source_line("label-yes-1"), source_line("label-yes-2"), labels=["chosen"])

    done = await play(stage, source_filter=pb.SourceFilter(labels=["chosen"]))

    assert done.spec.source_filter == pb.SourceFilter(labels=["chosen"])
    assert {row.source for row in await results(stage, done.name)} == {*chosen}


async def test_a_batch_refuses_a_list_of_ids_of_which_one_is_missing(stage: Theatre) -> None:
    await stage.import_sources(source_line("listed-1"))
    which = pb.SourceFilter(external_ids=["listed-1", "listed-2"])

    async with refused("FAILED_PRECONDITION", "EXTERNAL_IDS_NOT_FOUND") as errors:
        await stage.client.batches.start(spec(stage, source_filter=which))

    assert "listed-2" in str(errors[0])
    assert "listed-1" not in str(errors[0])


async def test_batches_are_found_by_label_by_the_beginning_of_their_id_and_by_a_list(stage: Theatre) -> None:
    async def start(external_id: str, *labels: str) -> batch_pb2.Batch:
        wanted = spec(stage, size=1, external_id=external_id, labels=labels)
        return await stage.client.batches.start(wanted, create_only=True)

    async def listed(**which: Any) -> list[str]:
        return [one.spec.external_id async for one in stage.client.batches.list(**which)][::-1]

    one = await start("labelled-1", "nightly", "eu", "eu")
    await start("labelled-2", "nightly")
    await start("Labelled-3")

    assert list(one.spec.labels) == ["eu", "nightly"]
    assert await stage.client.batches.get(one.name) == one
    assert await listed(labels=["nightly"]) == ["labelled-1", "labelled-2"]
    assert await listed(labels=["nightly", "eu"]) == ["labelled-1"]
    assert await listed(external_id_prefix="labelled-") == ["labelled-1", "labelled-2"]
    assert await listed(external_ids=["Labelled-3", "labelled-1"]) == ["labelled-1", "Labelled-3"]
