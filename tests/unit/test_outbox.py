"""What the outbox promises of its file, whatever happens to it. See ledger.offline.queue.outbox."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid5

import msgspec
import pytest

from ledger.errors import Unavailable
from ledger.offline.queue.outbox import Outbox
from ledger.offline.queue.outbox_lines import Queued, Settled, is_whole
from tests.support.forked import Forked
from tests.support.given import LEDGER, numbered
from tests.support.queued_commands import STREAM, queue_a_hundred, queued


def settled(sequence: int, line: int, position: int = 1) -> Settled:
    command = uuid5(LEDGER, str(line))
    return Settled(sequence=sequence, command_id=command, settles=line, outcome="recorded", positions=(position,))


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    outbox = Outbox(tmp_path)
    yield outbox
    outbox.close()


def put(outbox: Outbox, *lines: Queued | Settled) -> None:
    for line in lines:
        with outbox.locked():
            outbox.append(line)


def waiting(folder: Path) -> list[int]:
    """What a process sees that opens the file again, index or not."""
    outbox = Outbox(folder)
    try:
        return [line.sequence for line in outbox.unsettled()]
    finally:
        outbox.close()


def test_what_is_queued_waits_in_its_order_and_a_new_process_sees_it(outbox: Outbox, tmp_path: Path) -> None:
    put(outbox, queued(1), queued(2), queued(3))

    assert [line.sequence for line in outbox.unsettled()] == [1, 2, 3]
    assert waiting(tmp_path) == [1, 2, 3]


def test_a_settled_line_ends_the_waiting_and_says_where(outbox: Outbox) -> None:
    put(outbox, queued(1), queued(2), settled(3, 1, position=7))

    assert [line.sequence for line in outbox.unsettled()] == [2]
    assert outbox.find(uuid5(LEDGER, "1")) == (queued(1), "recorded", 7)
    assert [line.sequence for line in outbox.of_streams([STREAM], 6)] == [1, 2]
    assert [line.sequence for line in outbox.of_streams([STREAM, STREAM], 7)] == [2]


def test_when_all_is_settled_and_followed_the_file_is_emptied_and_the_numbers_go_on(
    outbox: Outbox, tmp_path: Path
) -> None:
    put(outbox, queued(1), settled(2, 1, position=5))

    early, then = outbox.clear(4), outbox.clear(5)
    put(outbox, queued(outbox.sequence + 1))

    assert (early, then) == (False, True)
    assert outbox.file.stat().st_mode & 0o077 == 0
    assert waiting(tmp_path) == [3]


@pytest.mark.processes
def test_cut_at_any_byte_the_whole_lines_are_there_and_it_goes_on_from_there(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    first = Outbox(whole)
    put(first, queued(1), queued(2), queued(3))
    text = first.file.read_bytes()
    ends = [0, *(place + 1 for place, byte in enumerate(text) if byte == 10)]
    first.close()

    borders = {end + step for end in ends[1:] for step in (-1, 0, 1) if ends[1] <= end + step <= len(text)}
    for cut in sorted(borders | set(range(ends[1], len(text) + 1, 41))):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / "outbox.jsonl").write_bytes(text[:cut])
        there = sum(end - 1 <= cut for end in ends[2:])  # a last line without its newline is whole
        assert waiting(folder) == list(range(1, there + 1)), cut
        again = Outbox(folder)
        put(again, queued(9))
        again.close()
        assert waiting(folder) == [*range(1, there + 1), 9], cut


def test_with_any_byte_flipped_the_line_is_set_aside_and_named_and_the_others_are_there(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    first = Outbox(whole)
    put(first, queued(1), queued(2, stream=f"vendor-{numbered(2)}"), queued(3))
    text = first.file.read_bytes()
    first.close()
    begins = [0, *(place + 1 for place, byte in enumerate(text) if byte == 10)]

    for place in range(begins[2], begins[3] - 1, 37):
        folder = tmp_path / str(place)
        folder.mkdir()
        (folder / "outbox.jsonl").write_bytes(text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :])
        outbox = Outbox(folder)
        assert [line.sequence for line in outbox.unsettled()] == [1, 3], place
        assert [(fault.line, fault.reason) for fault in outbox.faults] == [(3, "damaged")]
        outbox.close()


def test_a_byte_flipped_after_the_line_was_taken_in_is_found_by_the_reader(outbox: Outbox) -> None:
    put(outbox, queued(1), queued(2))
    assert outbox.waiting == 2
    text = outbox.file.read_bytes()
    place = text.index(b'"One"')
    with outbox.file.open("r+b") as file:
        file.seek(place + 1)
        file.write(b"X")

    outbox.unsettled()

    assert [line.sequence for line in outbox.unsettled()] == [2]
    assert [fault.line for fault in outbox.faults] == [2]


def test_damaged_lines_can_be_set_aside_and_are_kept_for_a_person(outbox: Outbox, tmp_path: Path) -> None:
    put(outbox, queued(1), queued(2, "Broken"), queued(3), settled(4, 1))
    text = outbox.file.read_bytes()
    outbox.file.write_bytes(text.replace(b"Broken", b"broken"))

    moved = outbox.set_aside()

    assert (moved, outbox.faults) == (1, [])
    assert waiting(tmp_path) == [3]
    assert b"broken" in (tmp_path / "outbox.damaged").read_bytes()


def test_a_line_of_a_newer_program_is_named_as_such(outbox: Outbox) -> None:
    put(outbox, queued(1), msgspec.structs.replace(queued(2), schema=99))

    assert [fault.is_newer for fault in outbox.faults] == [True]


def test_a_lost_index_is_made_again(outbox: Outbox, tmp_path: Path) -> None:
    put(outbox, queued(1), queued(2), settled(3, 1))
    outbox.close()
    for file in tmp_path.glob("outbox-index*"):
        file.unlink()

    assert waiting(tmp_path) == [2]


FULL = """
import resource, signal, sys
from pathlib import Path
from ledger.errors import Unavailable
from ledger.offline.queue.outbox import Outbox
from tests.support.queued_commands import queued
from tests.unit.test_outbox import put
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
outbox = Outbox(Path(sys.argv[1]))
put(outbox, queued(1), queued(2))
size = outbox.file.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
try:
    outbox._write(b"x" * 4096)
    print("written")
