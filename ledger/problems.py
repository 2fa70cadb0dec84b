"""Faults of an input, each with its field, and the refusal that names all of them at once."""

import re
from collections.abc import Iterable
from typing import Any

from ledger.errors import Invalid

Problem = dict[str, Any]
SHOWN_IN_SENTENCE = 60  # characters of a value
OF_THE_VALUE = ("is no ", "is none ", "is not one of ", "is not a ", "is not an event", "is neither an ", "lies ")
SAYS_WHAT_IT_SHOULD_BE = re.compile(r"\b(?:must|should) be ")
KINDS_OF_VALUES = ("object", "array")  # what stands for a value that is not shown


def problem(field: str, text: str, value: Any = None, **more: Any) -> Problem:
    """One fault of an input: the field, what is wrong, the value as it came (shortened), what would be allowed."""
    shown = value if not isinstance(value, str) or len(value) <= 80 else value[:77] + "..."
    return {"field": field, "problem": text, "value": shown, **more}


def sentence(problems: Iterable[Problem]) -> str:
    """All the faults in words, each with the value that was sent where it is short and the words do not have it.

    >>> sentence([problem("limit", "must be from 1 to 9", 10), problem("kind", "is no kind", "x", allowed=["y"])])
    "limit: must be from 1 to 9, not 10; kind: 'x' is no kind"
    """
    return "; ".join(f"{fault['field']}: {_with_value(fault)}" for fault in problems)


def _with_value(fault: Problem) -> str:
    value, words = fault["value"], str(fault["problem"])
    if value is None or str(value) in words or len(str(value)) > SHOWN_IN_SENTENCE:
        return words
    if SAYS_WHAT_IT_SHOULD_BE.search(words) and ", this is " not in words:
        return f"{words}, not {value!r}" if value not in KINDS_OF_VALUES else f"{words}, not an {value}"
    is_shown = isinstance(value, (str, int)) and not isinstance(value, bool) and value not in KINDS_OF_VALUES
    return f"{value!r} {words}" if is_shown and words.startswith(OF_THE_VALUE) else words


def check(problems: Iterable[Problem]) -> None:
    """Raises Invalid with all the faults at once, if there are any."""
    found = list(problems)
    if found:
        raise Invalid(sentence(found), next_step="correct the named fields and send it again", fields=found)
