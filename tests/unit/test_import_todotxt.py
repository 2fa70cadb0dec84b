"""todo.txt, read."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.aggregates.work_item.commands import ImportedItem
from ledger.errors import Invalid
from ledger.importing.readers.reading import Reading
from ledger.importing.readers.sample import sample_of
from ledger.importing.readers.trackers.personal import todotxt
from ledger.importing.readers.trackers.personal.last_written import last_written
from ledger.importing.readers.trackers.personal.todotxt import parsed, recognises
from ledger.values.moment import parse, text
from tests.support.each import each
from tests.support.imported_log import ImportedLog

PERSON = ("-c", "user.name=a", "-c", "user.email=a@example.org")
IMPORTED_AT = parse("2026-11-22T12:00:00Z")


def read(folder: Path, *lines: str) -> Reading:
    file = folder / "todo.txt"
    file.write_text("\n".join(lines))
    return todotxt.read(file, lambda name: f"id of {name}", IMPORTED_AT)


def one(folder: Path, line: str) -> ImportedItem:
    return read(folder, line).items[0]


def keys(reading: Reading) -> list[str]:
    return [item.external_id for item in reading.items]


@each(
    ("line", "done", "priority", "completed", "created", "words"),
    [
        ("Call Mom", False, None, None, None, "Call Mom"),
        ("(A) Call Mom", False, "A", None, None, "Call Mom"),
        ("(a) Call Mom", False, None, None, None, "(a) Call Mom"),
        ("(A)->Call Mom", False, None, None, None, "(A)->Call Mom"),
        ("Really gotta call Mom (A) @phone", False, None, None, None, "Really gotta call Mom (A) @phone"),
        ("(Z) 2011-03-02 Document", False, "Z", None, "2011-03-02", "Document"),
        ("2011-03-02 (A) odd", False, None, None, "2011-03-02", "(A) odd"),
        ("x 2011-03-03 Call Mom", True, None, "2011-03-03", None, "Call Mom"),
        ("x 2011-03-02 2011-03-01 Review", True, None, "2011-03-02", "2011-03-01", "Review"),
        ("x (B) 2011-03-02 2011-03-01 Review", True, "B", "2011-03-02", "2011-03-01", "Review"),
        ("x Review pri:C", True, "C", None, None, "Review pri:C"),
        ("xylophone lesson", False, None, None, None, "xylophone lesson"),
        ("X 2012-01-01 Make resolutions", False, None, None, None, "X 2012-01-01 Make resolutions"),
        ("2011-13-45 no day", False, None, None, None, "2011-13-45 no day"),
        ("x", False, None, None, None, "x"),
        ("2011-03-02", False, None, None, "2011-03-02", ""),
    ],
)
def test_the_grammar(
    line: str, done: bool, priority: str | None, completed: str | None, created: str | None, words: str
) -> None:
    found = parsed("line 1", line)

    days = [day and text(day)[:10] for day in (found.completed_at, found.created_at)]
    assert (found.done, found.priority, days, found.words) == (done, priority, [completed, created], words)


@each(
    ("line", "pairs"),
    [
        ("a due:2010-01-02 t:2010-01-01", [("due", "2010-01-02"), ("t", "2010-01-01")]),
        ("see http://example.org/x at 12:30 a:b:c :x y:", []),
        ("rec:+1w", [("rec", "+1w")]),
    ],
)
def test_a_pair_is_a_name_and_a_value_around_one_colon(line: str, pairs: list[tuple[str, str]]) -> None:
    assert parsed("line 1", line).pairs == pairs


def test_projects_and_contexts_are_tags_and_pairs_are_metadata(tmp_path: Path) -> None:
    fields = one(tmp_path, "(B) Call +Family +HomeLife @phone due:2010-01-02 x:1 x:2 1+1=2 a@b.c").fields

    assert (fields["tags"], fields["priority"]) == (("family", "homelife", "phone"), 2)
    assert fields["title"] == "Call +Family +HomeLife @phone due:2010-01-02 x:1 x:2 1+1=2 a@b.c"
    assert fields["due"] == "2010-01-02"
    assert fields["metadata"] == {
        "x": ["1", "2"],
        "projects": ["Family", "HomeLife"],
        "contexts": ["phone"],
        "source_priority": "B",
    }


@each(("letter", "ours"), [("A", 1), ("E", 5), ("F", 5), ("Z", 5)])
def test_a_priority_is_one_to_five_with_its_letter_kept(tmp_path: Path, letter: str, ours: int) -> None:
    fields = one(tmp_path, f"({letter}) Call").fields

    assert (fields["priority"], fields["metadata"]["source_priority"]) == (ours, letter)


def test_a_line_that_moves_is_completed_or_gets_a_date_is_the_same_task(tmp_path: Path) -> None:
    first = read(tmp_path, "(A) 2026-03-01 Call +x", "Write", "2026-03-01 Read")

    second = read(tmp_path, "2026-03-01 Read due:2026-04-01", "x 2026-03-09 2026-03-01  Call  +x", "(B) Write")

    assert sorted(keys(first)) == sorted(keys(second))


OPEN = "(A) 2014-06-19 Do it +p"


@each(
    ("line", "completed"),
    [
        ("x 2014-07-04 2014-06-19 Do it +p", "2014-07-04"),
        ("x 2014-07-04 (A) 2014-06-19 Do it +p", "2014-07-04"),
        ("x 2014-07-04 2014-06-19 (A) Do it +p", "2014-07-04"),
        ("x (A) 2014-07-04 2014-06-19 Do it +p", "2014-07-04"),
        ("x (A) 2014-06-19 Do it +p", None),
        ("(A) x 2014-07-04 2014-06-19 Do it +p", "2014-07-04"),
        ("x 2014-07-04 x (A) 2014-07-01 2014-06-19 Do it +p", "2014-07-04"),
        ("x 2014-07-04 x 2014-07-01 2014-06-19 Do it +p", "2014-07-04"),
        ("x 2014-07-04 x (A) 2014-06-19 Do it +p", "2014-07-04"),
        ("x 2014-07-04  (A)  2014-06-19  Do it +p", "2014-07-04"),
        ("x 2014-07-04 2014-06-19 Do it +p pri:A", "2014-07-04"),
    ],
)
def test_a_task_is_the_same_one_in_every_form_in_which_programs_complete_it(
    tmp_path: Path, line: str, completed: str | None
) -> None:
    before = one(tmp_path, OPEN)

    item = one(tmp_path, line)

    assert (item.external_id, item.status) == (before.external_id, "completed")
    assert item.fields["metadata"].get("source_closed_at", "")[:10] == (completed or "")
    assert item.created == before.created
    if "(A)" in line or "pri:" in line:
        assert item.fields["priority"] == 1


@each("line", ["x 2014-07-04 (A) Do it", "x (A) Do it", "x 2014-07-04 Do it", "x Do it"])
def test_a_task_without_a_day_of_its_own_is_the_same_one_too(tmp_path: Path, line: str) -> None:
    assert keys(read(tmp_path, line)) == keys(read(tmp_path, "(A) Do it"))


@each(
    ("line", "words"),
    [
        ("x 2014-07-04 x marks the spot", "x marks the spot"),
        ("x 2014-07-04 2014-06-19 2014-05-01 report", "2014-05-01 report"),
        ("x 2014-07-04 2014-06-19 (A) (B) two", "(B) two"),
        ("x marks (A) 2014-06-19", "marks (A) 2014-06-19"),
    ],
)
def test_what_stands_behind_the_marks_is_the_task(line: str, words: str) -> None:
    assert parsed("line 1", line).words == words


def test_days_of_completion_are_kept_also_earlier_ones_and_one_before_the_creation(tmp_path: Path) -> None:
    reading = read(tmp_path, "x 2014-07-04 x 2014-07-01 2014-06-19 Twice", "x 2014-05-01 2014-06-19 Early")

    twice, early = (item.fields["metadata"] for item in reading.items)
    assert twice == {
        "source_closed_at": "2014-07-04T00:00:00.000000Z",
        "completed_before": ["2014-07-01T00:00:00.000000Z"],
    }
    assert early["source_closed_at"] == "2014-05-01T00:00:00.000000Z"
    assert [finding.where for finding in reading.warnings if finding.kind == "ended_before_it_began"] == [
        "2014-06-19 Early: 2014-05-01T00:00:00.000000Z"
    ]


@each("line", ["X 2012-01-01 Do it", "[x] Do it", "- [X] Do it", "✓ Do it", "✅ Do it"])
def test_a_mark_that_the_format_does_not_know_is_reported(tmp_path: Path, line: str) -> None:
    reading = read(tmp_path, line)

    assert (reading.items[0].status, reading.items[0].fields["title"]) == ("active", line)
    assert "looks_completed" in [finding.kind for finding in reading.warnings]


def test_a_task_is_not_to_begin_before_its_threshold(tmp_path: Path) -> None:
    item = one(tmp_path, "Do it t:2099-01-01 due:2099-02-01")

    assert (item.status, item.fields["not_before"], item.fields["due"]) == ("active", "2099-01-01", "2099-02-01")
    assert item.fields["metadata"] == {}


def test_a_task_without_words_is_named_with_its_line(tmp_path: Path) -> None:
    reading = read(tmp_path, "Call\n(A) 2026-05-01 \nx 2026-05-02\n")

    assert [finding.where for finding in reading.warnings if finding.kind == "no_title"] == ["line 2", "line 3"]
    assert [item.external_id for item in reading.items][2] == "(no words)"


@each("pairs", ["due:soon", "due:2099-02-30", "due:2099-01-01 due:2099-01-02"])
def test_a_day_that_is_none_or_two_stays_in_the_metadata(tmp_path: Path, pairs: str) -> None:
    reading = read(tmp_path, f"Do it {pairs}")

    (item,) = reading.items
    assert "due" not in item.fields
    assert "due" in item.fields["metadata"]
    assert [one.where for one in reading.warnings if one.kind == "time_not_understood"] == ["Do it: due"]


@each("line", ["DONE:", "In progress:", "# Later", "-----", "## Сделано", "完了:"])
def test_a_heading_is_named_and_a_file_of_notes_is_no_list_of_tasks(tmp_path: Path, line: str) -> None:
    reading = read(tmp_path, f"Call\n{line}\n\tBuy milk\n")

    assert [item.fields["title"] for item in reading.items] == ["Call", line, "Buy milk"]
    assert [one.where for one in reading.warnings if one.kind == "looks_like_a_heading"] == [line]
    assert not recognises(sample_of(tmp_path / "todo.txt"))


@each("text", ["Call\nBuy milk due:2026-01-01\n", "(A) Call\nLater:\n", "Re: the offer\n"])
def test_a_file_of_that_name_is_known_by_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "todo.txt").write_text(text)

    assert recognises(sample_of(tmp_path / "todo.txt"))


def test_a_line_that_gets_the_day_it_was_written_is_the_same_task() -> None:
    log = ImportedLog("todotxt")

    log.bring(lambda folder: written(folder, "Do it"))
    log.bring(lambda folder: written(folder, "2014-06-19 Do it", "2014-06-20 Do it"))
    log.bring(lambda folder: written(folder, "2014-06-20 Do it", "x 2014-07-04 2014-06-19 Do it"))

    assert [state["status"] for state in log.current_states().values()] == ["completed", "active"]


UNDATED = ["x 2014-07-04 (A) Do it +p", "x 2014-07-04 Do it +p", "x (A) Do it +p", "x 2014-07-04 Do it +p pri:A"]


@each("line", UNDATED)
def test_a_line_that_loses_the_day_it_was_written_is_the_same_task(line: str) -> None:
    log, other_way_round = ImportedLog("todotxt"), ImportedLog("todotxt")

    log.bring(lambda folder: written(folder, OPEN))
    log.bring(lambda folder: written(folder, line))
    other_way_round.bring(lambda folder: written(folder, line))
    other_way_round.bring(lambda folder: written(folder, OPEN))
    other_way_round.bring(lambda folder: written(folder, line))

    assert statuses(log) == statuses(other_way_round) == ["completed"]
    assert log.bring(lambda folder: written(folder, line)) == []
    assert log.bring(lambda folder: written(folder, f"{line} due:2014-08-01")) != []
    assert statuses(log) == ["completed"]


def test_lines_that_lose_their_days_are_the_tasks_that_the_file_no_longer_has() -> None:
    log = ImportedLog("todotxt")

    log.bring(lambda folder: written(folder, "2014-06-01 Do it", "2014-06-02 Do it", "2014-06-03 Do it"))
    log.bring(lambda folder: written(folder, "2014-06-01 Do it", "x 2014-06-09 Do it", "x 2014-06-10 Do it"))
    log.bring(lambda folder: written(folder, "x 2014-06-10 Do it", "x 2014-06-11 2014-06-01 Do it"))

    assert statuses(log) == ["completed", "completed", "completed"]


def test_equal_lines_without_a_day_that_get_one_are_the_same_tasks() -> None:
    log = ImportedLog("todotxt")

    log.bring(lambda folder: written(folder, "Do it", "Do it"))
    log.bring(lambda folder: written(folder, "x 2014-06-09 2014-06-01 Do it", "x 2014-06-09 2014-06-02 Do it"))

    assert statuses(log) == ["completed", "completed"]


def test_a_line_that_was_completed_on_another_day_or_stands_in_the_file_too_is_another_task() -> None:
    log = ImportedLog("todotxt")

    log.bring(lambda folder: written(folder, "x 2014-06-09 2014-06-01 Do it", "2014-06-05 Go"))
    log.bring(lambda folder: written(folder, "x 2014-06-16 Do it", "x 2014-06-16 Go", "2014-06-05 Go"))

    assert sorted(statuses(log)) == ["active", "completed", "completed", "completed"]


def statuses(log: ImportedLog) -> list[str]:
    return [state["status"] for state in log.current_states().values()]


def written(folder: Path, *lines: str) -> Path:
    file = folder / "todo.txt"
    file.write_text("\n".join(lines))
    return file


def test_equal_lines_are_numbered_by_age_so_that_a_new_one_changes_none_of_them(tmp_path: Path) -> None:
    first = read(tmp_path, "Water the plants")

    second = read(tmp_path, "Water the plants", "x 2026-03-01 Water the plants")

    assert [(item.external_id, item.status) for item in second.items] == [
        ("Water the plants  #2", "active"),
        (first.items[0].external_id, "completed"),
    ]


def test_a_line_with_an_id_may_change_its_words(tmp_path: Path) -> None:
    assert keys(read(tmp_path, "Call id:7")) == keys(read(tmp_path, "Call Mom soon id:7")) == ["id:7"]


def test_a_parent_is_named_as_topydo_does(tmp_path: Path) -> None:
    item = read(tmp_path, "Whole id:1", "Part p:1").items[1]

    assert [(link.kind, link.to) for link in item.links] == [("parent", "id:1")]


def test_a_folder_is_its_todo_and_its_done(tmp_path: Path) -> None:
    (tmp_path / "done.txt").write_text("x 2026-03-02 2026-03-01 Old\n")
    read(tmp_path, "New")

    reading = todotxt.read(tmp_path, str, IMPORTED_AT)

    assert [(item.external_id, item.status) for item in reading.items] == [
        ("New", "active"),
        ("2026-03-01 Old", "completed"),
    ]
    with pytest.raises(Invalid, match=r"without todo\.txt"):
        todotxt.read(tmp_path / "..", str, IMPORTED_AT)


def test_a_folder_whose_file_lies_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("secret")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "todo.txt").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Invalid, match="leaves the folder"):
        todotxt.read(tmp_path / "folder", str, IMPORTED_AT)


def test_windows_lines_blank_lines_and_a_byte_order_mark_are_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "todo.txt"
    file.write_bytes("\ufeffOne\r\n\r\n  \nTwo\r\n".encode())

    assert keys(todotxt.read(file, str, IMPORTED_AT)) == ["One", "Two"]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r")).map(str.strip).filter(bool))
def test_any_line_is_read_and_its_words_are_its_end(line: str) -> None:
    found = parsed("line 1", line)

    assert line.endswith(found.words)


def kept_since(line: str, day: str, *, committed: bool = False) -> Callable[[Path], Path]:
    """Leaves a file with the line that was written that day; `committed` then, and checked out later."""

    def write(folder: Path) -> Path:
        file, at = folder / "todo.txt", parse(f"{day}T12:00:00Z")
        file.write_text(line)
        if committed:
            date = {"GIT_AUTHOR_DATE": at.isoformat(), "GIT_COMMITTER_DATE": at.isoformat()}
            for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "Tasks"]):
                subprocess.run(["git", *PERSON, *arguments], cwd=folder, env=os.environ | date, check=True)
        else:
            os.utime(file, (at.timestamp(), at.timestamp()))
        return file

    return write


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize(("day", "opened"), [("2026-03-02", False), ("2026-03-07", True)])
def test_a_file_from_before_the_day_of_completion_opens_no_task_again(day: str, opened: bool, committed: bool) -> None:
    log = ImportedLog("todotxt")
    log.bring(kept_since("x 2026-03-05 2026-03-01 Call", "2026-03-05"))

    log.bring(kept_since("2026-03-01 Call", day, committed=committed))

    (task,) = log.current_states().values()
    assert (task["status"] == "active") is opened
    assert ("older_than_known" in log.warnings()) is not opened


def test_a_file_that_was_changed_since_its_commit_is_as_new_as_itself(tmp_path: Path) -> None:
    file = kept_since("2026-03-01 Call", "2026-03-02", committed=True)(tmp_path)
    before = last_written(file)
    file.write_text("2026-03-01 Call again")

    assert (text(before)[:10], last_written(file) > before) == ("2026-03-02", True)
