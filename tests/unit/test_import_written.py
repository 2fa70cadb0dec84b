"""Files with known content, written in the ways that people and programs write them: every field comes back."""

import json
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from ledger.aggregates.work_item.commands import ImportedItem
from ledger.importing.readers.reading import Reading
from ledger.values.moment import parse, text
from projections.transfer.import_sources import SOURCES
from tests.support.examples import examples

NOW = parse("2026-11-22T12:00:00Z")
START = datetime(2026, 3, 1, tzinfo=UTC)

lines = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=12)
words = lines.map(lambda text: f"w{text}w")
texts = st.lists(words, min_size=1, max_size=3).map("  \n".join)
moments = st.integers(0, 10**9).map(lambda seconds: START + timedelta(seconds=seconds % 10**7, microseconds=seconds))
zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))])
tags = st.lists(st.sampled_from(["Api", "b-c", "über", "x y"]), max_size=2, unique=True)


class Known(Struct, frozen=True, kw_only=True):
    """What one record says; `needs` are numbers of others."""

    number: int
    title: str
    description: str
    notes: str
    assignee: str
    done: bool
    priority: int
    tags: list[str]
    needs: list[int]
    created: datetime
    lasted: int
    more: str

    @property
    def changed(self) -> datetime:
        return self.created + timedelta(seconds=self.lasted)


@st.composite
def projects(draw: st.DrawFn) -> list[Known]:
    count = draw(st.integers(1, 4))
    return [
        Known(
            number=number,
            title=draw(words),
            description=draw(texts),
            notes=draw(texts),
            assignee=draw(st.sampled_from(["ann", "@bob", "ü. n"])),
            done=draw(st.booleans()),
            priority=draw(st.integers(1, 3)),
            tags=draw(tags),
            needs=[other for other in draw(st.sets(st.integers(1, count))) if other != number],
            created=draw(moments),
            lasted=draw(st.integers(0, 10**6)),
            more=draw(words),
        )
        for number in range(1, count + 1)
    ]


def read(source: str, name: str, content: bytes) -> Reading:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(content)
        return SOURCES[source].read(file, lambda name: f"id of {name}", NOW)


def said(item: ImportedItem) -> dict[str, Any]:
    fields = item.fields
    return {
        "title": fields["title"],
        "description": fields.get("description"),
        "notes": fields.get("notes"),
        "assignee": fields.get("assignee"),
        "priority": fields.get("priority"),
        "tags": fields.get("tags", ()),
        "done": item.finished,
        "created": text(item.created.at),
        "changed": fields["metadata"].get("source_updated_at"),
        "closed": fields["metadata"].get("source_closed_at"),
        "needs": sorted(link.to for link in item.links if link.kind == "depends_on"),
        "more": fields["metadata"].get("custom"),
    }


def expected(known: Known, prefix: str, **more: Any) -> dict[str, Any]:
    return {
        "title": known.title,
        "description": known.description,
        "notes": known.notes,
        "assignee": known.assignee,
        "priority": known.priority,
        "tags": tuple(tag.lower() for tag in known.tags),
        "done": known.done,
        "created": text(known.created),
        "changed": text(known.changed),
        "closed": text(known.changed) if known.done else None,
        "needs": sorted(f"{prefix}{other}" for other in known.needs),
        "more": known.more,
    } | more


class Style(Struct, frozen=True, kw_only=True):
    """How JSON is written."""

    ascii: bool
    indent: int | None
    end: str
    mark: bool
    reverse: bool

    def dump(self, value: Any, *, indent: int | None = None) -> str:
        ordered = dict(reversed(value.items())) if self.reverse and isinstance(value, dict) else value
        return json.dumps(ordered, ensure_ascii=self.ascii, indent=indent)

    def encode(self, written: str) -> bytes:
        return (("\ufeff" if self.mark else "") + written.replace("\n", self.end)).encode()


