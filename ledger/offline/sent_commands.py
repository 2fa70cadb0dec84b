"""This machine's record of the commands that it has sent to the database, until its journal holds them.

A command is written here before the first byte of it goes out, and its receipt before that is said. So a command that
was sent and not answered is known as one whatever breaks meanwhile, a repetition is answered from the receipt, and what
was acknowledged is seen here before the journal has it. What the database refused is forgotten.

Each process keeps its own in memory, and in a file of the folder `sent` that the others read. Nothing waits for the
disk: the file outlives the process, and what a disk does not take only this process knows.
"""

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ledger.envelope import Recorded
from ledger.machine.disk import add
from ledger.offline.queue.outbox_lines import Queued

FOLDER = "sent"
LARGEST = 1_000_000  # bytes of a file before it is rewritten without what the journal holds
MOST = 10_000  # commands that a process keeps in memory: then the oldest go
FORGOTTEN = 3600.0  # seconds after which the file of another process is removed, if the journal holds all of it
GIVEN_UP = 7 * 86_400.0  # the same for commands that never came to the log

Ends = Callable[[Iterable[UUID]], Mapping[UUID, int]]  # the last positions of those commands that the journal holds


class SentCommand(Struct, frozen=True, kw_only=True):
    """A command as it was sent, and its receipt; without one it was not answered yet, or never will be."""

    line: Queued
    recorded: Recorded | None = None

    @property
    def last_position(self) -> int:
        """0 for one that was not answered."""
        return self.recorded.positions[-1] if self.recorded and self.recorded.positions else 0

    @property
    def is_recorded_as_sent(self) -> bool:
        """Whether what was sent is what was recorded; a repetition may have been decided otherwise."""
        if self.recorded is None or len(self.recorded.positions) != len(self.line.events):
            return False
        return {event.stream_id: event.version for event in self.line.events} == dict(self.recorded.streams)


class _Sent(Struct, frozen=True, tag="sent"):
    line: Queued


class _Answered(Struct, frozen=True, tag="answered"):
    """`recorded` is None for what the database refused."""

    command_id: UUID
    recorded: Recorded | None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Sent | _Answered).decode
_Commands = dict[UUID, SentCommand]


