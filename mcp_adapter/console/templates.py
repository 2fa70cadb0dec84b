"""HTML from the templates of the console. All values are escaped; Markdown is rendered without raw HTML."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup

from ledger.resources import folder
from ledger.values.controls import visible_in_page
from ledger.values.moment import parse
from mcp_adapter.console.mentions import with_mentions
from mcp_adapter.console.ticks import boxes, with_boxes
from projections.questions.pages import counted
from projections.reports.page_items import event_words

SCROLLED = '<div class="scroll" role="group" aria-label="Table" tabindex="0">'  # by the keyboard too
LONGEST = 80  # characters of a value that changed
UNITS = ((86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute"))


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable(["image"])
    parser.add_render_rule("table_open", lambda *_: f"{SCROLLED}<table>")
    parser.add_render_rule("table_close", lambda *_: "</table></div>")
    return parser


MARKDOWN = _parser()
_SHOWN = with_mentions(with_boxes(_parser()))


def render(name: str, **values: Any) -> str:
    """The text of `templates/console/<name>.html.j2`, with control characters of the values made visible."""
    return visible_in_page(_environment().get_template(f"{name}.html.j2").render(**values))


def markdown(value: str | None, base: str = "", *, is_form: bool = False) -> Markup:
    """Markdown as HTML. Raw HTML is shown as text, links with a script scheme are not links; in a form boxes can be
    ticked. References of items lead to their pages below `base`."""
    return Markup(_SHOWN.render(value or "", {"is_form": is_form, "base": base}))  # the renderer escapes all text


def ago(value: str | None, now: datetime | None = None) -> str:
    """A time relative to now.

    >>> ago("2026-11-28T10:00:00Z", datetime(2026, 11, 28, 12, 0, tzinfo=UTC))
    '2 hours ago'
    """
    if not value:
        return ""
    seconds = ((now or datetime.now(UTC)) - parse(value)).total_seconds()
    for size, unit in UNITS:
        if abs(seconds) >= size:
            count = int(abs(seconds) // size)
            words = f"{count} {unit}{'s' if count > 1 else ''}"
            return f"{words} ago" if seconds > 0 else f"in {words}"
    return "just now"


def shown(value: Any, refs: Mapping[str, str] = MappingProxyType({})) -> str:
    """A value of a field in few words; `refs` are the references of ids.

    >>> shown(None), shown(True), shown([{"kind": "blocks", "to_id": "1f0c", "note": None}, "b"], {"1f0c": "w-1"})
    ('nothing', 'yes', 'blocks w-1, b')
    """
    match value:
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            text = ", ".join(shown(inner, refs) for inner in value)
        case dict():
            text = " ".join(shown(inner, refs) for inner in value.values() if inner is not None)
        case _:
            text = "" if value is None else refs.get(str(value), str(value))
    return (text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…") or "nothing"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder("templates") / "console", folder("templates")]),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "markdown": markdown,
        "boxes": lambda text: boxes(MARKDOWN, text),
        "ago": ago,
        "segment": lambda text: quote(str(text), safe=""),
        "shown": shown,
        "counted": counted,
        "event": event_words,
    }
    return environment
