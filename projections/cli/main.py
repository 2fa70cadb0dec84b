"""The console scripts `tracking-ledger` and `tl`: how a command is found, and how each of them ends.

What a command returns is the exit code, None meaning 0; what it raises becomes a message and a code here.
"""

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from ledger import __version__
from ledger.errors import LedgerError
from ledger.libpq.environment import take_variables
from projections.application.activity import places
from projections.cli.commands import COMMANDS, NAMES, SECTIONS, SYNONYMS
from projections.cli.terminal import exits, lost_output, streams
from projections.cli.terminal.parameters.options import Options, common_options
from projections.cli.warm.client import WarmAddress

ALLOCATIONS = 100_000  # between two searches for cycles: what a start loads stays, and Python would search it 60 times


class CommandLine(click.Group):
    """The commands, loaded when called, and every way in which one of them can end."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            raise exits.NoSuchCommand(name, _suggested_lines(name, args[1:]), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, sentence) for name, (_, sentence) in commands.items()])

    def main(  # type: ignore[override]  # ends the process in every case, as the original does in its standalone mode
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        given = list(sys.argv[1:] if args is None else args)
        try:
            with lost_output.noticing_closed_output():
                code = self._ended(given, prog_name or _own_name(), extra)
                sys.stdout.flush()
        except lost_output.OutputClosed:
            code = exits.OUTPUT_CLOSED
        except streams.OutputLost as error:
            exits.print_lost_output(error)
            code = exits.OUTPUT_LOST
        exits.leave(code)

    def make_context(self, *arguments: Any, **named: Any) -> click.Context:
        # before click does, which ends with the code of a fault
        with lost_output.noticing_closed_output():
            return super().make_context(*arguments, **named)

    def invoke(self, ctx: click.Context) -> Any:
        with lost_output.noticing_closed_output():
            return super().invoke(ctx)

    def _ended(self, args: list[str], prog_name: str, extra: dict[str, Any]) -> int:
        as_json = "--json" in args  # also where the rest of the line cannot be understood
        try:
            return super().main(args, prog_name, standalone_mode=False, **extra) or exits.DONE
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            return exits.WRONG_USE
        except click.UsageError as error:
            error.ctx = error.ctx or _context(args, prog_name)  # click gives none where an option is used wrongly
            exits.print_wrong_use(error, as_json=as_json)
            return exits.WRONG_USE
        except LedgerError as error:
            return _refused(error, args)
        except (click.Abort, KeyboardInterrupt):
            return exits.INTERRUPTED
        except lost_output.OutputClosed:
            return exits.OUTPUT_CLOSED
        except streams.OutputLost:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in exits.OF_DISK:
                return _refused(exits.without_disk(error), args)
            return _fault(error, as_json=as_json)


@click.command(cls=CommandLine, no_args_is_help=True, params=common_options(hidden=False))
@click.version_option(__version__, prog_name="tracking-ledger")
def cli() -> None:
    """A project's record, kept as events, for people and AI assistants.

    Start with `tracking-ledger demo`, or with `tracking-ledger init` in your project's folder.
    """


def program(warm: WarmAddress | None = None) -> NoReturn:
    """The command of this process, which ends with it, and whatever else runs in it.

    `warm` is where a warm process would have run it; one is started there if the embedded server was used.
    """
    sys.stdout, sys.stderr = streams.answers(sys.stdout), streams.remarks(sys.stderr)
    try:
        main(warm)
    except SystemExit as ended:
        exits.leave_at_once(ended)


def main(warm: WarmAddress | None = None) -> NoReturn:
    """The command line that this process was given. Raises SystemExit with its code."""
    take_variables()
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"  # to look for some reads the metadata of all installed packages
    gc.set_threshold(ALLOCATIONS)
    cli.main(obj=Options(warm=warm))


def _own_name() -> str:
    """The name by which it was called: both are the same program."""
    called = Path(sys.argv[0]).name
    return called if called in NAMES else NAMES[0]


def _suggested_lines(name: str, rest: list[str]) -> list[str]:
    """The lines that were probably meant, from what other tools call it and from what is spelled alike."""
    import difflib  # only here: a slip is rare

    if name in SYNONYMS:
        return [_whole(SYNONYMS[name], rest)]
    return difflib.get_close_matches(name, COMMANDS, n=2, cutoff=0.6)


def _whole(line: str, rest: list[str]) -> str:
    """The line with what was typed after it, where that fits: an item, or the title of a new one, then options."""
    import shlex  # only here, as above

    from ledger.values.reference import parse

    if not rest or (line != "add" and parse(rest[0]) is None):
        return line
    command, *option = line.split()
    return shlex.join([command, rest[0], *option, *rest[1:]])


def _refused(error: LedgerError, args: list[str]) -> int:
    path, command = _called(args)
    exits.print_refusal(error, as_json="--json" in args, path=path, command=command)
    return exits.of_error(error)


def _called(args: list[str]) -> tuple[str, click.Command | None]:
    """The command of a line, with what is typed to call it."""
    path, command = "", None
    for word in args:
        known: click.Command | None = cli if command is None else command
        inner = known.get_command(click.Context(known), word) if isinstance(known, click.Group) else None
        path, command = (f"{path} {word}".strip(), inner) if inner else (path, command)
    return path, command


def _context(args: list[str], prog_name: str) -> click.Context:
    """The context of the command of a line which was not understood."""
    path, command = _called(args)
    whole = click.Context(cli, info_name=prog_name)
    return click.Context(command, whole, info_name=path) if command else whole


def _fault(error: Exception, *, as_json: bool) -> int:
    from projections.cli.terminal.output import answer_json, remark  # only here, as in `exits`

    answered = exits.fault(error, places(error))
    if as_json:
        answer_json(answered)
    else:
        remark(f"{answered['error']['message']}: this is a fault of the program", style="red")
        for place in answered["error"]["details"]["at"]:
            remark(f"  {place}")
        remark("next: the activity log has it (`tracking-ledger doctor` says where); please report these lines")
    return exits.FAULT
