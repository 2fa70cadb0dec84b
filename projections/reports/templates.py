"""Templates of texts, from the templates folder."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ledger.resources import folder
from projections.reports.markdown import code, inline, moment, yes_no


def rendered(name: str, given: Mapping[str, Any], **filters: Callable[..., str]) -> str:
    """The text of a Markdown template; `filters` are its own beside those that all have."""
    environment = _environment()
    environment.filters |= filters
    text: str = environment.get_template(name).render(given)
    return text


@cache
def _environment() -> Any:
    import jinja2  # only here: loading it takes a tenth of the time in which an assistant's server has to answer

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder("templates")),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # it is Markdown; `inline` and `code` do what Markdown needs
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"inline": inline, "code": code, "moment": moment, "yes_no": yes_no}
    return environment
