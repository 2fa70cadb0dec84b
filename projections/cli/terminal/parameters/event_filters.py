"""The options that narrow down which events a command is about: `--kind`, `--item` and `--person`."""

from typing import Any

import click

_OPTIONS = (
    click.option(
        "--kind",
        "kinds",
        multiple=True,
        metavar="KIND",
        help="Only events of this kind: WorkItemCompleted, vendor, ... (repeatable).",
    ),
    click.option("--item", "items", multiple=True, metavar="REF", help="Only events about this (repeatable)."),
    click.option("--person", "people", multiple=True, metavar="NAME", help="Only events by this person (repeatable)."),
)


def event_filters(command: Any) -> Any:
    """Adds the three, in this order; the command gets `kinds`, `items` and `people` as tuples."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
