"""Which machine makes an item's issue, comment or milestone on GitHub, so that of two at once only one does.

It is written into the item before the request, where only one of two can be first, and taken out again by the event
that says what came of it. A machine that was killed in between goes on at its next run, another one after `LONGEST`.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from ledger.aggregates.decider import Decided
from ledger.aggregates.work_item.events import WorkItemRevised
from ledger.aggregates.work_item.imported.source_state import CATEGORY
from ledger.aggregates.work_item.state import WorkItem
from ledger.envelope import stream_id
from ledger.values.moment import parse, text
from ledger.values.revision import difference
from ledger.world import World
from projections.reports.atomic_file import replacing

SENDING = "github_sending"  # in the metadata: [machine, since when by the ledger's clock]
LONGEST = timedelta(hours=1)  # after which no request is on its way any more: one is given up after 40 minutes
TRYING = 600.0  # seconds in which a claimed request is begun again


def is_claimed_elsewhere(item: WorkItem, machine: str, now: datetime) -> bool:
    holder, since = _claim(item)
    return holder not in (None, machine) and since is not None and now < parse(since) + LONGEST


def was_claimed(item: WorkItem) -> bool:
    """Something may have been made of it that was not recorded."""
    return SENDING in item.metadata


def claim(item_id: str, machine: str, world: World) -> Decided:
    """Nothing where it has been this machine's for a short while."""
    item: WorkItem = world.state(CATEGORY, item_id)
    holder, since = _claim(item)
    if holder == machine and since is not None and world.now < parse(since) + timedelta(seconds=TRYING):
        return []
    changes = difference(item, {"metadata": {SENDING: [machine, text(world.now)]}})
    return [(stream_id(CATEGORY, item_id), WorkItemRevised(changes=changes))]


def machine_of(file: Path) -> str:
    """What this machine is called in claims, of a name kept beside the file of what it remembers."""
    kept = file.with_suffix(".machine")
    try:
        return kept.read_text(encoding="ascii").strip() or _name_in(kept)
    except (OSError, UnicodeDecodeError):  # the first time, or unreadable
        return _name_in(kept)


def _name_in(file: Path) -> str:
    name = str(uuid4())
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as target:
        target.write(name.encode())
    return name


def _claim(item: WorkItem) -> tuple[str | None, str | None]:
    found: Any = item.metadata.get(SENDING)
    return (found[0], found[1]) if isinstance(found, list) and len(found) == 2 else (None, None)
