"""The machine's own copy of the log: dense, proved, healed after any crash, and honest about damage."""

import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from pkgutil import resolve_name
from uuid import UUID

import pytest
from msgspec.structs import replace

from ledger.across.erasure import applied, of_entity
from ledger.aggregates.erasure.events import TextsErased
from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.codec import digest, encode, origin_digest
from ledger.envelope import RecordedEvent, stream_id
from ledger.errors import Damaged, Unavailable
from ledger.offline.journal import Journal
from ledger.offline.lines import event_of, line_of
from tests.support.given import LEDGER, numbered
from tests.support.history import TASK, fill
from tests.support.ledgers import in_memory

Opened = Callable[..., Journal]
MEMORY = Path(":memory:")


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[RecordedEvent]:
    """Fifty events of every kind."""
    with in_memory(tmp_path_factory.mktemp("log") / "rows.sqlite3", LEDGER) as ledger:
        fill(ledger)
        number = 100
        while len(found := list(ledger.store.read_all())) < 50:
            ledger.execute(number, CreateWorkItem(id=numbered(number), item_type="task", title=f"Item {number}"))
            number += 1
    return found[:50]


@pytest.fixture(scope="module")
def lines(events: list[RecordedEvent]) -> list[bytes]:
    return [line_of(event) for event in events]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """opened(content?) -> a journal whose file holds that; an index is kept between openings unless asked otherwise."""
    journals: list[Journal] = []

    def open_journal(content: bytes | None = None, index: Path = tmp_path / "cache.sqlite3") -> Journal:
        file = tmp_path / "journal.jsonl"
        if content is not None:
            file.write_bytes(content)
        journals.append(Journal(file, LEDGER, index))
        return journals[-1]

    yield open_journal
    for journal in journals:
        journal.close()


def test_a_journal_that_is_not_there_yet_is_empty(opened: Opened) -> None:
    journal = opened()

    assert (journal.head.position, journal.head.digest, journal.damage) == (0, origin_digest(LEDGER), None)
    assert list(journal.read_all()) == []


def test_what_is_appended_is_read_back_exactly_and_line_n_is_position_n(
    opened: Opened, events: list[RecordedEvent], lines: list[bytes]
) -> None:
    journal = opened()
    journal.append(events[:20])
    journal.append(events[20:])

    assert list(opened().read_all()) == events
    assert journal.file.read_bytes() == b"".join(lines)


def test_an_event_that_does_not_follow_is_refused_and_nothing_is_written(
    opened: Opened, events: list[RecordedEvent], lines: list[bytes]
) -> None:
    journal = opened(lines[0])

    with pytest.raises(Damaged, match="position 2 of the log does not follow"):
        journal.append([events[2]])
    assert journal.file.read_bytes() == lines[0]


def test_it_answers_what_a_store_answers_about_its_past(
    opened: Opened, events: list[RecordedEvent], lines: list[bytes]
) -> None:
    journal = opened(b"".join(lines))
    stream = events[10].stream_id
    of_stream = [event for event in events if event.stream_id == stream]
    found = journal.find_command(events[30].command_id)

    past = journal.read_streams([stream, "work_item-unknown"])

    assert (past.head, past.events) == (50, {stream: of_stream})
    assert past.now >= events[-1].recorded_at
    assert found is not None
    assert found[0].positions == (31,)
    assert found[0].streams == {events[30].stream_id: events[30].version}
    assert found[1] == events[30].command_digest
    assert journal.position_at(events[30].recorded_at) == 31
    assert journal.position_at(events[0].recorded_at - timedelta(days=1)) == 0
    assert list(journal.read_all(10, 12)) == events[10:12]
    assert journal.digest_at(7) == events[6].digest
    assert journal.digest_at(51) is None


