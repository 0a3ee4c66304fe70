"""Which URLs and network addresses may be called on a stranger's behalf."""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import urlsplit

from services.chassis.problems import Invalid, Problem

LONGEST_URL = 500
DEFAULT_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"(?=.{1,253}$)(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+(?!-)[a-z0-9-]{2,63}(?<!-)$")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/?$")
NOT_PUBLIC_4 = tuple(
    IPv4Network(one)
    for one in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
"""IANA's registry of special addresses, and multicast. Written out, since `is_global` differs between Pythons and calls
multicast global."""
PUBLIC_6 = IPv6Network("2000::/3")
"""The only IPv6 that is given out for use on the Internet. Loopback, link-local, unique local, multicast, and IPv4 in
its mapped, compatible and NAT64 forms lie outside it."""
NOT_PUBLIC_6 = tuple(
    IPv6Network(one) for one in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
"""Within it: protocol assignments with Teredo, documentation, 6to4 and AS112."""


class UrlUnusable(Invalid):
    """The address is no plain https URL of a host by its name.

    Without user, password, query and fragment, and with plain letters in its path. An address in numbers can be used
    only where the installation's settings list it.
    """


class SchemeNotAllowed(Invalid):
    """Only https is called."""


class PortNotAllowed(Invalid):
    """This port is not called."""


@dataclass(frozen=True)
class Target:
    """Where a URL leads."""

    scheme: str
    host: str
    port: int
    path: str
    """Without a slash at its end."""

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if DEFAULT_PORTS[self.scheme] == self.port else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def url(self) -> str:
        return self.origin + self.path


@dataclass(frozen=True)
class Exempt:
    """A network and a port that the installation's own settings open, for sandboxes and tests."""

    network: IPv4Network | IPv6Network
    port: int


def exempt(text: str) -> Exempt:
    """`127.0.0.1/32:8080`, `::1/128:8080` → what it opens"""
    network, _, rest = text.rpartition("/")
    length, _, port = rest.partition(":")
    if not (length.isascii() and length.isdigit() and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{text!r} is not written like 127.0.0.1/32:8080")
    try:
        return Exempt(ipaddress.ip_network(f"{network}/{length}"), int(port))
    except ValueError as error:
        raise ValueError(f"{text!r} is not written like 127.0.0.1/32:8080: {error}") from error


def parse(url: str, pointer: str = "#/base_url") -> Target:
    """A URL as it may be kept; everything that two programs could read differently is refused."""
    refused = UrlUnusable(pointer=pointer)
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or any(one in url for one in " \\%@?#"):
        raise refused
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise refused from None
    host = parts.hostname or ""
    if parts.scheme not in DEFAULT_PORTS or port == 0 or not _PATH.match(parts.path) or "/." in parts.path:
        raise refused
    if not _NAME.match(host) and address(host) is None:
        raise refused
    if address(host) is None and host.rpartition(".")[2].isdigit():  # 127.1 is an address too
        raise refused
    return Target(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme], parts.path.rstrip("/"))


def check(target: Target, *, ports: Collection[int], plain_http: bool, exempts: Collection[Exempt]) -> list[Problem]:
    """Whether such a URL may be called at all, before its name is looked up."""
    found: list[Problem] = []
    if target.scheme != "https" and not plain_http:
        found.append(SchemeNotAllowed(pointer="#/base_url"))
    if target.port not in {*ports, *(one.port for one in exempts)}:
        found.append(PortNotAllowed(f"Called are {', '.join(map(str, sorted(ports)))}.", pointer="#/base_url"))
    if address(target.host) is not None and refusal(target.host, target.port, exempts) is not None:
        found.append(UrlUnusable(f"{target.host} is not reached from the Internet.", pointer="#/base_url"))
    return found


def address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def refusal(text: str, port: int, exempts: Collection[Exempt]) -> str | None:
    """Why a connection to this address and port may not be made; None when it may."""
    found = address(text)
    if found is None:
        return f"{text} is no network address"
    if isinstance(found, IPv6Address) and found.scope_id:
        return f"{text} is bound to one network of this machine"
    if any(one.port == port and found.version == one.network.version and found in one.network for one in exempts):
        return None
    if isinstance(found, IPv4Address):
        public = not any(found in one for one in NOT_PUBLIC_4)
    else:
        public = found in PUBLIC_6 and not any(found in one for one in NOT_PUBLIC_6)
    return None if public and found.is_global else f"{text} is not reached from the Internet"


def refusals(addresses: Collection[str], port: int, exempts: Collection[Exempt]) -> list[str]:
    """A name is called only when every one of its addresses may be: one that may not is a trap or a mistake."""
    if not addresses:
        return ["the name has no address"]
    return [why for why in (refusal(one, port, exempts) for one in addresses) if why]
