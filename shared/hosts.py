"""Hosts as settings and callers write them, and the hosts that a server may call."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

PULL_REQUEST = "{pull_request}"
"""Stands for the number of a pull request, in hosts that the operator names and in the addresses of agents."""
_NUMBER = "[1-9][0-9]*"
_ADDRESS = re.compile(r"(?:dns:///)?(?:[\w.-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})|(?:unix|ipv4|ipv6):.+")


def is_grpc_address(text: str) -> bool:
    """True for `host:port`, also behind `dns:///`, for `unix:path`, and for lists as `ipv4:127.0.0.1:1,127.0.0.1:2`."""
    found = _ADDRESS.fullmatch(text)
    return found is not None and 0 < int(found[1] or 1) < 65_536


def is_loopback(host: str) -> bool:
    """True if only this machine reaches the host. Of all names only localhost counts as loopback."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def names(named: str, host: str) -> bool:
    """True if a host of a setting, which may have `{pull_request}` in it, is this host."""
    named, host = _plain(named), _plain(host)
    parts = named.split(PULL_REQUEST)
    return named == host if len(parts) == 1 else re.fullmatch(_NUMBER.join(map(re.escape, parts)), host) is not None


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """The hosts that a server may call: those that the operator named, and loopback if `loopback` is true.

    named: those with `{pull_request}` in them are the hosts of previews, for any number of a pull request.
    """

    named: Sequence[str] = ()
    loopback: bool = False

    def allow(self, host: str, *, preview: bool = False) -> bool:
        """True if the server may call the host, as a preview or not; IPv6 addresses may be in brackets."""
        named = self.named if preview else [one for one in self.named if PULL_REQUEST not in one]
        return any(names(one, host) for one in named) or (self.loopback and is_loopback(_plain(host)))

    def may_dial(self, host: str, address: str) -> bool:
        """True if an allowed host may be dialled at an address that its name leads to.

        A name leads to where its owner wants: not to this machine, its link or a group, unless the address is allowed
        itself. A name that is allowed only because it means loopback leads to nothing else.
        """
        if self.allow(address):
            return True
        found = ipaddress.ip_address(address.partition("%")[0])
        found = getattr(found, "ipv4_mapped", None) or found
        special = found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified
        return any(names(one, host) for one in self.named) and not special

    def named_by(self, setting: str) -> str:
        """The allowed hosts in words. setting: the setting that names them."""
        return f"{'an address on loopback or ' if self.loopback else ''}a host that {setting} names"


def _plain(host: str) -> str:
    return host.strip("[]").lower()
