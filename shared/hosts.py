"""Hosts, as settings and callers write them."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether host is this machine and no other can reach it. Names other than localhost count as reachable."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
