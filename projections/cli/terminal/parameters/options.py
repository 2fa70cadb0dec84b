"""The options that every command takes, before or after its name. Importing this is cheap: `--help` needs no more."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from projections.cli.warm.client import WarmAddress


class Options(Struct):
    """What was asked for so far; None means: not said, so the environment's setting counts."""

    project: Path | None = None
    dsn: str | None = None
    by: str | None = None
    as_json: bool = False
    warm: WarmAddress | None = None  # where a warm process is missing


def common_options(*, hidden: bool) -> list[click.Parameter]:
    """Fresh parameters for one command; `hidden` leaves all but --json out of its help."""
    return [
        _option("--project", "FOLDER", "The project's folder (default: this one).", hidden, Path),
        _option(
            "--by",
            "NAME",
            "Who acts, recorded on every event (default: git's user.name, else your login name).",
            hidden,
            str,
        ),
        _option("--dsn", "DSN", "A PostgreSQL server instead of the embedded one.", hidden, str),
        click.Option(
            ["--json", "as_json"],
            is_flag=True,
            expose_value=False,
            callback=_keep,
            help="Answer as JSON, errors too.",
        ),
    ]


def _option(flag: str, metavar: str, help: str, hidden: bool, type: Callable[[str], Any]) -> click.Option:
    return click.Option(
        [flag], metavar=metavar, help=help, hidden=hidden, type=type, expose_value=False, callback=_keep
    )


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value:
        setattr(context.ensure_object(Options), str(parameter.name), value)
