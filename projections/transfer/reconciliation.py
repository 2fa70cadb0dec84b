"""Comparisons of what a file says with what the ledger holds after it was imported, before that is committed.

The file is read a second time for it, and the ledger's rows are read from the database, inside the transaction. What
was changed here since an earlier import of the same source is no difference: it is listed as `kept_here`.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from ledger.importing.commands import ImportedVendor
from ledger.importing.deployments import same_commit
from ledger.importing.import_plan import ImportPlan
from ledger.importing.readers.reading import Reading
from ledger.values.revision import difference, same
from projections.questions.entities import rows
from projections.read_models.catalog import BY_CATEGORY
from projections.read_models.projection import Row
from projections.tables.contract import Snapshot, pages
from projections.transfer import source_check
from projections.transfer.source_check import Text

NAMES = ("vendor_count", "deployment_history", "enhancements", "session_prompts", "vendor_metadata", "work_items")
OF_KIND = {  # by the kind of records that a part of a file which was not understood may hold
    "vendors": ("vendor_count", "vendor_metadata"),
    "deployments": ("deployment_history",),
    "sessions": ("session_prompts",),
    "enhancements": ("enhancements",),
    "work_items": ("work_items",),
}
SHOWN = 200  # characters of a value

Fields = dict[str, Any]
IsSame = Callable[[Fields, Any], bool]


class Check(Struct, kw_only=True):
    """One comparison. Each entry of `differing` and `kept_here` says what differs, and both values.

    `not_read` are places in the file that were not understood: what they say cannot be compared, so they are no match,
    and no fault either.
    """

    only_in_file: list[str] = []
    only_in_ledger: list[str] = []
    differing: list[dict[str, Any]] = []
    kept_here: list[dict[str, Any]] = []
    not_read: list[str] = []

    @property
    def match(self) -> bool:
        return not (self.only_in_file or self.only_in_ledger or self.differing or self.not_read)

    def as_answer(self) -> dict[str, Any]:
        return {"match": self.match} | {name: getattr(self, name) for name in self.__struct_fields__}

    def faults(self, name: str) -> Iterable[str]:
        """The differences as sentences."""
        for what in self.only_in_file:
            yield f"{name}: {what} is in the file, not in the ledger"
        for what in self.only_in_ledger:
            yield f"{name}: {what} is in the ledger, not in the file"
        for one in self.differing:
            both = f"{one['file']!r} in the file, {one['ledger']!r} in the ledger"
            yield f"{name}: {one['name']}: {one['field']} is {both}"


def reconcile(
    snapshot: Snapshot, source: str, reading: Reading, made: ImportPlan, before: int, text: str | None = None
) -> dict[str, Check]:
    """`reading` is what the source says when read again, `before` the log's head when the import began.

    With the file's `text` every value of an entity that is new must also stand in it.
    """
    vendors, deployments = _all(snapshot, "vendor"), _all(snapshot, "deployment")
    enhancements, items = _all(snapshot, "enhancement"), _work_items(snapshot, source, reading)
    checks = {
        "vendor_count": _names(reading, vendors, before),
        "deployment_history": _deployments(reading, deployments, made, before),
        "enhancements": _enhancements(reading, enhancements, made, before),
        "session_prompts": _sessions(source, reading, items, before),
        "vendor_metadata": _vendors(reading, vendors, made),
        "work_items": _items(reading, items, made),
    }
    for kind, places in reading.not_read.items():
        for name in OF_KIND.get(kind, NAMES):
            checks[name].not_read += places
    if text is not None:
        written = Text(text)
        for name, found, unsupported in (
            ("vendor_metadata", vendors, source_check.vendor),
            ("deployment_history", deployments, source_check.deployment),
            ("enhancements", enhancements, source_check.enhancement),
            ("work_items", items, source_check.work_item),
        ):
            checks[name].differing += _made_up(found, unsupported, written, before)
    return checks


def _made_up(
    found: dict[str, Row],
    unsupported: Callable[[Any, Text], Iterable[source_check.Unsupported]],
    written: Text,
    before: int,
) -> list[dict[str, Any]]:
    """What rows that only this import wrote hold, and the file's text does not."""
    return [
        {"name": _called(row.state), "field": field, "file": None, "ledger": _brief(value)}
        for row in found.values()
        if row.version == 1 and _is_new(row, before)
        for field, value in unsupported(row.state, written)
    ]


def _all(snapshot: Snapshot, category: str) -> dict[str, Row]:
    generation = snapshot.generation(BY_CATEGORY[category].name)
    return _readable(category, pages(snapshot, category, generation))


def _work_items(snapshot: Snapshot, source: str, reading: Reading) -> dict[str, Row]:
    """The items that the file names, and those known as this source's. All others, perhaps many, are not read."""
    generation = snapshot.generation("work_items")
    entries = snapshot.ask("entries/of_relation", generation=generation, relation="external_id")
    ids = {entry["id"] for entry in entries if entry["target"].startswith(f"{source}:")}
    ids |= {item.id for item in reading.items}
    found = snapshot.ask("entities/by_ids", category="work_item", generation=generation, ids=sorted(ids))
    return _readable("work_item", found)


def _readable(category: str, found: Iterable[dict[str, Any]]) -> dict[str, Row]:
    """A row that cannot be read is as one that is not there: what the file says is then only in the file."""
    held: dict[str, Row] = {}
    for line in found:
        with suppress(msgspec.ValidationError):
            held |= {row.id: row for row in rows(category, [line])}
    return held


