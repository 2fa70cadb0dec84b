"""Real files recounted without the readers: every record is there, and every value of every record."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from ledger.importing.readers.reading import Reading
from ledger.values.moment import parse, text
from projections.transfer.import_sources import SOURCES

NOW = parse("2026-11-22T12:00:00Z")
DATA = Path(__file__).parents[3] / "shared" / "data" / "trackers"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not beside the checkout")

DERIVED = {"dependency_count", "dependent_count", "comment_count", "dependents", "notes_preview", "_type"}
MARK = re.compile(r"\s*<!--\s*(?:SECTION:)?(?:DESCRIPTION|PLAN|NOTES|FINAL_SUMMARY|AC|DOD|COMMENTS?):\w+\s*-->\s*")
HEADING = re.compile(
    r"## (?:Description|Acceptance Criteria|Implementation Plan|Implementation Notes|Final Summary"
    r"|Definition of Done|Comments)\s*"
)


def leaves(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for key, inner in value.items():
                if key not in DERIVED:
                    yield from leaves(inner)
        case list() | tuple():
            for inner in value:
                yield from leaves(inner)
        case None | "" | "{}":
            return
        case _:
            yield as_text(value)


def as_text(value: Any) -> str:
    """A value as it compares: a time as the moment it is."""
    try:
        return text(parse(str(value)))
    except ValueError:
        return str(value).strip().casefold()


def read(name: str, source: str) -> Reading:
    return SOURCES[source].read(DATA / name, str, NOW)


def said_of(reading: Reading) -> dict[str, Counter[str]]:
    return {item.external_id: Counter(leaves(msgspec.to_builtins(item))) for item in reading.items}


def test_every_value_of_every_beads_issue_is_there() -> None:
    lines = (DATA / "beads-issues-2026-02-27.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines if line.strip()]

    reading = read("beads-issues-2026-02-27.jsonl", "beads")

    said = said_of(reading)
    lost = {record["id"]: set(leaves(record)) - said[record["id"]].keys() for record in records}
    assert (len(records), reading.not_taken) == (len(reading.items), [])
    assert {name: values for name, values in lost.items() if values} == {}
    counted = {record["id"] for record in records if record.get("comment_count", 0) > len(record.get("comments", ()))}
    assert {finding.where for finding in reading.warnings if finding.kind == "comments_missing"} == counted
    links = Counter(entry["type"] for record in records for entry in record.get("dependencies", ()))
    assert Counter(link.word for item in reading.items for link in item.links) == links


def test_every_value_of_every_task_master_task_is_there() -> None:
    whole = json.loads((DATA / "taskmaster-tasks-typosentinel.json").read_text())
    tasks = {f"{task['id']}": task for task in whole["master"]["tasks"]}
    below = {
        f"{number}.{str(sub['id']).rpartition('.')[2]}": sub
        for number, task in tasks.items()
        for sub in task.get("subtasks", ())
    }

    reading = read("taskmaster-tasks-typosentinel.json", "taskmaster")

    said = said_of(reading)
    for number, record in (tasks | below).items():
        own = {name: value for name, value in record.items() if name not in ("id", "subtasks", "dependencies")}
        assert set(leaves(own)) - said[number].keys() == set(), number
    assert (said.keys(), reading.not_taken) == (tasks.keys() | below.keys(), [])
    assert set(leaves(whole["master"]["metadata"])) <= said[reading.items[0].external_id].keys()
    named = sum(len(record.get("dependencies", ())) for record in (tasks | below).values())
    assert sum(link.kind == "depends_on" for item in reading.items for link in item.links) == named


def test_every_value_and_every_line_of_every_backlog_file_is_there() -> None:
    files = sorted((DATA / "backlogmd-sample").glob("*.md"))

    reading = read("backlogmd-sample", "backlog")

    items = {item.fields["metadata"]["source_file"]: item for item in reading.items}
    assert items.keys() == {file.name for file in files}
    for file in files:
        _, head, body = file.read_text().split("---\n", 2)
        fields = yaml.load(re.sub(r": (@\S+)$", r": '\1'", head, flags=re.M), Loader=yaml.BaseLoader)
        kept = msgspec.to_builtins(items[file.name])
        references = [*fields.pop("dependencies", []), *filter(None, [fields.pop("parent_task_id", None)])]
        words = [link.word for link in items[file.name].links]
        assert sum(word in ("dependencies", "parent_task_id") for word in words) >= len(references)
        assert {value for value in leaves(_dates(fields)) if value not in set(leaves(kept))} == set(), file.name
        lines = {line for value in _texts(kept) for line in value.split("\n")}
        answer = [line for line in body.split("\n") if not MARK.fullmatch(line) and not HEADING.fullmatch(line)]
        assert [line for line in answer if _content(line) and _content(line) not in lines] == [], file.name


def _dates(fields: dict[str, Any]) -> dict[str, Any]:
    """With days and minutes as moments, which are UTC there; and references in the spelling that is kept."""

    def read(value: Any) -> Any:
        match = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d))?", value) if isinstance(value, str) else None
        return f"{match[1]}T{match[2] or '00:00'}:00Z" if match else value

    return {name: read(value) for name, value in fields.items()}


def _texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for inner in value.values():
                yield from _texts(inner)
        case list() | tuple():
            for inner in value:
                yield from _texts(inner)
        case str():
            yield value


def _content(line: str) -> str:
    """A criterion without its box and number; any other line as it stands."""
    return re.sub(r"^\s*[-*] \[[ xX]\] (?:#\d+ )?", "", line) if line.strip() else ""
