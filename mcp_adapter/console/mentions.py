"""References of work items in Markdown: each leads to the page of its item."""

import re
from collections.abc import Iterable, Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from ledger.values.reference import ALPHABET, FULL, SHORTEST

MENTION = re.compile(rf"(?<![\w/.#-])(w-[{ALPHABET}]{{{SHORTEST},{FULL}}})(?![\w-])")


def with_mentions(markdown: MarkdownIt) -> MarkdownIt:
    """Makes it link them below the `base` of its environment, where that is given."""
    markdown.core.ruler.push("mentions", _link)
    return markdown


def _link(state: StateCore) -> None:
    base: str = state.env.get("base", "")
    for inline in state.tokens if base else ():
        if inline.type == "inline" and inline.children:
            inline.children = list(_linked(inline.children, base))


def _linked(children: Iterable[Token], base: str) -> Iterator[Token]:
    depth = 0  # of links, in which there is no other
    for child in children:
        depth += {"link_open": 1, "link_close": -1}.get(child.type, 0)
        parts = MENTION.split(child.content) if child.type in ("text", "code_inline") and not depth else []
        if len(parts) == 1 or (child.type == "code_inline" and parts[::2] != ["", ""]):
            parts = []
        if not parts:
            yield child
        for number, part in enumerate(parts):
            inside = Token(child.type, child.tag, 0, content=part, markup=child.markup)
            if number % 2:
                yield Token("link_open", "a", 1, attrs={"href": f"{base}/item/{part}"})
                yield inside
                yield Token("link_close", "a", -1)
            elif part:
                yield inside
