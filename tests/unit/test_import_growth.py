"""Large files: what a record costs does not grow with their number, and none is beyond those looked at first.

The cost is counted in calls, not in seconds, so it is the same on every machine.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import Invalid
from ledger.importing.readers import sample
from ledger.importing.readers.reading import Reading
from ledger.values.moment import parse
from projections.transfer.import_sources import SOURCES
from tests.support.long_cases import long_cases
from tests.support.trackers import TRACKERS, Task

NOW = parse("2026-11-22T12:00:00Z")
STATES = ("open", "doing", "blocked", "done", "dropped")
FEW, MANY = 40, 160
MOST_CALLS = 1500  # for a record
DEEP = 600  # Python walks 1,000 frames
GROWTH = 1.2  # of what a record costs, where there are four times as many


def tasks(count: int) -> list[Task]:
    return [
        Task(
            number=n,
            title=f"Task {n}",
            text="x",
            state=STATES[n % 5],
            priority=n % 3,
            parent=n // 10 * 10 if n >= 10 and n % 10 else None,
            needs=tuple(other for other in (n - 1, n - 7) if other > 0),
            tags=("a",),
            changed=n % 9 + 1,
        )
        for n in range(1, count + 1)
    ]


def calls_a_record(source: str, path: Path) -> float:
    calls = 0

    def count(_: Any, event: str, __: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        reading = SOURCES[source].read(path, str, NOW)
    finally:
        sys.setprofile(before)
    return calls / reading.found


def read(source: str, path: Path) -> Reading:
    return SOURCES[source].read(path, str, NOW)


@long_cases("tracker", TRACKERS)
def test_a_record_among_many_costs_what_one_among_few_does(tmp_path: Path, tracker: str) -> None:
    calls_a_record(tracker, TRACKERS[tracker](tmp_path, tasks(FEW)))  # what is done once in a process

    few = calls_a_record(tracker, TRACKERS[tracker](tmp_path, tasks(FEW)))
    many = calls_a_record(tracker, TRACKERS[tracker](tmp_path, tasks(MANY)))

    assert many < min(few * GROWTH, MOST_CALLS)


@pytest.mark.processes
def test_comments_by_themselves_cost_the_same_among_many_issues(tmp_path: Path) -> None:
    file = tmp_path / "issues.json"

    def written(count: int) -> Path:
        issues = [
            {"number": n, "title": "t", "state": "open", "created_at": "2026-03-01T10:00:00Z"} for n in range(count)
        ]
        address = "https://github.com/o/r/issues/{0}#issuecomment-{0}"
        comments = [{"id": n, "html_url": address.format(n), "body": "c"} for n in range(count)]
        file.write_text(json.dumps([*issues, *comments]))
        return file

    few, many = (calls_a_record("github", written(count)) for count in (FEW, 10 * FEW))

    assert many < few * GROWTH


def test_a_zone_by_its_name_is_not_looked_for_on_the_disk_each_time(tmp_path: Path) -> None:
    names = "ID,Team,Title,Status,Cycle Number,Created\n"
    rows = [f"L-{n},T,x,Todo,,2026-03-01 10:{n % 60:02} Europe/Berlin\n" for n in range(MANY)]
    (tmp_path / "linear.csv").write_text(names + "".join(rows))
    read("linear", tmp_path / "linear.csv")

    assert calls_a_record("linear", tmp_path / "linear.csv") < MOST_CALLS


@pytest.mark.parametrize("deep", ["[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP])
def test_json_nested_deeper_than_it_can_be_walked_is_refused_and_never_a_crash(tmp_path: Path, deep: str) -> None:
    lists = {
        "github": '[{"number": 1, "title": "t", "state": "open", "x": %s}]',
        "gitlab": '[{"iid": 1, "title": "t", "state": "opened", "x": %s}]',
        "taskmaster": '{"master": {"tasks": [{"id": 1, "title": "t", "x": %s}]}}',
        "taskwarrior": '[{"uuid": "u", "description": "d", "status": "pending", "x": %s}]',
        "trello": '{"id": "b", "name": "B", "lists": [], "cards": [{"id": "5cfa8fff", "name": "n", "x": %s}]}',
    }
    for source, whole in lists.items():
        (tmp_path / "file.json").write_text(whole % deep)
        with pytest.raises(Invalid, match="is JSON nested too deep: more than 100"):
            read(source, tmp_path / "file.json")
    (tmp_path / "issues.jsonl").write_text(f'{{"id": "a-1", "title": "t", "x": {deep}}}\n{{"id": "a-2", "title": "t"}}')

    assert [item.external_id for item in read("beads", tmp_path / "issues.jsonl").items] == ["a-2"]


@pytest.mark.processes
def test_a_section_that_changes_its_kind_at_every_heading_is_read_to_its_end(tmp_path: Path) -> None:
    above = "# P\n\n## Deployments\n\n## Work Items\n\n- a\n\n## Sessions\n\n## Vendors\n\n"
    kinds = [f"### {'Enhancements' if n % 2 else 'Vendors'}\n\n- Record{n}\n\n" for n in range(2 * DEEP)]
    (tmp_path / ".project_status.md").write_text(above + "".join(kinds))

    reading = read("legacy", tmp_path / ".project_status.md")

    assert (len(reading.vendors), len(reading.enhancements)) == (DEEP, DEEP)


def test_every_file_of_a_folder_is_read_not_the_first_ones_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "MOST_NAMES", 2)
    tracked = TRACKERS["claude-code"](tmp_path, tasks(5))
    archive = tmp_path / "archive"
    archive.mkdir()
    for number in range(1, 6):
        (archive / f"issue_{number}.json").write_text(json.dumps({"number": number, "title": "t", "state": "open"}))

    assert len(read("claude-code", tracked).items) == len(read("github", archive).items) == 5


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sample.os, "scandir", refused)

    with pytest.raises(Invalid, match=f"{tmp_path} cannot be read: Permission denied"):
        read("claude-code", tmp_path)