class SentCommands:
    """The record in the folder `home`. Safe for many threads and processes."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        self._file = self._folder / f"{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        self._guard = threading.Lock()
        self._own: _Commands = {}
        self._past: _Commands = {}
        self._asked: dict[UUID, str] = {}
        self._first: set[UUID] = set()
        self._descriptor: int | None = None
        self._others: dict[Path, tuple[tuple[int, int], _Commands]] = {}

    @contextmanager
    def asking(self, command_id: UUID, digest: str) -> Iterator[None]:
        """A call is under way whose arguments have this digest: a repetition is known by it before it is decided."""
        self._asked[command_id] = digest
        try:
            yield
        finally:
            self._asked.pop(command_id, None)
            self._first.discard(command_id)

    def call_digest(self, command_id: UUID) -> str:
        """The digest of the call under way that gives this command."""
        return self._asked.get(command_id, "")

    def is_repeated(self, command_id: UUID) -> bool:
        """Whether it was recorded or queued before the call under way that gives this command."""
        return command_id not in self._first

    def send(self, line: Queued) -> None:
        """The command goes out now; once more, if its receipt is known, which stays."""
        with self._guard:
            known = self._own.get(line.command_id)
            if known is not None and known.recorded is not None:
                return
            self._own[line.command_id] = SentCommand(line=line)
            if len(self._own) > MOST:
                del self._own[next(iter(self._own))]
            self._write(_Sent(line))

    def answer(self, command_id: UUID, recorded: Recorded) -> bool:
        """The database has recorded it. Whether it is a command that this process has sent."""
        with self._guard:
            sent = self._own.get(command_id)
            if sent is None:
                return False
            self._own[command_id] = replace(sent, recorded=recorded)
            self._note_first(command_id, recorded)
            self._write(_Answered(command_id, recorded))
            return True

    def queue(self, line: Queued, recorded: Recorded) -> None:
        """It waits in the outbox, which keeps it; this process knows so too where that cannot be read."""
        with self._guard:
            self._remember(SentCommand(line=line, recorded=recorded))
            self._note_first(line.command_id, recorded)

    def refuse(self, command_id: UUID) -> None:
        """The database has answered that it did not record it; a refused repetition leaves the receipt of the first."""
        with self._guard:
            known = self._own.get(command_id)
            if known is not None and known.recorded is None:
                del self._own[command_id]
                self._write(_Answered(command_id, None))

    def find(self, command_id: UUID) -> SentCommand | None:
        """The command as it was sent, with its receipt if any process of this machine has that."""
        with self._guard:
            known = [known[command_id] for known in (self._own, *self._commands_of_others()) if command_id in known]
        return next((sent for sent in known if sent.recorded is not None), known[0] if known else None)

    def recall(self, command_id: UUID) -> SentCommand | None:
        """What this process heard of it before, where the journal and the outbox cannot tell."""
        with self._guard:
            return self._past.get(command_id)

    def acknowledged(self, after: int) -> list[SentCommand]:
        """What was recorded as it was sent, by any process of this machine, behind a position, in the log's order."""
        with self._guard:
            every = [sent for known in (*self._commands_of_others(), self._own) for sent in known.values()]
        behind = {s.line.command_id: s for s in every if s.last_position > after and s.is_recorded_as_sent}
        return sorted(behind.values(), key=lambda sent: sent.last_position)

    def clear(self, reached: int, ends: Ends) -> None:
        """Lets go of what a journal up to `reached` holds."""
        with self._guard:
            left = _left(self._own, reached, ends)
            for id, sent in self._own.items():
                if id not in left and sent.recorded is not None:
                    self._remember(sent)
            self._own = left
            self._shrink()
            for file, known in list(self._others_by_file().items()):
                self._remove_done(file, known, reached, ends)

    def forget_recorded(self, reached: int, ends: Ends, erased: int) -> None:
        """Leaves nothing in the files of what a journal up to `reached` holds, but in those of processes that go on,
        which see to it themselves; and of a command that was decided before `erased` only which one it is."""
        with self._guard:
            self._own = _unquoting(_left(self._own, reached, ends), erased)
            with suppress(OSError):
                if self._descriptor is not None:
                    self._rewrite()
            for draft in self._folder.glob("*.new"):  # of a process that was killed at it
                if not _is_being_written(draft):
                    draft.unlink(missing_ok=True)
            for file, known in self._others_by_file().items():
                with suppress(OSError):
                    if not _is_being_written(file):
                        os.close(_write_anew(file, _unquoting(_left(known, reached, ends), erased)))

    def forget(self) -> None:
        """Forgets all of it, after an administrator has said which history is right."""
        with self._guard:
            self._own.clear()
            self._past.clear()
            self._shrink()
            for file in self._others_by_file():
                file.unlink(missing_ok=True)

    def close(self) -> None:
        """What is sent from then on opens it again."""
        with self._guard:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
                if not self._own:
                    with suppress(OSError):
                        self._file.unlink()

    def _note_first(self, command_id: UUID, recorded: Recorded) -> None:
        """The call under way that gives this command is the one that has recorded or queued it."""
        if command_id in self._asked and not recorded.repeated:
            self._first.add(command_id)

    def _remember(self, sent: SentCommand) -> None:
        """Remembers where the line stands; what it says is kept elsewhere."""
        command = sent.line.command_id
        self._past.pop(command, None)
        self._past[command] = _bare(sent)
        if len(self._past) > MOST:
            del self._past[next(iter(self._past))]

    def _commands_of_others(self) -> Iterator[_Commands]:
        yield from self._others_by_file().values()

    def _others_by_file(self) -> dict[Path, _Commands]:
        """What the other processes' files say; each is read when it has changed."""
        found = {}
        for file in self._folder.glob("*.jsonl") if self._folder.is_dir() else ():
            with suppress(OSError):
                status = file.stat()
                stamp = (status.st_size, status.st_mtime_ns)
                if file != self._file:
                    known = self._others.get(file)
                    found[file] = known if known and known[0] == stamp else (stamp, _read(file))
        self._others = found
        return {file: known for file, (_, known) in found.items()}

    def _remove_done(self, file: Path, known: _Commands, reached: int, ends: Ends) -> None:
        with suppress(OSError):
            untouched = time.time() - file.stat().st_mtime
            is_done = untouched > GIVEN_UP or (untouched > FORGOTTEN and not _left(known, reached, ends))
            if is_done and not _is_being_written(file):  # just now perhaps: by a wrong clock all is long ago
                file.unlink()

    def _write(self, entry: _Sent | _Answered) -> None:
        """Writes the line in one piece, behind a newline of its own: what was torn before it stays apart."""
        with suppress(OSError):
            if self._descriptor is not None and not os.fstat(self._descriptor).st_nlink:  # removed by another
                os.close(self._descriptor)
                self._descriptor = None
            if self._descriptor is None:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._descriptor = _opened(self._file, 0)
            add(self._descriptor, b"\n" + _encode(entry))

    def _shrink(self) -> None:
        """Starts the file over when nothing in it is needed, or when most of it is not."""
        with suppress(OSError):
            if self._descriptor is None:
                return
            size = os.fstat(self._descriptor).st_size
            if size and not self._own:
                os.ftruncate(self._descriptor, 0)
            elif size > LARGEST:
                self._rewrite()

    def _rewrite(self) -> None:
        fresh = _write_anew(self._file, self._own)
        assert self._descriptor is not None, "what is rewritten was open"
        os.close(self._descriptor)
        self._descriptor = fresh


