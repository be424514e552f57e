"""Domains: built-in ones that nobody changes, and packs that companies import as revisions."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import grpc
import pytest

from greenroom.client import GreenroomError
from greenroom.enricher.v1 import domain_pb2 as pb
from greenroom.enricher.v1.domain_pb2_grpc import DomainServiceStub
from shared.model.packs.reading import read_pack
from shared.rpc.packs import pack as read_message
from tests.scripted import refused
from tests.suite import EnricherSuite

State = pb.DomainRevision.State
SHOP = """\
display_name: Book shop
description: Sells books.
entities:
  book:
    description: A printed work.
    key: isbn
    fields:
      isbn: {type: identifier, pattern: "[0-9]{13}"}
      title: {type: text, max_length: 200}
      price: {type: money, currency: EUR, minimum: 1}
  sale:
    key: id
    fields:
      id: {type: identifier}
      isbn: {type: identifier}
      quantity: {type: integer, minimum: 1}
relationships:
  - {child: sale, child_fields: isbn, parent: book, parent_fields: isbn, child_name: sales, parent_name: book}
rules:
  few-copies:
    entity: sale
    text: Nobody buys more than a hundred copies at once.
    expression: quantity <= 100
"""


async def imported(
    enricher: EnricherSuite, text: str, domain_id: str, *, ready: bool = False, revision: int = 0, request_id: str = ""
) -> pb.ImportDomainResponse:
    """Import this YAML."""
    file = enricher.folder / "pack.yaml"
    file.write_text(text)
    return await enricher.client.domains.import_file(
        file, domain_id, ready=ready, revision=revision, request_id=request_id or None
    )


async def problems(enricher: EnricherSuite, text: str) -> Sequence[tuple[str, str]]:
    """The place, as line and column, and the sentence of everything that is wrong with this YAML."""
    with pytest.raises(GreenroomError) as raised:
        await imported(enricher, text, "wrong")
    assert (raised.value.code, raised.value.reason) == ("INVALID_ARGUMENT", "PACK_INVALID")
    return [(one.field.removeprefix("pack.yaml:"), one.description) for one in raised.value.violations]


async def exported(enricher: EnricherSuite, name: str, revision: int = 0) -> str:
    """The YAML of a revision."""
    return b"".join([chunk async for chunk in enricher.client.domains.export(name, revision=revision)]).decode()


async def test_the_built_in_domains_are_listed_first_and_cannot_be_changed(enricher: EnricherSuite) -> None:
    domains = enricher.client.domains
    await imported(enricher, SHOP, "listed")

    names = [one.name async for one in domains.list()]

    assert names[:2] == ["domains/ecommerce", "domains/customer_support"]
    assert "domains/listed" in names[2:]
    shop = await domains.get("domains/ecommerce")
    assert shop.domain.built_in
    assert shop.revision.state == State.STATE_READY
    async with refused("FAILED_PRECONDITION", "DOMAIN_BUILT_IN"):
        await imported(enricher, SHOP, "ecommerce")
    async with refused("FAILED_PRECONDITION", "DOMAIN_BUILT_IN"):
        await domains.delete("domains/customer_support")


async def test_a_pack_becomes_a_domain_and_then_its_next_revisions(enricher: EnricherSuite) -> None:
    first = await imported(enricher, SHOP, "revised")
    again = await imported(enricher, SHOP, "revised")
    second = await imported(enricher, SHOP.replace("Book shop", "Books"), "revised", ready=True)

    assert (first.domain.name, first.revision.number, first.revision.state) == (
        "domains/revised",
        1,
        State.STATE_DRAFT,
    )
    assert (again.unchanged, again.revision) == (True, first.revision)
    assert (second.unchanged, second.revision.number, second.revision.state) == (False, 2, State.STATE_READY)
    found = await enricher.client.domains.get("domains/revised", revision=1)
    assert found.revision == first.revision
    assert (found.domain.display_name, found.domain.latest_revision, found.domain.latest_ready_revision) == (
        "Books",
        2,
        2,
    )
    assert read_message(found.revision.pack) == read_pack(SHOP.encode(), "shop.yaml")


async def test_a_draft_can_be_replaced_and_a_ready_revision_cannot(enricher: EnricherSuite) -> None:
    domains = enricher.client.domains
    await imported(enricher, SHOP, "replaced")

    changed = await imported(enricher, SHOP.replace("Book shop", "Books"), "replaced", revision=1)
    ready = await domains.mark_ready("domains/replaced", 1)

    assert (changed.revision.number, changed.domain.display_name) == (1, "Books")
    assert (ready.latest_revision, ready.latest_ready_revision) == (1, 1)
    assert await domains.mark_ready("domains/replaced", 1) == ready
    async with refused("FAILED_PRECONDITION", "DOMAIN_REVISION_READY"):
        await imported(enricher, SHOP, "replaced", revision=1)
    async with refused("NOT_FOUND", "DOMAIN_REVISION_NOT_FOUND"):
        await imported(enricher, SHOP, "replaced", revision=2)


async def test_the_same_request_gets_the_same_revision(enricher: EnricherSuite) -> None:
    first = await imported(enricher, SHOP, "repeated", request_id="once")
    other = await imported(enricher, SHOP.replace("Book shop", "Books"), "repeated")

    assert (await imported(enricher, SHOP, "repeated", request_id="once")).revision == first.revision
    assert (await enricher.client.domains.get("domains/repeated")).revision == other.revision
    async with refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
        await imported(enricher, SHOP.replace("Book shop", "Books"), "repeated", request_id="once")


async def test_of_imports_at_once_each_content_becomes_one_revision(enricher: EnricherSuite) -> None:
    stub_channel = grpc.aio.insecure_channel(enricher.address)
    async with stub_channel as channel:
        stub = DomainServiceStub(channel)

        async def one(number: int) -> pb.ImportDomainResponse:
            header = pb.ImportDomainHeader(domain_id="at-once", request_id=f"r-{number // 2}")
            text = SHOP.replace("Book shop", f"Shop {number // 2}").encode()
            sent = [pb.ImportDomainRequest(header=header), pb.ImportDomainRequest(chunk=text)]
            answer: pb.ImportDomainResponse = await stub.ImportDomain(iter(sent))
            return answer

        answers = await asyncio.gather(*(one(number) for number in range(8)))

    assert [answers[place].revision for place in range(0, 8, 2)] == [
        answers[place].revision for place in range(1, 8, 2)
    ]
    assert sorted({answer.revision.number for answer in answers}) == [1, 2, 3, 4]


async def test_a_deleted_revisions_number_is_not_used_again(enricher: EnricherSuite) -> None:
    domains = enricher.client.domains
    await imported(enricher, SHOP, "deleted", request_id="the-first")
    await imported(enricher, SHOP.replace("Book shop", "Books"), "deleted")

    await domains.delete_revision("domains/deleted", 2)

    assert (await domains.get("domains/deleted")).domain.display_name == "Book shop"
    async with refused("FAILED_PRECONDITION", "ONLY_DOMAIN_REVISION"):
        await domains.delete_revision("domains/deleted", 1)
    assert (await imported(enricher, SHOP.replace("Book shop", "Books"), "deleted")).revision.number == 3
    await domains.delete("domains/deleted")
    async with refused("NOT_FOUND", "DOMAIN_NOT_FOUND"):
        await domains.get("domains/deleted")
    async with refused("FAILED_PRECONDITION", "REQUEST_RESULT_DELETED"):
        await imported(enricher, SHOP, "deleted", request_id="the-first")


async def test_an_export_reads_back_as_the_same_pack(enricher: EnricherSuite) -> None:
    for name in ("domains/ecommerce", "domains/customer_support"):
        text = await exported(enricher, name)
        copy = await imported(enricher, text, f"copy-of-{len(text)}")

        assert copy.revision.pack == (await enricher.client.domains.get(name)).revision.pack
        assert await exported(enricher, copy.domain.name) == text


async def test_an_unknown_domain_is_refused_with_the_nearest_name(enricher: EnricherSuite) -> None:
    with pytest.raises(GreenroomError) as raised:
        await enricher.client.domains.get("domains/ecomerce")

    assert raised.value.code == "NOT_FOUND"
    assert "domains/ecommerce" in str(raised.value)


async def test_a_search_finds_parts_by_their_words_best_first(enricher: EnricherSuite) -> None:
    domains = enricher.client.domains
    await imported(enricher, SHOP.replace("hundred copies", "hundred zucchini"), "searched")

    refund = await domains.search("more refunded than paid", domain="domains/ecommerce")
    misspelt = await domains.search("shipmnet", domain="domains/ecommerce", limit=1)
    own = await domains.search("zucchinis by the hundred")

    assert (refund[0].kind, refund[0].part) == ("rule", "payment-refund")
    assert [one.score for one in refund] == sorted((one.score for one in refund), reverse=True)
    assert misspelt[0].part.startswith("shipment")
    assert (own[0].domain, own[0].kind, own[0].part) == ("domains/searched", "rule", "few-copies")
    async with refused("NOT_FOUND", "DOMAIN_NOT_FOUND"):
        await domains.search("price", domain="domains/none")


async def test_every_problem_of_a_pack_is_named_at_once_with_line_and_column(enricher: EnricherSuite) -> None:
    text = """\
