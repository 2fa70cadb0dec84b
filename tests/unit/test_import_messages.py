"""What an import finds is said in words: no kind of a finding is shown as it is called in the program."""

import re
from pathlib import Path
from typing import get_args

from ledger.importing.readers.words.written_time import Doubt
from projections.cli.exchange.import_messages import KINDS

ROOT = Path(__file__).parents[2]
FINDING = re.compile(
    r"(?:\bFinding|\b_?warn|\bleft_out\(reading,|\b_?refuse|\bNO_MARKDOWN =|\bNOTHING =|_doubt\w*)"
    r'\(?\s*"([a-z]+(?:_[a-z]+)*)"'
)


def kinds() -> set[str]:
    """Every kind that a module of the importers names where it makes a finding."""
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "ledger" / "importing").rglob("*.py")]
    texts += [file.read_text(encoding="utf-8") for file in (ROOT / "ledger" / "work_item").glob("*.py")]
    texts += [(ROOT / "projections" / "transfer" / "import_execution.py").read_text(encoding="utf-8")]
    return {kind for text in texts for kind in FINDING.findall(text)} | set(get_args(Doubt))


def test_every_kind_of_a_finding_has_its_words() -> None:
    found = kinds()

    assert len(found) > 50
    assert found - KINDS.keys() == set()
