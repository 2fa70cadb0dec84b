"""A file that ends too early, as a broken download does, is refused with its line, or its last line is named."""

from pathlib import Path

import pytest

from ledger.errors import Invalid
from ledger.values.moment import parse
from projections.transfer.import_sources import SOURCES
from tests.support.trackers import TRACKERS, Task

NOW = parse("2026-11-22T12:00:00Z")
TASKS = [
    Task(number=n, title=f"t{n}", text="x", state="open", priority=1, parent=None, needs=(), tags=("a",), changed=n)
    for n in (1, 2)
]
STEP = 7  # characters between two places at which a file is cut


@pytest.mark.parametrize("tracker", ["github", "gitlab", "taskmaster", "trello"])
def test_json_that_is_cut_off_anywhere_is_refused_as_that(tmp_path: Path, tracker: str) -> None:
    file = TRACKERS[tracker](tmp_path, TASKS)
    whole = file.read_text().rstrip()

    problems = set()
    for end in range(1, len(whole), STEP):
        file.write_text(whole[:end])
        with pytest.raises(Invalid) as caught:
            SOURCES[tracker].read(file, str, NOW)
        problems.add("is cut off" in caught.value.message and ", line " in caught.value.message)

    assert problems == {True}


@pytest.mark.parametrize("tracker", ["jira", "asana"])
def test_a_table_whose_last_row_is_cut_off_is_refused_with_its_line(tmp_path: Path, tracker: str) -> None:
    file = TRACKERS[tracker](tmp_path, TASKS)
    whole = file.read_text().rstrip("\r\n")
    begin, end = whole.rstrip().rindex("\n") + 1, whole.rindex(",")

    lines = whole.count("\n") + 1
    for place in range(begin + 1, end, STEP):
        file.write_text(whole[:place])
        with pytest.raises(Invalid, match=rf"line {lines} is (cut off|not CSV)"):
            SOURCES[tracker].read(file, str, NOW)


def test_a_short_last_row_of_a_table_that_ends_whole_is_taken(tmp_path: Path) -> None:
    (tmp_path / "Jira.csv").write_text("Summary,Issue key,Status,Sprint\nOne,J-1,Open,S\nTwo,J-2,Open\n")

    reading = SOURCES["jira"].read(tmp_path / "Jira.csv", str, NOW)

    assert [item.fields["title"] for item in reading.items] == ["One", "Two"]