display_name: Wrong
tonne: 3
entities:
  book:
    key: isbm
    fields:
      isbn: {type: identifer}
      price: {type: money, currency: EUR, minimum: 5, maximum: 2}
      title: {type: text, pattern: "(?=x)", max_length: -1}
      price: {type: integer}
  sale:
    fields:
      book_id: {type: date}
      code: {type: text}
relationships:
  - {child: sale, child_fields: code, parent: book, parent_fields: price}
edge_cases:
  none: {entity: boook, category: boundary, text: A book.}
scenarios:
  usual: {text: As usual., edge_cases: [non], weight: 1}
"""

    expected = [
        ("2:1", "A pack has no key `tonne`"),
        ("5:10", "`book` has no field `isbm` (did you mean `isbn`?)."),
        ("7:20", "`type` cannot be `identifer`; it is text, integer"),
        ("8:64", "The minimum `5` and the maximum `2` leave no value"),
        ("9:36", "The pattern '(?=x)' cannot be used"),
        ("9:57", "`max_length` should be a whole number from 0"),
        ("10:7", "The key `price` is on line 8 too; write it once."),
        ("16:33", "`code` is text and `price` is money; both should have one type."),
        ("18:18", "There is no entity `boook` (did you mean `book`?)."),
        ("20:40", "There is no edge case `non` (did you mean `none`?)."),
    ]
    found = await problems(enricher, text)
    assert [place for place, _ in found] == [place for place, _ in expected]
    for (_, sentence), (_, beginning) in zip(found, expected, strict=True):
        assert sentence.startswith(beginning)


BOMBS = [
    ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "has the alias *a; write its value out"),
    ("[" * 5000 + "]" * 5000, "nested more than 64 deep"),
    ("display_name: !!python/object/apply:os.system [ls]\n", "has the tag"),
    ("display_name: [unclosed\n", "line 2, column 1"),
    ("\x00", "cannot be read"),
    ("display_name: one\n---\ndisplay_name: two\n", "begins another document"),
    (f"display_name: [{'1,' * 500_000}]\n", "more than 500,000 values"),
]


@pytest.mark.parametrize(
    ("text", "said"), BOMBS, ids=["aliases", "depth", "tag", "syntax", "nul", "documents", "values"]
)
async def test_yaml_that_is_no_pack_is_refused_in_a_sentence(enricher: EnricherSuite, text: str, said: str) -> None:
    with pytest.raises(GreenroomError) as raised:
        await imported(enricher, text, "hostile")

    assert (raised.value.code, raised.value.reason) == ("INVALID_ARGUMENT", "BAD_YAML")
    assert said in str(raised.value)
    assert (await enricher.client.domains.get("domains/ecommerce")).domain.built_in


async def test_a_pack_of_500_mb_is_refused_once_4_mib_are_there(enricher: EnricherSuite) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[pb.ImportDomainRequest]:
        nonlocal sent
        yield pb.ImportDomainRequest(header=pb.ImportDomainHeader(domain_id="huge"))
        for _ in range(500):
            sent += 1
            yield pb.ImportDomainRequest(chunk=b"x" * (1 << 20))

    async with grpc.aio.insecure_channel(enricher.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await DomainServiceStub(channel).ImportDomain(chunks())

    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "more than 4 MiB" in (raised.value.details() or "")
    assert sent < 50
