"""What a machine knows of the commands that it has sent is not lost by sending one of them again."""

import os
import time
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace

from ledger.envelope import Recorded
from ledger.offline.journal import Journal
from ledger.offline.local import LocalStore
from ledger.offline.queue.outbox import Outbox
from ledger.offline.sent_commands import SentCommand, SentCommands
from tests.support.given import FIRST_DAY, LEDGER
from tests.support.queued_commands import STREAM, queued

LINE = queued(1)
RECORDED = Recorded(positions=(11,), streams={STREAM: 1}, recorded_at=FIRST_DAY)


def acknowledged(folder: Path) -> SentCommands:
    """A process that knows where its command stands."""
    process = SentCommands(folder)
    process.send(LINE)
    process.answer(LINE.command_id, RECORDED)
    return process


def is_known(process: SentCommands) -> bool:
    found = process.find(LINE.command_id)
    shown = [sent.line.command_id for sent in process.acknowledged(0)]
    return found is not None and found.recorded == RECORDED and shown == [LINE.command_id]


def test_a_repetition_whose_answer_is_lost_leaves_the_receipt_of_the_first(tmp_path: Path) -> None:
    process = acknowledged(tmp_path)

    process.send(LINE)

    assert is_known(process)
    assert is_known(SentCommands(tmp_path))


def test_so_does_a_repetition_by_another_process(tmp_path: Path) -> None:
    first, second = acknowledged(tmp_path), SentCommands(tmp_path)

    second.send(LINE)

    assert [is_known(process) for process in (first, second, SentCommands(tmp_path))] == [True] * 3


def test_another_command_that_is_refused_under_the_same_id_takes_no_receipt_away(tmp_path: Path) -> None:
    process = acknowledged(tmp_path)

    process.send(replace(LINE, command_digest="11"))
    process.refuse(LINE.command_id)

    assert is_known(process)
    assert is_known(SentCommands(tmp_path))


def test_what_was_refused_is_forgotten(tmp_path: Path) -> None:
    process = SentCommands(tmp_path)
    process.send(LINE)

    process.refuse(LINE.command_id)

    assert process.find(LINE.command_id) is None
    assert SentCommands(tmp_path).find(LINE.command_id) is None


def test_what_the_journal_takes_over_while_it_is_looked_for_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A follower puts it into the journal and lets go of it here, between the two looks."""
    journal, sent = Journal(tmp_path / "journal.jsonl", LEDGER, tmp_path / "index.sqlite3"), acknowledged(tmp_path)
    found = RECORDED, bytes.fromhex(LINE.command_digest)
    store = LocalStore(
        journal,
        Outbox(tmp_path),
        SentCommands(tmp_path),
        check_unique=lambda _: None,
        lay=lambda: None,
        claims_here=lambda: False,
    )
    find, looks = SentCommands.find, []

    def found_by_follower(process: SentCommands, command_id: UUID) -> SentCommand | None:
        monkeypatch.setattr(journal, "find_command", lambda _: found)
        sent.clear(RECORDED.positions[0], lambda _: {})
        looks.append(command_id)
        return find(process, command_id)

    monkeypatch.setattr(SentCommands, "find", found_by_follower)

    assert store.find_command(LINE.command_id) == found
    assert looks == [LINE.command_id]
    journal.close()


def test_a_clock_that_is_wrong_takes_no_file_from_a_process_that_is_there(tmp_path: Path) -> None:
    """It may write into it just now, though by that clock the file is long untouched."""
    own, other = SentCommands(tmp_path), acknowledged(tmp_path)
    [file] = (tmp_path / "sent").iterdir()
    two_days_ago = time.time() - 2 * 86_400
    os.utime(file, (two_days_ago, two_days_ago))

    own.clear(RECORDED.positions[0], lambda _: {LINE.command_id: RECORDED.positions[0]})
    assert file.exists()
    assert is_known(other)

    ended = file.rename(file.with_name("99999999-ended.jsonl"))
    os.utime(ended, (two_days_ago, two_days_ago))
    own.clear(RECORDED.positions[0], lambda ids: dict.fromkeys(ids, RECORDED.positions[0]))
    assert not ended.exists()


def test_after_an_erasure_no_file_holds_what_was_recorded_or_quotes_what_is_gone(tmp_path: Path) -> None:
    own, other = acknowledged(tmp_path), acknowledged(tmp_path)
    unanswered = replace(queued(2, "Quotes"), as_of=3)
    other.send(unanswered)
    other.close()
    [ended] = [file for file in (tmp_path / "sent").iterdir() if b"Quotes" in file.read_bytes()]
    killed = ended.rename(ended.with_name("99999999-ended.jsonl"))
    (tmp_path / "sent" / "99999999-ended.new").write_bytes(b"One")

    own.forget_recorded(11, lambda _: {}, erased=7)

    left = b"".join(file.read_bytes() for file in (tmp_path / "sent").iterdir())
    assert b"One" not in left
    assert b"Quotes" not in left
    known = SentCommands(tmp_path).find(unanswered.command_id)
    assert known is not None, "that it was sent and not answered stays known"
    assert known.recorded is None
    assert killed.exists()
