"""What an import finds is said in words: no kind of a finding is shown as it is called in the program."""

import re
from pathlib import Path
from typing import get_args

import pytest

from ledger.errors import Invalid
from ledger.importing.readers.finding_words import KINDS
from ledger.importing.readers.words.written_time import Doubt
from ledger.values.moment import parse
from projections.transfer.import_sources import SOURCES
from tests.support.each import each

ROOT = Path(__file__).parents[2]
FINDING = re.compile(
    r"(?:\bFinding|\b_?warn|\bleft_out\(reading,|\b_?refuse|\bNO_MARKDOWN =|\bNOTHING =|_doubt\w*)"
    r'\(?\s*"([a-z]+(?:_[a-z]+)*)"'
)


def kinds() -> set[str]:
    """Every kind that a module of the importers names where it makes a finding."""
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "ledger" / "importing").rglob("*.py")]
    rules = ROOT / "ledger" / "aggregates" / "work_item"
    texts += [file.read_text(encoding="utf-8") for file in rules.rglob("*.py")]
    texts += [(ROOT / "projections" / "transfer" / "import_execution.py").read_text(encoding="utf-8")]
    return {kind for text in texts for kind in FINDING.findall(text)} | set(get_args(Doubt))


@each(
    ("name", "content"),
    [
        ("beads", '{"id": 5, "issue_type": "task"}'),
        ("taskmaster", '{"tasks": [{"no": "id"}]}'),
        ("taskwarrior", '[{"no": "uuid"}]'),
        ("gitlab", '[{"title": "a", "state": "opened"}]'),
        ("trello", '{"shortLink": "a", "idList": "l", "cards": [{"name": "x"}]}'),
        ("github", '[{"title": "a"}]'),
    ],
)
def test_a_file_of_which_nothing_can_be_taken_is_refused_in_words(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / "file.json"
    file.write_text(content)

    with pytest.raises(Invalid, match="that can be taken") as refused:
        SOURCES[name].read(file, str, parse("2026-11-22T12:00:00Z"))

    assert not re.search(r"\w_\w", refused.value.message.removeprefix(str(file)))


def test_every_kind_of_a_finding_has_its_words() -> None:
    found = kinds()

    assert len(found) > 50
    assert found - KINDS.keys() == set(), "no words in ledger/importing/readers/finding_words.py"
