"""The milestones of a repository as they are taken, compared and known."""

from datetime import datetime

from ledger.aggregates.decider import Decided
from ledger.aggregates.work_item.commands import Attribution, ImportedItem
from ledger.aggregates.work_item.events import WorkItemRevised
from ledger.aggregates.work_item.imported.older_records import LAST_CHANGE
from ledger.aggregates.work_item.imported.source_state import CATEGORY
from ledger.aggregates.work_item.state import WorkItem
from ledger.envelope import stream_id
from ledger.importing.readers.reading import Identify, Reading
from ledger.importing.readers.trackers.hosted.github import NO_HOLDER, SOURCE
from ledger.values.moment import parse, text
from ledger.values.revision import Change, Changes, difference
from ledger.world import World
from projections.transfer.github.interface.issues import Issue, Record, cut

COMMON = ("item_type", "title", "description", "due", "status", "category")


def name_of(repository: str, number: int) -> str:
    return f"{repository}/milestone/{number}"


def number_in(name: str | None, repository: str) -> int | None:
    """The number of a milestone of this repository, by the name that it is known by."""
    number = (name or "").removeprefix(name_of(repository, 0)[:-1])
    return int(number) if number != name and number.isdecimal() else None


def take(record: Record, repository: str, identify: Identify, reading: Reading) -> None:
    """Takes a milestone. It may have begun here, so when it began there tells nothing."""
    name, changed = name_of(repository, record["number"]), _time(record, "updated_at")
    creator = record.get("creator")
    stated = {"description": record.get("description") or None, "due": (record.get("due_on") or "")[:10] or None}
    fields = {"item_type": "milestone", "title": record["title"]} | {
        key: value for key, value in stated.items() if value
    }
    closed = record["state"] == "closed"
    item = ImportedItem(
        id=identify(name),
        external_id=name,
        fields=fields | {"metadata": {"html_url": record.get("html_url"), LAST_CHANGE: text(changed)}},
        created=Attribution(by=creator["login"] if creator else NO_HOLDER, at=_time(record, "created_at")),
        changed=Attribution(by=NO_HOLDER, at=changed),
        status="completed" if closed else "active",
        settled=Attribution(by=NO_HOLDER, at=_time(record, "closed_at"))
        if closed and record.get("closed_at")
        else None,
        changed_in_source=changed,
    )
    reading.found += 1
    reading.items.append(item)


def as_issue(record: Record, repository: str) -> Issue:
    """Comparable as an issue is."""
    creator = record.get("creator")
    return Issue(
        name=name_of(repository, record["number"]),
        record=cut(
            record
            | {"body": record.get("description"), "user": creator and {"login": creator["login"]}, "milestone": None}
        ),
        due=(record.get("due_on") or "")[:10] or None,
    )


def known_as(item_id: str, name: str, world: World) -> Decided:
    """What links an item of ours to the milestone that was made for it, alike in both from now on."""
    item: WorkItem = world.state(CATEGORY, item_id)
    changes: Changes = {field: Change(value, value) for field in COMMON if (value := getattr(item, field)) is not None}
    changes |= difference(item, {"external_source": SOURCE, "external_id": name})
    return [(stream_id(CATEGORY, item_id), WorkItemRevised(changes=changes))]


def _time(record: Record, field: str) -> datetime:
    return parse(record[field])
