"""The console script `tracking-ledger`: the list of commands, and how each of them ends.

A command's module is imported when the command is called, so `--help` and `mcp` start fast. Whoever adds a command
writes it with `cls=Command` (or `Group`) in a module of this package and names it in COMMANDS. What it returns is the
exit code, None meaning 0; what it raises becomes a message and a code here.
"""

import importlib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from ledger import __version__
from ledger.errors import LedgerError
from ledger.libpq.environment import take_variables
from projections.application.activity import places
from projections.cli import exits
from projections.cli.options import common_options

COMMANDS = {  # name -> where it is, and its sentence in the list
    "demo": ("projections.cli.starting:demo", "Set up an example project, ready to look at."),
    "init": ("projections.cli.starting:init", "Give this folder a ledger."),
    "status": ("projections.cli.reporting:status", "The status report of the project."),
    "log": ("projections.cli.reading:log", "What happened, event by event."),
    "show": ("projections.cli.reading:show", "One thing, whole: by reference, id or a vendor's name."),
    "ready": ("projections.cli.working:ready", "What can be begun now, the most important first."),
    "next": ("projections.cli.working:next_", "Claim the next ready work item."),
    "claim": ("projections.cli.working:claim", "Claim a work item for a time."),
    "renew": ("projections.cli.working:renew", "Keep a claimed work item longer."),
    "release": ("projections.cli.working:release", "Give a claimed work item back."),
    "comment": ("projections.cli.comments:comment", "Say something about an item, a vendor, a deployment, ..."),
    "archive": ("projections.cli.working:archive", "Put finished work that nobody touched for long out of the lists."),
    "restore": ("projections.cli.working:restore", "Bring a work item back from the archive."),
    "history": ("projections.cli.history:history", "What happened to one thing, change by change."),
    "diff": ("projections.cli.history:diff", "What differs between two points of one thing."),
    "undo": ("projections.cli.history:undo", "Take back a change or a whole command."),
    "changes": ("projections.cli.history:changes", "What changed since a position or a time."),
    "search": ("projections.cli.asking:search", "Find work items by their words."),
    "prime": ("projections.cli.asking:prime", "What an assistant reads first."),
    "bulk": ("projections.cli.asking:bulk", "Change many work items at once."),
    "vendors": ("projections.cli.reading:vendors", "The vendors and how they are."),
    "deployments": ("projections.cli.reading:deployments", "The newest deployments."),
    "operations": ("projections.cli.calling:operations", "What assistants can call, and with which arguments."),
    "call": ("projections.cli.calling:call", "Call any of the operations that assistants have."),
    "import": ("projections.cli.importing:import_", "Take over what another tool has recorded."),
    "export": ("projections.cli.exporting:export", "Hand out the events, the read models, the report."),
    "sync": ("projections.cli.syncing:sync", "Bring what waits on this machine to the database."),
    "conflicts": ("projections.cli.syncing:conflicts", "Queued changes that met others."),
    "resolve": ("projections.cli.syncing:resolve", "Decide a conflict: mine, theirs or edited."),
    "replay": ("projections.cli.replaying:replay_command", "Rebuild the read models from the log."),
    "publish": ("projections.cli.publishing:publish", "Copy the journal into the project, for version control."),
    "verify": ("projections.cli.verifying:verify", "Do journal, log and read models say the same?"),
    "rebuild": ("projections.cli.verifying:rebuild", "Make journal and database one history again."),
    "ledgers": ("projections.cli.ledgers:group", "The ledgers of this database, and who may use them."),
    "move": ("projections.cli.moving:move", "Take the ledger to another database, and back."),
    "mcp": ("projections.cli.serving:mcp", "Serve an assistant over stdio."),
    "serve": ("projections.cli.serving:serve", "Serve a team over HTTP, with tokens."),
    "open": ("projections.cli.console:open_console", "Open the web console of this project."),
    "token": ("projections.cli.tokens:token", "Make, list and revoke the tokens that `serve` lets in."),
    "doctor": ("projections.cli.doctor:doctor", "What is running where, what is wrong, what to do."),
}


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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])

    def main(  # type: ignore[override]  # ends the process in every case, as the original does in its standalone mode
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        given = list(sys.argv[1:] if args is None else args)
        try:
            with exits.noticing_closed_output():
                code = self._ended(given, prog_name or "tracking-ledger", extra)
                sys.stdout.flush()
        except exits.OutputClosed:
            code = exits.OUTPUT_CLOSED
        exits.leave(code)

    def make_context(self, *arguments: Any, **named: Any) -> click.Context:
        with exits.noticing_closed_output():  # before click does, which ends with the code of a fault
            return super().make_context(*arguments, **named)

    def invoke(self, ctx: click.Context) -> Any:
        with exits.noticing_closed_output():
            return super().invoke(ctx)

    def _ended(self, args: list[str], prog_name: str, extra: dict[str, Any]) -> int:
        as_json = "--json" in args  # also where the rest of the line cannot be understood
        try:
            return super().main(args, prog_name, standalone_mode=False, **extra) or exits.DONE
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            return exits.WRONG_USE
        except click.UsageError as error:
            if as_json:
                exits.tell_wrong_use(error.format_message(), error.ctx.get_usage() if error.ctx else "")
            else:
                error.show()
            return exits.WRONG_USE
        except LedgerError as error:
            exits.tell(error, as_json=as_json)
            return exits.of_error(error)
        except (click.Abort, KeyboardInterrupt):
            return exits.INTERRUPTED
        except exits.OutputClosed:
            return exits.OUTPUT_CLOSED
        except Exception as error:
            return _fault(error, as_json=as_json)


@click.command(cls=CommandLine, no_args_is_help=True, params=common_options(hidden=False))
@click.version_option(__version__, prog_name="tracking-ledger")
def cli() -> None:
    """A project's record, kept as events, for people and AI assistants.

    Start with `tracking-ledger demo`, or with `tracking-ledger init` in your project's folder.
    """


def main() -> NoReturn:
    take_variables()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal that lacks a letter still gets the line
    cli.main()


def _fault(error: Exception, *, as_json: bool) -> int:
    from projections.cli.output import answer_json, remark  # only here, as in `exits`

    answered = exits.fault(error, places(error))
    if as_json:
        answer_json(answered)
    else:
        remark(f"{answered['error']['message']}: this is a fault of the program", style="red")
        for place in answered["error"]["details"]["at"]:
            remark(f"  {place}")
        remark("next: the activity log has it (`tracking-ledger doctor` says where); please report these lines")
    return exits.FAULT
