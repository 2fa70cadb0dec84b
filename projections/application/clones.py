"""What holds in a clone of a project, where its ledger is not in the database and where the journal came with it."""

from pathlib import Path

from ledger.errors import Refused
from ledger.identity import FOLDER
from ledger.offline.journal import FILE
from ledger.store import Primary

NOT_HERE = f"the database has nothing of this ledger; {FOLDER}/{FILE} has its history"
BEGUN = (
    "the database had nothing of this ledger, which begins there now; if others record this project, theirs is another"
    " database: name it in LEDGER_DSN before you record more"
)
BRING_BACK = (
    f"before anything is recorded, `tracking-ledger import events {FOLDER}/{FILE}`; or set LEDGER_DSN to the database"
    " that has it"
)


def is_in_project(project: Path) -> bool:
    """Whether the journal was published into the project."""
    file = project / FOLDER / FILE
    return file.exists() and file.stat().st_size > 0


def require_own_history(log: Primary, project: Path) -> None:
    """Raises Refused before a write that would be the first event of the ledger for a second time, so that neither
    history could be joined to the other: the database has nothing of a ledger whose journal was published."""
    if log.newest_known or not is_in_project(project) or log.read_streams([]).head:
        return
    raise Refused(
        f"{NOT_HERE}, so this would begin a second one: nothing was recorded there",
        rule="history_in_project",
        next_step=f"{BRING_BACK}; to begin anew, take that file out of the project first",
    )
