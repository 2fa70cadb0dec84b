"""What connects an assistant: the configuration of its client, and the files that tell it how to work here."""

import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ledger.settings import Settings
from projections.cli.administration.setup.clients import CLIENTS
from projections.cli.main import cli

GREETING = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    return {
        "LEDGER_PROJECT": str(settings.project),
        "LEDGER_DSN": settings.dsn or "",
        "LEDGER_HOME": str(settings.home),
        "LEDGER_PGDATA": str(settings.pgdata),
    }


def run(environment: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), env=environment, prog_name="tracking-ledger")


def entry(client: str, text: str) -> dict[str, Any]:
    read = tomllib.loads(text) if client == "codex" else json.loads(text)
    (servers,) = read.values()
    found: dict[str, Any] = servers["ledger"]
    return found


@pytest.mark.parametrize("client", CLIENTS)
def test_a_printed_configuration_has_absolute_paths(
    environment: dict[str, str], settings: Settings, client: str
) -> None:
    result = run(environment, "mcp", "--print-config", client, "--toolset", "work")

    server = entry(client, result.stdout)
    assert Path(server["command"]).is_absolute()
    assert server["args"] == ["--project", str(settings.project), "mcp", "--toolset", "work"]
    assert CLIENTS[client].file in result.stderr
    assert environment["LEDGER_DSN"] not in result.stdout


@pytest.mark.processes
def test_what_is_printed_starts_a_server_that_greets(environment: dict[str, str]) -> None:
    server = entry("claude-code", run(environment, "mcp", "--print-config", "claude-code").stdout)

    answered = subprocess.run(
        [server["command"], *server["args"]],
        env=os.environ | environment | server["env"],
        input=json.dumps(GREETING) + "\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert json.loads(answered.stdout.splitlines()[0])["result"]["serverInfo"]["name"]


def test_instructions_are_written_once_and_leave_what_is_there(environment: dict[str, str], settings: Settings) -> None:
    agents, claude = settings.project / "AGENTS.md", settings.project / "CLAUDE.md"
    agents.write_text("# Ours\n\nBe kind.\n")

    first = run(environment, "init", "--agent")
    written = agents.read_text(), claude.read_text()
    again = run(environment, "init", "--agent", "--json")

    assert first.exit_code == 0, first.output
    assert written[0].startswith("# Ours\n\nBe kind.\n")
    assert "tracking-ledger next" in written[0]
    assert "@AGENTS.md" in written[1].splitlines()
    assert (agents.read_text(), claude.read_text()) == written
    assert json.loads(again.stdout)["instructions"] == {"AGENTS.md": False, "CLAUDE.md": False}


def test_an_older_section_is_brought_up_to_date_and_its_surroundings_stay(
    environment: dict[str, str], settings: Settings
) -> None:
    agents = settings.project / "AGENTS.md"
    run(environment, "init", "--agent")
    current = agents.read_text()
    lines = current.splitlines(keepends=True)
    agents.write_text("above\n" + lines[0] + "old words\n" + lines[-1] + "below\n")

    run(environment, "init", "--agent")

    assert agents.read_text() == "above\n" + current + "below\n"
