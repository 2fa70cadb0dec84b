"""What is written behind a text that came from the ledger, so that it is found again when the answer to it was lost.

An item's id is not known outside before it is sent, so no text of others can name one that is still unsent.
"""

import re

_ITEM = re.compile(r"<!-- tracking-ledger: ([0-9a-f-]{36}) -->\Z")  # of a text without the space at its end
_COMMENT = re.compile(r"<!-- tracking-ledger: ([0-9a-f-]{36}) ([0-9a-z-]{1,20}) -->\Z")
_AUTHOR = re.compile(r"\A\*\*[^\n]*:\*\*\n\n")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~@])")


def with_item(text: str, item_id: str) -> str:
    """
    >>> with_item("Why", "0f3c" + "0" * 32)[:31]
    'Why\\n\\n<!-- tracking-ledger: 0f3c'
    """
    return f"{text}\n\n<!-- tracking-ledger: {item_id} -->".lstrip()


def item_in(text: str) -> str | None:
    """The id of the item that a text was written for."""
    found = _ITEM.search(text.rstrip())
    return found[1] if found else None


def without_item(text: str) -> str:
    return _without(_ITEM, text)


def with_comment(text: str, by: str, item_id: str, comment_id: str) -> str:
    """GitHub knows the token's owner as the author, so the first line says who wrote it."""
    author = _MARKDOWN.sub(r"\\\1", by)
    return f"**{author}:**\n\n{text}\n\n<!-- tracking-ledger: {item_id} {comment_id} -->"


def comment_in(text: str, item_id: str) -> str | None:
    """The id of the comment that a text was written for, if that is one on this item."""
    found = _COMMENT.search(text.rstrip())
    return found[2] if found and found[1] == item_id else None


def without_comment(text: str) -> str:
    return _AUTHOR.sub("", _without(_COMMENT, text))


def _without(mark: re.Pattern[str], text: str) -> str:
    """Space is stripped apart: a pattern that takes it in reads a text of nothing but space once for each of them."""
    found = mark.search(text.rstrip())
    return text[: found.start()].rstrip() if found else text
