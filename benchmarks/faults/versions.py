"""Versions of the program: this one, and a newer one that is made of it.

The newer one is a copy of the sources with what a release may bring planted in it: a migration, other functions, a
newer schema of an event and of the command that records it, and a read model of another shape.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import ledger
from benchmarks.faults.processes import ROOT
from ledger import codec, command_codec
from ledger.aggregates.work_item.commands import UpdateWorkItem
from ledger.aggregates.work_item.events import WorkItemRevised

FOLDERS = ("ledger", "projections", "mcp_adapter", "sql", "templates", "examples")
RELEASE = "999.0.0"
MIGRATION = """-- What the next release finds events by.
CREATE INDEX events_of_the_next_release ON tracking_ledger.events (ledger_id, recorded_at);
"""
EVENT, COMMAND = WorkItemRevised.__name__, UpdateWorkItem.__name__
FUNCTION = "sql/functions/append_event.sql"
READ_MODEL = "projections/read_models/work_items.py"

Edit = Callable[[str], str]


def newer(folder: Path) -> Path:
    """The sources of a newer program, made in that folder."""
    for name in FOLDERS:
        # with what Python has compiled, which takes it three seconds of a core, but for what it writes just now
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.pyc.*"))
    (folder / "sql" / "migrations" / "9999_next_release.sql").write_text(MIGRATION, encoding="utf-8")
    _edit(folder / "ledger" / "__init__.py", lambda text: text.replace(ledger.__version__, RELEASE))
    _edit(folder / FUNCTION, lambda text: f"{text}-- as the next release has it\n")
    _edit(folder / "ledger" / "codec.py", _with_upcast(EVENT, codec.schema_of(EVENT)))
    _edit(folder / "ledger" / "command_codec.py", _with_upcast(COMMAND, command_codec.schema_of(COMMAND)))
    _edit(folder / READ_MODEL, lambda text: re.sub(r"shape=(\d+)", lambda found: f"shape={int(found[1]) + 1}", text))
    return folder


def _with_upcast(name: str, schema: int) -> Edit:
    """Of what was written before nothing changes but the number."""
    line = f'UPCASTS["{name}", {schema}] = lambda data: data\n'
    return lambda text: re.sub(r"^(UPCASTS: .*\n)", rf"\1{line}", text, count=1, flags=re.MULTILINE)


def _edit(file: Path, edit: Edit) -> None:
    """Raises ValueError where nothing was found to be changed: a newer program like the older one proves nothing."""
    before = file.read_text(encoding="utf-8")
    after = edit(before)
    if after == before:
        raise ValueError(f"{file} has no place for what is to be planted")
    file.write_text(after, encoding="utf-8")
