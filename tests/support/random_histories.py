"""Random histories: what several people may do to a few entities, whether or not the rules let them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import strategies as some

from ledger.aggregates.configuration.commands import ChangeConfiguration
from ledger.aggregates.decider import Undo
from ledger.aggregates.deployment.commands import AmendDeployment, RecordDeployment
from ledger.aggregates.enhancement.commands import RecordEnhancement, UpdateEnhancement
from ledger.aggregates.vendor.commands import CreateVendor, UpdateVendor
from ledger.aggregates.vendor.events import TestResults
from ledger.aggregates.work_item.commands import (
    ArchiveWorkItems,
    ClaimWorkItem,
    CreateWorkItem,
    LinkWorkItems,
    ReleaseClaim,
    RestoreArchived,
    UpdateWorkItem,
)
from ledger.envelope import Command, Recorded, configuration_id, stream_id
from ledger.errors import LedgerError
from tests.support.given import LEDGER, numbered
from tests.support.ledgers import Ledger, in_memory, numbered_command

THINGS = 4  # of each kind
Action = tuple[str, tuple[Any, ...]]
BEGINNING: list[Action] = [
    ("create_item", (0, None)),
    ("create_item", (1, 0)),
    ("create_item", (2, None)),
    ("create_vendor", (0, 0)),
    ("deploy", (0, 1, 0)),
    ("enhance", (0, None)),
]  # so that what follows finds something to do

places = some.integers(0, THINGS - 1)
others = some.none() | places
keys = some.sampled_from(["a", "b", "c.d"])
values = some.none() | some.integers(0, 3) | some.sampled_from(["x", ""])

ACTIONS: list[tuple[str, some.SearchStrategy[Any]]] = [
    ("create_item", some.tuples(places, others)),
    ("retitle", some.tuples(places, some.sampled_from(["one", "two", "three"]))),
    ("tag", some.tuples(places, some.lists(keys, max_size=2))),
    ("annotate", some.tuples(places, keys, values)),
    ("move", some.tuples(places, others)),
    ("status", some.tuples(places, some.sampled_from(["active", "blocked", "completed"]))),
    ("delete", some.tuples(places, some.booleans(), some.booleans())),
    (
        "link",
        some.tuples(places, places, some.sampled_from(["blocks", "relates_to"]), some.booleans(), some.none() | keys),
    ),
    ("claim", some.tuples(places, some.booleans())),
    ("archive", some.tuples(places, some.booleans())),
    ("create_vendor", some.tuples(places, some.integers(0, 2))),
    ("vendor_status", some.tuples(places, some.sampled_from(["operational", "broken"]))),
    ("vendor_tests", some.tuples(places, some.integers(0, 3))),
    ("vendor_formats", some.tuples(places, some.booleans(), some.booleans())),
    ("deploy", some.tuples(places, some.integers(1, 2), others)),
    ("amend", some.tuples(places, some.integers(1, 2), keys, values)),
    ("enhance", some.tuples(places, others)),
    ("enhance_status", some.tuples(places, some.sampled_from(["approved", "dropped"]), others)),
    ("configure", some.tuples(some.integers(1, 6), some.none() | keys)),
    ("undo", some.tuples(some.integers(1, 4), some.booleans())),
    ("undo", some.tuples(some.integers(1, 9), some.booleans())),
]


def actions_of(*kinds: str) -> some.SearchStrategy[Action]:
    return some.one_of(some.tuples(some.just(kind), how) for kind, how in ACTIONS if kind in kinds)


actions = actions_of(*(kind for kind, _ in ACTIONS))
histories = some.lists(actions, min_size=4, max_size=25).map(lambda later: BEGINNING + later)


def item(number: int) -> str:
    return numbered(number)


def vendor(number: int) -> str:
    return numbered(100 + number)


def deployment(number: int) -> str:
    return numbered(200 + number)


def enhancement(number: int) -> str:
    return numbered(300 + number)


@contextmanager
def a_ledger() -> Iterator[Ledger]:
    """A new one in memory, whose time rises by itself."""
    ticks = iter(range(10**9))

    def clock() -> datetime:
        return datetime.fromtimestamp(1_700_000_000 + next(ticks), UTC)

    with TemporaryDirectory() as folder, in_memory(Path(folder) / "rows.sqlite3", LEDGER, clock) as ledger:
        yield ledger


def attempt_all(ledger: Ledger, history: list[Action]) -> list[int]:
    """Does what the rules let through; the numbers of the commands that recorded something."""
    recorded: list[int] = []
    for number, doing in enumerate(history):
        if (done := attempt(ledger, number, command(ledger, doing, recorded))) is not None and done.positions:
            recorded.append(number)
    return recorded


def attempt(ledger: Ledger, number: int, wanted: Command | None) -> Recorded | None:
    """What was recorded; None if it was refused."""
    try:
        return ledger.execute(number, wanted, by=f"person {number % 3}") if wanted is not None else None
    except LedgerError:
        return None


def undo_of(ledger: Ledger, number: int, *, only_untouched: bool = False) -> Undo:
    """The undo of the command with this number, in all the streams it touched."""
    found = ledger.store.find_command(numbered_command(number))
    assert found is not None
    streams = tuple(sorted(found[0].streams))
    return Undo(undone=str(numbered_command(number)), streams=streams, only_untouched=only_untouched)


def command(ledger: Ledger, doing: Action, recorded: list[int]) -> Command | None:
    """The command that says so, at the version that is there."""
    match doing:
        case "create_item", (number, parent):
            above = None if parent is None else item(parent)
            return CreateWorkItem(id=item(number), item_type="task", title=f"Item {number}", parent_id=above)
        case "retitle", (number, title):
            return _update(ledger, number, fields={"title": title})
        case "tag", (number, tags):
            return _update(ledger, number, fields={"tags": tags})
        case "annotate", (number, key, value):
            return _update(ledger, number, fields={"metadata": {key: value}})
        case "move", (number, parent):
            return _update(ledger, number, parent_id=None if parent is None else item(parent))
        case "status", (number, status):
            return _update(ledger, number, status=status, reason="because")
        case "delete", (number, deleted, cascade):
            return _update(ledger, number, deleted=deleted, cascade=cascade)
        case "link", (number, other, kind, remove, note):
            return LinkWorkItems(id=item(number), to_id=item(other), kind=kind, remove=remove, note=note)
        case "claim", (number, take):
            token = "somebody"
            return ClaimWorkItem(id=item(number), token=token) if take else ReleaseClaim(id=item(number), token=token)
        case "archive", (number, away):
            return ArchiveWorkItems(id=item(number)) if away else RestoreArchived(id=item(number))
        case "create_vendor", (number, name):
            return CreateVendor(id=vendor(number), name=f"Vendor {name}")
        case "vendor_status", (number, status):
            return _update_vendor(ledger, number, fields={"status": status})
        case "vendor_tests", (number, passing):
            return _update_vendor(ledger, number, test_results=TestResults(passing=passing, total=3, skipped=0))
        case "vendor_formats", (number, csv, pdf):
            return _update_vendor(ledger, number, fields={"format_support": {"csv": csv, "pdf": pdf}})
        case "deploy", (number, request, other):
            vendors = () if other is None else (vendor(other),)
            return RecordDeployment(id=deployment(number), commit_hash="84b0fb4", pr_number=request, vendor_ids=vendors)
        case "amend", (number, request, key, value):
            expected = _version(ledger, "deployment", deployment(number))
            fields = {"pr_number": request, "metadata": {key: value}}
            return AmendDeployment(id=deployment(number), expected=expected, fields=fields)
        case "enhance", (number, other):
            needs = () if other is None else (enhancement(other),)
            return RecordEnhancement(id=enhancement(number), title="Better", priority=1, depends_on=needs)
        case "enhance_status", (number, status, other):
            expected = _version(ledger, "enhancement", enhancement(number))
            needed = {} if other is None else {"depends_on": [enhancement(other)]}
            return UpdateEnhancement(id=enhancement(number), expected=expected, status=status, fields=needed)
        case "configure", (depth, branch):
            own = configuration_id(ledger.store.ledger)
            expected = _version(ledger, "configuration", own)
            return ChangeConfiguration(id=own, expected=expected, fields={"depth_limit": depth, "git_branch": branch})
        case "undo", (back, only_untouched):
            return undo_of(ledger, recorded[-back], only_untouched=only_untouched) if back <= len(recorded) else None
    raise AssertionError(doing)


def _update(ledger: Ledger, number: int, **changes: Any) -> UpdateWorkItem:
    return UpdateWorkItem(id=item(number), expected=_version(ledger, "work_item", item(number)), **changes)


def _update_vendor(ledger: Ledger, number: int, **changes: Any) -> UpdateVendor:
    return UpdateVendor(id=vendor(number), expected=_version(ledger, "vendor", vendor(number)), **changes)


def _version(ledger: Ledger, category: str, entity_id: str) -> int:
    stream = stream_id(category, entity_id)
    return len(ledger.store.read_streams([stream]).events.get(stream, []))
