"""Long texts as they are typed, or - for standard input, which is one value of a command at most."""

import sys
from typing import Any, TextIO

import click

STANDARD_INPUT = "-"
_TAKEN = f"{__name__}.taken"  # in the context of a command


class LongText(click.types.StringParamType):
    """A text; - reads it from standard input."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        typed = str(super().convert(value, param, ctx))
        if typed != STANDARD_INPUT or ctx is None or ctx.resilient_parsing:  # as for a completion
            return typed
        return text_of_standard_input()


LONG_TEXT = LongText()


def text_of_standard_input() -> str:
    """The whole of it, without the line end that closes it. Refused if it is empty."""
    stream = standard_input()
    if stream.isatty():
        click.echo("type the text; the end is Ctrl-D on a line of its own", err=True)
    try:
        read = stream.read().rstrip("\n")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"standard input is no text in {error.encoding}") from error
    if not read.strip():
        raise click.UsageError("standard input is empty: pipe the text into it, or type it in place of -")
    return read


def standard_input() -> TextIO:
    """Standard input, for the one value that is read from it. Refused for a second one, which would find it empty."""
    context = click.get_current_context()
    if context.meta.get(_TAKEN):
        raise click.UsageError("- stands in two places: only one value can be read from standard input")
    context.meta[_TAKEN] = True
    return sys.stdin
