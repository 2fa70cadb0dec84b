"""What a machine knows of the commands that it has sent is not lost by sending one of them again."""

from pathlib import Path

from msgspec.structs import replace

from ledger.envelope import Recorded
from ledger.offline.sent_commands import SentCommands
from tests.support.given import FIRST_DAY
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
