"""Punch lists of a building site: `7 open: Hang the door @ann after 3 by 2026-12-15`, a task a line."""

import re
from collections.abc import Iterator
from pathlib import Path

from ledger.importing.importer import Importer
from ledger.importing.readers.reading import Reading, lines
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.source_item import SourceItem, SourceLink, left_out
from ledger.importing.readers.text_lines import unreadable

HEAD = "# punch list"
LINE = re.compile(
    r"(?P<number>\d+) (?P<status>[a-z ]+): (?P<title>.+?)"
    r"(?: @(?P<who>\w+))?(?: after (?P<after>\d+))?(?: by (?P<day>\d{4}-\d\d-\d\d))?"
)


def recognises(sample: Sample) -> bool:
    return sample.begins(HEAD)


def records(path: Path, reading: Reading) -> Iterator[SourceItem]:
    for number, line in lines(path):
        text = line.decode()
        if number == 1 and text != HEAD:
            raise unreadable(path, number, f"is not the head of a punch list, {HEAD!r}")
        if text.startswith("#"):
            continue
        found = LINE.fullmatch(text)
        if found is None:
            left_out(reading, "line_not_understood", f"line {number}: {text[:50]}")
            continue
        after = found["after"]
        yield SourceItem(
            id=found["number"],
            title=found["title"],
            status=found["status"],
            assignee=found["who"],
            due=found["day"],
            links=(SourceLink(kind="depends_on", to=after, word="after"),) if after else (),
            more={"line": number},
        )


IMPORTER = Importer(
    called="a punch list",
    sentence="A punch list of a building site, a task a line.",
    recognises=recognises,
    records=records,
    is_dated=False,
)