def _names(reading: Reading, found: dict[str, Row], before: int) -> Check:
    stated = {vendor.name.casefold(): vendor.name for vendor in reading.vendors}
    held = {row.state.name.casefold(): row for row in found.values()}
    return Check(
        only_in_file=[name for key, name in stated.items() if key not in held],
        only_in_ledger=[row.state.name for key, row in held.items() if key not in stated and _is_new(row, before)],
    )


def _deployments(reading: Reading, found: dict[str, Row], made: ImportPlan, before: int) -> Check:
    stated = {
        one.external_id: {"pr_number": one.fields.get("pr_number"), "commit_hash": one.fields.get("commit_hash")}
        for one in reading.deployments
    }
    return _compared("deployment", stated, found, made, before, _same_deployment)


def _enhancements(reading: Reading, found: dict[str, Row], made: ImportPlan, before: int) -> Check:
    stated = {one.external_id: {"title": one.fields["title"]} for one in reading.enhancements}
    return _compared("enhancement", stated, found, made, before, _same_title)


def _compared(
    category: str, stated: dict[str, Fields], found: dict[str, Row], made: ImportPlan, before: int, is_same: IsSame
) -> Check:
    """Compares them by what the source calls each, else by what it says of it; then what was written beside them."""
    check = Check()
    left = dict(found)
    for name, fields in stated.items():
        row = found.get(made.ids.get(category, {}).get(name, ""))
        row = row or next((other for other in found.values() if is_same(fields, other.state)), None)
        if row is None:
            check.only_in_file.append(name)
            continue
        left.pop(row.id, None)
        if not is_same(fields, row.state):
            for one in _differing(name, row.state, fields):
                (check.kept_here if (row.id, one["field"]) in made.kept else check.differing).append(one)
    check.only_in_ledger = [_called(row.state) for row in left.values() if _is_new(row, before)]
    return check


def _same_deployment(stated: Fields, state: Any) -> bool:
    """A commit of which one side knows only the beginning is the same one."""
    one, other = stated["commit_hash"], state.commit_hash
    same_one = one == other or (one is not None and other is not None and same_commit(one, other))
    return bool(stated["pr_number"] == state.pr_number and same_one)


def _same_title(stated: Fields, state: Any) -> bool:
    return bool(stated["title"].casefold() == state.title.casefold())


def _called(state: Any) -> str:
    for name in ("title", "name"):
        if hasattr(state, name):
            return str(getattr(state, name))
    return f"PR #{state.pr_number or '?'} at {state.commit_hash or 'an unknown commit'}"


def _sessions(source: str, reading: Reading, found: dict[str, Row], before: int) -> Check:
    check = Check()
    stated = {item.external_id: item for item in reading.items if item.fields.get("item_type") == "session"}
    held = {
        row.state.external_id: row
        for row in found.values()
        if row.state.external_source == source and row.state.external_id is not None
    }
    for name, item in stated.items():
        row = held.get(name)
        if row is None:
            check.only_in_file.append(name)
        elif row.version == 1 and _is_new(row, before):
            check.differing += _differing(name, row.state, {"title": item.fields["title"]})
            check.differing += _differing(name, row.state, {"metadata": item.fields.get("metadata", {})})
    new = [row for row in found.values() if row.state.item_type == "session" and _is_new(row, before)]
    check.only_in_ledger = [row.state.title for row in new if row.state.external_id not in stated]
    return check


def _items(reading: Reading, found: dict[str, Row], made: ImportPlan) -> Check:
    """Checks that every item which is no session is there, and that a new one is as the file says."""
    check, new = Check(), made.ids.get("work_item", {})
    for item in reading.items:
        row = found.get(item.id)
        if item.fields.get("item_type") == "session":
            continue
        if row is None:
            check.only_in_file.append(item.external_id)
        elif item.external_id in new:
            parent = next((link.to_id for link in item.links if link.kind == "parent"), None)
            expected = {"title": item.fields["title"], "parent_id": parent, "deleted": item.removed is not None}
            expected |= {"status": item.status} if item.status else {}
            check.differing += _differing(item.external_id, row.state, expected)
    return check


def _vendors(reading: Reading, found: dict[str, Row], made: ImportPlan) -> Check:
    check = Check()
    held = {row.state.name.casefold(): row for row in found.values()}
    for vendor in reading.vendors:
        row = held.get(vendor.name.casefold())
        if row is None:
            check.only_in_file.append(vendor.name)
            continue
        for one in _differing(vendor.name, row.state, _stated(vendor)):
            kept = {(row.id, one["field"]), (row.id, one["field"].partition(".")[0])} & made.kept
            (check.kept_here if kept else check.differing).append(one)
    return check


def _stated(vendor: ImportedVendor) -> dict[str, Any]:
    return {field: value for field, value in vendor.fields.items() if value is not None}


def _differing(name: str, state: Struct, expected: dict[str, Any]) -> list[dict[str, Any]]:
    """Field by field, and key by key of the mappings; what the file does not say is not compared."""
    return [
        {"name": name, "field": path, "file": _brief(change.new), "ledger": _brief(change.old)}
        for path, change in difference(state, expected).items()
        if not same(change.old, change.new)
    ]


def _brief(value: Any) -> Any:
    if value is UNSET:
        return None
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return value if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def _is_new(row: Row, before: int) -> bool:
    return row.position > before
