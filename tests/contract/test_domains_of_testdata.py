"""How test data reads the domains that its callers name."""

import pytest

from greenroom.enricher.v1.enrichment_pb2 import EnrichRequest
from services.testdata.adapters.domains import EnricherDomains
from shared.auth import DEVELOPMENT
from shared.compute import Compute
from shared.errors import NotFound
from shared.rpc.peers import Peers, PeerUnavailable
from shared.settings import Settings
from tests.contract.test_domains import SHOP, imported
from tests.suite import EnricherSuite


async def test_test_data_reads_the_newest_ready_revision_of_a_domain(enricher: EnricherSuite) -> None:
    await imported(enricher, SHOP, "read_by_testdata", ready=True)
    draft = SHOP.replace("quantity <= 100", "quantity <= 9007199254740993")
    await imported(enricher, draft, "read_by_testdata")
    peers, nowhere = (Peers(Settings(), {"enricher": address}) for address in (enricher.address, "127.0.0.1:1"))
    compute = Compute(1)
    domains = EnricherDomains(peers, compute)
    try:
        ready = await domains.pack(DEVELOPMENT, "domains/read_by_testdata")
        second = await domains.pack(DEVELOPMENT, "domains/read_by_testdata", 2)
        request = EnrichRequest(domain="domains/read_by_testdata", entity="book", revision=1)
        digest = (await enricher.client.enrichment.enrich(request)).metadata.revision_digest
        again = await domains.pack(DEVELOPMENT, request.domain, 1, digest)
        other = await domains.pack(DEVELOPMENT, request.domain, 2, digest)
        with pytest.raises(NotFound, match="did you mean `domains/ecommerce`") as unknown:
            await domains.pack(DEVELOPMENT, "domains/ecomerce")
        with pytest.raises(PeerUnavailable, match="The service enricher cannot be reached"):
            await EnricherDomains(nowhere, compute).pack(DEVELOPMENT, "domains/ecommerce")
    finally:
        await compute.close()
        await peers.close()
        await nowhere.close()

    assert [(number, pack.rules[0].expression) for number, pack in (ready, second)] == [
        (1, "quantity <= 100"),
        (2, "quantity <= 9007199254740993"),
    ]
    assert again[1] is ready[1], "a revision whose digest is known was read again"
    assert other == second
    assert unknown.value.reason == "DOMAIN_NOT_FOUND"
