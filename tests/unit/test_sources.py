"""What a source is, by its content."""

import os
import threading
from pathlib import Path

import pytest

from ledger.errors import Invalid
from ledger.importing.readers.reading import LONGEST_LINE
from projections.transfer.import_sources import SOURCES, check, detected
from tests.support.each import each
from tests.support.trackers import TRACKERS, Task

TASK = Task(number=1, title="T", text="x", state="done", priority=1, parent=None, needs=(), tags=("a",), changed=2)
OF_PEOPLE = {"git", "legacy", "prompts"}  # what no tracker wrote has tests of its own
OTHERS = [(name, other) for name in TRACKERS for other in TRACKERS if name != other]


def test_every_tracker_that_is_read_is_held_to_the_laws() -> None:
    assert SOURCES.keys() - OF_PEOPLE == TRACKERS.keys(), (
        "TRACKERS of tests/support/trackers.py says how each writes a task"
    )


@each("tracker", TRACKERS)
def test_each_tracker_is_recognised_by_its_content(tmp_path: Path, tracker: str) -> None:
    path = TRACKERS[tracker](tmp_path, [TASK])

    assert detected(path).name == tracker
    check(tracker, path)


@each(("tracker", "said"), OTHERS)
def test_a_source_that_is_another_one_is_refused_with_the_command_that_takes_it(
    tmp_path: Path, tracker: str, said: str
) -> None:
    path = TRACKERS[tracker](tmp_path, [TASK])

    with pytest.raises(Invalid, match=f"looks like {SOURCES[tracker].called}") as caught:
        check(said, path)

    assert f"import {tracker} {path}" in caught.value.next_step


@each(
    ("name", "content", "tracker"),
    [
        ("a", '\ufeff\n{"id":"a-1","title":"T","status":"open","created_at":"2026-03-01T00:00:00Z"}', "beads"),
        ("a", '[{"id": "a-1",\n "issue_type": "task"}]', "beads"),
        ("a", '{"_type":"memory","key":"k"}', "beads"),
        ("a", '{"tasks":[]}', "taskmaster"),
        ("a", '{"x y": {"metadata": {}, "tasks": [{"id": 1}]}}', "taskmaster"),
        ("todo.txt", "Anything", "todotxt"),
        ("a.txt", "Anything\nx 2026-03-01 done", "todotxt"),
    ],
)
def test_older_and_odd_forms_are_recognised_too(tmp_path: Path, name: str, content: str, tracker: str) -> None:
    (tmp_path / name).write_text(content)

    assert detected(tmp_path / name).name == tracker


@pytest.mark.parametrize("content", ["", " \n\r\n"])
def test_an_empty_file_is_refused_as_empty(tmp_path: Path, content: str) -> None:
    (tmp_path / "some.md").write_text(content)

    with pytest.raises(Invalid, match="is empty"):
        detected(tmp_path / "some.md")


@each("content", ["# Notes", '{"name": "package"}', "just words", "[1, 2]"])
def test_what_is_no_source_is_refused_with_the_known_ones(tmp_path: Path, content: str) -> None:
    (tmp_path / "some.md").write_text(content)

    with pytest.raises(Invalid, match="could not be recognised") as caught:
        detected(tmp_path / "some.md")

    assert all(name in caught.value.next_step for name in SOURCES)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x7fELF\0", "line 1 holds binary zeros"),
        ("a\nb\0".encode("utf-16"), "line 2 holds binary zeros"),
        (b"words\n\xff\xfe", "line 2 is not UTF-8"),
        (b"a" * (LONGEST_LINE + 1), "line 1 is longer than"),
    ],
    ids=["a program", "UTF-16", "no encoding", "an endless line"],
)
def test_what_is_no_text_is_refused_with_the_line_that_shows_it(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "some").write_bytes(content)

    with pytest.raises(Invalid, match=reason):
        detected(tmp_path / "some")


def test_a_folder_that_could_be_two_things_is_refused_with_both_commands(tmp_path: Path) -> None:
    TRACKERS["backlog"](tmp_path, [TASK])
    TRACKERS["todotxt"](tmp_path, [TASK])

    with pytest.raises(Invalid, match="could be") as caught:
        detected(tmp_path)

    assert f"`tracking-ledger import backlog {tmp_path}` or" in caught.value.next_step


def test_a_pipe_is_never_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: os.close(os.open(pipe, os.O_WRONLY)), daemon=True)
    writer.start()  # it waits for a reader, and ends with it: who opens the pipe reads its end

    with pytest.raises(Invalid, match="is no ordinary file"):
        detected(pipe)
    for name in SOURCES:
        assert is_refused(name, pipe), f"{name} opens it: text_lines reads ordinary files only"
    os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
    writer.join()


def is_refused(name: str, path: Path) -> bool:
    try:
        check(name, path)
        SOURCES[name].read(path, str, None)  # type: ignore[arg-type]  # refused before any time is asked
    except Invalid:
        return True
    return False
