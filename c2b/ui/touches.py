"""Where a tap comes from, as far as the detection of stuffed ballots may know it."""

from ipaddress import IPv6Address, ip_address, ip_network

from flask import request

from c2b.people.rules import keyed_hash
from c2b.ui.shell import came_from, secret_key
from c2b.voting.rules import Touch


def touch() -> Touch:
    """Return where this tap comes from: keyed hashes, never an address, and what led to the first visit."""
    secret, agent = secret_key(), request.user_agent.string[:300]
    device = keyed_hash(secret, "device", agent, network(request.remote_addr or "")).hex()
    return Touch(device, keyed_hash(secret, "agent", agent).hex()[:16], came_from())


def network(address: str) -> str:
    """Return the network of an address, which one household or office shares: 24 bits of IPv4, 64 of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return str(ip_network((found, 24 if found.version == 4 else 64), strict=False))  # noqa: PLR2004  a version of IP
