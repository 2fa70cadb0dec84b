"""The client of GitHub's REST interface: requests that respect its limits and are repeated where that is harmless.

    ApiFault
    ├── Lost        sent, but the answer was lost: it may have been carried out
    ├── Gone        there is no such issue any more: deleted (410, 404) or moved (301, `location`)
    └── Declined    an answer of 4xx: `status`, and GitHub's own sentence

What is over after a wait is waited for; what takes longer, and what no repetition helps, is Unavailable or Forbidden.
"""

import json
import os
import re
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2
import msgspec
from msgspec import Struct
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from ledger.errors import Forbidden, Unavailable
from ledger.importing.readers.text.json_text import as_storable
from projections.transfer.github.interface.access import RepositoryAccess
from projections.transfer.github.interface.names import RepositoryNames

VERSION = "2022-11-28"  # of the interface
ATTEMPTS = 8  # of one request
LONGEST_WAIT = 300.0  # seconds that a limit is waited for
SECONDARY = 60.0  # seconds to wait where a secondary limit does not say how long
BETWEEN_WRITES = 1.0  # seconds, as GitHub asks for
SLOWEST = 30.0  # seconds for one answer
PAGE = 100  # records at a time
_SECONDS = re.compile(r"[0-9]{1,10}")
OF_A_MOMENT = (408, 425)  # answers of 4xx that a proxy gives, and that say nothing of the request
WRITES = ("POST", "PATCH", "PUT", "DELETE")

Json = Any
Sleep = Callable[[float], None]


class ApiFault(Exception):
    """The root of what one request can end with."""


class Lost(ApiFault):
    """A POST whose answer never came."""


class Gone(ApiFault):
    def __init__(self, status: int, location: str | None = None) -> None:
        super().__init__(f"gone: {status}")
        self.status, self.location = status, location


class Declined(ApiFault):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status, self.message = status, message


class GithubAnswer(Struct, frozen=True, kw_only=True):
    """`body` is None for what has not changed since the given ETag. `following` is the next page's address, `date` the
    time there."""

    body: Json
    etag: str | None = None
    following: str | None = None
    date: datetime | None = None

    @property
    def unchanged(self) -> bool:
        return self.body is None


