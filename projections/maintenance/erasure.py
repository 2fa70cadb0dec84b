"""Erasing texts for good: in the log, in its rows, in this machine's copies; other machines do it when they follow."""

import time
from collections import Counter
from collections.abc import Iterator
from filecmp import cmp
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.across.erasure import Read, lost_texts, of_entity, of_person
from ledger.aggregates.erasure.commands import EraseTexts
from ledger.aggregates.erasure.events import ErasedPayload
from ledger.envelope import Submission, category_of, minted_id, stream_id
from ledger.errors import Refused, Unavailable
from ledger.handler import Handler
from ledger.identity import FOLDER
from ledger.offline.journal import FILE as JOURNAL
from ledger.offline.sent_commands import FOLDER as SENT
from ledger.postgres import owned_log
from projections.application.app import App
from projections.local_copy.cache import cache_file
from projections.maintenance.status_file import place
from projections.questions.world_questions import TableNeighbourhood
from projections.read_models.fold import propose
from projections.tables.postgres import PostgresTables
from projections.tables.replay import replay

WAIT_SECONDS = 60.0  # for another process that replays or follows
SENT_SECONDS = 5.0  # in which the other programs of this machine follow what they have written
LOOK_EVERY = 0.2  # seconds
SHORTEST = 4  # characters of a text that is looked for in files: a shorter one is found everywhere
OWN = (JOURNAL, "journal-index.sqlite3", "outbox-index.sqlite3")  # whose texts are known to be gone


class Subject(Struct, frozen=True, kw_only=True):
    """What is to be erased: everything said of one entity, or everything that one person has written."""

    category: str | None = None
    id: str | None = None
    person: str | None = None

    def payloads(self, read: Read) -> tuple[ErasedPayload, ...]:
        if self.person is not None:
            return of_person(read, self.person)
        assert self.category is not None
        assert self.id is not None
        return of_entity(read(), stream_id(self.category, self.id))


class Preview(Struct, frozen=True, kw_only=True):
    """How many events would lose their texts, and of how many entities of each category they are."""

    events: int
    entities: dict[str, int]


class Erased(Struct, frozen=True, kw_only=True):
    """How many events lost their texts by the erasure at `position`, None if none had any left; and the files of this
    machine in which one of the texts is still found."""

    events: int
    position: int | None
    left: tuple[Path, ...] = ()


def preview(app: App, subject: Subject) -> Preview:
    positions = {payload.position for payload in subject.payloads(app.store.read_all)}
    streams = {event.stream_id for event in app.store.read_all() if event.position in positions}
    return Preview(events=len(positions), entities=dict(Counter(map(category_of, streams))))


def erase(app: App, subject: Subject) -> Erased:
    """Raises Unavailable with the database away, Refused where this role does not own its schema.

    Repeated, it finishes what was interrupted.
    """
    app.sync.require_drained()
    _ = app.store  # which migrates, and knows the ledger
    known, texts = app.identity, set[str]()
    position = None
    with owned_log.owned_log(app.settings, known.key, known.ledger) as log:
        payloads = subject.payloads(log.read_all)
        if payloads:
            texts = set(lost_texts(log.read_all(up_to=payloads[-1].position), payloads))
            handler = Handler(log, TableNeighbourhood(app.tables), propose)
            position = handler.execute(_submission(app, payloads)).positions[-1]
        head = log.read_streams([]).head
    _finish(app, position or head)
    return Erased(events=len(payloads), position=position, left=_left(app, texts))


def _submission(app: App, payloads: tuple[ErasedPayload, ...]) -> Submission:
    command_id = app.new_command_id()
    return Submission(
        command=EraseTexts(id=minted_id(command_id), payloads=payloads),
        command_id=command_id,
        by=app.actor(None),
        occurred_at=app.clock(),
        scope=app.principal.scope,
    )


def _finish(app: App, position: int) -> None:
    """The rows, then the copies of this machine, then what the database's files hold of rows that are gone."""
    app.runtime.remember_head()
    _replay(app)
    until = time.monotonic() + WAIT_SECONDS
    while not app.sync.follow() or app.local.journal.head.position < position or not app.local.is_erased:
        if time.monotonic() > until:
            raise Unavailable(
                f"the texts are erased in the database, and another process of this machine keeps its copies"
                f" locked for {WAIT_SECONDS:g} s",
                next_step="repeat it, or end the other programs of this machine: the next one to follow does the rest",
            )
        time.sleep(LOOK_EVERY)
    owned_log.let_go(app.settings)


def _replay(app: App) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            replay(app.store, PostgresTables(app.database, app.identity.key))
            return
        except Refused as under_way:  # which begins again itself, as it finds the erasure
            if under_way.details.get("rule") != "replay_under_way" or time.monotonic() > until:
                raise
            time.sleep(LOOK_EVERY)


def _left(app: App, texts: set[str]) -> tuple[Path, ...]:
    """What is still found, after the other programs of this machine had time to let go of what they have sent."""
    until = time.monotonic() + SENT_SECONDS
    while True:
        left = tuple(_holding(app, texts))
        if time.monotonic() > until or not any(file.parent.name == SENT for file in left):
            return left
        time.sleep(LOOK_EVERY)


def _holding(app: App, texts: set[str]) -> Iterator[Path]:
    """Files that a person, an import or an accident has left, in which one of the texts stands."""
    known = [text for text in texts if len(text) >= SHORTEST]
    quoted = [msgspec.json.encode(text) for text in known]  # as a line of ours has it
    parts = {form for text in known for form in (text.encode(), msgspec.json.encode(text)[1:-1])}
    published = app.identity.project / FOLDER / JOURNAL
    files = [file for folder in (app.home, published.parent) for file in sorted(folder.rglob("*"))]
    done = {app.home / f"{name}{more}" for name in (*OWN, cache_file()) for more in ("", "-wal", "-shm")}
    if published.exists() and cmp(published, app.local.journal.file, shallow=False):
        done.add(published)
    for file in (*files, place(app)):
        if file not in done and file.is_file():
            content = file.read_bytes()
            if any(form in content for form in (quoted if file.suffix == ".jsonl" else parts)):
                yield file
