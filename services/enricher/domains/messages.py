"""Domains, revisions and what searches find, as messages."""

from collections.abc import AsyncIterator

from greenroom.enricher.v1 import domain_pb2 as pb
from services.enricher.discovery.model import Kind, Source
from services.enricher.domains.discoveries import Discovered, Part, Wanted
from services.enricher.domains.model import Domain, Header, Match, Revision
from shared.rpc.packs import pack_message
from shared.rpc.values import enum_number, enum_value, timestamp


def domain_message(domain: Domain) -> pb.Domain:
    """The domain as a message."""
    return pb.Domain(
        name=domain.name,
        display_name=domain.display_name,
        description=domain.description,
        latest_revision=domain.latest_revision,
        latest_ready_revision=domain.latest_ready_revision,
        built_in=domain.built_in,
        creator=domain.creator,
        create_time=timestamp(domain.create_time),
    )


def revision_message(revision: Revision) -> pb.DomainRevision:
    """The revision as a message."""
    return pb.DomainRevision(
        domain=revision.domain,
        number=revision.number,
        state=enum_number(pb.DomainRevision.State, "STATE", revision.state),
        pack=pack_message(revision.pack),
        create_time=timestamp(revision.create_time),
        ready_time=timestamp(revision.ready_time),
    )


def header(message: pb.ImportDomainHeader) -> Header:
    """What the header of an import says. A file without a name is `pack.yaml`."""
    return Header(
        id=message.domain_id,
        ready=message.ready,
        revision=message.revision,
        file=message.file or "pack.yaml",
        request_id=message.request_id,
    )


async def source_parts(requests: AsyncIterator[tuple[pb.DiscoverDomainHeader | None, bytes]]) -> AsyncIterator[Part]:
    """The files of a discovery, each as it begins and then its bytes."""
    async for described, chunk in requests:
        if described is None:
            yield None, chunk
            continue
        name = enum_value(pb.DiscoverDomainHeader.Kind, "KIND", described.kind)
        kind = Kind(name.lower()) if name else None
        source = Source(b"", described.file or "the file", kind, described.dialect, described.entity)
        yield (source, Wanted(described.domain_id, described.display_name)), chunk


def discovery_message(found: Discovered, domain: Domain | None) -> pb.DiscoverDomainResponse:
    """What was found as a message. domain: if the pack was stored."""
    return pb.DiscoverDomainResponse(
        pack=pack_message(found.pack),
        yaml=found.yaml,
        not_read=[pb.NotRead(place=one.place, construct=one.construct, reason=one.reason) for one in found.not_read],
        not_read_count=found.not_read_count,
        domain=domain_message(domain) if domain else None,
        kinds=[enum_number(pb.DiscoverDomainHeader.Kind, "KIND", kind.name) for kind in found.kinds],
    )


def match_message(match: Match) -> pb.DomainMatch:
    """The match as a message."""
    return pb.DomainMatch(
        domain=match.domain,
        revision=match.revision,
        kind=match.kind,
        part=match.part,
        text=match.text,
        score=match.score,
    )
