"""Boxes to tick in Markdown: the items of a list that begin with `[ ]` or `[x]`.

A box is known by its words (and which one of the same words it is), so that a form ticks the right one also where the
text around it has changed since.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from html import escape

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from msgspec import Struct

BOX = re.compile(r"\[([ xX])\]\s+(?=\S)")
LINE_END = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")  # what Markdown takes for the end of a line, and no other character
NAME = "_ticked"  # the field of a form with a box that is ticked


class TickBox(Struct, frozen=True, kw_only=True):
    line: int  # of the text, from 0
    key: str
    is_ticked: bool


def with_boxes(markdown: MarkdownIt) -> MarkdownIt:
    """Makes it show them as boxes; `is_form` in its environment says whether they can be ticked."""
    markdown.core.ruler.push("boxes", _show)
    return markdown


def boxes(markdown: MarkdownIt, text: str) -> list[TickBox]:
    """
    >>> boxes(MarkdownIt(), "- [ ] Read\\n- [x] Write\\n- Rest\\n- [ ] Read")[-1]
    TickBox(line=3, key='1:Read', is_ticked=False)
    """
    return [box for box, _ in _found(markdown.parse(text))]


def ticked(markdown: MarkdownIt, text: str, shown: Collection[str], wanted: Collection[str]) -> str:
    """The text with those of the shown boxes ticked that are wanted, and the other shown ones not.

    >>> ticked(MarkdownIt(), "- [ ] Read\\n- [x] Write", ["0:Read", "0:Write"], ["0:Read"])
    '- [x] Read\\n- [ ] Write'
    """
    lines = LINE_END.split(text)
    for box in boxes(markdown, text):
        if box.key in shown and box.is_ticked != (box.key in wanted):
            mark = "[x]" if box.key in wanted else "[ ]"
            lines[box.line] = re.sub(r"\[[ xX]\]", mark, lines[box.line], count=1)
    return "".join(lines)


def _found(tokens: list[Token]) -> Iterator[tuple[TickBox, Token]]:
    """Each box with the text that it stands before."""
    known = Counter[str]()
    for item, paragraph, inline in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if (item.type, paragraph.type, inline.type) != ("list_item_open", "paragraph_open", "inline"):
            continue
        mark = BOX.match(inline.content)
        first = inline.children[0] if inline.children else None
        if mark and inline.map and first and first.type == "text":  # and no link that is called x
            words = inline.content[mark.end() :].partition("\n")[0]
            yield TickBox(line=inline.map[0], key=f"{known[words]}:{words}", is_ticked=mark[1] != " "), inline
            known[words] += 1


def _show(state: StateCore) -> None:
    for box, inline in _found(state.tokens):
        assert inline.children, "it begins with a text"
        inline.children[0].content = inline.children[0].content.partition("]")[2].lstrip()
        how = f'name="{NAME}" value="{escape(box.key)}"' if state.env.get("is_form") else "disabled"
        begin, end = Token("html_inline", "", 0), Token("html_inline", "", 0)
        begin.content = f'<label class="tick"><input type="checkbox" {how}{" checked" * box.is_ticked}><span>'
        end.content = "</span></label>"
        inline.children = [begin, *inline.children, end]