except Unavailable as error:
    print(error.code, outbox.file.stat().st_size == size)
"""


@pytest.mark.processes
def test_a_full_disk_is_an_answer_and_the_file_is_as_it_was(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, cwd=root, check=False
    )

    assert ran.stdout.split() == ["unavailable", "True"], ran.stderr
    assert waiting(tmp_path) == [1, 2]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_an_answer(outbox: Outbox, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(Unavailable):
            put(outbox, queued(1))
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.processes
def test_eight_processes_that_queue_a_hundred_each_lose_none(tmp_path: Path) -> None:
    running = [
        Forked(str(tmp_path), str(number), program=queue_a_hundred, env=os.environ, cwd=tmp_path) for number in range(8)
    ]
    said = [one.communicate() for one in running]

    assert [one.returncode for one in running] == [0] * 8, said

    outbox = Outbox(tmp_path)
    lines = list(outbox.lines(0, outbox.sequence))
    outbox.close()
    assert [line.sequence for line in lines] == list(range(1, 801))
    assert sorted(int(line.arguments["title"]) for line in lines) == sorted(list(range(8)) * 100)


def test_of_the_threads_of_a_process_one_drains(outbox: Outbox) -> None:
    with outbox.draining() as first, ThreadPoolExecutor(1) as another:

        def drain() -> bool:
            with outbox.draining() as mine:
                return mine

        assert (first, another.submit(drain).result()) == (True, False)
    with outbox.draining() as again:
        assert again


def test_what_one_process_doubts_another_does_not_write_over(tmp_path: Path) -> None:
    """A reader that met a line while its file was replaced has the index rebuilt: there is no end to write at yet."""
    one, other = Outbox(tmp_path), Outbox(tmp_path)
    with one.locked():
        one.append(queued(1))
    assert one.sequence == 1
    before, content = one.file.stat(), one.file.read_bytes()
    one.file.write_bytes(content.replace(b"One", b"0ne"))
    assert other.unsettled(0) == []
    one.file.write_bytes(content)
    os.utime(one.file, ns=(before.st_atime_ns, before.st_mtime_ns))

    with one.locked():
        one.append(queued(one.sequence + 1))

    assert [line.sequence for line in one.unsettled(0)] == [1, 2]


def test_a_line_that_is_written_while_it_is_read_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers hold no lock: the rest of a line may arrive just after its first part was read."""
    writing = Outbox(tmp_path)
    with writing.locked():
        writing.append(queued(1))
    before = writing.file.read_bytes()
    with writing.locked():
        writing.append(queued(2))
    content = writing.file.read_bytes()
    middle = len(before) + (len(content) - len(before)) // 2
    (tmp_path / "other").mkdir()
    reading = Outbox(tmp_path / "other")
    reading.file.write_bytes(content[:middle])

    def judged(raw: bytes) -> bool:
        with reading.file.open("ab") as file:
            file.write(content[middle:] if reading.file.stat().st_size == middle else b"")
        return is_whole(raw)

    monkeypatch.setattr("ledger.offline.queue.outbox_file.is_whole", judged)

    assert reading.waiting == 1
    assert (reading.waiting, reading.faults) == (2, [])


def test_what_has_ended_leaves_the_file_of_what_waits_on(outbox: Outbox, tmp_path: Path) -> None:
    """An erasure asks for it: the texts of a command stand in its line."""
    put(outbox, queued(1, "Ended"), queued(2, "Waits"), settled(3, 1, position=5))
    outbox.file.with_suffix(".new").write_bytes(b"what a killed process has left")

    outbox.forget_ended(4)
    assert b"Ended" in outbox.file.read_bytes()
    outbox.forget_ended(5)

    assert b"Ended" not in outbox.file.read_bytes()
    assert [line.command_id for line in outbox.unsettled()] == [queued(2).command_id]
    assert waiting(tmp_path) == [line.sequence for line in outbox.unsettled()]
    assert not outbox.file.with_suffix(".new").exists()


def test_no_line_changes_its_number_while_a_drain_is_under_way(outbox: Outbox, tmp_path: Path) -> None:
    put(outbox, queued(1), queued(2), settled(3, 1, position=5))
    draining = Outbox(tmp_path)

    with draining.draining() as mine:
        outbox.forget_ended(5)

    assert mine
    assert waiting(tmp_path) == [2]
    draining.close()