def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted: reading them takes 50 ms, so a process does it once for each place."""
    return _read_from(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _read_from(file: str | None, folder: str | None) -> ssl.SSLContext:
    """Loads the certificates of this file or folder, or of the system; httpx2 looks at the same variables."""
    return httpx2.create_ssl_context()


class _Again(Exception):
    """The request was not carried out, or may be carried out twice: after `seconds`, or a time that grows."""

    def __init__(self, why: str, seconds: float | None = None) -> None:
        super().__init__(why)
        self.why, self.seconds = why, seconds


class GithubClient:
    """One repository through one client. `requests` counts what was asked, by method and by 304. `names` are set where
    the repository is called otherwise on GitHub than here."""

    def __init__(
        self, access: RepositoryAccess, *, sleep: Sleep = time.sleep, clock: Callable[[], float] = time.time
    ) -> None:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {access.token}",
            "X-GitHub-Api-Version": VERSION,
            "User-Agent": "tracking-ledger",
        }
        self._client = httpx2.Client(headers=headers, timeout=SLOWEST, follow_redirects=False, verify=_trusted())
        self.address = access.url
        self.names: RepositoryNames | None = None
        self._sleep, self._clock = sleep, clock
        self._wrote_at = 0.0
        self.requests: Counter[str] = Counter()

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, etag: str | None = None, **params: Any) -> GithubAnswer:
        return self._sent("GET", path, params=params, headers={"If-None-Match": etag} if etag else {})

    def pages(self, path: str, **params: Any) -> Iterator[Json]:
        """Every record of a list, by its Link headers."""
        yield from self.following(self.page(path, per_page=PAGE, **params))

    def page(self, path: str, etag: str | None = None, **params: Any) -> GithubAnswer:
        """A list, or that it has not changed. Raises Unavailable for anything else, which a proxy may say."""
        answer = self.get(path, etag, **params)
        if answer.unchanged or isinstance(answer.body, list):
            return answer
        raise Unavailable(
            f"{self.address} does not answer as GitHub's interface does: {path} is no list",
            next_step="run the same command again later: it goes on where it was",
        )

    def following(self, answer: GithubAnswer) -> Iterator[Json]:
        """Every record of a list from this page on."""
        yield from answer.body
        while answer.following is not None:
            answer = self.page(answer.following)
            yield from answer.body

    def write(self, method: str, path: str, body: Json = None) -> Json:
        """Carries it out once. Raises Lost for a POST of which that is not known."""
        return self._sent(method, path, body=body).body

    def _sent(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Json = None,
    ) -> GithubAnswer:
        url = self._address_of(path)
        growing = wait_random_exponential(multiplier=1, max=60)

        def wait(state: RetryCallState) -> float:
            fault = state.outcome.exception() if state.outcome else None
            given = fault.seconds if isinstance(fault, _Again) else None
            return growing(state) if given is None else given + growing(state)

        retrying = Retrying(
            sleep=self._sleep,
            wait=wait,
            stop=stop_after_attempt(ATTEMPTS),
            retry=retry_if_exception_type(_Again),
            reraise=True,
        )
        try:
            return retrying(self._once, method, url, params or {}, headers or {}, body)
        except _Again as last:
            raise Unavailable(
                f"GitHub did not answer {method} {url} after {ATTEMPTS} attempts: {last.why}",
                next_step="run the same command again later: it goes on where it was",
            ) from last

    def _address_of(self, path: str) -> str:
        """Always at the given address, also where a proxy lets a link name another one: it would get the token."""
        if not path.startswith(("http://", "https://")):
            return self.address + (self.names.path_there(path) if self.names else path)
        parts = urlsplit(path)
        below = parts.path.removeprefix(urlsplit(self.address).path)
        return f"{self.address}{below}?{parts.query}"

    def _once(
        self, method: str, url: str, params: Mapping[str, Any], headers: Mapping[str, str], body: Json
    ) -> GithubAnswer:
        if method in WRITES:
            self._pause()
        self.requests[method] += 1
        content = None if body is None else msgspec.json.encode(body)
        try:
            answer = self._client.request(method, url, params=params or None, headers=dict(headers), content=content)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise _Again(_error_text(error)) from error  # never sent
        except httpx2.TransportError as error:
            raise (Lost(_error_text(error)) if method == "POST" else _Again(_error_text(error))) from error
        return self._read(method, answer)

    def _pause(self) -> None:
        """Waits between two writes, so that no secondary limit is reached."""
        left = self._wrote_at + BETWEEN_WRITES - self._clock()
        if left > 0:
            self._sleep(left)
        self._wrote_at = self._clock()

    def _read(self, method: str, answer: httpx2.Response) -> GithubAnswer:
        status = answer.status_code
        if status == 304:
            self.requests["304"] += 1
            return GithubAnswer(body=None, etag=answer.headers.get("etag"))
        if status < 300:
            return self._content(method, answer)
        if status in (301, 302, 307, 308):
            raise Gone(status, answer.headers.get("location"))
        if (seconds := self._limited(answer)) is not None:
            raise self._again_after(seconds)
        if status >= 500 or status in OF_A_MOMENT:
            raise Lost(f"status {status}") if method == "POST" else _Again(f"status {status}")
        if status in (404, 410):
            raise Gone(status)
        if status in (401, 403):
            raise Forbidden(
                f"GitHub refuses {method} {answer.request.url.path}: {_message(answer)}",
                next_step="give a token that may read and write the issues of this repository, in GITHUB_TOKEN",
            )
        raise Declined(status, _message(answer))

    def _content(self, method: str, answer: httpx2.Response) -> GithubAnswer:
        following = answer.links.get("next", {}).get("url")
        try:
            body = as_storable(json.loads(answer.content))[0] if answer.content else {}
        except ValueError as error:  # cut, or of something in between that is not GitHub
            raise (Lost(_error_text(error)) if method == "POST" else _Again(_error_text(error))) from error
        body = self.names.answered(body) if self.names else body
        return GithubAnswer(body=body, etag=answer.headers.get("etag"), following=following, date=_date(answer))

    def _limited(self, answer: httpx2.Response) -> float | None:
        """How long a limit asks to wait; None for what no limit refused."""
        if answer.status_code not in (403, 429):
            return None
        if (after := _seconds(answer, "retry-after")) is not None:
            return after
        reset = _seconds(answer, "x-ratelimit-reset")
        if answer.headers.get("x-ratelimit-remaining") == "0" and reset is not None:
            return max(reset - self._clock(), 0.0)
        if answer.status_code == 429 or "rate limit" in _message(answer).lower():
            return SECONDARY
        return None

    def _again_after(self, seconds: float) -> Exception:
        if seconds <= LONGEST_WAIT:
            return _Again(f"a limit of {seconds:.0f} seconds", seconds)
        at = time.strftime("%H:%M:%SZ", time.gmtime(self._clock() + seconds))
        return Unavailable(
            f"GitHub's limit of requests is used up until {at}",
            next_step=f"run the same command again after {at}: it goes on where it was",
            retry_after=seconds,
        )


def _seconds(answer: httpx2.Response, header: str) -> float | None:
    """None where it is left out, or is no number that a calendar has."""
    value = answer.headers.get(header, "")
    return float(value) if _SECONDS.fullmatch(value) else None


def _date(answer: httpx2.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):  # a proxy that leaves it out, or writes none
        return None


def _message(answer: httpx2.Response) -> str:
    try:
        body = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        body = None
    message = body.get("message") if isinstance(body, dict) else None
    return str(message or f"status {answer.status_code}")[:300]


def _error_text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
