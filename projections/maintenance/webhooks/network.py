"""One POST to an address that a person gave, and to no machine that the person could not reach themselves.

The name is resolved once, what it resolves to is checked, and that same address is connected to, so a name that changes
its meaning between the two gains nothing. No redirect is followed, and proxies of the environment are not used.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from time import monotonic, time
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from ledger import __version__
from ledger.problems import Problem, problem

SECONDS = 15.0  # that a receiver may take for everything, from the connection to its status
LONGEST_URL = 2000
NOT_PUBLIC = tuple(  # what `is_global` leaves out, in some version of Python or in all
    # Azure's metadata, protocol assignments with Oracle's metadata, old relays, examples
    map(ip_network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "3fff::/20"))
)
UNICAST = ip_network("2000::/3")  # all IPv6 addresses that were ever given out; what is outside has its own meaning
INSIDE = ip_network("64:ff9b::/96")  # an IPv4 address behind a translator
ISATAP = 0x5EFE  # the word before an IPv4 address in the lower half, whether or not its bit for "universal" is set

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class ReceiverAnswer(Struct, frozen=True, kw_only=True):
    """What became of a POST. `status` is None where none came; `retry_after` are seconds that the receiver asks for."""

    why: str
    status: int | None = None
    retry_after: float | None = None

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status == 410


class _Refused(Exception):
    """An address that is not to be connected to."""


def problems_of(url: str) -> Iterator[Problem]:
    """What is wrong with an address as it is written. Its words are not repeated: they may hold a secret."""
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.port != 0 else None
    except ValueError:
        parts, host = SplitResult("", "", "", "", ""), None
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        yield problem("url", f"must be at most {LONGEST_URL} printable ASCII characters without blanks")
    elif parts.scheme not in ("https", "http") or not host:
        yield problem("url", "must be an address like https://example.org/hook")
    elif "@" in parts.netloc:
        yield problem("url", "must have no user name or password in it: requests are signed instead")


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


def post(
    url: str, body: bytes, headers: dict[str, str], allowed: Iterable[Network], seconds: float = SECONDS
) -> ReceiverAnswer:
    """Sends a body. Whatever goes wrong on the way is the answer, without the address or what the receiver says."""
    parts = urlsplit(url)
    try:
        connection = _Connection(parts, tuple(allowed), seconds)
        with closing(connection), connection.deadline:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body, {"User-Agent": f"tracking-ledger/{__version__}", **headers})
            answer = connection.getresponse()
            return _answer(answer)
    except _Refused as refused:
        return ReceiverAnswer(why=str(refused))
    except TimeoutError:
        return ReceiverAnswer(why=f"it did not answer within {seconds:g} s")
    except (OSError, ValueError, http.client.HTTPException) as error:  # a host that TLS takes for none is a ValueError
        late = connection.deadline.is_over
        return ReceiverAnswer(why=f"it did not answer within {seconds:g} s" if late else f"no answer: {_reason(error)}")


class _Deadline:
    """Closes a connection when its time is over, however slowly it keeps talking."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._until = monotonic() + seconds
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def left(self) -> float:
        """Seconds. Raises TimeoutError when there are none."""
        if (seconds := self._until - monotonic()) <= 0:
            raise TimeoutError
        return seconds

    def guard(self, connected: socket.socket) -> None:
        self._socket = connected
        self.left()  # it may have been over before

    def _end(self) -> None:
        self.is_over = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


class _Connection(http.client.HTTPConnection):
    """Connects to an address that was checked."""

    def __init__(self, parts: SplitResult, allowed: tuple[Network, ...], seconds: float) -> None:
        self._is_secure = parts.scheme == "https"
        super().__init__(parts.hostname or "", parts.port or (443 if self._is_secure else 80), timeout=seconds)
        self.default_port = 443 if self._is_secure else 80  # so that the Host header names no usual port
        self.deadline = _Deadline(seconds)
        self._allowed = allowed

    def connect(self) -> None:
        found = _resolved(self.host, self.port)
        for address in found:
            _check(address, self._allowed, is_secure=self._is_secure)
        self.sock = self._first_reached(found)
        self.deadline.guard(self.sock)
        if self._is_secure:
            secure = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock = secure
            self.deadline.guard(secure)  # before the handshake, which the receiver may draw out
            secure.do_handshake()

    def _first_reached(self, found: list[Address]) -> socket.socket:
        for address in found[:-1]:
            with suppress(OSError):
                return self._reached(address)
        return self._reached(found[-1])

    def _reached(self, address: Address) -> socket.socket:
        return socket.create_connection((str(address), self.port), self.deadline.left())


def _resolved(host: str, port: int) -> list[Address]:
    """All addresses of a name, in the order in which they are to be tried."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise _Refused("its host is no name that can be looked up") from error
    return list(dict.fromkeys(ip_address(str(place[0]).partition("%")[0]) for *_, place in found))


def _check(address: Address, allowed: tuple[Network, ...], *, is_secure: bool) -> None:
    """Raises _Refused unless the address is public, or in a network that was allowed."""
    unwrapped = _unwrapped(address)
    if any(one in network for one in (address, unwrapped) for network in allowed if network.version == one.version):
        return
    if not _is_public(unwrapped):
        raise _Refused(
            f"its host resolves to {address}, which is no public address: LEDGER_WEBHOOK_NETWORKS names those that are"
            " allowed nevertheless"
        )
    if not is_secure:
        raise _Refused("http without TLS is for networks in LEDGER_WEBHOOK_NETWORKS only: use https")


def _is_public(address: Address) -> bool:
    special = any(address in network for network in NOT_PUBLIC if network.version == address.version)
    given_out = isinstance(address, IPv4Address) or address in UNICAST
    return given_out and address.is_global and not address.is_multicast and not special


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to, where it is only a wrapping of it."""
    if isinstance(address, IPv4Address):
        return address
    inside = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
    before = int(address) >> 32
    if address in INSIDE or (before == 0 and int(address) > 1) or before & 0xFDFF_FFFF == ISATAP:
        inside = IPv4Address(int(address) & 0xFFFFFFFF)
    return inside or address


def _answer(answer: http.client.HTTPResponse) -> ReceiverAnswer:
    """Its status; 3xx is a failure like any other, because no redirect is followed."""
    waits = _retry_after(answer.headers.get("Retry-After"))
    redirect = " (redirects are not followed)" if 300 <= answer.status < 400 else ""
    return ReceiverAnswer(status=answer.status, why=f"it answered {answer.status}{redirect}", retry_after=waits)


def _retry_after(value: str | None) -> float | None:
    """Seconds, or a time, as RFC 9110 has both. A year or a zone of any number of digits is no time."""
    if value is None:
        return None
    if value.isdecimal():
        return float(value[:9])
    with suppress(ValueError, OverflowError):
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    return None


def _reason(error: Exception) -> str:
    """What went wrong, in the words of the system or of TLS and none of the receiver's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
