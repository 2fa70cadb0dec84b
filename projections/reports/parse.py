"""The report's Markdown, read back: the same facts that it shows, for when nothing else is left.

`parse` is the inverse of `report.markdown` and of `report.with_ids`; only with the latter do entities have their `id`
and `version`. A time is known to the second. What a folded list leaves out is counted, never guessed.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, takewhile

from ledger.aggregates.vendor.state import FORMATS
from ledger.aggregates.work_item.state import ITEM_TYPES
from ledger.errors import Damaged
from ledger.values.states import CATEGORIES, ORIGINAL
from projections.questions.answers import Entity
from projections.reports import report_lines
from projections.reports.markdown import ENTRY, LISTED, NAMED, TEXT, UNKNOWN, coded, unescaped
from projections.reports.report import PLANS, Document
from projections.reports.report_lines import Line

LEFT_OUT = {"## Overdue", "## Due this week", "## Sync"}  # sections that a report has only where they say something
IDS = "<!-- tracking-ledger: ids"
_REF = r"`([^`]+)`"
_MOMENT = r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC|\*unknown\*)"
_TYPE = rf"({'|'.join(ITEM_TYPES)})"
_CATEGORY = "|".join(CATEGORIES)
_PRIORITY = r"(?:, P(\d{1,18}))?"

_TITLE = re.compile(r"# Status of (.*)")
_AS_OF = re.compile(rf"As of position (\d{{1,18}})(?:, {_MOMENT})?\.")
_HEALTH = re.compile(r"(\d{1,18}) of (\d{1,18}) operational \((\d{1,3}\.\d\d) %\), (\d{1,18}) broken\.")
_CELL = re.compile(rf"\| ({TEXT}?) (?=\|)")
_TESTS = re.compile(r"(\d{1,18}|\?) of (\d{1,18}|\?)(?:, (\d{1,18}|\?) skipped)?")
_CYCLE = re.compile(r"Wait for each other, so none of them can begin: (`.+`)\. Take one of their links away\.")
_COUNTS = re.compile(
    rf"(\d{{1,18}}) items?(?:, (\d{{1,18}}) of them archived\. The others)?(?: by status)?: ({LISTED});"
    rf"(?: by category: ({LISTED});)? by type: (.*); by priority: (.*)\."
)
_STATE = rf"(?:, (?:(blocked|completed)|({ENTRY}) as ({_CATEGORY})))?"
_ITEM = re.compile(rf"( *)- {_REF} ({TEXT}?) \({_TYPE}{_STATE}{_PRIORITY}\)(?:: (.*))?")
_SITUATION = re.compile(
    rf"(queued(?:; |$))?(?:blocked because ({LISTED})(?:; |$))?(?:waits for ((?:{_REF}(?:, )?)+)(?:; |$))?"
    rf"(?:claimed by ({LISTED}) until {_MOMENT}(?:; |$))?(?:with ({LISTED})(?:; |$))?"
    r"(?:(\d{1,18}) comments?(?:; |$))?(?:(\d{1,18}) attachments?(?:; |$))?(?:on (.*))?"
)
_READY = re.compile(rf"\d+\. {_REF} ({TEXT}?) \({_TYPE}{_PRIORITY}\)")
_DUE = re.compile(
    rf"\d+\. {_REF} ({TEXT}?) \({_TYPE}{_PRIORITY}\): due (?:(\d{{4}}-\d\d-\d\d)|{_MOMENT})(?:; with ({LISTED}))?"
)
_DEPLOYMENT = re.compile(rf"- {_REF} {_MOMENT}(?: to ({NAMED}))?: (?:#(\d{{1,18}}) )?(.*)")
_DETAILS = re.compile(
    rf"  (?:Commit (.+?); tests|Tests): ({LISTED}); compliant: (yes|no|\*unknown\*)"
    rf"(?:; vendors: ({LISTED}))?(?:; work: (.*))?"
)
_TESTED = re.compile(rf"(-?\d{{1,18}}) ({ENTRY})")
_ENTRIES = re.compile(rf"(?:^|(?<=, ))({ENTRY})(?=, |$)")
_REFS = re.compile(_REF)
_ENHANCEMENT = re.compile(rf"- {_REF} ({TEXT}?) \(({'|'.join(PLANS)}|\*unknown\*){_PRIORITY}(?:, for ({TEXT}))?\)")
_SYNC = re.compile(
    r"Answered from (\w+)\. Writes that wait for the database: (\d{1,18})\. "
    r"Conflicts that wait for a decision: (\d{1,18})\."
)
_ID = re.compile(r"([a-z]-[0-9a-z]+) ([0-9a-f-]{36})(?: (\d{1,18}|p-[0-9a-z-]+))?")


def parse(text: str) -> Document:
    """The document in the shape of `report.document`, as far as the text shows it.

    What is not shown is absent, but `id` and `version` are None then. An item that is only queued is `pending`.
    Raises Damaged, naming the line, for a text that no report is.
    """
    sections = _sections(text)
    ids = dict(_ids(sections.pop(IDS, [])))
    readers: dict[str, Callable[[list[Line]], Entity]] = {
        "": _opening,
        "## Vendors": _vendors,
        "## Active work": _work,
        "## Overdue": lambda lines: {"overdue": _listed(lines, _due_item)},
        "## Due this week": lambda lines: {"due_this_week": _listed(lines, _due_item)},
        "## Ready to begin": _ready,
        "## Recent deployments": _deployments,
        "## Future enhancements": _enhancements,
        "## Sync": _sync,
    }
    found: Document = {
        "overdue": _listed([], _due_item),
        "due_this_week": _listed([], _due_item),
        "sync": {"source": "postgres", "clean": True, "queued": 0, "conflicts": 0},
    }
    for heading, lines in sections.items():
        if heading not in readers:
            raise report_lines.unread((lines[0][0] - 1, heading))
        found |= readers[heading](lines[1:])
    missing = readers.keys() - sections.keys() - LEFT_OUT
    if missing:
        raise Damaged(f"the report has no section {min(missing)}", next_step="write it again with `status --write`")
    _identify(found, ids)
    _place(found["active_work_items"]["items"])
    return found


def _sections(text: str) -> dict[str, list[Line]]:
    """The lines below each heading, the heading first; blank ones left out."""
    found: dict[str, list[Line]] = {"": [(0, "")]}
    section = found[""]
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(("## ", IDS)):
            name = IDS if line.startswith(IDS) else line
            if name in found:
                raise report_lines.unread((number, line))
            section = found[name] = [(number, line)]
        elif line:
            section.append((number, line))
    return found


def _opening(lines: list[Line]) -> Document:
    title, as_of = (*lines, (0, ""), (0, ""))[:2]
    position, time = report_lines.match(_AS_OF, as_of)
    name = report_lines.match(_TITLE, title)[0]
    report_lines.end(lines[2:])
    return {
        "project": unescaped(name),
        "as_of": {"position": int(position), "time": time and report_lines.time(time, as_of)},
    }


def _vendors(lines: list[Line]) -> Document:
    if report_lines.says_only(lines, "No vendors yet."):
        return {"vendor_health": _health(("0", "0", "0.0", "0"), [])}
    return {"vendor_health": _health(report_lines.match(_HEALTH, report_lines.first(lines)), lines[3:])}


def _health(counts: tuple[str, ...], rows: list[Line]) -> Entity:
    vendors, left_out = report_lines.entries(rows, _vendor)
    return {
        "total_vendors": int(counts[1]),
        "operational_count": int(counts[0]),
        "broken_count": int(counts[3]),
        "operational_percentage": float(counts[2]),
        "vendors": vendors,
        "has_more": left_out > 0,
    }


def _vendor(line: Line) -> Entity:
    cells = _CELL.findall(line[1])
    if len(cells) != 7:
        raise report_lines.unread(line)
    name, status, version, tests, formats, manifest, ref = cells
    return {
        "ref": coded(ref),
        "name": unescaped(name),
        "status": None if status == UNKNOWN else status,
        "extractor_version": report_lines.text_or_none(version),
        "format_support": _formats(formats),
        "test_results": None if tests == UNKNOWN else _tests(tests, line),
        "manifest_compliant": report_lines.yes_or_no(manifest),
    }


def _formats(text: str) -> dict[str, bool]:
    """What is named is supported, what has a question mark is unknown, what is neither is not supported."""
    if text == UNKNOWN:
        return {}
    entries = [] if text == "none" else _ENTRIES.findall(text)
    unsaid = {name for name in FORMATS if f"{name}?" in entries}
    named = {unescaped(entry): True for entry in entries if entry.removesuffix("?") not in unsaid}
    return {name: False for name in FORMATS if name not in unsaid} | named


def _tests(text: str, line: Line) -> Entity:
    passing, total, skipped = report_lines.match(_TESTS, (line[0], text))
    return {
        "passing": report_lines.count(passing),
        "total": report_lines.count(total),
        "skipped": report_lines.count(skipped or "0"),
    }


def _work(lines: list[Line]) -> Document:
    nothing = report_lines.says_only(lines, "No work items yet.")
    counts = ["0", "0", "", "", "", ""] if nothing else report_lines.match(_COUNTS, report_lines.first(lines))
    total, archived, states, by_category, by_type, by_priority = counts
    by_status = report_lines.counts(states)
    cycles = list(takewhile(bool, map(_cycle, lines[1:])))
    rows = lines[1 + len(cycles) :]
    rows = [] if nothing or report_lines.says_only(rows, "Nothing is unfinished.") else rows
    items, left_out = report_lines.entries(rows, _item)
    work = {
        "total_count": int(total),
        "archived_count": int(archived or 0),
        "by_type": report_lines.counts(by_type),
        "by_priority": report_lines.counts(by_priority.replace("P", "")),
        "by_status": by_status,
        "by_category": report_lines.counts(by_category) if by_category else _categories(by_status),
        "returned": len(items),
        "has_more": left_out > 0,
        "items": items,
        "cycles": cycles,
    }
    return {"active_work_items": work}


def _cycle(line: Line) -> list[Entity]:
    found = _CYCLE.fullmatch(line[1])
    return [{"ref": coded(ref)} for ref in found[1].split(", ")] if found else []


def _item(line: Line) -> Entity:
    indent, ref, title, item_type, status, word, category, priority, rest = report_lines.match(_ITEM, line)
    queued, reason, blockers, _, by, until, assignee, *counts, branch = report_lines.match(
        _SITUATION, (line[0], rest or "")
    )
    comments, attached = (count and int(count) for count in counts)
    return {
        "ref": ref,
        "title": unescaped(title),
        "item_type": item_type,
        "status": unescaped(word) if word else status or "active",
        "category": category or ORIGINAL[status or "active"],
        "priority": priority and int(priority),
        "depth": len(indent) // 2,
        "block_reason": reason and unescaped(reason),
        "blocked_by": [{"ref": blocker} for blocker in _REFS.findall(blockers or "")],
        "claim": {"by": unescaped(by), "until": report_lines.time(until, line)} if until else None,
        "assignee": assignee and unescaped(assignee),
        "branch_name": branch and coded(branch),
        "comment_count": comments,
        "attachment_count": attached,
        **({"pending": True} if queued else {}),
    }


def _ready(lines: list[Line]) -> Document:
    return {"ready": _listed(report_lines.rows(lines, "Nothing is ready."), _ready_item)}


def _listed(rows: list[Line], read: Callable[[Line], Entity]) -> Entity:
    """The entries of a list, and how many there are."""
    least = bool(rows and "at least" in rows[-1][1] and rows[-1][1].startswith("..."))
    items, left_out = report_lines.entries(rows, read)
    known = len(items) + left_out
    total = {"total_count": None, "total_is_at_least": known} if least else {"total_count": known}
    return {**total, "returned": len(items), "has_more": left_out > 0, "items": items}


def _ready_item(line: Line) -> Entity:
    ref, title, item_type, priority = report_lines.match(_READY, line)
    return {"ref": ref, "title": unescaped(title), "item_type": item_type, "priority": priority and int(priority)}


def _due_item(line: Line) -> Entity:
    ref, title, item_type, priority, day, moment, assignee = report_lines.match(_DUE, line)
    return {
        "ref": ref,
        "title": unescaped(title),
        "item_type": item_type,
        "priority": priority and int(priority),
        "due": day or report_lines.time(moment, line),
        "assignee": assignee and unescaped(assignee),
    }


def _deployments(lines: list[Line]) -> Document:
    rows = report_lines.rows(lines, "No deployments yet.")
    if len(rows) % 2:
        raise report_lines.unread(rows[-1])
    return {"recent_deployments": [_deployment(*pair) for pair in zip(rows[::2], rows[1::2], strict=True)]}


def _deployment(head: Line, details: Line) -> Entity:
    ref, at, environment, pr_number, title = report_lines.match(_DEPLOYMENT, head)
    commit, tests, compliant, vendors, work = report_lines.match(_DETAILS, details)
    return {
        "ref": ref,
        "deployed_at": report_lines.time(at, head),
        "commit_hash": commit and coded(commit),
        "pr_number": pr_number and int(pr_number),
        "pr_title": report_lines.text_or_none(title),
        "test_summary": {unescaped(name): int(count) for count, name in _TESTED.findall(tests)},
        "constitutional_compliance": report_lines.yes_or_no(compliant),
        "environment": environment and unescaped(environment),
        "vendors": [_ref_or_name(entry) for entry in _ENTRIES.findall(vendors)] if vendors else [],
        "work_items": [{"ref": item} for item in _REFS.findall(work or "")],
    }


def _ref_or_name(entry: str) -> Entity:
    return {"ref": coded(entry), "name": None} if entry.startswith("`") else {"name": unescaped(entry)}


def _enhancements(lines: list[Line]) -> Document:
    planned, left_out = report_lines.entries(report_lines.rows(lines, "None planned."), _enhancement)
    return {"pending_enhancements": planned, "pending_enhancements_count": len(planned) + left_out}


def _enhancement(line: Line) -> Entity:
    ref, title, status, priority, quarter = report_lines.match(_ENHANCEMENT, line)
    return {
        "ref": ref,
        "title": unescaped(title),
        "status": report_lines.text_or_none(status),
        "priority": priority and int(priority),
        "target_quarter": quarter and unescaped(quarter),
    }


def _sync(lines: list[Line]) -> Document:
    source, queued, conflicts = report_lines.match(_SYNC, report_lines.first(lines))
    return {"sync": {"source": source, "clean": False, "queued": int(queued), "conflicts": int(conflicts)}}


def _ids(lines: list[Line]) -> Iterator[tuple[str, Entity]]:
    for line in lines[1:]:
        if line[1] != "-->":
            ref, id, version = report_lines.match(_ID, line)
            yield ref, {"id": id, "version": int(version) if version and version.isdecimal() else version}


def _identify(document: Document, ids: dict[str, Entity]) -> None:
    """Gives every entity that is named by its reference the id behind it."""
    unknown = {"id": None, "version": None}
    for entity in _named_entities(document):
        entity |= ids.get(entity["ref"], unknown) if "ref" in entity else {}
    vendors = {vendor["name"]: vendor for vendor in document["vendor_health"]["vendors"]}
    for deployment in document["recent_deployments"]:
        for vendor in deployment["vendors"]:
            known = vendors.get(vendor["name"])
            vendor |= {name: known[name] for name in ("ref", "id")} if known and "ref" not in vendor else {}


def _named_entities(document: Document) -> Iterator[Entity]:
    for item in document["active_work_items"]["items"]:
        yield item
        yield from item["blocked_by"]
    yield from chain(*document["active_work_items"]["cycles"])
    for deployment in document["recent_deployments"]:
        yield from (deployment, *deployment["vendors"], *deployment["work_items"])
    yield from document["vendor_health"]["vendors"]
    for name in ("ready", "overdue", "due_this_week"):
        yield from document[name]["items"]
    yield from document["pending_enhancements"]


def _place(items: list[Entity]) -> None:
    """Each item's parent is the last one above it that is one step less deep."""
    above: list[Entity] = []
    for item in items:
        del above[item["depth"] :]
        item["parent_id"] = above[-1]["id"] if above else None
        item["parent_ref"] = above[-1]["ref"] if above else None
        above.append(item)


def _categories(by_status: dict[str, int]) -> dict[str, int]:
    """The categories of original states alone, which are known."""
    counted: Counter[str] = Counter()
    for word, count in by_status.items():
        counted[ORIGINAL.get(word, "unknown")] += count
    return dict(sorted(counted.items()))
