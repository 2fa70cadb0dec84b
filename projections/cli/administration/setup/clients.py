"""How each assistant's client is configured to start our server: the file, and the text in it."""

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from projections.cli.commands import NAMES

SERVER = "ledger"  # by which a client lists the server's tools

Start = dict[str, Any]


class Client(Struct, frozen=True):
    """`file` is where the text belongs: in the project, or in the user's home."""

    file: str
    text: Callable[[Start], str]


def start(project: Path, client: str, arguments: Sequence[str] = ()) -> Start:
    """The command with absolute paths, because a client has another PATH and another folder than a terminal."""
    words = ["--project", str(project), "mcp", *arguments]
    return {"command": str(_program()), "args": words, "env": {"LEDGER_BY": client}}


def _program() -> Path:
    """The script by which this process was called, or the one of the same name beside it."""
    called = Path(sys.argv[0])
    if called.name in NAMES and called.is_file():
        return called.absolute()
    own = Path(sys.executable).parent / NAMES[0]
    found = None if own.is_file() else shutil.which(NAMES[0])
    return Path(found).absolute() if found else own


def _json(key: str, **more: str) -> Callable[[Start], str]:
    return lambda started: json.dumps({key: {SERVER: more | started}}, indent=2, ensure_ascii=False)


def _toml(started: Start) -> str:
    """A JSON text of a string or of an array of them is one of TOML too."""
    lines = [f"[mcp_servers.{SERVER}]", *(f"{name} = {json.dumps(started[name])}" for name in ("command", "args"))]
    env = (f"{name} = {json.dumps(value)}" for name, value in started["env"].items())
    return "\n".join([*lines, "", f"[mcp_servers.{SERVER}.env]", *env])


CLIENTS = {
    "claude-code": Client(".mcp.json", _json("mcpServers")),
    "claude-desktop": Client("claude_desktop_config.json (Settings, Developer, Edit Config)", _json("mcpServers")),
    "codex": Client("~/.codex/config.toml", _toml),
    "cursor": Client(".cursor/mcp.json", _json("mcpServers")),
    "gemini": Client(".gemini/settings.json", _json("mcpServers")),
    "vscode": Client(".vscode/mcp.json", _json("servers", type="stdio")),
    "windsurf": Client("~/.codeium/windsurf/mcp_config.json", _json("mcpServers")),
}
