"""The command line, run in the tests' own process: a new one would spend a second on what it imports."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ledger.settings import Settings
from projections.cli.main import cli, main
from tests.support.mcp_client import environment

Run = Callable[..., Result]


def run(settings: Settings, *words: str, input: str | None = None, **variables: str) -> Result:
    """What `tracking-ledger` with these words answers at the test's ledger; its path arguments must be absolute."""
    given = environment(settings) | variables
    return CliRunner().invoke(cli, list(words), env=given, input=input, prog_name="tracking-ledger")


def runner(settings: Settings, **variables: str) -> Run:
    """run("status", "--json"): `run` at this ledger, each time with these variables."""
    return lambda *words, **more: run(settings, *words, **variables | more)


def exit_code(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    """With which code `tracking-ledger` ends; it finds and prints what a program with the test's environment does."""
    monkeypatch.setattr("sys.argv", ["tracking-ledger", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)
