"""What is said in a clone of a project, where its ledger is not and where the journal came with it."""

from pathlib import Path

from ledger.identity import FOLDER
from ledger.offline.journal import FILE

NOT_HERE = f"the database has nothing of this ledger; {FOLDER}/{FILE} has its history"
BRING_BACK = (
    f"before anything is recorded, `tracking-ledger import events {FOLDER}/{FILE}`; or set LEDGER_DSN to the database"
    " that has it"
)


def is_in_project(project: Path) -> bool:
    """Whether the journal was published into the project."""
    return (project / FOLDER / FILE).exists()
