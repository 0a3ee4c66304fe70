"""How the address of a repository is written."""

import re
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from services.chassis.problems import Invalid

LONGEST = 500
_CASELESS = {"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"}
"""Hosts that know no difference between upper and lower case in a path."""
_SCP = re.compile(r"(?:[\w.-]+@([\w.-]+\.[a-zA-Z]{2,}):|([\w.-]+\.[a-zA-Z]{2,}):(?!\d+/))(?!//)(.+)")
"""`git@host:path`, as ssh and git take it; without a user, a number after the colon is a port that lacks its scheme."""
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\.)+[a-z]{2,63}")
_PATH = re.compile(r"[\w.~%+@!$&'()*,;=:/-]+", re.ASCII)
_SCHEMES = {
    "http": {None, 80},
    "https": {None, 443},
    "ssh": None,
    "git": None,
    "git+ssh": None,
    "git+https": {None, 443},
}
"""Each with the ports that say nothing; of ssh and git no port means anything for the web."""


class ModuleKind(StrEnum):
    LIBRARY = "library"
    SERVICE = "service"
    USER_INTERFACE = "user_interface"
    SCHEMA = "schema"
    INFRASTRUCTURE = "infrastructure"
    DOCUMENTATION = "documentation"
    OTHER = "other"


class RepositoryAddressUnusable(Invalid):
    """This is not the address of a repository."""


def canonical(address: str, *, pointer: str = "#/url") -> str:
    """One address for one repository: https, the host in lower case, without user, default port, `.git` or slash at its
    end; `git@host:path` and ssh are read too. Query and fragment are no part of an address."""
    address = address.strip()
    if scp := _SCP.fullmatch(address):
        address = f"ssh://{scp[1] or scp[2]}/{scp[3]}"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise RepositoryAddressUnusable("It cannot be read.", pointer=pointer) from None
    scheme = parts.scheme.lower()
    if scheme not in _SCHEMES:
        raise RepositoryAddressUnusable("It begins with https://, http://, ssh:// or git@.", pointer=pointer)
    if parts.query or parts.fragment:
        raise RepositoryAddressUnusable("Leave out what follows ? or #.", pointer=pointer)
    host = (parts.hostname or "").rstrip(".")
    if not _HOST.fullmatch(host):
        raise RepositoryAddressUnusable("It needs the full name of a host.", pointer=pointer)
    path = re.sub(r"/{2,}", "/", parts.path).rstrip("/")
    path = path.removesuffix(".git").rstrip("/")
    if len(path) < 2 or not _PATH.fullmatch(path) or ".." in unquote(path).split("/"):
        raise RepositoryAddressUnusable("It needs a path to the repository.", pointer=pointer)
    if host in _CASELESS:
        path = path.lower()
    silent = _SCHEMES[scheme]
    said = f":{port}" if silent is not None and port not in silent else ""
    found = f"https://{host}{said}{path}"
    if len(found) > LONGEST:
        raise RepositoryAddressUnusable(f"At most {LONGEST} characters.", pointer=pointer)
    return found
