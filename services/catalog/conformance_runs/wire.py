"""Speaks HTTP with one checked address and nothing else: the name is looked up once, every connection goes to what was
looked at then, no redirect is followed, and no answer is read further than its bounds."""

import signal
import socket
import ssl
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from types import FrameType
from typing import Any

import certifi
import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from services.catalog.addresses import rules as addresses
from services.catalog.addresses.rules import Exempt, Target
from services.catalog.conformance_runs.rules import Finding, Limits, Reason

PIECE = 64 * 1024
LOOK_UP_SECONDS = 5.0


class Stopped(BaseException):
    """The run ends here. Not an Exception, so that nobody between takes it for a failed test."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class Unanswered(Exception):
    """A request that brought no answer which could be looked at."""

    def __init__(self, finding: Finding, detail: str) -> None:
        super().__init__(detail)
        self.finding, self.detail = finding, detail


class _Ended(Exception):
    """The connection ended before an answer."""

    def told(self) -> Unanswered:
        return Unanswered(Finding.NO_ANSWER, "the connection ended without an answer")


class _TooSlow(BaseException):
    """The time for an answer is over. Not an Exception, so that no library takes it for its own."""


def look_up(host: str, port: int, name_server: str | None) -> list[str]:
    """All addresses of a name, IPv4 and IPv6, asked for once. `name_server` (`192.0.2.1:53`) is asked instead of the
    system's, so that an installation's own network is not known here."""
    if addresses.address(host) is not None:
        return [host]
    try:
        if name_server is None:
            found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        else:
            found = list(_ask(host, name_server))
    except OSError as error:
        raise Stopped(Reason.NAME_UNKNOWN, f"{host} cannot be looked up: {error.strerror or error}") from error
    return list(dict.fromkeys(found))


def _ask(host: str, name_server: str) -> Iterator[str]:
    import dns.exception
    import dns.resolver

    asked = dns.resolver.Resolver(configure=False)
    server, _, port = name_server.rpartition(":")
    asked.nameservers, asked.port, asked.lifetime = [server.strip("[]")], int(port), LOOK_UP_SECONDS
    try:
        yield from asked.resolve_name(host).addresses()
    except dns.exception.DNSException as error:
        raise OSError(f"{type(error).__name__}") from error


def checked(target: Target, name_server: str | None, exempts: Collection[Exempt]) -> list[str]:
    """The addresses that a target is reached at from now on. One that may not be called spoils all."""
    found = look_up(target.host, target.port, name_server)
    if refused := addresses.refusals(found, target.port, exempts):
        raise Stopped(Reason.ADDRESS_REFUSED, f"{target.host}: {'; '.join(refused)}")
    return found


class Wire:
    """One target, reached at its checked addresses only."""

    def __init__(
        self,
        target: Target,
        pinned: Sequence[str],
        exempts: Collection[Exempt],
        limits: Limits,
        authorities: str | None = None,
    ) -> None:
        """`authorities`: certificates (PEM) that are trusted instead of the public ones."""
        self._target, self._pinned, self._exempts, self._limits = target, pinned, exempts, limits
        self.connections = self.requests = self.bytes_received = 0
        self.connected = self.answered = False
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, no password from somebody's files
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.adapters.clear()
        self._session.mount(f"{target.origin}/", _OnePool(self._pool(authorities)))
        signal.signal(signal.SIGALRM, _too_slow)

    def call(self, request: Mapping[str, Any]) -> requests.Response:
        """One request, one answer with its whole body; or why there is none. Whoever closed a connection that was kept
        for the next request has done nothing wrong (RFC 9112, 9.3.1): it is sent again, once, over a new one."""
        self.requests += 1
        connections = self.connections
        try:
            return self._once(request)
        except _Ended as ended:
            if self.connections > connections:
                raise ended.told() from ended
        try:
            return self._once(request)
        except _Ended as ended:
            raise ended.told() from ended

    def _once(self, request: Mapping[str, Any]) -> requests.Response:
        limits = self._limits
        self._session.cookies.clear()
        try:
            with _within(limits.answer_seconds):
                answer = self._session.request(
                    **request, stream=True, allow_redirects=False, timeout=limits.answer_seconds
                )
                try:
                    # What `requests` itself would fill in, only bounded.
                    answer._content = self._body(answer.raw)
                    answer._content_consumed = True
                finally:
                    answer.close()
        except _TooSlow:
            self._session.close()
            raise Unanswered(Finding.NO_ANSWER, f"no whole answer within {limits.answer_seconds:g} s") from None
        except requests.exceptions.SSLError as error:
            raise Stopped(Reason.UNREACHABLE, f"no secure connection: {_short(error)}") from error
        except (requests.exceptions.Timeout, requests.exceptions.ConnectionError) as error:
            if not self.connected:
                raise Stopped(Reason.UNREACHABLE, f"no connection to {self._target.origin}") from error
            ended = _Ended()
            raise ended.told() if isinstance(error, requests.exceptions.Timeout) else ended from error
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise Unanswered(Finding.ANSWER_UNREADABLE, _short(error)) from error
        self.answered = True
        return answer

    def _body(self, raw: Any) -> bytes:
        """Unpacked a piece at a time, so that little which unpacks to much is noticed before it is much."""
        body, limit = bytearray(), self._limits.answer_bytes
        while piece := raw.read(PIECE, decode_content=True):
            body += piece
            self.bytes_received += len(piece)
            if len(body) > limit:
                raise Unanswered(Finding.ANSWER_TOO_LARGE, f"more than {limit} bytes")
        return bytes(body)

    def _pool(self, authorities: str | None) -> HTTPConnectionPool:
        wire, target = self, self._target

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return wire._connect(self)

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return wire._connect(self)

        if target.scheme == "http":
            pool = HTTPConnectionPool(target.host, target.port, maxsize=1, block=True, retries=False)
            pool.ConnectionCls = Plain
            return pool
        context = ssl.create_default_context(cafile=None if authorities else certifi.where(), cadata=authorities)
        secure = HTTPSConnectionPool(
            target.host,
            target.port,
            maxsize=1,
            block=True,
            retries=False,
            ssl_context=context,
            cert_reqs="CERT_REQUIRED",
        )
        secure.ConnectionCls = Secure
        return secure

    def _connect(self, connection: HTTPConnection) -> socket.socket:
        """To the address that was checked, without asking for the name again; looked at once more all the same."""
        refused: OSError | None = None
        for address in self._pinned:
            if why := addresses.refusal(address, self._target.port, self._exempts):
                raise Stopped(Reason.ADDRESS_REFUSED, why)
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            connected = socket.socket(family, socket.SOCK_STREAM)
            try:
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connected.settimeout(self._limits.answer_seconds)
                connected.connect((address, self._target.port))
            except OSError as error:
                connected.close()
                refused = error
                continue
            self.connections += 1
            self.connected = True
            return connected
        raise urllib3.exceptions.NewConnectionError(connection, f"{refused}")


class _OnePool(HTTPAdapter):
    """Sends everything through one pool of connections, whatever a URL or an environment may say."""

    def __init__(self, pool: HTTPConnectionPool) -> None:
        self._pool = pool
        super().__init__(max_retries=0)

    def get_connection_with_tls_context(self, *given: Any, **named: Any) -> HTTPConnectionPool:
        return self._pool

    def cert_verify(self, *given: Any, **named: Any) -> None:
        """The pool's own context says whom it trusts."""

    def close(self) -> None:
        self._pool.close()
        super().close()


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """A time-out of each read alone would let an answer drip for ever."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _too_slow(number: int, frame: FrameType | None) -> None:
    raise _TooSlow


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]
