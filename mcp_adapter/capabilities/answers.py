"""What a tool answers on the wire: one compact JSON document, said twice and never too long.

Some hosts show the model only the text, some only the structured content; both say the same. An answer over the
budget is never cut in silence: a list is asked again for fewer items, so its cursor goes on exactly where it stops,
and a single entity that is too big loses the ends of its long texts and lists, and `shortened` names each of them.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

import mcp.types as wire
import msgspec
from msgspec import Struct

from ledger.errors import LedgerError
from projections.questions.answers import Answered

Shortened = list[dict[str, Any]]

# 15,000 tokens at four bytes each: hosts cut or refuse answers from about 25,000 tokens on, and dense text (ids,
# numbers, other scripts) needs up to one and a half times as many tokens as four bytes each.
ANSWER_BYTES = 60_000
# A refusal is read in full before anything else can be done, so it has to be short.
REFUSAL_BYTES = 8_000
# Tried in this order until the answer fits: characters left of a text, entries left of a list or object.
STEPS = ((10_000, 500), (4_000, 200), (2_000, 100), (1_000, 50), (400, 20), (200, 10), (80, 5))
NAMED = 20  # shortened places that are named; the others are counted
MARK = "...[shortened]"

log = logging.getLogger(__name__)


class ToolAnswer(Struct, frozen=True):
    """An answer and its text, which is the whole of it."""

    answer: Answered
    text: str
    is_error: bool = False

    def result(self) -> wire.CallToolResult:
        return wire.CallToolResult(
            content=[wire.TextContent(type="text", text=self.text)],
            structured_content=self.answer,
            is_error=self.is_error,
        )


def answered(answer: Answered, again: Callable[[int], Answered]) -> ToolAnswer:
    """A success. `again(limit)` asks the same for at most `limit` items; only a list over the budget needs it."""
    while not _fits(text := _text(answer), ANSWER_BYTES) and len(answer.get("items", ())) > 1:
        answer = again(_how_many_fit(answer))
    if _fits(text, ANSWER_BYTES):
        return _result(answer, text)
    shortened = fitted(answer)
    return _result(shortened, _text(shortened))


def refused(error: LedgerError) -> ToolAnswer:
    answer = error.as_answer()
    kept, shortened = _shortened_to(answer["error"], REFUSAL_BYTES - len('{"error":}'))
    if shortened:
        kept = {**kept, "details": {**_object(kept["details"]), "shortened": shortened}}
    content = {"error": kept}
    return _result(content, _text(content), is_error=True)


def crashed(name: str) -> ToolAnswer:
    """An answer for an unexpected exception."""
    return refused(internal(name, log))


def internal(name: str, log: logging.Logger) -> "Internal":
    """The refusal for the exception that is being handled: the log has it, the caller learns nothing of our insides."""
    log.exception("%s failed unexpectedly", name)
    return Internal(
        f"{name} failed unexpectedly",
        next_step="read what is stored before you repeat a write; the server's log (stderr) tells more",
    )


class Internal(LedgerError):
    """A fault of this program, not of what it was asked."""

    code = "internal"


def encoded(answer: Answered) -> bytes:
    return _text(answer).encode("utf-8", "replace")


def fitted(answer: Answered) -> Answered:
    """The answer itself if it fits, else with its long texts and lists shortened and each of those places named."""
    kept, shortened = _shortened_to(answer, ANSWER_BYTES)
    return {**kept, "shortened": shortened} if shortened else kept


def _how_many_fit(answer: Answered) -> int:
    """How many of the items fit beside the rest of the answer, counted from the first, and at least one."""
    items = answer["items"]
    left = ANSWER_BYTES - len(encoded({**answer, "items": []}))
    for count, item in enumerate(items):
        left -= len(encoded(item)) + 1
        if left < 0:
            return max(1, count)
    return max(1, len(items) - 1)


def _shortened_to(answer: Answered, budget: int) -> tuple[Answered, Shortened]:
    if len(encoded(answer)) <= budget:
        return answer, []
    for characters, entries in STEPS:
        found: Shortened = []
        kept = _cut(answer, "", characters, entries, found)
        named = _listed(found)
        if len(encoded({**kept, "shortened": named})) <= budget:
            return kept, named
    return _flattened(answer, budget)


def _cut(value: Any, place: str, characters: int, entries: int, found: Shortened) -> Any:
    if isinstance(value, str) and len(value) > characters:
        found.append({"field": place, "kept": characters, "of": len(value), "unit": "characters"})
        return value[:characters] + MARK
    if isinstance(value, (list, tuple)):
        if len(value) > entries:
            found.append({"field": place, "kept": entries, "of": len(value), "unit": "entries"})
        kept_items = enumerate(value[:entries])
        return [_cut(item, f"{place}.{index}", characters, entries, found) for index, item in kept_items]
    if isinstance(value, dict):
        limit = entries if place else len(value)
        if len(value) > limit:
            found.append({"field": place, "kept": limit, "of": len(value), "unit": "entries"})
        kept = list(value.items())[:limit]
        return {key: _cut(item, f"{place}.{key}".lstrip("."), characters, entries, found) for key, item in kept}
    return value


def _flattened(answer: Answered, budget: int) -> tuple[Answered, Shortened]:
    """The last resort: what is big is shown as the beginning of its JSON text."""
    share = budget // (8 * len(answer))  # a character has up to four bytes, and the names need some, too
    texts = {name: _text(value) for name, value in answer.items()}
    big = {name: text for name, text in texts.items() if len(text) > share}
    kept = {**answer, **{name: text[:share] + MARK for name, text in big.items()}}
    found = [{"field": name, "kept": share, "of": len(text), "unit": "characters"} for name, text in big.items()]
    return kept, _listed(found)


def _listed(found: Shortened) -> Shortened:
    named = [{**entry, "field": entry["field"][:100]} for entry in found[:NAMED]]
    return [*named, {"others": len(found) - NAMED}] if len(found) > NAMED else named


def _fits(text: str, budget: int) -> bool:
    return len(text.encode("utf-8", "replace")) <= budget


def _result(answer: Answered, text: str, *, is_error: bool = False) -> ToolAnswer:
    try:
        text.encode()
    except UnicodeEncodeError:  # an unpaired surrogate, which a JSON text may spell and UTF-8 cannot carry
        text = text.encode("utf-8", "replace").decode()
        answer = json.loads(text)
    return ToolAnswer(answer, text, is_error)


def _text(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # an unpaired surrogate, which json can write
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _object(value: Any) -> Answered:
    return value if isinstance(value, dict) else {"shown": value}
