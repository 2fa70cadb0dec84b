"""How HTTP is served: where, to whom, with which limits; what is wrong with that, and the listening socket."""

import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from pydantic import AnyHttpUrl

from ledger.errors import Unavailable
from ledger.problems import check, problem

PATH = "/mcp"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
BACKLOG = 128


class Serving(Struct, frozen=True, kw_only=True):
    """How to serve. `rate` is requests a second of one token; port 0 takes a free one.

    `announce` is a file that says where the server listens, for as long as it does.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    certificate: str | None = None
    key: str | None = None
    proxies: str | None = None
    issuer: str | None = None
    keys_url: str | None = None
    public_url: str | None = None
    rate: float = 50.0
    tokens_needed: bool = True
    toolsets: tuple[str, ...] = ()
    read_only: bool = False
    announce: Path | None = None


def check_serving(serving: Serving) -> None:
    """Raises Invalid for what cannot be served so, all faults at once."""
    check(_faults(serving))


def host_names(serving: Serving) -> list[str]:
    """The names we go by: those given, that of the address itself, and this machine's own on a loopback address."""
    own = LOOPBACK if serving.host in LOOPBACK else () if serving.host in ("0.0.0.0", "::") else (serving.host,)
    public = [str(AnyHttpUrl(serving.public_url).host)] if serving.public_url else []
    return [*serving.hosts, *own, *public]


def bound(serving: Serving) -> socket.socket:
    """The listening socket of a server; Unavailable where its address is not to be had."""
    family = socket.AF_INET6 if ":" in serving.host else socket.AF_INET
    # with the protocol named, or the event loop does not turn off the delay of small packets
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((serving.host, serving.port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise Unavailable(
            f"{serving.host} port {serving.port} cannot be listened on: {error.strerror or error}",
            next_step="choose another with --host and --port, or stop what listens there",
        ) from error
    return listening


def url_of(listening: socket.socket, serving: Serving) -> str:
    """Where the protocol is served."""
    host = f"[{serving.host}]" if ":" in serving.host else serving.host
    scheme = "https" if serving.certificate else "http"
    return f"{scheme}://{host}:{listening.getsockname()[1]}{PATH}"


def _faults(serving: Serving) -> Iterable[dict[str, Any]]:
    for name, url in (("public_url", serving.public_url), ("issuer", serving.issuer), ("jwks", serving.keys_url)):
        if url is not None and not _is_address(url):
            yield problem(name, f"must be an http or https address, and {url!r} is none", url)
            return
    for origin in serving.origins:
        if not _is_address(origin) or urlsplit(origin).path.strip("/"):
            yield problem("allow_origin", "must be an origin like https://app.example.org, without a path", origin)
    for proxy in (serving.proxies or "").split(",") if serving.proxies is not None else ():
        if not _is_proxy(proxy.strip()):
            yield problem("behind_proxy", "must be addresses or networks with commas between them, or *", proxy.strip())
    if serving.certificate and serving.key and (fault := _unreadable(serving.certificate, serving.key)):
        yield problem("tls_cert", f"and tls_key must be readable PEM files that belong together: {fault}")
    open_to_others = serving.host not in LOOPBACK
    if open_to_others and serving.certificate is None and serving.proxies is None:
        yield problem(
            "host",
            "is reached by others, who would send tokens in the clear: give tls_cert and tls_key, or behind_proxy",
            serving.host,
        )
    if open_to_others and not serving.tokens_needed:
        yield problem("no_tokens", "is for this machine's own address only", serving.host)
    if not host_names(serving):
        yield problem("allow_host", "is needed on this address: the names by which clients reach it", serving.host)
    if (serving.certificate is None) != (serving.key is None):
        yield problem("tls_cert", "and tls_key go together", serving.certificate or serving.key)
    if (serving.issuer is None) != (serving.public_url is None):
        yield problem("issuer", "and public_url go together", serving.issuer or serving.public_url)


def _is_address(url: str) -> bool:
    with suppress(ValueError):
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    return False


def _is_proxy(address: str) -> bool:
    with suppress(ValueError):
        return address == "*" or bool(ip_network(address, strict=False))
    return False


def _unreadable(certificate: str, key: str) -> str | None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:  # an encrypted key is refused: there is no one to ask for its password
        return str(error)
    return None