def test_what_another_process_appends_is_seen(opened: Opened, events: list[RecordedEvent]) -> None:
    reader, writer = opened(), opened()
    writer.append(events[:3])

    assert reader.head.position == 3
    reader.append(events[3:5])
    assert list(writer.read_all(2)) == events[2:5]


@pytest.mark.processes
def test_cut_at_any_byte_it_holds_the_whole_lines_and_goes_on_from_there(
    opened: Opened, events: list[RecordedEvent], lines: list[bytes]
) -> None:
    whole = b"".join(lines)
    growing = opened(b"", MEMORY)
    with growing.file.open("ab", buffering=0) as file:
        for cut in range(len(whole)):
            assert (growing.head.position, growing.damage) == (whole[:cut].count(b"\n"), None), cut
            file.write(whole[cut : cut + 1])
    for cut in range(0, len(whole), 499):
        journal = opened(whole[:cut], MEMORY)
        kept = journal.head.position
        journal.append(events[kept : kept + 1])
        assert journal.file.read_bytes() == b"".join(lines[: kept + 1]), cut


@pytest.mark.processes
def test_with_any_byte_flipped_a_line_proves_nothing(lines: list[bytes], events: list[RecordedEvent]) -> None:
    previous = origin_digest(LEDGER)
    for position, line in enumerate(lines, 1):
        assert event_of(line, position, previous) == events[position - 1]
        for place in range(len(line)):
            with pytest.raises(ValueError, match="it "):
                event_of(_flipped(line, place), position, previous)
        previous = events[position - 1].digest


@pytest.mark.processes
def test_with_a_byte_flipped_it_answers_up_to_the_damage_and_names_the_line(opened: Opened, lines: list[bytes]) -> None:
    before = b""
    for number, line in enumerate(lines, 1):
        for place in (*range(0, len(line) - 1, 97), len(line) - 2):
            journal = opened(before + _flipped(line, place) + b"".join(lines[number:]), MEMORY)
            assert journal.head.position == number - 1, (number, place)
            assert f"damaged in line {number}:" in str(journal.damage)
        before += line


def test_a_byte_flipped_after_the_line_was_taken_in_is_found_by_the_reader(
    opened: Opened, events: list[RecordedEvent], lines: list[bytes]
) -> None:
    for number in (1, 25, 50):
        whole = b"".join(lines)
        assert opened(whole).head.position == 50
        before = len(b"".join(lines[: number - 1]))
        journal = opened(_flipped(whole, before + 70))

        assert list(journal.read_all()) == events[: number - 1]
        assert f"damaged in line {number}:" in str(journal.damage)
        with pytest.raises(Damaged):
            journal.append([])


def test_a_journal_of_another_ledger_is_damage_in_its_first_line(tmp_path: Path, lines: list[bytes]) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_bytes(lines[0])

    journal = Journal(file, UUID(int=7), MEMORY)

    assert "does not follow from what it holds and this ledger's identity" in str(journal.damage)
    journal.close()


def test_a_lost_index_is_made_again(tmp_path: Path, opened: Opened, events: list[RecordedEvent]) -> None:
    opened().append(events)
    (tmp_path / "cache.sqlite3").unlink()

    assert list(opened().read_all()) == events


def test_an_index_of_another_journal_is_not_believed(
    tmp_path: Path, opened: Opened, events: list[RecordedEvent], lines: list[bytes]
) -> None:
    opened(b"".join(lines))

    with in_memory(tmp_path / "rows.sqlite3", LEDGER) as other:
        fill(other)
        others = list(other.store.read_all())
    journal = opened(b"".join(line_of(event) for event in others[:10]))

    assert list(journal.read_all()) == others[:10]


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be used"):
        Journal(tmp_path / "nowhere" / "journal.jsonl", LEDGER, tmp_path / "nowhere" / "cache.sqlite3")


def _flipped(content: bytes, place: int) -> bytes:
    flipped = bytearray(content)
    flipped[place] ^= 1 << place % 8
    return bytes(flipped)