styles = st.builds(
    Style,
    ascii=st.booleans(),
    indent=st.sampled_from([None, 0, 2]),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    mark=st.booleans(),
    reverse=st.booleans(),
)


@examples(80)
@given(projects(), styles, zones, st.booleans())
def test_every_field_of_a_beads_issue_comes_back(
    project: list[Known], style: Style, zone: timezone, as_list: bool
) -> None:
    records = [
        {
            "id": f"b-{known.number}",
            "title": known.title,
            "description": known.description,
            "notes": known.notes,
            "assignee": known.assignee,
            "status": "closed" if known.done else "open",
            "priority": known.priority - 1,
            "issue_type": "task",
            "labels": known.tags,
            "created_at": known.created.astimezone(zone).isoformat(),
            "updated_at": known.changed.astimezone(zone).isoformat(),
            "dependencies": [
                {"issue_id": f"b-{known.number}", "depends_on_id": f"b-{other}", "type": "blocks"}
                for other in known.needs
            ],
            "custom": known.more,
        }
        | ({"closed_at": known.changed.isoformat()} if known.done else {})
        for known in project
    ]
    written = style.dump(records, indent=style.indent) if as_list else "\n".join(map(style.dump, records))

    reading = read("beads", "issues.jsonl", style.encode(written))

    assert [said(item) for item in reading.items] == [expected(known, "b-") for known in project]
    assert reading.not_taken == []


@examples(80)
@given(projects(), styles, zones, st.sampled_from(["flat", "master", "tag"]), st.booleans(), st.booleans())
def test_every_field_of_a_task_master_task_comes_back(
    project: list[Known], style: Style, zone: timezone, layout: str, as_texts: bool, as_subtasks: bool
) -> None:
    def number(value: int) -> int | str:
        return str(value) if as_texts else value

    records: list[dict[str, Any]] = [
        {
            "id": number(known.number),
            "title": known.title,
            "description": known.description,
            "details": known.notes,
            "assignee": known.assignee,
            "status": "done" if known.done else "pending",
            "priority": ("critical", "high", "medium")[known.priority - 1],
            "tags": known.tags,
            "createdAt": known.created.astimezone(zone).isoformat(),
            "updatedAt": known.changed.astimezone(zone).isoformat(),
            "dependencies": [number(other) for other in known.needs],
            "custom": known.more,
        }
        | ({"completedAt": known.changed.isoformat()} if known.done else {})
        for known in project
    ]
    tasks = [{"id": number(9), "title": "Above", "status": "pending", "subtasks": records}] if as_subtasks else records
    whole = {"tasks": tasks} if layout == "flat" else {"master" if layout == "master" else "x": {"tasks": tasks}}

    reading = read("taskmaster", "tasks.json", style.encode(style.dump(whole, indent=style.indent)))

    prefix = ("x:" if layout == "tag" else "") + ("9." if as_subtasks else "")
    more = ("x",) if layout == "tag" else ()
    wanted = [expected(known, prefix, tags=(*more, *(tag.lower() for tag in known.tags))) for known in project]
    assert [said(item) for item in reading.items if item.fields["title"] != "Above"] == wanted
    assert reading.not_taken == []


plain_words = st.text(st.sampled_from("abcüß日x 0-:"), min_size=1, max_size=12).map(lambda text: f"Do{text}w".strip())


