"""`init --agent`: the files from which assistants learn that the project has a ledger, and how to work with it."""

from pathlib import Path

from ledger.errors import Unavailable
from projections.cli.administration.setup.marked_block import with_block
from projections.reports.atomic_file import replacing
from projections.reports.templates import rendered

TEMPLATE = "agents.md.j2"
FIRST, LAST = "<!-- tracking-ledger: how to work here -->", "<!-- tracking-ledger: end -->"
AGENTS, CLAUDE = "AGENTS.md", "CLAUDE.md"
POINTER = f"@{AGENTS}"  # how Claude Code is pointed to another file


def write_instructions(project: Path) -> dict[str, bool]:
    """Each file, and whether it changed. What stands around our section is its author's, and stays."""
    agents, claude = (_text(project / name) for name in (AGENTS, CLAUDE))
    wanted = {AGENTS: with_block(agents, rendered(TEMPLATE, {}), FIRST, LAST)}
    points = any(line.strip() == POINTER for line in claude.splitlines())
    wanted[CLAUDE] = claude if points else with_block(claude, POINTER, FIRST, LAST)
    changed = {AGENTS: wanted[AGENTS] != agents, CLAUDE: wanted[CLAUDE] != claude}
    for name in filter(changed.get, wanted):
        with replacing(project / name) as stream:
            stream.write(wanted[name].encode())
    return changed


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode() if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"{file} cannot be read: {error}", next_step=f"correct {file.name}, or add the section yourself"
        ) from error