def _write_anew(file: Path, commands: _Commands) -> int:
    """Puts a file of these commands in its place, open at its end. Raises OSError."""
    draft = file.with_suffix(".new")
    fresh = _opened(draft, os.O_TRUNC)
    try:
        for sent in commands.values():
            add(fresh, b"".join(b"\n" + _encode(entry) for entry in _entries(sent)))
        draft.replace(file)
    except OSError:
        os.close(fresh)
        raise
    return fresh


def _is_being_written(file: Path) -> bool:
    """Whether the process is there that writes the file."""
    import psutil  # imported here for start-up: asked when something is erased, and of files that are long untouched

    number = file.name.partition("-")[0]
    return number.isdigit() and psutil.pid_exists(int(number))


def _unquoting(commands: _Commands, erased: int) -> _Commands:
    """The commands, of one that was decided before an erasure only which it is: it may quote what is gone."""
    return {id: _bare(sent) if sent.line.as_of < erased else sent for id, sent in commands.items()}


def _bare(sent: SentCommand) -> SentCommand:
    return replace(sent, line=replace(sent.line, arguments={}, bases={}, events=(), token=None))


def _entries(sent: SentCommand) -> Iterator[_Sent | _Answered]:
    yield _Sent(sent.line)
    if sent.recorded is not None:
        yield _Answered(sent.line.command_id, sent.recorded)


def _left(known: _Commands, reached: int, ends: Ends) -> _Commands:
    left = {id: sent for id, sent in known.items() if not 0 < sent.last_position <= reached}
    arrived = ends([id for id, sent in left.items() if sent.recorded is None])
    return {id: sent for id, sent in left.items() if id not in arrived}


def _read(file: Path) -> _Commands:
    found: _Commands = {}
    for raw in file.read_bytes().split(b"\n"):
        with suppress(msgspec.MsgspecError):  # torn by what ended the process, or of a newer program
            match _decode(raw):
                case _Sent(line):
                    found[line.command_id] = SentCommand(line=line)
                case _Answered(command_id, None):
                    found.pop(command_id, None)
                case _Answered(command_id, recorded) if command_id in found:
                    found[command_id] = replace(found[command_id], recorded=recorded)
    return found


def _opened(file: Path, more: int) -> int:
    """Opens it for its owner only: the arguments of commands hold the tokens of claims."""
    return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0) | more, 0o600)
