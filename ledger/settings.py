"""Every setting, its environment variable and its default, in one place."""

import getpass
import os
import re
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import platformdirs
from msgspec import Struct

from ledger.errors import Invalid

APPLICATION = "tracking-ledger"
Policy = Literal["ask", "github", "ledger"]  # whose value counts where GitHub and the ledger changed a field
POLICIES: tuple[Policy, ...] = get_args(Policy)
NAME_LENGTH = 100  # characters of who acts
GIT_SECONDS = 2.0  # that git may take to say who its user is


class Settings(Struct, frozen=True, kw_only=True):
    """`by` None means: not given, so the edge uses the client's own name, else the user's."""

    project: Path
    dsn: str | None = None
    admin_dsn: str | None = None
    home: Path | None = None
    pgdata: Path
    pgbin: Path | None = None
    by: str | None = None
    token: str | None = None
    status_file: Path | None = None
    prepare: bool = True
    warm: bool = True
    call_seconds: float = 30.0
    command_seconds: float = 3.0
    read_dsn: str | None = None
    read_seconds: float = 10.0
    webhook_networks: tuple[str, ...] = ()
    github_conflicts: Policy = "ask"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Raises Invalid for a value that means nothing; an empty variable counts as not set."""
        given = {name: value for name in ENVIRONMENT if (value := environment.get(name, "").strip())}
        return cls(
            project=Path(given.get("LEDGER_PROJECT", ".")).expanduser().absolute(),
            dsn=given.get("LEDGER_DSN"),
            admin_dsn=given.get("LEDGER_ADMIN_DSN"),
            home=_path(given, "LEDGER_HOME"),
            pgdata=_path(given, "LEDGER_PGDATA") or platformdirs.user_data_path(APPLICATION) / "postgres",
            pgbin=_path(given, "LEDGER_PGBIN"),
            by=name_in(given, "LEDGER_BY"),
            token=given.get("LEDGER_TOKEN"),
            status_file=_relative(given, "LEDGER_STATUS_FILE"),
            prepare=_switch(given, "LEDGER_PREPARE"),
            warm=_switch(given, "LEDGER_WARM"),
            call_seconds=_seconds(given, "LEDGER_CALL_SECONDS", default=30.0),
            command_seconds=_seconds(given, "LEDGER_COMMAND_SECONDS", default=3.0),
            read_dsn=given.get("LEDGER_READ_DSN"),
            read_seconds=_seconds(given, "LEDGER_READ_SECONDS", default=10.0),
            webhook_networks=_networks(given, "LEDGER_WEBHOOK_NETWORKS"),
            github_conflicts=_policy(given, "LEDGER_GITHUB_CONFLICTS"),
        )


ENVIRONMENT = {
    "LEDGER_PROJECT": "the project folder; its .ledger lies here or above it (default: the current one)",
    "LEDGER_DSN": "a PostgreSQL server to use instead of the embedded one, as a libpq connection string",
    "LEDGER_ADMIN_DSN": "the connection that creates and migrates the schema, when LEDGER_DSN's role may not",
    "LEDGER_HOME": "where working files lie (default: where they are, else your repository's git folder or your data)",
    "LEDGER_PGDATA": "where the embedded server keeps its data (default: the user's data folder)",
    "LEDGER_PGBIN": "a folder with PostgreSQL's own programs, to be used instead of those in the wheel",
    "LEDGER_BY": "who acts, recorded on every event (default: the MCP client's name, else git's, else the login name)",
    "LEDGER_TOKEN": "separates the claims of this process from others of the same name (default: the name is enough)",
    "LEDGER_STATUS_FILE": "where the status report is kept, from the project folder (default: .project_status.md)",
    "LEDGER_PREPARE": "on or off: statements prepared on the server (a PgBouncer that keeps none is found out)",
    "LEDGER_WARM": "on or off: a process beside the embedded server that is forked for commands (default: on)",
    "LEDGER_CALL_SECONDS": "how long one call to a database that answers may take before it is given up (default: 30)",
    "LEDGER_COMMAND_SECONDS": "how long a write may wait for the database before it is queued (default: 3)",
    "LEDGER_READ_DSN": "replicas of LEDGER_DSN that answer questions, as a libpq connection string",
    "LEDGER_READ_SECONDS": "how old a replica's answer may be before the primary is asked instead (default: 10)",
    "LEDGER_WEBHOOK_NETWORKS": "private networks that webhooks may reach, like 10.0.0.0/8,127.0.0.1 (default: none)",
    "LEDGER_GITHUB_CONFLICTS": "whose value counts where GitHub and the ledger changed a field: ask, github or ledger",
}


@cache
def user_name(project: Path) -> str:
    """The user of this machine: as git knows them in the project, else by the login name."""
    return _git_name(project) or _login_name()


def _git_name(project: Path) -> str | None:
    asked = ["git", "-C", str(project), "config", "user.name"]
    try:
        name = subprocess.run(asked, capture_output=True, text=True, timeout=GIT_SECONDS, check=False).stdout.strip()
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired):  # no git, no such folder, or no name in it
        return None
    return name if name.isprintable() and 0 < len(name) <= NAME_LENGTH else None


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid-{os.getuid()}"


def _path(given: Mapping[str, str], name: str) -> Path | None:
    return Path(given[name]).expanduser().absolute() if name in given else None


def _relative(given: Mapping[str, str], name: str) -> Path | None:
    return Path(given[name]).expanduser() if name in given else None


def name_in(given: Mapping[str, str], name: str) -> str | None:
    """Who acts, as a variable or an option of that name says it. Raises Invalid for what is no name."""
    value = given.get(name)
    if value is not None and (len(value) > NAME_LENGTH or not value.isprintable() or not value.strip()):
        raise Invalid(
            f"{name} is no name of at most {NAME_LENGTH} printable characters",
            next_step=f"set {name} to a shorter, plain name",
            fields=[
                {
                    "field": name,
                    "problem": "is too long, blank, or holds control characters",
                    "value": ascii(value[:80]),
                }
            ],
        )
    return value


def _switch(given: Mapping[str, str], name: str) -> bool:
    value = given.get(name, "on").lower()
    if value not in ("on", "off"):
        raise Invalid(
            f"{name} is {value!r}, not on or off",
            next_step=f"set {name} to on or off, or unset it",
            fields=[{"field": name, "problem": "is neither on nor off", "value": value, "allowed": ["on", "off"]}],
        )
    return value == "on"


def _policy(given: Mapping[str, str], name: str) -> Policy:
    match given.get(name, "ask").lower():
        case "ask" | "github" | "ledger" as policy:
            return policy
        case value:
            raise Invalid(
                f"{name} is {value[:80]!r}, not ask, github or ledger",
                next_step=f"set {name} to one of these, or unset it",
                fields=[{"field": name, "problem": "is none of ask, github, ledger", "value": ascii(value[:80])}],
            )


def _seconds(given: Mapping[str, str], name: str, *, default: float) -> float:
    value = given.get(name)
    if value is None:
        return default
    if re.fullmatch(r"\d{1,6}(\.\d{1,3})?", value) and float(value) >= 1:
        return float(value)
    raise Invalid(
        f"{name} is {value[:80]!r}, not a number of seconds from 1 on",
        next_step=f"set {name} to a number like 30, or unset it",
        fields=[{"field": name, "problem": "is not a number of seconds from 1 on", "value": ascii(value[:80])}],
    )


def _networks(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in given.get(name, "").split(",") if word.strip())
    if not words:
        return ()
    from ipaddress import ip_network  # only here: most commands have none

    for word in words:
        try:
            ip_network(word)
        except ValueError as error:
            raise Invalid(
                f"{name} names {word[:80]!a}, which is no network: {ascii(str(error))[1:-1][:120]}",
                next_step=f"set {name} to networks like 10.0.0.0/8,127.0.0.1, or unset it",
                fields=[{"field": name, "problem": "is no list of networks", "value": ascii(word[:80])}],
            ) from error
    return words
