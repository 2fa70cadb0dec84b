"""HTML from the templates of the console. All values are escaped; Markdown is rendered without raw HTML."""

from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote

import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup

from ledger.resources import folder
from ledger.values.moment import parse

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable(["image"])
UNITS = ((86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3_600, "hour"), (60, "minute"))


def render(name: str, **values: Any) -> str:
    """The text of `templates/console/<name>.html.j2`."""
    return _environment().get_template(f"{name}.html.j2").render(**values)


def markdown(value: str | None) -> Markup:
    """Markdown as HTML. Raw HTML is shown as text, links with a script scheme are not links."""
    return Markup(_MARKDOWN.render(value or ""))  # the renderer escapes all text


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


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder("templates") / "console"),
        undefined=jinja2.Undefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"markdown": markdown, "ago": ago, "segment": lambda text: quote(str(text), safe="")}
    return environment