@st.composite
def todo_lines(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A line as programs write it, and what it says."""
    title = " ".join([draw(plain_words), *(f"+{tag}" for tag in draw(st.sets(st.sampled_from(["home", "Work"]))))])
    letter = draw(st.sampled_from([None, "A", "C"]))
    created = draw(st.sampled_from([None, "2026-03-01", "2026-04-30"]))
    completed = draw(st.sampled_from([None, "2026-05-02"])) if draw(st.booleans()) else None
    done = completed is not None
    priority = f"({letter})" if letter else ""
    days = [day for day in (completed, created) if day]
    if not done:
        head = [priority, created or ""]
    else:
        between = draw(st.integers(0, len(days))) if len(days) > 1 else draw(st.sampled_from([1]))
        head = ["x", *days[:between], priority, *days[between:]]
    written = draw(st.sampled_from([" ", "  "])).join([*filter(None, head), title])
    return written, {
        "title": title,
        "done": done,
        "priority": {"A": 1, "C": 3, None: None}[letter],
        "created": created,
        "closed": completed,
    }


@examples(150)
@given(st.lists(todo_lines(), min_size=1, max_size=4), st.sampled_from(["\n", "\r\n", "\n\n"]), st.booleans())
def test_every_field_of_a_todo_txt_task_comes_back(
    project: list[tuple[str, dict[str, Any]]], end: str, mark: bool
) -> None:
    written = end.join(line for line, _ in project)

    reading = read("todotxt", "todo.txt", (("\ufeff" if mark else "") + written).encode())

    undated = {finding.where for finding in reading.warnings if finding.kind == "no_creation_time"}
    assert [
        {
            "title": item.fields["title"],
            "done": item.status == "completed",
            "priority": item.fields.get("priority"),
            "created": None if item.external_id in undated else text(item.created.at)[:10],
            "closed": item.fields["metadata"].get("source_closed_at", "")[:10] or None,
        }
        for item in reading.items
    ] == [wanted for _, wanted in project]
    assert reading.not_taken == []


@examples(80)
@given(projects(), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["json", "list"]), st.booleans(), st.booleans())
def test_every_field_of_a_backlog_file_comes_back(
    project: list[Known], end: str, lists: str, marked: bool, padded: bool
) -> None:
    def listed(values: list[str]) -> str:
        if lists == "json" or not values:
            return json.dumps(values, ensure_ascii=False)
        return "".join(f"\n  - {json.dumps(value, ensure_ascii=False)}" for value in values)

    def section(name: str, mark: str, content: str) -> str:
        begin, close = f"<!-- SECTION:{mark}:BEGIN -->\n", f"\n<!-- SECTION:{mark}:END -->"
        return f"## {name}\n\n{begin if marked else ''}{content}{close if marked else ''}\n"

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tasks").mkdir()
        for known in project:
            head = {
                "id": f"TASK-{known.number:0{3 if padded else 1}}",
                "title": json.dumps(known.title, ensure_ascii=False),
                "status": "Done" if known.done else "To Do",
                "assignee": listed([known.assignee]),
                "created_date": f"'{known.created:%Y-%m-%d %H:%M}'",
                "updated_date": f"'{known.changed:%Y-%m-%d %H:%M}'",
                "labels": listed(known.tags),
                "dependencies": listed([f"task-{other}" for other in known.needs]),
                "priority": ("critical", "high", "medium")[known.priority - 1],
                "custom": json.dumps(known.more, ensure_ascii=False),
            }
            body = section("Description", "DESCRIPTION", known.description) + section(
                "Implementation Notes", "NOTES", known.notes
            )
            written = "---\n" + "".join(f"{name}: {value}\n" for name, value in head.items()) + f"---\n\n{body}"
            file = Path(folder) / "tasks" / f"task-{known.number} - T.md"
            file.write_bytes(written.replace("\n", end).encode())

        reading = SOURCES["backlog"].read(Path(folder), lambda name: f"id of {name}", NOW)

    found = sorted(reading.items, key=lambda item: int(item.external_id.rpartition("-")[2]))
    assert [said(item) for item in found] == [
        expected(
            known,
            "TASK-",
            description=known.description.replace("\n", end),
            notes=known.notes.replace("\n", end),
            created=text(known.created.replace(second=0, microsecond=0)),
            changed=text(known.changed.replace(second=0, microsecond=0)),
            closed=None,
        )
        for known in project
    ]
    assert reading.not_taken == []
