"""The published journal: a copy of the confirmed log in the project's .ledger folder, to be committed with it.

It is replaced whole or not at all, and only by one that contains it. Git is asked to keep its bytes as they are: with
other line ends, or two copies merged line by line, it would no longer be a journal.
"""

from filecmp import cmp
from pathlib import Path
from shutil import copyfileobj

from msgspec import Struct

from ledger.errors import Refused
from ledger.identity import FOLDER
from ledger.offline.journal import FILE, Journal
from projections.application.app import App
from projections.reports.atomic_file import replacing

NO_INDEX = Path(":memory:")
ATTRIBUTES = ".gitattributes"
AS_IT_IS = f"{FILE} -text -merge\n".encode()


class Published(Struct, frozen=True, kw_only=True):
    """`outcome` is created, replaced, unchanged, or newer: then the copy in the project has more than this machine."""

    file: Path
    position: int
    outcome: str


def publish(app: App) -> Published:
    """Copies this machine's journal into the project. Refused over a copy that holds another history."""
    file = app.identity.project / FOLDER / FILE
    journal = app.local.journal
    head = journal.head.position
    there = _reach(app, file)
    outcome = _outcome(journal, file, there)
    if outcome in ("created", "replaced"):
        _copy(journal, file)
    _keep_bytes(file.with_name(ATTRIBUTES))
    return Published(file=file, position=max(there, head), outcome=outcome)


def renew(app: App) -> None:
    """Replaces the copy in the project, if there is one: it may hold what was erased since."""
    if (app.identity.project / FOLDER / FILE).exists():
        publish(app)


def _reach(app: App, file: Path) -> int:
    """Up to where the copy in the project goes; one that is damaged or leaves our history is refused."""
    known = app.local.journal
    copy = Journal(file, app.identity.ledger, NO_INDEX, app.clock)
    try:
        head = copy.head
        common = min(head.position, known.head.position)
        if copy.damage is not None or copy.digest_at(common) != known.digest_at(common):
            raise Refused(
                f"{file} holds another history than this machine's journal",
                next_step="look at what was committed, and move the file away if it is not needed",
                rule="another_history",
                items=[],
            )
        return head.position
    finally:
        copy.close()


def _outcome(journal: Journal, file: Path, there: int) -> str:
    if there > journal.head.position:
        return "newer"
    if not file.exists():
        return "created"
    return "unchanged" if cmp(file, journal.file, shallow=False) else "replaced"


def _keep_bytes(attributes: Path) -> None:
    """The rule for git, unless there is one for this file; what else the project has there stays."""
    rules = attributes.read_bytes() if attributes.exists() else b""
    if not any(rule.startswith(AS_IT_IS.split()[0]) for rule in rules.splitlines()):
        with replacing(attributes) as target:
            target.write(rules + (b"\n" if rules and not rules.endswith(b"\n") else b"") + AS_IT_IS)


def _copy(journal: Journal, file: Path) -> None:
    with replacing(file) as target, journal.file.open("rb") as source:
        copyfileobj(source, target)