@pytest.fixture(scope="module")
def erased(events: list[RecordedEvent]) -> tuple[list[RecordedEvent], list[RecordedEvent]]:
    """The fifty events and the erasure of one item, as they were recorded; and as a log holds them afterwards."""
    item = stream_id("work_item", TASK)
    payloads = of_entity(events, item)
    last = events[-1]
    erasure = replace(
        last,
        position=51,
        stream_id=stream_id("erasure", numbered(51)),
        version=1,
        type="TextsErased",
        topics=(),
        data=encode(TextsErased(payloads=payloads)),
    )
    erasure = replace(erasure, digest=digest(last.digest, erasure))
    return [*events, erasure], [*applied(events, payloads), erasure]


def test_a_journal_that_is_given_an_erasure_holds_the_texts_no_longer(
    opened: Opened, erased: tuple[list[RecordedEvent], list[RecordedEvent]]
) -> None:
    before, after = erased
    journal, beside = opened(), opened()
    journal.append(before[:50])
    assert beside.last_erasure == 0

    journal.append(before[50:])

    assert journal.file.read_bytes() == b"".join(line_of(event) for event in after)
    assert list(journal.read_all()) == after
    assert (journal.last_erasure, journal.damage) == (51, None)
    assert [path.name for path in journal.file.parent.glob("journal.jsonl*")] == ["journal.jsonl"]
    assert list(beside.read_all()) == after, "another process finds every line where it is now"


def test_what_is_fetched_after_an_erasure_is_appended_as_it_is(
    opened: Opened, erased: tuple[list[RecordedEvent], list[RecordedEvent]]
) -> None:
    journal = opened()

    journal.append(erased[1][:30])
    journal.append(erased[1][30:])

    assert list(opened().read_all()) == erased[1]


def test_who_reads_while_the_file_is_written_anew_misses_nothing(
    opened: Opened, erased: tuple[list[RecordedEvent], list[RecordedEvent]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its index says where lines were in the file that is gone."""
    before, after = erased
    journal, reader = opened(), opened(index=MEMORY)
    journal.append(before[:50])
    assert reader.head.position == 50
    look = reader._look  # what another process does between the look at the file and the reading of it

    def look_before_another_appends() -> None:
        monkeypatch.undo()
        look()
        journal.append(before[50:])

    monkeypatch.setattr(reader, "_look", look_before_another_appends)

    found = reader.read_streams([event.stream_id for event in before[:50]]).events

    assert sum(map(len, found.values())) == 50
    assert {event.position: event for past in found.values() for event in past} == {e.position: e for e in after[:50]}


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace", "ledger.offline.journal.sync_folder"])
@pytest.mark.parametrize("done", [False, True])
def test_a_process_that_is_killed_leaves_the_texts_and_no_erasure_or_the_erasure_and_no_texts(
    opened: Opened, erased: tuple[list[RecordedEvent], list[RecordedEvent]], step: str, done: bool
) -> None:
    before, after = erased
    opened().append(before[:50])

    def killed(monkeypatch: pytest.MonkeyPatch) -> None:
        real = resolve_name(step)

        def last_step(*arguments: object) -> None:
            if done:
                real(*arguments)
            os.kill(os.getpid(), signal.SIGKILL)

        monkeypatch.setattr(step, last_step)
        opened().append(before[50:])

    with pytest.MonkeyPatch.context() as monkeypatch:
        process = get_context("fork").Process(target=killed, args=(monkeypatch,))
        process.start()
        process.join()
    assert process.exitcode == -signal.SIGKILL

    journal = opened()

    renamed = ("replace" in step and done) or "sync_folder" in step
    assert journal.file.read_bytes() == b"".join(map(line_of, after if renamed else before[:50]))
    assert list(journal.read_all()) == (after if renamed else before[:50])
    journal.append(before[50:] if not renamed else [])
    assert list(opened().read_all()) == after
