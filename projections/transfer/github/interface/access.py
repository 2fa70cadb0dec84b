"""Where the interface of GitHub is reached, and with which token."""

import os
import re
import subprocess
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

from ledger.errors import Forbidden, Invalid

PUBLIC = "https://api.github.com"
TOKENS = ("GITHUB_TOKEN", "GH_TOKEN")  # the first that is set counts
ADDRESS = "GITHUB_API_URL"  # as GitHub's own runners set it
GH_SECONDS = 10.0  # that `gh` may take to say its token
_TOKEN = re.compile(r"[!-~]+")  # what a header can hold; the client's own error would show it
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}")


class RepositoryAccess(Struct, frozen=True, kw_only=True):
    """`url` is the interface's address without a slash at the end. The token is in no text of an error."""

    url: str
    token: str

    def __repr__(self) -> str:
        return f"Access(url={self.url!r})"


def access(url: str | None, environment: Mapping[str, str] = os.environ) -> RepositoryAccess:
    """Raises Invalid for an address that a token must not be sent to, and Forbidden where there is no token."""
    address = checked_address(url or environment.get(ADDRESS, "").strip() or PUBLIC)
    given = next((value for name in TOKENS if (value := environment.get(name, "").strip())), None)
    token = given or _token_of_gh(urlsplit(address).hostname or "")
    if token is None:
        raise Forbidden(
            f"no token for {address}: neither {' nor '.join(TOKENS)} is set, and `gh auth token` gives none",
            next_step=f"set {TOKENS[0]} to a token that may read and write issues, or run `gh auth login`",
        )
    if not _TOKEN.fullmatch(token):
        raise Forbidden(
            f"the token given for {address} is not a token: it has a space, a line break or a letter beyond ASCII",
            next_step=f"set {TOKENS[0]} to the token alone, as GitHub shows it",
        )
    return RepositoryAccess(url=address, token=token)


def is_repository(name: str) -> bool:
    return _REPOSITORY.fullmatch(name) is not None and not {".", ".."} & set(name.split("/"))


def checked_repository(name: str) -> str:
    """A repository as `owner/name`. Raises Invalid for anything else."""
    if not is_repository(name):
        problem = "is not OWNER/REPO"
        raise Invalid(
            f"{name[:100]!r} {problem}",
            next_step="name the repository as in its address: `tracking-ledger sync github octo/hello`",
            fields=[{"field": "repository", "problem": problem, "value": name[:100]}],
        )
    return name


def may_not_write(repository: str) -> Forbidden:
    """What a 404 for a write means where a reading finds it: GitHub answers so where a token lacks the scope."""
    return Forbidden(
        f"GitHub shows {repository} to this token and lets it change nothing",
        next_step=f"give a token that may write the issues of this repository, in {TOKENS[0]}",
    )


def checked_address(url: str) -> str:
    """An address of HTTPS, or of this machine. Raises Invalid for any other one."""
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))
    if not safe or not parts.hostname or parts.username or parts.query or parts.fragment:
        problem = "is not an address of HTTPS without a user, a query and a fragment"
        raise Invalid(
            f"{url[:200]!r} {problem}: a token would be seen on its way",
            next_step=f"give one like {PUBLIC} or https://HOSTNAME/api/v3",
            fields=[{"field": "api-url", "problem": problem, "value": url[:200]}],
        )
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _token_of_gh(host: str) -> str | None:
    """The token of `gh`, where that is installed and logged in there."""
    site = "github.com" if host == urlsplit(PUBLIC).hostname else host
    asked = ["gh", "auth", "token", "--hostname", site]
    try:
        found = subprocess.run(asked, capture_output=True, text=True, timeout=GH_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):  # not installed, or it waits for an answer
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None
