"""Whether what the ledger holds is in the text it was read from, checked without any of the readers.

A misreading that happens the same way twice is no difference between two readings. But a name, a number or a hash that
is nowhere in the file was made up, by whichever part.
"""

import re
from collections.abc import Iterator
from typing import Any

SPELLINGS = {"excel": ("excel", "xls"), "csv": ("csv",), "pdf": ("pdf",), "ocr": ("ocr",)}
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?!\d)|\d+")  # 1,045 is one number

Unsupported = tuple[str, Any]  # field, value: of which the text says nothing


class Text:
    """A file's text, as far as single words, numbers and spellings can be looked up in it."""

    def __init__(self, text: str) -> None:
        self._folded = text.casefold()
        self._letters = "".join(_WORD.findall(self._folded))  # emphasis may stand inside a word
        self._numbers = {int(number.replace(",", "")) for number in _NUMBER.findall(text) if len(number) < 20}

    def has_words(self, value: str) -> bool:
        return all(word in self._letters for word in _WORD.findall(value.casefold()))

    def has_spelling(self, value: str) -> bool:
        return value.casefold() in self._folded

    def has_number(self, value: int) -> bool:
        return value in self._numbers


def vendor(state: Any, text: Text) -> Iterator[Unsupported]:
    if not text.has_words(state.name):
        yield "name", state.name
    if state.extractor_version is not None and not text.has_spelling(state.extractor_version):
        yield "extractor_version", state.extractor_version
    for field in ("passing", "total", "skipped"):
        count = getattr(state.test_results, field, None)
        if count is not None and not text.has_number(count):
            yield f"test_results.{field}", count
    for name, supported in state.format_support.items():
        if supported and not any(text.has_spelling(spelling) for spelling in SPELLINGS.get(name, (name,))):
            yield f"format_support.{name}", supported


def deployment(state: Any, text: Text) -> Iterator[Unsupported]:
    if state.commit_hash is not None and not text.has_spelling(state.commit_hash):
        yield "commit_hash", state.commit_hash
    if state.pr_number is not None and not text.has_number(state.pr_number):
        yield "pr_number", state.pr_number
    if state.pr_title is not None and not text.has_words(state.pr_title):
        yield "pr_title", state.pr_title
    for name, count in state.test_summary.items():
        if not text.has_number(count):
            yield f"test_summary.{name}", count


def enhancement(state: Any, text: Text) -> Iterator[Unsupported]:
    if not text.has_words(state.title):
        yield "title", state.title
    quarter = state.target_quarter
    if quarter is not None and not (text.has_spelling(quarter[-2:]) and text.has_spelling(quarter[:4])):
        yield "target_quarter", quarter


def work_item(state: Any, text: Text) -> Iterator[Unsupported]:
    """A session's words may be written in YAML's escapes, or be the name of its file."""
    if state.item_type == "session":
        return
    if not text.has_words(state.title):
        yield "title", state.title
    if state.branch_name is not None and not text.has_spelling(state.branch_name):
        yield "branch_name", state.branch_name
