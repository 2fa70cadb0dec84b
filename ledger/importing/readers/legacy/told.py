"""What all readers of legacy records share: who said it when, and what they found out on the way."""

from collections import Counter
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from ledger.importing.readers.legacy import words
from ledger.importing.readers.reading import Identify, Reading
from ledger.values.finding import Finding
from ledger.values.moment import text
from ledger.work_item.commands import Mark

SOURCE = "legacy"
NO_HOLDER = "unknown (legacy)"


class Telling(Struct, kw_only=True):
    """One file on its way. `at` is the time that the file gives itself, else that of the import."""

    reading: Reading
    identify: Identify
    at: datetime
    imported_at: datetime
    used: Counter[str] = field(default_factory=Counter)

    def mark(self, at: datetime | None = None) -> Mark:
        """Nothing in a file happened after it was imported."""
        return Mark(by=NO_HOLDER, at=min(at or self.at, self.imported_at))

    def warn(self, kind: str, line: int, what: str) -> None:
        self.reading.warnings.append(Finding(kind, f"line {line}: {what}"))

    def refuse(self, kind: str, line: int, what: str) -> None:
        """A record, or a line that may be one, which is not taken."""
        self.reading.found += 1
        self.reading.not_taken.append(Finding(kind, f"line {line}: {what[:100]}"))

    def word(self, metadata: dict[str, Any], name: str, found: str, meant: object, line: int) -> None:
        """Keeps a word of the source that became another of ours."""
        metadata[f"source_{name}"] = found
        self.warn("word_of_the_source", line, f"{name} {found!r} taken as {meant!r}")

    def moment(self, metadata: dict[str, Any], name: str, written: str, line: int) -> datetime | None:
        """A time as it is written. A day without a time of day is its beginning, in UTC, with a warning."""
        found = words.moment(written)
        if found is None:
            return None
        at, has_clock, spelling = found
        if not has_clock:
            metadata[f"source_{name}"] = spelling
            self.warn("no_time_of_day", line, f"{name} {spelling} taken as {text(at)}")
        if at > self.imported_at:
            self.warn("time_in_the_future", line, spelling)
        return at

    def name(self, kind: str, wanted: str) -> str:
        """An id by which the record is found again: its own words, numbered where they repeat."""
        self.used[f"{kind}:{wanted}"] += 1
        times = self.used[f"{kind}:{wanted}"]
        return wanted if times == 1 else f"{wanted} ({times})"
