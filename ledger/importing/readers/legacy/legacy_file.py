"""What all readers of legacy records share: author, time, and the findings so far."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from ledger.aggregates.work_item.commands import Attribution
from ledger.importing.readers.legacy.outline import Line, plain
from ledger.importing.readers.reading import ANY_KIND, Identify, Reading
from ledger.importing.readers.words.written_state import BOX, WrittenState
from ledger.importing.readers.words.written_time import written_time
from ledger.values.finding import Finding
from ledger.values.moment import text

SOURCE = "legacy"
NO_HOLDER = "unknown (legacy)"


class LegacyFile(Struct, kw_only=True):
    """One file while it is read.

    `at` is the time that the file gives itself, else that of the import, `kind` that of the section which is read.
    """

    reading: Reading
    identify: Identify
    at: datetime
    imported_at: datetime
    kind: str = ANY_KIND
    used: Counter[str] = field(default_factory=Counter)

    def attribution(self, at: datetime | None = None) -> Attribution:
        """Nothing in a file happened after it was imported."""
        return Attribution(by=NO_HOLDER, at=min(at or self.at, self.imported_at))

    def warn(self, kind: str, line: int, what: str) -> None:
        self.reading.warnings.append(Finding(kind, f"line {line}: {what}"))

    def refuse(self, kind: str, line: int, what: str) -> None:
        """A record, or a line that may be one, which is not taken."""
        self.reading.found += 1
        where = f"line {line}: {what[:100]}"
        self.reading.not_taken.append(Finding(kind, where))
        self.reading.not_read.setdefault(self.kind, []).append(where)

    def leave(self, line: int, title: str, lines: Iterable[Line]) -> None:
        """A section that is its author's own. Boxes in it are named: they may be work."""
        boxes = sum(BOX.match(one.bullet or "") is not None for one in lines if not one.code)
        self.warn("left_to_its_author", line, plain(title)[:80])
        if boxes:
            self.warn("boxes_left_alone", line, f"{plain(title)[:60]}: {boxes}")

    def word(self, metadata: dict[str, Any], name: str, found: str, read_as: object, line: int) -> None:
        """Keeps a word of the source that became another of ours."""
        metadata[f"source_{name}"] = found
        self.warn("word_of_the_source", line, f"{name} {found!r} taken as {read_as!r}")

    def state(self, metadata: dict[str, Any], state: WrittenState, read_as: str | None, line: int) -> None:
        """Keeps how a state is written, unless that is our own word or a plain box; one without a meaning is named."""
        if state.is_plain or state.written.lower() == read_as:
            return
        if read_as is not None:
            self.word(metadata, "status", state.written, read_as, line)
            return
        metadata["source_status"] = state.written
        self.warn("state_not_understood", line, state.written[:80])

    def moment(self, metadata: dict[str, Any], name: str, written: str, line: int) -> datetime | None:
        """A time as it is written. What it does not state is named, and its spelling kept."""
        found = written_time(written)
        if found is None:
            return None
        if found.at is None:
            self.warn("time_not_understood", line, f"{name} {found.spelling}: {found.problem}")
        elif found.doubt is not None:
            self.warn(found.doubt, line, f"{name} {found.spelling} taken as {text(found.at)}")
        if found.at is None or found.doubt is not None:
            metadata[f"source_{name}"] = found.spelling
        if found.at is not None and found.at > self.imported_at:
            self.warn("time_in_the_future", line, found.spelling)
        return found.at

    def name(self, kind: str, wanted: str, line: int) -> str:
        """An id by which the record is found again: its own words, numbered and named where they repeat."""
        self.used[f"{kind}:{wanted}"] += 1
        times = self.used[f"{kind}:{wanted}"]
        if times == 1:
            return wanted
        self.warn("told_apart_by_order", line, wanted[:80])
        return f"{wanted} ({times})"
